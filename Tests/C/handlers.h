/* Handlers that remember what they saw and do what they are told.
 */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "wire.h"

/* What a handler saw and what it is to do; freed counts the calls of its ws_free_fn. */
typedef struct seen {
  int calls;
  int freed;
  int code;
  char data[128];
  size_t size;
  int answer; /* what the handler returns */
  pthread_t thread;
  void (*act)(ws_conn *conn, struct seen *self);
} seen;

static inline int on_control(ws_conn *conn, const void *data, size_t size, void *user) WS_NOEXCEPT {
  seen *self = user;
  self->calls += 1;
  self->size = size;
  self->thread = pthread_self();
  if (size > 0) memcpy(self->data, data, size);
  if (self->act != NULL) self->act(conn, self);
  return self->answer;
}

static inline int on_close(ws_conn *conn, uint16_t code, const void *reason, size_t size, void *user) WS_NOEXCEPT {
  ((seen *)user)->code = code;
  return on_control(conn, reason, size, user);
}

static inline void on_free(void *user) WS_NOEXCEPT { ((seen *)user)->freed += 1; }

#endif /* HANDLERS_H */
