/* Several threads on one connection: waking the blocked, writing at once, reading at once, and SIGPIPE.
 */
#include "busy.h"

static int read_once(void *conn) {
  int32_t type;
  ws_bytes message;
  return ws_conn_read(conn, &type, &message);
}

static int write_forever(void *conn) {
  static uint8_t data[100000];
  int status;
  do status = ws_conn_write(conn, WS_BINARY, data, sizeof data);
  while (status == WS_OK);
  return status;
}

/* More than any socket takes. */
static int write_much(void *conn) {
  uint8_t *data = calloc(1, 4000000);
  int status = ws_conn_write(conn, WS_BINARY, data, 4000000);
  free(data);
  return status;
}

/* Lets a thread block in run, then calls wake. Gives its status, and in how many ms it was back. */
static int woken(int (*run)(void *), ws_conn *conn, int (*wake)(ws_conn *), int64_t *ms) {
  busy_call call;
  busy_block(&call, run, conn);
  int64_t start = ws_now();
  EXPECT_STATUS(wake(conn), WS_OK);
  int status = busy_join(&call);
  *ms = (ws_now() - start) / 1000000;
  return status;
}

/* The machine may be busy: of three tries one must be quick. */
static void wakes(int (*run)(void *), int (*wake)(ws_conn *)) {
  int64_t ms, best = INT64_MAX;
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    for (int i = 0; i < 3; i++) {
      wire w;
      REQUIRE(wire_open(&w, role));
      EXPECT_STATUS(woken(run, w.conn, wake, &ms), WS_ERR_ABORTED);
      if (ms < best) best = ms;
      if (wake == ws_conn_free) w.conn = NULL;
      wire_close(&w);
    }
    EXPECT(best < check_limit(50));
  }
}

static void abort_wakes_a_blocked_read(void) { wakes(read_once, ws_conn_abort); }
static void abort_wakes_a_blocked_write(void) { wakes(write_forever, ws_conn_abort); }
static void the_last_free_wakes_a_blocked_read(void) { wakes(read_once, ws_conn_free); }
static void the_last_free_wakes_a_blocked_write(void) { wakes(write_forever, ws_conn_free); }

static void abort_is_seen_by_both_sides(void) {
  pair p;
  int32_t type;
  ws_bytes message;
  ws_failure failure = {.struct_size = sizeof failure};
  REQUIRE(pair_open(&p));
  EXPECT_STATUS(ws_conn_abort(p.client), WS_OK);
  EXPECT_STATUS(ws_conn_abort(p.client), WS_OK);
  EXPECT_STATUS(ws_conn_read(p.client, &type, &message), WS_ERR_ABORTED);
  EXPECT_STATUS(ws_conn_write(p.client, WS_TEXT, "x", 1), WS_ERR_ABORTED);
  EXPECT_STATUS(ws_conn_failure(p.client, WS_READ, &failure), WS_OK);
  EXPECT_INT(failure.code, WS_ERR_ABORTED);
  EXPECT_INT(failure.who, WS_BY_US);
  EXPECT_STATUS(ws_conn_read(p.server, &type, &message), WS_ERR_LOST);
  pair_close(&p);
}

/* A reference that is not the last one wakes nobody. */
static void another_reference_keeps_the_connection(void) {
  wire w;
  busy_call call;
  REQUIRE(busy_open(&w, &call, read_once));
  REQUIRE(ws_conn_retain(w.conn) == w.conn);
  EXPECT_STATUS(ws_conn_free(w.conn), WS_OK);
  check_settle();
  EXPECT_INT(busy_status(&call), STILL_BLOCKED);
  wire_put_text(&w, 0x81, "still here");
  EXPECT_STATUS(busy_join(&call), WS_OK);
  wire_close(&w);
}

static void a_second_reader_is_refused(void) {
  wire w;
  busy_call call;
  REQUIRE(busy_open(&w, &call, read_once));
  wire_read_gives(&w, WS_ERR_STATE);
  wire_put_text(&w, 0x81, "x");
  EXPECT_STATUS(busy_join(&call), WS_OK);
  wire_put_text(&w, 0x81, "y");
  wire_reads(&w, "y");
  wire_close(&w);
}

enum { WRITERS = 8, MESSAGES = 200, LONGEST = 30000 };

typedef struct writer {
  ws_conn *conn;
  int number;
} writer;

/* Message i of a writer: its number, i, then bytes that follow from both; the size too. */
static size_t compose(uint8_t *data, int number, int i) {
  size_t size = 4 + (size_t)(number * 7919 + i * 104729) % (LONGEST - 4);
  if (i % 3 != 0) size = 4 + size % 120;
  data[0] = (uint8_t)number;
  data[1] = (uint8_t)(i >> 8);
  data[2] = (uint8_t)i;
  for (size_t at = 3; at < size; at++) data[at] = (uint8_t)(number * 31 + i + (int)(at % 251));
  return size;
}

