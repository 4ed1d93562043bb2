/* The opening handshake of an engine, both sides: requests and responses written by hand, what is told and answered, and early
 * data behind a head.
 */
#include "engines.h"

#define FIELD(name, value) name ": " value "\r\n"

/* A failed handshake: the result stays, and the failure says the same. */
static void ended_with(ws_engine *engine, int status, int http_status) {
  ws_failure failure = {.struct_size = sizeof failure};
  for (int again = 0; again < 2; again++) engine_gives(engine, status);
  EXPECT_STATUS(ws_engine_failure(engine, &failure), WS_OK);
  EXPECT_INT(failure.code, status);
  EXPECT_INT(failure.http_status, http_status);
  EXPECT(failure.text[0] != '\0');
}

static void a_clients_request(void) {
  static const char expected[] = "GET /chat?x=1 HTTP/1.1\r\nHost: example.com:8443\r\n" PEER_UPGRADE
      "Sec-WebSocket-Key: " ENGINE_KEY "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\nX-Mine: yes\r\n\r\n";
  ws_dialer *dialer;
  ws_engine *engine;
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "a"), WS_OK);
  EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "b"), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "X-Mine", "yes"), WS_OK);
  REQUIRE_STATUS(ws_engine_new_client(dialer, "wss://example.com:8443/chat?x=1", engine_same_bytes, NULL, &engine, NULL), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "X-More", "no"), WS_ERR_STATE); /* in use */
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  engine_sends(engine, expected, sizeof expected - 1);
  EXPECT_INT(engine_pending(engine), 0);
  ws_engine_free(engine);
}

static void the_standards_ports_are_not_named(void) {
  static const char *const urls[] = {"wss://example.com:443/", "ws://example.com:80/", "wss://example.com"};
  for (int i = 0; i < 3; i++) {
    char head[1024];
    ws_engine *engine;
    REQUIRE_STATUS(ws_engine_new_client(NULL, urls[i], NULL, NULL, &engine, NULL), WS_OK);
    engine_sends_head(engine, head, sizeof head);
    EXPECT(strstr(head, "\r\nHost: example.com\r\n") != NULL);
    ws_engine_free(engine);
  }
}

static void bad_urls(void) {
  static const char *const urls[] = {"", "http://localhost/", "ws://", "ws://a/#b", "ws://a b/", "ws://a:0/"};
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    ws_failure failure = {.struct_size = sizeof failure};
    ws_engine *engine = (ws_engine *)&failure;
    EXPECT_STATUS(ws_engine_new_client(NULL, urls[i], NULL, NULL, &engine, &failure), WS_ERR_URL);
    EXPECT(engine == NULL && failure.code == WS_ERR_URL && failure.text[0] != '\0');
  }
}

/* The kernel's source never gives the same key twice. */
static void two_clients_differ(void) {
  char heads[2][1024];
  for (int i = 0; i < 2; i++) {
    ws_engine *engine;
    REQUIRE_STATUS(ws_engine_new_client(NULL, "ws://localhost/", NULL, NULL, &engine, NULL), WS_OK);
    engine_sends_head(engine, heads[i], sizeof heads[i]);
    ws_engine_free(engine);
  }
  EXPECT(strcmp(heads[0], heads[1]) != 0);
}

