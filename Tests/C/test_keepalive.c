/* Automatic pings: when they leave, what answers count, and what becomes of a peer that is silent.
 */
#include "answering.h"
#include "busy.h"
#include "engines.h"
#include "handlers.h"

#include <poll.h>

static int read_one(void *argument) {
  int32_t type;
  ws_bytes message;
  return ws_conn_read(((wire *)argument)->conn, &type, &message);
}

/* The peer was told, and whoever asks learns what happened. */
static void expect_given_up(wire *w, int64_t timeout_ms) {
  ws_failure failure = {.struct_size = sizeof failure};
  uint16_t ours = 0;
  EXPECT_STATUS(ws_conn_failure(w->conn, WS_READ, &failure), WS_OK);
  EXPECT_INT(failure.code, WS_ERR_KEEPALIVE);
  EXPECT_INT(failure.who, WS_BY_TIMER);
  EXPECT_INT(failure.limit, timeout_ms * 1000000);
  EXPECT_INT(failure.close_code, 1011);
  EXPECT(strstr(failure.text, "ws_conn_set_keepalive") != NULL);
  EXPECT_STATUS(ws_conn_close_codes(w->conn, NULL, NULL, &ours), WS_OK);
  EXPECT_INT(ours, 1011);
  EXPECT(ws_is_fatal(WS_ERR_KEEPALIVE));
  wire_read_gives(w, WS_ERR_KEEPALIVE);
  wire_write_gives(w, "x", WS_ERR_KEEPALIVE);
  int64_t before = check_ms();
  EXPECT_STATUS(ws_conn_close(w->conn, 1000, NULL, 0, 0), WS_ERR_KEEPALIVE);
  EXPECT_WITHIN(before, 500);
}

static void off_by_default(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 100), WS_OK);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  EXPECT(peer_silent(w.fd, 1));
  wire_close(&w);
}

/* Reads until their time is over, until so many pings have left; on a busy machine one read may be too short for that. */
static void reads_until_pings(wire *w, uint64_t wanted) {
  for (int i = 0; i < 1 || (i < 50 && statistics_of(w->conn).pings_sent < wanted); i++) wire_read_gives(w, WS_ERR_TIMEOUT);
}

static void pings_leave_inside_a_read(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    answering peer = {0};
    REQUIRE(wire_open(&w, role));
    answering_start(&peer, &w);
    int64_t before = check_ms();
    EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 30, 10000), WS_OK);
    EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, check_limit(250)), WS_OK);
    reads_until_pings(&w, 3);
    ws_statistics now = statistics_of(w.conn);
    int64_t took = check_ms() - before;
    EXPECT(now.pings_sent >= 3 && now.pings_sent <= (uint64_t)took / 30 + 1);
    while (answering_pings(&peer) < (int)now.pings_sent && check_ms() - before < took + check_limit(5000)) check_sleep(2);
    EXPECT_INT(now.pings_sent, answering_pings(&peer));
    EXPECT(now.pongs_received >= now.pings_sent - 1);
    EXPECT(now.round_trip_ns > 0 && now.round_trip_ns < 1000000000);
    EXPECT(now.round_trip_min_ns > 0 && now.round_trip_min_ns <= now.round_trip_ns);
    EXPECT_INT(peer.others, 0);
    wire_put_text(&w, 0x81, "alive");
    wire_reads(&w, "alive");
    answering_end(&peer);
    wire_close(&w);
  }
}

static void a_silent_peer_is_given_up(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    peer_frame frame;
    REQUIRE(wire_open(&w, role));
    EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 40, 60), WS_OK);
    int64_t before = check_ms();
    wire_read_gives(&w, WS_ERR_KEEPALIVE);
    EXPECT(check_ms() - before >= 99);
    EXPECT_WITHIN(before, 1000);
    expect_given_up(&w, 60);
    EXPECT(peer_get_frame(w.fd, &frame) && frame.first == 0x89 && frame.size == 8);
    EXPECT(peer_get_frame(w.fd, &frame) && frame.first == 0x88);
    EXPECT_INT(frame.data[0] << 8 | frame.data[1], 1011);
    EXPECT(peer_ended(w.fd));
    wire_close(&w);
  }
}

/* Data is a sign of life as good as a pong, which may stand behind it. */
static void a_busy_peer_is_not_given_up(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 30, check_limit(80)), WS_OK);
  for (int i = 0; i < 15; i++) {
    wire_put_text(&w, 0x81, "data");
    wire_reads(&w, "data");
    check_sleep(20);
  }
  EXPECT(statistics_of(w.conn).pings_sent >= 1);
  wire_read_gives(&w, WS_ERR_KEEPALIVE);
  wire_close(&w);
}

