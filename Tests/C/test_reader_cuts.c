/* Messages that are cut: the stream ends at every byte of one, and lines are looked for in pieces of any size.
 */
#include "wire.h"

/* By a reader in small pieces: what it got, and what the first call said that gave no bytes. */
static int read_in_pieces(ws_conn *conn, size_t piece, char *text, size_t *total) {
  ws_reader *reader;
  int32_t type;
  size_t size = 0;
  *total = 0;
  int status = ws_conn_next_reader(conn, &type, &reader);
  while (status == WS_OK && (status = ws_reader_read(reader, text + *total, piece, &size)) == WS_OK) *total += size;
  return status;
}

enum { MESSAGE = 64, ROOM = 600 };

/* The stream ends behind so many bytes: lost, from the message and from every later call. */
static void expect_lost(int role, const uint8_t *bytes, size_t cut, const char *message) {
  char text[ROOM];
  size_t total;
  int32_t type;
  ws_reader *reader;
  wire w;
  if (!wire_open(&w, role)) return;
  EXPECT(peer_put(w.fd, bytes, cut));
  shutdown(w.fd, SHUT_WR);
  if (cut % 2 == 0) EXPECT_STATUS(read_in_pieces(w.conn, 7, text, &total), WS_ERR_LOST);
  if (cut % 2 == 0) EXPECT_BYTES(text, total, message, total);
  if (cut % 2 == 1) wire_read_gives(&w, WS_ERR_LOST);
  for (int i = 0; i < 2; i++) {
    EXPECT_STATUS(ws_conn_next_reader(w.conn, &type, &reader), WS_ERR_LOST);
    wire_read_gives(&w, WS_ERR_LOST);
  }
  wire_close(&w);
}

/* The reference's TestEOFWithinFrame, in both roles. */
static void the_stream_ends_at_every_byte_of_a_message(void) {
  char message[MESSAGE + 1];
  uint8_t bytes[MESSAGE + 14];
  memset(message, 'm', MESSAGE);
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    size_t size = peer_frame_bytes(bytes, 0x81, role == AS_SERVER, message, MESSAGE);
    for (size_t cut = 0; cut < size && !check_now.failed; cut++) expect_lost(role, bytes, cut, message);
  }
}

/* The reference's TestEOFBeforeFinalFrame. */
static void the_stream_ends_before_the_final_frame(void) {
  uint8_t bytes[32];
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    size_t size = peer_frame_bytes(bytes, 0x01, role == AS_SERVER, "first", 5);
    expect_lost(role, bytes, size, "first");
    size += peer_frame_bytes(bytes + size, 0x00, role == AS_SERVER, "next", 4);
    expect_lost(role, bytes, size, "firstnext");
  }
}

/* The reference's TestBufioReadBytes: a line as long as the message, whatever the pieces are, and nothing of it is lost. */
static void a_line_ends_with_its_message(void) {
  static const size_t pieces[] = {1, 7, 448, 511, 512, 513};
  char message[512], text[ROOM];
  memset(message, 'l', sizeof message);
  message[511] = '\n';
  for (size_t i = 0; i < 2 * sizeof pieces / sizeof pieces[0]; i++) {
    wire w;
    size_t total;
    REQUIRE(wire_open(&w, (int)i % 2));
    wire_put(&w, 0x81, message, sizeof message);
    EXPECT_STATUS(read_in_pieces(w.conn, pieces[i / 2], text, &total), WS_END);
    EXPECT_BYTES(text, total, message, sizeof message);
    EXPECT(memchr(text, '\n', total) == text + 511);
    wire_close(&w);
  }
}

/* The reference's TestJoinMessages: nine messages, one of them empty, in chunks of 1 to 7. */
static void nine_messages_in_small_chunks(void) {
  static const char *const messages[] = {"hello", "bold", "", "world", "0123456789", "1", "12", "123", "1234"};
  static const struct {
    const char *terminator, *whole;
  } rows[] = {{"", "helloboldworld0123456789112123" "1234"}, {",", "hello,bold,,world,0123456789,1,12,123,1234,"}};
  for (size_t i = 0; i < 14; i++) {
    const char *terminator = rows[i % 2].terminator;
    char text[ROOM];
    size_t size, total = 0;
    int status;
    pair p;
    REQUIRE(pair_open(&p));
    for (int m = 0; m < 9; m++) EXPECT_STATUS(ws_conn_write(p.client, WS_TEXT, messages[m], strlen(messages[m])), WS_OK);
    EXPECT_STATUS(ws_conn_abort(p.client), WS_OK);
    while ((status = ws_conn_read_joined(p.server, terminator, strlen(terminator), text + total, 1 + i / 2, &size)) == WS_OK) {
      total += size;
    }
    EXPECT_STATUS(status, WS_ERR_LOST); /* 1006 */
    EXPECT_BYTES(text, total, rows[i % 2].whole, strlen(rows[i % 2].whole));
    pair_close(&p);
  }
}

static const check_test tests[] = {
    TEST(the_stream_ends_at_every_byte_of_a_message),
    TEST(the_stream_ends_before_the_final_frame),
    TEST(a_line_ends_with_its_message),
    TEST(nine_messages_in_small_chunks),
};
TEST_MAIN(tests)
