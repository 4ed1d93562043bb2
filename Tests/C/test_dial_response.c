/* What a server answers: refusals handed over, handshakes that are none, subprotocols, and the bytes behind the head.
 */
#include "stage.h"

/* What the server refuses with is the caller's to see: status, fields, and the first 1024 bytes of the body. */
static void a_refusal_is_handed_over(void) {
  static char response[4096];
  staged stage = {.response = response, .hang_up = 1};
  const ws_headers *headers;
  int32_t status;
  ws_bytes body, name, value;
  int used = sprintf(response, "HTTP/1.1 403 No\r\nX-Why: because\r\nContent-Length: 3000\r\nx-why: again\r\n\r\n");
  for (int i = 0; i < 3000; i++) response[used + i] = (char)('a' + i % 26);
  EXPECT_STATUS(staged_dial(&stage, NULL, "ws://localhost/"), WS_ERR_STATUS);
  EXPECT(stage.conn == NULL);
  EXPECT_INT(stage.failure.code, WS_ERR_STATUS);
  EXPECT_INT(stage.failure.http_status, 403);
  EXPECT(strstr(stage.failure.text, "403") != NULL);
  REQUIRE_STATUS(ws_dial_response(stage.dial, &status, &headers, &body), WS_OK);
  EXPECT_INT(status, 403);
  EXPECT_BYTES(body.data, body.size, response + used, 1024);
  EXPECT_STATUS(ws_headers_find(headers, "x-WHY", &value), WS_OK);
  EXPECT_BYTES(value.data, value.size, "because", 7);
  EXPECT_STATUS(ws_headers_get(headers, 2, &name, &value), WS_OK);
  EXPECT_BYTES(name.data, name.size, "x-why", 5);
  EXPECT_BYTES(value.data, value.size, "again", 5);
  EXPECT_STATUS(ws_headers_get(headers, 3, &name, &value), WS_END);
  EXPECT(name.data == NULL && value.size == 0);
  EXPECT_STATUS(ws_headers_find(headers, "Server", &value), WS_END);
  EXPECT_STATUS(ws_headers_find(headers, NULL, &value), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dial_response(stage.dial, NULL, NULL, NULL), WS_OK);
  staged_end(&stage);
}

static void refusals_with_little_or_no_body(void) {
  static const struct {
    const char *response;
    int32_t status;
    const char *body;
    int hang_up;
  } cases[] = {{"HTTP/1.1 401 Who\r\nContent-Length: 5\r\n\r\nlogin", 401, "login", 0},
               {"HTTP/1.1 302 There\r\nLocation: ws://elsewhere/\r\nContent-Length: 0\r\n\r\n", 302, "", 0},
               {"HTTP/1.1 500\r\nConnection: close\r\n\r\nuntil the end", 500, "until the end", 1},
               {"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\ncut short", 503, "cut short", 1},
               {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    staged stage = {.response = cases[i].response, .hang_up = cases[i].hang_up};
    int32_t status;
    ws_bytes body;
    EXPECT_STATUS(staged_dial(&stage, NULL, "ws://localhost/"), WS_ERR_STATUS);
    EXPECT_STATUS(ws_dial_response(stage.dial, &status, NULL, &body), WS_OK);
    EXPECT_INT(status, cases[i].status);
    EXPECT_BYTES(body.data, body.size, cases[i].body, strlen(cases[i].body));
    staged_end(&stage);
  }
}

#define GOOD_LINE "HTTP/1.1 101 Switching Protocols\r\n"

static void answers_that_are_no_handshake(void) {
  static const char *const responses[] = {
      GOOD_LINE "\r\n",
      GOOD_LINE PEER_UPGRADE "\r\n",
      GOOD_LINE PEER_UPGRADE "Sec-WebSocket-Accept: " PEER_ACCEPT "\r\n\r\n",
      GOOD_LINE "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
      GOOD_LINE "Upgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n",
      "HTTP/1.1 101\r\nbroken line\r\n\r\n",
      "HTTP/1.1 101 OK\r\n folded: x\r\n\r\n",
      "HTTP/2 101 OK\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2\r\n\r\n",
      "\r\n\r\n\r\n",
      "HTTP/1.1 99 Low\r\n\r\n",
      "HTTP/1.1 1010 Long\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++) {
    staged stage = {.response = responses[i], .hang_up = 1};
    int status = staged_dial(&stage, NULL, "ws://localhost/");
    if (status != WS_ERR_HANDSHAKE) check_fail(__FILE__, __LINE__, "response %zu gave %d", i, status);
    EXPECT(stage.conn == NULL && stage.failure.text[0] != '\0');
    staged_end(&stage);
  }
}

/* A right accept value, and something that was never asked for. */
static void answers_that_go_too_far(void) {
  static const char *const fields[] = {"Sec-WebSocket-Protocol: chat\r\n",
                                       "Sec-WebSocket-Extensions: permessage-deflate\r\n",
                                       "Sec-WebSocket-Extensions: x-unknown\r\n",
                                       "Sec-WebSocket-Accept: " PEER_ACCEPT "\r\n"};
  for (size_t i = 0; i < 4; i++) {
    staged stage = {.fields = fields[i]};
    int status = staged_dial(&stage, NULL, "ws://localhost/");
    if (status != WS_ERR_HANDSHAKE) check_fail(__FILE__, __LINE__, "\"%s\" gave %d", fields[i], status);
    EXPECT(stage.conn == NULL);
    staged_end(&stage);
  }
}

static void subprotocols(void) {
  static const struct {
    const char *fields;
    int status;
    const char *agreed;
  } cases[] = {{"Sec-WebSocket-Protocol: b\r\n", WS_OK, "b"},
               {"Sec-WebSocket-Protocol:\ta \r\n", WS_OK, "a"},
               {"", WS_OK, ""},
               {"Sec-WebSocket-Protocol: c\r\n", WS_ERR_HANDSHAKE, ""},
               {"Sec-WebSocket-Protocol: B\r\n", WS_ERR_HANDSHAKE, ""},
               {"Sec-WebSocket-Protocol: a, b\r\n", WS_ERR_HANDSHAKE, ""},
               {"Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n", WS_ERR_HANDSHAKE, ""}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    staged stage = {.fields = cases[i].fields};
    ws_dialer *dialer;
    REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
    EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "a"), WS_OK);
    EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "b"), WS_OK);
    if (EXPECT_STATUS(staged_dial(&stage, dialer, "ws://localhost/"), cases[i].status) && stage.conn != NULL) {
      expect_subprotocol(stage.conn, cases[i].agreed);
    }
    staged_end(&stage);
    EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  }
}

