/* Servers that mean ill: what each of them does to a client that dials it over TCP, and the error that the client ends with. Every row
 * is played in one piece and byte by byte; rows that other programs here have already are not repeated.
 */
#include "failures.h"

#include <netinet/tcp.h>

/* How a server goes on when it has said all. */
enum { WAITS, LEAVES, RESETS };

/* Text with its size, because some of it holds a NUL. A $ stands for the accept value of the client's key. */
typedef struct text {
  const char *data;
  size_t size;
} text;

#define T(literal) {literal, sizeof(literal) - 1}

/* What a server says; how it ends; what dialing gives, and a first read of the connection where there is one. */
typedef struct trick {
  const char *name;
  text first, again; /* the second so many times */
  int times;
  int end;
  int status, read;
} trick;

#define LINE "HTTP/1.1 101 Switching Protocols\r\n"
#define FIELDS PEER_UPGRADE "Sec-WebSocket-Accept: $\r\n"
#define GOOD LINE FIELDS "\r\n"

/* A server that plays one trick to one client. */
typedef struct evil {
  const trick *row;
  int piece; /* bytes in a segment; 0: all that there are */
  int pause; /* ms behind each */
  int listener;
  uint16_t port;
  char *said;
  size_t size;
  pthread_t thread;
} evil;

static void add(evil *self, const text *what, const char *accepted) {
  for (size_t i = 0; i < what->size; i++) {
    if (what->data[i] == '$') memcpy(self->said + self->size, accepted, 28);
    else self->said[self->size] = what->data[i];
    self->size += what->data[i] == '$' ? 28 : 1;
  }
}

/* Says it in pieces until all is said, or nobody listens any more. */
static void say(const evil *self, int fd) {
  size_t step = self->piece > 0 ? (size_t)self->piece : self->size;
  for (size_t at = 0; at < self->size; at += step) {
    if (!peer_put(fd, self->said + at, self->size - at < step ? self->size - at : step)) return;
    if (self->pause > 0) check_sleep(self->pause);
  }
}

static void end(int fd, int how) {
  char rest[256];
  const struct linger at_once = {1, 0};
  if (how == LEAVES) shutdown(fd, SHUT_WR);
  if (how == RESETS) setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  while (how != RESETS && recv(fd, rest, sizeof rest, 0) > 0) {
  }
  close(fd);
}

static void *evil_run(void *argument) {
  evil *self = argument;
  char head[4096], key[64], accepted[29];
  const int on = 1;
  int fd = accept(self->listener, NULL, NULL);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  EXPECT(peer_get_head(fd, head, sizeof head) > 0);
  peer_field(head, "Sec-WebSocket-Key", key, sizeof key);
  accept_key(key, accepted);
  add(self, &self->row->first, accepted);
  for (int i = 0; i < self->row->times; i++) add(self, &self->row->again, accepted);
  say(self, fd);
  end(fd, self->row->end);
  return NULL;
}

/* Starts the server, and dials it; evil_end must follow. */
static int dial_evil(evil *self, ws_dialer *dialer, int64_t ms, ws_conn **conn, ws_failure *got) {
  char url[64];
  self->size = 0;
  self->said = malloc(self->row->first.size + 100 + (self->row->again.size + 28) * (size_t)self->row->times);
  self->listener = peer_listen(&self->port);
  pthread_create(&self->thread, NULL, evil_run, self);
  snprintf(url, sizeof url, "ws://alice:hunter2@127.0.0.1:%d/?token=sesame", self->port);
  *got = none();
  return ws_dialer_dial(dialer, url, ws_in_ms(check_limit(ms)), conn, got);
}

static void evil_end(evil *self) {
  pthread_join(self->thread, NULL);
  close(self->listener);
  free(self->said);
}

static void differs(const trick *row, const char *what, int status, int wanted, const ws_failure *got) {
  if (status == wanted) return;
  check_fail(__FILE__, __LINE__, "%s: %s gave %d (%s), not %d: %s", row->name, what, status, ws_strerror(status), wanted, got->text);
}

