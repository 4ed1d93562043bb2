/* Messages written in pieces: where frames are cut, what passes between them, and what happens when a step cannot be sent.
 */
#include "wire.h"

enum { BUFFER = 1024 };

static uint8_t data[70000];

static void fill_data(void) {
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)('a' + i % 23);
}

static int open_small(wire *w, int role) {
  fill_data();
  return wire_open(w, role) && EXPECT_STATUS(ws_conn_set_write_buffer(w->conn, BUFFER), WS_OK);
}

static ws_writer *writer_of(ws_conn *conn, int type) {
  ws_writer *writer = NULL;
  EXPECT_STATUS(ws_conn_next_writer(conn, type, &writer), WS_OK);
  return writer;
}

/* The peer gets frames of these sizes, which together are the first bytes of data. */
static void gets_frames(wire *w, int opcode, const size_t *sizes, size_t count) {
  static peer_frame frame;
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    if (!EXPECT(peer_get_frame(w->fd, &frame))) return;
    EXPECT_INT(frame.first, (i == 0 ? opcode : 0) | (i + 1 == count ? 0x80 : 0));
    EXPECT_INT(frame.masked, !w->masks);
    EXPECT_BYTES(frame.data, frame.size, data + at, sizes[i]);
    at += sizes[i];
  }
}

typedef struct row {
  size_t writes[4]; /* sizes of the pieces */
  size_t frames[6];
  size_t count; /* of frames */
} row;

static void frames_are_cut_where_the_buffer_ends(void) {
  static const row rows[] = {
      {{0}, {0}, 1},
      {{1}, {1}, 1},
      {{BUFFER}, {BUFFER}, 1},
      {{BUFFER + 1}, {BUFFER, 1}, 2},
      {{2 * BUFFER}, {BUFFER, BUFFER}, 2},
      {{2 * BUFFER + 1}, {2 * BUFFER, 1}, 2},
      {{60000}, {60000 - 60000 % BUFFER, 60000 % BUFFER}, 2},
      {{1000, 24}, {BUFFER}, 1},
      {{1000, 25}, {BUFFER, 1}, 2},
      {{1000, 5000}, {5 * BUFFER, 880}, 2},
      {{BUFFER, BUFFER, 1}, {BUFFER, BUFFER, 1}, 3},
      {{1, 1, 1, 1}, {4}, 1},
      {{500, 500, 500, 500}, {BUFFER, 2000 - BUFFER}, 2},
  };
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(open_small(&w, role));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      ws_writer *writer = writer_of(w.conn, WS_BINARY);
      size_t at = 0;
      for (size_t piece = 0; piece < 4; at += rows[i].writes[piece++]) {
        EXPECT_STATUS(ws_writer_write(writer, data + at, rows[i].writes[piece]), WS_OK);
      }
      EXPECT_STATUS(ws_writer_close(writer), WS_OK);
      gets_frames(&w, WS_BINARY, rows[i].frames, rows[i].count);
    }
    wire_close(&w);
  }
}

static void flush_sends_what_is_there(void) {
  static const size_t sizes[] = {5, 10, 0};
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(open_small(&w, role));
    ws_writer *writer = writer_of(w.conn, WS_TEXT);
    EXPECT_STATUS(ws_writer_flush(writer), WS_OK);
    EXPECT(peer_silent(w.fd, 20));
    EXPECT_STATUS(ws_writer_write(writer, data, 5), WS_OK);
    EXPECT(peer_silent(w.fd, 20));
    EXPECT_STATUS(ws_writer_flush(writer), WS_OK);
    EXPECT(!peer_silent(w.fd, 1000));
    EXPECT_STATUS(ws_writer_write(writer, data + 5, 10), WS_OK);
    EXPECT_STATUS(ws_writer_flush(writer), WS_OK);
    EXPECT_STATUS(ws_writer_flush(writer), WS_OK);
    EXPECT_STATUS(ws_writer_close(writer), WS_OK);
    gets_frames(&w, WS_TEXT, sizes, 3);
    wire_close(&w);
  }
}

