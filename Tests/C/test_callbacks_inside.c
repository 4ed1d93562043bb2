/* What handlers may do while they run: call everything, abort, close, free; and who frees their user pointers, when.
 */
#include "handlers.h"

static void read_inside(ws_conn *conn, seen *self) {
  int32_t type;
  ws_bytes message;
  size_t size;
  (void)self;
  EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_ERR_STATE);
  EXPECT_STATUS(ws_conn_read_into(conn, &type, NULL, 0, &size), WS_ERR_STATE);
}

static void reading_inside_a_handler_is_refused(void) {
  wire w;
  seen ping = {.act = read_inside};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &ping, NULL), WS_OK);
  wire_put_text(&w, 0x89, "ping");
  wire_put_text(&w, 0x81, "unharmed");
  wire_reads(&w, "unharmed");
  EXPECT_INT(ping.calls, 1);
  wire_close(&w);
}

static void call_queries(ws_conn *conn) {
  uint16_t theirs, ours;
  ws_bytes bytes;
  void *user;
  ws_address address = {.struct_size = sizeof address};
  ws_failure failure = {.struct_size = sizeof failure};
  EXPECT_STATUS(ws_conn_close_codes(conn, &theirs, &bytes, &ours), WS_OK);
  EXPECT_STATUS(ws_conn_user_data(conn, &user), WS_OK);
  EXPECT_STATUS(ws_conn_local_address(conn, &address), WS_OK);
  EXPECT_STATUS(ws_conn_remote_address(conn, &address), WS_OK);
  EXPECT_STATUS(ws_conn_subprotocol(conn, &bytes), WS_OK);
  EXPECT_STATUS(ws_conn_failure(conn, WS_READ, &failure), WS_OK);
  EXPECT_STATUS(ws_conn_failure(conn, WS_WRITE, &failure), WS_OK);
}

/* Every legal function, the handlers' own setters included; they free the running handler's user, once. */
static void call_everything(ws_conn *conn, seen *self) {
  call_queries(conn);
  EXPECT_STATUS(ws_conn_set_read_timeout(conn, 5000), WS_OK);
  EXPECT_STATUS(ws_conn_set_write_timeout(conn, 5000), WS_OK);
  EXPECT_STATUS(ws_conn_set_close_timeout(conn, 5000), WS_OK);
  EXPECT_STATUS(ws_conn_set_read_deadline(conn, ws_in_ms(5000)), WS_OK);
  EXPECT_STATUS(ws_conn_set_write_deadline(conn, ws_in_ms(5000)), WS_OK);
  EXPECT_STATUS(ws_conn_set_read_limit(conn, 10), WS_OK);
  EXPECT_STATUS(ws_conn_set_check_utf8(conn, 0, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_interruptible(conn, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_user_data(conn, self, NULL), WS_OK);
  EXPECT(ws_conn_retain(conn) == conn);
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  EXPECT_STATUS(ws_conn_write(conn, WS_TEXT, "from inside", 11), WS_OK);
  EXPECT_STATUS(ws_conn_write_control(conn, WS_PONG, "p", 1, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_ping_handler(conn, NULL, NULL, NULL), WS_OK);
  EXPECT_STATUS(ws_conn_set_pong_handler(conn, on_control, self, on_free), WS_OK);
  EXPECT_STATUS(ws_conn_set_close_handler(conn, NULL, NULL, NULL), WS_OK);
}

/* What a handler sets must not be lost when it returns: the limit, the check and the handlers hold for the next frame. */
static void a_handler_may_call_everything(void) {
  wire w;
  seen ping = {.act = call_everything};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &ping, on_free), WS_OK);
  wire_put_text(&w, 0x89, "ping");
  wire_put_text(&w, 0x81, "\xff");
  wire_reads(&w, "\xff"); /* unchecked since the handler ran */
  EXPECT_INT(ping.calls, 1);
  EXPECT_INT(ping.freed, 1);
  wire_gets_text(&w, 0x81, "from inside");
  wire_gets_text(&w, 0x8a, "p");
  ping.act = NULL;
  wire_put_text(&w, 0x89, "answered by default");
  wire_put_text(&w, 0x8a, "heard");
  wire_put_text(&w, 0x81, "longer than ten");
  wire_read_gives(&w, WS_ERR_TOO_BIG);
  wire_gets_text(&w, 0x8a, "answered by default");
  EXPECT_INT(ping.calls, 2);
  EXPECT_INT(peer_get_close(w.fd), 1009);
  wire_close(&w);
  EXPECT_INT(ping.freed, 2);
}

static void a_fragmented_message_survives_a_busy_handler(void) {
  wire w;
  seen ping = {.act = call_everything};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &ping, NULL), WS_OK);
  wire_put_text(&w, 0x01, "Hel");
  wire_put_text(&w, 0x89, "ping");
  wire_put_text(&w, 0x80, "lo");
  wire_reads(&w, "Hello");
  wire_close(&w);
}

