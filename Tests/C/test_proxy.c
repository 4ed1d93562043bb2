/* Connections through proxies: what is asked of them, what they answer, and what is left of it for the server.
 */
#include "proxy.h"

static ws_conn *conn;
static ws_failure got;

/* One echo through a proxy that plays the script of p, from the URL of the server and the userinfo of the proxy. */
static void echo_through(proxy *p, const char *scheme, const char *userinfo, const char *url, ws_upgrader *upgrader) {
  echoes server;
  echoes_start(&server, upgrader);
  p->passes_on = 1;
  p->target = server.port;
  proxy_start(p);
  if (EXPECT_STATUS(proxy_dial(proxy_dialer(proxy_url(p, scheme, userinfo)), url, &conn, &got), WS_OK)) {
    static const size_t sizes[] = {0, 5, 70000, 300000};
    for (int i = 0; i < 4; i++) echoes_back(conn, sizes[i]);
    EXPECT_STATUS(ws_conn_close(conn, 1000, NULL, 0, ws_in_ms(check_limit(PEER_WAIT))), WS_OK);
  } else {
    check_fail(__FILE__, __LINE__, "%s", got.text);
  }
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  EXPECT_INT(p->served, 1);
  proxy_stop(p);
  echoes_stop(&server);
}

/* ---- HTTP ---- */

