/* The detail of a failure, for the errors of the header (test_memory.c has the one without memory): each is produced for real, and
 * says who, with which numbers, and in words what was seen. No text holds a secret of a URL or a request.
 */
#include "compressed.h"
#include "engines.h"
#include "failures.h"
#include "names.h"
#include "request.h"
#include "stage.h"

#include <sys/resource.h>
#include <sys/wait.h>

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  return address_of(host, service, hints, result);
}

static int read_once(ws_conn *conn) {
  int32_t type;
  ws_bytes message;
  return ws_conn_read(conn, &type, &message);
}

/* ---- Before there is a connection ---- */

static int dial_gives(const char *url, ws_failure *got) {
  ws_conn *conn;
  *got = none();
  return ws_dialer_dial(NULL, url, ws_in_ms(check_limit(100)), &conn, got);
}

static void invalid_and_state(void) {
  ws_failure got = none();
  ws_dial *dial;
  ws_conn *conn;
  expect_failure(&got, ws_dial_new(NULL, NULL, &dial, &got), (wanted){.code = WS_ERR_INVALID, .who = WS_BY_US, .text = "argument"});
  EXPECT_STATUS(ws_dial_new(NULL, "ws://" SECRET_URL SECRET_TARGET, &dial, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_cancel(dial), WS_OK);
  got = none();
  int status = ws_dial_run(dial, 1, &conn, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_ABORTED, .who = WS_BY_US, .text = "cancel"});
  got = none();
  status = ws_dial_run(dial, 1, &conn, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_STATE, .who = WS_BY_US, .text = "already"});
  EXPECT_STATUS(ws_dial_free(dial), WS_OK);
}

static void urls_and_names(void) {
  ws_failure got;
  int status = dial_gives("http://" SECRET_URL SECRET_TARGET, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_URL, .who = WS_BY_US, .text = "ws://"});
  status = dial_gives("ws://" SECRET_URL ":99999" SECRET_TARGET, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_URL, .who = WS_BY_US, .text = "port"});
  status = dial_gives("ws://alice:hunter2@nowhere.invalid" SECRET_TARGET, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_RESOLVE, .who = WS_BY_SYSTEM, .text = "no address"});
}

static void nobody_listens(void) {
  char url[128];
  uint16_t port;
  ws_failure got;
  int silent = peer_bind(&port);
  snprintf(url, sizeof url, "ws://" SECRET_URL ":%d" SECRET_TARGET, port);
  int status = dial_gives(url, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_CONNECT, .who = WS_BY_SYSTEM, .os_errno = ECONNREFUSED, .text = "refused"});
  close(silent);
}

static void an_address_in_use(void) {
  char host[] = "127.0.0.1";
  uint16_t port;
  int32_t fd;
  int taken = peer_listen(&port);
  ws_failure got = none();
  int status = ws_listen(host, port, &fd, NULL, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_IO, .who = WS_BY_SYSTEM, .os_errno = EADDRINUSE, .text = "in use"});
  close(taken);
}

/* This process has no descriptor left; done by a child. */
static int without_descriptors(void) {
  struct rlimit few = {3, 3};
  ws_failure got = none();
  ws_dial *dial;
  int32_t fd;
  setrlimit(RLIMIT_NOFILE, &few);
  int status = ws_dial_new(NULL, "ws://" SECRET_URL SECRET_TARGET, &dial, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_FDS, .who = WS_BY_SYSTEM, .os_errno = EMFILE, .text = "descriptor"});
  got = none();
  status = ws_listen(NULL, 0, &fd, NULL, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_FDS, .who = WS_BY_SYSTEM, .os_errno = EMFILE, .text = "descriptor"});
  return check_now.failed;
}

static void no_descriptor_left(void) {
  int status = -1;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    int wrong = without_descriptors();
    if (wrong) printf("in the child: %s\n", check_now.why);
    fflush(stdout);
    _exit(wrong);
  }
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

/* ---- Handshakes ---- */

static void a_response_gives(staged self, wanted want) {
  int status = staged_dial(&self, NULL, "ws://alice:hunter2@localhost" SECRET_TARGET);
  expect_failure(&self.failure, status, want);
  staged_end(&self);
}

