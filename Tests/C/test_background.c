/* The background service: a program that only writes, that never reads, or that sleeps still answers pings and sees the end; and
 * nothing of it is in the way of a program that reads.
 */
#include "background.h"

static void an_idle_connection_answers_pings(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(open_served(&w, role));
    for (int i = 0; i < 5; i++) {
      wire_put_text(&w, 0x89, "are you there?");
      wire_gets_text(&w, 0x8a, "are you there?");
    }
    /* In pieces too. */
    uint8_t bytes[32];
    size_t size = peer_frame_bytes(bytes, 0x89, w.masks, "slow", 4);
    for (size_t i = 0; i < size; i++) {
      EXPECT(peer_put(w.fd, bytes + i, 1));
      check_sleep(2);
    }
    wire_gets_text(&w, 0x8a, "slow");
    EXPECT_INT(statistics_of(w.conn).pings_received, 6);
    wire_put_text(&w, 0x81, "still read by a call");
    wire_reads(&w, "still read by a call");
    wire_close(&w);
  }
}

static void without_it_nobody_answers(void) {
  wire w;
  REQUIRE(open_served(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_background(w.conn, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_background(w.conn, 0), WS_OK);
  wire_put_text(&w, 0x89, "p");
  EXPECT(peer_silent(w.fd, 200));
  EXPECT_STATUS(ws_conn_set_background(w.conn, 1), WS_OK);
  EXPECT_STATUS(ws_conn_set_background(w.conn, 1), WS_OK);
  wire_gets_text(&w, 0x8a, "p");
  wire_close(&w);
}

/* It begins 100 ms after the last call, and whoever reads never notices. */
static void between_reads_it_takes_over(void) {
  wire w;
  REQUIRE(open_served(&w, AS_CLIENT));
  for (int i = 0; i < 3; i++) {
    wire_put_text(&w, 0x81, "message");
    wire_reads(&w, "message");
    wire_put_text(&w, 0x89, "busy?");
    wire_gets_text(&w, 0x8a, "busy?");
  }
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 20), WS_OK);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  wire_put_text(&w, 0x89, "and after a timeout?");
  wire_gets_text(&w, 0x8a, "and after a timeout?");
  wire_close(&w);
}

static void it_stops_in_front_of_data(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(open_served(&w, role));
    wire_put_text(&w, 0x89, "before");
    wire_put_text(&w, 0x01, "data, ");
    wire_put_text(&w, 0x89, "behind");
    wire_put_text(&w, 0x80, "more");
    wire_gets_text(&w, 0x8a, "before");
    EXPECT(peer_silent(w.fd, 150));
    ws_statistics now = statistics_of(w.conn);
    EXPECT(now.messages_received == 0 && now.pings_received == 1);
    wire_reads(&w, "data, more");
    wire_gets_text(&w, 0x8a, "behind");
    wire_put_text(&w, 0x89, "and on");
    wire_gets_text(&w, 0x8a, "and on");
    wire_close(&w);
  }
}

/* At most one receive buffer is taken of what nobody reads: the rest stays in the socket. */
static void a_flood_of_data_stays_outside(void) {
  static uint8_t data[60000];
  wire w;
  uint8_t *bytes = malloc(sizeof data + 14);
  size_t size = peer_frame_bytes(bytes, 0x82, 1, data, sizeof data), sent = 0;
  REQUIRE(open_served(&w, AS_SERVER));
  for (int turns = 0; turns < 200; turns++) {
    ssize_t count = send(w.fd, bytes + sent % size, size - sent % size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) sent += (size_t)count;
    if (count < 0) check_sleep(1);
  }
  check_sleep(50);
  EXPECT(statistics_of(w.conn).wire_received <= 65536);
  for (size_t i = 0; i < sent / size; i++) {
    int32_t type;
    ws_bytes message;
    EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
    EXPECT_INT(message.size, sizeof data);
  }
  free(bytes);
  wire_close(&w);
}

