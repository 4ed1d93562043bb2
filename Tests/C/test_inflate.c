/* Compressed messages (RFC 7692) from the receiving end: what is accepted, what is corrupt, and what a message may cost.
 */
#include "compressed.h"
#include "engines.h"

#include <stdio.h>

enum { MEBIBYTE = 1 << 20 };

#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00"   /* RFC 7692 7.2.3.1 */
#define HELLO_AGAIN "\xf2\x00\x11\x00\x00"     /* 7.2.3.2: refers to the message before */
#define TAIL "\x00\x00\xff\xff"
#define BYTES(text) text, sizeof text - 1

typedef struct answer {
  int fd;
  int how;
} answer;

static void *agree(void *argument) {
  const answer *self = argument;
  EXPECT(peer_answer(self->fd, self->how == IN_CONTEXT
                                   ? "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                                   : "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                                     "client_no_context_takeover\r\n", "", 0));
  return NULL;
}

static int open_client(wire *w, int how, const int ends[2]) {
  pthread_t thread;
  ws_dialer *dialer = compressed_dialer(how);
  answer self = {ends[0], how};
  *w = (wire){.fd = ends[0], .masks = 0};
  pthread_create(&thread, NULL, agree, &self);
  w->conn = wire_client(dialer, ends[1], NULL);
  pthread_join(thread, NULL);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  return w->conn != NULL;
}

/* A connection that has agreed on compression. */
static int open_with(wire *w, int role, int how) {
  int ends[2];
  char head[2048];
  peer_sockets(ends);
  if (role == AS_CLIENT) return open_client(w, how, ends);
  ws_upgrader *upgrader = compressed_upgrader(how);
  *w = (wire){.fd = ends[0], .masks = 1};
  peer_put(w->fd, PEER_REQUEST, sizeof PEER_REQUEST - 3);
  peer_put_text(w->fd, "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
  int status = ws_upgrader_upgrade(upgrader, ends[1], NULL, 0, ws_in_ms(check_limit(PEER_WAIT)), &w->conn, NULL);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  return EXPECT_STATUS(status, WS_OK) && EXPECT(peer_get_head(w->fd, head, sizeof head) > 0);
}

/* What the peer broke, in two words, and the close frame that says so; for ever. */
static void fails(wire *w, int status, int code) {
  peer_frame frame;
  for (int i = 0; i < 3; i++) wire_read_gives(w, status);
  if (!EXPECT(peer_get_frame(w->fd, &frame))) return;
  EXPECT_INT(frame.first, 0x88);
  EXPECT(frame.size >= 2 && frame.data[0] * 256 + frame.data[1] == code);
}

static void the_examples_of_the_rfc(void) {
  static const struct {
    const char *payload;
    size_t size;
    const char *message;
  } rows[] = {{BYTES(HELLO), "Hello"},
              {BYTES("\x00\x05\x00\xfa\xffHello\x00"), "Hello"},
              {BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "Hello"},
              {BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), "Hello"},
              {BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00" HELLO), "HelloHello"},
              {BYTES("\x00"), ""},
              {"", 0, ""}};
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(open_with(&w, role, ALONE));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      wire_put(&w, 0xc1, rows[i].payload, rows[i].size);
      wire_reads(&w, rows[i].message);
      wire_put(&w, 0x41, rows[i].payload, rows[i].size / 2);
      wire_put_text(&w, 0x89, "between");
      wire_put(&w, 0x80, rows[i].payload + rows[i].size / 2, rows[i].size - rows[i].size / 2);
      wire_reads(&w, rows[i].message);
      wire_gets_text(&w, 0x8a, "between");
    }
    wire_put_text(&w, 0x81, "plain");
    wire_reads(&w, "plain");
    wire_close(&w);
  }
}

static void context_takeover(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    for (int how = ALONE; how <= IN_CONTEXT; how++) {
      wire w;
      REQUIRE(open_with(&w, role, how));
      wire_put(&w, 0xc1, BYTES(HELLO));
      wire_reads(&w, "Hello");
      wire_put_text(&w, 0x81, "plain");
      wire_reads(&w, "plain");
      wire_put(&w, 0xc1, BYTES(HELLO_AGAIN));
      if (how == IN_CONTEXT) {
        wire_reads(&w, "Hello");
      } else {
        fails(&w, WS_ERR_DEFLATE, 1007);
      }
      wire_close(&w);
    }
  }
}

/* What was passed over has passed through the decompressor, so that the next message finds its window (Beast#3028). */
static void a_message_that_was_read_in_part(void) {
  wire w;
  int32_t type;
  ws_reader *reader;
  ws_bytes part;
  REQUIRE(open_with(&w, AS_CLIENT, IN_CONTEXT));
  wire_put(&w, 0x41, BYTES(HELLO TAIL));
  wire_put(&w, 0x00, BYTES(HELLO_AGAIN TAIL));
  wire_put(&w, 0x80, BYTES(HELLO_AGAIN));
  wire_put(&w, 0xc1, BYTES(HELLO_AGAIN));
  wire_put(&w, 0xc1, BYTES(HELLO_AGAIN));
  EXPECT_STATUS(ws_conn_next_reader(w.conn, &type, &reader), WS_OK);
  EXPECT_STATUS(ws_reader_next(reader, &part), WS_OK);
  EXPECT_BYTES(part.data, part.size, "Hello", 5);
  wire_reads(&w, "Hello");
  EXPECT_STATUS(ws_conn_next_reader(w.conn, &type, &reader), WS_OK);
  EXPECT_STATUS(ws_reader_next(reader, &part), WS_OK);
  EXPECT_BYTES(part.data, part.size, "Hello", 5);
  wire_close(&w);
}