static void without_a_limit_a_message_is_one_frame(void) {
  static const size_t sizes[] = {60000};
  wire w;
  REQUIRE(open_small(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_write_buffer(w.conn, SIZE_MAX / 2), WS_OK);
  ws_writer *writer = writer_of(w.conn, WS_BINARY);
  for (size_t at = 0; at < 60000; at += 100) EXPECT_STATUS(ws_writer_write(writer, data + at, 100), WS_OK);
  EXPECT_STATUS(ws_writer_close(writer), WS_OK);
  gets_frames(&w, WS_BINARY, sizes, 1);
  EXPECT_STATUS(ws_conn_set_write_buffer(w.conn, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_write_buffer(w.conn, SIZE_MAX), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_set_write_buffer(w.conn, 1), WS_OK);
  writer = writer_of(w.conn, WS_BINARY);
  EXPECT_STATUS(ws_writer_write(writer, data, 2), WS_OK);
  EXPECT_STATUS(ws_writer_write(writer, data + 2, 3), WS_OK);
  EXPECT_STATUS(ws_writer_close(writer), WS_OK);
  gets_frames(&w, WS_BINARY, (const size_t[]){1, 3, 1}, 3);
  wire_close(&w);
}

/* A message that is ended can not go on, and there is one at a time. */
static void one_writer_at_a_time(void) {
  wire w;
  REQUIRE(open_small(&w, AS_SERVER));
  ws_writer *first = writer_of(w.conn, WS_TEXT), *second = first;
  EXPECT_STATUS(ws_conn_next_writer(w.conn, WS_TEXT, &second), WS_ERR_STATE);
  EXPECT(second == NULL);
  wire_write_gives(&w, "inside", WS_ERR_STATE);
  EXPECT_STATUS(ws_conn_writev(w.conn, WS_TEXT, NULL, 0), WS_ERR_STATE);
  EXPECT_STATUS(ws_writer_write(first, "a", 1), WS_OK);
  EXPECT_STATUS(ws_writer_flush(first), WS_OK);
  wire_write_gives(&w, "inside", WS_ERR_STATE);
  EXPECT_STATUS(ws_writer_close(first), WS_OK);
  wire_gets_text(&w, 0x01, "a");
  wire_gets_text(&w, 0x80, "");
  EXPECT_STATUS(ws_writer_write(first, "b", 1), WS_ERR_STATE);
  EXPECT_STATUS(ws_writer_flush(first), WS_ERR_STATE);
  EXPECT_STATUS(ws_writer_close(first), WS_ERR_STATE);
  wire_write_gives(&w, "between", WS_OK);
  wire_gets_text(&w, 0x81, "between");
  second = writer_of(w.conn, WS_BINARY);
  EXPECT(second != first);
  EXPECT_STATUS(ws_writer_write(first, "old", 3), WS_ERR_STATE);
  EXPECT_STATUS(ws_writer_close(first), WS_ERR_STATE);
  EXPECT_STATUS(ws_writer_write(second, "new", 3), WS_OK);
  EXPECT_STATUS(ws_writer_close(second), WS_OK);
  wire_gets_text(&w, 0x82, "new");
  for (int i = 0; i < 7; i++) {
    EXPECT_STATUS(ws_writer_close(writer_of(w.conn, WS_TEXT)), WS_OK);
    EXPECT_STATUS(ws_writer_close(second), WS_ERR_STATE);
    wire_gets_text(&w, 0x81, "");
  }
  wire_close(&w);
}

static void wrong_arguments_change_nothing(void) {
  static const int types[] = {0, 3, WS_CLOSE, WS_PING, WS_PONG, -1, 0x201, 257 + 512};
  wire w;
  ws_writer *writer = NULL;
  REQUIRE(open_small(&w, AS_CLIENT));
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    EXPECT_STATUS(ws_conn_next_writer(w.conn, types[i], &writer), WS_ERR_INVALID);
  }
  EXPECT_STATUS(ws_conn_next_writer(w.conn, WS_TEXT, NULL), WS_ERR_INVALID);
  writer = writer_of(w.conn, WS_TEXT);
  EXPECT_STATUS(ws_writer_write(writer, NULL, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_writer_write(writer, data, SIZE_MAX), WS_ERR_INVALID);
  EXPECT_STATUS(ws_writer_write(writer, NULL, 0), WS_OK);
  EXPECT_STATUS(ws_writer_close((ws_writer *)w.conn), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_write((ws_conn *)writer, WS_TEXT, "x", 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_writer_close(writer), WS_OK);
  wire_gets_text(&w, 0x81, "");
  wire_close(&w);
}

static void control_frames_pass_between(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(open_small(&w, role));
    ws_writer *writer = writer_of(w.conn, WS_TEXT);
    EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, "1", 1, 0), WS_OK);
    EXPECT_STATUS(ws_writer_write(writer, "a", 1), WS_OK);
    EXPECT_STATUS(ws_writer_flush(writer), WS_OK);
    EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PONG, "2", 1, 0), WS_OK);
    wire_put_text(&w, 0x89, "3");
    wire_put_text(&w, 0x81, "read");
    wire_reads(&w, "read");
    EXPECT_STATUS(ws_writer_write(writer, "b", 1), WS_OK);
    EXPECT_STATUS(ws_writer_close(writer), WS_OK);
    wire_gets_text(&w, 0x89, "1");
    wire_gets_text(&w, 0x01, "a");
    wire_gets_text(&w, 0x8a, "2");
    wire_gets_text(&w, 0x8a, "3");
    wire_gets_text(&w, 0x80, "b");
    wire_close(&w);
  }
}

