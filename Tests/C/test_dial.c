/* Opening connections: addresses, URLs, given descriptors, silent servers, deadlines, cancelling, and attempts made twice.
 */
#include "stage.h"

/* A server of the library's that takes one connection and echoes one message. */
typedef struct echo_server {
  int32_t listener;
  uint16_t port;
  pthread_t thread;
} echo_server;

static void *serve_one(void *argument) {
  echo_server *self = argument;
  int32_t fd, type;
  ws_conn *conn;
  ws_bytes message;
  int64_t deadline = ws_in_ms(check_limit(PEER_WAIT));
  if (!EXPECT_STATUS(ws_accept(self->listener, deadline, &fd, NULL, NULL), WS_OK)) return NULL;
  if (!EXPECT_STATUS(ws_upgrader_upgrade(NULL, fd, NULL, 0, deadline, &conn, NULL), WS_OK)) return NULL;
  EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_OK);
  EXPECT_STATUS(ws_conn_write(conn, type, message.data, message.size), WS_OK);
  EXPECT_STATUS(ws_conn_close(conn, 1000, NULL, 0, deadline), WS_OK);
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  return NULL;
}

static int server_start(echo_server *self, const char *host) {
  if (ws_listen(host, 0, &self->listener, &self->port, NULL) != WS_OK) return 0;
  pthread_create(&self->thread, NULL, serve_one, self);
  return 1;
}

static void server_stop(echo_server *self) {
  pthread_join(self->thread, NULL);
  close(self->listener);
}

/* One message there and back, and both ends' addresses as the client sees them. */
static void talk(ws_conn *conn, int32_t family, const char *host, int port) {
  int32_t type;
  ws_bytes message;
  ws_address ours = {.struct_size = sizeof ours}, theirs = ours;
  EXPECT_STATUS(ws_conn_local_address(conn, &ours), WS_OK);
  EXPECT_STATUS(ws_conn_remote_address(conn, &theirs), WS_OK);
  EXPECT_INT(ours.family, family);
  EXPECT_INT(theirs.family, family);
  EXPECT_INT(theirs.port, port);
  EXPECT(ours.port != port && ours.port != 0);
  EXPECT_TEXT(theirs.host, host);
  EXPECT_TEXT(ours.host, host);
  EXPECT_STATUS(ws_conn_write(conn, WS_TEXT, "hello", 5), WS_OK);
  EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_OK);
  EXPECT_BYTES(message.data, message.size, "hello", 5);
  EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_END);
  EXPECT_STATUS(ws_conn_close(conn, 1000, NULL, 0, ws_in_ms(check_limit(PEER_WAIT))), WS_OK);
}

static void dial_and_talk(const char *listen_host, const char *url_host, int32_t family, const char *address) {
  echo_server server;
  ws_conn *conn = NULL;
  char url[100];
  if (!server_start(&server, listen_host)) {
    check_skip("this address cannot be listened on");
    return;
  }
  snprintf(url, sizeof url, "ws://%s:%d/path?query", url_host, server.port);
  if (EXPECT_STATUS(ws_dialer_dial(NULL, url, ws_in_ms(check_limit(3000)), &conn, NULL), WS_OK)) {
    talk(conn, family, address, server.port);
  }
  ws_conn_free(conn);
  server_stop(&server);
}

static void an_ipv4_address(void) { dial_and_talk(NULL, "127.0.0.1", WS_ADDRESS_IPV4, "127.0.0.1"); }
static void an_ipv6_address(void) { dial_and_talk("::1", "[::1]", WS_ADDRESS_IPV6, "::1"); }
static void a_name_with_two_families(void) { dial_and_talk("127.0.0.1", "localhost", WS_ADDRESS_IPV4, "127.0.0.1"); }
static void a_name_in_capitals(void) { dial_and_talk(NULL, "LOCALHOST", WS_ADDRESS_IPV4, "127.0.0.1"); }

static void a_descriptor_of_ones_own(void) {
  pair p;
  ws_address address = {.struct_size = sizeof address};
  REQUIRE(pair_open(&p));
  EXPECT_STATUS(ws_conn_remote_address(p.client, &address), WS_OK);
  EXPECT_INT(address.family, WS_ADDRESS_UNIX);
  EXPECT_TEXT(address.host, "");
  pair_close(&p);
}