static void responses(void) {
  a_response_gives((staged){.response = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"},
                   (wanted){.code = WS_ERR_STATUS, .who = WS_BY_PEER, .http_status = 503, .text = "503"});
  a_response_gives((staged){.response = "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"},
                   (wanted){.code = WS_ERR_STATUS, .who = WS_BY_PEER, .http_status = 401, .text = "401"});
  a_response_gives((staged){.fields = "Sec-WebSocket-Protocol: sesame\r\n"},
                   (wanted){.code = WS_ERR_HANDSHAKE, .who = WS_BY_PEER, .http_status = 101, .text = "subprotocol"});
  a_response_gives((staged){.response = "HTTP/1.1 101 Fine\r\nsesame\r\n\r\n"},
                   (wanted){.code = WS_ERR_HANDSHAKE, .who = WS_BY_PEER, .http_status = 101, .text = "header"});
  a_response_gives((staged){.response = "SSH-2.0-OpenSSH\r\n\r\n"}, (wanted){.code = WS_ERR_HANDSHAKE, .who = WS_BY_PEER, .text = " "});
  a_response_gives((staged){.response = "HTTP/1.1 1", .hang_up = 1}, (wanted){.code = WS_ERR_LOST, .who = WS_BY_PEER, .text = "ended"});
}

static void a_request_gives(const char *text, wanted want) {
  request now;
  request_send_tcp(&now, NULL, text);
  expect_failure(&now.failure, now.status, want);
  request_end(&now);
}

static void requests(void) {
  a_request_gives("GET " SECRET_TARGET " HTTP/1.1\r\nHost: evil.example\r\n" SECRET_FIELDS REQUEST_REST "\r\n",
                  (wanted){.code = WS_ERR_HOST, .who = WS_BY_PEER, .http_status = 421, .text = "ws_upgrader_add_host"});
  a_request_gives("GET " SECRET_TARGET " HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n" SECRET_FIELDS REQUEST_REST "\r\n",
                  (wanted){.code = WS_ERR_ORIGIN, .who = WS_BY_PEER, .http_status = 403, .text = "ws_upgrader_add_origin"});
  a_request_gives("POST " SECRET_TARGET " HTTP/1.1\r\nHost: localhost\r\n" SECRET_FIELDS REQUEST_REST "\r\n",
                  (wanted){.code = WS_ERR_HANDSHAKE, .who = WS_BY_PEER, .http_status = 405, .text = "GET"});
  a_request_gives("GET " SECRET_TARGET " HTTP/1.1\r\nHost: localhost\r\n" SECRET_FIELDS "\r\n",
                  (wanted){.code = WS_ERR_HANDSHAKE, .who = WS_BY_PEER, .http_status = 426, .text = "Upgrade"});
}

/* ---- Connections ---- */

/* The peer sends a frame, the library reads. */
static void a_frame_gives(int first, const char *data, size_t size, wanted want) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 100), WS_OK);
    wire_put(&w, first, data, size);
    expect_half(w.conn, WS_READ, read_once(w.conn), want);
    wire_close(&w);
  }
}

static void what_peers_do(void) {
  char large[101] = "sesame";
  wanted broken = {.code = WS_ERR_PROTOCOL, .who = WS_BY_PEER, .close_code = 1002, .text = "opcode"};
  a_frame_gives(0x83, "", 0, broken);
  broken.text = "bit";
  a_frame_gives(0xc1, "sesame", 6, broken);
  a_frame_gives(0x81, "sesame\xff", 7, (wanted){.code = WS_ERR_UTF8, .who = WS_BY_PEER, .close_code = 1007,
                                               .text = "UTF-8; ws_conn_set_check_utf8 switches the check off"});
  a_frame_gives(0x82, large, sizeof large, (wanted){.code = WS_ERR_TOO_BIG, .who = WS_BY_LIMIT, .close_code = 1009,
                                                   .limit = 100, .text = "100 bytes; ws_conn_set_read_limit changes it"});
  a_frame_gives(0x88, "\x0f\xa0sesame", 8, (wanted){.code = WS_ERR_CLOSED, .who = WS_BY_PEER, .close_code = 4000, .text = "4000"});
}