/* Piece by piece, with two frames behind the head. */
static void a_client_in_pieces_of(size_t piece) {
  uint8_t bytes[1024];
  char head[512];
  int32_t status = 7;
  ws_bytes target = {NULL, 7}, value;
  const ws_headers *headers = NULL;
  ws_event event = {.struct_size = sizeof event};
  int told[7] = {0};
  ws_engine *engine = engine_new_client(NULL);
  size_t size = engine_response((char *)bytes, sizeof bytes, FIELD("X-Theirs", "1"));
  size += peer_frame_bytes(bytes + size, 0x81, 0, "early", 5);
  size += peer_frame_bytes(bytes + size, 0x89, 0, "p", 1);
  EXPECT_STATUS(ws_engine_head(engine, &target, &status, &headers), WS_AGAIN);
  EXPECT(target.size == 0 && status == 0 && headers == NULL);
  for (size_t at = 0; at < size; at += piece) {
    EXPECT_STATUS(ws_engine_feed(engine, bytes + at, size - at < piece ? size - at : piece), WS_OK);
    while (ws_engine_next_event(engine, &event) == WS_OK) {
      told[event.type] += 1;
      if (event.type == WS_EVENT_MESSAGE) EXPECT_BYTES(event.data, event.size, "early", 5);
    }
  }
  EXPECT(told[WS_EVENT_OPEN] == 1 && told[WS_EVENT_MESSAGE] == 1 && told[WS_EVENT_PING] == 1);
  EXPECT_STATUS(ws_engine_head(engine, &target, &status, &headers), WS_OK);
  EXPECT_INT(status, 101);
  EXPECT_INT(target.size, 0);
  EXPECT_STATUS(ws_headers_find(headers, "x-theirs", &value), WS_OK);
  EXPECT_BYTES(value.data, value.size, "1", 1);
  engine_sends_head(engine, head, sizeof head);
  engine_sends_frame(engine, AS_CLIENT, 0x8a, "p", 1);
  ws_engine_free(engine);
}

static void a_client_in_pieces(void) {
  for (size_t piece = 1; piece < 160; piece++) a_client_in_pieces_of(piece);
}

/* A program that receives much at once brings the response and a large message in one call. */
static void a_response_with_much_behind_it(void) {
  size_t large = 300000, size;
  uint8_t *bytes = malloc(large + 1024), *data = calloc(1, large);
  ws_engine *engine = engine_new_client(NULL);
  size = engine_response((char *)bytes, 512, "");
  size += peer_frame_bytes(bytes + size, 0x82, 0, data, large);
  EXPECT_STATUS(ws_engine_feed(engine, bytes, size), WS_OK);
  engine_event(engine, WS_EVENT_OPEN);
  engine_tells(engine, WS_EVENT_MESSAGE, data, large);
  ws_engine_free(engine);
  free(bytes);
  free(data);
}

static void bad_responses(void) {
  static const struct {
    const char *text;
    int status, http_status;
  } cases[] = {
      {"HTTP/1.1 404 Not Found\r\nX-Why: gone\r\n\r\n", WS_ERR_STATUS, 404},
      {"HTTP/1.1 200 OK\r\n\r\n", WS_ERR_STATUS, 200},
      {"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", WS_ERR_STATUS, 302},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", WS_ERR_HANDSHAKE, 101},
      {"HTTP/1.1 101 Switching Protocols\r\n" PEER_UPGRADE "Sec-WebSocket-Accept: " PEER_ACCEPT "\r\n\r\n", WS_ERR_HANDSHAKE, 101},
      {"SSH-2.0-OpenSSH_9.2\r\n", WS_ERR_HANDSHAKE, 0},
      {"HTTP/1.1 101\n", WS_ERR_HANDSHAKE, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ws_engine *engine = engine_new_client(NULL);
    int32_t status = 7;
    engine_feed_text(engine, cases[i].text);
    ended_with(engine, cases[i].status, cases[i].http_status);
    int whole = strstr(cases[i].text, "\r\n\r\n") != NULL;
    EXPECT_STATUS(ws_engine_head(engine, NULL, &status, NULL), whole ? WS_OK : WS_AGAIN);
    EXPECT_INT(status, whole ? cases[i].http_status : 0);
    EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, "x", 1), cases[i].status);
    EXPECT_STATUS(ws_engine_close(engine, 1000, NULL, 0), cases[i].status);
    ws_engine_free(engine);
  }
}

/* RFC 9110 15.2: sixteen are passed over, however they are cut; one more is a fault. */
static void interim_responses(void) {
  static const char interim[] = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  for (int extra = 0; extra < 2; extra++) {
    for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
      char text[512];
      ws_engine *engine = engine_new_client(NULL);
      for (int i = 0; i < 16 + extra; i++) {
        engine_feed_text(engine, interim);
        if (one_by_one && i < 16) engine_gives(engine, WS_AGAIN);
      }
      engine_response(text, sizeof text, "");
      engine_feed_text(engine, text);
      if (extra == 0) engine_event(engine, WS_EVENT_OPEN);
      engine_gives(engine, extra == 0 ? WS_AGAIN : WS_ERR_HANDSHAKE);
      ws_engine_free(engine);
    }
  }
}

