/* Time: reads that time out and go on where they stopped, writes to a peer that does not read, deadlines in the past,
 * and signals.
 */
#include "wire.h"

#include <signal.h>

static const int64_t past = 1; /* a deadline that has been; it does not block */

static void a_read_times_out(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 30), WS_OK);
  for (int i = 0; i < 2; i++) {
    int64_t start = check_ms();
    wire_read_gives(&w, WS_ERR_TIMEOUT);
    EXPECT(check_ms() - start >= 29);
    EXPECT_WITHIN(start, 500);
  }
  wire_put_text(&w, 0x81, "late");
  wire_reads(&w, "late");
  wire_close(&w);
}

static void a_read_deadline_holds_for_all_reads(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_CLIENT));
  int64_t start = check_ms();
  EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, ws_in_ms(40)), WS_OK);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  EXPECT(check_ms() - start >= 39);
  start = check_ms();
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  EXPECT_WITHIN(start, 30);
  EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 20), WS_OK);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  wire_put_text(&w, 0x81, "x");
  wire_reads(&w, "x");
  wire_close(&w);
}

static void a_deadline_in_the_past_does_not_block(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, past), WS_OK);
  EXPECT_STATUS(ws_conn_set_write_deadline(w.conn, past), WS_OK);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  wire_put_text(&w, 0x81, "there already");
  wire_reads(&w, "there already");
  wire_write_gives(&w, "room enough", WS_OK);
  wire_gets_text(&w, 0x81, "room enough");
  EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, -5), WS_OK);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  wire_close(&w);
}

/* A conversation with everything in it: fragments, controls between them, three header forms. The library must answer
 * both pings and return two messages, wherever the bytes were cut. */
static size_t conversation(uint8_t *bytes, int masked, uint8_t *large, size_t large_size) {
  size_t size = 0;
  memset(large, 'L', large_size);
  size += peer_frame_bytes(bytes + size, 0x01, masked, "Hel", 3);
  size += peer_frame_bytes(bytes + size, 0x89, masked, "one", 3);
  size += peer_frame_bytes(bytes + size, 0x00, masked, "", 0);
  size += peer_frame_bytes(bytes + size, 0x8a, masked, "unasked", 7);
  size += peer_frame_bytes(bytes + size, 0x80, masked, "l\xc3\xb6", 3);
  size += peer_frame_bytes(bytes + size, 0x89, masked, "", 0);
  size += peer_frame_bytes(bytes + size, 0x82, masked, large, large_size);
  return size;
}

/* Reads to the end of the conversation after count of its messages. */
static void hear_the_rest(wire *w, int heard, const uint8_t *large, size_t large_size) {
  int32_t type;
  ws_bytes message;
  if (heard == 0) wire_reads(w, "Hell\xc3\xb6");
  if (!EXPECT_STATUS(ws_conn_read(w->conn, &type, &message), WS_OK)) return;
  EXPECT_INT(type, WS_BINARY);
  EXPECT_BYTES(message.data, message.size, large, large_size);
  wire_gets_text(w, 0x8a, "one");
  wire_gets_text(w, 0x8a, "");
}

static void a_read_goes_on_after_a_timeout_at_every_byte(void) {
  uint8_t bytes[600], large[300];
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    for (size_t cut = 0, size = 1; cut < size; cut++) {
      wire w;
      int32_t type;
      ws_bytes message;
      int heard = 0, status;
      REQUIRE(wire_open(&w, role));
      size = conversation(bytes, w.masks, large, sizeof large);
      EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, past), WS_OK);
      EXPECT(peer_put(w.fd, bytes, cut));
      while ((status = ws_conn_read(w.conn, &type, &message)) == WS_OK) heard += 1;
      REQUIRE_STATUS(status, WS_ERR_TIMEOUT);
      EXPECT(peer_put(w.fd, bytes + cut, size - cut));
      hear_the_rest(&w, heard, large, sizeof large);
      wire_close(&w);
      if (check_now.failed) return;
    }
  }
}

