/* Limits: what a peer may make us hold, and that memory follows what arrived, not what was announced.
 */
#include "wire.h"

enum { MIB = 1 << 20, DEFAULT_LIMIT = 16 * MIB };

static void the_limit_is_inclusive(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    ws_failure failure = {.struct_size = sizeof failure};
    REQUIRE(wire_open(&w, role));
    EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 10), WS_OK);
    wire_put_text(&w, 0x81, "0123456789");
    wire_reads(&w, "0123456789");
    wire_put_text(&w, 0x81, "01234567890");
    wire_read_gives(&w, WS_ERR_TOO_BIG);
    EXPECT_INT(peer_get_close(w.fd), 1009);
    EXPECT_STATUS(ws_conn_failure(w.conn, WS_READ, &failure), WS_OK);
    EXPECT_INT(failure.code, WS_ERR_TOO_BIG);
    EXPECT_INT(failure.close_code, 1009);
    EXPECT_INT(failure.who, WS_BY_LIMIT);
    EXPECT_INT(failure.limit, 10);
    EXPECT(strstr(failure.text, "10") != NULL);
    wire_close(&w);
  }
}

/* The header is enough to refuse; the payload never comes. */
static void a_header_alone_is_refused(void) {
  static const uint64_t sizes[] = {1001, 65536, UINT64_C(1) << 32, UINT64_C(1) << 62, INT64_MAX};
  for (int i = 0; i < 5; i++) {
    uint8_t header[14];
    wire w;
    REQUIRE(wire_open(&w, AS_SERVER));
    EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 1000), WS_OK);
    EXPECT(peer_put(w.fd, header, peer_header(header, 0x82, sizes[i], 0, peer_mask)));
    wire_read_gives(&w, WS_ERR_TOO_BIG);
    EXPECT_INT(peer_get_close(w.fd), 1009);
    wire_close(&w);
  }
}

/* Fragments count together, control frames do not count, and each message starts afresh. */
static void what_counts(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 10), WS_OK);
  for (int i = 0; i < 3; i++) {
    wire_put_text(&w, 0x01, "01234");
    wire_put_text(&w, 0x89, "a long ping of more than ten bytes");
    wire_put_text(&w, 0x80, "56789");
    wire_reads(&w, "0123456789");
  }
  wire_put_text(&w, 0x01, "01234");
  wire_put_text(&w, 0x00, "56789");
  wire_put_text(&w, 0x00, "0");
  wire_read_gives(&w, WS_ERR_TOO_BIG);
  EXPECT_INT(peer_get_close(w.fd), 1009);
  wire_close(&w);
}

/* Under a limit of 1, a length with the top bit set must not wrap the sum round to something small. */
static void a_length_that_overflows_under_a_limit(void) {
  uint8_t header[14];
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 1), WS_OK);
  wire_put_text(&w, 0x01, "a");
  EXPECT(peer_put(w.fd, header, peer_header(header, 0x00, UINT64_C(1) << 63, 64, peer_mask)));
  wire_put_text(&w, 0x80, "bcdef");
  wire_read_gives(&w, WS_ERR_PROTOCOL);
  EXPECT_INT(peer_get_close(w.fd), 1002);
  wire_close(&w);
}

typedef struct sending {
  wire *w;
  int first;
  size_t size;
} sending;

static void *send_large(void *argument) {
  sending *self = argument;
  uint8_t *data = calloc(1, self->size);
  peer_put_frame(self->w->fd, self->first, self->w->masks, data, self->size); /* may be cut short: that is the test */
  free(data);
  return NULL;
}

/* Sends a binary message of that size and reads it. */
static int read_large(wire *w, size_t size, size_t *got) {
  sending peer = {w, 0x82, size};
  pthread_t thread;
  int32_t type;
  ws_bytes message;
  pthread_create(&thread, NULL, send_large, &peer);
  int status = ws_conn_read(w->conn, &type, &message);
  *got = message.size;
  if (status != WS_OK) shutdown(w->fd, SHUT_RDWR); /* releases the sender */
  pthread_join(thread, NULL);
  return status;
}

