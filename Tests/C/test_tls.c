/* wss: messages, what is told of the peer, endings, and connections in a poll loop, with the library at both ends.
 */
#include "tls.h"

static void messages_go_both_ways(void) {
  tls_pair pair;
  ws_bytes version, subject, certificate;
  REQUIRE(tls_usual(&pair));
  tls_passes(pair.client, pair.server, "up");
  tls_passes(pair.server, pair.client, "down");
  EXPECT_STATUS(ws_conn_tls(pair.client, &version, &subject, &certificate), WS_OK);
  EXPECT_BYTES(version.data, version.size, "TLSv1.3", 7);
  EXPECT_BYTES(subject.data, subject.size, "CN=good", 7);
  EXPECT(certificate.size > 200 && certificate.data[0] == 0x30);
  EXPECT_STATUS(ws_conn_tls(pair.server, &version, &subject, &certificate), WS_OK);
  EXPECT(version.size == 7 && subject.size == 0 && certificate.size == 0);
  EXPECT_STATUS(ws_conn_tls(pair.server, NULL, NULL, NULL), WS_OK);
  tls_close(&pair);
}

static void without_tls_there_is_nothing_to_tell(void) {
  wire w;
  ws_bytes version = {(const uint8_t *)"x", 1}, subject = version, certificate = version;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_tls(w.conn, &version, &subject, &certificate), WS_OK);
  EXPECT(version.size == 0 && subject.size == 0 && certificate.size == 0);
  EXPECT(version.data == NULL && subject.data == NULL && certificate.data == NULL);
  wire_close(&w);
}

typedef struct bulk {
  ws_conn *conn;
  size_t size;
  int count;
} bulk;

static void *send_bulk(void *argument) {
  bulk *b = argument;
  uint8_t *data = malloc(b->size + 1);
  for (int i = 0; i < b->count; i++) {
    memset(data, 'a' + i % 26, b->size);
    if (!EXPECT_STATUS(ws_conn_write(b->conn, WS_BINARY, data, b->size), WS_OK)) break;
  }
  free(data);
  return NULL;
}

static void *receive_bulk(void *argument) {
  bulk *b = argument;
  int32_t type;
  ws_bytes message;
  for (int i = 0; i < b->count; i++) {
    if (!EXPECT_STATUS(ws_conn_read(b->conn, &type, &message), WS_OK)) break;
    EXPECT_INT(message.size, b->size);
    if (message.size > 0) EXPECT(message.data[0] == 'a' + i % 26 && message.data[message.size - 1] == 'a' + i % 26);
  }
  return NULL;
}

/* Both directions at once, on four threads, in sizes around those of records and buffers. */
static void large_messages_both_ways_at_once(void) {
  static const size_t sizes[] = {0, 1, 125, 126, 16370, 16384, 16385, 65535, 65536, 1000000};
  tls_pair pair;
  REQUIRE(tls_usual(&pair));
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    pthread_t threads[4];
    int count = sizes[i] > 100000 ? 8 : 40;
    bulk client = {pair.client, sizes[i], count}, server = {pair.server, sizes[i], count};
    pthread_create(&threads[0], NULL, send_bulk, &client);
    pthread_create(&threads[1], NULL, send_bulk, &server);
    pthread_create(&threads[2], NULL, receive_bulk, &client);
    pthread_create(&threads[3], NULL, receive_bulk, &server);
    for (int at = 0; at < 4; at++) pthread_join(threads[at], NULL);
  }
  tls_close(&pair);
}

typedef struct reader {
  ws_conn *conn;
  int status;
} reader;

static void *read_one(void *argument) {
  reader *r = argument;
  int32_t type;
  ws_bytes message;
  r->status = ws_conn_read(r->conn, &type, &message);
  return NULL;
}

