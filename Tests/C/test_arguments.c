/* Misuse is a status: NULL outputs, NULL data with a size, values out of range, descriptors that are none, structs that do
 * not say their size.
 */
#include "zoo.h"

static void null_outputs_of_a_connection(void) {
  wire w;
  int32_t type;
  ws_bytes message;
  ws_reader *reader;
  size_t size;
  REQUIRE(wire_open(&w, AS_SERVER));
  wire_put_text(&w, 0x81, "text");
  EXPECT_STATUS(ws_conn_read(w.conn, NULL, &message), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_read(w.conn, &type, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_read_into(w.conn, NULL, &type, 4, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_read_into(w.conn, &type, &type, 4, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_read_into(w.conn, &type, NULL, 4, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_next_reader(w.conn, NULL, &reader), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_next_reader(w.conn, &type, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_next_reader(w.conn, &type, &reader), WS_OK);
  EXPECT_STATUS(ws_reader_read(reader, NULL, 4, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_reader_read(reader, &type, 4, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_reader_read(reader, &type, (size_t)-1, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_reader_next(reader, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_read_joined(w.conn, NULL, 1, &type, 4, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_read_joined(w.conn, "x", 1, NULL, 4, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_read_joined(w.conn, "x", 1, &type, 4, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_reader_next(reader, &message), WS_OK); /* nothing was lost */
  EXPECT_BYTES(message.data, message.size, "text", 4);
  EXPECT_STATUS(ws_conn_user_data(w.conn, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_local_address(w.conn, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_remote_address(w.conn, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_subprotocol(w.conn, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_extensions(w.conn, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_failure(w.conn, WS_READ, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_close_codes(w.conn, NULL, NULL, NULL), WS_OK); /* allowed there */
  wire_close(&w);
}

static void null_outputs_and_strings_elsewhere(void) {
  int ends[2];
  int32_t fd = 9;
  uint16_t port = 9;
  ws_conn *conn = (ws_conn *)&fd;
  ws_dial *dial = (ws_dial *)&fd;
  EXPECT_STATUS(ws_dialer_new(NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_new(NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_dial(NULL, NULL, 0, &conn, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_dial(NULL, "ws://localhost/", 0, NULL, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dial_new(NULL, NULL, &dial, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dial_new(NULL, "ws://localhost/", NULL, NULL), WS_ERR_INVALID);
  EXPECT(conn == NULL && dial == NULL);
  peer_sockets(ends);
  EXPECT_STATUS(ws_upgrader_upgrade(NULL, ends[1], NULL, 0, 0, NULL, NULL), WS_ERR_INVALID);
  EXPECT(peer_ended(ends[0]));
  close(ends[0]);
  peer_sockets(ends);
  EXPECT_STATUS(ws_upgrade_new(NULL, ends[1], NULL, 0, NULL), WS_ERR_INVALID);
  EXPECT(peer_ended(ends[0]));
  close(ends[0]);
  EXPECT_STATUS(ws_listen(NULL, 0, NULL, &port, NULL), WS_ERR_INVALID);
  EXPECT_INT(port, 0);
  EXPECT_STATUS(ws_accept(0, 1, NULL, NULL, NULL), WS_ERR_INVALID);
}

static int refused(int status) { return status == WS_ERR_INVALID || status == WS_ERR_IO; }

static void descriptors_that_are_none(void) {
  static const int none[] = {-1, INT32_MIN, 12345, INT32_MAX};
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    int32_t fd = 9;
    ws_conn *conn = (ws_conn *)&fd;
    ws_dial *dial;
    REQUIRE_STATUS(ws_dial_new(NULL, "ws://localhost/", &dial, NULL), WS_OK);
    int status = ws_dial_use_fd(dial, none[i]);
    if (status == WS_OK) status = ws_dial_run(dial, 0, &conn, NULL);
    EXPECT(refused(status));
    conn = (ws_conn *)&fd;
    EXPECT(refused(ws_upgrader_upgrade(NULL, none[i], NULL, 0, 0, &conn, NULL)));
    EXPECT(conn == NULL);
    EXPECT(refused(ws_accept(none[i], 1, &fd, NULL, NULL)));
    EXPECT(fd <= 0);
    EXPECT_STATUS(ws_dial_free(dial), WS_OK);
  }
}

/* Descriptors that are open, but are no stream sockets. */
static void descriptors_that_are_no_sockets(void) {
  int32_t fd = 9;
  int pipes[2];
  ws_conn *conn;
  REQUIRE(pipe(pipes) == 0);
  EXPECT(refused(ws_accept(pipes[0], 1, &fd, NULL, NULL)));
  EXPECT(ws_upgrader_upgrade(NULL, pipes[0], NULL, 0, ws_in_ms(100), &conn, NULL) < 0);
  EXPECT(conn == NULL);
  close(pipes[1]);
}

static void null_data_with_a_size(void) {
  int ends[2];
  wire w;
  ws_conn *conn = (ws_conn *)&w;
  ws_upgrade *upgrade = (ws_upgrade *)&w;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_write(w.conn, WS_TEXT, NULL, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_write(w.conn, WS_BINARY, NULL, SIZE_MAX), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, NULL, 1, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 1, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, NULL, 1), WS_ERR_INVALID);
  EXPECT(peer_silent(w.fd, 20));
  wire_close(&w);
  peer_sockets(ends);
  EXPECT_STATUS(ws_upgrader_upgrade(NULL, ends[1], NULL, 1, 0, &conn, NULL), WS_ERR_INVALID);
  EXPECT(conn == NULL && peer_ended(ends[0]));
  close(ends[0]);
  peer_sockets(ends);
  EXPECT_STATUS(ws_upgrade_new(NULL, ends[1], NULL, SIZE_MAX, &upgrade), WS_ERR_INVALID);
  EXPECT(upgrade == NULL && peer_ended(ends[0]));
  close(ends[0]);
}

static void numbers_out_of_range(void) {
  static const int32_t types[] = {0, -1, 3, 7, 11, 15, 16, 0x81, 0x102 | 0x200, INT32_MAX, INT32_MIN};
  wire w;
  ws_failure failure = {.struct_size = sizeof failure, .code = 9};
  REQUIRE(wire_open(&w, AS_SERVER));
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    EXPECT_STATUS(ws_conn_write(w.conn, types[i], "x", 1), WS_ERR_INVALID);
    EXPECT_STATUS(ws_conn_write_control(w.conn, types[i], "x", 1, 0), WS_ERR_INVALID);
    if (types[i] != WS_READ) EXPECT_STATUS(ws_conn_failure(w.conn, types[i], &failure), WS_ERR_INVALID);
  }
  EXPECT_INT(failure.code, 0);
  EXPECT_STATUS(ws_conn_write(w.conn, WS_PING, "x", 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_write(w.conn, WS_CLOSE, NULL, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_write_control(w.conn, WS_TEXT, "x", 1, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, -1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, INT64_MIN), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_close_timeout(w.conn, -1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, INT64_MAX), WS_OK);
  EXPECT(peer_silent(w.fd, 20));
  wire_put_text(&w, 0x81, "still alive");
  wire_reads(&w, "still alive");
  wire_close(&w);
}

static void numbers_out_of_range_in_configurations(void) {
  zoo all;
  REQUIRE(zoo_open(&all));
  EXPECT_STATUS(ws_dialer_set_timeout(all.dialer, -1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_timeout(all.upgrader, INT64_MIN), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_timeout(all.dialer, INT64_MAX), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_timeout(all.upgrader, INT64_MAX), WS_OK);
  zoo_close(&all);
}

static void structs_must_say_their_size(void) {
  static const uint32_t wrong[] = {0, 1, 4};
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    ws_address address = {.struct_size = wrong[i], .family = 99};
    ws_failure failure = {.struct_size = wrong[i], .code = 99};
    ws_statistics statistics = {.struct_size = wrong[i], .reserved0 = 99};
    EXPECT_STATUS(ws_conn_statistics(w.conn, &statistics), WS_ERR_INVALID);
    EXPECT_INT(statistics.reserved0, 99);
    EXPECT_STATUS(ws_conn_local_address(w.conn, &address), WS_ERR_INVALID);
    EXPECT_STATUS(ws_conn_remote_address(w.conn, &address), WS_ERR_INVALID);
    EXPECT_STATUS(ws_conn_failure(w.conn, WS_READ, &failure), WS_ERR_INVALID);
    EXPECT_INT(failure.struct_size, wrong[i]);
  }
  wire_close(&w);
}

/* A program built with a later header brings larger structs; only what this library knows is written. */
static void structs_may_be_larger_than_known(void) {
  struct {
    ws_address known;
    uint8_t later[16];
  } address = {.known = {.struct_size = sizeof address}, .later = {0xaa}};
  struct {
    ws_failure known;
    uint8_t later[16];
  } failure = {.known = {.struct_size = sizeof failure}, .later = {0xaa}};
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_local_address(w.conn, &address.known), WS_OK);
  EXPECT_INT(address.known.family, WS_ADDRESS_UNIX);
  EXPECT_INT(address.later[0], 0xaa);
  EXPECT_STATUS(ws_conn_failure(w.conn, WS_READ, &failure.known), WS_OK);
  EXPECT_INT(failure.later[0], 0xaa);
  wire_close(&w);
}

static void failures_without_size_still_take_the_descriptor(void) {
  int ends[2];
  ws_failure failure = {.struct_size = 0};
  ws_conn *conn = (ws_conn *)&failure;
  peer_sockets(ends);
  EXPECT_STATUS(ws_upgrader_upgrade(NULL, ends[1], NULL, 0, 0, &conn, &failure), WS_ERR_INVALID);
  EXPECT(conn == NULL && peer_ended(ends[0]));
  close(ends[0]);
  conn = (ws_conn *)&failure;
  EXPECT_STATUS(ws_dialer_dial(NULL, "ws://127.0.0.1:1/", 0, &conn, &failure), WS_ERR_INVALID);
  EXPECT(conn == NULL);
}

static const check_test tests[] = {
    TEST(null_outputs_of_a_connection),
    TEST(null_outputs_and_strings_elsewhere),
    TEST(descriptors_that_are_none),
    TEST(descriptors_that_are_no_sockets),
    TEST(null_data_with_a_size),
    TEST(numbers_out_of_range),
    TEST(numbers_out_of_range_in_configurations),
    TEST(structs_must_say_their_size),
    TEST(structs_may_be_larger_than_known),
    TEST(failures_without_size_still_take_the_descriptor),
};
TEST_MAIN(tests)
