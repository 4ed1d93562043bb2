/* The closing handshake (RFC 6455 5.5.1, 7): who says what, in which order, and what the calls give.
 */
#include "wire.h"

/* The peer in a thread of its own: waits for the library's close frame, says something, ends. */
typedef struct answerer {
  wire *w;
  int code;         /* to answer with; 0: a close frame without code; -1: no close frame at all */
  const char *data; /* a message before the answer, unless NULL */
  int got;          /* the library's code */
} answerer;

static void *answer_close(void *argument) {
  answerer *self = argument;
  self->got = peer_get_close(self->w->fd);
  if (self->data != NULL) wire_put_text(self->w, 0x81, self->data);
  if (self->code >= 0) peer_put_close(self->w->fd, self->w->masks, self->code, "");
  close(self->w->fd);
  self->w->fd = -1;
  return NULL;
}

/* Closes against a peer that answers as told; returns what ws_conn_close gave. */
static int close_with(wire *w, answerer *peer, uint16_t code, const char *reason) {
  pthread_t thread;
  peer->w = w;
  pthread_create(&thread, NULL, answer_close, peer);
  int status = ws_conn_close(w->conn, code, reason, strlen(reason), ws_in_ms(check_limit(3000)));
  pthread_join(thread, NULL);
  return status;
}

static void expect_codes(wire *w, int theirs, const char *reason, int ours) {
  uint16_t got_theirs = 7, got_ours = 7;
  ws_bytes got;
  EXPECT_STATUS(ws_conn_close_codes(w->conn, &got_theirs, &got, &got_ours), WS_OK);
  EXPECT_INT(got_theirs, theirs);
  EXPECT_INT(got_ours, ours);
  EXPECT_BYTES(got.data, got.size, reason, strlen(reason));
}

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
  static const uint16_t codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
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

typedef struct ending {
  int code; /* 0: none */
  int status;
} ending;

static const ending endings[] = {{0, WS_END},           {1000, WS_END},         {1001, WS_END},         {1002, WS_ERR_CLOSED},
                                 {1003, WS_ERR_CLOSED}, {1007, WS_ERR_CLOSED},  {1008, WS_ERR_CLOSED},  {1009, WS_ERR_CLOSED},
                                 {1010, WS_ERR_CLOSED}, {1011, WS_ERR_CLOSED},  {1012, WS_ERR_CLOSED},  {1013, WS_ERR_CLOSED},
                                 {1014, WS_ERR_CLOSED}, {3000, WS_ERR_CLOSED},  {4000, WS_ERR_CLOSED},  {4999, WS_ERR_CLOSED}};

/* The peer begins. The default answer is the same code without a reason; reading stays ended. */
static void their_close_is_answered(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
      int code = endings[i].code;
      uint8_t echo[2] = {(uint8_t)(code >> 8), (uint8_t)code};
      wire w;
      REQUIRE(wire_open(&w, role));
      peer_put_close(w.fd, w.masks, code, code == 0 ? "" : "their reason");
      wire_read_gives(&w, endings[i].status);
      wire_read_gives(&w, endings[i].status);
      wire_gets(&w, 0x88, echo, code == 0 ? 0 : 2);
      expect_codes(&w, code == 0 ? 1005 : code, code == 0 ? "" : "their reason", code == 0 ? 1005 : code);
      wire_write_gives(&w, "x", WS_ERR_CLOSE_SENT);
      shutdown(w.fd, SHUT_WR);
      EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(check_limit(3000))), WS_OK);
      EXPECT(peer_ended(w.fd));
      wire_close(&w);
    }
  }
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
  EXPECT(check_ms() - start >= 59 && check_ms() - start < check_limit(1000));
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
  EXPECT(check_ms() - start >= 59 && check_ms() - start < check_limit(1000));
  wire_close(&w);
}

static void a_peer_that_drops(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    answerer peer = {.code = -1};
    REQUIRE(wire_open(&w, role));
    EXPECT_STATUS(close_with(&w, &peer, 1000, ""), WS_ERR_LOST);
    expect_codes(&w, 0, "", 1000);
    wire_close(&w);
  }
}

static void reading_from_a_peer_that_drops(void) {
  static const uint8_t pieces[] = {0x01, 0x83, 1, 2, 3, 4, 'a'}; /* cut in header, mask and payload */
  for (size_t cut = 0; cut <= sizeof pieces; cut++) {
    wire w;
    ws_failure failure = {.struct_size = sizeof failure};
    REQUIRE(wire_open(&w, AS_SERVER));
    EXPECT(peer_put(w.fd, pieces, cut));
    shutdown(w.fd, SHUT_WR);
    wire_read_gives(&w, WS_ERR_LOST);
    wire_read_gives(&w, WS_ERR_LOST);
    EXPECT_STATUS(ws_conn_failure(w.conn, WS_READ, &failure), WS_OK);
    EXPECT_INT(failure.code, WS_ERR_LOST);
    EXPECT_INT(failure.who, WS_BY_PEER);
    EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(check_limit(1000))), WS_ERR_LOST);
    wire_close(&w);
  }
}