/* What was read stays as it is while the service works. */
static void a_borrowed_message_stays(void) {
  wire w;
  int32_t type;
  ws_bytes message;
  REQUIRE(open_served(&w, AS_CLIENT));
  wire_put_text(&w, 0x81, "borrowed");
  wire_put_text(&w, 0x89, "1");
  EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
  wire_gets_text(&w, 0x8a, "1");
  for (int i = 0; i < 20; i++) {
    wire_put_text(&w, 0x89, "ping ping ping ping ping ping ping ping ping");
    wire_gets_text(&w, 0x8a, "ping ping ping ping ping ping ping ping ping");
  }
  EXPECT_BYTES(message.data, message.size, "borrowed", 8);
  wire_put_text(&w, 0x81, "longer than the room");
  char room[20];
  size_t size;
  EXPECT_STATUS(ws_conn_read_into(w.conn, &type, room, 3, &size), WS_ERR_ROOM);
  wire_put_text(&w, 0x89, "2");
  wire_gets_text(&w, 0x8a, "2");
  EXPECT_STATUS(ws_conn_read_into(w.conn, &type, room, sizeof room, &size), WS_OK);
  EXPECT_BYTES(room, size, "longer than the room", 20);
  wire_close(&w);
}

static void a_message_in_parts_goes_on(void) {
  wire w;
  ws_reader *reader;
  ws_bytes part;
  int32_t type;
  REQUIRE(open_served(&w, AS_SERVER));
  wire_put_text(&w, 0x01, "one ");
  EXPECT_STATUS(ws_conn_next_reader(w.conn, &type, &reader), WS_OK);
  EXPECT_STATUS(ws_reader_next(reader, &part), WS_OK);
  for (int i = 0; i < 3; i++) {
    wire_put_text(&w, 0x89, "between");
    wire_gets_text(&w, 0x8a, "between");
    EXPECT_BYTES(part.data, part.size, "one ", 4);
  }
  wire_put_text(&w, 0x00, "two ");
  wire_put_text(&w, 0x89, "unread");
  EXPECT(peer_silent(w.fd, 150));
  EXPECT_STATUS(ws_reader_next(reader, &part), WS_OK);
  EXPECT_BYTES(part.data, part.size, "two ", 4);
  wire_gets_text(&w, 0x8a, "unread");
  EXPECT_BYTES(part.data, part.size, "two ", 4);
  wire_put_text(&w, 0x80, "three");
  EXPECT_STATUS(ws_reader_next(reader, &part), WS_OK);
  EXPECT_BYTES(part.data, part.size, "three", 5);
  EXPECT_STATUS(ws_reader_next(reader, &part), WS_END);
  wire_close(&w);
}

/* ---- The end ---- */

static void a_program_that_only_writes_sees_the_close(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    uint16_t theirs = 0;
    REQUIRE(open_served(&w, role));
    EXPECT_STATUS(ws_conn_write(w.conn, WS_TEXT, "hello", 5), WS_OK);
    wire_gets_text(&w, 0x81, "hello");
    EXPECT(peer_put_close(w.fd, w.masks, 4001, "bye"));
    EXPECT_INT(peer_get_close(w.fd), 4001);
    EXPECT_INT(write_becomes(w.conn, WS_ERR_CLOSE_SENT), WS_ERR_CLOSE_SENT);
    EXPECT_STATUS(ws_conn_close_codes(w.conn, &theirs, NULL, NULL), WS_OK);
    EXPECT_INT(theirs, 4001);
    if (role == AS_SERVER) EXPECT(peer_ended(w.fd)); /* RFC 6455 7.1.1: the server ends the stream first */
    wire_read_gives(&w, WS_ERR_CLOSED);
    close(w.fd);
    w.fd = -1;
    EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_OK);
    wire_close(&w);
  }
}

static void a_lost_stream_is_seen(void) {
  wire w;
  REQUIRE(open_served(&w, AS_CLIENT));
  shutdown(w.fd, SHUT_WR);
  check_settle();
  wire_read_gives(&w, WS_ERR_LOST);
  wire_close(&w);
}

static void a_violation_is_answered(void) {
  wire w;
  REQUIRE(open_served(&w, AS_SERVER));
  wire_put_text(&w, 0x8b, "no such frame");
  EXPECT_INT(peer_get_close(w.fd), 1002);
  EXPECT(peer_ended(w.fd));
  wire_read_gives(&w, WS_ERR_PROTOCOL);
  wire_close(&w);
}