static void abort_it(ws_conn *conn, seen *self) {
  (void)self;
  EXPECT_STATUS(ws_conn_abort(conn), WS_OK);
}

static void aborting_inside_a_handler(void) {
  wire w;
  seen ping = {.act = abort_it};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &ping, NULL), WS_OK);
  wire_put_text(&w, 0x89, "ping");
  wire_read_gives(&w, WS_ERR_ABORTED);
  EXPECT(peer_ended(w.fd));
  wire_close(&w);
}

static void close_it(ws_conn *conn, seen *self) {
  (void)self;
  EXPECT_STATUS(ws_conn_set_close_timeout(conn, 100), WS_OK);
  int status = ws_conn_close(conn, 1000, NULL, 0, ws_in_ms(100));
  EXPECT(status <= WS_OK);
}

/* Closing waits for the peer, which the reading thread below would have to hear: it must end in time, somehow. */
static void closing_inside_a_handler(void) {
  wire w;
  int32_t type;
  ws_bytes message;
  seen ping = {.act = close_it};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &ping, NULL), WS_OK);
  wire_put_text(&w, 0x89, "ping");
  peer_put_close(w.fd, 1, 1000, "");
  shutdown(w.fd, SHUT_WR);
  int64_t start = check_ms();
  EXPECT(ws_conn_read(w.conn, &type, &message) != WS_OK);
  EXPECT_WITHIN(start, 1000);
  wire_gets(&w, 0x88, "\x03\xe8", 2);
  wire_close(&w);
}

static void free_it(ws_conn *conn, seen *self) {
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  EXPECT_INT(self->freed, 0); /* not while it runs */
}

/* The last reference goes inside the handler; it takes effect when the outermost call returns. */
static void freeing_inside_every_handler(void) {
  static const int opcodes[] = {0x89, 0x8a, 0x88};
  for (int i = 0; i < 3; i++) {
    wire w;
    seen user = {.act = free_it};
    REQUIRE(wire_open(&w, AS_SERVER));
    EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, i == 0 ? on_control : NULL, &user, i == 0 ? on_free : NULL), WS_OK);
    EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, i == 1 ? on_control : NULL, &user, i == 1 ? on_free : NULL), WS_OK);
    EXPECT_STATUS(ws_conn_set_close_handler(w.conn, i == 2 ? on_close : NULL, &user, i == 2 ? on_free : NULL), WS_OK);
    wire_put(&w, opcodes[i], "", 0);
    int32_t type;
    ws_bytes message;
    EXPECT(ws_conn_read(w.conn, &type, &message) != WS_OK);
    EXPECT_INT(user.calls, 1);
    EXPECT_INT(user.freed, 1);
    EXPECT(peer_ended(w.fd) || i == 2);
    close(w.fd);
  }
}

static void freeing_inside_a_handler_of_ws_conn_close(void) {
  wire w;
  seen ping = {.act = free_it};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &ping, on_free), WS_OK);
  wire_put_text(&w, 0x89, "ping");
  peer_put_close(w.fd, 1, 1000, "");
  shutdown(w.fd, SHUT_WR);
  ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(check_limit(500)));
  EXPECT_INT(ping.calls, 1);
  EXPECT_INT(ping.freed, 1);
  close(w.fd);
}

static void user_pointers_are_freed_once(void) {
  wire w;
  seen first = {.calls = 0}, second = {.calls = 0}, data = {.calls = 0};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &first, on_free), WS_OK);
  EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, on_control, &first, on_free), WS_OK);
  EXPECT_STATUS(ws_conn_set_close_handler(w.conn, on_close, &first, on_free), WS_OK);
  EXPECT_STATUS(ws_conn_set_user_data(w.conn, &data, on_free), WS_OK);
  EXPECT_INT(first.freed, 0);
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &second, on_free), WS_OK);
  EXPECT_INT(first.freed, 1);
  EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, NULL, &second, on_free), WS_OK); /* a pointer without a use */
  EXPECT_INT(first.freed, 2);
  wire_close(&w);
  EXPECT_INT(first.freed, 3);
  EXPECT_INT(second.freed, 2);
  EXPECT_INT(data.freed, 1);
}

static const check_test tests[] = {
    TEST(reading_inside_a_handler_is_refused),
    TEST(a_handler_may_call_everything),
    TEST(a_fragmented_message_survives_a_busy_handler),
    TEST(aborting_inside_a_handler),
    TEST(closing_inside_a_handler),
    TEST(freeing_inside_every_handler),
    TEST(freeing_inside_a_handler_of_ws_conn_close),
    TEST(user_pointers_are_freed_once),
};
TEST_MAIN(tests)
