/* A client inside a poll loop of its own: messages, a timer and the closing handshake, and nothing that waits but poll(2).
 *
 *   embed_poll URL [MESSAGE...]
 *
 * Sends a message, prints the reply, sends the next one; and a ping every 200 ms. Closes after the last reply, or after 5 s without
 * one. Exit status 0 when every message came back and the connection was closed properly.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <wsswift.h>

enum { PING_EVERY_MS = 200, REPLY_WITHIN_MS = 5000 };

typedef struct client {
  ws_conn *conn;
  char **messages; /* the next one to send */
  int left;        /* how many are to be sent */
  int is_waiting;  /* for a reply */
  int64_t ping_at, give_up_at;
} client;

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

/* Milliseconds until then, for poll: -1 for ever. */
static int until(int64_t deadline) {
  if (deadline == WS_NEVER) return -1;
  int64_t left = (deadline - ws_now() + 999999) / 1000000;
  return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* Polls for what the connection wants, and for our own timers. */
static int wait_for(client *self) {
  struct pollfd on = {-1, 0, 0};
  int32_t events;
  int64_t deadline;
  if (ws_conn_interest(self->conn, &on.fd, &events, &deadline) != WS_OK) return 0;
  on.events = (short)events;
  deadline = earlier(deadline, earlier(self->ping_at, self->give_up_at));
  return poll(&on, 1, until(deadline)) >= 0 || errno == EINTR;
}

/* Prints what has arrived. WS_AGAIN: that was all. */
static int read_all(client *self) {
  int status;
  int32_t type;
  ws_bytes message;
  while ((status = ws_conn_read(self->conn, &type, &message)) == WS_OK) {
    printf("%.*s\n", (int)message.size, (const char *)message.data);
    self->is_waiting = 0;
  }
  return status;
}

/* Sends what is due: the next message, a ping. A full socket is no error: poll says when it is over. */
static int write_due(client *self) {
  int status = WS_OK;
  if (!self->is_waiting && self->left > 0) {
    status = ws_conn_write(self->conn, WS_TEXT, self->messages[0], strlen(self->messages[0]));
    if (status == WS_OK) {
      self->messages += 1;
      self->left -= 1;
      self->is_waiting = 1;
      self->give_up_at = ws_in_ms(REPLY_WITHIN_MS);
    }
  }
  if (status == WS_OK && ws_now() >= self->ping_at) {
    self->ping_at = ws_in_ms(PING_EVERY_MS);
    status = ws_conn_write_control(self->conn, WS_PING, "", 0, 0);
  }
  return status;
}

/* The conversation. WS_AGAIN: it is over, and the connection is still open. */
static int talk(client *self) {
  while (self->is_waiting || self->left > 0) {
    int status = write_due(self);
    if (status < 0 || !wait_for(self)) return status;
    if ((status = read_all(self)) != WS_AGAIN) return status;
    if ((status = ws_conn_service(self->conn)) < 0) return status;
    if (self->is_waiting && ws_now() >= self->give_up_at) return WS_ERR_TIMEOUT;
  }
  return WS_AGAIN;
}

static int close_properly(client *self) {
  int status;
  self->ping_at = self->give_up_at = WS_NEVER;
  while ((status = ws_conn_close(self->conn, 1000, NULL, 0, 0)) == WS_AGAIN && wait_for(self)) {
    if (ws_conn_service(self->conn) < 0) break;
  }
  return status;
}

int main(int argc, char **argv) {
  static char *greeting[] = {(char *)"hello from a poll loop"};
  ws_failure failure = {.struct_size = sizeof failure};
  client self = {.messages = argc > 2 ? argv + 2 : greeting, .left = argc > 2 ? argc - 2 : 1};
  if (argc < 2) return fprintf(stderr, "usage: embed_poll URL [MESSAGE...]\n"), 2;
  if (ws_dialer_dial(NULL, argv[1], 0, &self.conn, &failure) != WS_OK) return fprintf(stderr, "%s\n", failure.text), 1;
  ws_conn_set_nonblocking(self.conn, 1);
  self.ping_at = ws_in_ms(PING_EVERY_MS);
  self.give_up_at = WS_NEVER;
  int talked = talk(&self), closed = close_properly(&self);
  if (talked != WS_AGAIN || closed != WS_OK) fprintf(stderr, "%s\n", ws_strerror(talked != WS_AGAIN ? talked : closed));
  ws_conn_free(self.conn);
  return talked == WS_AGAIN && closed == WS_OK ? 0 : 1;
}