static void what_is_corrupt(void) {
  static const struct {
    int first;
    const char *payload;
    size_t size;
    int status, code;
  } rows[] = {{0xc2, BYTES("\xff"), WS_ERR_DEFLATE, 1007},
              {0xc2, BYTES("Hello"), WS_ERR_DEFLATE, 1007},
              {0xc2, BYTES("\xf2\x48\xcd"), WS_ERR_DEFLATE, 1007},         /* cut short */
              {0xc2, BYTES("\x00\x05\x00\xfa\xffH"), WS_ERR_DEFLATE, 1007}, /* the same, where the tail would fit */
              {0xc2, BYTES(HELLO_AGAIN), WS_ERR_DEFLATE, 1007},             /* the first message has no window */
              {0xc2, BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00"), WS_ERR_DEFLATE, 1007},
              {0xc1, BYTES("\x00\x02\x00\xfd\xff" "a\xff\x00"), WS_ERR_UTF8, 1007},
              {0xc1, BYTES("\x00\x02\x00\xfd\xff" "a\xc3\x00"), WS_ERR_UTF8, 1007},
              {0xc9, BYTES("x"), WS_ERR_PROTOCOL, 1002}, /* RFC 7692 6: RSV1 is for the first frame of a message */
              {0xc8, BYTES("\x03\xe8"), WS_ERR_PROTOCOL, 1002},
              {0xc0, BYTES("x"), WS_ERR_PROTOCOL, 1002},
              {0xe2, BYTES(HELLO), WS_ERR_PROTOCOL, 1002}};
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      wire w;
      ws_failure failure = {.struct_size = sizeof failure};
      REQUIRE(open_with(&w, role, IN_CONTEXT));
      if (rows[i].first == 0xc0) wire_put(&w, 0x41, BYTES("\x00"));
      wire_put(&w, rows[i].first, rows[i].payload, rows[i].size);
      fails(&w, rows[i].status, rows[i].code);
      EXPECT_STATUS(ws_conn_failure(w.conn, WS_READ, &failure), WS_OK);
      EXPECT_INT(failure.code, rows[i].status);
      EXPECT_INT(failure.close_code, rows[i].code);
      EXPECT_INT(failure.who, WS_BY_PEER);
      wire_close(&w);
    }
  }
}

static void compressed_without_having_agreed(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    wire_put(&w, 0xc1, BYTES(HELLO));
    fails(&w, WS_ERR_PROTOCOL, 1002);
    wire_close(&w);
  }
}

/* ---- What a message may cost ---- */

/* Bits in the order of RFC 1951 3.1.1; codes come from their first bit on. */
typedef struct bits {
  uint8_t *bytes;
  size_t count;
} bits;

static void put_code(bits *out, unsigned code, int length) {
  while (length-- > 0) {
    if (code >> length & 1) out->bytes[out->count / 8] |= (uint8_t)(1 << out->count % 8);
    out->count += 1;
  }
}

/* The payload of a message of so many zeros and 1: about a byte for 158. */
static uint8_t *bomb(size_t zeros, size_t *size) {
  bits out = {calloc(1, zeros / 150 + 512), 0};
  put_code(&out, 2, 3);       /* a block with fixed codes */
  put_code(&out, 0x30, 8);    /* a zero, and the same 258 times at a time */
  for (size_t made = 258; made <= zeros; made += 258) {
    put_code(&out, 0xc5, 8);
    put_code(&out, 0, 5);
  }
  for (size_t left = zeros % 258; left > 0; left--) put_code(&out, 0x30, 8);
  put_code(&out, 0, 7 + 3);   /* the end of the block, and the empty one whose rest is left out */
  *size = (out.count + 7) / 8;
  return out.bytes;
}

typedef struct delivery {
  wire *w;
  uint8_t *payload;
  size_t size;
} delivery;

/* The library may hang up before all has been sent. */
static void *deliver(void *argument) {
  const delivery *self = argument;
  peer_put_frame(self->w->fd, 0xc2, self->w->masks, self->payload, self->size);
  return NULL;
}

/* The most memory that the process has had, in KiB; always 0 under a sanitizer or valgrind, which have memory of their own. */
static long peak(void) {
  char line[256];
  long size = 0;
  if (CHECK_SANITIZED || getenv("CHECK_SLOW") != NULL) return 0;
  FILE *status = fopen("/proc/self/status", "r");
  while (status != NULL && fgets(line, sizeof line, status) != NULL) sscanf(line, "VmHWM: %ld", &size);
  if (status != NULL) fclose(status);
  return size;
}

