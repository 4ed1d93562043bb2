/* A connection inside a poll loop of the program's own: nothing waits, nothing is lost, and the loop is told what to wait for.
 */
#include "wire.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

long syscall(long number, ...); /* not in POSIX */

/* A peer that empties this once, just before the library looks whether the transport has room; -1: nobody does. */
static int emptied_before_looking = -1;

/* The library's look. */
int ppoll(struct pollfd *set, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
  char room[4096];
  if (emptied_before_looking >= 0 && count > 0 && (set[0].events & POLLOUT) != 0) {
    while (recv(emptied_before_looking, room, sizeof room, MSG_DONTWAIT) > 0) continue;
    emptied_before_looking = -1;
  }
  return (int)syscall(SYS_ppoll, set, count, timeout, mask, 8);
}

static int32_t events(ws_conn *conn) {
  int32_t fd, wanted;
  EXPECT_STATUS(ws_conn_interest(conn, &fd, &wanted, NULL), WS_OK);
  EXPECT(fd >= 0);
  return wanted;
}

static int64_t due(ws_conn *conn) {
  int64_t deadline = 7;
  EXPECT_STATUS(ws_conn_interest(conn, NULL, NULL, &deadline), WS_OK);
  return deadline;
}

static int open_loop(wire *w, int role) {
  return wire_open(w, role) && EXPECT_STATUS(ws_conn_set_nonblocking(w->conn, 1), WS_OK);
}

/* Writes until the connection takes no more; how many messages it took. */
static int fill(wire *w, const void *data, size_t size) {
  int taken = 0, status;
  while ((status = ws_conn_write(w->conn, WS_BINARY, data, size)) == WS_OK && taken < 10000) taken += 1;
  EXPECT_STATUS(status, WS_AGAIN);
  return taken;
}

static void a_read_without_a_message_gives_again(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(open_loop(&w, role));
    EXPECT_INT(events(w.conn), POLLIN);
    EXPECT(due(w.conn) == WS_NEVER);
    wire_read_gives(&w, WS_AGAIN);
    wire_put_text(&w, 0x81, "one");
    wire_put_text(&w, 0x81, "two");
    wire_reads(&w, "one");
    wire_reads(&w, "two");
    wire_read_gives(&w, WS_AGAIN);
    wire_close(&w);
  }
}

static void a_message_in_pieces_is_read_when_it_is_whole(void) {
  wire w;
  uint8_t bytes[64];
  REQUIRE(open_loop(&w, AS_SERVER));
  size_t size = peer_frame_bytes(bytes, 0x81, w.masks, "pieces", 6);
  for (size_t i = 0; i + 1 < size; i++) {
    EXPECT(peer_put(w.fd, bytes + i, 1));
    wire_read_gives(&w, WS_AGAIN);
  }
  EXPECT(peer_put(w.fd, bytes + size - 1, 1));
  wire_reads(&w, "pieces");
  wire_close(&w);
}

/* Every message that was taken arrives whole, in order; those that gave WS_AGAIN never do. */
static void a_write_is_taken_whole_or_not_at_all(void) {
  static uint8_t message[50000];
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    peer_frame frame;
    REQUIRE(open_loop(&w, role));
    memset(message, 'a' + role, sizeof message);
    int taken = fill(&w, message, sizeof message);
    EXPECT(taken > 0);
    EXPECT_INT(events(w.conn), POLLIN | POLLOUT);
    EXPECT(due(w.conn) != WS_NEVER);
    EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, "x", 1, 0), WS_AGAIN);
    for (int got = 0; got < taken; got++) {
      EXPECT_STATUS(ws_conn_service(w.conn), WS_OK);
      for (struct pollfd readable = {w.fd, POLLIN, 0}; poll(&readable, 1, 0) == 0;) {
        EXPECT_STATUS(ws_conn_service(w.conn), WS_OK);
      }
      REQUIRE(peer_get_frame(w.fd, &frame));
      EXPECT_INT(frame.first, 0x82);
      EXPECT_BYTES(frame.data, frame.size, message, sizeof message);
      if (check_now.failed) break;
    }
    EXPECT_STATUS(ws_conn_service(w.conn), WS_OK);
    EXPECT(peer_silent(w.fd, 20));
    EXPECT_INT(events(w.conn), POLLIN);
    EXPECT(due(w.conn) == WS_NEVER);
    EXPECT_STATUS(ws_conn_write(w.conn, WS_TEXT, "after", 5), WS_OK);
    wire_gets_text(&w, 0x81, "after");
    wire_close(&w);
  }
}

/* The frame that then leaves after all is one like any other: counted, and the beginning of its message. */
static void room_that_comes_between_two_looks(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    ws_writer *writer;
    ws_statistics counted = {.struct_size = sizeof counted};
    REQUIRE(open_loop(&w, role));
    int taken = fill(&w, "so small that it leaves whole", 29);
    EXPECT_INT(events(w.conn), POLLIN);
    REQUIRE(EXPECT_STATUS(ws_conn_next_writer(w.conn, WS_TEXT, &writer), WS_OK));
    EXPECT_STATUS(ws_writer_write(writer, "one", 3), WS_OK);
    emptied_before_looking = w.fd;
    EXPECT_STATUS(ws_writer_flush(writer), WS_OK);
    EXPECT_INT(emptied_before_looking, -1);
    wire_gets_text(&w, 0x01, "one");
    EXPECT_STATUS(ws_writer_close(writer), WS_OK);
    wire_gets_text(&w, 0x80, "");
    wire_write_gives(&w, "two", WS_OK);
    wire_gets_text(&w, 0x81, "two");
    EXPECT_STATUS(ws_conn_statistics(w.conn, &counted), WS_OK);
    EXPECT_INT(counted.messages_sent, taken + 2);
    wire_close(&w);
  }
}

