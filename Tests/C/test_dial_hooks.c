/* What a program may do itself while a connection is opened: cookies, being told of each step, connecting.
 */
#include "dial_script.h"

#include <limits.h>

/* ---- Cookies ---- */

static void expect_cookies(const ws_cookie_jar *jar, const char *url, const char *wanted) {
  char text[300];
  size_t size = 9;
  EXPECT_STATUS(ws_cookie_jar_get(jar, url, text, sizeof text - 1, &size), WS_OK);
  text[size] = '\0';
  EXPECT_TEXT(text, wanted);
}

static void a_jar_by_hand(void) {
  ws_cookie_jar *jar;
  size_t size = 9;
  char text[4];
  REQUIRE_STATUS(ws_cookie_jar_new(&jar), WS_OK);
  expect_cookies(jar, "ws://a.test/", "");
  EXPECT_STATUS(ws_cookie_jar_set(jar, "ws://a.test/x/y", "one=1; Path=/"), WS_OK);
  EXPECT_STATUS(ws_cookie_jar_set(jar, "wss://a.test/", "__Host-two=2; Secure; Path=/"), WS_OK);
  EXPECT_STATUS(ws_cookie_jar_set(jar, "wss://a.test/", "old=3; Max-Age=0"), WS_OK);
  EXPECT_STATUS(ws_cookie_jar_set(jar, "ws://a.test/", "not=stored; Secure"), WS_OK);
  EXPECT_STATUS(ws_cookie_jar_set(jar, "ws://a.test/", ""), WS_OK);
  expect_cookies(jar, "ws://a.test/z", "one=1");
  expect_cookies(jar, "wss://A.test/z", "one=1; __Host-two=2");
  expect_cookies(jar, "ws://b.a.test/", "");
  EXPECT_STATUS(ws_cookie_jar_get(jar, "ws://a.test/", text, sizeof text, &size), WS_ERR_ROOM);
  EXPECT_INT(size, 5);
  EXPECT_STATUS(ws_cookie_jar_get(jar, "http://a.test/", text, sizeof text, &size), WS_ERR_URL);
  EXPECT_INT(size, 0);
  EXPECT_STATUS(ws_cookie_jar_set(jar, "a.test", "one=1"), WS_ERR_URL);
  EXPECT_STATUS(ws_cookie_jar_set(jar, "ws://a.test/", NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_cookie_jar_get(jar, "ws://a.test/", NULL, 4, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_cookie_jar_get(jar, "ws://a.test/", text, 4, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_cookie_jar_free(jar), WS_OK);
}

/* Of one host the cookies that clear text may set make room first. RFC 6265bis 5.7. */
static void clear_text_pushes_out_its_own_cookies(void) {
  ws_cookie_jar *jar;
  char field[40];
  REQUIRE_STATUS(ws_cookie_jar_new(&jar), WS_OK);
  EXPECT_STATUS(ws_cookie_jar_set(jar, "wss://a.test/", "session=1; Secure; Path=/x"), WS_OK);
  for (int i = 0; i < 60; i++) {
    snprintf(field, sizeof field, "c%d=%d; Path=/y%d", i, i, i);
    EXPECT_STATUS(ws_cookie_jar_set(jar, "ws://a.test/", field), WS_OK);
  }
  expect_cookies(jar, "wss://a.test/x", "session=1");
  expect_cookies(jar, "wss://a.test/y10", "");
  expect_cookies(jar, "wss://a.test/y11", "c11=11");
  EXPECT_STATUS(ws_cookie_jar_free(jar), WS_OK);
}

/* Cookies come from every response, good or not, and go along with the next request, of another dialer too. */
static void a_jar_of_dialers(void) {
  script server = {.answers = {"HTTP/1.1 403 No\r\nSet-Cookie: a=1\r\nset-cookie: b=2; HttpOnly\r\nSet-Cookie: c=3; Path=/other\r\n\r\n",
                               NULL, "HTTP/1.1 101 Bad\r\nSet-Cookie: e=5\r\n\r\n"},
                   .fields = "Set-Cookie: sessionID=1234\r\n"};
  ws_cookie_jar *jar;
  ws_dialer *one = dialer_new(), *two = dialer_new();
  REQUIRE_STATUS(ws_cookie_jar_new(&jar), WS_OK);
  EXPECT_STATUS(ws_dialer_set_cookie_jar(one, jar), WS_OK);
  EXPECT_STATUS(ws_dialer_set_cookie_jar(two, jar), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(two, "cookie", "own=9"), WS_OK);
  script_start(&server);
  EXPECT_STATUS(dial(one, &server, "/"), WS_ERR_STATUS);
  EXPECT_STATUS(dial(one, &server, "/"), WS_OK);
  EXPECT_STATUS(dial(one, &server, "/"), WS_ERR_HANDSHAKE);
  EXPECT_STATUS(ws_cookie_jar_free(jar), WS_OK); /* the dialers have it still */
  EXPECT_STATUS(dial(one, &server, "/"), WS_OK);
  EXPECT_STATUS(dial(two, &server, "/"), WS_OK);
  EXPECT_STATUS(dial_host(one, &server, "localhost", "/"), WS_OK);
  script_stop(&server);
  expect_field(server.requests[0], "Cookie", "");
  expect_field(server.requests[1], "Cookie", "a=1; b=2");
  expect_field(server.requests[2], "Cookie", "a=1; b=2; sessionID=1234");
  expect_field(server.requests[3], "Cookie", "a=1; b=2; sessionID=1234; e=5");
  EXPECT(strstr(server.requests[4], "Cookie:") == NULL && strstr(server.requests[4], "own=9") != NULL);
  expect_field(server.requests[5], "Cookie", "");
  EXPECT_STATUS(ws_dialer_free(one) + ws_dialer_free(two), WS_OK);
}

/* Cookies of one's own: what was asked and told. */
typedef struct own_cookies {
  const char *answer;
  int number;
  char asked[200], told[400];
} own_cookies;

static int get_cookies(const char *url, char *space, size_t room, void *user) WS_NOEXCEPT {
  own_cookies *self = user;
  snprintf(self->asked, sizeof self->asked, "%s", url);
  if (self->answer == NULL) return self->number;
  EXPECT(room >= 4096);
  memcpy(space, self->answer, strlen(self->answer));
  return (int)strlen(self->answer);
}

static void set_cookie(const char *url, const char *field, void *user) WS_NOEXCEPT {
  own_cookies *self = user;
  size_t used = strlen(self->told);
  snprintf(self->told + used, sizeof self->told - used, "[%s %s]", strrchr(url, '/'), field);
}

static void cookies_of_ones_own(void) {
  static const struct {
    const char *answer;
    int number, status;
  } rows[] = {{"x=1; y=2", 0, WS_OK},         {NULL, 0, WS_OK},
              {NULL, -1, WS_ERR_CALLBACK},    {NULL, INT_MAX, WS_ERR_INVALID},
              {"a=b\r\nX: y", 0, WS_ERR_INVALID}, {"a=\x7f", 0, WS_ERR_INVALID}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    script server = {.fields = "Set-Cookie: a=1\r\nSet-Cookie: b=\r\n"};
    own_cookies own = {.answer = rows[i].answer, .number = rows[i].number};
    ws_dialer *dialer = dialer_new();
    freed = 0;
    EXPECT_STATUS(ws_dialer_set_cookie_callbacks(dialer, get_cookies, set_cookie, &own, count_free), WS_OK);
    script_start(&server);
    EXPECT_STATUS(dial_host(dialer, &server, "alice:hunter2@127.0.0.1", "/p?q"), rows[i].status);
    EXPECT(strstr(own.asked, "ws://127.0.0.1:") == own.asked && strstr(own.asked, "/p?q") != NULL);
    EXPECT_TEXT(own.told, rows[i].status == WS_OK ? "[/p?q a=1][/p?q b=]" : "");
    EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
    EXPECT_INT(freed, 1);
    script_stop(&server);
    if (rows[i].status == WS_OK) expect_field(server.requests[0], "Cookie", rows[i].answer == NULL ? "" : rows[i].answer);
  }
}

/* ---- Steps ---- */

/* The steps of an attempt as one line. */
typedef struct log_line {
  char steps[100], details[1000];
} log_line;

static void note_step(int32_t step, const char *detail, void *user) WS_NOEXCEPT {
  log_line *self = user;
  snprintf(self->steps + strlen(self->steps), 8, "%d ", step);
  size_t used = strlen(self->details);
  snprintf(self->details + used, sizeof self->details - used, "%s|", detail);
}

static void expect_steps(const log_line *line, const char *steps, const char *format, int port) {
  char wanted[1000];
  EXPECT_TEXT(line->steps, steps);
  snprintf(wanted, sizeof wanted, format, port, port, port, port, port, port);
  if (strncmp(line->details, wanted, strlen(wanted)) != 0) {
    check_fail(__FILE__, __LINE__, "\"%s\", not \"%s\"", line->details, wanted);
  }
}

static void every_step_is_told(void) {
  log_line line = {"", ""};
  script server = {.answers = {"HTTP/1.1 103 Hints\r\n\r\n" TO("/next?token=sesame")}};
  ws_dialer *dialer = dialer_new();
  EXPECT_STATUS(ws_dialer_set_trace_callback(dialer, note_step, &line, NULL), WS_OK);
  EXPECT_STATUS(ws_dialer_set_redirects(dialer, 1, NULL, NULL, NULL), WS_OK);
  script_start(&server);
  EXPECT_STATUS(dial_host(dialer, &server, "alice:hunter2@localhost", "/?token=sesame"), WS_OK);
  script_stop(&server);
  expect_steps(&line, "1 2 3 7 8 9 10 1 2 3 7 8 11 ",
               "localhost:%d|localhost:%d|127.0.0.1:%d|||103|localhost:%d|localhost:%d|localhost:%d|127.0.0.1:", server.port);
  for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) EXPECT(strstr(line.details, secrets[i]) == NULL);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

static void a_step_is_told_only_when_it_succeeds(void) {
  log_line line = {"", ""};
  uint16_t port;
  char url[64];
  ws_conn *conn;
  ws_dialer *dialer = dialer_new();
  int silent = peer_bind(&port);
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", port);
  EXPECT_STATUS(ws_dialer_set_trace_callback(dialer, note_step, &line, NULL), WS_OK);
  EXPECT_STATUS(ws_dialer_dial(dialer, url, 0, &conn, NULL), WS_ERR_CONNECT);
  expect_steps(&line, "1 2 11 ", "127.0.0.1:%d|127.0.0.1:%d|no address of the host took the connection", port);
  close(silent);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

static void the_steps_of_tls(void) {
  log_line line = {"", ""};
  tls_pair pair;
  ws_dialer *dialer = tls_dialer();
  ws_upgrader *upgrader = tls_upgrader("good");
  EXPECT_STATUS(ws_dialer_set_trace_callback(dialer, note_step, &line, NULL), WS_OK);
  REQUIRE(tls_open(&pair, dialer, upgrader, "wss://localhost/"));
  expect_steps(&line, "5 6 7 8 11 ", "localhost|TLSv1.3||||", 0);
  tls_close(&pair);
  EXPECT_STATUS(ws_upgrader_free(upgrader) + ws_dialer_free(dialer), WS_OK);
}

/* ---- Connecting ---- */

/* What a function of one's own was asked, and gives: a socket to that port, or a number. */
typedef struct connecting {
  uint16_t to;
  int number;
  char asked[100];
  int64_t deadline;
  ws_dial *cancels;
} connecting;

static int connect_there(const char *host, uint16_t port, int64_t deadline_ns, void *user) WS_NOEXCEPT {
  connecting *self = user;
  snprintf(self->asked, sizeof self->asked, "%s %d", host, port);
  self->deadline = deadline_ns;
  if (self->cancels != NULL) EXPECT_STATUS(ws_dial_cancel(self->cancels), WS_OK);
  return self->to == 0 ? self->number : peer_dial(self->to);
}

static void connecting_by_oneself(void) {
  script server = {.fields = ""};
  script_start(&server);
  connecting own = {.to = server.port};
  ws_dialer *dialer = dialer_new();
  ws_conn *conn;
  freed = 0;
  EXPECT_STATUS(ws_dialer_set_connect_callback(dialer, connect_there, &own, count_free), WS_OK);
  int64_t deadline = ws_in_ms(check_limit(PEER_WAIT));
  EXPECT_STATUS(ws_dialer_dial(dialer, "ws://Nobody.invalid:99/", deadline, &conn, NULL), WS_OK);
  EXPECT_TEXT(own.asked, "nobody.invalid 99");
  EXPECT(own.deadline == deadline);
  EXPECT_STATUS(ws_conn_free(conn) + ws_dialer_free(dialer), WS_OK);
  EXPECT_INT(freed, 1);
  script_stop(&server);
}

/* The way to a proxy is made by it too: TestNetDialConnect. */
static void connecting_to_a_proxy_by_oneself(void) {
  script server = {.answers = {"HTTP/1.1 599 Here\r\n\r\n"}};
  script_start(&server);
  connecting own = {.to = server.port};
  ws_dialer *dialer = dialer_new();
  ws_conn *conn;
  got = none();
  EXPECT_STATUS(ws_dialer_set_connect_callback(dialer, connect_there, &own, NULL), WS_OK);
  EXPECT_STATUS(ws_dialer_set_proxy(dialer, "http://[2001:db8::1]:3128"), WS_OK);
  EXPECT_STATUS(ws_dialer_dial(dialer, "ws://nobody.invalid/", 0, &conn, &got), WS_ERR_PROXY);
  EXPECT_INT(got.http_status, 599);
  EXPECT_TEXT(own.asked, "2001:db8::1 3128");
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  script_stop(&server);
  EXPECT(strncmp(server.requests[0], "CONNECT nobody.invalid:80 HTTP/1.1\r\n", 36) == 0);
}

static void what_connecting_may_give(void) {
  static const struct {
    int number, status, os_errno;
  } rows[] = {{-EHOSTUNREACH, WS_ERR_CONNECT, EHOSTUNREACH}, {-1, WS_ERR_CONNECT, 1}, {1000000, WS_ERR_IO, EBADF}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    connecting own = {.number = rows[i].number};
    ws_dialer *dialer = dialer_new();
    ws_conn *conn;
    got = none();
    EXPECT_STATUS(ws_dialer_set_connect_callback(dialer, connect_there, &own, NULL), WS_OK);
    EXPECT_STATUS(ws_dialer_dial(dialer, "ws://nobody.invalid/", 0, &conn, &got), rows[i].status);
    EXPECT_INT(got.os_errno, rows[i].os_errno);
    EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  }
  script server = {.fields = ""};
  script_start(&server);
  connecting own = {.to = server.port};
  ws_dialer *dialer = dialer_new();
  ws_conn *conn;
  EXPECT_STATUS(ws_dialer_set_connect_callback(dialer, connect_there, &own, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_new(dialer, "ws://nobody.invalid/", &own.cancels, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_run(own.cancels, 0, &conn, NULL), WS_ERR_ABORTED); /* cancelled from inside */
  EXPECT_STATUS(ws_dial_free(own.cancels) + ws_dialer_free(dialer), WS_OK);
  script_stop(&server);
}

static const check_test tests[] = {
    TEST(a_jar_by_hand),
    TEST(clear_text_pushes_out_its_own_cookies),
    TEST(a_jar_of_dialers),
    TEST(cookies_of_ones_own),
    TEST(every_step_is_told),
    TEST(a_step_is_told_only_when_it_succeeds),
    TEST(the_steps_of_tls),
    TEST(connecting_by_oneself),
    TEST(connecting_to_a_proxy_by_oneself),
    TEST(what_connecting_may_give),
};
TEST_MAIN(tests)
