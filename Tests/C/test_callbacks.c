/* Handlers for pings, pongs and close frames: when they run, on which thread, with what, and what their result does.
 */
#include "handlers.h"

static void a_ping_is_answered_by_default(void) {
  char data[125];
  memset(data, 'p', sizeof data);
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    wire_put(&w, 0x89, data, sizeof data);
    wire_put(&w, 0x89, "", 0);
    wire_put_text(&w, 0x8a, "unasked pong");
    wire_put_text(&w, 0x81, "x");
    wire_reads(&w, "x");
    wire_gets(&w, 0x8a, data, sizeof data);
    wire_gets(&w, 0x8a, "", 0);
    wire_close(&w);
  }
}

static void ten_pings_get_ten_pongs_in_order(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  for (char i = '0'; i <= '9'; i++) wire_put(&w, 0x89, &i, 1);
  wire_put_text(&w, 0x81, "x");
  wire_reads(&w, "x");
  for (char i = '0'; i <= '9'; i++) wire_gets(&w, 0x8a, &i, 1);
  wire_close(&w);
}

static void a_ping_handler_replaces_the_answer(void) {
  wire w;
  seen ping = {.calls = 0};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &ping, on_free), WS_OK);
  wire_put(&w, 0x89, "a\0b", 3);
  wire_put_text(&w, 0x81, "x");
  wire_reads(&w, "x");
  EXPECT_INT(ping.calls, 1);
  EXPECT_BYTES(ping.data, ping.size, "a\0b", 3);
  EXPECT(pthread_equal(ping.thread, pthread_self()));
  EXPECT(peer_silent(w.fd, 20));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, NULL, NULL, NULL), WS_OK);
  EXPECT_INT(ping.freed, 1);
  wire_put_text(&w, 0x89, "default");
  wire_put_text(&w, 0x81, "y");
  wire_reads(&w, "y");
  wire_gets_text(&w, 0x8a, "default");
  wire_close(&w);
  EXPECT_INT(ping.freed, 1);
  EXPECT_INT(ping.calls, 1);
}

static void a_pong_handler_hears_of_pongs(void) {
  pair p;
  seen pong = {.calls = 0};
  int32_t type;
  ws_bytes message;
  REQUIRE(pair_open(&p));
  EXPECT_STATUS(ws_conn_set_pong_handler(p.client, on_control, &pong, on_free), WS_OK);
  EXPECT_STATUS(ws_conn_write_control(p.client, WS_PING, "are you there", 13, 0), WS_OK);
  EXPECT_STATUS(ws_conn_write(p.client, WS_TEXT, "x", 1), WS_OK);
  REQUIRE_STATUS(ws_conn_read(p.server, &type, &message), WS_OK);
  EXPECT_STATUS(ws_conn_write(p.server, WS_TEXT, "y", 1), WS_OK);
  REQUIRE_STATUS(ws_conn_read(p.client, &type, &message), WS_OK);
  EXPECT_INT(pong.calls, 1);
  EXPECT_BYTES(pong.data, pong.size, "are you there", 13);
  EXPECT_STATUS(ws_conn_write_control(p.server, WS_PONG, NULL, 0, 0), WS_OK);
  EXPECT_STATUS(ws_conn_write(p.server, WS_TEXT, "z", 1), WS_OK);
  REQUIRE_STATUS(ws_conn_read(p.client, &type, &message), WS_OK);
  EXPECT_INT(pong.calls, 2);
  EXPECT_INT(pong.size, 0);
  pair_close(&p);
  EXPECT_INT(pong.freed, 1);
}

/* The reference's TestControl: from either side, bytes with a zero among them. */
static void a_pong_reaches_the_other_side(void) {
  static const char text[] = "this is a pong\0message";
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    pair p;
    seen pongs = {.calls = 0};
    int32_t type;
    ws_bytes message;
    REQUIRE(pair_open(&p));
    ws_conn *from = role == AS_SERVER ? p.server : p.client, *to = role == AS_SERVER ? p.client : p.server;
    EXPECT_STATUS(ws_conn_set_pong_handler(to, on_control, &pongs, NULL), WS_OK);
    EXPECT_STATUS(ws_conn_write_control(from, WS_PONG, text, sizeof text, 0), WS_OK);
    EXPECT_STATUS(ws_conn_write(from, WS_TEXT, "x", 1), WS_OK);
    EXPECT_STATUS(ws_conn_read(to, &type, &message), WS_OK);
    EXPECT_INT(pongs.calls, 1);
    EXPECT_BYTES(pongs.data, pongs.size, text, sizeof text);
    pair_close(&p);
  }
}

static void a_close_handler_hears_code_and_reason(void) {
  static const int codes[] = {1000, 0, 4000};
  for (int i = 0; i < 3; i++) {
    wire w;
    seen end = {.calls = 0};
    REQUIRE(wire_open(&w, AS_CLIENT));
    EXPECT_STATUS(ws_conn_set_close_handler(w.conn, on_close, &end, on_free), WS_OK);
    peer_put_close(w.fd, w.masks, codes[i], codes[i] == 0 ? "" : "because");
    wire_read_gives(&w, codes[i] == 4000 ? WS_ERR_CLOSED : WS_END);
    EXPECT_INT(end.calls, 1);
    EXPECT_INT(end.code, codes[i] == 0 ? 1005 : codes[i]);
    EXPECT_BYTES(end.data, end.size, "because", codes[i] == 0 ? 0 : 7);
    EXPECT(peer_silent(w.fd, 20)); /* it sent nothing, so nothing was sent */
    wire_close(&w);
    EXPECT_INT(end.freed, 1);
  }
}

