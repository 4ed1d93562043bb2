/* Messages prepared once for many connections.
 */
#include "compressed.h"
#include "engines.h"

static ws_prepared *prepare(int32_t type, const void *data, size_t size) {
  ws_prepared *message = NULL;
  EXPECT_STATUS(ws_prepared_new(type, data, size, &message), WS_OK);
  return message;
}

static int arrives(ws_conn *conn, int type, const void *bytes, size_t size) {
  int32_t got;
  ws_bytes message;
  return EXPECT_STATUS(ws_conn_read(conn, &got, &message), WS_OK) && EXPECT_INT(got, type) &&
         EXPECT_BYTES(message.data, message.size, bytes, size);
}

/* The bytes may change as soon as the message is prepared; each connection gets the message, in a frame of its own kind. */
static void one_message_for_all(void) {
  static uint8_t data[70000], copy[70000];
  static const size_t sizes[] = {0, 5, 126, 65535, 70000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    compressible(data, sizes[i], (uint32_t)i);
    memcpy(copy, data, sizes[i]);
    ws_prepared *message = prepare(WS_TEXT, copy, sizes[i]);
    memset(copy, '#', sizes[i]);
    for (int how = PLAIN; how <= IN_CONTEXT; how++) {
      pair p;
      REQUIRE(compressed_pair(&p, how));
      for (int round = 0; round < 2; round++) {
        EXPECT_STATUS(ws_conn_write_prepared(p.client, message), WS_OK);
        EXPECT_STATUS(ws_conn_write(p.client, WS_BINARY, "between", 7), WS_OK);
        EXPECT_STATUS(ws_conn_write_prepared(p.server, message), WS_OK);
        arrives(p.server, WS_TEXT, data, sizes[i]);
        arrives(p.server, WS_BINARY, "between", 7);
        arrives(p.client, WS_TEXT, data, sizes[i]);
      }
      pair_close(&p);
    }
    EXPECT_STATUS(ws_prepared_free(message), WS_OK);
  }
}

/* A client's frames have a key of their own each, and nothing else differs. RFC 6455 5.3. */
static void every_frame_has_its_own_mask(void) {
  enum { FRAMES = 50 };
  static uint8_t seen[FRAMES][4], bytes[11];
  wire w;
  ws_prepared *message = prepare(WS_TEXT, "Hello", 5);
  REQUIRE(wire_open(&w, AS_CLIENT));
  for (int i = 0; i < FRAMES; i++) {
    EXPECT_STATUS(ws_conn_write_prepared(w.conn, message), WS_OK);
    EXPECT_INT(peer_get(w.fd, bytes, sizeof bytes), sizeof bytes);
    EXPECT(bytes[0] == 0x81 && bytes[1] == 0x85);
    memcpy(seen[i], bytes + 2, 4);
    for (int at = 0; at < 5; at++) EXPECT_INT(bytes[6 + at] ^ seen[i][at % 4], "Hello"[at]);
    for (int before = 0; before < i; before++) EXPECT(memcmp(seen[before], seen[i], 4) != 0);
  }
  wire_close(&w);
  EXPECT_STATUS(ws_prepared_free(message), WS_OK);
}

/* Takes the output of an engine. */
static size_t output_of(ws_engine *engine, uint8_t *bytes, size_t room) {
  ws_bytes output;
  EXPECT_STATUS(ws_engine_output(engine, &output), WS_OK);
  if (!EXPECT(output.size <= room)) return 0;
  memcpy(bytes, output.data, output.size);
  EXPECT_STATUS(ws_engine_sent(engine, output.size), WS_OK);
  return output.size;
}

static void open_engines(ws_engine *engines[2], int how) {
  uint8_t bytes[4096];
  ws_dialer *dialer = compressed_dialer(how);
  ws_upgrader *upgrader = compressed_upgrader(how);
  engines[AS_CLIENT] = engine_new_client(dialer);
  engines[AS_SERVER] = engine_new_server(upgrader);
  size_t size = output_of(engines[AS_CLIENT], bytes, sizeof bytes);
  EXPECT_STATUS(ws_engine_feed(engines[AS_SERVER], bytes, size), WS_OK);
  engine_event(engines[AS_SERVER], WS_EVENT_REQUEST);
  EXPECT_STATUS(ws_engine_accept(engines[AS_SERVER]), WS_OK);
  size = output_of(engines[AS_SERVER], bytes, sizeof bytes);
  EXPECT_STATUS(ws_engine_feed(engines[AS_CLIENT], bytes, size), WS_OK);
  engine_event(engines[AS_CLIENT], WS_EVENT_OPEN);
  engine_event(engines[AS_SERVER], WS_EVENT_OPEN);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
}

