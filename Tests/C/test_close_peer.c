/* How a connection ends otherwise: the peer closes or drops, more comes behind a close frame, another thread reads, output
 * is blocked.
 */
#include "closing.h"

/* 0 stands for a close frame without code. Only the first three are a normal end. */
static const int endings[] = {0,    1000, 1001, 1002, 1003, 1007, 1008, 1009,
                              1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999};

static int status_of(int code) { return code == 0 || code == 1000 || code == 1001 ? WS_END : WS_ERR_CLOSED; }

/* The peer begins. The default answer is the same code without a reason; reading stays ended. */
static void their_close_is_answered(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
      int code = endings[i];
      uint8_t echo[2] = {(uint8_t)(code >> 8), (uint8_t)code};
      wire w;
      REQUIRE(wire_open(&w, role));
      peer_put_close(w.fd, w.masks, code, code == 0 ? "" : "their reason");
      wire_read_gives(&w, status_of(code));
      wire_read_gives(&w, status_of(code));
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
  check_settle();
  EXPECT_STATUS(close_with(&w, &peer, 1000, ""), WS_OK);
  pthread_join(thread, NULL);
  EXPECT_INT(reader.messages, 1);
  EXPECT_STATUS(reader.status, WS_END);
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
  EXPECT_WITHIN(start, 500);
  for (int i = 0; i < whole; i++) REQUIRE(peer_get_frame(w.fd, &frame) && frame.first == 0x82);
  peer_put_close(w.fd, 1, 1001, "");
  shutdown(w.fd, SHUT_WR);
  EXPECT_STATUS(ws_conn_close(w.conn, 1001, NULL, 0, ws_in_ms(check_limit(3000))), WS_OK);
  wire_gets(&w, 0x88, "\x03\xe9", 2);
  wire_close(&w);
}

/* A reset is the end of the connection too, whatever the system calls it. */
static void a_peer_that_resets(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    struct linger reset = {1, 0};
    wire w;
    REQUIRE(wire_open_tcp(&w, role));
    setsockopt(w.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(w.fd);
    w.fd = -1;
    wire_read_gives(&w, WS_ERR_LOST);
    wire_write_gives(&w, "x", WS_ERR_LOST);
    EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(check_limit(1000))), WS_ERR_LOST);
    wire_close(&w);
  }
}

/* The runner counts descriptors: none may be left. */
static void many_connections_leave_nothing_behind(void) {
  for (int i = 0; i < 300; i++) {
    pair p;
    REQUIRE(pair_open(&p));
    if (i % 3 == 0) EXPECT_STATUS(ws_conn_close_begin(p.client, 1000, NULL, 0), WS_OK);
    if (i % 3 == 1) EXPECT_STATUS(ws_conn_abort(p.server), WS_OK);
    pair_close(&p);
  }
}

static const check_test tests[] = {
    TEST(their_close_is_answered),
    TEST(a_peer_that_drops),
    TEST(reading_from_a_peer_that_drops),
    TEST(bytes_after_the_close_are_ignored),
    TEST(messages_before_the_answer_are_dropped),
    TEST(messages_after_close_begin_are_read),
    TEST(a_thread_that_reads_gets_the_rest),
    TEST(unread_data_does_not_reset_our_close_away),
    TEST(a_close_begun_while_output_is_blocked),
    TEST(a_peer_that_resets),
    TEST(many_connections_leave_nothing_behind),
};
TEST_MAIN(tests)
