/* The counters of connections and engines, on exact bytes.
 */
#include "engines.h"
#include "wire.h"

static ws_statistics ask(ws_conn *conn) {
  ws_statistics now = {.struct_size = sizeof now};
  EXPECT_STATUS(ws_conn_statistics(conn, &now), WS_OK);
  EXPECT_INT(now.struct_size, sizeof now);
  return now;
}

static void a_fresh_connection_has_done_nothing(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    static const ws_statistics nothing = {.struct_size = sizeof nothing};
    wire w;
    REQUIRE(wire_open(&w, role));
    ws_statistics now = ask(w.conn);
    EXPECT_BYTES(&now, sizeof now, &nothing, sizeof nothing);
    wire_close(&w);
  }
}

static void what_is_received_counts(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    int header = 2 + 4 * w.masks;
    wire_put_text(&w, 0x89, "ping");
    wire_put_text(&w, 0x8a, "pong!");
    wire_put_text(&w, 0x01, "Hel");
    wire_put_text(&w, 0x89, "");
    wire_put_text(&w, 0x80, "lo");
    wire_put_text(&w, 0x82, "second");
    REQUIRE(wire_reads(&w, "Hello"));
    ws_statistics now = ask(w.conn);
    EXPECT_INT(now.messages_received, 1);
    EXPECT_INT(now.bytes_received, 5);
    EXPECT_INT(now.pings_received, 2);
    EXPECT_INT(now.pongs_received, 1);
    EXPECT_INT(now.wire_received, 6 * header + 4 + 5 + 3 + 0 + 2 + 6); /* what lies in the buffer has been received */
    EXPECT_INT(now.compressed_received + now.deflated_received, 0);
    EXPECT_INT(now.messages_sent, 0);
    EXPECT_INT(now.pongs_sent, 2);
    EXPECT_INT(now.wire_sent, 2 * (6 - 4 * w.masks) + 4);
    int32_t type;
    ws_bytes message;
    EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
    now = ask(w.conn);
    EXPECT_INT(now.messages_received, 2);
    EXPECT_INT(now.bytes_received, 11);
    wire_close(&w);
  }
}

static void what_is_sent_counts(void) {
  static uint8_t large[70000];
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    peer_frame frame;
    REQUIRE(wire_open(&w, role));
    int mask = 4 * (1 - w.masks);
    EXPECT_STATUS(ws_conn_write(w.conn, WS_TEXT, "four", 4), WS_OK);
    EXPECT_STATUS(ws_conn_write(w.conn, WS_BINARY, large, sizeof large), WS_OK);
    EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, "abc", 3, 0), WS_OK);
    EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PONG, "", 0, 0), WS_OK);
    ws_statistics now = ask(w.conn);
    EXPECT_INT(now.messages_sent, 2);
    EXPECT_INT(now.bytes_sent, 4 + sizeof large);
    EXPECT_INT(now.pings_sent, 1);
    EXPECT_INT(now.pongs_sent, 1);
    EXPECT_INT(now.wire_sent, 6 + 10 + 5 + 2 + 4 * mask + sizeof large);
    EXPECT_INT(now.round_trip_ns + now.round_trip_min_ns, 0);
    for (int i = 0; i < 4; i++) EXPECT(peer_get_frame(w.fd, &frame));
    EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, NULL, 0), WS_OK);
    EXPECT_INT(ask(w.conn).wire_sent, now.wire_sent + 4 + (uint64_t)mask);
    wire_close(&w);
  }
}

/* Any thread may ask while both halves are at work. */
static void *ask_often(void *conn) {
  uint64_t last = 0;
  for (int i = 0; i < 2000; i++) {
    ws_statistics now = ask(conn);
    EXPECT(now.messages_received >= last);
    last = now.messages_received;
  }
  return NULL;
}

static void asking_while_messages_pass(void) {
  pair p;
  pthread_t thread;
  int32_t type;
  ws_bytes message;
  REQUIRE(pair_open(&p));
  pthread_create(&thread, NULL, ask_often, p.server);
  for (int i = 0; i < 2000; i++) {
    EXPECT_STATUS(ws_conn_write(p.client, WS_TEXT, "x", 1), WS_OK);
    EXPECT_STATUS(ws_conn_read(p.server, &type, &message), WS_OK);
  }
  pthread_join(thread, NULL);
  EXPECT_INT(ask(p.server).messages_received, 2000);
  EXPECT_INT(ask(p.client).messages_sent, 2000);
  EXPECT_INT(ask(p.client).wire_sent, ask(p.server).wire_received);
  pair_close(&p);
}

static void an_engine_counts_too(void) {
  ws_engine *client = engine_open(AS_CLIENT), *server = engine_open(AS_SERVER);
  ws_statistics now = {.struct_size = sizeof now};
  ws_bytes output;
  EXPECT_STATUS(ws_engine_statistics(client, &now), WS_OK);
  EXPECT_INT(now.wire_received + now.wire_sent, 0);
  EXPECT_STATUS(ws_engine_send(client, WS_TEXT, "hello", 5), WS_OK);
  EXPECT_STATUS(ws_engine_send(client, WS_PING, "p", 1), WS_OK);
  EXPECT_STATUS(ws_engine_statistics(client, &now), WS_OK);
  EXPECT_INT(now.messages_sent, 1);
  EXPECT_INT(now.pings_sent, 1);
  EXPECT_INT(now.wire_sent, 0);
  EXPECT_STATUS(ws_engine_output(client, &output), WS_OK);
  EXPECT_STATUS(ws_engine_feed(server, output.data, output.size), WS_OK);
  EXPECT_STATUS(ws_engine_sent(client, output.size), WS_OK);
  EXPECT_STATUS(ws_engine_statistics(client, &now), WS_OK);
  EXPECT_INT(now.wire_sent, 11 + 7);
  ws_event event = {.struct_size = sizeof event};
  while (ws_engine_next_event(server, &event) == WS_OK) {}
  EXPECT_STATUS(ws_engine_statistics(server, &now), WS_OK);
  EXPECT_INT(now.messages_received, 1);
  EXPECT_INT(now.bytes_received, 5);
  EXPECT_INT(now.pings_received, 1);
  EXPECT_INT(now.pongs_sent, 1);
  EXPECT_INT(now.wire_received, 18);
  now.struct_size = 100;
  EXPECT_STATUS(ws_engine_statistics(server, &now), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_statistics(server, NULL), WS_ERR_INVALID);
  ws_engine_free(client);
  ws_engine_free(server);
}

/* What a peer that does not read will never get does not count. */
static void pongs_that_are_replaced_do_not_count(void) {
  static const char digits[] = "0123456789";
  ws_engine *server = engine_open(AS_SERVER);
  ws_statistics now = {.struct_size = sizeof now};
  for (int i = 0; i < 10; i++) {
    engine_put(server, AS_SERVER, 0x89, &digits[i], 1);
    engine_tells(server, WS_EVENT_PING, &digits[i], 1);
  }
  EXPECT_STATUS(ws_engine_statistics(server, &now), WS_OK);
  EXPECT_INT(now.pings_received, 10);
  EXPECT_INT(now.pongs_sent, 2);
  engine_sends(server, "\x8a\x01" "0" "\x8a\x01" "9", 6);
  ws_engine_free(server);
}

static const check_test tests[] = {
    TEST(a_fresh_connection_has_done_nothing),
    TEST(what_is_received_counts),
    TEST(what_is_sent_counts),
    TEST(asking_while_messages_pass),
    TEST(an_engine_counts_too),
    TEST(pongs_that_are_replaced_do_not_count),
};
TEST_MAIN(tests)
