/* Connections to test with: the library at one end or at both, over Unix sockets in this process.
 */
#ifndef WIRE_H
#define WIRE_H

#include "peer.h"

/* What the library is in a test; most tests run for both. */
enum { AS_SERVER = 0, AS_CLIENT = 1 };

/* A connection of the library and a peer made by hand at its other end. */
typedef struct wire {
  ws_conn *conn;
  int fd;     /* the peer's */
  int masks;  /* whether the peer is a client, which masks */
} wire;

static inline void *wire_answer(void *fd) {
  EXPECT(peer_answer(*(int *)fd, "", "", 0));
  return NULL;
}

/* Takes fd and gives a client's connection, with the peer answering at the other end. */
static inline ws_conn *wire_client(ws_dialer *dialer, int fd, ws_failure *failure) {
  ws_dial *dial;
  ws_conn *conn = NULL;
  if (!EXPECT_STATUS(ws_dial_new(dialer, "ws://localhost/", &dial, NULL), WS_OK)) return NULL;
  EXPECT_STATUS(ws_dial_use_fd(dial, fd), WS_OK);
  EXPECT_STATUS(ws_dial_run(dial, ws_in_ms(check_limit(PEER_WAIT)), &conn, failure), WS_OK);
  EXPECT_STATUS(ws_dial_free(dial), WS_OK);
  return conn;
}

static inline int wire_open_client(wire *w, ws_dialer *dialer, const int ends[2]) {
  pthread_t thread;
  w->fd = ends[0];
  w->masks = 0;
  pthread_create(&thread, NULL, wire_answer, &w->fd);
  w->conn = wire_client(dialer, ends[1], NULL);
  pthread_join(thread, NULL);
  return w->conn != NULL;
}

static inline int wire_open_server(wire *w, ws_upgrader *upgrader, const int ends[2]) {
  char head[2048];
  w->fd = ends[0];
  w->masks = 1;
  w->conn = NULL;
  peer_put_text(w->fd, PEER_REQUEST);
  int status = ws_upgrader_upgrade(upgrader, ends[1], NULL, 0, ws_in_ms(check_limit(PEER_WAIT)), &w->conn, NULL);
  if (!EXPECT_STATUS(status, WS_OK)) return 0;
  EXPECT(peer_get_head(w->fd, head, sizeof head) > 0);
  EXPECT(strncmp(head, "HTTP/1.1 101 ", 13) == 0);
  EXPECT(strstr(head, PEER_ACCEPT) != NULL);
  return 1;
}

/* Opens a connection over a Unix socket; 0 when that failed. */
static inline int wire_open(wire *w, int role) {
  int ends[2];
  peer_sockets(ends);
  return role == AS_CLIENT ? wire_open_client(w, NULL, ends) : wire_open_server(w, NULL, ends);
}

/* The same over TCP, where a reset can lose data. */
static inline int wire_open_tcp(wire *w, int role) {
  int ends[2];
  peer_tcp(ends);
  return role == AS_CLIENT ? wire_open_client(w, NULL, ends) : wire_open_server(w, NULL, ends);
}

static inline void wire_close(wire *w) {
  ws_conn_free(w->conn);
  if (w->fd >= 0) close(w->fd);
}

/* RFC 6455 1.9: what was agreed on; "" for none. */
static inline void expect_subprotocol(ws_conn *conn, const char *wanted) {
  ws_bytes name;
  if (EXPECT_STATUS(ws_conn_subprotocol(conn, &name), WS_OK)) EXPECT_BYTES(name.data, name.size, wanted, strlen(wanted));
}

/* The peer sends one frame. */
static inline void wire_put(wire *w, int first, const void *data, size_t size) {
  EXPECT(peer_put_frame(w->fd, first, w->masks, data, size));
}

static inline void wire_put_text(wire *w, int first, const char *text) { wire_put(w, first, text, strlen(text)); }

/* The library reads one message, which must be this text. */
static inline int wire_reads(wire *w, const char *text) {
  int32_t type;
  ws_bytes message;
  if (!EXPECT_STATUS(ws_conn_read(w->conn, &type, &message), WS_OK)) return 0;
  EXPECT_INT(type, WS_TEXT);
  return EXPECT_BYTES(message.data, message.size, text, strlen(text));
}

/* The library reads, and this is what comes of it; outputs must be empty. */
static inline int wire_read_gives(wire *w, int status) {
  int32_t type = 77;
  ws_bytes message = {(const uint8_t *)"x", 1};
  if (!EXPECT_STATUS(ws_conn_read(w->conn, &type, &message), status)) return 0;
  return EXPECT(type == 0 && message.data == NULL && message.size == 0);
}

static inline int wire_write_gives(wire *w, const char *text, int status) {
  return EXPECT_STATUS(ws_conn_write(w->conn, WS_TEXT, text, strlen(text)), status);
}

/* The peer receives one frame, which must be this. */
static inline int wire_gets(wire *w, int first, const void *data, size_t size) {
  peer_frame frame;
  if (!EXPECT(peer_get_frame(w->fd, &frame))) return 0;
  EXPECT_INT(frame.first, first);
  EXPECT_INT(frame.masked, !w->masks); /* RFC 6455 5.1 */
  return EXPECT_BYTES(frame.data, frame.size, data, size);
}

static inline int wire_gets_text(wire *w, int first, const char *text) {
  return wire_gets(w, first, text, strlen(text));
}

/* Both ends are the library's. */
typedef struct pair {
  ws_conn *client;
  ws_conn *server;
} pair;

typedef struct pair_half {
  ws_upgrader *upgrader;
  int fd;
  ws_conn *conn;
} pair_half;

static inline void *pair_serve(void *argument) {
  pair_half *half = argument;
  int64_t deadline = ws_in_ms(check_limit(PEER_WAIT));
  EXPECT_STATUS(ws_upgrader_upgrade(half->upgrader, half->fd, NULL, 0, deadline, &half->conn, NULL), WS_OK);
  return NULL;
}

/* dialer and upgrader may be NULL. 0 when one side failed. */
static inline int pair_open_with(pair *p, ws_dialer *dialer, ws_upgrader *upgrader) {
  int ends[2];
  pthread_t thread;
  peer_sockets(ends);
  pair_half half = {upgrader, ends[1], NULL};
  pthread_create(&thread, NULL, pair_serve, &half);
  p->client = wire_client(dialer, ends[0], NULL);
  pthread_join(thread, NULL);
  p->server = half.conn;
  return p->client != NULL && p->server != NULL;
}

static inline int pair_open(pair *p) { return pair_open_with(p, NULL, NULL); }

static inline void pair_close(pair *p) {
  ws_conn_free(p->client);
  ws_conn_free(p->server);
}

#endif /* WIRE_H */