/* With the same mask keys the bytes are those of a message that is sent directly: text and ping, both roles, compressed or not, at
 * several levels. */
static void the_bytes_are_those_of_a_direct_message(void) {
  static uint8_t text[5000], direct[8000], prepared[8000];
  static const int32_t types[] = {WS_TEXT, WS_PING, WS_BINARY | WS_UNCOMPRESSED}, levels[] = {-2, 0, 1, 9};
  int cells = 0;
  compressible(text, sizeof text, 3);
  for (int i = 0; i < 3 * 2 * 2 * 4; i++) {
    int32_t type = types[i % 3], level = levels[i / 12];
    int role = i / 3 % 2, how = i / 6 % 2 ? ALONE : PLAIN;
    size_t size = type == WS_PING ? 100 : sizeof text;
    ws_engine *engines[2];
    ws_prepared *message = prepare(type, text, size);
    open_engines(engines, how);
    EXPECT_STATUS(ws_engine_set_compression_level(engines[role], level), WS_OK);
    EXPECT_STATUS(ws_engine_send(engines[role], type, text, size), WS_OK);
    size_t expected = output_of(engines[role], direct, sizeof direct);
    EXPECT_STATUS(ws_engine_send_prepared(engines[role], message), WS_OK);
    size_t got = output_of(engines[role], prepared, sizeof prepared);
    EXPECT_BYTES(prepared, got, direct, expected);
    EXPECT_INT((direct[0] & 0x40) != 0, how == ALONE && type == WS_TEXT);
    EXPECT_STATUS(ws_engine_free(engines[0]) + ws_engine_free(engines[1]), WS_OK);
    EXPECT_STATUS(ws_prepared_free(message), WS_OK);
    cells += 1;
  }
  printf("%d cells\n", cells);
}

static void what_cannot_be_prepared(void) {
  static const struct {
    int32_t type;
    const char *data;
    size_t size;
  } rows[] = {{0, "x", 1},  {3, "x", 1},       {-1, "x", 1},       {WS_TEXT, NULL, 1},           {WS_PING | WS_UNCOMPRESSED, "x", 1},
              {0x201, "x", 1}, {WS_CLOSE, "x", 1}, {WS_CLOSE, "\x03\xed", 2}, {WS_CLOSE, "\x03\xe8\xff", 3}, {WS_TEXT, "x", SIZE_MAX}};
  static const char long_one[126];
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ws_prepared *message = (ws_prepared *)&message;
    EXPECT_STATUS(ws_prepared_new(rows[i].type, rows[i].data, rows[i].size, &message), WS_ERR_INVALID);
    EXPECT(message == NULL);
  }
  ws_prepared *message;
  EXPECT_STATUS(ws_prepared_new(WS_PING, long_one, sizeof long_one, &message), WS_ERR_INVALID);
  EXPECT_STATUS(ws_prepared_new(WS_TEXT, "x", 1, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_prepared_free(NULL), WS_OK);
}

static void inside_another_message_and_behind_a_close(void) {
  wire w;
  ws_writer *writer;
  ws_prepared *text = prepare(WS_TEXT, "text", 4), *ping = prepare(WS_PING, "ping", 4);
  ws_prepared *pong = prepare(WS_PONG, "pong", 4), *end = prepare(WS_CLOSE, "\x03\xe8" "bye", 5);
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_next_writer(w.conn, WS_TEXT, &writer), WS_OK);
  EXPECT_STATUS(ws_conn_write_prepared(w.conn, text), WS_ERR_STATE);
  EXPECT_STATUS(ws_conn_write_prepared(w.conn, ping), WS_OK);
  EXPECT_STATUS(ws_writer_write(writer, "a", 1) + ws_writer_flush(writer), WS_OK);
  EXPECT_STATUS(ws_conn_write_prepared(w.conn, text), WS_ERR_STATE);
  EXPECT_STATUS(ws_conn_write_prepared(w.conn, pong), WS_OK);
  EXPECT_STATUS(ws_writer_close(writer), WS_OK);
  EXPECT_STATUS(ws_conn_write_prepared(w.conn, text), WS_OK);
  EXPECT_STATUS(ws_conn_write_prepared(w.conn, end), WS_OK);
  EXPECT_STATUS(ws_conn_write_prepared(w.conn, ping), WS_ERR_CLOSE_SENT);
  EXPECT_STATUS(ws_conn_write_prepared(w.conn, text), WS_ERR_CLOSE_SENT);
  wire_write_gives(&w, "x", WS_ERR_CLOSE_SENT);
  uint16_t ours;
  EXPECT_STATUS(ws_conn_close_codes(w.conn, NULL, NULL, &ours), WS_OK);
  EXPECT_INT(ours, 1000);
  wire_gets_text(&w, 0x89, "ping");
  wire_gets_text(&w, 0x01, "a");
  wire_gets_text(&w, 0x8a, "pong");
  wire_gets_text(&w, 0x80, "");
  wire_gets_text(&w, 0x81, "text");
  wire_gets_text(&w, 0x88, "\x03\xe8" "bye");
  wire_close(&w);
  EXPECT_STATUS(ws_prepared_free(text) + ws_prepared_free(ping) + ws_prepared_free(pong) + ws_prepared_free(end), WS_OK);
}

