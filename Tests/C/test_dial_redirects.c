/* Redirects of a dialer: which are followed, what goes along, and who may refuse them. RFC 9110 15.4.
 */
#include "dial_script.h"

static void redirects_are_off(void) {
  script server = {.answers = {TO("/elsewhere")}};
  ws_dialer *dialer = dialer_new();
  script_start(&server);
  int status = dial(dialer, &server, "/");
  expect_failure(&got, status, (wanted){.code = WS_ERR_STATUS, .who = WS_BY_PEER, .http_status = 302, .text = "302; ws_dialer_set_redirects"});
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  script_stop(&server);
}

static void redirects_that_are_followed(void) {
  static const char *const answers[] = {TO("/next?a"), TO("ws://127.0.0.1:PORT/next?a"), TO("http://127.0.0.1:PORT/next?a"),
                                        TO("//127.0.0.1:PORT/next?a#part"), "HTTP/1.1 308 There\r\nLocation: next?a\r\n\r\n",
                                        "HTTP/1.1 303 See\r\nLocation: /next?a\r\n\r\n"};
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    script server = {.answers = {answers[i]}};
    ws_dialer *dialer = dialer_new();
    EXPECT_STATUS(ws_dialer_set_redirects(dialer, 1, NULL, NULL, NULL), WS_OK);
    EXPECT_STATUS(ws_dialer_add_header(dialer, "X-Own", "mine"), WS_OK);
    script_start(&server);
    EXPECT_STATUS(dial(dialer, &server, "/"), WS_OK);
    script_stop(&server);
    EXPECT(strncmp(server.requests[1], "GET /next?a HTTP/1.1\r\n", 22) == 0);
    expect_field(server.requests[1], "X-Own", "mine"); /* the same origin */
    EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  }
}

static void redirects_that_are_not(void) {
  static const struct {
    const char *answer, *text;
  } rows[] = {
      {"HTTP/1.1 302 Found\r\n\r\n", "Location"},
      {"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n", "Location"},
      {TO("ftp://127.0.0.1/"), "ws://"},
      {TO("ws://127.0.0.1:0/"), "port"},
      {TO("ws://a b/"), "space"},
      {TO("ws://\xff/"), "0x7F"},
      {"HTTP/1.1 300 Many\r\nLocation: /a\r\n\r\n", "300"},
      {"HTTP/1.1 304 Same\r\nLocation: /a\r\n\r\n", "304"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    script server = {.answers = {rows[i].answer}};
    ws_dialer *dialer = dialer_new();
    EXPECT_STATUS(ws_dialer_set_redirects(dialer, 5, NULL, NULL, NULL), WS_OK);
    script_start(&server);
    EXPECT_STATUS(dial(dialer, &server, "/"), WS_ERR_STATUS);
    if (strstr(got.text, rows[i].text) == NULL) check_fail(__FILE__, __LINE__, "\"%s\" without %s", got.text, rows[i].text);
    script_stop(&server);
    EXPECT_INT(server.served, 1);
    EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  }
}

static void more_redirects_than_allowed(void) {
  script server = {.answers = {TO("/1"), TO("/2"), TO("/3"), TO("/4")}};
  ws_dialer *dialer = dialer_new();
  EXPECT_STATUS(ws_dialer_set_redirects(dialer, -1, NULL, NULL, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_redirects(dialer, 2, NULL, NULL, NULL), WS_OK);
  script_start(&server);
  int status = dial(dialer, &server, "/");
  expect_failure(&got, status, (wanted){.code = WS_ERR_STATUS, .who = WS_BY_PEER, .http_status = 302, .text = "more redirects than are allowed; ws_dialer_set_redirects"});
  script_stop(&server);
  EXPECT_INT(server.served, 3);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

/* Another host is another origin: nothing that was meant for the first one goes there, nor comes back to it. */
static void secrets_stay_where_they_belong(void) {
  script server = {.answers = {TO("ws://localhost:PORT/there"), TO("ws://mallory:guess@127.0.0.1:PORT/back"), NULL}};
  ws_dialer *dialer = dialer_new();
  EXPECT_STATUS(ws_dialer_set_redirects(dialer, 5, NULL, NULL, NULL), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "Authorization", "Bearer sesame"), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "Cookie", "id=crumb"), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "X-Own", "aunter"), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "Host", "alice.test"), WS_OK);
  EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "chat"), WS_OK);
  script_start(&server);
  EXPECT_STATUS(dial_host(dialer, &server, "alice:hunter2@127.0.0.1", "/"), WS_OK);
  script_stop(&server);
  EXPECT(strstr(server.requests[0], "sesame") != NULL && strstr(server.requests[0], "Host: alice.test\r\n") != NULL);
  for (int i = 1; i < 3; i++) {
    EXPECT(strstr(server.requests[i], "sesame") == NULL && strstr(server.requests[i], "crumb") == NULL);
    EXPECT(strstr(server.requests[i], "aunter") == NULL && strstr(server.requests[i], "alice") == NULL);
    EXPECT(strstr(server.requests[i], "Authorization") == NULL);
    expect_field(server.requests[i], "Sec-WebSocket-Protocol", "chat");
  }
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

static int refuse_there(const char *url, void *user) WS_NOEXCEPT {
  snprintf(user, 200, "%s", url);
  return strstr(url, "/there") != NULL;
}

static void a_callback_may_refuse_a_redirect(void) {
  char asked[200] = "";
  script server = {.answers = {TO("/here"), TO("/there?x")}};
  ws_dialer *dialer = dialer_new();
  freed = 0;
  EXPECT_STATUS(ws_dialer_set_redirects(dialer, 5, refuse_there, asked, count_free), WS_OK);
  script_start(&server);
  EXPECT_STATUS(dial(dialer, &server, "/"), WS_ERR_CALLBACK);
  EXPECT(strncmp(asked, "ws://127.0.0.1:", 15) == 0 && strstr(asked, "/there?x") != NULL);
  script_stop(&server);
  EXPECT_INT(server.served, 2);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  EXPECT_INT(freed, 1);
}

static const check_test tests[] = {
    TEST(redirects_are_off),
    TEST(redirects_that_are_followed),
    TEST(redirects_that_are_not),
    TEST(more_redirects_than_allowed),
    TEST(secrets_stay_where_they_belong),
    TEST(a_callback_may_refuse_a_redirect),
};
TEST_MAIN(tests)
