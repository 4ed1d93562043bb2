/* A peer on a thread of its own that answers pings, as long and in the way that it is told.
 */
#ifndef ANSWERING_H
#define ANSWERING_H

#include "wire.h"

typedef struct answering {
  wire *w;
  int delay_ms;  /* before each pong */
  int silent;    /* counts pings and answers none */
  int stop;
  int pings;     /* that have come */
  int others;    /* frames that were none */
  int close;     /* the code of a close frame that has come, which is answered */
  pthread_t thread;
} answering;

static inline void *answering_run(void *argument) {
  answering *self = argument;
  peer_frame *frame = malloc(sizeof *frame);
  while (!__atomic_load_n(&self->stop, __ATOMIC_SEQ_CST)) {
    if (peer_silent(self->w->fd, 5)) continue;
    if (!peer_get_frame(self->w->fd, frame)) break;
    if (frame->first == 0x88) {
      self->close = frame->size < 2 ? 1005 : frame->data[0] << 8 | frame->data[1];
      peer_put_frame(self->w->fd, 0x88, self->w->masks, frame->data, frame->size);
      shutdown(self->w->fd, SHUT_WR);
      break;
    }
    if (frame->first != 0x89) self->others += 1;
    if (frame->first != 0x89) continue;
    __atomic_add_fetch(&self->pings, 1, __ATOMIC_SEQ_CST);
    if (self->delay_ms > 0) check_sleep(self->delay_ms);
    if (!self->silent) peer_put_frame(self->w->fd, 0x8a, self->w->masks, frame->data, frame->size);
  }
  free(frame);
  return NULL;
}

static inline void answering_start(answering *self, wire *w) {
  self->w = w;
  pthread_create(&self->thread, NULL, answering_run, self);
}

static inline void answering_end(answering *self) {
  __atomic_store_n(&self->stop, 1, __ATOMIC_SEQ_CST);
  pthread_join(self->thread, NULL);
}

static inline int answering_pings(answering *self) { return __atomic_load_n(&self->pings, __ATOMIC_SEQ_CST); }

static inline ws_statistics statistics_of(ws_conn *conn) {
  ws_statistics now = {.struct_size = sizeof now};
  EXPECT_STATUS(ws_conn_statistics(conn, &now), WS_OK);
  return now;
}

#endif /* ANSWERING_H */
