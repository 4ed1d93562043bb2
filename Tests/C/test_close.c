/* The closing handshake that we begin (RFC 6455 5.5.1, 7.1): what may be sent, who answers, and for how long we wait.
 */
#include "closing.h"

static void our_close_is_answered(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    answerer peer = {.code = 1000};
    REQUIRE(wire_open(&w, role));
    expect_codes(&w, 0, "", 0);
    EXPECT_STATUS(close_with(&w, &peer, 1000, "done"), WS_OK);
    EXPECT_INT(peer.got, 1000);
    expect_codes(&w, 1000, "", 1000);
    wire_read_gives(&w, WS_END);
    wire_write_gives(&w, "x", WS_ERR_CLOSE_SENT);
    EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_OK); /* repeating is harmless */
    wire_close(&w);
  }
}

static void the_close_frame_holds_code_and_reason(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    EXPECT_STATUS(ws_conn_close_begin(w.conn, 4321, "why\xc3\xa9", 5), WS_OK);
    wire_gets(&w, 0x88, "\x10\xe1why\xc3\xa9", 7);
    wire_close(&w);
  }
}

static void every_code_that_may_be_sent(void) {
  static const uint16_t codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                   1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    wire w;
    answerer peer = {.code = codes[i]};
    REQUIRE(wire_open(&w, AS_SERVER));
    EXPECT_STATUS(close_with(&w, &peer, codes[i], ""), WS_OK);
    EXPECT_INT(peer.got, codes[i]);
    expect_codes(&w, codes[i], "", codes[i]);
    wire_close(&w);
  }
}

static void a_close_without_code(void) {
  static const uint16_t codes[] = {0, 1005};
  for (int i = 0; i < 2; i++) {
    wire w;
    answerer peer = {.code = 0};
    REQUIRE(wire_open(&w, AS_CLIENT));
    EXPECT_STATUS(ws_conn_close(w.conn, codes[i], "x", 1, 0), WS_ERR_INVALID);
    EXPECT_STATUS(close_with(&w, &peer, codes[i], ""), WS_OK);
    EXPECT_INT(peer.got, 1005);
    expect_codes(&w, 1005, "", 1005);
    wire_close(&w);
  }
}

static void codes_that_must_not_be_sent(void) {
  static const uint16_t codes[] = {1, 2, 999, 1004, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65535};
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    uint8_t payload[2] = {(uint8_t)(codes[i] >> 8), (uint8_t)codes[i]};
    EXPECT_STATUS(ws_conn_close(w.conn, codes[i], NULL, 0, 0), WS_ERR_INVALID);
    EXPECT_STATUS(ws_conn_close_begin(w.conn, codes[i], NULL, 0), WS_ERR_INVALID);
    EXPECT_STATUS(ws_conn_write_control(w.conn, WS_CLOSE, payload, 2, 0), WS_ERR_INVALID);
  }
  EXPECT(peer_silent(w.fd, 20));
  wire_write_gives(&w, "open still", WS_OK);
  wire_close(&w);
}

static void reasons_that_must_not_be_sent(void) {
  char reason[126];
  wire w;
  memset(reason, 'r', sizeof reason);
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, reason, 124, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, "\xff", 1, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, "\xed\xa0\x80", 3), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, "\xc3", 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_write_control(w.conn, WS_CLOSE, "\x03", 1, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_write_control(w.conn, WS_CLOSE, "\x03\xe8\xff", 3, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, reason, 126, 0), WS_ERR_INVALID);
  EXPECT(peer_silent(w.fd, 20));
  EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, reason, 123), WS_OK);
  wire_close(&w);
}

static void a_close_frame_as_a_control_frame(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_write_control(w.conn, WS_CLOSE, "\x03\xe9" "bye", 5, 0), WS_OK);
  wire_gets(&w, 0x88, "\x03\xe9" "bye", 5);
  wire_write_gives(&w, "x", WS_ERR_CLOSE_SENT);
  EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, NULL, 0, 0), WS_ERR_CLOSE_SENT);
  EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, NULL, 0), WS_OK); /* sent before */
  peer_put_close(w.fd, 1, 1001, "");
  wire_read_gives(&w, WS_END);
  expect_codes(&w, 1001, "", 1001);
  wire_close(&w);
}

static void closing_closes_with_any_code_of_the_peer(void) {
  wire w;
  answerer peer = {.code = 4000};
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(close_with(&w, &peer, 1000, ""), WS_OK);
  expect_codes(&w, 4000, "", 1000);
  wire_close(&w);
}

/* Both sides begin at once: neither answers, both are done. */
static void a_simultaneous_close(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, NULL, 0), WS_OK);
  peer_put_close(w.fd, 1, 1001, "");
  shutdown(w.fd, SHUT_WR);
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(check_limit(3000))), WS_OK);
  wire_gets(&w, 0x88, "\x03\xe8", 2);
  EXPECT(peer_ended(w.fd));
  expect_codes(&w, 1001, "", 1000);
  wire_close(&w);
}

static void a_simultaneous_close_of_two_of_ours(void) {
  pair p;
  uint16_t theirs;
  REQUIRE(pair_open(&p));
  EXPECT_STATUS(ws_conn_close_begin(p.client, 1000, NULL, 0), WS_OK);
  EXPECT_STATUS(ws_conn_close_begin(p.server, 1001, NULL, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_close_timeout(p.server, 100), WS_OK);
  ws_conn_close(p.server, 1001, NULL, 0, 0); /* the client's end of stream is still to come */
  EXPECT_STATUS(ws_conn_close_codes(p.server, &theirs, NULL, NULL), WS_OK);
  EXPECT_INT(theirs, 1000);
  EXPECT_STATUS(ws_conn_close(p.client, 1000, NULL, 0, ws_in_ms(check_limit(3000))), WS_OK);
  EXPECT_STATUS(ws_conn_close_codes(p.client, &theirs, NULL, NULL), WS_OK);
  EXPECT_INT(theirs, 1001);
  pair_close(&p);
}

static void a_peer_that_never_answers(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  int64_t start = check_ms();
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(60)), WS_ERR_TIMEOUT);
  EXPECT(check_ms() - start >= 59);
  EXPECT_WITHIN(start, 1000);
  wire_gets(&w, 0x88, "\x03\xe8", 2);
  EXPECT(peer_ended(w.fd)); /* dropped */
  wire_close(&w);
}

static void the_close_timeout_is_used_without_a_deadline(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_close_timeout(w.conn, 60), WS_OK);
  int64_t start = check_ms();
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_ERR_TIMEOUT);
  EXPECT(check_ms() - start >= 59);
  EXPECT_WITHIN(start, 1000);
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(our_close_is_answered),
    TEST(the_close_frame_holds_code_and_reason),
    TEST(every_code_that_may_be_sent),
    TEST(a_close_without_code),
    TEST(codes_that_must_not_be_sent),
    TEST(reasons_that_must_not_be_sent),
    TEST(a_close_frame_as_a_control_frame),
    TEST(closing_closes_with_any_code_of_the_peer),
    TEST(a_simultaneous_close),
    TEST(a_simultaneous_close_of_two_of_ours),
    TEST(a_peer_that_never_answers),
    TEST(the_close_timeout_is_used_without_a_deadline),
};
TEST_MAIN(tests)
