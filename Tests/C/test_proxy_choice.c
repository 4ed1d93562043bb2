/* Which proxy a connection goes through, how long it may take, and that a cancel is heard at every step of the way.
 */
#include "busy.h"
#include "proxy.h"

static ws_conn *conn;
static ws_failure got;
static int freed;

static void count_free(void *user) WS_NOEXCEPT { (void)user, freed += 1; }

/* ---- Callbacks ---- */

/* What a chooser answers, and what it was asked. */
typedef struct chooser {
  const char *answer; /* NULL: a number instead */
  int number;
  char asked[200];
  size_t room;
} chooser;

static int choose(const char *url, char *space, size_t room, void *user) WS_NOEXCEPT {
  chooser *self = user;
  snprintf(self->asked, sizeof self->asked, "%s", url);
  self->room = room;
  if (self->answer == NULL) return self->number;
  memcpy(space, self->answer, strlen(self->answer));
  return (int)strlen(self->answer);
}

static ws_dialer *choosing(chooser *self) {
  ws_dialer *dialer = tls_dialer();
  EXPECT_STATUS(ws_dialer_set_proxy_callback(dialer, choose, self, count_free), WS_OK);
  return dialer;
}

static void a_callback_chooses(void) {
  chooser c = {.answer = ""};
  proxy p = {.steps = {HEAD("HTTP/1.1 599 Here\r\n\r\n")}, .leaves = 1};
  freed = 0;
  proxy_start(&p);
  char url[200];
  snprintf(url, sizeof url, "%s", proxy_url(&p, "http", ""));
  c.answer = url;
  EXPECT_STATUS(proxy_dial(choosing(&c), "wss://alice:hunter2@Target.test:99/a?b=c", &conn, &got), WS_ERR_PROXY);
  EXPECT_INT(got.http_status, 599);
  EXPECT_TEXT(c.asked, "wss://target.test:99/a?b=c");
  EXPECT(c.room >= 1024);
  EXPECT_INT(freed, 1);
  proxy_stop(&p);
}

static void a_callback_may_choose_none(void) {
  chooser c = {.number = 0};
  echoes server;
  char url[64];
  echoes_start(&server, NULL);
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", server.port);
  REQUIRE_STATUS(proxy_dial(choosing(&c), url, &conn, &got), WS_OK);
  echoes_back(conn, 10);
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  EXPECT_TEXT(c.asked, url);
  echoes_stop(&server);
}

static void a_callback_may_refuse_or_talk_nonsense(void) {
  static const wanted bad = {.code = WS_ERR_PROXY, .who = WS_BY_US, .text = "the proxy's URL is not a good one"};
  static const wanted refused = {.code = WS_ERR_CALLBACK, .who = WS_BY_US, .text = "handler"};
  static const struct {
    const char *answer;
    int number;
    const wanted *want;
  } rows[] = {
      {NULL, -1, &refused},
      {NULL, INT32_MIN, &refused},
      {NULL, 1000000, &bad},
      {"ftp://127.0.0.1", 0, &bad},
      {"http://alice:hunter2@", 0, &bad},
      {"http://alice:hunter2@127.0.0.1:0", 0, &bad},
      {"socks5://hunter2\r\n@x", 0, &bad},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    chooser c = {.answer = rows[i].answer, .number = rows[i].number};
    int status = proxy_dial(choosing(&c), "ws://target.test/", &conn, &got);
    expect_failure(&got, status, *rows[i].want);
  }
}

static void urls_that_are_no_proxys(void) {
  static const char *const urls[] = {"", "http://", "ftp://x", "socks4://x", "ws://x", "http://x:0", "http://x:65536", "http://a@b@c", "http://x#y",
                                     "http://x y", "http://\xff", "http://[::1", "socks5://%zz@x", "http://a%0d%0a:b@x", "//x"};
  ws_dialer *dialer;
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    int status = ws_dialer_set_proxy(dialer, urls[i]);
    if (status != WS_ERR_PROXY) check_fail(__FILE__, __LINE__, "\"%s\" gave %d", urls[i], status);
  }
  EXPECT_STATUS(ws_dialer_set_proxy(dialer, "127.0.0.1:8080"), WS_OK);
  EXPECT_STATUS(ws_dialer_set_proxy(dialer, "HTTPS://u:p@[::1]:8080/path"), WS_OK);
  char long_user[600] = "socks5://";
  memset(long_user + 9, 'u', 256);
  strcpy(long_user + 265, "@x");
  EXPECT_STATUS(ws_dialer_set_proxy(dialer, long_user), WS_ERR_PROXY);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

