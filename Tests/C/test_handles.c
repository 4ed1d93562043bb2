/* NULL handles and handles of another type, in every function: a status, written outputs, and never a crash.
 */
#include "zoo.h"

static int freed;
static void count_free(void *user) WS_NOEXCEPT {
  (void)user;
  freed += 1;
}

static int ignore_control(ws_conn *conn, const void *data, size_t size, void *user) WS_NOEXCEPT {
  (void)conn, (void)data, (void)size, (void)user;
  return 0;
}

static int ignore_close(ws_conn *conn, uint16_t code, const void *data, size_t size, void *user) WS_NOEXCEPT {
  (void)code;
  return ignore_control(conn, data, size, user);
}

static int empty(const ws_bytes *bytes) { return bytes->data == NULL && bytes->size == 0; }

/* Everything that moves data, on something that is no connection. */
static void no_connection_moves_data(ws_conn *no) {
  int32_t type = 5;
  ws_bytes bytes = {(const uint8_t *)"x", 1};
  size_t size = 9;
  char room[4];
  EXPECT_STATUS(ws_conn_read(no, &type, &bytes), WS_ERR_INVALID);
  EXPECT(type == 0 && empty(&bytes));
  type = 5;
  EXPECT_STATUS(ws_conn_read_into(no, &type, room, sizeof room, &size), WS_ERR_INVALID);
  EXPECT(type == 0 && size == 0);
  EXPECT_STATUS(ws_conn_write(no, WS_TEXT, "x", 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_write_control(no, WS_PING, "x", 1, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_close(no, 1000, NULL, 0, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_close_begin(no, 1000, NULL, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_abort(no), WS_ERR_INVALID);
  EXPECT(ws_conn_retain(no) == NULL);
}

/* The queries, which also write their outputs. */
static void no_connection_answers(const ws_conn *no) {
  uint16_t theirs = 7, ours = 7;
  ws_bytes bytes = {(const uint8_t *)"x", 1};
  void *user = &theirs;
  ws_address address = {.struct_size = sizeof address, .family = 9, .port = 9, .host = "x"};
  ws_failure failure = {.struct_size = sizeof failure, .code = 9, .text = "x"};
  EXPECT_STATUS(ws_conn_close_codes(no, &theirs, &bytes, &ours), WS_ERR_INVALID);
  EXPECT(theirs == 0 && ours == 0 && empty(&bytes));
  EXPECT_STATUS(ws_conn_user_data(no, &user), WS_ERR_INVALID);
  EXPECT(user == NULL);
  EXPECT_STATUS(ws_conn_local_address(no, &address), WS_ERR_INVALID);
  EXPECT(address.family == 0 && address.port == 0 && address.host[0] == '\0');
  EXPECT_STATUS(ws_conn_remote_address(no, &address), WS_ERR_INVALID);
  bytes.data = (const uint8_t *)"x";
  EXPECT_STATUS(ws_conn_subprotocol(no, &bytes), WS_ERR_INVALID);
  EXPECT(empty(&bytes));
  bytes.data = (const uint8_t *)"x";
  EXPECT_STATUS(ws_conn_extensions(no, &bytes), WS_ERR_INVALID);
  EXPECT(empty(&bytes));
  EXPECT_STATUS(ws_conn_failure(no, WS_READ, &failure), WS_ERR_INVALID);
  EXPECT(failure.code == 0 && failure.text[0] == '\0');
}

/* The setters; a user pointer is freed although nothing was set. */
static void no_connection_is_set(ws_conn *no) {
  freed = 0;
  EXPECT_STATUS(ws_conn_set_ping_handler(no, ignore_control, &freed, count_free), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_pong_handler(no, ignore_control, &freed, count_free), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_close_handler(no, ignore_close, &freed, count_free), WS_ERR_INVALID);
  EXPECT_INT(freed, 3);
  EXPECT_STATUS(ws_conn_set_user_data(no, NULL, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_read_timeout(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_write_timeout(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_close_timeout(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_read_deadline(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_write_deadline(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_read_limit(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_check_utf8(no, 1, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_interruptible(no, 1), WS_ERR_INVALID);
}

static void no_dialer(ws_dialer *no) {
  EXPECT_STATUS(ws_dialer_add_header(no, "X-A", "b"), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_add_subprotocol(no, "chat"), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_timeout(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_read_limit(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_compression(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_context_takeover(no, 1, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_window_bits(no, 15, 15), WS_ERR_INVALID);
}

static void no_dial(ws_dial *no) {
  int ends[2];
  ws_conn *conn = (ws_conn *)&ends;
  ws_failure failure = {.struct_size = sizeof failure};
  int32_t status = 9;
  const ws_headers *headers = (const ws_headers *)&ends;
  ws_bytes body = {(const uint8_t *)"x", 1};
  peer_sockets(ends);
  EXPECT_STATUS(ws_dial_use_fd(no, ends[1]), WS_ERR_INVALID);
  EXPECT(peer_ended(ends[0])); /* taken in every case */
  close(ends[0]);
  EXPECT_STATUS(ws_dial_run(no, 0, &conn, &failure), WS_ERR_INVALID);
  EXPECT(conn == NULL);
  EXPECT_STATUS(ws_dial_cancel(no), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dial_response(no, &status, &headers, &body), WS_ERR_INVALID);
  EXPECT(status == 0 && headers == NULL && empty(&body));
}

static void no_upgrader(ws_upgrader *no) {
  EXPECT_STATUS(ws_upgrader_add_subprotocol(no, "chat"), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_add_origin(no, "https://example.com"), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_origin_required(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_add_host(no, "example.com"), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_add_header(no, "X-A", "b"), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_timeout(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_read_limit(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_compression(no, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_context_takeover(no, 1, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_window_bits(no, 15, 15), WS_ERR_INVALID);
}

static void no_upgrade(ws_upgrade *no) {
  int marker = 0;
  ws_conn *conn = (ws_conn *)&marker;
  ws_failure failure = {.struct_size = sizeof failure};
  const ws_headers *headers = (const ws_headers *)&marker;
  ws_bytes target = {(const uint8_t *)"x", 1};
  EXPECT_STATUS(ws_upgrade_request(no, 0, &target, &headers, &failure), WS_ERR_INVALID);
  EXPECT(empty(&target) && headers == NULL);
  EXPECT_STATUS(ws_upgrade_accept(no, 0, &conn, &failure), WS_ERR_INVALID);
  EXPECT(conn == NULL);
  EXPECT_STATUS(ws_upgrade_refuse(no, 404, NULL, 0), WS_ERR_INVALID);
}

static void no_headers(const ws_headers *no) {
  ws_bytes name = {(const uint8_t *)"x", 1}, value = name;
  EXPECT_STATUS(ws_headers_get(no, 0, &name, &value), WS_ERR_INVALID);
  EXPECT(empty(&name) && empty(&value));
  value.data = (const uint8_t *)"x";
  EXPECT_STATUS(ws_headers_find(no, "Host", &value), WS_ERR_INVALID);
  EXPECT(empty(&value));
}

static void null_handles(void) {
  no_connection_moves_data(NULL);
  no_connection_answers(NULL);
  no_connection_is_set(NULL);
  no_dialer(NULL);
  no_dial(NULL);
  no_upgrader(NULL);
  no_upgrade(NULL);
  no_headers(NULL);
}

static void freeing_null_does_nothing(void) {
  EXPECT_STATUS(ws_conn_free(NULL), WS_OK);
  EXPECT_STATUS(ws_dialer_free(NULL), WS_OK);
  EXPECT_STATUS(ws_dial_free(NULL), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(NULL), WS_OK);
  EXPECT_STATUS(ws_upgrade_free(NULL), WS_OK);
}

static void handles_of_another_type(void) {
  zoo all;
  wire w;
  REQUIRE(zoo_open(&all) && wire_open(&w, AS_SERVER));
  void *others[] = {all.dialer, all.dial, all.upgrader, all.upgrade, w.conn};
  for (int i = 0; i < 5; i++) {
    if (others[i] != w.conn) {
      no_connection_moves_data(others[i]);
      no_connection_answers(others[i]);
      no_connection_is_set(others[i]);
      EXPECT_STATUS(ws_conn_free(others[i]), WS_ERR_INVALID);
    }
    if (others[i] != all.dialer) no_dialer(others[i]), EXPECT_STATUS(ws_dialer_free(others[i]), WS_ERR_INVALID);
    if (others[i] != all.dial) no_dial(others[i]), EXPECT_STATUS(ws_dial_free(others[i]), WS_ERR_INVALID);
    if (others[i] != all.upgrader) no_upgrader(others[i]), EXPECT_STATUS(ws_upgrader_free(others[i]), WS_ERR_INVALID);
    if (others[i] != all.upgrade) no_upgrade(others[i]), EXPECT_STATUS(ws_upgrade_free(others[i]), WS_ERR_INVALID);
    no_headers(others[i]);
  }
  wire_put_text(&w, 0x81, "still alive");
  wire_reads(&w, "still alive");
  wire_close(&w);
  zoo_close(&all);
}

/* A configuration of another type given to a call: the descriptor is taken all the same. */
static void configurations_of_another_type(void) {
  int ends[2];
  zoo all;
  ws_conn *conn = (ws_conn *)&all;
  ws_dial *dial = (ws_dial *)&all;
  ws_upgrade *upgrade = (ws_upgrade *)&all;
  REQUIRE(zoo_open(&all));
  EXPECT_STATUS(ws_dialer_dial((ws_dialer *)all.upgrader, "ws://localhost/", 0, &conn, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dial_new((ws_dialer *)all.upgrader, "ws://localhost/", &dial, NULL), WS_ERR_INVALID);
  EXPECT(conn == NULL && dial == NULL);
  peer_sockets(ends);
  conn = (ws_conn *)&all;
  EXPECT_STATUS(ws_upgrader_upgrade((ws_upgrader *)all.dialer, ends[1], NULL, 0, 0, &conn, NULL), WS_ERR_INVALID);
  EXPECT(conn == NULL && peer_ended(ends[0]));
  close(ends[0]);
  peer_sockets(ends);
  EXPECT_STATUS(ws_upgrade_new((ws_upgrader *)all.dialer, ends[1], NULL, 0, &upgrade), WS_ERR_INVALID);
  EXPECT(upgrade == NULL && peer_ended(ends[0]));
  close(ends[0]);
  zoo_close(&all);
}

static const check_test tests[] = {
    TEST(null_handles),
    TEST(freeing_null_does_nothing),
    TEST(handles_of_another_type),
    TEST(configurations_of_another_type),
};
TEST_MAIN(tests)