/* The server's first frame comes in the same segment as its answer. */
static void frames_behind_the_answer_are_kept(void) {
  uint8_t bytes[64];
  int32_t type;
  ws_bytes message;
  size_t size = peer_frame_bytes(bytes, 0x81, 0, "early", 5);
  size += peer_frame_bytes(bytes + size, 0x81, 0, "cut", 3);
  staged stage = {.after = bytes, .after_size = size - 2};
  REQUIRE_STATUS(staged_dial(&stage, NULL, "ws://localhost/"), WS_OK);
  EXPECT_STATUS(ws_conn_read(stage.conn, &type, &message), WS_OK);
  EXPECT_BYTES(message.data, message.size, "early", 5);
  EXPECT(peer_put(stage.fd, bytes + size - 2, 2));
  EXPECT_STATUS(ws_conn_read(stage.conn, &type, &message), WS_OK);
  EXPECT_BYTES(message.data, message.size, "cut", 3);
  staged_end(&stage);
}

static void a_server_that_hangs_up(void) {
  static const char *const responses[] = {"", "HTTP/1.1 101 Swi", GOOD_LINE "Upgrade: webs"};
  for (int i = 0; i < 3; i++) {
    staged stage = {.response = responses[i], .hang_up = 1};
    EXPECT_STATUS(staged_dial(&stage, NULL, "ws://localhost/"), WS_ERR_LOST);
    EXPECT(stage.conn == NULL);
    staged_end(&stage);
  }
}

static void a_head_without_end(void) {
  enum { LONG = 200000 };
  char *response = malloc(LONG + 100);
  int used = sprintf(response, "HTTP/1.1 101 OK\r\nX: ");
  memset(response + used, 'x', LONG);
  response[used + LONG] = '\0';
  staged stage = {.response = response};
  EXPECT_STATUS(staged_dial(&stage, NULL, "ws://localhost/"), WS_ERR_HANDSHAKE);
  staged_end(&stage);
  free(response);
}

static const check_test tests[] = {
    TEST(a_refusal_is_handed_over),
    TEST(refusals_with_little_or_no_body),
    TEST(answers_that_are_no_handshake),
    TEST(answers_that_go_too_far),
    TEST(subprotocols),
    TEST(frames_behind_the_answer_are_kept),
    TEST(a_server_that_hangs_up),
    TEST(a_head_without_end),
};
TEST_MAIN(tests)