/* The last call counts; and a configuration in use is not changed. */
static void the_last_call_counts(void) {
  chooser c = {.number = -1};
  ws_dialer *dialer = choosing(&c);
  freed = 0;
  EXPECT_STATUS(ws_dialer_set_proxy(dialer, "127.0.0.1:1"), WS_OK);
  EXPECT_INT(freed, 1);
  EXPECT_STATUS(ws_dialer_set_proxy_callback(dialer, choose, &c, count_free), WS_OK);
  EXPECT_STATUS(ws_dialer_set_proxy_from_environment(dialer, 0), WS_OK);
  EXPECT_INT(freed, 2);
  EXPECT_STATUS(ws_dialer_set_proxy(dialer, NULL), WS_OK);
  EXPECT_STATUS(ws_dialer_set_proxy_callback(dialer, NULL, &c, count_free), WS_OK);
  EXPECT_INT(freed, 3);
  got = none();
  EXPECT_STATUS(ws_dialer_dial(dialer, "ws://127.0.0.1:1/", 0, &conn, &got), WS_ERR_CONNECT);
  EXPECT(strstr(got.text, "proxy") == NULL);
  EXPECT_STATUS(ws_dialer_set_proxy(dialer, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_proxy_from_environment(dialer, 1), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_proxy_callback(dialer, choose, &c, count_free), WS_ERR_STATE);
  EXPECT_INT(freed, 4);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

/* ---- The environment ---- */

static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                        "no_proxy", "NO_PROXY", "REQUEST_METHOD"};

/* "name=value" settings, up to four; and whether a URL then goes through the proxy, which refuses with 599. */
static void expect_way(const char *const settings[4], const char *url, int through) {
  proxy p = {.steps = {HEAD("HTTP/1.1 599 Here\r\n\r\n")}, .leaves = 1};
  proxy_start(&p);
  for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) unsetenv(variables[i]);
  for (int i = 0; i < 4 && settings[i] != NULL; i++) {
    char name[32], value[200];
    const char *equals = strchr(settings[i], '=');
    snprintf(name, sizeof name, "%.*s", (int)(equals - settings[i]), settings[i]);
    snprintf(value, sizeof value, "%s", strcmp(equals, "=PROXY") == 0 ? proxy_url(&p, "http", "") : equals + 1);
    setenv(name, value, 1);
  }
  ws_dialer *dialer = tls_dialer();
  EXPECT_STATUS(ws_dialer_set_proxy_from_environment(dialer, 1), WS_OK);
  for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) unsetenv(variables[i]); /* it was read before */
  got = none();
  int status = ws_dialer_dial(dialer, url, ws_in_ms(through ? check_limit(PEER_WAIT) : check_limit(200)), &conn, &got);
  if ((status == WS_ERR_PROXY) != through) {
    check_fail(__FILE__, __LINE__, "%s with %s %s: %d, %s", url, settings[0] == NULL ? "" : settings[0],
               settings[1] == NULL ? "" : settings[1], status, got.text);
  }
  EXPECT(conn == NULL && p.served == through);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  proxy_stop(&p);
}

