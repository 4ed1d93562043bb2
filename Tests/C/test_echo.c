/* Messages arrive as they were sent: every size class, both types, both roles, into borrowed and into own memory.
 */
#include "wire.h"

#include <errno.h>

enum { LARGEST = 70000 };

/* The sizes around every change of the frame header, and some between. */
static const size_t sizes[] = {0,    1,    2,    3,    4,     5,     7,     8,     15,    16,    17,    31,    63,
                               64,   65,   124,  125,  126,   127,   128,   129,   255,   256,   257,   1000,  1023,
                               1024, 4095, 4096, 4097, 8191,  8192,  16383, 16384, 16385, 32767, 32768, 40000, 65534,
                               65535, 65536, 65537, 65540, 69999, LARGEST};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Bytes that repeat after no power of two, so that shifted or swapped parts show. Plain ASCII when text is wanted. */
static void fill(uint8_t *data, size_t size, int text) {
  for (size_t i = 0; i < size; i++) data[i] = text ? (uint8_t)(32 + i % 89) : (uint8_t)(i % 251 ^ size);
}

static int carries(ws_conn *from, ws_conn *to, int32_t sent_type, const uint8_t *data, size_t size) {
  int32_t type;
  ws_bytes message;
  if (!EXPECT_STATUS(ws_conn_write(from, sent_type, data, size), WS_OK)) return 0;
  if (!EXPECT_STATUS(ws_conn_read(to, &type, &message), WS_OK)) return 0;
  return EXPECT_INT(type, sent_type) && EXPECT_BYTES(message.data, message.size, data, size);
}

static void every_size_both_ways_both_types(void) {
  static uint8_t data[LARGEST];
  pair p;
  REQUIRE(pair_open(&p));
  for (int i = 0; i < SIZES; i++) {
    fill(data, sizes[i], 0);
    REQUIRE(carries(p.client, p.server, WS_BINARY, data, sizes[i]));
    REQUIRE(carries(p.server, p.client, WS_BINARY, data, sizes[i]));
    fill(data, sizes[i], 1);
    REQUIRE(carries(p.client, p.server, WS_TEXT, data, sizes[i]));
    REQUIRE(carries(p.server, p.client, WS_TEXT, data, sizes[i]));
  }
  pair_close(&p);
}

/* Many messages wait in the receive buffer at once; few enough to fit a socket. */
static void every_small_size_in_bursts(void) {
  enum { BURST = 50 };
  static uint8_t data[300];
  pair p;
  int32_t type;
  ws_bytes message;
  REQUIRE(pair_open(&p));
  fill(data, sizeof data, 1);
  for (size_t first = 0; first < sizeof data; first += BURST) {
    for (size_t i = 0; i < BURST; i++) REQUIRE_STATUS(ws_conn_write(p.client, WS_TEXT, data, first + i), WS_OK);
    for (size_t i = 0; i < BURST; i++) {
      REQUIRE_STATUS(ws_conn_read(p.server, &type, &message), WS_OK);
      REQUIRE(EXPECT_BYTES(message.data, message.size, data, first + i));
    }
  }
  pair_close(&p);
}

/* What a raw peer sees: one frame of minimal length, masked by clients only. */
static void one_frame_on_the_wire(void) {
  static uint8_t data[LARGEST];
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    for (int i = 0; i < SIZES; i++) {
      fill(data, sizes[i], 0);
      REQUIRE_STATUS(ws_conn_write(w.conn, WS_BINARY, data, sizes[i]), WS_OK);
      REQUIRE(wire_gets(&w, 0x82, data, sizes[i]));
    }
    wire_close(&w);
  }
}

static void a_message_with_zero_bytes_inside(void) {
  static const uint8_t data[] = {0, 'a', 0, 0, 'b', 0};
  pair p;
  REQUIRE(pair_open(&p));
  carries(p.client, p.server, WS_TEXT, data, sizeof data);
  carries(p.server, p.client, WS_BINARY, data, sizeof data);
  pair_close(&p);
}

