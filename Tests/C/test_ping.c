/* A ping that waits for its pong: alone, beside readers and closers, from many threads, and inside a poll loop.
 */
#include "answering.h"
#include "busy.h"
#include "handlers.h"

static int read_one(void *argument) {
  int32_t type;
  ws_bytes message;
  return ws_conn_read(((wire *)argument)->conn, &type, &message);
}

static int ping_once(void *argument) { return ws_conn_ping(((wire *)argument)->conn, ws_in_ms(check_limit(3000)), NULL); }

static void nobody_reads(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    answering peer = {.delay_ms = 50};
    int64_t span = 0;
    REQUIRE(wire_open(&w, role));
    answering_start(&peer, &w);
    int64_t start = check_ms();
    EXPECT_STATUS(ws_conn_ping(w.conn, 0, &span), WS_OK);
    EXPECT_WITHIN(start, 1000);
    EXPECT(span >= 50 * 1000000 && span <= (check_ms() - start + 1) * 1000000);
    EXPECT_INT(statistics_of(w.conn).round_trip_ns, span);
    peer.delay_ms = 0;
    EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_OK);
    EXPECT(statistics_of(w.conn).round_trip_min_ns <= (uint64_t)span);
    EXPECT_INT(answering_pings(&peer), 2);
    answering_end(&peer);
    wire_close(&w);
  }
}

static void somebody_reads(void) {
  wire w;
  answering peer = {0};
  busy_call reading;
  REQUIRE(wire_open(&w, AS_CLIENT));
  answering_start(&peer, &w);
  busy_start(&reading, read_one, &w);
  check_settle();
  for (int i = 0; i < 5; i++) EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_OK);
  EXPECT_INT(busy_status(&reading), STILL_BLOCKED);
  wire_put_text(&w, 0x81, "x");
  EXPECT_INT(busy_join(&reading), WS_OK);
  answering_end(&peer);
  wire_close(&w);
}

/* Messages that come before the pong are read afterwards, in their order; what a reader still looks at stays as it is. */
static void messages_are_kept(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    static uint8_t large[30000], room[30000];
    wire w;
    answering peer = {.delay_ms = 60};
    int32_t type;
    ws_bytes first, message;
    REQUIRE(wire_open(&w, role));
    memset(large, 'l', sizeof large);
    wire_put_text(&w, 0x81, "looked at");
    wire_put_text(&w, 0x81, "one");
    EXPECT_STATUS(ws_conn_read(w.conn, &type, &first), WS_OK);
    answering_start(&peer, &w);
    wire_put(&w, 0x82, large, sizeof large);
    wire_put_text(&w, 0x01, "in pie");
    EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_OK);
    EXPECT_BYTES(first.data, first.size, "looked at", 9);
    wire_put_text(&w, 0x80, "ces");
    wire_put_text(&w, 0x82, "");
    EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_OK);
    EXPECT_BYTES(first.data, first.size, "looked at", 9);
    wire_reads(&w, "one");
    size_t size = 0;
    EXPECT_STATUS(ws_conn_read_into(w.conn, &type, room, 10, &size), WS_ERR_ROOM);
    EXPECT_INT(size, sizeof large);
    EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_OK);
    EXPECT_STATUS(ws_conn_read_into(w.conn, &type, room, sizeof room, &size), WS_OK);
    EXPECT_BYTES(room, size, large, sizeof large);
    wire_reads(&w, "in pieces");
    EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
    EXPECT(type == WS_BINARY && message.size == 0);
    wire_put_text(&w, 0x81, "new");
    wire_reads(&w, "new");
    answering_end(&peer);
    wire_close(&w);
  }
}

static void a_lent_message_outlives_later_ones(void) {
  wire w;
  answering peer = {.delay_ms = 60};
  int32_t type;
  ws_bytes first;
  REQUIRE(wire_open(&w, AS_SERVER));
  answering_start(&peer, &w);
  wire_put_text(&w, 0x81, "first");
  wire_put_text(&w, 0x81, "second");
  EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_OK);
  EXPECT_STATUS(ws_conn_read(w.conn, &type, &first), WS_OK);
  for (int i = 0; i < 20; i++) wire_put_text(&w, 0x81, "a message that makes the queue grow and move");
  EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_OK);
  EXPECT_BYTES(first.data, first.size, "first", 5);
  wire_reads(&w, "second");
  for (int i = 0; i < 20; i++) wire_reads(&w, "a message that makes the queue grow and move");
  answering_end(&peer);
  wire_close(&w);
}