static void the_environment_is_read(void) {
  static const struct {
    const char *settings[4];
    const char *url;
    int through;
  } rows[] = {
      {{NULL}, "ws://127.0.0.1:1/", 0},
      {{"http_proxy=PROXY"}, "ws://target.test/", 1},
      {{"HTTP_PROXY=PROXY"}, "ws://target.test/", 1},
      {{"http_proxy=PROXY", "HTTP_PROXY=ftp://x"}, "ws://target.test/", 1},
      {{"HTTP_PROXY=PROXY", "REQUEST_METHOD=GET"}, "ws://target.invalid/", 0},
      {{"http_proxy=PROXY", "REQUEST_METHOD=GET"}, "ws://target.test/", 1},
      {{"https_proxy=PROXY"}, "wss://target.test/", 1},
      {{"HTTPS_PROXY=PROXY"}, "wss://target.test/", 1},
      {{"https_proxy=PROXY"}, "ws://target.invalid/", 0},
      {{"http_proxy=PROXY"}, "wss://target.invalid/", 0},
      {{"all_proxy=PROXY"}, "ws://target.test/", 1},
      {{"ALL_PROXY=PROXY"}, "wss://target.test/", 1},
      {{"all_proxy=ftp://x", "http_proxy=PROXY"}, "ws://target.test/", 1},
      {{"http_proxy=PROXY"}, "ws://127.0.0.1:1/", 0},
      {{"http_proxy=PROXY"}, "ws://[::1]:1/", 0},
      {{"http_proxy=PROXY"}, "ws://localhost:1/", 0},
      {{"http_proxy=PROXY", "no_proxy=invalid"}, "ws://a.invalid/", 0},
      {{"http_proxy=PROXY", "NO_PROXY=x.test, .invalid"}, "ws://a.invalid/", 0},
      {{"http_proxy=PROXY", "no_proxy=nvalid"}, "ws://a.invalid/", 1},
      {{"http_proxy=PROXY", "no_proxy=*"}, "ws://a.invalid/", 0},
      {{"http_proxy=PROXY", "no_proxy=a.invalid:81"}, "ws://a.invalid/", 1},
      {{"http_proxy=PROXY", "no_proxy=a.invalid:80"}, "ws://a.invalid/", 0},
      {{"http_proxy=PROXY", "no_proxy=192.0.2.0/24"}, "ws://192.0.3.1/", 1},
      {{"http_proxy=PROXY", "no_proxy=192.0.2.0/24"}, "ws://192.0.2.1/", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) expect_way(rows[i].settings, rows[i].url, rows[i].through);
}

static void a_bad_url_in_the_environment_fails_the_attempt(void) {
  setenv("all_proxy", "socks4://alice:hunter2@127.0.0.1", 1);
  ws_dialer *dialer = tls_dialer();
  EXPECT_STATUS(ws_dialer_set_proxy_from_environment(dialer, 1), WS_OK);
  unsetenv("all_proxy");
  int status = proxy_dial(dialer, "ws://target.test/", &conn, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_PROXY, .who = WS_BY_US, .text = "the proxy's URL"});
}

/* ---- Time ---- */

/* A step at which the way stops: a script, and how the proxy is spoken to. */
typedef struct silent {
  const char *name, *scheme;
  proxy script;
  const char *text;
} silent;