/* Reads until something else than a message comes. */
static int read_to_the_end(ws_conn *conn) {
  int32_t type;
  ws_bytes message;
  int status;
  do status = ws_conn_read(conn, &type, &message);
  while (status == WS_OK);
  return status;
}

/* A close frame by any path ends the message that is open; the peer sees that it was cut short. */
static void a_close_frame_before_the_final_frame(void) {
  for (int path = 0; path < 3; path++) {
    wire w;
    uint16_t ours;
    REQUIRE(open_small(&w, AS_CLIENT));
    ws_writer *writer = writer_of(w.conn, WS_BINARY);
    EXPECT_STATUS(ws_writer_write(writer, data, BUFFER + BUFFER / 2), WS_OK);
    if (path == 0) EXPECT_STATUS(ws_conn_write_control(w.conn, WS_CLOSE, "\x03\xe8hello", 7, 0), WS_OK);
    if (path == 1) EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, "hello", 5), WS_OK);
    if (path == 2) {
      EXPECT(peer_put_close(w.fd, w.masks, 1000, "hello"));
      EXPECT_STATUS(read_to_the_end(w.conn), WS_END);
    }
    EXPECT_STATUS(ws_writer_write(writer, "x", 1), WS_ERR_CLOSE_SENT);
    EXPECT_STATUS(ws_writer_flush(writer), WS_ERR_CLOSE_SENT);
    EXPECT_STATUS(ws_writer_close(writer), WS_ERR_CLOSE_SENT);
    EXPECT_STATUS(ws_conn_next_writer(w.conn, WS_TEXT, &writer), WS_ERR_CLOSE_SENT);
    EXPECT_STATUS(ws_conn_close_codes(w.conn, NULL, NULL, &ours), WS_OK);
    EXPECT_INT(ours, 1000);
    peer_frame frame;
    EXPECT(peer_get_frame(w.fd, &frame));
    EXPECT_INT(frame.first, 0x02);
    EXPECT_INT(frame.size, BUFFER);
    EXPECT_INT(peer_get_close(w.fd), 1000);
    wire_close(&w);
  }
}

/* Between two ends of the library: the reader hears of the message's beginning, then of the close, and of it for ever. */
static void the_reader_of_a_message_that_is_cut_short(void) {
  pair p;
  int32_t type;
  ws_bytes message, reason;
  uint16_t theirs;
  fill_data();
  REQUIRE(pair_open(&p));
  EXPECT_STATUS(ws_conn_set_write_buffer(p.client, BUFFER), WS_OK);
  ws_writer *writer = writer_of(p.client, WS_BINARY);
  EXPECT_STATUS(ws_writer_write(writer, data, BUFFER + BUFFER / 2), WS_OK);
  EXPECT_STATUS(ws_conn_write_control(p.client, WS_CLOSE, "\x0f\xa0hello", 7, 0), WS_OK);
  EXPECT_STATUS(ws_writer_close(writer), WS_ERR_CLOSE_SENT);
  for (int i = 0; i < 2; i++) EXPECT_STATUS(ws_conn_read(p.server, &type, &message), WS_ERR_CLOSED);
  EXPECT_STATUS(ws_conn_close_codes(p.server, &theirs, &reason, NULL), WS_OK);
  EXPECT_INT(theirs, 4000);
  EXPECT_BYTES(reason.data, reason.size, "hello", 5);
  pair_close(&p);
}

