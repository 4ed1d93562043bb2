/* A server on a stage: a dial over a socket whose other end answers as it is told.
 */
#ifndef STAGE_H
#define STAGE_H

#include "wire.h"

/* A dial over a socket whose other end does as it is told, and what came of it. */
typedef struct staged {
  const char *fields;   /* added to a good answer; or */
  const char *response; /* the whole response, sent after the request was read */
  const void *after;    /* follows a good answer in the same segment */
  size_t after_size;
  int hang_up; /* closes after the response */
  int fd;
  char request[8192];
  ws_dial *dial;
  ws_conn *conn;
  ws_failure failure;
} staged;

static inline void *play_server(void *argument) {
  staged *self = argument;
  if (self->response == NULL) {
    EXPECT(peer_answer(self->fd, self->fields == NULL ? "" : self->fields, self->after, self->after_size));
  } else {
    EXPECT(peer_get_head(self->fd, self->request, sizeof self->request) > 0);
    peer_put_text(self->fd, self->response);
  }
  if (self->hang_up) shutdown(self->fd, SHUT_WR);
  return NULL;
}

static inline int staged_dial(staged *self, ws_dialer *dialer, const char *url) {
  int ends[2];
  pthread_t thread;
  peer_sockets(ends);
  self->fd = ends[0];
  self->conn = (ws_conn *)self;
  if (self->after == NULL) self->after = "";
  memset(&self->failure, 0, sizeof self->failure);
  self->failure.struct_size = sizeof self->failure;
  EXPECT_STATUS(ws_dial_new(dialer, url, &self->dial, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_use_fd(self->dial, ends[1]), WS_OK);
  pthread_create(&thread, NULL, play_server, self);
  int status = ws_dial_run(self->dial, ws_in_ms(check_limit(2000)), &self->conn, &self->failure);
  pthread_join(thread, NULL);
  return status;
}

static inline void staged_end(staged *self) {
  ws_conn_free(self->conn);
  EXPECT_STATUS(ws_dial_free(self->dial), WS_OK);
  close(self->fd);
}

#endif /* STAGE_H */