static void one_byte_at_a_time(void) {
  uint8_t bytes[600], large[300];
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    int32_t type;
    ws_bytes message;
    int heard = 0;
    REQUIRE(wire_open(&w, role));
    size_t size = conversation(bytes, w.masks, large, sizeof large);
    EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, past), WS_OK);
    for (size_t i = 0; i + 1 < size; i++) {
      EXPECT(peer_put(w.fd, bytes + i, 1));
      int status = ws_conn_read(w.conn, &type, &message);
      if (status != WS_OK) REQUIRE_STATUS(status, WS_ERR_TIMEOUT);
      heard += status == WS_OK;
    }
    EXPECT_INT(heard, 1);
    EXPECT(peer_put(w.fd, bytes + size - 1, 1));
    hear_the_rest(&w, heard, large, sizeof large);
    wire_close(&w);
  }
}

/* Writes until the peer, which does not read, has filled the socket. Returns the status that ended it. */
static int write_until_full(ws_conn *conn, size_t size, int *whole) {
  static uint8_t data[300000];
  int status = WS_OK;
  for (*whole = 0; status == WS_OK && *whole < 100000; *whole += status == WS_OK) {
    status = ws_conn_write(conn, WS_BINARY, data, size);
  }
  return status;
}

/* Large frames do not fit at once: the write stops inside one, and the write half is gone for good. */
static void a_write_that_stops_inside_a_frame_is_broken(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    int whole;
    ws_failure failure = {.struct_size = sizeof failure};
    REQUIRE(wire_open(&w, role));
    EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, 50), WS_OK);
    EXPECT_STATUS(write_until_full(w.conn, 300000, &whole), WS_ERR_BROKEN);
    wire_write_gives(&w, "x", WS_ERR_BROKEN);
    EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, "x", 1, past), WS_ERR_BROKEN);
    EXPECT_STATUS(ws_conn_failure(w.conn, WS_WRITE, &failure), WS_OK);
    EXPECT_INT(failure.code, WS_ERR_BROKEN);
    EXPECT(failure.text[0] != '\0');
    wire_put_text(&w, 0x81, "reading goes on");
    wire_reads(&w, "reading goes on");
    wire_close(&w);
  }
}

/* Receives count whole binary frames of one size. */
static int gets_whole_frames(wire *w, int count, size_t size) {
  static peer_frame frame;
  for (int i = 0; i < count; i++) {
    if (!EXPECT(peer_get_frame(w->fd, &frame))) return 0;
    if (!EXPECT_INT(frame.first, 0x82) || !EXPECT_INT(frame.size, size)) return 0;
  }
  return 1;
}

/* One-byte frames: the socket fills up, sooner or later exactly between two of them or inside one. Either answer must be
 * true: TIMEOUT leaves whole frames behind and can be repeated. */
static void a_write_that_sent_nothing_can_be_repeated(void) {
  wire w;
  int whole;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, 50), WS_OK);
  int status = write_until_full(w.conn, 1, &whole);
  EXPECT(status == WS_ERR_TIMEOUT || status == WS_ERR_BROKEN);
  if (status == WS_ERR_TIMEOUT) {
    EXPECT_STATUS(ws_conn_write(w.conn, WS_BINARY, "x", 1), WS_ERR_TIMEOUT);
    EXPECT(gets_whole_frames(&w, whole, 1));
    EXPECT_STATUS(ws_conn_write(w.conn, WS_BINARY, "again", 5), WS_OK);
    wire_gets(&w, 0x82, "again", 5);
  }
  wire_close(&w);
}

static void a_write_deadline_in_the_past_with_a_full_socket(void) {
  wire w;
  int whole;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_write_deadline(w.conn, past), WS_OK);
  int64_t start = check_ms();
  int status = write_until_full(w.conn, 1000, &whole);
  EXPECT(status == WS_ERR_TIMEOUT || status == WS_ERR_BROKEN);
  EXPECT_WITHIN(start, 2000);
  EXPECT_STATUS(ws_conn_write(w.conn, WS_BINARY, "x", 1), status);
  wire_close(&w);
}