static void subprotocols(void) {
  static const char *const answers[] = {"", FIELD("Sec-WebSocket-Protocol", "b"), FIELD("Sec-WebSocket-Protocol", "c")};
  static const char *const names[] = {"", "b", ""};
  for (int i = 0; i < 3; i++) {
    ws_dialer *dialer;
    ws_bytes name = {NULL, 7};
    char text[512];
    REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
    EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "a"), WS_OK);
    EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, "b"), WS_OK);
    ws_engine *engine = engine_new_client(dialer);
    engine_response(text, sizeof text, answers[i]);
    engine_feed_text(engine, text);
    if (i < 2) engine_event(engine, WS_EVENT_OPEN);
    engine_gives(engine, i < 2 ? WS_AGAIN : WS_ERR_HANDSHAKE); /* c was not offered */
    EXPECT_STATUS(ws_engine_subprotocol(engine, &name), WS_OK);
    EXPECT_BYTES(name.data, name.size, names[i], strlen(names[i]));
    ws_engine_free(engine);
    ws_dialer_free(dialer);
  }
}

/* One byte after the other; the request is told when it is whole, and not answered before the program decides. */
static void a_server_accepts(void) {
  static const char request[] = "GET /chat?room=1 HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n" PEER_UPGRADE
      "Sec-WebSocket-Key: " PEER_KEY "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: x, chat\r\n\r\n";
  char head[1024];
  int32_t status = 7;
  ws_upgrader *upgrader;
  ws_bytes target, value;
  const ws_headers *headers;
  REQUIRE_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_add_subprotocol(upgrader, "chat"), WS_OK);
  EXPECT_STATUS(ws_upgrader_add_header(upgrader, "X-Ours", "2"), WS_OK);
  ws_engine *engine = engine_new_server(upgrader);
  EXPECT_STATUS(ws_upgrader_add_header(upgrader, "X-More", "no"), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  for (size_t i = 0; i + 1 < sizeof request; i++) {
    engine_gives(engine, WS_AGAIN);
    EXPECT_STATUS(ws_engine_head(engine, NULL, NULL, NULL), WS_AGAIN);
    EXPECT_STATUS(ws_engine_accept(engine), WS_ERR_STATE);
    EXPECT_STATUS(ws_engine_feed(engine, request + i, 1), WS_OK);
  }
  EXPECT_STATUS(ws_engine_accept(engine), WS_ERR_STATE); /* not told yet */
  engine_event(engine, WS_EVENT_REQUEST);
  engine_gives(engine, WS_AGAIN);
  EXPECT_INT(engine_pending(engine), 0);
  REQUIRE_STATUS(ws_engine_head(engine, &target, &status, &headers), WS_OK);
  EXPECT_INT(status, 0);
  EXPECT_BYTES(target.data, target.size, "/chat?room=1", 12);
  EXPECT_STATUS(ws_headers_get(headers, 1, NULL, &value), WS_OK);
  EXPECT_BYTES(value.data, value.size, "http://localhost", 16);
  EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
  EXPECT_STATUS(ws_engine_accept(engine), WS_ERR_STATE);
  EXPECT_STATUS(ws_engine_refuse(engine, 403, NULL, 0), WS_ERR_STATE);
  EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, "first", 5), WS_OK); /* before WS_EVENT_OPEN has been told */
  engine_event(engine, WS_EVENT_OPEN);
  engine_gives(engine, WS_AGAIN);
  engine_sends_head(engine, head, sizeof head);
  EXPECT_TEXT(head, "HTTP/1.1 101 Switching Protocols\r\n" PEER_UPGRADE "Sec-WebSocket-Accept: " PEER_ACCEPT
                    "\r\nSec-WebSocket-Protocol: chat\r\nX-Ours: 2\r\n\r\n");
  engine_sends_frame(engine, AS_SERVER, 0x81, "first", 5);
  EXPECT_STATUS(ws_engine_subprotocol(engine, &value), WS_OK);
  EXPECT_BYTES(value.data, value.size, "chat", 4);
  EXPECT_BYTES(target.data, target.size, "/chat?room=1", 12); /* borrowed until the handle is freed */
  ws_engine_free(engine);
}