/* Data with a fault is a reader's to refuse. */
static void faulty_data_is_left_to_a_reader(void) {
  wire w;
  REQUIRE(open_served(&w, AS_SERVER));
  wire_put_text(&w, 0x83, "reserved");
  EXPECT(peer_silent(w.fd, 150));
  wire_read_gives(&w, WS_ERR_PROTOCOL);
  EXPECT_INT(peer_get_close(w.fd), 1002);
  wire_close(&w);
}

static void a_close_behind_data_waits_for_a_reader(void) {
  wire w;
  REQUIRE(open_served(&w, AS_CLIENT));
  wire_put_text(&w, 0x81, "last words");
  EXPECT(peer_put_close(w.fd, w.masks, 1000, ""));
  EXPECT(peer_silent(w.fd, 150));
  EXPECT_STATUS(ws_conn_write(w.conn, WS_TEXT, "x", 1), WS_OK);
  wire_reads(&w, "last words");
  EXPECT_INT(peer_get_close(w.fd), 1000);
  wire_read_gives(&w, WS_END);
  wire_close(&w);
}

static void closing_beside_the_service(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    answering peer = {0};
    REQUIRE(open_served(&w, role));
    check_settle();
    answering_start(&peer, &w);
    for (int i = 0; i < 10; i++) EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_OK);
    EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_OK);
    answering_end(&peer);
    EXPECT_INT(peer.close, 1000);
    wire_close(&w);
  }
}

/* ---- Keepalive ---- */

static void it_pings_and_measures(void) {
  wire w;
  answering peer = {0};
  REQUIRE(open_served(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 30, 1000), WS_OK);
  answering_start(&peer, &w);
  int64_t end = check_ms() + check_limit(3000);
  while (statistics_of(w.conn).pongs_received < 4 && check_ms() < end) check_sleep(5);
  ws_statistics now = statistics_of(w.conn);
  EXPECT(now.pongs_received >= 4);
  EXPECT(now.round_trip_ns > 0 && now.round_trip_ns < 1000000000);
  answering_end(&peer);
  wire_close(&w);
}

static void it_gives_a_silent_peer_up(void) {
  wire w;
  REQUIRE(open_served(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 40, 60), WS_OK);
  EXPECT_INT(peer_get_close(w.fd), 1011);
  EXPECT(peer_ended(w.fd));
  wire_write_gives(&w, "x", WS_ERR_KEEPALIVE);
  wire_read_gives(&w, WS_ERR_KEEPALIVE);
  EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_ERR_KEEPALIVE);
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_ERR_KEEPALIVE);
  wire_close(&w);
}

/* The pong stands behind data that nobody reads: nobody can say that the peer is silent. */
static void unread_data_is_no_silence(void) {
  wire w;
  peer_frame frame;
  REQUIRE(open_served(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 40, check_limit(500)), WS_OK);
  EXPECT(peer_get_frame(w.fd, &frame) && frame.first == 0x89);
  wire_put_text(&w, 0x81, "unread");
  wire_put(&w, 0x8a, frame.data, frame.size);
  check_sleep(check_limit(800));
  wire_reads(&w, "unread");
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(an_idle_connection_answers_pings),
    TEST(without_it_nobody_answers),
    TEST(between_reads_it_takes_over),
    TEST(it_stops_in_front_of_data),
    TEST(a_flood_of_data_stays_outside),
    TEST(a_borrowed_message_stays),
    TEST(a_message_in_parts_goes_on),
    TEST(a_program_that_only_writes_sees_the_close),
    TEST(a_lost_stream_is_seen),
    TEST(a_violation_is_answered),
    TEST(faulty_data_is_left_to_a_reader),
    TEST(a_close_behind_data_waits_for_a_reader),
    TEST(closing_beside_the_service),
    TEST(it_pings_and_measures),
    TEST(it_gives_a_silent_peer_up),
    TEST(unread_data_is_no_silence),
};

int main(int argc, char **argv) { return background_main(tests, sizeof tests / sizeof tests[0], argc, argv); }
