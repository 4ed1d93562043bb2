/* Sending compressed messages (RFC 7692): what is compressed and what is not, messages that could not be sent, messages in pieces, and
 * several writers at once.
 */
#include "compressed.h"
#include "engines.h"

enum { SIZE = 60000 };

static uint8_t data[SIZE];

static ws_statistics ask(ws_conn *conn) {
  ws_statistics now = {.struct_size = sizeof now};
  EXPECT_STATUS(ws_conn_statistics(conn, &now), WS_OK);
  return now;
}

/* One message arrives, and these are its bytes. */
static int arrives(ws_conn *conn, const void *bytes, size_t size) {
  int32_t type;
  ws_bytes message;
  return EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_OK) && EXPECT_BYTES(message.data, message.size, bytes, size);
}

static void messages_come_back_both_ways(void) {
  static const size_t sizes[] = {0, 1, 5, 125, 1000, 20000, SIZE};
  for (int how = PLAIN; how <= IN_CONTEXT; how++) {
    pair p;
    REQUIRE(compressed_pair(&p, how));
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
      size_t size = sizes[i / 2];
      ws_conn *from = i % 2 ? p.client : p.server, *to = i % 2 ? p.server : p.client;
      compressible(data, size, (uint32_t)i);
      EXPECT_STATUS(ws_conn_write(from, WS_TEXT, data, size), WS_OK);
      if (!arrives(to, data, size)) break;
    }
    ws_statistics sent = ask(p.client), got = ask(p.server);
    EXPECT_INT(sent.compressed_sent, how == PLAIN ? 0 : sent.bytes_sent);
    EXPECT_INT(sent.deflated_sent, got.deflated_received);
    EXPECT_INT(sent.compressed_sent, got.compressed_received);
    EXPECT(how == PLAIN || sent.deflated_sent < sent.compressed_sent / 2);
    pair_close(&p);
  }
}

/* What a client sends, as bytes on the wire. */
static void what_stands_on_the_wire(void) {
  ws_dialer *dialer = compressed_dialer(IN_CONTEXT);
  ws_upgrader *upgrader = compressed_upgrader(IN_CONTEXT);
  ws_engine *client = engine_new_client(dialer), *server = engine_new_server(upgrader);
  ws_bytes output;
  EXPECT_STATUS(ws_engine_output(client, &output), WS_OK);
  EXPECT_STATUS(ws_engine_feed(server, output.data, output.size), WS_OK);
  EXPECT_STATUS(ws_engine_sent(client, output.size), WS_OK);
  engine_event(server, WS_EVENT_REQUEST);
  EXPECT_STATUS(ws_engine_accept(server), WS_OK);
  EXPECT_STATUS(ws_engine_output(server, &output), WS_OK);
  EXPECT_STATUS(ws_engine_sent(server, output.size), WS_OK);
  engine_event(server, WS_EVENT_OPEN);
  EXPECT_STATUS(ws_engine_send(server, WS_TEXT, "", 0), WS_OK);
  EXPECT_STATUS(ws_engine_send(server, WS_PING, "p", 1), WS_OK);
  EXPECT_STATUS(ws_engine_send(server, WS_BINARY | WS_UNCOMPRESSED, "ab", 2), WS_OK);
  EXPECT_STATUS(ws_engine_send_fragment(server, WS_TEXT, "Hel", 3, 0), WS_OK);
  EXPECT_STATUS(ws_engine_output(server, &output), WS_OK);
  EXPECT_BYTES(output.data, output.size < 10 ? output.size : 10, "\xc1\x01\x00\x89\x01p\x82\x02" "ab", 10);
  EXPECT_INT(output.data[10], 0x41);
  size_t before = output.size;
  EXPECT_STATUS(ws_engine_send_fragment(server, 0, "lo", 2, 1), WS_OK);
  EXPECT_STATUS(ws_engine_output(server, &output), WS_OK);
  EXPECT_INT(output.data[before], 0x80);
  EXPECT_STATUS(ws_engine_free(client) + ws_engine_free(server), WS_OK);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
}