static void a_server_refuses(void) {
  ws_engine *engine = engine_new_server(NULL);
  char head[1024];
  EXPECT_STATUS(ws_engine_refuse(engine, 404, "no", 2), WS_ERR_STATE);
  engine_feed_text(engine, PEER_REQUEST);
  engine_event(engine, WS_EVENT_REQUEST);
  EXPECT_STATUS(ws_engine_refuse(engine, 199, "no", 2), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_refuse(engine, 600, "no", 2), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_refuse(engine, 404, NULL, 2), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_refuse(engine, 404, "no", 65537), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_refuse(engine, 404, "nothing here", 12), WS_OK);
  EXPECT_STATUS(ws_engine_refuse(engine, 404, "no", 2), WS_ERR_STATE);
  EXPECT_STATUS(ws_engine_accept(engine), WS_ERR_STATE);
  ended_with(engine, WS_ERR_ABORTED, 0);
  engine_sends_head(engine, head, sizeof head);
  EXPECT(strncmp(head, "HTTP/1.1 404 Not Found\r\n", 24) == 0);
  EXPECT(strstr(head, "\r\nConnection: close\r\n") != NULL && strstr(head, "\r\nContent-Length: 12\r\n") != NULL);
  engine_sends(engine, "nothing here", 12);
  EXPECT_INT(engine_pending(engine), 0);
  ws_engine_free(engine);
}

#define START "GET / HTTP/1.1\r\nHost: localhost\r\n"
#define REST "Sec-WebSocket-Key: " PEER_KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n"

static void bad_requests_are_answered(void) {
  static const struct {
    const char *text;
    int status, answer;
  } cases[] = {
      {START "\r\n", WS_ERR_HANDSHAKE, 426},
      {"GET / HTTP/1.1\r\n" PEER_UPGRADE REST, WS_ERR_HANDSHAKE, 400},
      {"GET / HTTP/1.1\r\nHost: evil.example\r\n" PEER_UPGRADE REST, WS_ERR_HOST, 421},
      {START "Origin: http://evil.example\r\n" PEER_UPGRADE REST, WS_ERR_ORIGIN, 403},
      {"POST / HTTP/1.1\r\nHost: localhost\r\n" PEER_UPGRADE REST, WS_ERR_HANDSHAKE, 405},
      {START PEER_UPGRADE "Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n", WS_ERR_HANDSHAKE, 400},
      {START "bad header\r\n", WS_ERR_HANDSHAKE, 400},
      {"\x16\x03\x01\x02", WS_ERR_HANDSHAKE, 0}, /* TLS: no answer */
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ws_engine *engine;
    char head[1024];
    REQUIRE_STATUS(ws_engine_new_server(NULL, WS_ENGINE_LOOPBACK, &engine), WS_OK);
    engine_feed_text(engine, cases[i].text);
    ended_with(engine, cases[i].status, cases[i].answer);
    engine_sends_head(engine, head, sizeof head);
    EXPECT_INT(strncmp(head, "HTTP/1.1 ", 9) == 0 ? atoi(head + 9) : 0, cases[i].answer);
    ws_engine_free(engine);
  }
}

/* What the transport is decides about origins and hosts. */
static void flags(void) {
  static const char secure[] = START "Origin: https://localhost\r\n" PEER_UPGRADE REST;
  static const char foreign[] = "GET / HTTP/1.1\r\nHost: example.com\r\n" PEER_UPGRADE REST;
  for (int32_t given = 0; given <= 3; given++) {
    for (int i = 0; i < 2; i++) {
      ws_engine *engine;
      ws_event event = {.struct_size = sizeof event};
      int fine = i == 0 ? (given & WS_ENGINE_SECURE) != 0 : (given & WS_ENGINE_LOOPBACK) == 0;
      REQUIRE_STATUS(ws_engine_new_server(NULL, given, &engine), WS_OK);
      engine_feed_text(engine, i == 0 ? secure : foreign);
      EXPECT_STATUS(ws_engine_next_event(engine, &event), fine ? WS_OK : i == 0 ? WS_ERR_ORIGIN : WS_ERR_HOST);
      ws_engine_free(engine);
    }
  }
}

