/* Reading that has ended: the first end is given for ever, however often one asks, and writing goes on until it ends by itself.
 */
#include "wire.h"

/* What the peer does last, and what every read from then on gives. */
typedef struct last_act {
  const char *name;
  const uint8_t *bytes; /* for a server; a client's are masked with a key of zero */
  size_t size;
  int status;
} last_act;

static const uint8_t close_1000[] = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8};
static const uint8_t close_4000[] = {0x88, 0x82, 0, 0, 0, 0, 0x0f, 0xa0};
static const uint8_t opcode_3[] = {0x83, 0x80, 0, 0, 0, 0};
static const uint8_t bad_text[] = {0x81, 0x81, 0, 0, 0, 0, 0xff};
static const uint8_t too_big[] = {0x82, 0xfe, 0x10, 0x00, 0, 0, 0, 0};
static const uint8_t half[] = {0x82, 0x85, 0, 0, 0, 0, 'h', 'a', 'l', 'f'};

static const last_act acts[] = {
    {"nothing", NULL, 0, WS_ERR_LOST},
    {"half a message", half, sizeof half, WS_ERR_LOST},
    {"a close with 1000", close_1000, sizeof close_1000, WS_END},
    {"a close with 4000", close_4000, sizeof close_4000, WS_ERR_CLOSED},
    {"an unknown opcode", opcode_3, sizeof opcode_3, WS_ERR_PROTOCOL},
    {"text that is not UTF-8", bad_text, sizeof bad_text, WS_ERR_UTF8},
    {"a message too big", too_big, sizeof too_big, WS_ERR_TOO_BIG},
};
enum { ACTS = sizeof acts / sizeof acts[0], READS = 20000 };

/* The reference's TestFailedConnectionReadPanic: it panics at the 1000th read. */
static void an_end_stays_for_20000_reads(void) {
  for (int i = 0; i < ACTS; i++) {
    wire w;
    int32_t type;
    ws_bytes message;
    size_t size;
    REQUIRE(wire_open(&w, AS_SERVER));
    EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 1000), WS_OK);
    EXPECT(peer_put(w.fd, acts[i].bytes, acts[i].size));
    shutdown(w.fd, SHUT_WR);
    for (int count = 0; count < READS; count++) {
      int status = count % 2 == 0 ? ws_conn_read(w.conn, &type, &message) : ws_conn_read_into(w.conn, &type, NULL, 0, &size);
      if (status == acts[i].status) continue;
      check_fail(__FILE__, __LINE__, "after %s read %d gave %d, not %d", acts[i].name, count, status, acts[i].status);
      break;
    }
    wire_close(&w);
  }
}

/* The end of the peer's direction is not the end of ours. */
static void writing_goes_on_after_the_end_of_the_stream(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    shutdown(w.fd, SHUT_WR);
    wire_read_gives(&w, WS_ERR_LOST);
    wire_write_gives(&w, "still here", WS_OK);
    wire_gets_text(&w, 0x81, "still here");
    EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, "too", 3, 0), WS_OK);
    wire_gets_text(&w, 0x89, "too");
    wire_close(&w);
  }
}

/* A handler's no ends reading alone; it is not a fault of the peer's. */
static int say_no(ws_conn *conn, const void *data, size_t size, void *user) WS_NOEXCEPT {
  (void)conn, (void)data, (void)size, (void)user;
  return 1;
}

static void writing_goes_on_after_a_handlers_no(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, say_no, NULL, NULL), WS_OK);
  wire_put_text(&w, 0x89, "?");
  for (int i = 0; i < 3; i++) wire_read_gives(&w, WS_ERR_CALLBACK);
  wire_write_gives(&w, "still here", WS_OK);
  wire_gets_text(&w, 0x81, "still here");
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(an_end_stays_for_20000_reads),
    TEST(writing_goes_on_after_the_end_of_the_stream),
    TEST(writing_goes_on_after_a_handlers_no),
};
TEST_MAIN(tests)