static void a_peer_that_leaves(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  shutdown(w.fd, SHUT_WR);
  expect_half(w.conn, WS_READ, read_once(w.conn), (wanted){.code = WS_ERR_LOST, .who = WS_BY_PEER, .text = "without a close frame"});
  wire_close(&w);
}

static void nothing_failed_yet(void) {
  wire w;
  ws_failure got = none();
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_failure(w.conn, WS_WRITE, &got), WS_OK);
  EXPECT(got.code == WS_OK && got.who == WS_BY_NOBODY && got.text[0] == '\0' && got.limit == 0);
  wire_close(&w);
}

static void a_message_larger_than_the_room(void) {
  wire w;
  int32_t type;
  size_t size;
  REQUIRE(wire_open(&w, AS_SERVER));
  wire_put_text(&w, 0x81, "sesame");
  int status = ws_conn_read_into(w.conn, &type, NULL, 0, &size);
  expect_half(w.conn, WS_READ, status, (wanted){.code = WS_ERR_ROOM, .who = WS_BY_LIMIT, .text = "6 bytes are needed"});
  wire_close(&w);
}

static int refuse(ws_conn *conn, const void *data, size_t size, void *user) WS_NOEXCEPT {
  (void)conn, (void)data, (void)size, (void)user;
  return 1;
}

static void a_handler_that_refuses(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, refuse, NULL, NULL), WS_OK);
  wire_put_text(&w, 0x89, "sesame");
  expect_half(w.conn, WS_READ, read_once(w.conn), (wanted){.code = WS_ERR_CALLBACK, .who = WS_BY_US, .text = "handler"});
  wire_close(&w);
}

static void what_we_must_not_send(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_check_utf8(w.conn, 1, 1), WS_OK);
  int status = ws_conn_write(w.conn, WS_TEXT, "sesame\xff", 7);
  expect_half(w.conn, WS_WRITE, status, (wanted){.code = WS_ERR_UTF8, .who = WS_BY_US, .text = "UTF-8"});
  status = ws_conn_write_control(w.conn, WS_CLOSE, "\x03\xed", 2, 0);
  expect_half(w.conn, WS_WRITE, status, (wanted){.code = WS_ERR_INVALID, .who = WS_BY_US, .text = "3000 to 4999"});
  EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, NULL, 0), WS_OK);
  status = ws_conn_write(w.conn, WS_TEXT, "x", 1);
  expect_half(w.conn, WS_WRITE, status, (wanted){.code = WS_ERR_CLOSE_SENT, .who = WS_BY_US, .text = "close frame"});
  EXPECT_STATUS(ws_conn_abort(w.conn), WS_OK);
  expect_half(w.conn, WS_READ, read_once(w.conn), (wanted){.code = WS_ERR_ABORTED, .who = WS_BY_US, .text = "aborted"});
  wire_close(&w);
}

static void a_write_that_stops(void) {
  static uint8_t data[4000000];
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, 30), WS_OK);
  int status = ws_conn_write(w.conn, WS_BINARY, data, sizeof data);
  ws_failure got = none();
  EXPECT_STATUS(ws_conn_failure(w.conn, WS_WRITE, &got), WS_OK);
  EXPECT(got.who == WS_BY_SYSTEM || got.who == WS_BY_TIMER);
  expect_half(w.conn, WS_WRITE, status, (wanted){.code = WS_ERR_BROKEN, .who = got.who, .limit = got.limit, .text = "inside a frame"});
  wire_close(&w);
}

