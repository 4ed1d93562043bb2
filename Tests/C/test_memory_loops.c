/* No memory, for those who bring a loop of their own: two engines that talk to each other, plain and compressed, and a connection
 * that does not block, with each of their blocks refused once. What comes of it is WS_ERR_NOMEM, of which the other side hears in an
 * orderly way, and nothing leaks.
 */
#include "engines.h"
#include "refuse.h"

#include <poll.h>

enum { SMALL = 3000, PART = 30000, PARTS = 3, LARGE = 600000 };

static uint8_t data[LARGE];

/* Half of it is worth compressing. */
static void fill_data(void) {
  uint32_t random = 1;
  for (size_t i = 0; i < sizeof data; i++) {
    random = random * 1664525 + 1013904223;
    data[i] = (i & 64) != 0 ? 'a' : (uint8_t)(random >> 24);
  }
}

/* ---- Engines ---- */

typedef struct side {
  ws_engine *engine;
  int role;
  int end; /* the result that ended it, WS_AGAIN before */
  int got;
  int is_stuck; /* a compressed message of which a part found no memory; it was closed with 1011 */
} side;

typedef struct talk {
  int compressed;
  int refused;
  side client, server;
} talk;

static int open_engines(talk *self) {
  ws_dialer *dialer;
  ws_upgrader *upgrader;
  self->client = (side){.role = AS_CLIENT, .end = WS_AGAIN};
  self->server = (side){.role = AS_SERVER, .end = WS_AGAIN};
  EXPECT_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_dialer_set_compression(dialer, self->compressed), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_compression(upgrader, self->compressed), WS_OK);
  AGAIN(self, ws_dialer_add_subprotocol(dialer, "chat"));
  AGAIN(self, ws_upgrader_add_subprotocol(upgrader, "chat"));
  AGAIN(self, ws_engine_new_client(dialer, "ws://localhost/chat", NULL, NULL, &self->client.engine, NULL));
  AGAIN(self, ws_engine_new_server(upgrader, 0, &self->server.engine));
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  return self->client.engine != NULL && self->server.engine != NULL;
}

static int send_part(talk *self, side *from, int i) {
  int type = i == 0 ? WS_BINARY : 0, is_last = i == PARTS - 1;
  int status = ws_engine_send_fragment(from->engine, type, data + i * PART, PART, is_last);
  self->refused += status == WS_ERR_NOMEM;
  return status == WS_ERR_NOMEM ? ws_engine_send_fragment(from->engine, type, data + i * PART, PART, is_last) : status;
}

static void send_all(talk *self, side *from) {
  AGAIN(self, ws_engine_send(from->engine, WS_BINARY, data, SMALL));
  for (int i = 0; i < PARTS && !from->is_stuck; i++) {
    int status = send_part(self, from, i);
    from->is_stuck = self->compressed && status == WS_ERR_NOMEM;
    if (!from->is_stuck) EXPECT_STATUS(status, WS_OK);
    AGAIN(self, ws_engine_send(from->engine, WS_PING, "ping", 4));
  }
  if (from->is_stuck) AGAIN(self, ws_engine_close(from->engine, 1011, NULL, 0));
}

/* What an event asks for. */
static int answer(talk *self, side *at, const ws_event *event) {
  switch (event->type) {
    case WS_EVENT_REQUEST: return ws_engine_accept(at->engine);
    case WS_EVENT_OPEN: send_all(self, at); return WS_OK;
    case WS_EVENT_MESSAGE:
      EXPECT_BYTES(event->data, event->size, data, at->got == 0 ? SMALL : PARTS * PART);
      at->got += 1;
      if (at->got == 2 && at->role == AS_CLIENT) AGAIN(self, ws_engine_close(at->engine, 1000, "enough", 6));
      return WS_OK;
    default: return WS_OK;
  }
}

static void end_side(talk *self, side *at, int status) {
  ws_failure failure = {.struct_size = sizeof failure};
  if (at->end != WS_AGAIN) return;
  at->end = status;
  if (status != WS_ERR_NOMEM) return;
  self->refused += 1;
  engine_gives(at->engine, WS_ERR_NOMEM);
  EXPECT_STATUS(ws_engine_failure(at->engine, &failure), WS_OK);
  EXPECT(failure.code == WS_ERR_NOMEM && failure.who == WS_BY_SYSTEM);
}

static void take_events(talk *self, side *at) {
  ws_event event = {.struct_size = sizeof event};
  int status = WS_OK;
  while (at->end == WS_AGAIN && status == WS_OK) {
    status = ws_engine_next_event(at->engine, &event);
    if (status == WS_OK) status = answer(self, at, &event);
  }
  if (status != WS_OK && status != WS_AGAIN) end_side(self, at, status);
}

/* Moves what is there, by copy or into the buffer, and says whether there was any; the end of the stream follows an end. */
static int move(talk *self, side *from, side *to, int by_copy) {
  ws_bytes output;
  void *space;
  size_t room;
  EXPECT_STATUS(ws_engine_output(from->engine, &output), WS_OK);
  size_t size = output.size;
  if (to->end == WS_AGAIN && by_copy && (size > 0 || from->end != WS_AGAIN)) {
    int status = ws_engine_feed(to->engine, output.data, size);
    if (status != WS_OK) end_side(self, to, status);
  } else if (to->end == WS_AGAIN && size > 0) {
    int status = ws_engine_buffer(to->engine, &space, &room);
    if (status != WS_OK) end_side(self, to, status);
    if (status == WS_OK && room < size) size = room;
    if (status == WS_OK) memcpy(space, output.data, size);
    if (status == WS_OK) EXPECT_STATUS(ws_engine_received(to->engine, size), WS_OK);
  }
  EXPECT_STATUS(ws_engine_sent(from->engine, size), WS_OK);
  take_events(self, to);
  return size > 0;
}

