/* Opening handshakes for the benchmark programs: a ws_conn over a socket, an engine over a socket, and two engines with nothing in
 * between.
 */
#ifndef OPEN_H
#define OPEN_H

#include "bench.h"

#include <unistd.h>

#define OPEN_URL "ws://localhost/"

static inline ws_dialer *open_dialer(const bench *self) {
  ws_dialer *dialer;
  BENCH_OK(ws_dialer_new(&dialer));
  BENCH_OK(ws_dialer_set_compression(dialer, self->deflate));
  BENCH_OK(ws_dialer_set_context_takeover(dialer, self->takeover, self->takeover));
  return dialer;
}

static inline ws_upgrader *open_upgrader(const bench *self) {
  ws_upgrader *upgrader;
  BENCH_OK(ws_upgrader_new(&upgrader));
  BENCH_OK(ws_upgrader_set_compression(upgrader, self->deflate));
  BENCH_OK(ws_upgrader_set_context_takeover(upgrader, self->takeover, self->takeover));
  return upgrader;
}

/* A ws_conn in the role of the arguments over their socket, whose other end does its part. */
static inline ws_conn *open_conn(const bench *self) {
  ws_conn *conn = NULL;
  ws_failure failure = {.struct_size = sizeof failure};
  ws_dial *dial;
  int status;
  if (self->is_client) {
    BENCH_OK(ws_dial_new(open_dialer(self), OPEN_URL, &dial, NULL));
    BENCH_OK(ws_dial_use_fd(dial, self->fd));
    status = ws_dial_run(dial, 0, &conn, &failure);
  } else {
    status = ws_upgrader_upgrade(open_upgrader(self), self->fd, NULL, 0, 0, &conn, &failure);
  }
  if (status != WS_OK) BENCH_FAIL("no connection: %s", failure.text);
  return conn;
}

static inline ws_engine *open_new_engine(const bench *self, int is_client) {
  ws_engine *engine = NULL;
  if (is_client) {
    BENCH_OK(ws_engine_new_client(open_dialer(self), OPEN_URL, NULL, NULL, &engine, NULL));
  } else {
    BENCH_OK(ws_engine_new_server(open_upgrader(self), 0, &engine));
  }
  return engine;
}

/* Takes the events there are, and accepts a request. True when the handshake is complete. */
static inline int open_advance(ws_engine *engine) {
  ws_event event = {.struct_size = sizeof event};
  int status = ws_engine_next_event(engine, &event);
  if (status == WS_AGAIN) return 0;
  BENCH_OK(status);
  if (event.type == WS_EVENT_OPEN) return 1;
  BENCH_CHECK(event.type == WS_EVENT_REQUEST);
  BENCH_OK(ws_engine_accept(engine));
  return open_advance(engine);
}

/* Sends the whole output over a socket that blocks. */
static inline void open_flush(ws_engine *engine, int fd) {
  ws_bytes output;
  BENCH_OK(ws_engine_output(engine, &output));
  if (output.size == 0) return;
  BENCH_CHECK(write(fd, output.data, output.size) == (ssize_t)output.size);
  BENCH_OK(ws_engine_sent(engine, output.size));
}

/* An engine over a socket that blocks. Reads byte by byte, so that not one behind the handshake is taken. */
static inline ws_engine *open_engine(const bench *self, int is_client) {
  ws_engine *engine = open_new_engine(self, is_client);
  uint8_t byte;
  open_flush(engine, self->fd);
  while (!open_advance(engine)) {
    BENCH_CHECK(read(self->fd, &byte, 1) == 1);
    BENCH_OK(ws_engine_feed(engine, &byte, 1));
  }
  open_flush(engine, self->fd);
  return engine;
}

/* Moves the whole output of one engine to the other. */
static inline void open_move(ws_engine *from, ws_engine *to) {
  ws_bytes output;
  BENCH_OK(ws_engine_output(from, &output));
  if (output.size == 0) return;
  BENCH_OK(ws_engine_feed(to, output.data, output.size));
  BENCH_OK(ws_engine_sent(from, output.size));
}

/* Two engines that talk to each other. */
static inline void open_pair(const bench *self, ws_engine **client, ws_engine **server) {
  *client = open_new_engine(self, 1);
  *server = open_new_engine(self, 0);
  open_move(*client, *server);
  BENCH_CHECK(open_advance(*server));
  open_move(*server, *client);
  BENCH_CHECK(open_advance(*client));
}

/* Takes the messages that are complete, and says how many. */
static inline size_t open_take(const bench *self, ws_engine *engine) {
  ws_event event = {.struct_size = sizeof event};
  size_t count = 0;
  int status;
  while ((status = ws_engine_next_event(engine, &event)) == WS_OK) {
    BENCH_CHECK(event.type == WS_EVENT_MESSAGE);
    bench_received(self, 0, event.opcode, event.data, event.size);
    count += 1;
  }
  BENCH_CHECK(status == WS_AGAIN);
  return count;
}

/* Some frames of the message, one behind the other, to be sent again and again: about 256 KiB, but one at least. */
typedef struct frames {
  uint8_t *bytes;
  size_t count;
  size_t one; /* the size of one frame; all are equal */
} frames;

static inline frames open_render(const bench *self, ws_engine *engine) {
  frames result = {.count = self->size < 262144 ? 262144 / (self->size + 14) : 1};
  ws_bytes output;
  for (size_t i = 0; i < result.count; i++) BENCH_OK(ws_engine_send(engine, bench_type(self), self->payload, self->size));
  BENCH_OK(ws_engine_output(engine, &output));
  BENCH_CHECK(output.size % result.count == 0);
  result.one = output.size / result.count;
  result.bytes = malloc(output.size);
  BENCH_CHECK(result.bytes != NULL);
  memcpy(result.bytes, output.data, output.size);
  BENCH_OK(ws_engine_sent(engine, output.size));
  return result;
}

#endif /* OPEN_H */