static void output_that_does_not_move_is_broken_in_time(void) {
  static uint8_t message[50000];
  wire w;
  REQUIRE(open_loop(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, 50), WS_OK);
  EXPECT(fill(&w, message, sizeof message) > 0);
  EXPECT_STATUS(ws_conn_service(w.conn), WS_OK);
  check_sleep(80);
  EXPECT(due(w.conn) <= ws_now());
  EXPECT_STATUS(ws_conn_service(w.conn), WS_ERR_BROKEN);
  EXPECT_STATUS(ws_conn_write(w.conn, WS_TEXT, "x", 1), WS_ERR_BROKEN);
  wire_close(&w);
}

static void a_read_timeout_is_told_and_holds(void) {
  wire w;
  REQUIRE(open_loop(&w, AS_SERVER));
  int64_t before = ws_now();
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 50), WS_OK);
  wire_read_gives(&w, WS_AGAIN);
  EXPECT(due(w.conn) > before && due(w.conn) <= ws_in_ms(50));
  check_sleep(80);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  wire_read_gives(&w, WS_AGAIN); /* and again from the beginning */
  wire_put_text(&w, 0x81, "late");
  wire_reads(&w, "late");
  EXPECT(due(w.conn) == WS_NEVER);
  wire_close(&w);
}

static void pings_are_answered_inside_reads(void) {
  wire w;
  REQUIRE(open_loop(&w, AS_SERVER));
  wire_put_text(&w, 0x89, "hi");
  wire_read_gives(&w, WS_AGAIN);
  wire_gets_text(&w, 0x8A, "hi");
  wire_close(&w);
}

static void our_close_is_complete_in_steps(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(open_loop(&w, role));
    EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_AGAIN);
    EXPECT(due(w.conn) > ws_now() && due(w.conn) <= ws_in_ms(10000));
    EXPECT_INT(peer_get_close(w.fd), 1000);
    wire_put_text(&w, 0x81, "dropped");
    EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_AGAIN);
    EXPECT(peer_put_close(w.fd, w.masks, 1000, ""));
    int status = ws_conn_close(w.conn, 1000, NULL, 0, 0);
    EXPECT(status == WS_AGAIN); /* the peer's end of the stream is missing */
    EXPECT(due(w.conn) <= ws_in_ms(2000));
    close(w.fd);
    w.fd = -1;
    EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_OK);
    EXPECT(due(w.conn) == WS_NEVER);
    wire_close(&w);
  }
}

static void their_close_is_answered_and_ended(void) {
  wire w;
  REQUIRE(open_loop(&w, AS_SERVER));
  EXPECT(peer_put_close(w.fd, w.masks, 1001, "bye"));
  wire_read_gives(&w, WS_END);
  EXPECT_INT(peer_get_close(w.fd), 1001);
  EXPECT(peer_ended(w.fd));
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_AGAIN);
  close(w.fd);
  w.fd = -1;
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_OK);
  wire_close(&w);
}

static void a_close_without_answer_is_dropped_in_time(void) {
  wire w;
  REQUIRE(open_loop(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(50)), WS_AGAIN);
  check_sleep(80);
  EXPECT_STATUS(ws_conn_service(w.conn), WS_ERR_TIMEOUT);
  wire_read_gives(&w, WS_ERR_ABORTED);
  wire_close(&w);
}

static void waiting_can_be_had_back(void) {
  wire w;
  REQUIRE(open_loop(&w, AS_SERVER));
  wire_read_gives(&w, WS_AGAIN);
  EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 30), WS_OK);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  wire_close(&w);
}

static void wrong_arguments(void) {
  int32_t fd = 7, wanted = 7;
  int64_t deadline = 7;
  EXPECT_STATUS(ws_conn_set_nonblocking(NULL, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_service(NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_interest(NULL, &fd, &wanted, &deadline), WS_ERR_INVALID);
  EXPECT(fd == -1 && wanted == 0 && deadline == 0);
}

static const check_test tests[] = {
    TEST(a_read_without_a_message_gives_again),
    TEST(a_message_in_pieces_is_read_when_it_is_whole),
    TEST(a_write_is_taken_whole_or_not_at_all),
    TEST(room_that_comes_between_two_looks),
    TEST(output_that_does_not_move_is_broken_in_time),
    TEST(a_read_timeout_is_told_and_holds),
    TEST(pings_are_answered_inside_reads),
    TEST(our_close_is_complete_in_steps),
    TEST(their_close_is_answered_and_ended),
    TEST(a_close_without_answer_is_dropped_in_time),
    TEST(waiting_can_be_had_back),
    TEST(wrong_arguments),
};
TEST_MAIN(tests)
