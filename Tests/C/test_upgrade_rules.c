/* Who may connect, and on what terms: Host and Origin (against DNS rebinding and cross-site requests), subprotocols, extra
 * header fields.
 */
#include "request.h"

typedef struct rule {
  const char *allow; /* what the upgrader is told to allow, NULL: nothing */
  const char *field; /* in the request */
  int answer;
} rule;

static ws_upgrader *new_upgrader(void) {
  ws_upgrader *upgrader = NULL;
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  return upgrader;
}

/* Sends one request by one rule over TCP on loopback; forbidden is the error that goes with the answer. */
static void follow(const rule *one, ws_upgrader *upgrader, const char *text, int forbidden) {
  request r;
  request_send_tcp(&r, upgrader, text);
  if (one->answer == 101) {
    if (r.status != WS_OK || request_answer(&r) != 101) {
      check_fail(__FILE__, __LINE__, "\"%s\" with \"%s\" allowed was answered %d", one->field,
                 one->allow == NULL ? "" : one->allow, request_answer(&r));
    }
  } else {
    request_refused(&r, forbidden, one->answer, one->field);
  }
  request_end(&r);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static const rule hosts[] = {
    /* the default on a loopback address */
    {NULL, "localhost", 101},
    {NULL, "LOCALHOST:8080", 101},
    {NULL, "app.localhost", 101},
    {NULL, "127.0.0.1:9001", 101},
    {NULL, "127.9.8.7", 101},
    {NULL, "[::1]:9001", 101},
    {NULL, "example.com", 421},
    {NULL, "localhost.example.com", 421},
    {NULL, "notlocalhost", 421},
    {NULL, "128.0.0.1", 421},
    {NULL, "127.0.0.1.example.com", 421},
    {NULL, "[::2]", 421},
    {NULL, "[::ffff:10.0.0.1]", 421},
    {NULL, "[::ffff:127.0.0.1]", 421},
    {NULL, "localhost.", 421},
    {NULL, "0.0.0.0", 421},
    {NULL, "10.0.0.1", 421},
    /* the first allowed host replaces it */
    {"example.com", "example.com", 101},
    {"example.com", "EXAMPLE.com:443", 101},
    {"example.com", "localhost", 421},
    {"example.com", "127.0.0.1", 421},
    {"example.com", "www.example.com", 421},
    {"example.com", "example.com.evil.org", 421},
    {"example.com", "evil-example.com", 421},
    {"*.example.com", "www.example.com", 101},
    {"*.example.com", "a.b.example.com", 101},
    {"*.example.com", "example.com", 421},
    {"*.example.com", "wwwexample.com", 421},
    {"192.0.2.1", "192.0.2.1:80", 101},
    {"[2001:db8::1]", "[2001:DB8:0::1]", 101},
    {"*", "anything.example", 101},
};

static void hosts_are_checked(void) {
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    char text[512];
    ws_upgrader *upgrader = new_upgrader();
    snprintf(text, sizeof text, REQUEST_LINE "Host: %s\r\n" REQUEST_REST "\r\n", hosts[i].field);
    if (hosts[i].allow != NULL) EXPECT_STATUS(ws_upgrader_add_host(upgrader, hosts[i].allow), WS_OK);
    follow(&hosts[i], upgrader, text, WS_ERR_HOST);
  }
}

/* A Unix socket is no loopback address; who may reach it is a matter of its file. */
static void other_addresses_take_every_host(void) {
  request r;
  request_send(&r, NULL, REQUEST_LINE "Host: example.com\r\n" REQUEST_REST "\r\n");
  EXPECT_INT(request_answer(&r), 101);
  request_end(&r);
}

static const rule origins[] = {
    /* same origin: host and port of Host, and the scheme that goes with no TLS */
    {NULL, "http://localhost:8080", 101},
    {NULL, "http://LOCALHOST:8080", 101},
    {NULL, "https://localhost:8080", 403},
    {NULL, "http://localhost", 403},
    {NULL, "http://localhost:80", 403},
    {NULL, "http://localhost:8081", 403},
    {NULL, "http://localhost:8080/", 403},
    {NULL, "http://a@localhost:8080", 403},
    {NULL, "http://localhost:8080.evil.org", 403},
    {NULL, "http://localhost:8080 http://localhost:8080", 403},
    {NULL, "http://evil.org", 403},
    {NULL, "http://evil.org#localhost:8080", 403},
    {NULL, "localhost:8080", 403},
    {NULL, "//localhost:8080", 403},
    {NULL, "http://", 403},
    {NULL, "", 403},
    {NULL, "null", 403},
    {NULL, "file://", 403},
    {NULL, "chrome-extension://abcdef", 403},
    /* allowed by name */
    {"https://example.com", "https://example.com", 101},
    {"https://example.com", "https://EXAMPLE.com:443", 101},
    {"https://example.com:443", "https://example.com", 101},
    {"https://example.com", "http://example.com", 403},
    {"https://example.com", "https://example.com:8443", 403},
    {"https://example.com", "https://www.example.com", 403},
    {"https://example.com", "https://example.com.evil.org", 403},
    {"https://example.com", "https://evilexample.com", 403},
    {"https://example.com", "http://localhost:8080", 101},
    {"https://example.com:8443", "https://example.com:8443", 101},
    {"https://*.example.com", "https://www.example.com", 101},
    {"https://*.example.com", "https://a.b.example.com", 101},
    {"https://*.example.com", "https://example.com", 403},
    {"https://*.example.com", "https://wwwexample.com", 403},
    {"https://*.example.com", "http://www.example.com", 403},
    {"null", "null", 101},
    {"chrome-extension://abcdef", "chrome-extension://abcdef", 101},
    {"*", "https://anything.example", 101},
    {"*", "null", 101},
    {"http://[::1]:80", "http://[0:0::1]", 101},
};

