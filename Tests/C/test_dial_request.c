/* What a client sends (RFC 6455 4.1), and what its configuration refuses to send.
 */
#include "stage.h"

static void expect_field(const char *head, const char *name, const char *value) {
  char got[256];
  peer_field(head, name, got, sizeof got);
  EXPECT_TEXT(got, value);
}

/* RFC 6455 4.1, line by line. The request ends in a refusal, which keeps the test short. */
static void the_request_on_the_wire(void) {
  char key[64];
  ws_dialer *dialer;
  staged stage = {.response = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "chat.v2"), WS_OK);
  EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "chat"), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "X-Test", "one two"), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "Origin", "https://example.com"), WS_OK);
  EXPECT_STATUS(staged_dial(&stage, dialer, "ws://Example.com:8080/a/b?c=d&e"), WS_ERR_STATUS);
  EXPECT(strncmp(stage.request, "GET /a/b?c=d&e HTTP/1.1\r\n", 25) == 0);
  expect_field(stage.request, "Host", "example.com:8080");
  expect_field(stage.request, "Upgrade", "websocket");
  expect_field(stage.request, "Connection", "Upgrade");
  expect_field(stage.request, "Sec-WebSocket-Version", "13");
  expect_field(stage.request, "Sec-WebSocket-Protocol", "chat.v2, chat");
  expect_field(stage.request, "X-Test", "one two");
  expect_field(stage.request, "Origin", "https://example.com");
  expect_field(stage.request, "Sec-WebSocket-Extensions", "");
  peer_field(stage.request, "Sec-WebSocket-Key", key, sizeof key);
  EXPECT_INT(strlen(key), 24);
  EXPECT_TEXT(key + 22, "==");
  staged_end(&stage);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

static void the_host_field(void) {
  static const char *const hosts[][2] = {
      {"ws://example.com", "example.com"},        {"ws://example.com:80/", "example.com"},
      {"ws://127.0.0.1:81/", "127.0.0.1:81"},     {"ws://[::1]:81/", "[::1]:81"},
      {"ws://[0:0::1]/", "[::1]"},                {"ws://u:p@example.com/", "example.com"},
  };
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    staged stage = {.response = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};
    EXPECT_STATUS(staged_dial(&stage, NULL, hosts[i][0]), WS_ERR_STATUS);
    EXPECT(strncmp(stage.request, "GET / HTTP/1.1\r\n", 16) == 0);
    expect_field(stage.request, "Host", hosts[i][1]);
    expect_field(stage.request, "Authorization", i == 5 ? "Basic dTpw" : "");
    staged_end(&stage);
  }
}

static void a_host_field_of_ones_own(void) {
  ws_dialer *dialer;
  staged stage = {.response = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "Host", "virtual.example"), WS_OK);
  EXPECT_STATUS(staged_dial(&stage, dialer, "ws://localhost/"), WS_ERR_STATUS);
  expect_field(stage.request, "Host", "virtual.example");
  staged_end(&stage);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

/* Whatever could end a line or a field early, or say what the library itself says. */
static void headers_that_are_refused(void) {
  static const char *const bad[][2] = {
      {"", "x"},         {"X Y", "x"},          {"X:", "x"},           {"X\r\nY", "x"},           {"\xc3\xa9", "x"},
      {"X", "a\r\nb"},   {"X", "a\nb"},         {"X", "a\rb"},         {"X", "a\x01"},            {"X", "a\x7f"},
      {"Upgrade", "x"},  {"connection", "x"},   {"SEC-WEBSOCKET-KEY", "x"}, {"Sec-WebSocket-Protocol", "x"},
      {"Sec-WebSocket-Anything", "x"},          {"Content-Length", "0"}, {"Transfer-Encoding", "chunked"}};
  ws_dialer *dialer;
  ws_upgrader *upgrader;
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  REQUIRE_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    int status = ws_dialer_add_header(dialer, bad[i][0], bad[i][1]);
    if (status == WS_ERR_INVALID) status = ws_upgrader_add_header(upgrader, bad[i][0], bad[i][1]);
    if (status != WS_ERR_INVALID) check_fail(__FILE__, __LINE__, "\"%s: %s\" gave %d", bad[i][0], bad[i][1], status);
  }
  EXPECT_STATUS(ws_dialer_add_header(dialer, "X", NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_add_header(dialer, NULL, "x"), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "X", ""), WS_OK);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static void subprotocols_that_are_refused(void) {
  static const char *const bad[] = {"", "a b", "a,b", "a\r\nb", "a/b", "\xc3\xa9", "(a)"};
  ws_dialer *dialer;
  ws_upgrader *upgrader;
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  REQUIRE_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, bad[i]), WS_ERR_INVALID);
    EXPECT_STATUS(ws_upgrader_add_subprotocol(upgrader, bad[i]), WS_ERR_INVALID);
  }
  EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "chat"), WS_OK);
  EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "chat"), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static void a_string_beyond_64_kib(void) {
  enum { LONG = 70000 };
  char *text = malloc(LONG + 1);
  ws_dialer *dialer;
  ws_conn *conn;
  memset(text, 'a', LONG);
  text[LONG] = '\0';
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "X", text), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, text), WS_ERR_INVALID);
  memcpy(text, "ws://", 5);
  int status = ws_dialer_dial(dialer, text, 0, &conn, NULL);
  EXPECT(status == WS_ERR_INVALID || status == WS_ERR_URL);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  free(text);
}

static void a_used_dialer_is_frozen(void) {
  ws_dialer *dialer;
  ws_dial *dial;
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  REQUIRE_STATUS(ws_dial_new(dialer, "ws://localhost/", &dial, NULL), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "X", "y"), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "chat"), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_timeout(dialer, 1), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_read_limit(dialer, 1), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK); /* in any order */
  EXPECT_STATUS(ws_dial_free(dial), WS_OK);
}

/* Failures are printed and logged: what is secret in a URL must not be in them. */
static void failures_hold_no_secrets(void) {
  static const char *const urls[] = {"ws://user:secret@127.0.0.1:1/?token=secret", "ws://user:secret@nobody.invalid/",
                                     "ws://user:secret@local host/", "wss://user:secret@127.0.0.1:1/secret"};
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    ws_conn *conn;
    ws_failure failure = {.struct_size = sizeof failure};
    EXPECT(ws_dialer_dial(NULL, urls[i], ws_in_ms(1000), &conn, &failure) < 0);
    EXPECT(failure.text[0] != '\0' && strstr(failure.text, "secret") == NULL);
  }
}

static const check_test tests[] = {
    TEST(the_request_on_the_wire),
    TEST(the_host_field),
    TEST(a_host_field_of_ones_own),
    TEST(headers_that_are_refused),
    TEST(subprotocols_that_are_refused),
    TEST(a_string_beyond_64_kib),
    TEST(a_used_dialer_is_frozen),
    TEST(failures_hold_no_secrets),
};
TEST_MAIN(tests)