static void a_peer_that_resets(void) {
  wire w;
  struct linger hard = {1, 0};
  REQUIRE(wire_open_tcp(&w, AS_SERVER));
  setsockopt(w.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(w.fd);
  w.fd = -1;
  expect_half(w.conn, WS_READ, read_once(w.conn), (wanted){.code = WS_ERR_LOST, .who = WS_BY_PEER, .os_errno = ECONNRESET,
                                                           .text = "reset"});
  int status;
  while ((status = ws_conn_write(w.conn, WS_TEXT, "x", 1)) == WS_OK) {
  }
  expect_half(w.conn, WS_WRITE, status, (wanted){.code = WS_ERR_LOST, .who = WS_BY_PEER, .os_errno = EPIPE, .text = "Broken pipe"});
  wire_close(&w);
}

/* The words name the setters of the handle that they are about. */
static void what_peers_do_to_an_engine(void) {
  ws_failure got = none();
  ws_engine *engine = engine_open(AS_CLIENT);
  EXPECT_STATUS(ws_engine_set_read_limit(engine, 100), WS_OK);
  EXPECT_STATUS(ws_engine_feed(engine, "\x82\x7d", 2), WS_OK);
  engine_gives(engine, WS_ERR_TOO_BIG);
  EXPECT_STATUS(ws_engine_failure(engine, &got), WS_OK);
  expect_failure(&got, WS_ERR_TOO_BIG, (wanted){.code = WS_ERR_TOO_BIG, .who = WS_BY_LIMIT, .close_code = 1009, .limit = 100,
                                                .text = "100 bytes; ws_engine_set_read_limit changes it"});
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  got = none();
  engine = engine_new_client(NULL);
  engine_feed_text(engine, "HTTP/1.1 101 Fine\r\nsesame\r\n\r\n");
  engine_gives(engine, WS_ERR_HANDSHAKE);
  EXPECT_STATUS(ws_engine_failure(engine, &got), WS_OK);
  expect_failure(&got, WS_ERR_HANDSHAKE, (wanted){.code = WS_ERR_HANDSHAKE, .who = WS_BY_PEER, .http_status = 101, .text = "header"});
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
}

/* The peer sends what no decompressor takes. */
static void what_cannot_be_decompressed(void) {
  ws_failure got = none();
  ws_upgrader *upgrader = compressed_upgrader(ALONE);
  ws_engine *engine = engine_new_server(upgrader);
  EXPECT_STATUS(ws_engine_feed(engine, PEER_REQUEST, sizeof PEER_REQUEST - 3), WS_OK);
  engine_feed_text(engine, "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
  engine_event(engine, WS_EVENT_REQUEST);
  EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
  engine_event(engine, WS_EVENT_OPEN);
  engine_put_text(engine, AS_SERVER, 0xc2, "\xff");
  engine_gives(engine, WS_ERR_DEFLATE);
  EXPECT_STATUS(ws_engine_failure(engine, &got), WS_OK);
  expect_failure(&got, WS_ERR_DEFLATE, (wanted){.code = WS_ERR_DEFLATE, .who = WS_BY_PEER, .close_code = 1007, .text = "compressed"});
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

/* The last test: an error that is new must come here, or to another program. */
static void every_error_was_looked_at(void) {
  static const int elsewhere[] = {
      WS_ERR_NOMEM,     /* test_memory */
      WS_ERR_FORKED,    /* in a child every call on the connection gives it, ws_conn_failure too: test_fork */
      WS_ERR_FDS,       /* here, in a child */
      WS_ERR_TIMEOUT,   /* test_failures_time */
      WS_ERR_KEEPALIVE, /* test_keepalive */
      WS_ERR_PROXY,     /* test_proxy */
      WS_ERR_TLS,       /* test_tls_settings, test_tls */
      WS_ERR_JSON,      /* test_json */
  };
  for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) looked_at[-elsewhere[i]] = 1;
  for (int code = -1; code > -100; code--) {
    int is_error = strcmp(ws_strerror(code), "unknown error") != 0;
    if (is_error && !looked_at[-code]) check_fail(__FILE__, __LINE__, "no test looks at the failure of %d, %s", code, ws_strerror(code));
  }
}

static const check_test tests[] = {
    TEST(invalid_and_state),
    TEST(urls_and_names),
    TEST(nobody_listens),
    TEST(an_address_in_use),
    TEST(no_descriptor_left),
    TEST(responses),
    TEST(requests),
    TEST(what_peers_do),
    TEST(a_peer_that_leaves),
    TEST(nothing_failed_yet),
    TEST(a_message_larger_than_the_room),
    TEST(a_handler_that_refuses),
    TEST(what_we_must_not_send),
    TEST(a_write_that_stops),
    TEST(a_peer_that_resets),
    TEST(what_peers_do_to_an_engine),
    TEST(what_cannot_be_decompressed),
    TEST(every_error_was_looked_at),
};
TEST_MAIN(tests)
