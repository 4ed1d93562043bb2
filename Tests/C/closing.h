/* A peer that answers close frames as it is told, in a thread of its own.
 */
#ifndef CLOSING_H
#define CLOSING_H

#include "wire.h"

/* The peer in a thread of its own: waits for the library's close frame, says something, ends. */
typedef struct answerer {
  wire *w;
  int code;         /* to answer with; 0: a close frame without code; -1: no close frame at all */
  const char *data; /* a message before the answer, unless NULL */
  int got;          /* the library's code */
} answerer;

static inline void *answer_close(void *argument) {
  answerer *self = argument;
  self->got = peer_get_close(self->w->fd);
  if (self->data != NULL) wire_put_text(self->w, 0x81, self->data);
  if (self->code >= 0) peer_put_close(self->w->fd, self->w->masks, self->code, "");
  close(self->w->fd);
  self->w->fd = -1;
  return NULL;
}

/* Closes against a peer that answers as told; returns what ws_conn_close gave. */
static inline int close_with(wire *w, answerer *peer, uint16_t code, const char *reason) {
  pthread_t thread;
  peer->w = w;
  pthread_create(&thread, NULL, answer_close, peer);
  int status = ws_conn_close(w->conn, code, reason, strlen(reason), ws_in_ms(check_limit(3000)));
  pthread_join(thread, NULL);
  return status;
}

static inline void expect_codes(wire *w, int theirs, const char *reason, int ours) {
  uint16_t got_theirs = 7, got_ours = 7;
  ws_bytes got;
  EXPECT_STATUS(ws_conn_close_codes(w->conn, &got_theirs, &got, &got_ours), WS_OK);
  EXPECT_INT(got_theirs, theirs);
  EXPECT_INT(got_ours, ours);
  EXPECT_BYTES(got.data, got.size, reason, strlen(reason));
}

#endif /* CLOSING_H */
