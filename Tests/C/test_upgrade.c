/* Answering opening handshakes (RFC 6455 4.2): what is accepted, what is refused with which status, and what may not delay
 * whom.
 */
#include "request.h"

static void a_good_request(void) {
  char value[128];
  request r;
  ws_bytes name;
  request_send(&r, NULL, REQUEST_LINE REQUEST_HOST REQUEST_REST "\r\n");
  EXPECT_STATUS(r.status, WS_OK);
  EXPECT(strncmp(r.head, "HTTP/1.1 101 ", 13) == 0);
  peer_field(r.head, "Sec-WebSocket-Accept", value, sizeof value);
  EXPECT_TEXT(value, PEER_ACCEPT);
  peer_field(r.head, "Upgrade", value, sizeof value);
  EXPECT_TEXT(value, "websocket");
  peer_field(r.head, "Connection", value, sizeof value);
  EXPECT_TEXT(value, "Upgrade");
  EXPECT(strstr(r.head, "Sec-WebSocket-Protocol") == NULL && strstr(r.head, "Sec-WebSocket-Extensions") == NULL);
  EXPECT_STATUS(ws_conn_subprotocol(r.conn, &name), WS_OK);
  EXPECT_INT(name.size, 0);
  EXPECT_INT(r.failure.code, 0);
  request_end(&r);
}

static void odd_requests_that_are_good(void) {
  static const char *const good[] = {
      REQUEST_LINE "host: localhost\r\nupgrade: WebSocket\r\nconnection: keep-alive, UPGRADE\r\n" REQUEST_KEY "\r\n",
      REQUEST_LINE REQUEST_HOST "Upgrade: foo, websocket\r\nConnection: close\r\nConnection: upgrade\r\n" REQUEST_KEY "\r\n",
      REQUEST_LINE "Host:localhost\r\n" PEER_UPGRADE
                   "Sec-WebSocket-Key:\t" PEER_KEY " \r\nSec-WebSocket-Version: 13\r\n\r\n",
      REQUEST_LINE REQUEST_HOST REQUEST_REST "X-Empty:\r\nX-Odd: a, , b\r\nCookie: a=b; c=\"d\"\r\n\r\n",
      REQUEST_LINE REQUEST_HOST REQUEST_REST "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
      REQUEST_LINE REQUEST_HOST REQUEST_REST "Sec-WebSocket-Protocol: chat\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    request r;
    request_send(&r, NULL, good[i]);
    if (r.status != WS_OK || request_answer(&r) != 101) {
      check_fail(__FILE__, __LINE__, "request %zu gave %d and was answered %d", i, r.status, request_answer(&r));
    }
    request_end(&r);
  }
}

typedef struct refusal {
  int answer;
  const char *text;
} refusal;

