/* Messages read in parts, as one stream of bytes, and dropped: what arrives, until when a reader is one, and how it all ends.
 */
#include "wire.h"

enum { LARGE = 3000000 };

static uint8_t data[LARGE], got[LARGE + 1];

static void fill_data(void) {
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7 + (i >> 8));
}

static ws_reader *reader_of(wire *w, int wanted) {
  int32_t type = 0;
  ws_reader *reader = NULL;
  EXPECT_STATUS(ws_conn_next_reader(w->conn, &type, &reader), WS_OK);
  EXPECT_INT(type, wanted);
  return reader;
}

/* No more message, and why; outputs must be empty. */
static void no_reader(wire *w, int status) {
  int32_t type = 7;
  ws_reader *reader = (ws_reader *)w;
  EXPECT_STATUS(ws_conn_next_reader(w->conn, &type, &reader), status);
  EXPECT(type == 0 && reader == NULL);
}

/* The next part is this, as far as one call brings it. */
static int next_is(ws_reader *reader, const char *text) {
  ws_bytes part;
  return EXPECT_STATUS(ws_reader_next(reader, &part), WS_OK) && EXPECT_BYTES(part.data, part.size, text, strlen(text));
}

/* The next call gives this, and empty outputs, by either function. */
static void reader_gives(ws_reader *reader, int status) {
  ws_bytes part = {(const uint8_t *)"x", 1};
  size_t size = 9;
  char room[4];
  EXPECT_STATUS(ws_reader_next(reader, &part), status);
  EXPECT(part.data == NULL && part.size == 0);
  EXPECT_STATUS(ws_reader_read(reader, room, sizeof room, &size), status);
  EXPECT_INT(size, 0);
}

/* All that is left of a message, read in pieces. */
static size_t read_all(ws_reader *reader, size_t piece) {
  size_t total = 0, size = 0;
  int status;
  while ((status = ws_reader_read(reader, got + total, piece < sizeof got - total ? piece : sizeof got - total, &size)) == WS_OK) {
    if (!EXPECT(size > 0 && size <= piece)) return 0;
    total += size;
  }
  EXPECT_STATUS(status, WS_END);
  return total;
}

typedef struct sender {
  wire *w;
  int first;
} sender;

static void *send_large(void *argument) {
  sender *self = argument;
  wire_put(self->w, self->first & 0x0f, data, LARGE / 2);
  wire_put_text(self->w, 0x89, "?");
  wire_put(self->w, 0x80, data + LARGE / 2, LARGE / 2);
  return NULL;
}

static void a_large_message_in_pieces(void) {
  static const size_t pieces[] = {1000, 65536, LARGE};
  fill_data();
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    for (int i = 0; i < 3; i++) {
      pthread_t thread;
      sender self = {&w, WS_BINARY};
      pthread_create(&thread, NULL, send_large, &self);
      ws_reader *reader = reader_of(&w, WS_BINARY);
      size_t size = read_all(reader, pieces[i]);
      pthread_join(thread, NULL);
      EXPECT_BYTES(got, size, data, LARGE);
      reader_gives(reader, WS_END);
      wire_gets_text(&w, 0x8a, "?");
    }
    wire_close(&w);
  }
}

static void parts_as_they_arrive(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 20), WS_OK);
  wire_put_text(&w, 0x01, "first");
  ws_reader *reader = reader_of(&w, WS_TEXT);
  next_is(reader, "first");
  reader_gives(reader, WS_ERR_TIMEOUT);
  wire_put_text(&w, 0x00, "");
  wire_put_text(&w, 0x89, "x");
  wire_put_text(&w, 0x80, "second");
  size_t size;
  char room[3];
  EXPECT_STATUS(ws_reader_read(reader, room, 3, &size), WS_OK);
  EXPECT_BYTES(room, size, "sec", 3);
  EXPECT_STATUS(ws_reader_read(reader, NULL, 0, &size), WS_OK);
  EXPECT_INT(size, 0);
  next_is(reader, "ond");
  reader_gives(reader, WS_END);
  wire_gets_text(&w, 0x8a, "x");
  wire_put_text(&w, 0x82, "");
  reader_gives(reader_of(&w, WS_BINARY), WS_END);
  wire_close(&w);
}

