/* A server that answers as a script says, and dialing it. */
#ifndef DIAL_SCRIPT_H
#define DIAL_SCRIPT_H

#include "failures.h"
#include "tls.h"

enum { CLIENTS = 8 };

/* A server that answers one client after the other, and keeps what they asked. "PORT" in an answer is its own port. */
typedef struct script {
  const char *answers[CLIENTS]; /* NULL: 101, with these fields */
  const char *fields;
  int listener, served;
  uint16_t port;
  char requests[CLIENTS][4096];
  pthread_t thread;
} script;

static inline void script_say(int fd, const char *answer, int port) {
  char text[2048];
  const char *mark = strstr(answer, "PORT");
  if (mark == NULL) peer_put_text(fd, answer);
  else if (snprintf(text, sizeof text, "%.*s%d%s", (int)(mark - answer), answer, port, mark + 4) > 0) peer_put_text(fd, text);
}

static inline void *script_run(void *argument) {
  script *self = argument;
  for (int fd; self->served < CLIENTS && (fd = accept(self->listener, NULL, NULL)) >= 0; self->served++) {
    char *request = self->requests[self->served], key[64], accepted[29], answer[2048];
    peer_get_head(fd, request, sizeof self->requests[0]);
    peer_field(request, "Sec-WebSocket-Key", key, sizeof key);
    accept_key(key, accepted);
    snprintf(answer, sizeof answer, "HTTP/1.1 101 Go\r\n" PEER_UPGRADE "Sec-WebSocket-Accept: %s\r\n%s\r\n", accepted,
             self->fields == NULL ? "" : self->fields);
    script_say(fd, self->answers[self->served] == NULL ? answer : self->answers[self->served], self->port);
    shutdown(fd, SHUT_WR);
    char rest[64];
    while (recv(fd, rest, sizeof rest, 0) > 0) {
    }
    close(fd);
  }
  return NULL;
}

static inline void script_start(script *self) {
  self->listener = peer_listen(&self->port);
  pthread_create(&self->thread, NULL, script_run, self);
}

static inline void script_stop(script *self) {
  shutdown(self->listener, SHUT_RDWR);
  pthread_join(self->thread, NULL);
  close(self->listener);
}

static ws_failure got;

/* Dials that server once; the connection is not kept. */
static inline int dial_host(ws_dialer *dialer, const script *server, const char *before, const char *path) {
  char url[200];
  ws_conn *conn;
  got = none();
  snprintf(url, sizeof url, "ws://%s:%d%s", before, server->port, path);
  int status = ws_dialer_dial(dialer, url, ws_in_ms(check_limit(PEER_WAIT)), &conn, &got);
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  return status;
}

static inline int dial(ws_dialer *dialer, const script *server, const char *path) { return dial_host(dialer, server, "127.0.0.1", path); }

static inline void expect_field(const char *request, const char *name, const char *wanted) {
  char value[600];
  peer_field(request, name, value, sizeof value);
  EXPECT_TEXT(value, wanted);
}

static inline ws_dialer *dialer_new(void) {
  ws_dialer *dialer = NULL;
  EXPECT_STATUS(ws_dialer_new(&dialer), WS_OK);
  return dialer;
}

#define TO(location) "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " location "\r\n\r\n"

static int freed; /* how many user pointers */

static inline void count_free(void *user) WS_NOEXCEPT { (void)user, freed += 1; }

#endif /* DIAL_SCRIPT_H */