static const refusal refusals[] = {
    /* the request line */
    {405, "POST / HTTP/1.1\r\n" REQUEST_HOST REQUEST_REST "\r\n"},
    {405, "HEAD / HTTP/1.1\r\n" REQUEST_HOST REQUEST_REST "\r\n"},
    {400, "GET / HTTP/1.0\r\n" REQUEST_HOST REQUEST_REST "\r\n"},
    {400, "GET / HTTP/1.1 \r\n" REQUEST_HOST REQUEST_REST "\r\n"},
    {400, "GET  / HTTP/1.1\r\n" REQUEST_HOST REQUEST_REST "\r\n"},
    {400, "GET /\r\n" REQUEST_HOST REQUEST_REST "\r\n"},
    {400, "GET / HTTP/1.1\n" REQUEST_HOST REQUEST_REST "\r\n"},
    {400, "GET /\x01 HTTP/1.1\r\n" REQUEST_HOST REQUEST_REST "\r\n"},
    {400, "GET relative HTTP/1.1\r\n" REQUEST_HOST REQUEST_REST "\r\n"},
    /* Host */
    {400, REQUEST_LINE REQUEST_REST "\r\n"},
    {400, REQUEST_LINE REQUEST_HOST REQUEST_HOST REQUEST_REST "\r\n"},
    {400, REQUEST_LINE "Host: a b\r\n" REQUEST_REST "\r\n"},
    {400, REQUEST_LINE "Host: a@b\r\n" REQUEST_REST "\r\n"},
    {400, REQUEST_LINE "Host: localhost:99999\r\n" REQUEST_REST "\r\n"},
    {400, REQUEST_LINE "Host: 127.1\r\n" REQUEST_REST "\r\n"},
    {400, REQUEST_LINE "Host: 2130706433\r\n" REQUEST_REST "\r\n"},
    /* Upgrade: where only that is missing, it is asked for */
    {426, REQUEST_LINE REQUEST_HOST "Connection: Upgrade\r\n" REQUEST_KEY "\r\n"},
    {426, REQUEST_LINE REQUEST_HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n" REQUEST_KEY "\r\n"},
    {426, REQUEST_LINE REQUEST_HOST "\r\n"},
    /* the version */
    {426, REQUEST_LINE REQUEST_HOST PEER_UPGRADE "Sec-WebSocket-Key: " PEER_KEY "\r\nSec-WebSocket-Version: 12\r\n\r\n"},
    {426, REQUEST_LINE REQUEST_HOST PEER_UPGRADE "Sec-WebSocket-Key: " PEER_KEY "\r\nSec-WebSocket-Version: 130\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST "Sec-WebSocket-Version: 13\r\n\r\n"},
    /* the key: 16 bytes in base64, once */
    {400, REQUEST_LINE REQUEST_HOST PEER_UPGRADE "Sec-WebSocket-Version: 13\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST "Sec-WebSocket-Key: " PEER_KEY "\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST PEER_UPGRADE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST PEER_UPGRADE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2hvcnQ=\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST PEER_UPGRADE
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWRkZGQ=\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST PEER_UPGRADE
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSB!b25jZQ==\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST PEER_UPGRADE
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=a\r\n\r\n"},
    /* a body would be smuggled past a proxy */
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST "Content-Length: 5\r\n\r\nhello"},
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    /* header lines */
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST "X-Folded: a\r\n b\r\n\r\n"},
    {400, REQUEST_LINE " first: folded\r\n" REQUEST_HOST REQUEST_REST "\r\n"},
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST "No colon\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST "X-Space : a\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST ": no name\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST "X-Bare: a\nX-Line: b\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST "X-Return: a\rb\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST "X-Control: a\x01\r\n\r\n"},
    {400, REQUEST_LINE REQUEST_HOST REQUEST_REST "X-(Odd): a\r\n\r\n"},
};

static void requests_that_are_refused(void) {
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    request r;
    request_send(&r, NULL, refusals[i].text);
    request_refused(&r, WS_ERR_HANDSHAKE, refusals[i].answer, refusals[i].text);
    if (refusals[i].answer == 426) {
      EXPECT(strstr(r.head, "\r\nUpgrade: websocket\r\n") != NULL);
      EXPECT(strstr(r.head, "\r\nSec-WebSocket-Version: 13\r\n") != NULL);
    }
    if (refusals[i].answer == 405) EXPECT(strstr(r.head, "\r\nAllow: GET\r\n") != NULL);
    request_end(&r);
  }
}

/* Either status is right where more than one thing is missing. */
static void requests_with_two_faults(void) {
  static const char *const texts[] = {
      REQUEST_LINE REQUEST_HOST "Upgrade: websocket\r\n" REQUEST_KEY "\r\n",
      REQUEST_LINE REQUEST_HOST "Upgrade: websocket\r\nConnection: close\r\n" REQUEST_KEY "\r\n",
      REQUEST_LINE REQUEST_HOST PEER_UPGRADE "Sec-WebSocket-Key: " PEER_KEY "\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    request r;
    request_send(&r, NULL, texts[i]);
    EXPECT(request_answer(&r) == 400 || request_answer(&r) == 426);
    request_refused(&r, WS_ERR_HANDSHAKE, request_answer(&r), texts[i]);
    request_end(&r);
  }
}

static void a_zero_byte_in_the_head(void) {
  static const char text[] = REQUEST_LINE REQUEST_HOST REQUEST_REST "X-Zero: a\0b\r\n\r\n";
  int ends[2];
  request r;
  peer_sockets(ends);
  request_over(&r, ends, NULL, text, sizeof text - 1);
  request_refused(&r, WS_ERR_HANDSHAKE, 400, text);
  request_end(&r);
}

/* Sends while the library reads: these heads are larger than a socket takes at once. */
typedef struct large {
  int fd;
  const char *text;
} large;

static void *send_large(void *argument) {
  large *self = argument;
  peer_put_text(self->fd, self->text);
  shutdown(self->fd, SHUT_WR);
  return NULL;
}

static void refuses_large(const char *text, int answer) {
  int ends[2];
  pthread_t thread;
  request r;
  peer_sockets(ends);
  large client = {ends[0], text};
  pthread_create(&thread, NULL, send_large, &client);
  request_over(&r, ends, NULL, "", 0);
  pthread_join(thread, NULL);
  request_refused(&r, WS_ERR_HANDSHAKE, answer, "a large head");
  request_end(&r);
}