/* Beyond the read limit nothing more is taken until somebody reads; then the pong is found. */
static void no_more_than_the_read_limit_is_kept(void) {
  wire w;
  answering peer = {.delay_ms = 100};
  busy_call pinging;
  char room[60];
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 200), WS_OK);
  memset(room, 'm', sizeof room);
  answering_start(&peer, &w);
  for (int i = 0; i < 6; i++) wire_put(&w, 0x81, room, sizeof room);
  busy_start(&pinging, ping_once, &w);
  check_sleep(check_limit(300));
  EXPECT_INT(busy_status(&pinging), STILL_BLOCKED);
  for (int i = 0; i < 6; i++) {
    int32_t type;
    ws_bytes message;
    EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
    EXPECT_BYTES(message.data, message.size, room, sizeof room);
  }
  EXPECT_INT(busy_join(&pinging), WS_OK);
  answering_end(&peer);
  wire_close(&w);
}

/* The one that was too much for the queue is lent as well, while further pings read on. */
static void the_last_kept_message_stays_while_it_is_looked_at(void) {
  wire w;
  int32_t type;
  ws_bytes message;
  char room[60], much[125];
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 200), WS_OK);
  memset(much, '#', sizeof much);
  for (int i = 0; i < 4; i++) {
    memset(room, 'a' + i, sizeof room);
    wire_put(&w, 0x81, room, sizeof room);
    if (i == 0) EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
  }
  EXPECT_STATUS(ws_conn_ping(w.conn, ws_in_ms(50), NULL), WS_ERR_TIMEOUT);
  for (int i = 1; i < 4; i++) {
    EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
    wire_put_text(&w, 0x81, "later");
    for (int times = 0; times < 4; times++) wire_put(&w, 0x89, much, sizeof much);
    EXPECT_STATUS(ws_conn_ping(w.conn, ws_in_ms(50), NULL), WS_ERR_TIMEOUT);
    memset(room, 'a' + i, sizeof room);
    EXPECT_BYTES(message.data, message.size, room, sizeof room);
  }
  for (int i = 0; i < 3; i++) wire_reads(&w, "later");
  wire_close(&w);
}

/* A reader that comes gets the half at once, and the ping its pong all the same. */
static void a_reader_takes_over(void) {
  wire w;
  answering peer = {.silent = 1};
  busy_call pinging, reading;
  REQUIRE(wire_open(&w, AS_SERVER));
  busy_start(&pinging, ping_once, &w);
  check_settle();
  busy_start(&reading, read_one, &w);
  check_settle();
  wire_put_text(&w, 0x81, "for the reader");
  EXPECT_INT(busy_becomes(&reading, WS_OK, 1000), WS_OK);
  busy_join(&reading);
  EXPECT_INT(busy_status(&pinging), STILL_BLOCKED);
  answering_start(&peer, &w);
  while (answering_pings(&peer) == 0) check_sleep(5);
  answering_end(&peer);
  EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, NULL, 0), WS_OK);
  EXPECT(peer_put_close(w.fd, w.masks, 1000, ""));
  EXPECT_INT(busy_join(&pinging), WS_END);
  wire_close(&w);
}

enum { THREADS = 6, ROUNDS = 30 };

static int ping_often(void *argument) {
  wire *w = argument;
  for (int i = 0; i < ROUNDS; i++) {
    int64_t span = 0;
    int status = ws_conn_ping(w->conn, ws_in_ms(check_limit(5000)), &span);
    if (status != WS_OK) return status;
    EXPECT(span > 0 && span < check_limit(5000) * 1000000);
  }
  return WS_OK;
}

static void many_threads_ping(void) {
  for (int with_reader = 0; with_reader < 2; with_reader++) {
    wire w;
    answering peer = {0};
    busy_call pinging[THREADS], reading;
    REQUIRE(wire_open(&w, AS_CLIENT));
    answering_start(&peer, &w);
    if (with_reader) busy_start(&reading, read_one, &w);
    for (int i = 0; i < THREADS; i++) busy_start(&pinging[i], ping_often, &w);
    for (int i = 0; i < THREADS; i++) EXPECT_INT(busy_join(&pinging[i]), WS_OK);
    EXPECT_INT(answering_pings(&peer), THREADS * ROUNDS);
    EXPECT_INT(statistics_of(w.conn).pongs_received, THREADS * ROUNDS);
    wire_put_text(&w, 0x81, "x");
    if (with_reader) EXPECT_INT(busy_join(&reading), WS_OK);
    answering_end(&peer);
    wire_close(&w);
  }
}

/* Readers and pingers share the half while messages flow; each message is read once, in order. */
static int read_numbers(void *argument) {
  int32_t type;
  ws_bytes message;
  for (uint32_t i = 0; i < 400; i++) {
    uint32_t number;
    int status = ws_conn_read(((wire *)argument)->conn, &type, &message);
    if (status != WS_OK) return status;
    EXPECT_INT(message.size, sizeof number);
    memcpy(&number, message.data, sizeof number);
    EXPECT_INT(number, i);
    if (i % 16 == 0) check_sleep(3);
  }
  return WS_OK;
}