static void *drain_slowly(void *argument) {
  int fd = *(int *)argument;
  static uint8_t data[65536];
  for (size_t got = 0; got < 4000010; check_sleep(25)) {
    size_t want = 4000010 - got < sizeof data ? 4000010 - got : sizeof data;
    size_t came = peer_get(fd, data, want);
    if (!EXPECT_INT(came, want)) break;
    got += came;
  }
  return NULL;
}

/* The write timeout is about progress: a slow peer may take longer than it for one message. */
static void slow_progress_is_no_timeout(void) {
  uint8_t *data = calloc(1, 4000000);
  pthread_t thread;
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, check_limit(800)), WS_OK);
  pthread_create(&thread, NULL, drain_slowly, &w.fd);
  int64_t start = check_ms();
  EXPECT_STATUS(ws_conn_write(w.conn, WS_BINARY, data, 4000000), WS_OK);
  EXPECT(check_ms() - start > 1000);
  pthread_join(thread, NULL);
  wire_close(&w);
  free(data);
}

static void on_signal(int number) { (void)number; }

static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL); /* without SA_RESTART: system calls return EINTR */
}

typedef struct disturber {
  pthread_t target;
  int fd;
} disturber;

/* Signals a blocked reader, and only then sends it something. */
static void *disturb(void *argument) {
  disturber *self = argument;
  uint8_t frame[16];
  for (int i = 0; i < 5; i++) {
    check_sleep(20);
    pthread_kill(self->target, SIGUSR1);
  }
  check_sleep(20);
  EXPECT(peer_put(self->fd, frame, peer_frame_bytes(frame, 0x81, 1, "x", 1)));
  return NULL;
}

static void a_signal_does_not_end_a_read(void) {
  pthread_t thread;
  wire w;
  catch_signals();
  REQUIRE(wire_open(&w, AS_SERVER));
  disturber other = {pthread_self(), w.fd};
  pthread_create(&thread, NULL, disturb, &other);
  wire_reads(&w, "x");
  pthread_join(thread, NULL);
  wire_close(&w);
}

static void a_signal_ends_a_read_that_asked_for_it(void) {
  pthread_t thread;
  wire w;
  int32_t type;
  ws_bytes message;
  int status, interrupted = 0;
  catch_signals();
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_interruptible(w.conn, 1), WS_OK);
  disturber other = {pthread_self(), w.fd};
  pthread_create(&thread, NULL, disturb, &other);
  while ((status = ws_conn_read(w.conn, &type, &message)) == WS_INTR) interrupted += 1;
  EXPECT_STATUS(status, WS_OK);
  EXPECT(interrupted >= 1 && interrupted <= 5);
  pthread_join(thread, NULL);
  wire_close(&w);
}

/* Signals do not stretch a timeout. */
static void a_signal_does_not_start_the_time_again(void) {
  pthread_t thread;
  wire w;
  catch_signals();
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 50), WS_OK);
  disturber other = {pthread_self(), w.fd};
  pthread_create(&thread, NULL, disturb, &other);
  int64_t start = check_ms();
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  EXPECT(check_ms() - start >= 49);
  EXPECT_WITHIN(start, 100);
  pthread_join(thread, NULL);
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(a_read_times_out),
    TEST(a_read_deadline_holds_for_all_reads),
    TEST(a_deadline_in_the_past_does_not_block),
    TEST(a_read_goes_on_after_a_timeout_at_every_byte),
    TEST(one_byte_at_a_time),
    TEST(a_write_that_stops_inside_a_frame_is_broken),
    TEST(a_write_that_sent_nothing_can_be_repeated),
    TEST(a_write_deadline_in_the_past_with_a_full_socket),
    TEST(slow_progress_is_no_timeout),
    TEST(a_signal_does_not_end_a_read),
    TEST(a_signal_ends_a_read_that_asked_for_it),
    TEST(a_signal_does_not_start_the_time_again),
};
TEST_MAIN(tests)