static void the_default_is_16_mib(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    size_t got;
    REQUIRE(wire_open(&w, role));
    EXPECT_STATUS(read_large(&w, DEFAULT_LIMIT, &got), WS_OK);
    EXPECT_INT(got, DEFAULT_LIMIT);
    EXPECT_STATUS(read_large(&w, DEFAULT_LIMIT + 1, &got), WS_ERR_TOO_BIG);
    wire_close(&w);
  }
}

static void zero_is_no_limit(void) {
  wire w;
  size_t got;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 0), WS_OK);
  EXPECT_STATUS(read_large(&w, DEFAULT_LIMIT + 1000, &got), WS_OK);
  EXPECT_INT(got, DEFAULT_LIMIT + 1000);
  wire_close(&w);
}

static void configurations_give_the_first_limit(void) {
  ws_upgrader *upgrader;
  ws_dialer *dialer;
  pair p;
  int32_t type;
  ws_bytes message;
  REQUIRE_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_read_limit(upgrader, 3), WS_OK);
  EXPECT_STATUS(ws_dialer_set_read_limit(dialer, 4), WS_OK);
  REQUIRE(pair_open_with(&p, dialer, upgrader));
  EXPECT_STATUS(ws_conn_write(p.client, WS_TEXT, "123", 3), WS_OK);
  EXPECT_STATUS(ws_conn_read(p.server, &type, &message), WS_OK);
  EXPECT_STATUS(ws_conn_write(p.server, WS_TEXT, "12345", 5), WS_OK);
  EXPECT_STATUS(ws_conn_read(p.client, &type, &message), WS_ERR_TOO_BIG);
  pair_close(&p);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static long memory_kib(void) {
  char line[256];
  long kib = 0;
  FILE *status = fopen("/proc/self/status", "r");
  if (status == NULL) return 0;
  while (fgets(line, sizeof line, status) != NULL) {
    if (strncmp(line, "VmSize:", 7) == 0) kib = strtol(line + 7, NULL, 10);
  }
  fclose(status);
  return kib;
}

/* An announced gigabyte costs nothing until it comes. */
static void memory_is_not_reserved_by_announcement(void) {
  uint8_t header[14];
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, 1), WS_OK);
  long before = memory_kib();
  EXPECT(peer_put(w.fd, header, peer_header(header, 0x82, 1 << 30, 0, peer_mask)));
  EXPECT(peer_put(w.fd, "some of it", 10));
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  EXPECT(memory_kib() - before < 16 * 1024);
  wire_close(&w);
}

/* What cannot be had is an error, not the end of the process. */
static void the_largest_announcement_without_a_limit(void) {
  uint8_t header[14];
  wire w;
  int32_t type;
  ws_bytes message;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, 1), WS_OK);
  EXPECT(peer_put(w.fd, header, peer_header(header, 0x82, INT64_MAX, 0, peer_mask)));
  EXPECT(peer_put(w.fd, "some of it", 10));
  int status = ws_conn_read(w.conn, &type, &message);
  EXPECT(status == WS_ERR_TIMEOUT || status == WS_ERR_TOO_BIG || status == WS_ERR_NOMEM);
  wire_close(&w);
}

enum { FRAGMENTS = 65536, FRAGMENT = 64 };

static void *send_fragments(void *argument) {
  wire *w = argument;
  uint8_t data[FRAGMENT], *bytes = malloc(1 << 20);
  memset(data, 'f', sizeof data);
  size_t at = 0;
  for (int i = 0; i < FRAGMENTS; i++) {
    int first = i == 0 ? 0x02 : i == FRAGMENTS - 1 ? 0x80 : 0x00;
    at += peer_frame_bytes(bytes + at, first, w->masks, data, sizeof data);
    if (at + 100 > 1 << 20 || i == FRAGMENTS - 1) EXPECT(peer_put(w->fd, bytes, at)), at = 0;
  }
  free(bytes);
  return NULL;
}