/* An end that the other side's lack of memory explains, or the orderly one. */
static int is_orderly(const side *at, const side *other) {
  if (at->end == WS_END || at->end == WS_ERR_NOMEM) return 1;
  if (at->end == WS_ERR_CLOSED && (at->is_stuck || other->is_stuck)) return 1;
  return other->end == WS_ERR_NOMEM && (at->end == WS_ERR_CLOSED || at->end == WS_ERR_LOST || at->end == WS_ERR_STATUS);
}

static void run_talk(void *argument) {
  talk *self = argument;
  if (open_engines(self)) {
    int round = 0, moved = 1;
    while (moved && round < 10000) {
      moved = move(self, &self->client, &self->server, round & 1);
      moved |= move(self, &self->server, &self->client, round & 2);
      round += 1;
    }
    for (int i = 0; i < 2; i++) { /* the end of the stream */
      move(self, &self->client, &self->server, 1);
      move(self, &self->server, &self->client, 1);
    }
    if (!is_orderly(&self->client, &self->server) || !is_orderly(&self->server, &self->client)) {
      check_fail(__FILE__, __LINE__, "the client ended with %d, the server with %d", self->client.end, self->server.end);
    }
    if (self->client.end == WS_END && self->server.end == WS_END) EXPECT(self->client.got == 2 && self->server.got == 2);
  }
  EXPECT_STATUS(ws_engine_free(self->client.engine), WS_OK);
  EXPECT_STATUS(ws_engine_free(self->server.engine), WS_OK);
}

static void refuse_engines(int compressed) {
  talk self = {.compressed = compressed};
  int told = 0, count;
  fill_data();
  count = refuse_each(run_talk, &self, &self.refused, &told);
  printf("engines%s: %d blocks refused, %d calls said so\n", compressed ? ", compressed" : "", count, told);
}

static void every_block_of_engines_refused(void) { refuse_engines(0); }
static void every_block_of_compressed_engines_refused(void) { refuse_engines(1); }

/* ---- A connection that does not block ---- */

typedef struct loop {
  wire w;
  int role;
  int refused;
} loop;

/* The peer takes what it can. Returns whether the connection has more to send. */
static int pass_on(loop *self) {
  static uint8_t sink[65536];
  int32_t fd, events = 0;
  while (recv(self->w.fd, sink, sizeof sink, MSG_DONTWAIT) > 0) {
  }
  EXPECT_STATUS(ws_conn_interest(self->w.conn, &fd, &events, NULL), WS_OK);
  return (events & POLLOUT) != 0;
}

/* A message that the socket does not take whole is kept; without memory for that, the frame that has begun cannot go on. */
static int write_large(loop *self) {
  int status = ws_conn_write(self->w.conn, WS_BINARY, data, sizeof data);
  self->refused += status == WS_ERR_NOMEM || status == WS_ERR_BROKEN;
  if (status == WS_ERR_NOMEM) status = ws_conn_write(self->w.conn, WS_BINARY, data, sizeof data);
  if (status == WS_ERR_BROKEN) return 0;
  EXPECT_STATUS(status, WS_OK);
  while (pass_on(self)) EXPECT_STATUS(ws_conn_service(self->w.conn), WS_OK);
  return 1;
}

/* A small message, prepared, fits. Its blocks are too small for the pool, which has the others. */
static void write_prepared(loop *self) {
  ws_prepared *message = NULL;
  AGAIN(self, ws_prepared_new(WS_BINARY, data, SMALL, &message));
  AGAIN(self, ws_conn_write_prepared(self->w.conn, message));
  EXPECT_STATUS(ws_prepared_free(message), WS_OK);
}

static void read_all(loop *self, int is_whole) {
  int32_t type;
  ws_bytes message;
  int got = 0, status;
  while ((status = ws_conn_read(self->w.conn, &type, &message)) == WS_OK || status == WS_AGAIN) {
    if (status == WS_OK) EXPECT_BYTES(message.data, message.size, data, SMALL + PART);
    got += status == WS_OK;
    pass_on(self);
  }
  self->refused += status == WS_ERR_NOMEM;
  if (status == WS_ERR_NOMEM) return;
  EXPECT_STATUS(status, WS_END);
  if (is_whole) EXPECT_INT(got, 1);
}

static void run_loop(void *argument) {
  loop *self = argument;
  int number = countdown;
  countdown = 0; /* how it came about is test_memory's */
  REQUIRE(wire_open(&self->w, self->role));
  EXPECT_STATUS(ws_conn_set_nonblocking(self->w.conn, 1), WS_OK);
  wire_put(&self->w, 0x02, data, SMALL);
  wire_put(&self->w, 0x89, data, 100);
  wire_put(&self->w, 0x80, data + SMALL, PART);
  peer_put_close(self->w.fd, self->w.masks, 1000, "enough");
  shutdown(self->w.fd, SHUT_WR);
  countdown = number;
  for (int i = 0; i < 3; i++) write_prepared(self);
  read_all(self, write_large(self));
  int left = countdown;
  countdown = 0;
  EXPECT_STATUS(ws_conn_free(self->w.conn), WS_OK);
  close(self->w.fd);
  countdown = left;
}

static void every_block_of_a_loop_refused(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    loop self = {.role = role};
    int told = 0, count;
    fill_data();
    count = refuse_each(run_loop, &self, &self.refused, &told);
    printf("%s, not blocking: %d blocks refused, %d calls said so\n", role == AS_SERVER ? "server" : "client", count, told);
  }
}

static const check_test tests[] = {
    TEST(every_block_of_engines_refused),
    TEST(every_block_of_compressed_engines_refused),
    TEST(every_block_of_a_loop_refused),
};
TEST_MAIN(tests)