static void *send_slowly(void *argument) {
  static uint8_t bytes[1100];
  wire *w = argument;
  size_t size = peer_frame_bytes(bytes, 0x82, w->masks, bytes + 100, 1000), at = 0;
  for (; at < size; at += 50) {
    EXPECT(peer_put(w->fd, bytes + at, size - at < 50 ? size - at : 50));
    check_sleep(60);
  }
  return NULL;
}

static void a_long_message_is_a_sign_of_life(void) {
  wire w;
  pthread_t thread;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 20, check_limit(600)), WS_OK);
  pthread_create(&thread, NULL, send_slowly, &w);
  EXPECT_STATUS(read_one(&w), WS_OK);
  pthread_join(thread, NULL);
  wire_close(&w);
}

/* The pong has come while nobody read: it is found before the peer is judged. */
static void what_has_arrived_is_looked_at_first(void) {
  wire w;
  peer_frame frame;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 20, 100), WS_OK);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 40), WS_OK);
  reads_until_pings(&w, 1);
  EXPECT(peer_get_frame(w.fd, &frame) && frame.first == 0x89);
  wire_put(&w, 0x8a, frame.data, frame.size);
  check_sleep(300);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  /* And once more with nothing but silence. */
  check_sleep(300);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, check_limit(2000)), WS_OK);
  wire_read_gives(&w, WS_ERR_KEEPALIVE);
  wire_close(&w);
}

static void without_a_call_nothing_happens(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 10, 10), WS_OK);
  EXPECT(peer_silent(w.fd, 100));
  wire_put_text(&w, 0x81, "late");
  wire_reads(&w, "late");
  wire_close(&w);
}

static void setting_it_reaches_a_blocked_read(void) {
  wire w;
  busy_call reading;
  REQUIRE(wire_open(&w, AS_SERVER));
  busy_start(&reading, read_one, &w);
  check_settle();
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 3600000, 1000), WS_OK);
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 30, 0), WS_OK);
  EXPECT(!peer_silent(w.fd, (int)check_limit(2000)));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 0, 0), WS_OK);
  check_settle();
  EXPECT_INT(busy_status(&reading), STILL_BLOCKED);
  uint64_t before = statistics_of(w.conn).pings_sent;
  EXPECT(before >= 1);
  check_settle();
  EXPECT_INT(statistics_of(w.conn).pings_sent, before);
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 20, 20), WS_OK);
  EXPECT_INT(busy_becomes(&reading, WS_ERR_KEEPALIVE, 2000), WS_ERR_KEEPALIVE);
  busy_join(&reading);
  wire_close(&w);
}

static void a_timeout_of_zero_never_gives_up(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 20, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, check_limit(150)), WS_OK);
  reads_until_pings(&w, 2);
  EXPECT(statistics_of(w.conn).pings_sent >= 2);
  wire_close(&w);
}

/* Ours are told from the application's by their payload. */
static void the_pong_handler_hears_of_foreign_pongs_only(void) {
  wire w;
  answering peer = {0};
  seen pong = {0};
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, on_control, &pong, NULL), WS_OK);
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 20, 10000), WS_OK);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, check_limit(150)), WS_OK);
  answering_start(&peer, &w);
  for (int i = 0; i < 50 && statistics_of(w.conn).pongs_received == 0; i++) wire_read_gives(&w, WS_ERR_TIMEOUT);
  EXPECT(answering_pings(&peer) >= 1);
  EXPECT_INT(pong.calls, 0);
  wire_put_text(&w, 0x8a, "eight888");
  wire_put_text(&w, 0x8a, "");
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  EXPECT_INT(pong.calls, 2);
  answering_end(&peer);
  wire_close(&w);
}

static void a_poll_loop_pings_and_gives_up(void) {
  wire w;
  int64_t due = 0;
  int32_t type;
  ws_bytes message;
  int status = WS_AGAIN;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 1), WS_OK);
  int64_t before = ws_now();
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 50, 60), WS_OK);
  EXPECT_STATUS(ws_conn_interest(w.conn, NULL, NULL, &due), WS_OK);
  EXPECT(due > before && due <= ws_in_ms(50));
  for (int turns = 0; status == WS_AGAIN && turns < 50; turns++) {
    struct pollfd on = {.events = POLLIN};
    int32_t fd;
    EXPECT_STATUS(ws_conn_interest(w.conn, &fd, NULL, &due), WS_OK);
    REQUIRE(due != WS_NEVER);
    on.fd = fd;
    poll(&on, 1, (int)((due - ws_now()) / 1000000) + 1);
    EXPECT_STATUS(ws_conn_service(w.conn), WS_OK);
    status = ws_conn_read(w.conn, &type, &message);
  }
  EXPECT_STATUS(status, WS_ERR_KEEPALIVE);
  EXPECT_STATUS(ws_conn_interest(w.conn, NULL, NULL, &due), WS_OK);
  EXPECT(due == WS_NEVER);
  EXPECT_INT(statistics_of(w.conn).pings_sent, 1);
  EXPECT_INT(peer_get_close(w.fd), 1011);
  wire_close(&w);
}