static void what_is_not_compressed(void) {
  pair p;
  uint64_t compressed = 0;
  compressible(data, 2000, 1);
  REQUIRE(compressed_pair(&p, IN_CONTEXT));
  for (int i = 0; i < 6; i++) {
    if (i == 1) EXPECT_STATUS(ws_conn_set_compression(p.client, 0), WS_OK);
    if (i == 2) EXPECT_STATUS(ws_conn_set_compression(p.client, 1), WS_OK);
    if (i == 3) EXPECT_STATUS(ws_conn_set_compression_threshold(p.client, 2001), WS_OK);
    if (i == 4) EXPECT_STATUS(ws_conn_set_compression_threshold(p.client, 2000), WS_OK);
    int flag = i == 0 ? WS_UNCOMPRESSED : 0;
    EXPECT_STATUS(ws_conn_write(p.client, WS_TEXT | flag, data, 2000), WS_OK);
    arrives(p.server, data, 2000);
    compressed += i == 2 || i >= 4 ? 2000 : 0;
    EXPECT_INT(ask(p.client).compressed_sent, compressed);
  }
  ws_writer *writer;
  EXPECT_STATUS(ws_conn_next_writer(p.client, WS_BINARY | WS_UNCOMPRESSED, &writer), WS_OK);
  EXPECT_STATUS(ws_writer_write(writer, data, 2000), WS_OK);
  EXPECT_STATUS(ws_writer_close(writer), WS_OK);
  EXPECT_STATUS(ws_conn_writev(p.client, WS_TEXT | WS_UNCOMPRESSED, NULL, 0), WS_OK);
  arrives(p.server, data, 2000);
  arrives(p.server, "", 0);
  EXPECT_INT(ask(p.client).compressed_sent, compressed);
  EXPECT_STATUS(ws_conn_write_control(p.client, WS_PING | WS_UNCOMPRESSED, "x", 1, 0), WS_ERR_INVALID);
  pair_close(&p);
}

static void levels_and_memory(void) {
  pair p;
  uint64_t best = 0, fastest = 0;
  REQUIRE(compressed_pair(&p, IN_CONTEXT));
  compressible(data, SIZE, 9);
  for (int32_t level = -3; level <= 10; level++) {
    int is_one = level >= -2 && level <= 9;
    EXPECT_STATUS(ws_conn_set_compression_level(p.server, level), is_one ? WS_OK : WS_ERR_INVALID);
    EXPECT_STATUS(ws_conn_set_compression_memory(p.server, level), level >= 1 && level <= 9 ? WS_OK : WS_ERR_INVALID);
    uint64_t before = ask(p.server).deflated_sent;
    EXPECT_STATUS(ws_conn_write(p.server, WS_BINARY, data, SIZE), WS_OK);
    arrives(p.client, data, SIZE);
    if (level == 0) EXPECT(ask(p.server).deflated_sent - before >= SIZE);
    if (level == 1) fastest = ask(p.server).deflated_sent - before;
    if (level == 9) best = ask(p.server).deflated_sent - before;
  }
  EXPECT(best < fastest);
  EXPECT_STATUS(ws_conn_set_compression_threshold(p.server, SIZE_MAX), WS_ERR_INVALID);
  pair_close(&p);
}

/* Writes until the socket takes no more, which is what the last status says. How many messages it took. */
static int fill(ws_conn *conn, size_t size, int wanted) {
  int taken = 0, status;
  do {
    for (size_t i = 0; i < size; i++) data[i] = (uint8_t)((i * 2654435761u + (unsigned)taken) >> 13);
    status = ws_conn_write(conn, WS_BINARY, data, size);
    taken += status == WS_OK;
  } while (status == WS_OK && taken < 100000);
  EXPECT_STATUS(status, wanted);
  return taken;
}

static void drain(ws_conn *from, ws_conn *to, int taken, size_t size) {
  int32_t type;
  ws_bytes message;
  for (int i = 0; i < taken && !check_now.failed; i++) {
    int status;
    while ((status = ws_conn_read(to, &type, &message)) == WS_AGAIN) EXPECT_STATUS(ws_conn_service(from), WS_OK);
    REQUIRE_STATUS(status, WS_OK);
    for (size_t at = 0; at < size; at++) data[at] = (uint8_t)((at * 2654435761u + (unsigned)i) >> 13);
    EXPECT_BYTES(message.data, message.size, data, size);
  }
}

/* Messages that gave WS_AGAIN or WS_ERR_TIMEOUT have left no trace: those before and behind them are understood. */
static void what_could_not_be_sent_is_forgotten(void) {
  static const struct {
    int waits;
    size_t size;
  } rows[] = {{1, 10}, {0, 10}, {0, 40000}};
  for (int round = 0; round < 6; round++) {
    pair p;
    int waits = rows[round / 2].waits, refused = waits ? WS_ERR_TIMEOUT : WS_AGAIN;
    size_t size = rows[round / 2].size;
    REQUIRE(compressed_pair(&p, round % 2 ? IN_CONTEXT : ALONE));
    EXPECT_STATUS(ws_conn_set_nonblocking(p.client, !waits) + ws_conn_set_nonblocking(p.server, 1), WS_OK);
    EXPECT_STATUS(ws_conn_set_write_deadline(p.client, waits ? 1 : WS_NEVER), WS_OK);
    int taken = fill(p.client, size, refused);
    for (int i = 0; i < 3; i++) EXPECT_STATUS(ws_conn_write(p.client, WS_BINARY, "not this time", 13), refused);
    EXPECT_STATUS(ws_conn_set_nonblocking(p.client, 1), WS_OK);
    drain(p.client, p.server, taken, size);
    EXPECT_STATUS(ws_conn_write(p.client, WS_BINARY, "but now", 7), WS_OK);
    arrives(p.server, "but now", 7);
    pair_close(&p);
  }
}