static void origins_are_checked(void) {
  for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
    char text[512];
    ws_upgrader *upgrader = new_upgrader();
    snprintf(text, sizeof text, REQUEST_LINE "Host: localhost:8080\r\nOrigin: %s\r\n" REQUEST_REST "\r\n", origins[i].field);
    if (origins[i].allow != NULL) EXPECT_STATUS(ws_upgrader_add_origin(upgrader, origins[i].allow), WS_OK);
    follow(&origins[i], upgrader, text, WS_ERR_ORIGIN);
  }
}

typedef struct pairing {
  const char *host;
  const char *origin;
  int is_secure;
  int answer;
} pairing;

/* The same origin in all spellings, and what only looks like it. */
static const pairing pairings[] = {
    {"h.example", "http://h.example", 0, 101},
    {"h.example", "http://h.example:80", 0, 101},
    {"h.example:80", "http://h.example", 0, 101},
    {"h.example", "https://h.example:443", 1, 101},
    {"h.example:443", "https://h.example", 1, 101},
    {"h.example", "https://h.example:443", 0, 403},
    {"h.example:443", "http://h.example:443", 0, 101},
    {"h.example", "http://h.example", 1, 403},
    {"h.example", "http://h.example.evil.com", 0, 403},
    {"h.example", "http://h.exampleevil.com", 0, 403},
    {"h.example", "http://evilh.example", 0, 403},
    {"h.example", "http://a@h.example", 0, 403},
    {"h.example", "http://h.example/", 0, 403},
    {"h.example", "http://h.example?", 0, 403},
    {"h.example", "http://h.example, http://h.example", 0, 403},
    {"h.example", "http://h.example.", 0, 403},
    {"h.example", "http://h.example:080", 0, 101},
    {"h.example", "http://h.example:0", 0, 403},
    {"h.example", "http://h.example:", 0, 403},
    {"h.example", "null", 0, 403},
    {"[::1]", "http://[::1]:80", 0, 101},
    {"[::1]:80", "http://[0:0:0:0:0:0:0:1]", 0, 101},
    {"[::1]", "http://::1", 0, 403},
    {"127.0.0.1", "http://[::ffff:127.0.0.1]", 0, 403},
    {"xn--bcher-kva.example", "http://XN--BCHER-KVA.example", 0, 101},
    {"xn--bcher-kva.example", "http://b\xc3\xbc" "cher.example", 0, 403},
};

static void origin_and_host_are_the_same(void) {
  for (size_t i = 0; i < sizeof pairings / sizeof pairings[0]; i++) {
    char text[512];
    request r;
    ws_upgrader *upgrader = new_upgrader();
    const pairing *now = &pairings[i];
    EXPECT_STATUS(ws_upgrader_set_behind_tls(upgrader, now->is_secure), WS_OK);
    snprintf(text, sizeof text, REQUEST_LINE "Host: %s\r\nOrigin: %s\r\n" REQUEST_REST "\r\n", now->host, now->origin);
    request_send(&r, upgrader, text);
    if (request_answer(&r) != now->answer) {
      check_fail(__FILE__, __LINE__, "%s at %s was answered %d", now->origin, now->host, request_answer(&r));
    }
    request_end(&r);
    EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  }
}

/* The line for the log, and not the answer's body, names both values and the call that allows the origin. */
static void a_refused_origin_in_the_log(void) {
  request r;
  request_send(&r, NULL, REQUEST_LINE REQUEST_HOST "Origin: https://evil.example\r\n" REQUEST_REST "\r\n");
  EXPECT(strstr(r.failure.text, "\"https://evil.example\"") != NULL && strstr(r.failure.text, "\"localhost\"") != NULL);
  EXPECT(strstr(r.failure.text, "ws_upgrader_add_origin") != NULL);
  request_refused(&r, WS_ERR_ORIGIN, 403, "a strange origin");
  request_end(&r);
}