static void text_beyond_ascii(void) {
  static const char text[] = "\xc3\xa9 \xe6\xb0\xb4 \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf \xef\xbf\xbe";
  pair p;
  REQUIRE(pair_open(&p));
  carries(p.client, p.server, WS_TEXT, (const uint8_t *)text, strlen(text));
  carries(p.server, p.client, WS_TEXT, (const uint8_t *)text, strlen(text));
  pair_close(&p);
}

/* The same message twice must not look the same on the wire (RFC 6455 5.3). */
static void every_frame_of_a_client_has_its_own_mask(void) {
  enum { FRAMES = 64 };
  uint8_t bytes[FRAMES][11];
  wire w;
  int same = 0, zero = 0;
  REQUIRE(wire_open(&w, AS_CLIENT));
  for (int i = 0; i < FRAMES; i++) {
    REQUIRE_STATUS(ws_conn_write(w.conn, WS_TEXT, "Hello", 5), WS_OK);
    REQUIRE(peer_get(w.fd, bytes[i], 11) == 11);
    for (int j = 0; j < i; j++) same += memcmp(bytes[i] + 2, bytes[j] + 2, 4) == 0;
    zero += memcmp(bytes[i] + 2, "\0\0\0\0", 4) == 0;
  }
  EXPECT_INT(same, 0);
  EXPECT_INT(zero, 0);
  wire_close(&w);
}

static void fragments_become_one_message(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    wire_put_text(&w, 0x01, "Hel");
    wire_put_text(&w, 0x00, "");
    wire_put_text(&w, 0x89, "between");
    wire_put_text(&w, 0x00, "l");
    wire_put_text(&w, 0x80, "o");
    wire_reads(&w, "Hello");
    wire_gets_text(&w, 0x8a, "between");
    wire_close(&w);
  }
}

static void reading_into_own_memory(void) {
  char room[16];
  int32_t type = 0;
  size_t size = 0;
  pair p;
  REQUIRE(pair_open(&p));
  REQUIRE_STATUS(ws_conn_write(p.client, WS_BINARY, "0123456789", 10), WS_OK);
  EXPECT_STATUS(ws_conn_read_into(p.server, &type, room, sizeof room, &size), WS_OK);
  EXPECT_INT(type, WS_BINARY);
  EXPECT_BYTES(room, size, "0123456789", 10);
  pair_close(&p);
}

/* Too little room loses nothing; the size says how much is needed, as often as one asks. */
static void too_little_room_keeps_the_message(void) {
  char room[10];
  int32_t type = 0;
  size_t size = 0;
  pair p;
  REQUIRE(pair_open(&p));
  REQUIRE_STATUS(ws_conn_write(p.client, WS_TEXT, "0123456789", 10), WS_OK);
  REQUIRE_STATUS(ws_conn_write(p.client, WS_TEXT, "next", 4), WS_OK);
  for (size_t i = 0; i < 10; i++) {
    size = 99;
    EXPECT_STATUS(ws_conn_read_into(p.server, &type, i == 0 ? NULL : room, i, &size), WS_ERR_ROOM);
    EXPECT_INT(size, 10);
  }
  EXPECT_STATUS(ws_conn_read_into(p.server, &type, room, 10, &size), WS_OK);
  EXPECT_INT(type, WS_TEXT);
  EXPECT_BYTES(room, size, "0123456789", 10);
  EXPECT_STATUS(ws_conn_read_into(p.server, &type, room, 10, &size), WS_OK);
  EXPECT_BYTES(room, size, "next", 4);
  pair_close(&p);
}

/* A kept message is also what ws_conn_read gives next. */
static void a_kept_message_can_be_borrowed(void) {
  int32_t type;
  size_t size;
  ws_bytes message;
  pair p;
  REQUIRE(pair_open(&p));
  REQUIRE_STATUS(ws_conn_write(p.client, WS_TEXT, "kept", 4), WS_OK);
  EXPECT_STATUS(ws_conn_read_into(p.server, &type, NULL, 0, &size), WS_ERR_ROOM);
  REQUIRE_STATUS(ws_conn_read(p.server, &type, &message), WS_OK);
  EXPECT_BYTES(message.data, message.size, "kept", 4);
  pair_close(&p);
}