static void many_fragments_cost_their_bytes(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    pthread_t thread;
    wire w;
    int32_t type;
    ws_bytes message;
    REQUIRE(wire_open(&w, role));
    long before = memory_kib();
    pthread_create(&thread, NULL, send_fragments, &w);
    EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
    EXPECT_INT(message.size, FRAGMENTS * FRAGMENT);
    size_t at = 0;
    while (at < message.size && message.data[at] == 'f') at++;
    EXPECT_INT(at, message.size);
    pthread_join(thread, NULL);
    EXPECT(memory_kib() - before < 200 * 1024); /* a thread's stack and its arena are in it */
    wire_close(&w);
  }
}

/* Endless empty continuations are no message, no error, and no memory. */
static void empty_continuations_cost_nothing(void) {
  static uint8_t bytes[6 * 10000];
  size_t size = 0;
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  for (int i = 0; i < 10000; i++) size += peer_frame_bytes(bytes + size, i == 0 ? 0x01 : 0x00, 1, "", 0);
  EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, 1), WS_OK);
  EXPECT(peer_put(w.fd, bytes, size));
  long before = memory_kib();
  for (int i = 0; i < 20; i++) wire_read_gives(&w, WS_ERR_TIMEOUT);
  EXPECT(memory_kib() - before < 4 * 1024);
  wire_put_text(&w, 0x80, "end");
  wire_reads(&w, "end");
  wire_close(&w);
}

static void a_limit_set_between_frames_holds_from_the_next(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  wire_put_text(&w, 0x81, "a message of the old limit");
  wire_reads(&w, "a message of the old limit");
  EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 5), WS_OK);
  wire_put_text(&w, 0x81, "123456");
  wire_read_gives(&w, WS_ERR_TOO_BIG);
  wire_close(&w);
}

enum { PINGS = 100000 };

static void *flood(void *argument) {
  wire *w = argument;
  uint8_t payload[125] = {0}, *bytes = malloc((PINGS + 1) * 131);
  size_t size = 0;
  for (int i = 0; i < PINGS; i++) size += peer_frame_bytes(bytes + size, 0x89, w->masks, payload, sizeof payload);
  size += peer_frame_bytes(bytes + size, 0x81, w->masks, "end", 3);
  EXPECT(peer_put(w->fd, bytes, size));
  free(bytes);
  return NULL;
}

/* The peer asks and asks, and never reads an answer: the reader goes on, and what waits to be sent does not grow. */
static void a_flood_of_pings(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    pthread_t thread;
    wire w;
    REQUIRE(wire_open(&w, role));
    pthread_create(&thread, NULL, flood, &w);
    int64_t start = check_ms();
    wire_reads(&w, "end");
    EXPECT_WITHIN(start, 5000);
    pthread_join(thread, NULL);
    long before = memory_kib();
    wire_put_text(&w, 0x89, "one more");
    wire_put_text(&w, 0x81, "x");
    wire_reads(&w, "x");
    EXPECT(memory_kib() - before < 1024);
    wire_close(&w);
  }
}

static const check_test tests[] = {
    TEST(the_limit_is_inclusive),
    TEST(a_header_alone_is_refused),
    TEST(what_counts),
    TEST(a_length_that_overflows_under_a_limit),
    TEST(the_default_is_16_mib),
    TEST(zero_is_no_limit),
    TEST(configurations_give_the_first_limit),
    TEST(memory_is_not_reserved_by_announcement),
    TEST(the_largest_announcement_without_a_limit),
    TEST(many_fragments_cost_their_bytes),
    TEST(empty_continuations_cost_nothing),
    TEST(a_limit_set_between_frames_holds_from_the_next),
    TEST(a_flood_of_pings),
};
TEST_MAIN(tests)