/* After the close frame nothing counts, not even a violation. */
static void bytes_after_the_close_are_ignored(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  peer_put_close(w.fd, 1, 1000, "");
  wire_put_text(&w, 0x81, "too late");
  wire_put_text(&w, 0xf3, "and wrong");
  wire_read_gives(&w, WS_END);
  wire_read_gives(&w, WS_END);
  wire_gets(&w, 0x88, "\x03\xe8", 2);
  shutdown(w.fd, SHUT_WR);
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(check_limit(3000))), WS_OK);
  EXPECT(peer_ended(w.fd));
  wire_close(&w);
}

static void messages_before_the_answer_are_dropped(void) {
  wire w;
  answerer peer = {.code = 1000, .data = "nobody reads me"};
  REQUIRE(wire_open(&w, AS_SERVER));
  wire_put_text(&w, 0x81, "nor me");
  EXPECT_STATUS(close_with(&w, &peer, 1000, ""), WS_OK);
  wire_close(&w);
}

static void messages_after_close_begin_are_read(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_close_begin(w.conn, 1001, NULL, 0), WS_OK);
  wire_put_text(&w, 0x81, "one more");
  peer_put_close(w.fd, 1, 1001, "");
  wire_reads(&w, "one more");
  wire_read_gives(&w, WS_END);
  wire_close(&w);
}

typedef struct reading {
  ws_conn *conn;
  int messages;
  int status;
} reading;

static void *read_all(void *argument) {
  reading *self = argument;
  int32_t type;
  ws_bytes message;
  while ((self->status = ws_conn_read(self->conn, &type, &message)) == WS_OK) self->messages += 1;
  return NULL;
}

/* One thread reads, another closes: the reader gets what is still coming, then the end. */
static void a_thread_that_reads_gets_the_rest(void) {
  pthread_t thread;
  wire w;
  answerer peer = {.code = 1000, .data = "for the reader"};
  REQUIRE(wire_open(&w, AS_CLIENT));
  reading reader = {w.conn, 0, 0};
  pthread_create(&thread, NULL, read_all, &reader);
  check_sleep(20);
  EXPECT_STATUS(close_with(&w, &peer, 1000, ""), WS_OK);
  pthread_join(thread, NULL);
  EXPECT_INT(reader.messages, 1);
  EXPECT_STATUS(reader.status, WS_END);
  wire_close(&w);
}

/* A reader is in the way and the peer is silent: the deadline holds, and the reader is released. */
static void closing_beside_a_reader_keeps_its_deadline(void) {
  pthread_t thread;
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  reading reader = {w.conn, 0, 0};
  pthread_create(&thread, NULL, read_all, &reader);
  check_sleep(20);
  int64_t start = check_ms();
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(60)), WS_ERR_TIMEOUT);
  EXPECT(check_ms() - start < check_limit(1000));
  pthread_join(thread, NULL);
  EXPECT(reader.status < 0);
  wire_close(&w);
}

/* Unread input must not turn our close frame into a reset (RFC 6455 7.1.1). */
static void unread_data_does_not_reset_our_close_away(void) {
  uint8_t *data = calloc(1, 1000000);
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    answerer peer = {.code = 1000};
    REQUIRE(wire_open_tcp(&w, role));
    wire_put(&w, 0x82, data, 200000);
    EXPECT_STATUS(close_with(&w, &peer, 1000, "bye"), WS_OK);
    EXPECT_INT(peer.got, 1000);
    wire_close(&w);
  }
  free(data);
}

/* Output is blocked when the close begins; it leaves when there is room again. */
static void a_close_begun_while_output_is_blocked(void) {
  static uint8_t data[1000];
  static peer_frame frame;
  wire w;
  int whole = 0, status = WS_OK;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_write_deadline(w.conn, 1), WS_OK);
  while (status == WS_OK) whole += (status = ws_conn_write(w.conn, WS_BINARY, data, 1)) == WS_OK;
  REQUIRE_STATUS(status, WS_ERR_TIMEOUT);
  EXPECT_STATUS(ws_conn_set_write_deadline(w.conn, 0), WS_OK);
  int64_t start = check_ms();
  EXPECT_STATUS(ws_conn_close_begin(w.conn, 1001, NULL, 0), WS_OK);
  EXPECT(check_ms() - start < check_limit(500));
  for (int i = 0; i < whole; i++) REQUIRE(peer_get_frame(w.fd, &frame) && frame.first == 0x82);
  peer_put_close(w.fd, 1, 1001, "");
  shutdown(w.fd, SHUT_WR);
  EXPECT_STATUS(ws_conn_close(w.conn, 1001, NULL, 0, ws_in_ms(check_limit(3000))), WS_OK);
  wire_gets(&w, 0x88, "\x03\xe9", 2);
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
    TEST(their_close_is_answered),
    TEST(closing_closes_with_any_code_of_the_peer),
    TEST(a_simultaneous_close),
    TEST(a_simultaneous_close_of_two_of_ours),
    TEST(a_peer_that_never_answers),
    TEST(the_close_timeout_is_used_without_a_deadline),
    TEST(a_peer_that_drops),
    TEST(reading_from_a_peer_that_drops),
    TEST(bytes_after_the_close_are_ignored),
    TEST(messages_before_the_answer_are_dropped),
    TEST(messages_after_close_begin_are_read),
    TEST(a_thread_that_reads_gets_the_rest),
    TEST(closing_beside_a_reader_keeps_its_deadline),
    TEST(unread_data_does_not_reset_our_close_away),
    TEST(a_close_begun_while_output_is_blocked),
};
TEST_MAIN(tests)