/* Behind our close frame no ping may follow, but a peer that is gone is found out all the same. */
static void a_close_frame_without_answer_counts_as_a_ping(void) {
  wire w;
  ws_failure failure = {.struct_size = sizeof failure};
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 30, 40), WS_OK);
  EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, NULL, 0), WS_OK);
  wire_read_gives(&w, WS_ERR_KEEPALIVE);
  EXPECT_STATUS(ws_conn_failure(w.conn, WS_READ, &failure), WS_OK);
  EXPECT_INT(failure.close_code, 0);
  EXPECT_INT(peer_get_close(w.fd), 1000);
  EXPECT(peer_ended(w.fd));
  wire_close(&w);
}

static int write_large(void *argument) {
  static const uint8_t data[4000000];
  return ws_conn_write(((wire *)argument)->conn, WS_BINARY, data, sizeof data);
}

/* The ping cannot leave, because the peer takes nothing; that is silence too, and the blocked write ends with it. */
static void a_peer_that_takes_nothing_is_given_up(void) {
  wire w;
  busy_call writing;
  REQUIRE(wire_open(&w, AS_SERVER));
  busy_start(&writing, write_large, &w);
  check_settle();
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 40, 60), WS_OK);
  wire_read_gives(&w, WS_ERR_KEEPALIVE);
  EXPECT_INT(busy_becomes(&writing, WS_ERR_KEEPALIVE, 2000), WS_ERR_KEEPALIVE);
  busy_join(&writing);
  wire_close(&w);
}

static void *take_slowly(void *argument) {
  static uint8_t room[50000];
  wire *w = argument;
  for (int i = 0; i < 25; i++) {
    EXPECT(peer_get(w->fd, room, sizeof room) == sizeof room);
    check_sleep(60);
  }
  return NULL;
}

/* It takes what we send, but cannot have got the ping that stands behind it. */
static void a_peer_that_takes_slowly_is_not_given_up(void) {
  wire w;
  busy_call writing;
  pthread_t thread;
  REQUIRE(wire_open(&w, AS_SERVER));
  busy_start(&writing, write_large, &w);
  check_settle();
  pthread_create(&thread, NULL, take_slowly, &w);
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 40, check_limit(500)), WS_OK);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 1200), WS_OK);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 0), WS_OK);
  pthread_join(thread, NULL);
  wire_read_gives(&w, WS_ERR_KEEPALIVE);
  busy_join(&writing);
  wire_close(&w);
}

static void wrong_arguments(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_keepalive(NULL, 1, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, -1, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 1, -1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, INT64_MAX, INT64_MAX), WS_OK);
  wire_put_text(&w, 0x81, "alive");
  wire_reads(&w, "alive");
  wire_close(&w);
}

/* ---- Engines, on a pretended clock ---- */

enum { MS = 1000000 };

static int64_t tick(ws_engine *engine, int64_t now) {
  int64_t next = 7;
  EXPECT_STATUS(ws_engine_tick(engine, now, &next), WS_OK);
  return next;
}

/* Takes the engine's ping out of its output. */
static void take_ping(ws_engine *engine, int role, uint8_t payload[8]) {
  ws_bytes output;
  size_t head = role == AS_CLIENT ? 6 : 2;
  EXPECT_STATUS(ws_engine_output(engine, &output), WS_OK);
  if (!EXPECT_INT(output.size, head + 8)) return;
  EXPECT_INT(output.data[0], 0x89);
  for (size_t i = 0; i < 8; i++) payload[i] = output.data[head + i] ^ (role == AS_CLIENT ? peer_mask[i % 4] : 0);
  EXPECT_STATUS(ws_engine_sent(engine, output.size), WS_OK);
}

static void an_engine_pings_and_measures(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    ws_engine *engine = engine_open(role);
    ws_statistics now = {.struct_size = sizeof now};
    uint8_t payload[8];
    EXPECT(tick(engine, 1000) == WS_NEVER);
    EXPECT_STATUS(ws_engine_set_keepalive(engine, 20, 7), WS_OK);
    EXPECT_INT(tick(engine, 5 * MS), 25 * MS);
    EXPECT_INT(tick(engine, 24 * MS), 25 * MS);
    EXPECT_INT(engine_pending(engine), 0);
    EXPECT_INT(tick(engine, 26 * MS), 33 * MS);
    take_ping(engine, role, payload);
    engine_put(engine, role, 0x8a, payload, 8);
    engine_gives(engine, WS_AGAIN); /* no event */
    EXPECT_INT(tick(engine, 28 * MS), 46 * MS);
    EXPECT_STATUS(ws_engine_statistics(engine, &now), WS_OK);
    EXPECT_INT(now.round_trip_ns, 2 * MS);
    EXPECT_INT(now.round_trip_min_ns, 2 * MS);
    engine_put_text(engine, role, 0x8a, "foreign!");
    engine_tells(engine, WS_EVENT_PONG, "foreign!", 8);
    EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  }
}