static void heads_that_are_too_large(void) {
  enum { LONG = 70000 };
  char *text = malloc(LONG * 2), *filler = malloc(LONG + 1);
  memset(filler, 'a', LONG);
  filler[LONG] = '\0';
  sprintf(text, "GET /%s HTTP/1.1\r\n" REQUEST_HOST REQUEST_REST "\r\n", filler);
  refuses_large(text, 414);
  sprintf(text, REQUEST_LINE REQUEST_HOST REQUEST_REST "X: %s\r\n\r\n", filler);
  refuses_large(text, 431);
  int used = sprintf(text, REQUEST_LINE REQUEST_HOST REQUEST_REST);
  for (int i = 0; i < 200; i++) used += sprintf(text + used, "X-%d: y\r\n", i);
  strcpy(text + used, "\r\n");
  refuses_large(text, 431);
  free(text);
  free(filler);
}

/* No HTTP at all: a TLS hello, noise, no method. It ends at once, with an answer or without. */
static void no_http_at_all(void) {
  static const char *const texts[] = {"\x16\x03\x01\x02", "\xff\xfe\r\n\r\n", "G(T / HTTP/1.1\r\n", "SSH-2.0-x\r\n"};
  for (int i = 0; i < 4; i++) {
    request r;
    int64_t start = check_ms();
    request_send(&r, NULL, texts[i]);
    EXPECT_STATUS(r.status, WS_ERR_HANDSHAKE);
    EXPECT(request_answer(&r) == 0 || request_answer(&r) == 400);
    EXPECT_WITHIN(start, 500);
    EXPECT(r.conn == NULL);
    request_end(&r);
  }
}

static void a_client_that_hangs_up(void) {
  static const char *const texts[] = {"", "GET / HT", REQUEST_LINE REQUEST_HOST};
  for (int i = 0; i < 3; i++) {
    int ends[2];
    ws_conn *conn;
    peer_sockets(ends);
    peer_put_text(ends[0], texts[i]);
    shutdown(ends[0], SHUT_WR);
    EXPECT_STATUS(ws_upgrader_upgrade(NULL, ends[1], NULL, 0, ws_in_ms(check_limit(2000)), &conn, NULL), WS_ERR_LOST);
    EXPECT(conn == NULL);
    close(ends[0]);
  }
}

/* Everything that was read from the socket before may be handed in: part of the head, all of it, frames behind it. */
static void bytes_read_before(void) {
  uint8_t all[1024];
  size_t head = strlen(PEER_REQUEST), size = head;
  memcpy(all, PEER_REQUEST, head);
  size += peer_frame_bytes(all + size, 0x81, 1, "early", 5);
  size += peer_frame_bytes(all + size, 0x81, 1, "later", 5);
  for (size_t cut = 0; cut <= size; cut += cut < head - 2 ? 7 : 1) {
    int ends[2];
    int32_t type;
    ws_bytes message;
    ws_conn *conn = NULL;
    peer_sockets(ends);
    EXPECT(peer_put(ends[0], all + cut, size - cut));
    int64_t deadline = ws_in_ms(check_limit(2000));
    REQUIRE_STATUS(ws_upgrader_upgrade(NULL, ends[1], all, cut, deadline, &conn, NULL), WS_OK);
    EXPECT_STATUS(ws_conn_set_read_deadline(conn, deadline), WS_OK);
    EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_OK);
    EXPECT_BYTES(message.data, message.size, "early", 5);
    EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_OK);
    EXPECT_BYTES(message.data, message.size, "later", 5);
    ws_conn_free(conn);
    close(ends[0]);
  }
}

typedef struct dripper {
  int fd;
  int ms; /* between two bytes */
} dripper;

static void *drip(void *argument) {
  dripper *self = argument;
  for (const char *at = PEER_REQUEST; *at != '\0'; at++) {
    if (!peer_put(self->fd, at, 1)) break; /* the library has had enough */
    if (self->ms > 0) check_sleep(self->ms);
  }
  return NULL;
}

/* Each byte is progress, and yet the whole head has one time limit. */
static void a_slow_client_is_cut(void) {
  int ends[2];
  pthread_t thread;
  ws_upgrader *upgrader;
  ws_conn *conn;
  ws_failure failure = {.struct_size = sizeof failure};
  REQUIRE_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_timeout(upgrader, 150), WS_OK);
  peer_sockets(ends);
  dripper client = {ends[0], 10};
  pthread_create(&thread, NULL, drip, &client);
  int64_t start = check_ms();
  EXPECT_STATUS(ws_upgrader_upgrade(upgrader, ends[1], NULL, 0, 0, &conn, &failure), WS_ERR_TIMEOUT);
  EXPECT(check_ms() - start >= 149);
  EXPECT_WITHIN(start, 600);
  EXPECT(conn == NULL && failure.code == WS_ERR_TIMEOUT);
  pthread_join(thread, NULL);
  close(ends[0]);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static void a_request_byte_by_byte(void) {
  int ends[2];
  pthread_t thread;
  ws_conn *conn;
  peer_sockets(ends);
  dripper client = {ends[0], 0};
  pthread_create(&thread, NULL, drip, &client);
  EXPECT_STATUS(ws_upgrader_upgrade(NULL, ends[1], NULL, 0, ws_in_ms(check_limit(3000)), &conn, NULL), WS_OK);
  pthread_join(thread, NULL);
  ws_conn_free(conn);
  close(ends[0]);
}

