/* Messages whose bytes lie in several places: one frame, whatever the parts are.
 */
#include "wire.h"

/* Parts that refer to data one behind the other, of these sizes. */
static size_t parts_of(ws_bytes *parts, const uint8_t *data, const size_t *sizes, size_t count) {
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    parts[i].data = data + at;
    parts[i].size = sizes[i];
    at += sizes[i];
  }
  return at;
}

static void parts_become_one_frame(void) {
  static const size_t rows[][4] = {{0, 0, 0, 0},     {1, 0, 0, 0},     {0, 0, 0, 1},         {10, 20, 30, 40},
                                   {1, 124, 0, 1},   {60000, 1, 1, 1}, {1, 1, 1, 60000},     {1, 60000, 1, 1},
                                   {20000, 3, 20000, 3}, {16383, 1, 16384, 5}, {30000, 30000, 0, 0}};
  static uint8_t data[80000];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)('a' + i % 23);
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    ws_bytes parts[4];
    REQUIRE(wire_open(&w, role));
    EXPECT_STATUS(ws_conn_set_check_utf8(w.conn, 1, 1), WS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      size_t size = parts_of(parts, data, rows[i], 4);
      EXPECT_STATUS(ws_conn_writev(w.conn, i % 2 ? WS_TEXT : WS_BINARY, parts, 4), WS_OK);
      wire_gets(&w, i % 2 ? 0x81 : 0x82, data, size);
    }
    EXPECT_STATUS(ws_conn_writev(w.conn, WS_TEXT, NULL, 0), WS_OK);
    wire_gets(&w, 0x81, "", 0);
    wire_close(&w);
  }
}

static void thousands_of_parts(void) {
  enum { PARTS = 20000 };
  static ws_bytes parts[PARTS];
  static uint8_t data[3 * PARTS];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7);
  for (size_t i = 0; i < PARTS; i++) parts[i].data = data + 3 * i, parts[i].size = 3;
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    EXPECT_STATUS(ws_conn_writev(w.conn, WS_BINARY, parts, PARTS), WS_OK);
    wire_gets(&w, 0x82, data, sizeof data);
    wire_close(&w);
  }
}

static void wrong_parts_are_refused(void) {
  const uint8_t *byte = (const uint8_t *)"x";
  const ws_bytes null_part[] = {{byte, 1}, {NULL, 1}}, huge[] = {{byte, SIZE_MAX / 2}, {byte, 1}}, negative[] = {{byte, SIZE_MAX}};
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_writev(w.conn, WS_TEXT, NULL, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_writev(w.conn, WS_TEXT, null_part, SIZE_MAX), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_writev(w.conn, WS_TEXT, null_part, 2), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_writev(w.conn, WS_TEXT, huge, 2), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_writev(w.conn, WS_TEXT, negative, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_writev(w.conn, WS_PING, null_part, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_writev(w.conn, 0, null_part, 1), WS_ERR_INVALID);
  wire_write_gives(&w, "fine", WS_OK);
  wire_gets_text(&w, 0x81, "fine");
  wire_close(&w);
}

/* A slow reader makes every piece of the frame a partial write. */
static void parts_against_a_slow_reader(void) {
  enum { PARTS = 400, SIZE = 5000 };
  static ws_bytes parts[PARTS];
  static uint8_t data[PARTS * SIZE];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 31 >> 3);
  for (size_t i = 0; i < PARTS; i++) parts[i].data = data + SIZE * i, parts[i].size = SIZE;
  pair p;
  REQUIRE(pair_open(&p));
  for (int way = 0; way < 2; way++) {
    ws_conn *from = way == 0 ? p.client : p.server, *to = way == 0 ? p.server : p.client;
    int32_t type, poll_events;
    ws_bytes message;
    int status;
    EXPECT_STATUS(ws_conn_set_nonblocking(from, 1), WS_OK);
    EXPECT_STATUS(ws_conn_set_nonblocking(to, 1), WS_OK);
    EXPECT_STATUS(ws_conn_writev(from, WS_BINARY, parts, PARTS), WS_OK);
    EXPECT_STATUS(ws_conn_interest(from, NULL, &poll_events, NULL), WS_OK);
    while ((status = ws_conn_read(to, &type, &message)) == WS_AGAIN) EXPECT_STATUS(ws_conn_service(from), WS_OK);
    REQUIRE_STATUS(status, WS_OK);
    EXPECT_BYTES(message.data, message.size, data, sizeof data);
  }
  pair_close(&p);
}

static const check_test tests[] = {
    TEST(parts_become_one_frame),
    TEST(thousands_of_parts),
    TEST(wrong_parts_are_refused),
    TEST(parts_against_a_slow_reader),
};
TEST_MAIN(tests)