/* Frames behind the request wait for the answer, by copy and in the buffer; and come before those that arrive later. */
static void early_data(void) {
  uint8_t bytes[512];
  void *space;
  size_t room, size = sizeof PEER_REQUEST - 1;
  ws_engine *engine = engine_new_server(NULL);
  memcpy(bytes, PEER_REQUEST, size);
  size += peer_frame_bytes(bytes + size, 0x81, 1, "one", 3);
  REQUIRE_STATUS(ws_engine_feed(engine, bytes, size), WS_OK);
  engine_event(engine, WS_EVENT_REQUEST);
  engine_put_text(engine, AS_SERVER, 0x81, "two");
  REQUIRE_STATUS(ws_engine_buffer(engine, &space, &room), WS_OK);
  REQUIRE(room >= 64);
  EXPECT_STATUS(ws_engine_received(engine, peer_frame_bytes(space, 0x81, 1, "three", 5)), WS_OK);
  engine_gives(engine, WS_AGAIN);
  EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
  engine_put_text(engine, AS_SERVER, 0x81, "four");
  engine_event(engine, WS_EVENT_OPEN);
  engine_reads(engine, "one");
  engine_reads(engine, "two");
  engine_reads(engine, "three");
  engine_reads(engine, "four");
  ws_engine_free(engine);
}

/* A client that sends and sends before it has its answer. */
static void early_data_has_a_limit(void) {
  for (int by_copy = 0; by_copy < 2; by_copy++) {
    char head[1024];
    static uint8_t data[4096];
    size_t taken = 0, room;
    void *space;
    int status = WS_OK;
    ws_engine *engine = engine_new_server(NULL);
    engine_feed_text(engine, PEER_REQUEST);
    engine_event(engine, WS_EVENT_REQUEST);
    while (status == WS_OK && taken < 1 << 20) {
      room = sizeof data;
      status = by_copy ? ws_engine_feed(engine, data, sizeof data) : ws_engine_buffer(engine, &space, &room);
      if (status == WS_OK && !by_copy) status = ws_engine_received(engine, room);
      if (status == WS_OK) taken += room;
    }
    EXPECT_STATUS(status, WS_ERR_HANDSHAKE);
    EXPECT(taken >= 65536 && taken <= 3 * 65536);
    ended_with(engine, WS_ERR_HANDSHAKE, 431);
    EXPECT_STATUS(ws_engine_accept(engine), WS_ERR_STATE);
    engine_sends_head(engine, head, sizeof head);
    EXPECT(strncmp(head, "HTTP/1.1 431 ", 13) == 0);
    ws_engine_free(engine);
  }
}

static void a_head_without_end(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    ws_engine *engine = role == AS_SERVER ? engine_new_server(NULL) : engine_new_client(NULL);
    ws_event event = {.struct_size = sizeof event};
    int status = WS_AGAIN, lines = 0;
    engine_feed_text(engine, role == AS_SERVER ? "GET / HTTP/1.1\r\n" : "HTTP/1.1 101 x\r\n");
    while (status == WS_AGAIN && lines++ < 100000) {
      engine_feed_text(engine, "X-A: y\r\n");
      status = ws_engine_next_event(engine, &event);
    }
    EXPECT_STATUS(status, WS_ERR_HANDSHAKE);
    EXPECT(lines < 200);
    ws_engine_free(engine);
  }
}

static const check_test tests[] = {
    TEST(a_clients_request),
    TEST(the_standards_ports_are_not_named),
    TEST(bad_urls),
    TEST(two_clients_differ),
    TEST(a_client_in_pieces),
    TEST(a_response_with_much_behind_it),
    TEST(bad_responses),
    TEST(interim_responses),
    TEST(subprotocols),
    TEST(a_server_accepts),
    TEST(a_server_refuses),
    TEST(bad_requests_are_answered),
    TEST(flags),
    TEST(early_data),
    TEST(early_data_has_a_limit),
    TEST(a_head_without_end),
};

TEST_MAIN(tests)