enum { SILENT = 100, GOOD = 5 };

static void *upgrade_accepted(void *fd) {
  ws_conn *conn;
  int status = ws_upgrader_upgrade(NULL, (int)(intptr_t)fd, NULL, 0, ws_in_ms(check_limit(3000)), &conn, NULL);
  EXPECT(status == WS_OK || status == WS_ERR_LOST);
  ws_conn_free(conn);
  return NULL;
}

/* A server with one thread a connection; it ends with the last client. */
static void *accept_all(void *argument) {
  pthread_t threads[SILENT + GOOD];
  int32_t listener = *(int32_t *)argument, fd;
  for (int i = 0; i < SILENT + GOOD; i++) {
    if (!EXPECT_STATUS(ws_accept(listener, ws_in_ms(check_limit(3000)), &fd, NULL, NULL), WS_OK)) fd = -1;
    pthread_create(&threads[i], NULL, upgrade_accepted, (void *)(intptr_t)fd);
  }
  for (int i = 0; i < SILENT + GOOD; i++) pthread_join(threads[i], NULL);
  return NULL;
}

static void a_hundred_silent_clients_delay_nobody(void) {
  int silent[SILENT];
  int32_t listener;
  uint16_t port;
  char head[1024];
  pthread_t server;
  REQUIRE_STATUS(ws_listen(NULL, 0, &listener, &port, NULL), WS_OK);
  pthread_create(&server, NULL, accept_all, &listener);
  for (int i = 0; i < SILENT; i++) silent[i] = peer_dial(port);
  check_settle();
  int64_t best = INT64_MAX; /* the machine may be busy, and one quick answer proves the point */
  for (int i = 0; i < GOOD; i++) {
    int64_t start = check_ms();
    int good = peer_dial(port);
    peer_put_text(good, PEER_REQUEST);
    EXPECT(peer_get_head(good, head, sizeof head) > 0);
    if (check_ms() - start < best) best = check_ms() - start;
    close(good);
  }
  EXPECT(best < check_limit(50));
  for (int i = 0; i < SILENT; i++) close(silent[i]);
  pthread_join(server, NULL);
  close(listener);
}

/* A long head in the smallest pieces must not be parsed from its start again with each. */
static void *send_in_pieces(void *argument) {
  large *self = argument;
  for (const char *at = self->text; *at != '\0'; at++) {
    if (!peer_put(self->fd, at, 1)) break;
  }
  return NULL;
}

static void a_long_head_in_small_pieces(void) {
  enum { LONG = 60000, FIELDS = 100 };
  int ends[2], used;
  pthread_t thread;
  ws_conn *conn;
  char *text = malloc(LONG + 1000), filler[LONG / FIELDS - 10];
  memset(filler, 'a', sizeof filler - 1);
  filler[sizeof filler - 1] = '\0';
  used = sprintf(text, REQUEST_LINE REQUEST_HOST REQUEST_REST);
  for (int i = 0; i < FIELDS; i++) used += sprintf(text + used, "X-%d: %s\r\n", i, filler);
  strcpy(text + used, "\r\n");
  peer_sockets(ends);
  large client = {ends[0], text};
  pthread_create(&thread, NULL, send_in_pieces, &client);
  int64_t start = check_ms();
  EXPECT_STATUS(ws_upgrader_upgrade(NULL, ends[1], NULL, 0, ws_in_ms(check_limit(9000)), &conn, NULL), WS_OK);
  EXPECT_WITHIN(start, 3000);
  pthread_join(thread, NULL);
  ws_conn_free(conn);
  close(ends[0]);
  free(text);
}

static const check_test tests[] = {
    TEST(a_good_request),
    TEST(odd_requests_that_are_good),
    TEST(requests_that_are_refused),
    TEST(requests_with_two_faults),
    TEST(a_zero_byte_in_the_head),
    TEST(heads_that_are_too_large),
    TEST(no_http_at_all),
    TEST(a_client_that_hangs_up),
    TEST(bytes_read_before),
    TEST(a_slow_client_is_cut),
    TEST(a_request_byte_by_byte),
    TEST(a_hundred_silent_clients_delay_nobody),
    TEST(a_long_head_in_small_pieces),
};
TEST_MAIN(tests)