static void what_is_left_is_passed_over(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 8), WS_OK);
  for (int i = 0; i < 2; i++) {
    wire_put_text(&w, 0x01, "left");
    wire_put_text(&w, 0x89, "p");
    wire_put_text(&w, 0x80, "over");
    wire_put_text(&w, 0x81, "12345678"); /* the limit begins afresh */
  }
  ws_reader *first = reader_of(&w, WS_TEXT);
  next_is(first, "left");
  wire_reads(&w, "12345678");
  reader_gives(first, WS_ERR_STATE);
  ws_reader *second = reader_of(&w, WS_TEXT);
  ws_reader *third = reader_of(&w, WS_TEXT);
  reader_gives(second, WS_ERR_STATE);
  next_is(third, "12345678");
  wire_gets_text(&w, 0x8a, "p");
  wire_gets_text(&w, 0x8a, "p");
  wire_close(&w);
}

static void stale_readers_are_found_out(void) {
  wire w;
  ws_reader *readers[9];
  REQUIRE(wire_open(&w, AS_SERVER));
  for (int i = 0; i < 9; i++) {
    wire_put_text(&w, 0x81, "x");
    readers[i] = reader_of(&w, WS_TEXT);
    for (int old = i > 7 ? i - 7 : 0; old < i; old++) reader_gives(readers[old], WS_ERR_STATE);
  }
  EXPECT(readers[8] == readers[0]); /* it stands for the later message */
  next_is(readers[0], "x");
  wire_close(&w);
}

static void a_message_that_had_begun_otherwise(void) {
  wire w;
  int32_t type;
  size_t size;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 20), WS_OK);
  wire_put_text(&w, 0x01, "put ");
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  wire_put_text(&w, 0x80, "together");
  next_is(reader_of(&w, WS_TEXT), "put together");
  wire_put_text(&w, 0x81, "kept");
  EXPECT_STATUS(ws_conn_read_into(w.conn, &type, NULL, 0, &size), WS_ERR_ROOM);
  next_is(reader_of(&w, WS_TEXT), "kept");
  no_reader(&w, WS_ERR_TIMEOUT);
  wire_put_text(&w, 0x01, "in ");
  ws_reader *reader = reader_of(&w, WS_TEXT);
  wire_read_gives(&w, WS_ERR_TIMEOUT); /* passes over it */
  wire_put_text(&w, 0x80, "parts");
  wire_put_text(&w, 0x81, "whole");
  wire_reads(&w, "whole");
  reader_gives(reader, WS_ERR_STATE);
  wire_close(&w);
}

typedef struct ending {
  int code; /* of the peer's close frame; 0: the stream just ends */
  int reader;
  int conn;
} ending;

static void ends_in_the_middle_of_a_message(void) {
  static const ending endings[] = {{1000, WS_ERR_CLOSED, WS_END},
                                   {1001, WS_ERR_CLOSED, WS_END},
                                   {3000, WS_ERR_CLOSED, WS_ERR_CLOSED},
                                   {0, WS_ERR_LOST, WS_ERR_LOST}};
  for (int i = 0; i < 4; i++) {
    wire w;
    uint16_t theirs = 0;
    char room[8];
    size_t size;
    REQUIRE(wire_open(&w, AS_CLIENT));
    wire_put_text(&w, 0x01, "half");
    if (endings[i].code != 0) EXPECT(peer_put_close(w.fd, w.masks, endings[i].code, ""));
    shutdown(w.fd, SHUT_WR);
    ws_reader *reader = reader_of(&w, WS_TEXT);
    next_is(reader, "half");
    reader_gives(reader, endings[i].reader);
    reader_gives(reader, endings[i].reader);
    EXPECT_STATUS(ws_conn_close_codes(w.conn, &theirs, NULL, NULL), WS_OK);
    EXPECT_INT(theirs, endings[i].code);
    no_reader(&w, endings[i].conn);
    EXPECT_STATUS(ws_conn_read_joined(w.conn, NULL, 0, room, sizeof room, &size), endings[i].conn);
    EXPECT_STATUS(ws_conn_discard(w.conn), endings[i].conn);
    wire_close(&w);
  }
}