static void connect_asks_for_a_tunnel(void) {
  static const struct {
    const char *url, *host;
  } rows[] = {
      {"ws://target.test/", "target.test:80"},      {"ws://target.test:8080/x?y", "target.test:8080"},
      {"ws://127.0.0.9/", "127.0.0.9:80"},          {"ws://[::1]:99/", "[::1]:99"},
      {"ws://alice:hunter2@TARGET.test/", "target.test:80"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char wanted[200];
    proxy p = {.steps = {HEAD(CONNECTED)}};
    echo_through(&p, "http", "", rows[i].url, NULL);
    snprintf(wanted, sizeof wanted, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", rows[i].host, rows[i].host);
    EXPECT_TEXT(p.head, wanted);
  }
}

static void users_and_passwords_go_along(void) {
  static const struct {
    const char *userinfo, *field;
  } rows[] = {
      {"", ""},
      {"alice:hunter2@", "Proxy-Authorization: Basic YWxpY2U6aHVudGVyMg==\r\n"},
      {"alice@", "Proxy-Authorization: Basic YWxpY2U6\r\n"},
      {"al%69ce:hunter%32@", "Proxy-Authorization: Basic YWxpY2U6aHVudGVyMg==\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char wanted[200];
    proxy p = {.steps = {HEAD(CONNECTED)}};
    echo_through(&p, "http", rows[i].userinfo, "ws://target.test/", NULL);
    snprintf(wanted, sizeof wanted, "CONNECT target.test:80 HTTP/1.1\r\nHost: target.test:80\r\n%s\r\n", rows[i].field);
    EXPECT_TEXT(p.head, wanted);
  }
}

static void answers_that_open_the_way(void) {
  static const char *const answers[] = {
      "HTTP/1.1 200\r\n\r\n",
      "HTTP/1.0 200 OK\r\n\r\n",
      "HTTP/1.1 204 Fine\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\n",
      ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" CONNECTED),
  };
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    proxy p = {.steps = {{NULL, 0, answers[i], strlen(answers[i])}}};
    echo_through(&p, "http", "", "ws://target.test/", NULL);
  }
}

/* Whatever comes behind the proxy's head in the same segment is the server's. */
static void bytes_behind_the_answer_are_kept(void) {
  proxy p = {.steps = {HEAD(CONNECTED "HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nsorry"), HEAD("")}, .leaves = 1};
  ws_dial *dial;
  int32_t status;
  ws_bytes body;
  proxy_start(&p);
  got = none();
  ws_dialer *dialer = proxy_dialer(proxy_url(&p, "http", ""));
  REQUIRE_STATUS(ws_dial_new(dialer, "ws://target.test/", &dial, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_run(dial, ws_in_ms(check_limit(PEER_WAIT)), &conn, &got), WS_ERR_STATUS);
  EXPECT_STATUS(ws_dial_response(dial, &status, NULL, &body), WS_OK);
  EXPECT_INT(status, 403);
  EXPECT_BYTES(body.data, body.size, "sorry", 5);
  EXPECT(strstr(got.text, "proxy") == NULL);
  EXPECT_STATUS(ws_dial_free(dial) + ws_dialer_free(dialer), WS_OK);
  proxy_stop(&p);
}

static char *endless;

/* A way that is not opened: what the proxy says, and what we say of it. */
typedef struct refusal {
  const char *userinfo, *say;
  wanted want;
} refusal;

#define REFUSED(status) {.code = WS_ERR_PROXY, .who = WS_BY_PEER, .http_status = status, .text = "status: " #status}
#define NOT_HTTP {.code = WS_ERR_PROXY, .who = WS_BY_PEER, .text = "not HTTP/1.x"}

static void answers_that_do_not(void) {
  const refusal rows[] = {
      {"", "HTTP/1.1 502\r\n\r\n", REFUSED(502)},
      {"", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nno\n", REFUSED(502)},
      {"", "HTTP/1.1 101 Switching Protocols\r\n\r\n", REFUSED(101)},
      {"", "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1/\r\n\r\n", REFUSED(302)},
      {"", "HTTP/1.1 407 Who\r\n\r\n", {.code = WS_ERR_PROXY, .who = WS_BY_PEER, .text = "wants a user"}},
      {"alice:hunter2@", "HTTP/1.1 407 Who\r\n\r\n", {.code = WS_ERR_PROXY, .who = WS_BY_PEER, .text = "does not accept the user"}},
      {"alice:hunter2@", "HTTP/1.1 403 alice:hunter2\r\n\r\n", REFUSED(403)},
      {"", "\r\n\r\n", NOT_HTTP},
      {"", "SSH-2.0-x\r\n", NOT_HTTP},
      {"", "HTTP/2 200 OK\r\n\r\n", NOT_HTTP},
      {"", "HTTP/1.1 2000 OK\r\n\r\n", NOT_HTTP},
      {"", "HTTP/1.1 200 OK\r\nbad field\r\n\r\n", NOT_HTTP},
      {"", "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n", NOT_HTTP},
      {"", endless, NOT_HTTP},
      {"", "HTTP/1.1 200 OK\r\n", {.code = WS_ERR_LOST, .who = WS_BY_SYSTEM, .text = "proxy: "}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    proxy p = {.steps = {{NULL, 0, rows[i].say, strlen(rows[i].say)}}, .leaves = 1};
    proxy_start(&p);
    wanted want = rows[i].want;
    int status = proxy_dial(proxy_dialer(proxy_url(&p, "http", rows[i].userinfo)), "ws://target.test/", &conn, &got);
    if (want.code == WS_ERR_LOST) want.os_errno = got.os_errno;
    if (want.code == WS_ERR_LOST) want.who = got.who;
    expect_failure(&got, status, want);
    EXPECT(conn == NULL);
    proxy_stop(&p);
  }
}

static void endless_answers(void) {
  enum { SIZE = 60000 };
  endless = calloc(1, SIZE + 1);
  strcpy(endless, "HTTP/1.1 200 OK\r\n");
  while (strlen(endless) + 20 < SIZE) strcat(endless, "Endless: field\r\n");
  answers_that_do_not();
  size_t used = 0;
  endless[0] = '\0';
  while (used + 30 < SIZE) used += (size_t)sprintf(endless + used, "HTTP/1.1 100 Continue\r\n\r\n");
  proxy p = {.steps = {{NULL, 0, endless, used}}, .leaves = 1};
  proxy_start(&p);
  int status = proxy_dial(proxy_dialer(proxy_url(&p, "http", "")), "ws://target.test/", &conn, &got);
  expect_failure(&got, status, (wanted)REFUSED(100));
  proxy_stop(&p);
  free(endless);
}

/* ---- SOCKS 5 ---- */

#define OPENED "\5\0\0\1\0\0\0\0\0\0"
#define NAME "\5\1\0\3\13target.test\0\120"

static void socks_conversations(void) {
  static const struct {
    const char *userinfo, *url;
    proxy script;
  } rows[] = {
      {"", "ws://target.test/", {.steps = {BYTES("\5\1\0", "\5\0"), BYTES(NAME, OPENED)}}},
      {"", "ws://127.0.0.9:99/", {.steps = {BYTES("\5\1\0", "\5\0"), BYTES("\5\1\0\1\177\0\0\11\0\143", OPENED)}}},
      {"", "ws://[::1]/",
       {.steps = {BYTES("\5\1\0", "\5\0"), BYTES("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\120", OPENED)}}},
      {"alice:hunter2@", "ws://target.test/",
       {.steps = {BYTES("\5\2\0\2", "\5\2"), BYTES("\1\5alice\7hunter2", "\1\0"), BYTES(NAME, OPENED)}}},
      {"alice@", "ws://target.test/", {.steps = {BYTES("\5\2\0\2", "\5\2"), BYTES("\1\5alice\0", "\1\0"), BYTES(NAME, OPENED)}}},
      {"alice:hunter2@", "ws://target.test/", {.steps = {BYTES("\5\2\0\2", "\5\0"), BYTES(NAME, OPENED)}}},
      {"", "ws://target.test/", {.steps = {BYTES("\5\1\0", "\5\0"), BYTES(NAME, "\5\0\0\3\4name\1\2")}}},
      {"", "ws://target.test/",
       {.steps = {BYTES("\5\1\0", "\5\0"), BYTES(NAME, "\5\0\0\4\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1")}}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (int j = 0; j < 2; j++) {
      proxy p = rows[i].script;
      echo_through(&p, j == 0 ? "socks5" : "socks5h", rows[i].userinfo, rows[i].url, NULL);
    }
  }
}

static void socks_refusals(void) {
#define SAYS(part) {.code = WS_ERR_PROXY, .who = WS_BY_PEER, .text = part}
#define REPLY(number, part) {"", {.steps = {BYTES("\5\1\0", "\5\0"), BYTES(NAME, "\5" number "\0\1\0\0\0\0\0\0")}}, SAYS(part)}
  static const struct {
    const char *userinfo;
    proxy script;
    wanted want;
  } rows[] = {
      REPLY("\1", "general failure"),
      REPLY("\2", "not allowed"),
      REPLY("\3", "network unreachable"),
      REPLY("\4", "host unreachable"),
      REPLY("\5", "connection refused"),
      REPLY("\6", "time to live"),
      REPLY("\7", "command not supported"),
      REPLY("\10", "address type"),
      REPLY("\11", "unknown reply"),
      REPLY("\377", "unknown reply"),
      {"", {.steps = {BYTES("\5\1\0", "\5\377")}}, SAYS("wants a user")},
      {"alice:hunter2@", {.steps = {BYTES("\5\2\0\2", "\5\377")}}, SAYS("does not accept the user")},
      {"alice:hunter2@", {.steps = {BYTES("\5\2\0\2", "\5\2"), BYTES("\1\5alice\7hunter2", "\1\1")}}, SAYS("does not accept the user")},
      {"", {.steps = {BYTES("\5\1\0", "\5\2")}}, SAYS("not well-formed")},
      {"", {.steps = {BYTES("\5\1\0", "\4\0")}}, SAYS("does not speak SOCKS 5")},
      {"", {.steps = {BYTES("\5\1\0", "HTTP/1.1 400 Bad\r\n\r\n")}}, SAYS("does not speak SOCKS 5")},
      {"", {.steps = {BYTES("\5\1\0", "\5\0"), BYTES(NAME, "\5\0\0\2\0\0\0\0\0\0")}}, SAYS("not well-formed")},
      {"alice:hunter2@", {.steps = {BYTES("\5\2\0\2", "\5\2"), BYTES("\1\5alice\7hunter2", "\5\0")}}, SAYS("not well-formed")},
      {"", {.steps = {BYTES("\5\1\0", "\5")}}, {.code = WS_ERR_LOST, .who = WS_BY_PEER, .text = "proxy: "}},
      {"", {.steps = {BYTES("\5\1\0", "\5\0"), BYTES(NAME, "\5\0\0\3\377abc")}}, {.code = WS_ERR_LOST, .who = WS_BY_PEER, .text = "proxy: "}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    proxy p = rows[i].script;
    p.leaves = 1;
    proxy_start(&p);
    int status = proxy_dial(proxy_dialer(proxy_url(&p, "socks5", rows[i].userinfo)), "ws://target.test/", &conn, &got);
    expect_failure(&got, status, rows[i].want);
    proxy_stop(&p);
  }
}

/* ---- TLS ---- */

/* An upgrader whose context a proxy may use. */
static ws_upgrader *lent(const char *certificate) {
  char chain[64], key[64];
  ws_upgrader *upgrader = NULL;
  snprintf(chain, sizeof chain, "%s.pem", certificate);
  snprintf(key, sizeof key, "%s.key", certificate);
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_tls_context_hook(upgrader, proxy_borrow, NULL, NULL), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_tls_certificate(upgrader, tls_file(chain), tls_file(key), NULL), WS_OK);
  return upgrader;
}

static void tls_through_proxies(void) {
  static const struct {
    const char *scheme;
    proxy script;
  } rows[] = {
      {"http", {.steps = {HEAD(CONNECTED)}}},
      {"https", {.steps = {HEAD(CONNECTED)}, .is_tls = 1}},
      {"socks5", {.steps = {BYTES("\5\1\0", "\5\0"), BYTES("\5\1\0\3\11localhost\1\273", OPENED)}}},
  };
  ws_upgrader *upgrader = lent("good");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    proxy p = rows[i].script;
    echo_through(&p, rows[i].scheme, "", "wss://localhost/", tls_upgrader("good"));
  }
  proxy p = {.steps = {HEAD(CONNECTED)}, .is_tls = 1};
  echo_through(&p, "https", "alice:hunter2@", "ws://target.test/", NULL);
  EXPECT(strstr(p.head, "Basic YWxpY2U6aHVudGVyMg==") != NULL);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

/* The name of the server is checked behind a proxy as before it, and the proxy's own is too. */
static void names_are_checked_on_both_ways(void) {
  echoes server;
  echoes_start(&server, tls_upgrader("wronghost"));
  proxy p = {.steps = {HEAD(CONNECTED)}, .passes_on = 1, .target = server.port};
  proxy_start(&p);
  int status = proxy_dial(proxy_dialer(proxy_url(&p, "http", "")), "wss://localhost/", &conn, &got);
  EXPECT_STATUS(status, WS_ERR_TLS);
  EXPECT_INT(got.tls_verify, TLS_WRONG_NAME);
  EXPECT(strstr(got.text, "proxy") == NULL && strstr(got.text, "localhost") != NULL);
  proxy_stop(&p);
  ws_upgrader *upgrader = lent("wronghost");
  proxy q = {.steps = {HEAD(CONNECTED)}, .is_tls = 1};
  proxy_start(&q);
  status = proxy_dial(proxy_dialer(proxy_url(&q, "https", "alice:hunter2@")), "wss://localhost/", &conn, &got);
  EXPECT_STATUS(status, WS_ERR_TLS);
  EXPECT_INT(got.tls_verify, TLS_WRONG_ADDRESS);
  EXPECT(strncmp(got.text, "proxy: ", 7) == 0 && strstr(got.text, "127.0.0.1") != NULL);
  EXPECT(q.head[0] == '\0'); /* nothing was asked of it */
  ws_dialer *dialer = proxy_dialer(proxy_url(&q, "https", ""));
  EXPECT_STATUS(ws_dialer_set_tls_server_name(dialer, "other.example"), WS_OK); /* the server's, not the proxy's */
  EXPECT_STATUS(proxy_dial(dialer, "wss://localhost/", &conn, &got), WS_ERR_TLS);
  proxy_stop(&q);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  echoes_stop(&server);
}

static const check_test tests[] = {
    TEST(connect_asks_for_a_tunnel),
    TEST(users_and_passwords_go_along),
    TEST(answers_that_open_the_way),
    TEST(bytes_behind_the_answer_are_kept),
    TEST(endless_answers),
    TEST(socks_conversations),
    TEST(socks_refusals),
    TEST(tls_through_proxies),
    TEST(names_are_checked_on_both_ways),
};
TEST_MAIN(tests)