static const silent steps[] = {
    {"connecting", "http", {.steps = {{NULL, 0, NULL, 0}}}, "while connecting"},
    {"CONNECT", "http", {.steps = {HEAD("")}}, "while waiting for the proxy"},
    {"half an answer", "http", {.steps = {HEAD("HTTP/1.1 200 OK\r\n")}}, "while waiting for the proxy"},
    {"TLS to the proxy", "https", {.steps = {HEAD("")}}, "while waiting for the TLS handshake"},
    {"SOCKS methods", "socks5", {.steps = {BYTES("\5\1\0", "")}}, "while waiting for the proxy"},
    {"SOCKS reply", "socks5", {.steps = {BYTES("\5\1\0", "\5\0"), BYTES("\5\1\0\3\13target.test\1\273", "\5\0\0")}},
     "while waiting for the proxy"},
    {"TLS behind the proxy", "http", {.steps = {HEAD(CONNECTED)}}, "while waiting for the TLS handshake"},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

/* The URL of a proxy that stops there; only the first one takes no connections. */
static const char *stopping(int step, proxy *p, peer_queue *queue) {
  *p = steps[step].script;
  if (step > 0) proxy_start(p);
  else p->port = peer_fill(queue);
  return proxy_url(p, steps[step].scheme, "");
}

static void started_no_more(int step, proxy *p, peer_queue *queue) {
  if (step > 0) proxy_stop(p);
  else peer_leave(queue);
}

static void each_step_has_its_time(void) {
  for (int i = 0; i < STEPS; i++) {
    proxy p;
    peer_queue queue;
    ws_dialer *dialer = proxy_dialer(stopping(i, &p, &queue));
    EXPECT_STATUS(ws_dialer_set_timeout(dialer, 120), WS_OK);
    got = none();
    int64_t start = check_ms();
    int status = ws_dialer_dial(dialer, "wss://target.test/", 0, &conn, &got);
    EXPECT(check_ms() - start >= 119);
    EXPECT_WITHIN(start, 1000);
    expect_failure(&got, status, (wanted){.code = WS_ERR_TIMEOUT, .who = WS_BY_TIMER, .limit = 120000000, .text = steps[i].text});
    EXPECT((strncmp(got.text, "proxy: ", 7) == 0) == (i + 1 < STEPS));
    EXPECT(strstr(got.text, "ws_dialer_set_timeout") != NULL);
    EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
    started_no_more(i, &p, &queue);
  }
}

typedef struct waiting {
  ws_dial *dial;
  int64_t ended;
  busy_call busy;
} waiting;

static int run_dial(void *argument) {
  waiting *self = argument;
  int status = ws_dial_run(self->dial, WS_NEVER, &conn, NULL);
  self->ended = check_ms();
  return status;
}

/* The best of five: one good round proves the point on a busy machine. */
static void each_step_can_be_cancelled(void) {
  for (int i = 0; i < STEPS; i++) {
    int64_t best = 1000000;
    for (int round = 0; round < 5 && best >= 50; round++) {
      proxy p;
      peer_queue queue;
      waiting self;
      ws_dialer *dialer = proxy_dialer(stopping(i, &p, &queue));
      REQUIRE_STATUS(ws_dial_new(dialer, "wss://target.test/", &self.dial, NULL), WS_OK);
      busy_block(&self.busy, run_dial, &self);
      EXPECT_INT(busy_status(&self.busy), STILL_BLOCKED);
      int64_t start = check_ms();
      EXPECT_STATUS(ws_dial_cancel(self.dial), WS_OK);
      EXPECT_STATUS(busy_join(&self.busy), WS_ERR_ABORTED);
      if (self.ended - start < best) best = self.ended - start;
      EXPECT_STATUS(ws_dial_free(self.dial) + ws_dialer_free(dialer), WS_OK);
      started_no_more(i, &p, &queue);
    }
    if (best >= check_limit(50)) check_fail(__FILE__, __LINE__, "%s: cancelled after %d ms", steps[i].name, (int)best);
  }
}

/* Failures on the way to a proxy are not the server's. */
static void a_proxy_that_is_not_there(void) {
  uint16_t port;
  char url[64];
  int silent = peer_bind(&port);
  snprintf(url, sizeof url, "http://alice:hunter2@127.0.0.1:%d", port);
  int status = proxy_dial(proxy_dialer(url), "ws://target.test/", &conn, &got);
  expect_failure(&got, status,
                 (wanted){.code = WS_ERR_CONNECT, .who = WS_BY_SYSTEM, .os_errno = ECONNREFUSED, .text = "proxy: no address"});
  close(silent);
  status = proxy_dial(proxy_dialer("http://nobody.invalid:80"), "ws://127.0.0.1:1/", &conn, &got);
  EXPECT(status == WS_ERR_RESOLVE || status == WS_ERR_TIMEOUT);
  EXPECT(strncmp(got.text, "proxy: ", 7) == 0);
}

/* What is given as a descriptor is the way. */
static void a_descriptor_needs_no_proxy(void) {
  wire w;
  int ends[2];
  ws_dialer *dialer = proxy_dialer("http://127.0.0.1:1");
  peer_sockets(ends);
  REQUIRE(wire_open_client(&w, dialer, ends));
  EXPECT_STATUS(ws_conn_free(w.conn) + ws_dialer_free(dialer), WS_OK);
  close(w.fd);
}

static const check_test tests[] = {
    TEST(a_callback_chooses),
    TEST(a_callback_may_choose_none),
    TEST(a_callback_may_refuse_or_talk_nonsense),
    TEST(urls_that_are_no_proxys),
    TEST(the_last_call_counts),
    TEST(the_environment_is_read),
    TEST(a_bad_url_in_the_environment_fails_the_attempt),
    TEST(each_step_has_its_time),
    TEST(each_step_can_be_cancelled),
    TEST(a_proxy_that_is_not_there),
    TEST(a_descriptor_needs_no_proxy),
};
TEST_MAIN(tests)