/* One stream over three messages, whatever the room. */
static void all_messages_as_one_stream(void) {
  static const struct {
    const char *terminator, *whole;
  } rows[] = {{"", "onetwo"}, {"\n", "one\n\ntwo\n"}, {"--", "one----two--"}};
  for (int i = 0; i < 3; i++) {
    for (size_t room = 1; room < 14; room++) {
      wire w;
      size_t size = 0, total = 0;
      int status;
      REQUIRE(wire_open(&w, AS_SERVER));
      wire_put_text(&w, 0x81, "one");
      wire_put_text(&w, 0x82, "");
      wire_put_text(&w, 0x01, "tw");
      wire_put_text(&w, 0x89, "");
      wire_put_text(&w, 0x80, "o");
      EXPECT(peer_put_close(w.fd, w.masks, 1000, ""));
      while ((status = ws_conn_read_joined(w.conn, rows[i].terminator, strlen(rows[i].terminator), got + total, room, &size)) ==
             WS_OK) {
        if (!EXPECT(size > 0 && size <= room)) break;
        total += size;
      }
      EXPECT_STATUS(status, WS_END);
      EXPECT_BYTES(got, total, rows[i].whole, strlen(rows[i].whole));
      wire_close(&w);
    }
  }
}

/* What stands behind a message is the terminator of the call that reaches its end. */
static void another_terminator_for_each_message(void) {
  static const char *const terminators[] = {"!", "--", "?", "\r\n;"};
  wire w;
  char whole[16];
  size_t size;
  REQUIRE(wire_open(&w, AS_SERVER));
  for (int i = 0; i < 4; i++) {
    wire_put_text(&w, 0x81, "text");
    snprintf(whole, sizeof whole, "text%s", terminators[i]);
    EXPECT_STATUS(ws_conn_read_joined(w.conn, terminators[i], strlen(terminators[i]), got, strlen(whole), &size), WS_OK);
    EXPECT_BYTES(got, size, whole, strlen(whole));
  }
  wire_close(&w);
}

static void *send_more_than_anybody_wants(void *argument) {
  wire *w = argument;
  sender self = {w, WS_TEXT};
  for (int i = 0; i < 5; i++) send_large(&self);
  wire_put_text(w, 0x81, "and this");
  EXPECT(peer_put_close(w->fd, w->masks, 1000, ""));
  shutdown(w->fd, SHUT_WR);
  return NULL;
}

static void nobody_wants_messages(void) {
  wire w;
  pthread_t thread;
  memset(data, 'a', sizeof data);
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 10), WS_OK);
  EXPECT_STATUS(ws_conn_discard(w.conn), WS_ERR_TIMEOUT);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 0), WS_OK);
  pthread_create(&thread, NULL, send_more_than_anybody_wants, &w);
  EXPECT_STATUS(ws_conn_discard(w.conn), WS_END);
  pthread_join(thread, NULL);
  for (int i = 0; i < 5; i++) wire_gets_text(&w, 0x8a, "?");
  wire_read_gives(&w, WS_END);
  wire_close(&w);
}

static void in_a_poll_loop(void) {
  wire w;
  char room[8];
  size_t size;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 1), WS_OK);
  no_reader(&w, WS_AGAIN);
  EXPECT_STATUS(ws_conn_read_joined(w.conn, NULL, 0, room, sizeof room, &size), WS_AGAIN);
  EXPECT_STATUS(ws_conn_discard(w.conn), WS_AGAIN);
  wire_put_text(&w, 0x01, "a");
  ws_reader *reader = reader_of(&w, WS_TEXT);
  next_is(reader, "a");
  reader_gives(reader, WS_AGAIN);
  wire_put_text(&w, 0x80, "b");
  next_is(reader, "b");
  reader_gives(reader, WS_END);
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(a_large_message_in_pieces),
    TEST(parts_as_they_arrive),
    TEST(what_is_left_is_passed_over),
    TEST(stale_readers_are_found_out),
    TEST(a_message_that_had_begun_otherwise),
    TEST(ends_in_the_middle_of_a_message),
    TEST(all_messages_as_one_stream),
    TEST(another_terminator_for_each_message),
    TEST(nobody_wants_messages),
    TEST(in_a_poll_loop),
};
TEST_MAIN(tests)