static void *write_all(void *argument) {
  writer *self = argument;
  uint8_t *data = malloc(LONGEST);
  for (int i = 0; i < MESSAGES; i++) {
    size_t size = compose(data, self->number, i);
    if (!EXPECT_STATUS(ws_conn_write(self->conn, WS_BINARY, data, size), WS_OK)) break;
    if (i % 50 == 0) EXPECT_STATUS(ws_conn_write_control(self->conn, WS_PING, data, 3, WS_NEVER), WS_OK);
  }
  free(data);
  return NULL;
}

/* Reads all messages; each must be whole and each writer's in order. */
static void read_all(ws_conn *conn) {
  uint8_t *expected = malloc(LONGEST);
  int next[WRITERS] = {0};
  for (int count = 0; count < WRITERS * MESSAGES; count++) {
    int32_t type;
    ws_bytes message;
    if (!EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_OK)) break;
    if (!EXPECT(message.size >= 4 && message.data[0] < WRITERS)) break;
    int number = message.data[0];
    size_t size = compose(expected, number, next[number]++);
    if (!EXPECT_BYTES(message.data, message.size, expected, size)) break;
  }
  free(expected);
}

/* The sender reads meanwhile, so that its peer's pongs go somewhere. */
static void eight_writers_at_once(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    pair p;
    pthread_t threads[WRITERS];
    writer writers[WRITERS];
    busy_call listener;
    REQUIRE(pair_open(&p));
    ws_conn *from = role == AS_SERVER ? p.server : p.client, *to = role == AS_SERVER ? p.client : p.server;
    busy_start(&listener, read_once, from);
    for (int i = 0; i < WRITERS; i++) {
      writers[i] = (writer){from, i};
      pthread_create(&threads[i], NULL, write_all, &writers[i]);
    }
    read_all(to);
    for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
    EXPECT_STATUS(ws_conn_abort(from), WS_OK);
    EXPECT_STATUS(busy_join(&listener), WS_ERR_ABORTED);
    pair_close(&p);
  }
}

/* A deadline covers the wait for another writer too; nothing was sent, so it is no harm. */
static void waiting_for_another_writer_times_out(void) {
  wire w;
  busy_call call;
  REQUIRE(busy_open(&w, &call, write_much));
  int64_t start = check_ms();
  EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, "x", 1, ws_in_ms(50)), WS_ERR_TIMEOUT);
  EXPECT(check_ms() - start >= 49);
  EXPECT_WITHIN(start, 500);
  EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, "x", 1, 1), WS_ERR_TIMEOUT);
  EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, 50), WS_OK);
  wire_write_gives(&w, "y", WS_ERR_TIMEOUT);
  EXPECT_STATUS(ws_conn_abort(w.conn), WS_OK);
  EXPECT_STATUS(busy_join(&call), WS_ERR_ABORTED);
  wire_close(&w);
}

/* While output is blocked, a reader must not be stuck on the pongs it owes. */
static void pings_do_not_block_a_reader_while_output_is_blocked(void) {
  wire w;
  busy_call call;
  REQUIRE(busy_open(&w, &call, write_much));
  int64_t start = check_ms();
  for (int i = 0; i < 20; i++) wire_put_text(&w, 0x89, "ping");
  wire_put_text(&w, 0x81, "x");
  wire_reads(&w, "x");
  EXPECT_WITHIN(start, 500);
  EXPECT_STATUS(ws_conn_abort(w.conn), WS_OK);
  EXPECT_STATUS(busy_join(&call), WS_ERR_ABORTED);
  wire_close(&w);
}

static volatile sig_atomic_t pipes;
static void on_pipe(int number) { pipes += number == SIGPIPE; }

/* Writing to a peer that is gone is an error, on every way out, and never a signal. */
static void sigpipe_is_never_raised(void) {
  struct sigaction action = {.sa_handler = on_pipe}, before;
  pipes = 0;
  sigaction(SIGPIPE, &action, &before);
  for (int tcp = 0; tcp < 2; tcp++) {
    wire w;
    int status = WS_OK;
    REQUIRE(tcp ? wire_open_tcp(&w, AS_CLIENT) : wire_open(&w, AS_CLIENT));
    close(w.fd);
    w.fd = -1;
    for (int i = 0; i < 100 && status == WS_OK; i++) status = ws_conn_write(w.conn, WS_TEXT, "anybody?", 8);
    EXPECT_STATUS(status, WS_ERR_LOST);
    EXPECT(ws_conn_write(w.conn, WS_TEXT, "x", 1) == status);
    EXPECT(ws_conn_write_control(w.conn, WS_PING, "x", 1, 0) < 0);
    EXPECT(ws_conn_close_begin(w.conn, 1000, NULL, 0) <= 0);
    EXPECT(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(1000)) < 0);
    wire_close(&w);
  }
  sigaction(SIGPIPE, &before, NULL);
  EXPECT_INT(pipes, 0);
}