static void a_port_where_nobody_listens(void) {
  uint16_t port;
  char url[64];
  ws_conn *conn = (ws_conn *)&port;
  ws_failure failure = {.struct_size = sizeof failure};
  int silent = peer_bind(&port); /* keeps the port, so that nobody else listens there */
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", port);
  EXPECT_STATUS(ws_dialer_dial(NULL, url, 0, &conn, &failure), WS_ERR_CONNECT);
  EXPECT(conn == NULL);
  EXPECT_INT(failure.code, WS_ERR_CONNECT);
  EXPECT_INT(failure.os_errno, ECONNREFUSED);
  EXPECT(failure.text[0] != '\0');
  close(silent);
}

static void a_name_without_an_address(void) {
  ws_conn *conn;
  ws_failure failure = {.struct_size = sizeof failure};
  int status = ws_dialer_dial(NULL, "ws://nobody.invalid/", ws_in_ms(3000), &conn, &failure);
  EXPECT(status == WS_ERR_RESOLVE || status == WS_ERR_TIMEOUT); /* the latter when the machine's resolver is slow */
  EXPECT(conn == NULL && failure.code == status && failure.text[0] != '\0');
}

static void urls_that_are_none(void) {
  static const char *const urls[] = {"",
                                     "localhost",
                                     "/path",
                                     "http://localhost/",
                                     "ws:localhost",
                                     "ws:/localhost",
                                     "ws://",
                                     "ws:///path",
                                     "ws://:80/",
                                     "ws://localhost:0/",
                                     "ws://localhost:65536/",
                                     "ws://localhost:99999999999999999999/",
                                     "ws://localhost:8x/",
                                     "ws://localhost:-1/",
                                     "ws://localhost/#fragment",
                                     "ws://localhost#",
                                     "ws://a@b@localhost/",
                                     "ws://local host/",
                                     "ws://localhost/a b",
                                     "ws://localhost\\path",
                                     "ws://localhost/a\r\nX: y",
                                     "ws://localhost/\x01",
                                     "ws://localhost/\x7f",
                                     "ws://[::1/",
                                     "ws://[nonsense]/",
                                     "ws://::1/",
                                     " ws://localhost/",
                                     "\xff\xfe"};
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    ws_conn *conn = (ws_conn *)urls;
    ws_dial *dial = (ws_dial *)urls;
    ws_failure failure = {.struct_size = sizeof failure};
    int status = ws_dialer_dial(NULL, urls[i], ws_in_ms(50), &conn, &failure);
    if (status != WS_ERR_URL) check_fail(__FILE__, __LINE__, "\"%s\" gave %d (%s)", urls[i], status, ws_strerror(status));
    EXPECT(conn == NULL && failure.text[0] != '\0');
    EXPECT_STATUS(ws_dial_new(NULL, urls[i], &dial, NULL), WS_ERR_URL);
    EXPECT(dial == NULL);
  }
}

/* One deadline over all steps, whoever is silent, and also when bytes drip. */
static void a_silent_server(void) {
  int ends[2];
  uint16_t port;
  char url[64];
  ws_conn *conn;
  ws_failure failure = {.struct_size = sizeof failure};
  int listener = peer_listen(&port); /* takes connections, and says nothing */
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", port);
  int64_t start = check_ms();
  EXPECT_STATUS(ws_dialer_dial(NULL, url, ws_in_ms(80), &conn, &failure), WS_ERR_TIMEOUT);
  EXPECT(check_ms() - start >= 79);
  EXPECT_WITHIN(start, 500);
  EXPECT(conn == NULL && failure.code == WS_ERR_TIMEOUT);
  EXPECT_STATUS(ws_dialer_dial(NULL, url, 1, &conn, NULL), WS_ERR_TIMEOUT);
  close(listener);
  ws_dial *dial;
  peer_sockets(ends);
  EXPECT_STATUS(ws_dial_new(NULL, "ws://localhost/", &dial, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_use_fd(dial, ends[1]), WS_OK);
  EXPECT_STATUS(ws_dial_run(dial, ws_in_ms(50), &conn, NULL), WS_ERR_TIMEOUT);
  EXPECT_STATUS(ws_dial_free(dial), WS_OK);
  close(ends[0]);
}

static void the_dialers_timeout(void) {
  uint16_t port;
  char url[64];
  ws_conn *conn;
  ws_dialer *dialer;
  int listener = peer_listen(&port);
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", port);
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_set_timeout(dialer, 80), WS_OK);
  int64_t start = check_ms();
  EXPECT_STATUS(ws_dialer_dial(dialer, url, 0, &conn, NULL), WS_ERR_TIMEOUT);
  EXPECT(check_ms() - start >= 79);
  EXPECT_WITHIN(start, 500);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  close(listener);
}