static void checked_text(void) {
  wire w;
  ws_prepared *bad = prepare(WS_TEXT, "\xff", 1), *good = prepare(WS_TEXT, "\xe2\x82\xac", 3);
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_check_utf8(w.conn, 1, 1), WS_OK);
  EXPECT_STATUS(ws_conn_write_prepared(w.conn, bad), WS_ERR_UTF8);
  EXPECT_STATUS(ws_conn_write_prepared(w.conn, good), WS_OK);
  EXPECT_STATUS(ws_conn_set_check_utf8(w.conn, 1, 0), WS_OK);
  EXPECT_STATUS(ws_conn_write_prepared(w.conn, bad), WS_OK);
  wire_gets_text(&w, 0x81, "\xe2\x82\xac");
  wire_gets_text(&w, 0x81, "\xff");
  wire_close(&w);
  EXPECT_STATUS(ws_prepared_free(bad) + ws_prepared_free(good), WS_OK);
}

/* Refused with WS_AGAIN it has left no trace, in the context of the connection either. */
static void what_could_not_be_sent(void) {
  static uint8_t data[20000];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 2654435761u >> 13);
  ws_prepared *message = prepare(WS_BINARY, data, sizeof data);
  for (int how = PLAIN; how <= IN_CONTEXT; how++) {
    pair p;
    int32_t type;
    ws_bytes bytes;
    int taken = 0, status;
    REQUIRE(compressed_pair(&p, how));
    EXPECT_STATUS(ws_conn_set_nonblocking(p.client, 1) + ws_conn_set_nonblocking(p.server, 1), WS_OK);
    EXPECT_STATUS(ws_conn_write(p.client, WS_BINARY, data, sizeof data), WS_OK);
    while ((status = ws_conn_write_prepared(p.client, message)) == WS_OK) taken += 1;
    EXPECT_STATUS(status, WS_AGAIN);
    for (int i = 0; i <= taken; i++) {
      while ((status = ws_conn_read(p.server, &type, &bytes)) == WS_AGAIN) EXPECT_STATUS(ws_conn_service(p.client), WS_OK);
      REQUIRE_STATUS(status, WS_OK);
      EXPECT_BYTES(bytes.data, bytes.size, data, sizeof data);
    }
    EXPECT_STATUS(ws_conn_write(p.client, WS_BINARY, data, sizeof data), WS_OK);
    arrives(p.server, WS_BINARY, data, sizeof data);
    pair_close(&p);
  }
  EXPECT_STATUS(ws_prepared_free(message), WS_OK);
}

/* One of many threads with a connection of its own. */
typedef struct sender {
  ws_prepared *message;
  const uint8_t *data;
  size_t size;
  int number;
} sender;

static void *send_and_read(void *argument) {
  sender *self = argument;
  pair p;
  if (!EXPECT(compressed_pair(&p, self->number % 3))) return NULL;
  for (int i = 0; i < 50 && !check_now.failed; i++) {
    EXPECT_STATUS(ws_conn_set_compression_level(p.server, i % 9 + 1), WS_OK);
    EXPECT_STATUS(ws_conn_write_prepared(p.server, self->message), WS_OK);
    arrives(p.client, WS_BINARY, self->data, self->size);
  }
  pair_close(&p);
  return NULL;
}

static void many_threads_send_the_same_message(void) {
  enum { THREADS = 12, SIZE = 3000 };
  static uint8_t data[SIZE];
  static sender senders[THREADS];
  pthread_t threads[THREADS];
  compressible(data, SIZE, 8);
  ws_prepared *message = prepare(WS_BINARY, data, SIZE);
  for (int i = 0; i < THREADS; i++) {
    senders[i] = (sender){message, data, SIZE, i};
    pthread_create(&threads[i], NULL, send_and_read, &senders[i]);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  EXPECT_STATUS(ws_prepared_free(message), WS_OK);
}

static const check_test tests[] = {
    TEST(one_message_for_all),
    TEST(every_frame_has_its_own_mask),
    TEST(the_bytes_are_those_of_a_direct_message),
    TEST(what_cannot_be_prepared),
    TEST(inside_another_message_and_behind_a_close),
    TEST(checked_text),
    TEST(what_could_not_be_sent),
    TEST(many_threads_send_the_same_message),
};
TEST_MAIN(tests)