static void answer_4001(ws_conn *conn, seen *self) {
  (void)self;
  EXPECT_STATUS(ws_conn_write(conn, WS_TEXT, "last words", 10), WS_OK);
  EXPECT_STATUS(ws_conn_close_begin(conn, 4001, "mine", 4), WS_OK);
}

static void a_close_handler_sends_what_it_likes(void) {
  wire w;
  seen end = {.act = answer_4001};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_close_handler(w.conn, on_close, &end, NULL), WS_OK);
  peer_put_close(w.fd, 1, 1000, "");
  wire_read_gives(&w, WS_END);
  wire_gets_text(&w, 0x81, "last words");
  wire_gets(&w, 0x88, "\x0f\xa1mine", 6);
  shutdown(w.fd, SHUT_WR);
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(check_limit(3000))), WS_OK);
  EXPECT(peer_ended(w.fd)); /* and no second close frame */
  wire_close(&w);
}

static void what_a_close_handler_leaves_ws_conn_close_sends(void) {
  wire w;
  seen end = {.calls = 0};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_close_handler(w.conn, on_close, &end, NULL), WS_OK);
  peer_put_close(w.fd, 1, 1001, "");
  wire_read_gives(&w, WS_END);
  wire_write_gives(&w, "half open", WS_OK);
  shutdown(w.fd, SHUT_WR);
  EXPECT_STATUS(ws_conn_close(w.conn, 1001, "late", 4, ws_in_ms(check_limit(3000))), WS_OK);
  wire_gets_text(&w, 0x81, "half open");
  wire_gets(&w, 0x88, "\x03\xe9late", 6);
  wire_close(&w);
}

static void handlers_run_inside_ws_conn_close_too(void) {
  wire w;
  seen ping = {.calls = 0}, end = {.calls = 0};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &ping, NULL), WS_OK);
  EXPECT_STATUS(ws_conn_set_close_handler(w.conn, on_close, &end, NULL), WS_OK);
  wire_put_text(&w, 0x89, "ping");
  peer_put_close(w.fd, 1, 1000, "");
  shutdown(w.fd, SHUT_WR);
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(check_limit(3000))), WS_OK);
  EXPECT_INT(ping.calls, 1);
  EXPECT_INT(end.calls, 1);
  EXPECT_INT(end.code, 1000);
  EXPECT(pthread_equal(ping.thread, pthread_self()));
  wire_close(&w);
}

static void a_handler_that_fails_ends_reading(void) {
  wire w;
  seen ping = {.answer = 1};
  ws_failure failure = {.struct_size = sizeof failure};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &ping, NULL), WS_OK);
  wire_put_text(&w, 0x89, "ping");
  wire_put_text(&w, 0x81, "x");
  wire_read_gives(&w, WS_ERR_CALLBACK);
  wire_read_gives(&w, WS_ERR_CALLBACK);
  EXPECT_INT(ping.calls, 1);
  EXPECT_STATUS(ws_conn_failure(w.conn, WS_READ, &failure), WS_OK);
  EXPECT_INT(failure.code, WS_ERR_CALLBACK);
  wire_write_gives(&w, "writing goes on", WS_OK);
  wire_gets_text(&w, 0x81, "writing goes on");
  wire_close(&w);
}

static void pong_and_close_handlers_that_fail(void) {
  wire w;
  seen pong = {.answer = -1}, end = {.answer = 7};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, on_control, &pong, NULL), WS_OK);
  wire_put_text(&w, 0x8a, "pong");
  wire_read_gives(&w, WS_ERR_CALLBACK);
  wire_close(&w);
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_close_handler(w.conn, on_close, &end, NULL), WS_OK);
  peer_put_close(w.fd, 1, 1000, "");
  wire_read_gives(&w, WS_ERR_CALLBACK);
  wire_close(&w);
}

/* One thread reads, another changes the handler: it holds from the next frame on. */
static void *set_handler_then_ping(void *argument) {
  void **both = argument;
  wire *w = both[0];
  check_settle();
  EXPECT_STATUS(ws_conn_set_ping_handler(w->conn, on_control, both[1], NULL), WS_OK);
  wire_put_text(w, 0x89, "ping");
  wire_put_text(w, 0x81, "x");
  return NULL;
}

static void a_handler_set_from_another_thread(void) {
  wire w;
  seen ping = {.calls = 0};
  pthread_t thread;
  void *both[2] = {&w, &ping};
  REQUIRE(wire_open(&w, AS_SERVER));
  pthread_create(&thread, NULL, set_handler_then_ping, both);
  wire_reads(&w, "x");
  pthread_join(thread, NULL);
  EXPECT_INT(ping.calls, 1);
  EXPECT(pthread_equal(ping.thread, pthread_self()));
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(a_ping_is_answered_by_default),
    TEST(ten_pings_get_ten_pongs_in_order),
    TEST(a_ping_handler_replaces_the_answer),
    TEST(a_pong_handler_hears_of_pongs),
    TEST(a_pong_reaches_the_other_side),
    TEST(a_close_handler_hears_code_and_reason),
    TEST(a_close_handler_sends_what_it_likes),
    TEST(what_a_close_handler_leaves_ws_conn_close_sends),
    TEST(handlers_run_inside_ws_conn_close_too),
    TEST(a_handler_that_fails_ends_reading),
    TEST(pong_and_close_handlers_that_fail),
    TEST(a_handler_set_from_another_thread),
};
TEST_MAIN(tests)