static void a_blocked_read_holds_up_no_write(void) {
  tls_pair pair;
  pthread_t thread;
  REQUIRE(tls_usual(&pair));
  reader r = {pair.client, 77};
  pthread_create(&thread, NULL, read_one, &r);
  check_settle();
  int64_t start = check_ms();
  tls_passes(pair.client, pair.server, "past the reader");
  EXPECT_WITHIN(start, 1000);
  EXPECT_STATUS(ws_conn_write(pair.server, WS_TEXT, "x", 1), WS_OK);
  pthread_join(thread, NULL);
  EXPECT_STATUS(r.status, WS_OK);
  tls_close(&pair);
}

static void abort_wakes_a_blocked_read(void) {
  tls_pair pair;
  pthread_t thread;
  REQUIRE(tls_usual(&pair));
  reader r = {pair.client, 77};
  pthread_create(&thread, NULL, read_one, &r);
  check_settle();
  EXPECT_STATUS(ws_conn_abort(pair.client), WS_OK);
  pthread_join(thread, NULL);
  EXPECT_STATUS(r.status, WS_ERR_ABORTED);
  tls_close(&pair);
}

static void a_read_that_times_out_goes_on(void) {
  tls_pair pair;
  int32_t type;
  ws_bytes message;
  REQUIRE(tls_usual(&pair));
  EXPECT_STATUS(ws_conn_set_read_timeout(pair.client, 40), WS_OK);
  EXPECT_STATUS(ws_conn_read(pair.client, &type, &message), WS_ERR_TIMEOUT);
  EXPECT_STATUS(ws_conn_set_read_timeout(pair.client, 0), WS_OK);
  tls_passes(pair.server, pair.client, "later");
  tls_close(&pair);
}

/* ---- Endings -------------------------------------------------------------------------------------------------- */

static void *close_one(void *argument) {
  reader *r = argument;
  r->status = ws_conn_close(r->conn, 1000, "bye", 3, ws_in_ms(check_limit(PEER_WAIT)));
  return NULL;
}

static void a_proper_close(void) {
  for (int closer = 0; closer < 2; closer++) {
    tls_pair pair;
    pthread_t thread;
    int32_t type;
    ws_bytes message, reason;
    uint16_t code;
    REQUIRE(tls_usual(&pair));
    ws_conn *other = closer == 0 ? pair.server : pair.client;
    reader r = {closer == 0 ? pair.client : pair.server, 77};
    pthread_create(&thread, NULL, close_one, &r);
    EXPECT_STATUS(ws_conn_read(other, &type, &message), WS_END);
    EXPECT_STATUS(ws_conn_close(other, 1000, NULL, 0, 0), WS_OK);
    pthread_join(thread, NULL);
    EXPECT_STATUS(r.status, WS_OK);
    EXPECT_STATUS(ws_conn_close_codes(other, &code, &reason, NULL), WS_OK);
    EXPECT(code == 1000 && reason.size == 3);
    tls_close(&pair);
  }
}

/* The end of the stream without close_notify, and with it, but without a close frame: both are a lost connection. */
static void a_lost_connection(void) {
  for (int is_dropped = 0; is_dropped < 2; is_dropped++) {
    tls_pair pair;
    int32_t type;
    ws_bytes message;
    ws_failure failure = {.struct_size = sizeof failure};
    REQUIRE(tls_usual(&pair));
    EXPECT_STATUS(ws_conn_write(pair.server, WS_TEXT, "last", 4), WS_OK);
    if (is_dropped) EXPECT_STATUS(ws_conn_abort(pair.server), WS_OK);
    EXPECT_STATUS(ws_conn_free(pair.server), WS_OK);
    pair.server = NULL;
    EXPECT_STATUS(ws_conn_read(pair.client, &type, &message), WS_OK);
    EXPECT_STATUS(ws_conn_read(pair.client, &type, &message), WS_ERR_LOST);
    EXPECT_STATUS(ws_conn_failure(pair.client, WS_READ, &failure), WS_OK);
    EXPECT_INT(failure.code, WS_ERR_LOST);
    EXPECT_STATUS(ws_conn_read(pair.client, &type, &message), WS_ERR_LOST);
    tls_close(&pair);
  }
}