static void pings_beside_a_flow_of_messages(void) {
  wire w;
  answering peer = {0};
  busy_call pinging[2], reading;
  REQUIRE(wire_open(&w, AS_SERVER));
  answering_start(&peer, &w);
  busy_start(&reading, read_numbers, &w);
  for (int i = 0; i < 2; i++) busy_start(&pinging[i], ping_often, &w);
  answering_end(&peer); /* from here on this thread is the peer, so that its frames are whole */
  peer_frame *frame = malloc(sizeof *frame);
  for (uint32_t i = 0; i < 400; i++) {
    wire_put(&w, 0x82, &i, sizeof i);
    while (!peer_silent(w.fd, 0) && peer_get_frame(w.fd, frame)) {
      wire_put(&w, 0x8a, frame->data, frame->size);
    }
  }
  int pongs_due = 1;
  while (pongs_due) {
    pongs_due = busy_status(&pinging[0]) == STILL_BLOCKED || busy_status(&pinging[1]) == STILL_BLOCKED;
    if (peer_silent(w.fd, 5)) continue;
    if (!peer_get_frame(w.fd, frame)) break;
    wire_put(&w, 0x8a, frame->data, frame->size);
  }
  free(frame);
  EXPECT_INT(busy_join(&reading), WS_OK);
  for (int i = 0; i < 2; i++) EXPECT_INT(busy_join(&pinging[i]), WS_OK);
  wire_close(&w);
}

static void no_pong_is_a_timeout_and_the_connection_goes_on(void) {
  wire w;
  ws_failure failure = {.struct_size = sizeof failure};
  int64_t span = 7;
  REQUIRE(wire_open(&w, AS_CLIENT));
  int64_t before = check_ms();
  EXPECT_STATUS(ws_conn_ping(w.conn, ws_in_ms(60), &span), WS_ERR_TIMEOUT);
  EXPECT(check_ms() - before >= 59 && span == 0);
  EXPECT_STATUS(ws_conn_failure(w.conn, WS_READ, &failure), WS_OK);
  EXPECT_INT(failure.who, WS_BY_TIMER);
  EXPECT(strstr(failure.text, "pong") != NULL);
  EXPECT_STATUS(ws_conn_ping(w.conn, 1, NULL), WS_ERR_TIMEOUT);
  wire_put_text(&w, 0x81, "alive");
  wire_reads(&w, "alive");
  wire_close(&w);
}

/* RFC 6455 5.5.3: a peer may answer only the latest of several pings. */
static void a_pong_to_a_later_ping_counts(void) {
  wire w;
  busy_call first, second;
  peer_frame frame;
  REQUIRE(wire_open(&w, AS_SERVER));
  busy_start(&first, ping_once, &w);
  EXPECT(peer_get_frame(w.fd, &frame) && frame.first == 0x89);
  busy_start(&second, ping_once, &w);
  EXPECT(peer_get_frame(w.fd, &frame) && frame.first == 0x89);
  wire_put(&w, 0x8a, frame.data, frame.size);
  EXPECT_INT(busy_join(&first), WS_OK);
  EXPECT_INT(busy_join(&second), WS_OK);
  wire_close(&w);
}

static void foreign_pongs_do_not_count(void) {
  wire w;
  seen pong = {0};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, on_control, &pong, NULL), WS_OK);
  wire_put_text(&w, 0x8a, "8 bytes.");
  wire_put_text(&w, 0x8a, "");
  EXPECT_STATUS(ws_conn_ping(w.conn, ws_in_ms(60), NULL), WS_ERR_TIMEOUT);
  EXPECT_INT(pong.calls, 2);
  EXPECT(pthread_equal(pong.thread, pthread_self()));
  wire_close(&w);
}

static void the_end_instead_of_a_pong(void) {
  static const struct {
    int code;
    int status;
  } ends[] = {{1000, WS_END}, {1005, WS_END}, {4000, WS_ERR_CLOSED}, {0, WS_ERR_LOST}};
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    wire w;
    REQUIRE(wire_open(&w, AS_SERVER));
    if (ends[i].code != 0) EXPECT(peer_put_close(w.fd, w.masks, ends[i].code == 1005 ? 0 : ends[i].code, ""));
    shutdown(w.fd, SHUT_WR);
    EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), ends[i].status);
    wire_read_gives(&w, ends[i].status);
    int again = ws_conn_ping(w.conn, 0, NULL);
    EXPECT(again == WS_ERR_CLOSE_SENT || again == ends[i].status);
    wire_close(&w);
  }
}

static void aborting_wakes_it(void) {
  wire w;
  busy_call pinging;
  REQUIRE(wire_open(&w, AS_CLIENT));
  busy_start(&pinging, ping_once, &w);
  check_settle();
  EXPECT_STATUS(ws_conn_abort(w.conn), WS_OK);
  EXPECT_INT(busy_join(&pinging), WS_ERR_ABORTED);
  EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_ERR_ABORTED);
  wire_close(&w);
}