typedef struct canceller {
  ws_dial *dial;
  int64_t at;
} canceller;

static void *cancel_soon(void *argument) {
  canceller *self = argument;
  check_settle();
  self->at = ws_now();
  EXPECT_STATUS(ws_dial_cancel(self->dial), WS_OK);
  return NULL;
}

static void cancelling_from_another_thread(void) {
  uint16_t port;
  char url[64];
  int64_t best = INT64_MAX;
  int listener = peer_listen(&port);
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", port);
  for (int i = 0; i < 3; i++) {
    canceller other;
    pthread_t thread;
    ws_conn *conn;
    REQUIRE_STATUS(ws_dial_new(NULL, url, &other.dial, NULL), WS_OK);
    pthread_create(&thread, NULL, cancel_soon, &other);
    EXPECT_STATUS(ws_dial_run(other.dial, 0, &conn, NULL), WS_ERR_ABORTED);
    int64_t now = ws_now();
    pthread_join(thread, NULL);
    if (now - other.at < best) best = now - other.at;
    EXPECT(conn == NULL);
    EXPECT_STATUS(ws_dial_free(other.dial), WS_OK);
  }
  EXPECT(best < check_limit(50) * 1000000);
  close(listener);
}

static void cancelling_before_is_remembered(void) {
  int ends[2];
  ws_dial *dial;
  ws_conn *conn;
  peer_sockets(ends);
  REQUIRE_STATUS(ws_dial_new(NULL, "ws://localhost/", &dial, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_use_fd(dial, ends[1]), WS_OK);
  EXPECT_STATUS(ws_dial_cancel(dial), WS_OK);
  EXPECT_STATUS(ws_dial_cancel(dial), WS_OK);
  EXPECT_STATUS(ws_dial_run(dial, 0, &conn, NULL), WS_ERR_ABORTED);
  EXPECT(conn == NULL);
  EXPECT_STATUS(ws_dial_free(dial), WS_OK);
  EXPECT(peer_ended(ends[0]));
  close(ends[0]);
}

static void an_attempt_is_made_once(void) {
  staged stage = {.fields = ""};
  ws_conn *conn;
  int ends[2];
  REQUIRE_STATUS(staged_dial(&stage, NULL, "ws://localhost/"), WS_OK);
  EXPECT_STATUS(ws_dial_run(stage.dial, 0, &conn, NULL), WS_ERR_STATE);
  EXPECT(conn == NULL);
  peer_sockets(ends);
  EXPECT(ws_dial_use_fd(stage.dial, ends[1]) < 0);
  EXPECT(peer_ended(ends[0])); /* taken in every case */
  close(ends[0]);
  EXPECT_STATUS(ws_dial_cancel(stage.dial), WS_OK);
  EXPECT_STATUS(ws_conn_write(stage.conn, WS_TEXT, "x", 1), WS_OK); /* the connection is beyond it */
  staged_end(&stage);
}

static void an_attempt_never_made(void) {
  int ends[2];
  ws_dial *dial;
  int32_t status = 9;
  const ws_headers *headers = (const ws_headers *)&dial;
  ws_bytes body = {(const uint8_t *)"x", 1};
  peer_sockets(ends);
  REQUIRE_STATUS(ws_dial_new(NULL, "ws://localhost/", &dial, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_use_fd(dial, ends[1]), WS_OK);
  EXPECT_STATUS(ws_dial_response(dial, &status, &headers, &body), WS_OK);
  EXPECT(status == 0 && headers == NULL && body.data == NULL && body.size == 0);
  EXPECT_STATUS(ws_dial_free(dial), WS_OK);
  EXPECT(peer_ended(ends[0]));
  close(ends[0]);
}

static const check_test tests[] = {
    TEST(an_ipv4_address),
    TEST(an_ipv6_address),
    TEST(a_name_with_two_families),
    TEST(a_name_in_capitals),
    TEST(a_descriptor_of_ones_own),
    TEST(a_port_where_nobody_listens),
    TEST(a_name_without_an_address),
    TEST(urls_that_are_none),
    TEST(a_silent_server),
    TEST(the_dialers_timeout),
    TEST(cancelling_from_another_thread),
    TEST(cancelling_before_is_remembered),
    TEST(an_attempt_is_made_once),
    TEST(an_attempt_never_made),
};
TEST_MAIN(tests)