static void text_is_checked_across_pieces(void) {
  wire w;
  REQUIRE(open_small(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_check_utf8(w.conn, 1, 1), WS_OK);
  ws_writer *writer = writer_of(w.conn, WS_TEXT);
  EXPECT_STATUS(ws_writer_write(writer, "a\xe2", 2), WS_OK);
  EXPECT_STATUS(ws_writer_close(writer), WS_ERR_UTF8);
  EXPECT_STATUS(ws_writer_write(writer, "b", 1), WS_ERR_UTF8);
  EXPECT_STATUS(ws_writer_flush(writer), WS_OK);
  EXPECT_STATUS(ws_writer_write(writer, "\x82", 1), WS_OK);
  EXPECT_STATUS(ws_writer_write(writer, "\xac\xff", 2), WS_ERR_UTF8);
  EXPECT_STATUS(ws_writer_write(writer, "\xac", 1), WS_OK);
  EXPECT_STATUS(ws_writer_close(writer), WS_OK);
  wire_gets_text(&w, 0x01, "a\xe2");
  wire_gets_text(&w, 0x80, "\x82\xac");
  writer = writer_of(w.conn, WS_BINARY);
  EXPECT_STATUS(ws_writer_write(writer, "\xff", 1), WS_OK);
  EXPECT_STATUS(ws_writer_close(writer), WS_OK);
  wire_gets_text(&w, 0x82, "\xff");
  wire_close(&w);
}

/* Fills the socket with the frames of a message, in steps of so many bytes. Returns the status that ended it. */
static int write_until_full(ws_writer *writer, size_t size, size_t *taken) {
  int status;
  for (*taken = 0; (status = ws_writer_write(writer, data + *taken % 23, size)) == WS_OK;) *taken += size;
  return status;
}

/* The peer takes all frames of a message, while the connection, which does not block, sends and ends it: they hold what was taken. */
static void end_and_get_all(wire *w, ws_writer *writer, size_t taken) {
  static peer_frame frame;
  int status = WS_AGAIN;
  size_t at = 0;
  frame.first = 0;
  while (!(frame.first & 0x80) && !check_now.failed) {
    EXPECT_STATUS(ws_conn_service(w->conn), WS_OK);
    if (status == WS_AGAIN) status = ws_writer_close(writer);
    if (!EXPECT(peer_get_frame(w->fd, &frame))) return;
    EXPECT_INT(frame.first & 0x7f, at == 0 ? WS_BINARY : 0);
    EXPECT_BYTES(frame.data, frame.size, data + at % 23, frame.size);
    at += frame.size;
  }
  EXPECT_STATUS(status, WS_OK);
  EXPECT_INT(at, taken);
}

/* What gave WS_AGAIN was not taken, whatever its size; what gave WS_OK arrives. */
static void a_step_is_taken_whole_or_not_at_all(void) {
  static const size_t steps[] = {1, 1000, BUFFER, 3000, 60000};
  for (size_t i = 0; i < 2 * (sizeof steps / sizeof steps[0]); i++) {
    wire w;
    size_t taken;
    REQUIRE(open_small(&w, i % 2 ? AS_CLIENT : AS_SERVER));
    EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 1), WS_OK);
    ws_writer *writer = writer_of(w.conn, WS_BINARY);
    EXPECT_STATUS(write_until_full(writer, steps[i / 2], &taken), WS_AGAIN);
    EXPECT_STATUS(ws_writer_close(writer), WS_AGAIN);
    EXPECT_STATUS(ws_writer_write(writer, "x", 1), WS_ERR_STATE);
    EXPECT_STATUS(ws_writer_flush(writer), WS_ERR_STATE);
    end_and_get_all(&w, writer, taken);
    wire_close(&w);
  }
}

