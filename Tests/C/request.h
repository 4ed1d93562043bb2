/* A client on a stage: sends a request as it is told, has the library answer it, and keeps what came back.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "wire.h"

#define REQUEST_LINE "GET /chat?room=1 HTTP/1.1\r\n"
#define REQUEST_HOST "Host: localhost\r\n"
#define REQUEST_KEY "Sec-WebSocket-Key: " PEER_KEY "\r\nSec-WebSocket-Version: 13\r\n"
#define REQUEST_REST PEER_UPGRADE REQUEST_KEY /* all but the request line and Host */

typedef struct request {
  int fd; /* the client's */
  int status;
  ws_conn *conn;
  ws_failure failure;
  char head[4096]; /* the answer; empty when none came */
} request;

/* The status on the wire, 0 when there was no answer. */
static inline int request_answer(const request *self) {
  return strncmp(self->head, "HTTP/1.1 ", 9) == 0 ? atoi(self->head + 9) : 0;
}

/* The request is in the socket before the library looks, so that one thread is enough, and the client has nothing more to
 * say, because a refusal waits a while for the client's end of the stream. Takes fds[1], the server's. */
static inline void request_over(request *self, const int fds[2], ws_upgrader *upgrader, const char *text, size_t size) {
  int64_t deadline = ws_in_ms(check_limit(2000));
  self->fd = fds[0];
  self->conn = (ws_conn *)self;
  self->failure = (ws_failure){.struct_size = sizeof self->failure};
  peer_put(self->fd, text, size);
  if (size > 0) shutdown(self->fd, SHUT_WR);
  self->status = ws_upgrader_upgrade(upgrader, fds[1], NULL, 0, deadline, &self->conn, &self->failure);
  peer_get_head(self->fd, self->head, sizeof self->head);
}

static inline void request_send(request *self, ws_upgrader *upgrader, const char *text) {
  int ends[2];
  peer_sockets(ends);
  request_over(self, ends, upgrader, text, strlen(text));
}

/* Over TCP on 127.0.0.1, where the rules for loopback addresses hold. */
static inline void request_send_tcp(request *self, ws_upgrader *upgrader, const char *text) {
  int ends[2];
  peer_tcp(ends);
  request_over(self, ends, upgrader, text, strlen(text));
}

static inline void request_end(request *self) {
  ws_conn_free(self->conn);
  close(self->fd);
}

/* After a refusal: no connection, a failure that says the same, and the end of the stream behind the answer. */
static inline void request_refused(request *self, int status, int answer, const char *what) {
  if (self->status != status || request_answer(self) != answer) {
    check_fail(__FILE__, __LINE__, "%.60s... gave %d and was answered %d, not %d and %d", what, self->status,
               request_answer(self), status, answer);
  }
  EXPECT(self->conn == NULL);
  EXPECT_INT(self->failure.code, self->status);
  EXPECT_INT(self->failure.http_status, answer);
  EXPECT(self->failure.text[0] != '\0');
  char byte;
  while (peer_get(self->fd, &byte, 1) == 1) {
  }
  EXPECT(peer_ended(self->fd));
}

#endif /* REQUEST_H */