static void an_engine_gives_a_silent_peer_up(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    ws_engine *engine = engine_open(role);
    ws_failure failure = {.struct_size = sizeof failure};
    uint8_t payload[8];
    EXPECT_STATUS(ws_engine_set_keepalive(engine, 20, 7), WS_OK);
    EXPECT_INT(tick(engine, 0), 20 * MS);
    EXPECT_INT(tick(engine, 20 * MS), 27 * MS);
    take_ping(engine, role, payload);
    /* Time is up: the program is asked to receive what is there first. */
    EXPECT_INT(tick(engine, 90 * MS), 90 * MS);
    engine_put_text(engine, role, 0x81, "late");
    engine_reads(engine, "late");
    EXPECT_INT(tick(engine, 90 * MS), 97 * MS); /* the next ping was due */
    take_ping(engine, role, payload);
    EXPECT_INT(tick(engine, 98 * MS), 98 * MS);
    EXPECT(tick(engine, 98 * MS) == WS_NEVER);
    engine_gives(engine, WS_ERR_KEEPALIVE);
    EXPECT_INT(engine_sends_close(engine, role), 1011);
    EXPECT_STATUS(ws_engine_failure(engine, &failure), WS_OK);
    EXPECT_INT(failure.code, WS_ERR_KEEPALIVE);
    EXPECT_INT(failure.limit, 7 * MS);
    EXPECT_INT(failure.close_code, 1011);
    EXPECT(strstr(failure.text, "ws_engine_set_keepalive") != NULL);
    EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  }
}

static void an_engine_waits_while_its_output_moves(void) {
  ws_engine *engine = engine_open(AS_SERVER);
  static const char data[1000];
  EXPECT_STATUS(ws_engine_set_keepalive(engine, 20, 7), WS_OK);
  tick(engine, 0);
  EXPECT_STATUS(ws_engine_send(engine, WS_BINARY, data, sizeof data), WS_OK);
  EXPECT_INT(tick(engine, 20 * MS), 27 * MS);
  for (int i = 1; i < 10; i++) {
    EXPECT_STATUS(ws_engine_sent(engine, 100), WS_OK);
    EXPECT_INT(tick(engine, (20 + i * 6) * MS), (27 + i * 6) * MS);
  }
  EXPECT_INT(tick(engine, 85 * MS), 85 * MS);
  EXPECT(tick(engine, 86 * MS) == WS_NEVER);
  engine_gives(engine, WS_ERR_KEEPALIVE);
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
}

static void an_engine_that_closes_does_not_ping(void) {
  ws_engine *engine = engine_open(AS_SERVER);
  EXPECT_STATUS(ws_engine_set_keepalive(engine, -1, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_set_keepalive(engine, 1, -1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_set_keepalive(engine, 20, 7), WS_OK);
  tick(engine, 0);
  EXPECT_STATUS(ws_engine_close(engine, 1000, NULL, 0), WS_OK);
  EXPECT(tick(engine, 1 * MS) > 10000 * (int64_t)MS);
  EXPECT(tick(engine, 100 * MS) > 10000 * (int64_t)MS);
  EXPECT_INT(engine_sends_close(engine, AS_SERVER), 1000);
  EXPECT_INT(engine_pending(engine), 0);
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
}

static const check_test tests[] = {
    TEST(off_by_default),
    TEST(pings_leave_inside_a_read),
    TEST(a_silent_peer_is_given_up),
    TEST(a_busy_peer_is_not_given_up),
    TEST(a_long_message_is_a_sign_of_life),
    TEST(what_has_arrived_is_looked_at_first),
    TEST(without_a_call_nothing_happens),
    TEST(setting_it_reaches_a_blocked_read),
    TEST(a_timeout_of_zero_never_gives_up),
    TEST(the_pong_handler_hears_of_foreign_pongs_only),
    TEST(a_poll_loop_pings_and_gives_up),
    TEST(a_close_frame_without_answer_counts_as_a_ping),
    TEST(a_peer_that_takes_nothing_is_given_up),
    TEST(a_peer_that_takes_slowly_is_not_given_up),
    TEST(wrong_arguments),
    TEST(an_engine_pings_and_measures),
    TEST(an_engine_gives_a_silent_peer_up),
    TEST(an_engine_waits_while_its_output_moves),
    TEST(an_engine_that_closes_does_not_ping),
};
TEST_MAIN(tests)