static void pieces_of_a_compressed_message(void) {
  for (int how = ALONE; how <= IN_CONTEXT; how++) {
    pair p;
    ws_writer *writer;
    REQUIRE(compressed_pair(&p, how));
    EXPECT_STATUS(ws_conn_set_write_buffer(p.server, 100), WS_OK);
    compressible(data, SIZE, 5);
    for (int round = 0; round < 3; round++) {
      EXPECT_STATUS(ws_conn_next_writer(p.server, WS_TEXT, &writer), WS_OK);
      for (size_t at = 0; at < SIZE; at += 600) {
        EXPECT_STATUS(ws_writer_write(writer, data + at, 600), WS_OK);
        if (at % 6000 == 0) EXPECT_STATUS(ws_conn_write_control(p.server, WS_PING, "p", 1, 0), WS_OK);
        if (at % 9000 == 0 && round == 1) EXPECT_STATUS(ws_writer_flush(writer), WS_OK);
      }
      EXPECT_STATUS(ws_writer_close(writer), WS_OK);
      arrives(p.client, data, SIZE);
    }
    EXPECT_INT(ask(p.client).pings_received, 30);
    ws_statistics sent = ask(p.server);
    EXPECT_INT(sent.messages_sent, 3);
    EXPECT_INT(sent.compressed_sent, 3 * SIZE);
    EXPECT_INT(sent.deflated_sent, ask(p.client).deflated_received);
    pair_close(&p);
  }
}

/* A step of a compressed message is taken whole or not at all as well. */
static void pieces_that_cannot_be_sent(void) {
  enum { PIECE = 3000 };
  for (int how = ALONE; how <= IN_CONTEXT; how++) {
    pair p;
    ws_writer *writer;
    int32_t type;
    ws_bytes message;
    size_t taken = 0;
    int status;
    REQUIRE(compressed_pair(&p, how));
    EXPECT_STATUS(ws_conn_set_nonblocking(p.client, 1), WS_OK);
    EXPECT_STATUS(ws_conn_set_nonblocking(p.server, 1), WS_OK);
    EXPECT_STATUS(ws_conn_next_writer(p.client, WS_BINARY, &writer), WS_OK);
    uint32_t random = 1;
    uint8_t *all = malloc(8000000);
    for (size_t i = 0; i < 8000000; i++) all[i] = (uint8_t)((random = random * 1664525u + 1013904223u) >> 24);
    while ((status = ws_writer_write(writer, all + taken, PIECE)) == WS_OK && taken + 2 * PIECE < 8000000) taken += PIECE;
    EXPECT_STATUS(status, WS_AGAIN);
    EXPECT_STATUS(ws_writer_flush(writer), WS_AGAIN);
    EXPECT_STATUS(ws_writer_close(writer), WS_AGAIN);
    EXPECT_STATUS(ws_writer_write(writer, "x", 1), WS_ERR_STATE);
    status = WS_AGAIN;
    while (ws_conn_read(p.server, &type, &message) == WS_AGAIN && !check_now.failed) {
      EXPECT_STATUS(ws_conn_service(p.client), WS_OK);
      if (status == WS_AGAIN) status = ws_writer_close(writer);
    }
    EXPECT_STATUS(status, WS_OK);
    EXPECT_BYTES(message.data, message.size, all, taken);
    free(all);
    EXPECT_STATUS(ws_conn_write(p.client, WS_TEXT, "and on", 6), WS_OK);
    arrives(p.server, "and on", 6);
    pair_close(&p);
  }
}

static void *write_many(void *conn) {
  uint8_t mine[3000];
  compressible(mine, sizeof mine, 77);
  for (size_t i = 0; i < 300; i++) EXPECT_STATUS(ws_conn_write(conn, WS_TEXT, mine, i * 10), WS_OK);
  return NULL;
}

static void several_writers_share_a_context(void) {
  pair p;
  pthread_t threads[4];
  int32_t type;
  ws_bytes message;
  compressible(data, 3000, 77);
  REQUIRE(compressed_pair(&p, IN_CONTEXT));
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, write_many, p.client);
  for (int i = 0; i < 1200 && !check_now.failed; i++) {
    EXPECT_STATUS(ws_conn_read(p.server, &type, &message), WS_OK);
    EXPECT_BYTES(message.data, message.size, data, message.size);
  }
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  pair_close(&p);
}

static const check_test tests[] = {
    TEST(messages_come_back_both_ways),
    TEST(what_stands_on_the_wire),
    TEST(what_is_not_compressed),
    TEST(levels_and_memory),
    TEST(what_could_not_be_sent_is_forgotten),
    TEST(pieces_of_a_compressed_message),
    TEST(pieces_that_cannot_be_sent),
    TEST(several_writers_share_a_context),
};
TEST_MAIN(tests)