static void two_origins_are_one_too_many(void) {
  request r;
  const char *twice = "Origin: http://localhost\r\nOrigin: http://localhost\r\n";
  char text[512];
  snprintf(text, sizeof text, REQUEST_LINE REQUEST_HOST "%s" REQUEST_REST "\r\n", twice);
  request_send(&r, NULL, text);
  request_refused(&r, WS_ERR_ORIGIN, 403, "two origins");
  request_end(&r);
}

/* The body of a 403 goes to a stranger; which origins are allowed is not for strangers. */
static void a_refusal_does_not_tell_what_is_allowed(void) {
  char rest[2048] = "";
  int ends[2];
  request r;
  ws_upgrader *upgrader = new_upgrader();
  EXPECT_STATUS(ws_upgrader_add_origin(upgrader, "https://secret.example"), WS_OK);
  peer_sockets(ends);
  const char *text = REQUEST_LINE REQUEST_HOST "Origin: https://evil.org\r\n" REQUEST_REST "\r\n";
  request_over(&r, ends, upgrader, text, strlen(text));
  EXPECT_INT(request_answer(&r), 403);
  peer_get(r.fd, rest, sizeof rest - 1);
  EXPECT(strstr(r.head, "secret") == NULL && strstr(rest, "secret") == NULL);
  EXPECT(strstr(rest, "evil.org") == NULL);
  request_end(&r);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static void a_missing_origin_is_no_browser(void) {
  for (int required = 0; required < 2; required++) {
    request r;
    ws_upgrader *upgrader = new_upgrader();
    EXPECT_STATUS(ws_upgrader_set_origin_required(upgrader, required), WS_OK);
    request_send(&r, upgrader, REQUEST_LINE REQUEST_HOST REQUEST_REST "\r\n");
    if (required) request_refused(&r, WS_ERR_ORIGIN, 403, "no origin");
    if (!required) EXPECT_INT(request_answer(&r), 101);
    request_end(&r);
    EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  }
}

static void patterns_that_are_refused(void) {
  static const char *const hosts[] = {"",    "*.",  "a b",   "*.*.com",   "http://example.com",
                                      "a/b", "a@b", "[::1", "ex*mple.com"};
  static const char *const origins[] = {"",
                                        "example.com",
                                        "https://",
                                        "https://example.com/",
                                        "https://a@b",
                                        "https://a b",
                                        "https://*",
                                        "https://a.*.com",
                                        "https://example.com:0",
                                        "https://example.com:65536"};
  ws_upgrader *upgrader = new_upgrader();
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    if (ws_upgrader_add_host(upgrader, hosts[i]) != WS_ERR_INVALID) check_fail(__FILE__, __LINE__, "\"%s\"", hosts[i]);
  }
  for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
    if (ws_upgrader_add_origin(upgrader, origins[i]) != WS_ERR_INVALID) check_fail(__FILE__, __LINE__, "\"%s\"", origins[i]);
  }
  EXPECT_STATUS(ws_upgrader_add_host(upgrader, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_add_origin(upgrader, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

/* The order of the checks: each request has every fault that comes later, and is told of its first one. */
static void the_first_fault_decides(void) {
#define LATER "Sec-WebSocket-Version: 12\r\nOrigin: https://evil.example\r\n"
#define UPGRADES "Upgrade: websocket\r\n"
  static const struct {
    const char *text;
    int status, answer;
  } cases[] = {
      {"POST / HTTP/1.1\r\n" REQUEST_HOST LATER "\r\n", WS_ERR_HANDSHAKE, 426},
      {"POST / HTTP/1.1\r\n" REQUEST_HOST UPGRADES LATER "\r\n", WS_ERR_HANDSHAKE, 400},
      {"POST / HTTP/1.1\r\n" REQUEST_HOST PEER_UPGRADE LATER "\r\n", WS_ERR_HANDSHAKE, 405},
      {"GET / HTTP/1.0\r\n" REQUEST_HOST PEER_UPGRADE LATER "\r\n", WS_ERR_HANDSHAKE, 400},
      {REQUEST_LINE PEER_UPGRADE LATER "\r\n", WS_ERR_HANDSHAKE, 400},
      {REQUEST_LINE "Host: evil.example\r\nContent-Length: 1\r\n" PEER_UPGRADE LATER "\r\n", WS_ERR_HANDSHAKE, 400},
      {REQUEST_LINE "Host: evil.example\r\n" PEER_UPGRADE LATER "\r\n", WS_ERR_HANDSHAKE, 426},
      {REQUEST_LINE "Host: evil.example\r\nOrigin: https://other.example\r\n" PEER_UPGRADE
                    "Sec-WebSocket-Version: 8, 13\r\n\r\n", WS_ERR_HOST, 421},
      {REQUEST_LINE REQUEST_HOST "Origin: https://evil.example\r\n" PEER_UPGRADE "Sec-WebSocket-Version: 13\r\n\r\n",
       WS_ERR_ORIGIN, 403},
      {REQUEST_LINE REQUEST_HOST PEER_UPGRADE "Sec-WebSocket-Version: 13\r\n\r\n", WS_ERR_HANDSHAKE, 400},
      {REQUEST_LINE REQUEST_HOST REQUEST_REST "\r\n", WS_OK, 101},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    request r;
    request_send_tcp(&r, NULL, cases[i].text);
    if (r.status != cases[i].status || request_answer(&r) != cases[i].answer) {
      check_fail(__FILE__, __LINE__, "request %zu gave %d and was answered %d", i, r.status, request_answer(&r));
    }
    request_end(&r);
  }
}

/* The client's order decides, over all its lines. */
static void subprotocols(void) {
  static const struct {
    const char *fields;
    const char *chosen;
  } cases[] = {{"Sec-WebSocket-Protocol: b, a\r\n", "b"},
               {"Sec-WebSocket-Protocol: x, a, b\r\n", "a"},
               {"Sec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: b\r\nSec-WebSocket-Protocol: a\r\n", "b"},
               {"Sec-WebSocket-Protocol: x , y,,b \r\n", "b"},
               {"Sec-WebSocket-Protocol: A, B\r\n", ""},
               {"Sec-WebSocket-Protocol: x\r\n", ""},
               {"", ""}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[512], value[64];
    request r;
    ws_upgrader *upgrader = new_upgrader();
    EXPECT_STATUS(ws_upgrader_add_subprotocol(upgrader, "a"), WS_OK);
    EXPECT_STATUS(ws_upgrader_add_subprotocol(upgrader, "b"), WS_OK);
    EXPECT_STATUS(ws_upgrader_add_subprotocol(upgrader, "a"), WS_ERR_INVALID);
    snprintf(text, sizeof text, REQUEST_LINE REQUEST_HOST "%s" REQUEST_REST "\r\n", cases[i].fields);
    request_send(&r, upgrader, text);
    if (EXPECT_STATUS(r.status, WS_OK)) {
      peer_field(r.head, "Sec-WebSocket-Protocol", value, sizeof value);
      EXPECT_TEXT(value, cases[i].chosen);
      expect_subprotocol(r.conn, cases[i].chosen);
    }
    request_end(&r);
    EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  }
}

static void extra_header_fields(void) {
  char value[64];
  request r;
  ws_upgrader *upgrader = new_upgrader();
  EXPECT_STATUS(ws_upgrader_add_header(upgrader, "Server", "test/1"), WS_OK);
  EXPECT_STATUS(ws_upgrader_add_header(upgrader, "Set-Cookie", "a=b; Path=/"), WS_OK);
  EXPECT_STATUS(ws_upgrader_add_header(upgrader, "Set-Cookie", "c=d"), WS_OK);
  request_send(&r, upgrader, REQUEST_LINE REQUEST_HOST REQUEST_REST "\r\n");
  EXPECT_INT(request_answer(&r), 101);
  peer_field(r.head, "Server", value, sizeof value);
  EXPECT_TEXT(value, "test/1");
  EXPECT(strstr(r.head, "\r\nSet-Cookie: a=b; Path=/\r\n") != NULL && strstr(r.head, "\r\nSet-Cookie: c=d\r\n") != NULL);
  EXPECT_STATUS(ws_upgrader_add_header(upgrader, "X", "y"), WS_ERR_STATE); /* frozen by its first use */
  EXPECT_STATUS(ws_upgrader_add_subprotocol(upgrader, "x"), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_add_host(upgrader, "x"), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_add_origin(upgrader, "https://x"), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_origin_required(upgrader, 1), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_timeout(upgrader, 1), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_read_limit(upgrader, 1), WS_ERR_STATE);
  request_end(&r);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static const check_test tests[] = {
    TEST(hosts_are_checked),
    TEST(other_addresses_take_every_host),
    TEST(origins_are_checked),
    TEST(origin_and_host_are_the_same),
    TEST(a_refused_origin_in_the_log),
    TEST(two_origins_are_one_too_many),
    TEST(a_refusal_does_not_tell_what_is_allowed),
    TEST(a_missing_origin_is_no_browser),
    TEST(patterns_that_are_refused),
    TEST(the_first_fault_decides),
    TEST(subprotocols),
    TEST(extra_header_fields),
};
TEST_MAIN(tests)