/* Somebody in between changes a byte. */
static void a_changed_byte_ends_the_connection(void) {
  int ends[2], far[2];
  tls_pair pair;
  uint8_t bytes[4096];
  int32_t type;
  ws_bytes message;
  ws_failure failure = {.struct_size = sizeof failure};
  ws_dialer *dialer = tls_dialer();
  ws_upgrader *upgrader = tls_upgrader("good");
  peer_sockets(ends);
  far[0] = dup(ends[0]);
  far[1] = dup(ends[1]);
  REQUIRE(tls_open_over(&pair, ends, dialer, upgrader, "wss://localhost/"));
  tls_passes(pair.server, pair.client, "whole");
  EXPECT_STATUS(ws_conn_write(pair.client, WS_TEXT, "changed", 7), WS_OK);
  ssize_t size = recv(far[0], bytes, sizeof bytes, 0);
  REQUIRE(size > 20);
  bytes[10] ^= 1;
  EXPECT(peer_put(far[1], bytes, (size_t)size));
  EXPECT_STATUS(ws_conn_read(pair.server, &type, &message), WS_ERR_TLS);
  EXPECT_STATUS(ws_conn_failure(pair.server, WS_READ, &failure), WS_OK);
  EXPECT(failure.code == WS_ERR_TLS && failure.tls_error != 0 && failure.who == WS_BY_PEER);
  EXPECT(strstr(failure.text, "bad record mac") != NULL);
  EXPECT_STATUS(ws_conn_write(pair.server, WS_TEXT, "x", 1), WS_ERR_TLS);
  EXPECT_STATUS(ws_conn_read(pair.client, &type, &message), WS_ERR_TLS);
  close(far[0]);
  close(far[1]);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
  tls_close(&pair);
}

/* ---- In a poll loop ------------------------------------------------------------------------------------------- */

/* Waits for what a connection wants, at most a second. */
static void turn(ws_conn *conn) {
  int32_t fd, events;
  int64_t due;
  EXPECT_STATUS(ws_conn_interest(conn, &fd, &events, &due), WS_OK);
  struct pollfd on = {fd, (short)events, 0};
  int64_t left = due == WS_NEVER ? 1000 : (due - ws_now()) / 1000000;
  poll(&on, 1, left < 0 ? 0 : left > 1000 ? 1000 : (int)left);
  EXPECT_STATUS(ws_conn_service(conn), WS_OK);
}

/* What TLS has taken out of the socket no descriptor shows; the deadline does. */
static void what_tls_holds_is_due_now(void) {
  tls_pair pair;
  int32_t type, events;
  int64_t due;
  ws_bytes message;
  REQUIRE(tls_usual(&pair));
  EXPECT_STATUS(ws_conn_set_nonblocking(pair.client, 1), WS_OK);
  EXPECT_STATUS(ws_conn_read(pair.client, &type, &message), WS_AGAIN);
  for (int i = 0; i < 50; i++) EXPECT_STATUS(ws_conn_write(pair.server, WS_TEXT, "some text", 9), WS_OK);
  for (int i = 0; i < 50; i++) {
    int status = ws_conn_read(pair.client, &type, &message);
    EXPECT_STATUS(status, WS_OK);
    if (status != WS_OK) break;
  }
  EXPECT_STATUS(ws_conn_read(pair.client, &type, &message), WS_AGAIN);
  EXPECT_STATUS(ws_conn_interest(pair.client, NULL, &events, &due), WS_OK);
  EXPECT(events == POLLIN && due == WS_NEVER);
  tls_close(&pair);
}