/* Everything at once on one connection, again and again; each call must come back with something it may say. */
static void *meddle(void *argument) {
  ws_conn *conn = argument;
  for (int i = 0; i < 50; i++) {
    int status = ws_conn_write(conn, WS_TEXT, "meddling", 8);
    EXPECT(status == WS_OK || status < 0);
    status = ws_conn_write_control(conn, WS_PING, "x", 1, ws_in_ms(10));
    EXPECT(status == WS_OK || status < 0);
    ws_conn_set_read_limit(conn, 1000);
    ws_conn_set_ping_handler(conn, NULL, NULL, NULL);
    if (i == 40) ws_conn_close_begin(conn, 1000, NULL, 0);
  }
  ws_conn_free(conn);
  return NULL;
}

static void many_threads_and_an_end(void) {
  for (int round = 0; round < 10; round++) {
    pair p;
    pthread_t threads[6];
    int32_t type;
    ws_bytes message;
    REQUIRE(pair_open(&p));
    for (int i = 0; i < 6; i++) {
      pthread_create(&threads[i], NULL, meddle, ws_conn_retain(i % 2 == 0 ? p.client : p.server));
    }
    while (ws_conn_read(p.server, &type, &message) == WS_OK) {
    }
    ws_conn_close(p.server, 1000, NULL, 0, ws_in_ms(50));
    pair_close(&p);
    for (int i = 0; i < 6; i++) pthread_join(threads[i], NULL);
  }
}

/* Somebody is in the way and the peer is silent: the deadline holds, and who was blocked is released. */
static void closing_beside(int (*run)(void *)) {
  wire w;
  busy_call call;
  REQUIRE(busy_open(&w, &call, run));
  int64_t start = check_ms();
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(60)), WS_ERR_TIMEOUT);
  EXPECT_WITHIN(start, 1000);
  EXPECT(busy_join(&call) < 0);
  wire_close(&w);
}

static void closing_beside_a_blocked_writer(void) { closing_beside(write_much); }
static void closing_beside_a_reader(void) { closing_beside(read_once); }

static int close_one(void *conn) { return ws_conn_close(conn, 1000, NULL, 0, ws_in_ms(check_limit(3000))); }

/* Both ends, two threads each: one close frame a side, and everybody is told that it went well. */
static void closing_from_many_threads(void) {
  pair p;
  busy_call closers[4];
  REQUIRE(pair_open(&p));
  for (int i = 0; i < 4; i++) busy_start(&closers[i], close_one, i % 2 == 0 ? p.client : p.server);
  for (int i = 0; i < 4; i++) EXPECT_STATUS(busy_join(&closers[i]), WS_OK);
  pair_close(&p);
}

typedef struct shared {
  ws_dialer *dialer;
  ws_upgrader *upgrader;
} shared;

static void *open_many(void *argument) {
  shared *both = argument;
  for (int i = 0; i < 20; i++) {
    pair p;
    if (!pair_open_with(&p, both->dialer, both->upgrader)) break;
    expect_subprotocol(p.client, "chat");
    pair_close(&p);
  }
  return NULL;
}

static void configurations_are_shared_between_threads(void) {
  shared both;
  pthread_t threads[8];
  REQUIRE_STATUS(ws_dialer_new(&both.dialer), WS_OK);
  REQUIRE_STATUS(ws_upgrader_new(&both.upgrader), WS_OK);
  EXPECT_STATUS(ws_dialer_add_subprotocol(both.dialer, "chat"), WS_OK);
  EXPECT_STATUS(ws_upgrader_add_subprotocol(both.upgrader, "chat"), WS_OK);
  for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, open_many, &both);
  for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
  EXPECT_STATUS(ws_dialer_free(both.dialer), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(both.upgrader), WS_OK);
}

static const check_test tests[] = {
    TEST(abort_wakes_a_blocked_read),
    TEST(abort_wakes_a_blocked_write),
    TEST(the_last_free_wakes_a_blocked_read),
    TEST(the_last_free_wakes_a_blocked_write),
    TEST(abort_is_seen_by_both_sides),
    TEST(another_reference_keeps_the_connection),
    TEST(a_second_reader_is_refused),
    TEST(eight_writers_at_once),
    TEST(waiting_for_another_writer_times_out),
    TEST(pings_do_not_block_a_reader_while_output_is_blocked),
    TEST(sigpipe_is_never_raised),
    TEST(many_threads_and_an_end),
    TEST(closing_beside_a_blocked_writer),
    TEST(closing_beside_a_reader),
    TEST(closing_from_many_threads),
    TEST(configurations_are_shared_between_threads),
};
TEST_MAIN(tests)