static void an_empty_message_needs_no_room(void) {
  int32_t type;
  size_t size = 99;
  pair p;
  REQUIRE(pair_open(&p));
  REQUIRE_STATUS(ws_conn_write(p.client, WS_BINARY, NULL, 0), WS_OK);
  EXPECT_STATUS(ws_conn_read_into(p.server, &type, NULL, 0, &size), WS_OK);
  EXPECT_INT(size, 0);
  EXPECT_INT(type, WS_BINARY);
  pair_close(&p);
}

/* What is borrowed survives everything but the next read. */
static void borrowed_bytes_survive_writing(void) {
  int32_t type;
  ws_bytes message;
  pair p;
  REQUIRE(pair_open(&p));
  REQUIRE_STATUS(ws_conn_write(p.client, WS_TEXT, "borrowed", 8), WS_OK);
  REQUIRE_STATUS(ws_conn_read(p.server, &type, &message), WS_OK);
  REQUIRE_STATUS(ws_conn_write(p.client, WS_TEXT, "another one", 11), WS_OK);
  EXPECT_STATUS(ws_conn_write(p.server, type, message.data, message.size), WS_OK);
  EXPECT_STATUS(ws_conn_write_control(p.server, WS_PING, "ping", 4, 0), WS_OK);
  EXPECT_BYTES(message.data, message.size, "borrowed", 8);
  pair_close(&p);
}

static void outgoing_text_is_checked_on_request(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  wire_write_gives(&w, "\xff", WS_OK);
  wire_gets_text(&w, 0x81, "\xff");
  EXPECT_STATUS(ws_conn_set_check_utf8(w.conn, 1, 1), WS_OK);
  wire_write_gives(&w, "a\xc3", WS_ERR_UTF8);
  EXPECT_STATUS(ws_conn_write(w.conn, WS_BINARY, "\xff", 1), WS_OK);
  wire_gets_text(&w, 0x82, "\xff");
  wire_write_gives(&w, "fine", WS_OK);
  wire_gets_text(&w, 0x81, "fine");
  wire_close(&w);
}

static int freed;
static void count_free(void *user) WS_NOEXCEPT { freed += *(int *)user; }

static void user_data_is_kept_and_freed_once(void) {
  int one = 1, hundred = 100;
  void *user = &one;
  pair p;
  freed = 0;
  REQUIRE(pair_open(&p));
  EXPECT_STATUS(ws_conn_user_data(p.server, &user), WS_OK);
  EXPECT(user == NULL);
  EXPECT_STATUS(ws_conn_set_user_data(p.server, &one, count_free), WS_OK);
  EXPECT_STATUS(ws_conn_user_data(p.server, &user), WS_OK);
  EXPECT(user == &one && freed == 0);
  EXPECT_STATUS(ws_conn_set_user_data(p.server, &hundred, count_free), WS_OK);
  EXPECT_INT(freed, 1);
  pair_close(&p);
  EXPECT_INT(freed, 101);
}

/* Callers rely on errno across calls that succeed. */
static void errno_is_left_alone_on_success(void) {
  pair p;
  int32_t type;
  ws_bytes message;
  REQUIRE(pair_open(&p));
  errno = 4321;
  EXPECT_STATUS(ws_conn_write(p.client, WS_TEXT, "x", 1), WS_OK);
  EXPECT_INT(errno, 4321);
  EXPECT_STATUS(ws_conn_read(p.server, &type, &message), WS_OK);
  EXPECT_INT(errno, 4321);
  pair_close(&p);
}

static const check_test tests[] = {
    TEST(every_size_both_ways_both_types),
    TEST(every_small_size_in_bursts),
    TEST(one_frame_on_the_wire),
    TEST(a_message_with_zero_bytes_inside),
    TEST(text_beyond_ascii),
    TEST(every_frame_of_a_client_has_its_own_mask),
    TEST(fragments_become_one_message),
    TEST(reading_into_own_memory),
    TEST(too_little_room_keeps_the_message),
    TEST(a_kept_message_can_be_borrowed),
    TEST(an_empty_message_needs_no_room),
    TEST(borrowed_bytes_survive_writing),
    TEST(outgoing_text_is_checked_on_request),
    TEST(user_data_is_kept_and_freed_once),
    TEST(errno_is_left_alone_on_success),
};
TEST_MAIN(tests)