static void large_messages_in_a_poll_loop(void) {
  enum { SIZE = 3000000 };
  tls_pair pair;
  int32_t type;
  ws_bytes message;
  uint8_t *data = malloc(SIZE);
  int received = 0, sent = 0;
  memset(data, 'z', SIZE);
  REQUIRE(tls_usual(&pair));
  EXPECT_STATUS(ws_conn_set_nonblocking(pair.client, 1), WS_OK);
  EXPECT_STATUS(ws_conn_set_nonblocking(pair.server, 1), WS_OK);
  int64_t end = check_ms() + check_limit(20000);
  while (received < 3 && check_ms() < end) {
    if (sent < 3) {
      int status = ws_conn_write(pair.client, WS_BINARY, data, SIZE);
      sent += status == WS_OK;
      if (status != WS_AGAIN) EXPECT_STATUS(status, WS_OK);
    }
    int status = ws_conn_read(pair.server, &type, &message);
    if (status == WS_OK) {
      EXPECT(message.size == SIZE && memcmp(message.data, data, SIZE) == 0);
      received += 1;
    } else if (!EXPECT_STATUS(status, WS_AGAIN)) {
      break;
    }
    EXPECT_STATUS(ws_conn_service(pair.client), WS_OK);
    if (status == WS_AGAIN) turn(pair.server);
  }
  EXPECT_INT(received, 3);
  free(data);
  tls_close(&pair);
}

/* ---- While nobody reads --------------------------------------------------------------------------------------- */

static void an_idle_connection_is_served(void) {
  tls_pair pair;
  int64_t round_trip;
  uint16_t code;
  REQUIRE(tls_usual(&pair));
  EXPECT_STATUS(ws_conn_set_background(pair.client, 1), WS_OK);
  for (int i = 0; i < 3; i++) {
    EXPECT_STATUS(ws_conn_ping(pair.server, ws_in_ms(check_limit(PEER_WAIT)), &round_trip), WS_OK);
    EXPECT(round_trip > 0);
  }
  /* A message stays for the reader, also behind pings that lie in the same record. */
  EXPECT_STATUS(ws_conn_write_control(pair.server, WS_PING, "a", 1, 0), WS_OK);
  tls_passes(pair.server, pair.client, "kept for the reader");
  EXPECT_STATUS(ws_conn_close(pair.server, 1000, NULL, 0, ws_in_ms(check_limit(PEER_WAIT))), WS_OK);
  EXPECT_STATUS(ws_conn_close_codes(pair.client, &code, NULL, NULL), WS_OK);
  EXPECT_INT(code, 1000);
  tls_close(&pair);
}

static void a_silent_peer_is_given_up(void) {
  tls_pair pair;
  int32_t type;
  ws_bytes message;
  REQUIRE(tls_usual(&pair));
  EXPECT_STATUS(ws_conn_set_keepalive(pair.client, 50, 80), WS_OK);
  EXPECT_STATUS(ws_conn_read(pair.client, &type, &message), WS_ERR_KEEPALIVE);
  tls_close(&pair);
}

static const check_test tests[] = {
    TEST(messages_go_both_ways),
    TEST(without_tls_there_is_nothing_to_tell),
    TEST(large_messages_both_ways_at_once),
    TEST(a_blocked_read_holds_up_no_write),
    TEST(abort_wakes_a_blocked_read),
    TEST(a_read_that_times_out_goes_on),
    TEST(a_proper_close),
    TEST(a_lost_connection),
    TEST(a_changed_byte_ends_the_connection),
    TEST(what_tls_holds_is_due_now),
    TEST(large_messages_in_a_poll_loop),
    TEST(an_idle_connection_is_served),
    TEST(a_silent_peer_is_given_up),
};

/* The background service's own descriptors are there before they are counted. */
int main(int argc, char **argv) {
  wire w;
  if (!wire_open(&w, AS_SERVER) || ws_conn_set_background(w.conn, 1) != WS_OK) return 1;
  wire_close(&w);
  return check_main(tests, sizeof tests / sizeof tests[0], argc, argv);
}