static int close_it(void *argument) { return ws_conn_close(((wire *)argument)->conn, 1000, NULL, 0, ws_in_ms(check_limit(3000))); }

static void closing_beside_a_ping(void) {
  wire w;
  answering peer = {.silent = 1};
  busy_call pinging, closing;
  REQUIRE(wire_open(&w, AS_SERVER));
  busy_start(&pinging, ping_once, &w);
  check_settle();
  answering_start(&peer, &w);
  busy_start(&closing, close_it, &w);
  EXPECT_INT(busy_join(&closing), WS_OK);
  EXPECT_INT(busy_join(&pinging), WS_END);
  answering_end(&peer);
  EXPECT_INT(peer.close, 1000);
  wire_close(&w);
}

static void ping_inside(ws_conn *conn, seen *self) {
  (void)self;
  EXPECT_STATUS(ws_conn_ping(conn, 0, NULL), WS_ERR_STATE);
}

static void from_a_handler_it_is_refused(void) {
  wire w;
  seen ping = {.act = ping_inside};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &ping, NULL), WS_OK);
  wire_put_text(&w, 0x89, "p");
  wire_put_text(&w, 0x81, "m");
  wire_reads(&w, "m");
  EXPECT_INT(ping.calls, 1);
  wire_close(&w);
}

static void a_poll_loop_asks_again(void) {
  wire w;
  peer_frame frame;
  int64_t due = 0, span = 7;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 1), WS_OK);
  EXPECT_STATUS(ws_conn_ping(w.conn, ws_in_ms(5000), &span), WS_AGAIN);
  EXPECT_INT(span, 0);
  EXPECT_STATUS(ws_conn_interest(w.conn, NULL, NULL, &due), WS_OK);
  EXPECT(due > ws_now() && due <= ws_in_ms(5000));
  EXPECT_STATUS(ws_conn_ping(w.conn, 0, &span), WS_AGAIN);
  EXPECT(peer_get_frame(w.fd, &frame) && frame.first == 0x89);
  EXPECT(peer_silent(w.fd, 20));
  wire_put(&w, 0x8a, frame.data, frame.size);
  EXPECT_STATUS(ws_conn_ping(w.conn, 0, &span), WS_AGAIN); /* it does not read */
  wire_read_gives(&w, WS_AGAIN);
  EXPECT_STATUS(ws_conn_ping(w.conn, 0, &span), WS_OK);
  EXPECT(span >= 20 * 1000000);
  EXPECT_STATUS(ws_conn_interest(w.conn, NULL, NULL, &due), WS_OK);
  EXPECT(due == WS_NEVER);
  /* The next one runs out of time. */
  EXPECT_STATUS(ws_conn_ping(w.conn, ws_in_ms(30), &span), WS_AGAIN);
  check_sleep(50);
  EXPECT_STATUS(ws_conn_service(w.conn), WS_OK);
  EXPECT_STATUS(ws_conn_interest(w.conn, NULL, NULL, &due), WS_OK);
  EXPECT(due == WS_NEVER);
  EXPECT_STATUS(ws_conn_ping(w.conn, 0, &span), WS_ERR_TIMEOUT);
  /* And one meets the end. */
  EXPECT_STATUS(ws_conn_ping(w.conn, 0, &span), WS_AGAIN);
  EXPECT(peer_put_close(w.fd, w.masks, 1000, ""));
  wire_read_gives(&w, WS_END);
  EXPECT_STATUS(ws_conn_ping(w.conn, 0, &span), WS_END);
  wire_close(&w);
}

static void wrong_arguments(void) {
  int64_t span = 7;
  EXPECT_STATUS(ws_conn_ping(NULL, 0, &span), WS_ERR_INVALID);
  EXPECT_INT(span, 0);
}

static const check_test tests[] = {
    TEST(nobody_reads),
    TEST(somebody_reads),
    TEST(messages_are_kept),
    TEST(a_lent_message_outlives_later_ones),
    TEST(no_more_than_the_read_limit_is_kept),
    TEST(the_last_kept_message_stays_while_it_is_looked_at),
    TEST(a_reader_takes_over),
    TEST(many_threads_ping),
    TEST(pings_beside_a_flow_of_messages),
    TEST(no_pong_is_a_timeout_and_the_connection_goes_on),
    TEST(a_pong_to_a_later_ping_counts),
    TEST(foreign_pongs_do_not_count),
    TEST(the_end_instead_of_a_pong),
    TEST(aborting_wakes_it),
    TEST(closing_beside_a_ping),
    TEST(from_a_handler_it_is_refused),
    TEST(a_poll_loop_asks_again),
    TEST(wrong_arguments),
};
TEST_MAIN(tests)