/* The same with a time to wait: nothing of a step that timed out was taken, and it can be repeated. */
static void a_step_that_timed_out_can_be_repeated(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    size_t taken;
    REQUIRE(open_small(&w, role));
    EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 1), WS_OK);
    ws_writer *writer = writer_of(w.conn, WS_BINARY);
    EXPECT_STATUS(write_until_full(writer, 2300, &taken), WS_AGAIN);
    EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 0), WS_OK);
    EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, 30), WS_OK);
    for (int i = 0; i < 2; i++) EXPECT_STATUS(ws_writer_write(writer, data + taken % 23, 2300), WS_ERR_TIMEOUT);
    EXPECT_STATUS(ws_writer_flush(writer), WS_ERR_TIMEOUT);
    EXPECT_STATUS(ws_writer_close(writer), WS_ERR_TIMEOUT);
    EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, 0), WS_OK);
    EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 1), WS_OK);
    end_and_get_all(&w, writer, taken);
    wire_close(&w);
  }
}

static void *write_lines(void *argument) {
  ws_writer *writer = argument;
  char line[64];
  int size = snprintf(line, sizeof line, "%060lx\n", (unsigned long)pthread_self());
  for (int i = 0; i < 500; i++) EXPECT_STATUS(ws_writer_write(writer, line, (size_t)size), WS_OK);
  return NULL;
}

static void *write_from_four_threads(void *writer) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, write_lines, writer);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  EXPECT_STATUS(ws_writer_close(writer), WS_OK);
  return NULL;
}

/* Pieces of several threads stay whole. */
static void threads_share_a_writer(void) {
  pair p;
  pthread_t thread;
  int32_t type;
  ws_bytes message;
  REQUIRE(pair_open(&p));
  EXPECT_STATUS(ws_conn_set_write_buffer(p.client, 1000), WS_OK);
  pthread_create(&thread, NULL, write_from_four_threads, writer_of(p.client, WS_TEXT));
  EXPECT_STATUS(ws_conn_read(p.server, &type, &message), WS_OK);
  pthread_join(thread, NULL);
  EXPECT_INT(message.size, 4 * 500 * 61);
  for (size_t i = 60; i < message.size; i += 61) {
    if (message.data[i] != '\n') check_fail(__FILE__, __LINE__, "no line ends at %zu", i), i = message.size;
  }
  pair_close(&p);
}

/* A connection that fails keeps its error, and gives back what it held. */
static void a_writer_of_a_connection_that_ended(void) {
  wire w;
  REQUIRE(open_small(&w, AS_SERVER));
  ws_writer *writer = writer_of(w.conn, WS_TEXT);
  EXPECT_STATUS(ws_writer_write(writer, "lost", 4), WS_OK);
  close(w.fd);
  w.fd = -1;
  EXPECT_STATUS(ws_writer_flush(writer), WS_ERR_LOST);
  EXPECT_STATUS(ws_writer_write(writer, "x", 1), WS_ERR_LOST);
  EXPECT_STATUS(ws_writer_close(writer), WS_ERR_LOST);
  wire_close(&w);

  REQUIRE(open_small(&w, AS_SERVER));
  writer = writer_of(w.conn, WS_TEXT);
  EXPECT_STATUS(ws_conn_abort(w.conn), WS_OK);
  EXPECT_STATUS(ws_writer_flush(writer), WS_OK); /* there is nothing to send */
  EXPECT_STATUS(ws_writer_close(writer), WS_ERR_ABORTED);
  wire_close(&w);
}

/* Nothing of a message that is never ended stays behind; memcheck looks. */
static void an_abandoned_writer_costs_nothing(void) {
  wire w;
  REQUIRE(open_small(&w, AS_SERVER));
  ws_writer *writer = writer_of(w.conn, WS_TEXT);
  EXPECT_STATUS(ws_writer_write(writer, data, 700), WS_OK);
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(frames_are_cut_where_the_buffer_ends),
    TEST(flush_sends_what_is_there),
    TEST(without_a_limit_a_message_is_one_frame),
    TEST(one_writer_at_a_time),
    TEST(wrong_arguments_change_nothing),
    TEST(control_frames_pass_between),
    TEST(a_close_frame_before_the_final_frame),
    TEST(the_reader_of_a_message_that_is_cut_short),
    TEST(text_is_checked_across_pieces),
    TEST(a_step_is_taken_whole_or_not_at_all),
    TEST(a_step_that_timed_out_can_be_repeated),
    TEST(threads_share_a_writer),
    TEST(a_writer_of_a_connection_that_ended),
    TEST(an_abandoned_writer_costs_nothing),
};
TEST_MAIN(tests)