static void play(const trick *row, int piece, ws_dialer *dialer) {
  evil server = {.row = row, .piece = piece};
  ws_conn *conn = NULL;
  ws_failure got;
  int32_t type;
  ws_bytes message;
  int status = dial_evil(&server, dialer, PEER_WAIT, &conn, &got);
  differs(row, "dialing", status, row->status, &got);
  EXPECT((conn != NULL) == (status == WS_OK));
  for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) EXPECT(strstr(got.text, secrets[i]) == NULL);
  if (conn != NULL) {
    EXPECT_STATUS(ws_conn_set_read_deadline(conn, ws_in_ms(check_limit(PEER_WAIT))), WS_OK);
    status = ws_conn_read(conn, &type, &message);
    EXPECT_STATUS(ws_conn_failure(conn, WS_READ, &got), WS_OK);
    differs(row, "reading", status, row->read, &got);
  }
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  evil_end(&server);
}

static void play_all(const trick *rows, size_t count, ws_dialer *dialer) {
  for (size_t i = 0; i < count; i++) {
    play(&rows[i], 0, dialer);
    if (rows[i].times < 1000) play(&rows[i], 1, dialer);
  }
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

#define PLAY(rows, dialer) play_all(rows, sizeof rows / sizeof rows[0], dialer)
#define BAD WS_ERR_HANDSHAKE

/* RFC 9112 2.2, 3, 5: what no lenient reader may make a handshake of. */
static void heads_that_are_bent(void) {
  static const trick rows[] = {
      {.name = "HTTP/1.0", .first = T("HTTP/1.0 101 Switching Protocols\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "HTTP/1.2", .first = T("HTTP/1.2 101 Switching Protocols\r\n" FIELDS "\r\n\x81\0"), .status = WS_OK},
      {.name = "small letters", .first = T("http/1.1 101 Switching Protocols\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "two blanks", .first = T("HTTP/1.1  101 Switching Protocols\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "a sign", .first = T("HTTP/1.1 +101 Switching Protocols\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "a zero in front", .first = T("HTTP/1.1 0101 Switching Protocols\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "hexadecimal", .first = T("HTTP/1.1 0x65 Switching Protocols\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "a request", .first = T("GET / HTTP/1.1\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "a hello of TLS", .first = T("\x16\x03\x01\x00\x05hello\r\n\r\n"), .status = BAD},
      {.name = "bare LF", .first = T("HTTP/1.1 101 Go\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: $\n\n"), .status = BAD},
      {.name = "one bare LF", .first = T(LINE "A: b\n" FIELDS "\r\n"), .status = BAD},
      {.name = "a bare CR", .first = T(LINE "A: b\rC: d\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "NUL in the reason", .first = T("HTTP/1.1 101 Go\0\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "NUL in a name", .first = T(LINE "A\0: b\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "NUL in a value", .first = T(LINE "A: b\0c\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "NUL behind the accept value", .first = T(LINE PEER_UPGRADE "Sec-WebSocket-Accept: $\0\r\n\r\n"), .status = BAD},
      {.name = "a folded line", .first = T(LINE "A: b\r\n c\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "a line folded with a tab", .first = T(LINE FIELDS "\tx\r\n\r\n"), .status = BAD},
      {.name = "space before the colon", .first = T(LINE "A : b\r\n" FIELDS "\r\n"), .status = BAD},
      {.name = "no name", .first = T(LINE ": b\r\n" FIELDS "\r\n"), .status = BAD},
  };
  PLAY(rows, NULL);
}

/* RFC 6455 4.1: answers in good form that agree to something else. */
static void answers_that_cheat(void) {
  static const trick rows[] = {
      {.name = "two accept values", .first = T(LINE FIELDS "Sec-WebSocket-Accept: x\r\n\r\n"), .status = BAD},
      {.name = "two in one field", .first = T(LINE PEER_UPGRADE "Sec-WebSocket-Accept: $, $\r\n\r\n"), .status = BAD},
      {.name = "the key itself", .first = T(LINE PEER_UPGRADE "Sec-WebSocket-Accept: " PEER_KEY "\r\n\r\n"), .status = BAD},
      {.name = "quoted", .first = T(LINE PEER_UPGRADE "Sec-WebSocket-Accept: \"$\"\r\n\r\n"), .status = BAD},
      {.name = "another upgrade", .first = T(LINE "Upgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: $\r\n\r\n"), .status = BAD},
      {.name = "201 with everything", .first = T("HTTP/1.1 201 Created\r\n" FIELDS "Content-Length: 0\r\n\r\n"), .status = WS_ERR_STATUS},
      {.name = "an empty subprotocol", .first = T(LINE FIELDS "Sec-WebSocket-Protocol: \r\n\r\n"), .status = BAD},
      {.name = "a broken extension", .first = T(LINE FIELDS "Sec-WebSocket-Extensions: ;=\r\n\r\n"), .status = BAD},
      {.name = "103 in front", .first = T("HTTP/1.1 103 Hints\r\n" FIELDS "\r\n" LINE "\r\n"), .status = BAD},
      {.name = "101 twice", .first = T(LINE "\r\n" GOOD), .status = BAD},
  };
  PLAY(rows, NULL);
}

/* A good answer, and then no WebSocket. What is a body elsewhere is frames here: RFC 9110 15.2.2. */
static void what_comes_behind_a_good_answer(void) {
  static const trick rows[] = {
      {.name = "a body", .first = T(LINE FIELDS "Content-Length: 5\r\n\r\nhello"), .read = WS_ERR_PROTOCOL},
      {.name = "chunks", .first = T(LINE FIELDS "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), .read = WS_ERR_PROTOCOL},
      {.name = "another answer", .first = T(GOOD GOOD), .read = WS_ERR_PROTOCOL},
      {.name = "a masked frame", .first = T(GOOD "\x81\x81\1\2\3\4z"), .read = WS_ERR_PROTOCOL},
      {.name = "RSV1 that nobody agreed on", .first = T(GOOD "\xc1\x01z"), .read = WS_ERR_PROTOCOL},
      {.name = "a length of 2^64 - 1", .first = T(GOOD "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), .read = WS_ERR_PROTOCOL},
      {.name = "a length of 2^63 - 1", .first = T(GOOD "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), .read = WS_ERR_TOO_BIG},
      {.name = "a continuation of nothing", .first = T(GOOD "\x80\x01z"), .read = WS_ERR_PROTOCOL},
      {.name = "text that is none", .first = T(GOOD "\x81\x02\xc3\x28"), .read = WS_ERR_UTF8},
      {.name = "half a frame", .first = T(GOOD "\x81\x05hel"), .end = LEAVES, .read = WS_ERR_LOST},
      {.name = "nothing", .first = T(GOOD), .end = LEAVES, .read = WS_ERR_LOST},
      {.name = "a close frame", .first = T(GOOD "\x88\x02\x03\xf3"), .end = LEAVES, .read = WS_ERR_CLOSED},
      {.name = "a close frame of a code that is none", .first = T(GOOD "\x88\x02\x03\xed"), .read = WS_ERR_PROTOCOL},
      {.name = "pings and then a message", .first = T(GOOD "\x89\0\x89\0\x81\0"), .read = WS_OK},
  };
  PLAY(rows, NULL);
}

/* The stream ends: before the head, inside it, behind it; politely or not. */
static void servers_that_leave(void) {
  static const trick rows[] = {
      {.name = "at once", .end = LEAVES, .status = WS_ERR_LOST},
      {.name = "reset at once", .end = RESETS, .status = WS_ERR_LOST},
      {.name = "inside the first line", .first = T("HTTP/1."), .end = LEAVES, .status = WS_ERR_LOST},
      {.name = "before the last CR LF", .first = T(LINE FIELDS), .end = LEAVES, .status = WS_ERR_LOST},
      {.name = "before the last LF", .first = T(LINE FIELDS "\r"), .end = LEAVES, .status = WS_ERR_LOST},
      {.name = "behind an interim response", .first = T("HTTP/1.1 103 Hints\r\n\r\n"), .end = LEAVES, .status = WS_ERR_LOST},
      {.name = "reset inside the head", .first = T(LINE FIELDS), .end = RESETS, .status = WS_ERR_LOST},
  };
  PLAY(rows, NULL);
}

/* What never ends has a limit, long before the deadline. */
static void endless_ones(void) {
  static const trick rows[] = {
      {.name = "a reason", .first = T("HTTP/1.1 101 "), .again = T("reasons "), .times = 100000, .status = BAD},
      {.name = "a version", .first = T("HTTP/1."), .again = T("11111111"), .times = 100000, .status = BAD},
      {.name = "a name", .first = T(LINE), .again = T("X-Endless-"), .times = 100000, .status = BAD},
      {.name = "empty fields", .first = T(LINE FIELDS), .again = T("A:\r\n"), .times = 100000, .status = BAD},
      {.name = "129 fields", .first = T(LINE FIELDS), .again = T("A:\r\n"), .times = 126, .status = BAD},
      {.name = "cookies", .first = T(LINE FIELDS), .again = T("Set-Cookie: a=b\r\n"), .times = 100000, .status = BAD},
      {.name = "interim responses", .again = T("HTTP/1.1 103 Hints\r\n\r\n"), .times = 100000, .status = BAD},
      {.name = "the body of a refusal", .first = T("HTTP/1.1 403 No\r\n\r\n"), .again = T("because "), .times = 100000, .status = WS_ERR_STATUS},
      {.name = "chunks of a refusal", .first = T("HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n"), .again = T("1\r\nx\r\n"),
       .times = 100000, .status = WS_ERR_STATUS},
  };
  PLAY(rows, NULL);
}

/* What a refusal says of its body is not believed: what came is told. */
static void refusals_that_lie(void) {
  static const trick rows[] = {
      {.name = "2^64", .first = T("HTTP/1.1 403 No\r\nContent-Length: 18446744073709551616\r\n\r\nx"), .end = LEAVES, .status = WS_ERR_STATUS},
      {.name = "forty digits",
       .first = T("HTTP/1.1 403 No\r\nContent-Length: 9999999999999999999999999999999999999999\r\n\r\nx"), .end = LEAVES, .status = WS_ERR_STATUS},
      {.name = "below zero", .first = T("HTTP/1.1 403 No\r\nContent-Length: -1\r\n\r\nx"), .end = LEAVES, .status = WS_ERR_STATUS},
      {.name = "two lengths", .first = T("HTTP/1.1 403 No\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\nx"), .end = LEAVES, .status = WS_ERR_STATUS},
      {.name = "a body that does not come", .first = T("HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n"), .status = WS_ERR_STATUS},
  };
  PLAY(rows, NULL);
}

/* Slow ones are held to one deadline, however often something comes. */
static void slow_ones(void) {
  static const trick rows[] = {
      {.name = "a byte at a time", .first = T(LINE), .again = T("A"), .times = 500},
      {.name = "interim responses", .again = T("HTTP/1.1 103 Hints\r\n\r\n"), .times = 15},
  };
  for (int i = 0; i < 2; i++) {
    evil server = {.row = &rows[i], .piece = i == 0 ? 1 : 22, .pause = 20};
    ws_conn *conn;
    ws_failure got;
    int64_t start = check_ms();
    EXPECT_STATUS(dial_evil(&server, NULL, 150, &conn, &got), WS_ERR_TIMEOUT);
    EXPECT(conn == NULL);
    EXPECT_WITHIN(start, 600);
    evil_end(&server);
  }
}

#define TO(location) T("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " location "\r\n\r\n")

/* RFC 9110 10.2.2. A Location is the peer's text: none of these leads anywhere. */
static void locations_that_lead_astray(void) {
  static const trick rows[] = {
      {.name = "another scheme", .first = TO("file:///etc/passwd"), .status = WS_ERR_STATUS},
      {.name = "backslashes", .first = TO("ws:\\\\127.0.0.1\\"), .status = WS_ERR_STATUS},
      {.name = "no host", .first = TO("ws:///x"), .status = WS_ERR_STATUS},
      {.name = "two hosts", .first = TO("ws://127.0.0.1@evil@localhost/"), .status = WS_ERR_STATUS},
      {.name = "a port beyond all", .first = TO("ws://127.0.0.1:65616/"), .status = WS_ERR_STATUS},
      {.name = "a sign before the port", .first = TO("ws://127.0.0.1:+80/"), .status = WS_ERR_STATUS},
      {.name = "half an address", .first = TO("ws://[::1/"), .status = WS_ERR_STATUS},
      {.name = "a tab inside", .first = TO("ws://127.0.0.1/\tx"), .status = WS_ERR_STATUS},
      {.name = "nothing", .first = TO(""), .status = WS_ERR_STATUS},
      {.name = "a NUL", .first = TO("/\0x"), .status = BAD},
      {.name = "a bare CR", .first = TO("/\rX: y"), .status = BAD},
  };
  ws_dialer *dialer;
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_set_redirects(dialer, 5, NULL, NULL, NULL), WS_OK);
  PLAY(rows, dialer);
}

static const check_test tests[] = {
    TEST(heads_that_are_bent),
    TEST(answers_that_cheat),
    TEST(what_comes_behind_a_good_answer),
    TEST(servers_that_leave),
    TEST(endless_ones),
    TEST(refusals_that_lie),
    TEST(slow_ones),
    TEST(locations_that_lead_astray),
};
TEST_MAIN(tests)