static void a_bomb_of_a_gibibyte(void) {
  size_t size;
  uint8_t *payload = bomb((size_t)1 << 30, &size);
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    pthread_t thread;
    REQUIRE(open_with(&w, role, ALONE));
    EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 16 * MEBIBYTE), WS_OK);
    delivery self = {&w, payload, size};
    pthread_create(&thread, NULL, deliver, &self);
    long before = peak();
    wire_read_gives(&w, WS_ERR_TOO_BIG);
    printf("a message of 1 GiB in %zu bytes: %ld KiB more at most\n", size, peak() - before);
    EXPECT(peak() - before < 65536);
    EXPECT_STATUS(ws_conn_abort(w.conn), WS_OK);
    pthread_join(thread, NULL);
    wire_close(&w);
  }
  free(payload);
}

/* Without a limit a reader gets all of it, and a buffer is enough. */
static void a_bomb_in_parts(void) {
  wire w;
  pthread_t thread;
  size_t size, total = 0;
  int32_t type;
  ws_reader *reader;
  ws_bytes part;
  uint8_t *payload = bomb(256 * MEBIBYTE, &size);
  REQUIRE(open_with(&w, AS_CLIENT, ALONE));
  EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 0), WS_OK);
  delivery self = {&w, payload, size};
  pthread_create(&thread, NULL, deliver, &self);
  long before = peak();
  EXPECT_STATUS(ws_conn_next_reader(w.conn, &type, &reader), WS_OK);
  while (ws_reader_next(reader, &part) == WS_OK) total += part.size;
  EXPECT(total == 256 * MEBIBYTE + 1);
  EXPECT(peak() - before < 2048);
  pthread_join(thread, NULL);
  free(payload);
  wire_close(&w);
}

static void the_limit_is_on_what_comes_out(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    int32_t type;
    ws_bytes message;
    size_t size;
    uint8_t *payload = bomb(9999, &size);
    REQUIRE(open_with(&w, role, ALONE));
    EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 10000), WS_OK);
    for (int i = 0; i < 2; i++) { /* the counter begins afresh */
      wire_put(&w, 0x42, payload, 10);
      wire_put(&w, 0x80, payload + 10, size - 10);
      EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
      EXPECT_INT(message.size, 10000);
    }
    free(payload);
    payload = bomb(10000, &size);
    wire_put(&w, 0xc2, payload, size);
    fails(&w, WS_ERR_TOO_BIG, 1009);
    free(payload);
    wire_close(&w);
  }
}

/* Judged on the header: the limit, an eighth of it and 1 KiB. */
static void a_gibibyte_that_is_only_claimed(void) {
  static const uint8_t claim[] = {0xc2, 127, 0, 0, 0, 0, 0x40, 0, 0, 0, 1};
  wire w;
  REQUIRE(open_with(&w, AS_CLIENT, ALONE));
  EXPECT(peer_put(w.fd, claim, sizeof claim));
  fails(&w, WS_ERR_TOO_BIG, 1009);
  wire_close(&w);
}

/* ---- Engines ---- */

static void engines_too(void) {
  char head[2048];
  ws_upgrader *upgrader = compressed_upgrader(IN_CONTEXT);
  ws_statistics statistics = {.struct_size = sizeof statistics};
  ws_engine *engine = engine_new_server(upgrader);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  EXPECT_STATUS(ws_engine_feed(engine, PEER_REQUEST, sizeof PEER_REQUEST - 3), WS_OK);
  engine_feed_text(engine, "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
  engine_event(engine, WS_EVENT_REQUEST);
  EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
  engine_event(engine, WS_EVENT_OPEN);
  engine_sends_head(engine, head, sizeof head);
  engine_put(engine, AS_SERVER, 0xc1, BYTES(HELLO));
  engine_put(engine, AS_SERVER, 0xc1, BYTES(HELLO_AGAIN));
  for (int i = 0; i < 2; i++) engine_reads(engine, "Hello");
  EXPECT_STATUS(ws_engine_statistics(engine, &statistics), WS_OK);
  EXPECT_INT(statistics.compressed_received, 10);
  EXPECT_INT(statistics.deflated_received, 12);
  engine_put(engine, AS_SERVER, 0xc1, BYTES("\xff"));
  engine_gives(engine, WS_ERR_DEFLATE);
  EXPECT_INT(engine_sends_close(engine, AS_SERVER), 1007);
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
}

static const check_test tests[] = {
    TEST(the_examples_of_the_rfc),
    TEST(context_takeover),
    TEST(a_message_that_was_read_in_part),
    TEST(what_is_corrupt),
    TEST(compressed_without_having_agreed),
    TEST(a_bomb_of_a_gibibyte),
    TEST(a_bomb_in_parts),
    TEST(the_limit_is_on_what_comes_out),
    TEST(a_gibibyte_that_is_only_claimed),
    TEST(engines_too),
};
TEST_MAIN(tests)
