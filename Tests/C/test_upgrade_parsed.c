/* Programs with an HTTP server of their own: a request that they have read and parsed is recognised, and upgraded without reading it
 * again. The tables of the reference's tests are here too.
 */
#include "request.h"

#define BYTES(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define FIELD(name, value) {BYTES(name), BYTES(value)}
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static const ws_field good[] = {FIELD("Host", "localhost"),
                                FIELD("upgrade", "h2c, WebSocket"),
                                FIELD("Connection", "keep-alive"),
                                FIELD("connection", "UPGRADE"),
                                FIELD("Sec-WebSocket-Version", "13"),
                                FIELD("Sec-WebSocket-Key", PEER_KEY),
                                FIELD("Sec-WebSocket-Protocol", "a, b")};

/* The good fields with one more. */
static size_t and(ws_field all[16], ws_field more) {
  memcpy(all, good, sizeof good);
  all[COUNT(good)] = more;
  return COUNT(good) + 1;
}

typedef struct tokens {
  const char *upgrade;
  const char *connection;
  int is;
} tokens;

static ws_field field(const char *name, const char *value) {
  ws_field made = {{(const uint8_t *)name, strlen(name)}, {(const uint8_t *)value, strlen(value)}};
  return made;
}

/* The reference's TestIsWebSocketUpgrade, and more. */
static void what_asks_for_a_websocket(void) {
  static const tokens cases[] = {{"websocket", "upgrade", 1},        {"WebSocket", "keep-alive, Upgrade", 1}, {"h2c", "upgrade", 0},
                                 {"websocket", "keep-alive", 0},     {"websockets", "upgrade", 0},            {"", "upgrade", 0},
                                 {"foo, websocket", "a,UPGRADE", 1}, {"websocket x", "upgrade", 0}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    ws_field fields[2] = {field("UPGRADE", cases[i].upgrade), field("connection", cases[i].connection)};
    EXPECT_INT(ws_is_websocket_upgrade(fields, 2), cases[i].is);
    EXPECT_INT(ws_is_websocket_upgrade(fields, 1), 0);
    EXPECT_INT(ws_is_websocket_upgrade(fields + 1, 1), 0);
  }
  EXPECT_INT(ws_is_websocket_upgrade(good, COUNT(good)), 1);
  EXPECT_INT(ws_is_websocket_upgrade(NULL, 0), 0);
  EXPECT_INT(ws_is_websocket_upgrade(NULL, 1), 0);
  EXPECT_INT(ws_is_websocket_upgrade(good, SIZE_MAX), 0);
}

/* The reference's TestSubprotocols. */
static void the_subprotocols_of_a_request(void) {
  static const struct {
    const char *line;
    const char *names[3];
  } cases[] = {{"", {NULL}},           {"foo", {"foo"}},           {"foo,bar", {"foo", "bar"}}, {"foo, bar", {"foo", "bar"}},
               {" foo, bar", {"foo", "bar"}}, {" foo, bar ", {"foo", "bar"}}, {",,a", {"a"}}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    ws_field fields[2] = {field("Host", "h"), field("sec-websocket-protocol", cases[i].line)};
    ws_bytes name;
    size_t at = 0;
    for (; at < 3 && cases[i].names[at] != NULL; at++) {
      EXPECT_STATUS(ws_subprotocols(fields, 2, at, &name), WS_OK);
      EXPECT_BYTES(name.data, name.size, cases[i].names[at], strlen(cases[i].names[at]));
      EXPECT((const char *)name.data >= cases[i].line && (const char *)name.data < cases[i].line + strlen(cases[i].line));
    }
    EXPECT_STATUS(ws_subprotocols(fields, 2, at, &name), WS_END);
    EXPECT(name.data == NULL && name.size == 0);
  }
  ws_field lines[2] = {field("Sec-WebSocket-Protocol", "a"), field("Sec-WebSocket-Protocol", "b")};
  ws_bytes name;
  EXPECT_STATUS(ws_subprotocols(lines, 2, 1, &name), WS_OK);
  EXPECT_BYTES(name.data, name.size, "b", 1);
  EXPECT_STATUS(ws_subprotocols(lines, 2, SIZE_MAX, &name), WS_END);
  EXPECT_STATUS(ws_subprotocols(NULL, 1, 0, &name), WS_ERR_INVALID);
  EXPECT_STATUS(ws_subprotocols(lines, 2, 0, NULL), WS_ERR_INVALID);
  ws_field hole = {{NULL, 1}, {NULL, 0}};
  EXPECT_STATUS(ws_subprotocols(&hole, 1, 0, &name), WS_ERR_INVALID);
}

static void an_upgrade_without_reading(void) {
  int ends[2];
  uint8_t frame[32];
  char head[1024];
  int32_t type;
  ws_bytes path, query, value, message;
  const ws_headers *headers;
  ws_upgrader *upgrader;
  ws_upgrade *upgrade;
  ws_conn *conn;
  peer_sockets(ends);
  REQUIRE_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_add_subprotocol(upgrader, "b"), WS_OK);
  size_t early = peer_frame_bytes(frame, 0x81, 1, "early", 5);
  REQUIRE_STATUS(ws_upgrade_new_parsed(upgrader, "GET", "/a?b", good, COUNT(good), ends[1], frame, early, &upgrade), WS_OK);
  peer_put_frame(ends[0], 0x81, 1, "later", 5); /* nothing of this is taken for a request */
  REQUIRE_STATUS(ws_upgrade_request(upgrade, 0, NULL, NULL, NULL), WS_OK);
  EXPECT_STATUS(ws_upgrade_look(upgrade, &path, &query, &headers), WS_OK);
  EXPECT_BYTES(path.data, path.size, "/a", 2);
  EXPECT_BYTES(query.data, query.size, "b", 1);
  EXPECT_STATUS(ws_headers_find(headers, "Host", &value), WS_OK);
  EXPECT_BYTES(value.data, value.size, "localhost", 9);
  REQUIRE_STATUS(ws_upgrade_accept(upgrade, 0, &conn, NULL), WS_OK);
  EXPECT(peer_get_head(ends[0], head, sizeof head) > 0);
  peer_field(head, "Sec-WebSocket-Accept", (char *)frame, sizeof frame);
  EXPECT_TEXT((char *)frame, PEER_ACCEPT);
  EXPECT(strstr(head, "\r\nSec-WebSocket-Protocol: b\r\n") != NULL);
  EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_OK);
  EXPECT_BYTES(message.data, message.size, "early", 5);
  EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_OK);
  EXPECT_BYTES(message.data, message.size, "later", 5);
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  close(ends[0]);
}

typedef struct fault {
  const char *method;
  const char *target;
  ws_field more;
  int answer;
} fault;

/* The same rules, and nothing of a string can end a line. */
static const fault faults[] = {
    {"POST", "/", FIELD("X", "y"), 405},
    {"GET", "/", FIELD("Content-Length", "1"), 400},
    {"GET", "/", FIELD("Host", "other"), 400},
    {"GET", "/", FIELD("Origin", "https://evil.example"), 403},
    {"GET", "relative", FIELD("X", "y"), 400},
    {"GET", "/\r\nX: y", FIELD("X", "y"), 400},
    {"GET", "/ HTTP/1.1\r\nHost: evil\r\n\r\n", FIELD("X", "y"), 400},
    {"GET /x", "/", FIELD("X", "y"), 400},
    {"GET", "/", FIELD("X", "a\r\nSec-WebSocket-Key: x"), 400},
    {"GET", "/", FIELD("X", "a\rb"), 400},
    {"GET", "/", FIELD("X", "a\0b"), 400},
    {"GET", "/", FIELD("X: y\r\nZ", "a"), 400},
    {"GET", "/", FIELD("X Y", "a"), 400},
    {"GET", "/", FIELD("X:", "a"), 400},
    {"GET", "/", FIELD("", "a"), 400},
    {"", "/", FIELD("X", "y"), 0},
    {"G\nT", "/", FIELD("X", "y"), 400},
    {"GET", "", FIELD("X", "y"), 400},
};

static void requests_that_are_refused(void) {
  for (size_t i = 0; i < COUNT(faults); i++) {
    int ends[2];
    char head[1024] = "";
    ws_field fields[16];
    ws_upgrade *upgrade;
    ws_engine *engine;
    ws_event event = {.struct_size = sizeof event};
    ws_failure failure = {.struct_size = sizeof failure};
    const fault *now = &faults[i];
    size_t count = and(fields, now->more);
    peer_sockets(ends);
    shutdown(ends[0], SHUT_WR);
    REQUIRE_STATUS(ws_upgrade_new_parsed(NULL, now->method, now->target, fields, count, ends[1], NULL, 0, &upgrade), WS_OK);
    int status = ws_upgrade_request(upgrade, 0, NULL, NULL, &failure);
    peer_get_head(ends[0], head, sizeof head);
    int answer = strlen(head) > 9 ? atoi(head + 9) : 0;
    if (status >= 0 || answer != now->answer) check_fail(__FILE__, __LINE__, "%zu gave %d and was answered %d", i, status, answer);
    EXPECT_INT(failure.code, status);
    EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
    close(ends[0]);
    /* An engine says the same. */
    REQUIRE_STATUS(ws_engine_new_server(NULL, 0, &engine), WS_OK);
    int fed = ws_engine_feed_parsed(engine, now->method, now->target, fields, count);
    EXPECT(fed == WS_OK || fed == status);
    EXPECT_STATUS(ws_engine_next_event(engine, &event), status);
    EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  }
}

static void wrong_arguments(void) {
  static const struct {
    const char *method;
    const char *target;
    int fields; /* 0: NULL with a count, 1: a hole, 2: fine */
    int upgrade;
  } cases[] = {{NULL, "/", 2, 1}, {"GET", NULL, 2, 1}, {"GET", "/", 0, 1}, {"GET", "/", 1, 1}, {"GET", "/", 2, 0}};
  ws_field hole = {{NULL, 0}, {NULL, 1}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    int ends[2];
    ws_upgrade *upgrade = (ws_upgrade *)&hole;
    const ws_field *fields = cases[i].fields == 0 ? NULL : cases[i].fields == 1 ? &hole : good;
    peer_sockets(ends);
    EXPECT_STATUS(ws_upgrade_new_parsed(NULL, cases[i].method, cases[i].target, fields, 1, ends[1], NULL, 0,
                                        cases[i].upgrade ? &upgrade : NULL), WS_ERR_INVALID);
    EXPECT(!cases[i].upgrade || upgrade == NULL);
    EXPECT(peer_ended(ends[0])); /* the descriptor was taken */
    close(ends[0]);
  }
}

static void too_much(void) {
  enum { MANY = 200, LONG = 40000 };
  ws_field many[MANY], large[COUNT(good) + 1];
  char *text = malloc(LONG + 1);
  memset(text, 'a', LONG), text[LONG] = '\0';
  for (int i = 0; i < MANY; i++) many[i] = i < (int)COUNT(good) ? good[i] : field("X", "y");
  memcpy(large, good, sizeof good);
  large[COUNT(good)] = (ws_field){BYTES("X"), {(const uint8_t *)text, LONG}};
  for (int i = 0; i < 3; i++) {
    static const int answers[] = {431, 431, 414};
    int ends[2];
    char head[1024];
    ws_upgrade *upgrade;
    peer_sockets(ends);
    shutdown(ends[0], SHUT_WR);
    int status = i == 0   ? ws_upgrade_new_parsed(NULL, "GET", "/", many, MANY, ends[1], NULL, 0, &upgrade)
                 : i == 1 ? ws_upgrade_new_parsed(NULL, "GET", "/", large, COUNT(large), ends[1], NULL, 0, &upgrade)
                          : ws_upgrade_new_parsed(NULL, "GET", text, good, COUNT(good), ends[1], NULL, 0, &upgrade);
    REQUIRE_STATUS(status, WS_OK);
    EXPECT_STATUS(ws_upgrade_request(upgrade, 0, NULL, NULL, NULL), WS_ERR_HANDSHAKE);
    EXPECT(peer_get_head(ends[0], head, sizeof head) > 0 && atoi(head + 9) == answers[i]);
    EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
    close(ends[0]);
  }
  free(text);
}

static void an_engine_is_fed_a_parsed_request(void) {
  uint8_t frame[32];
  ws_engine *engine;
  ws_bytes output, target;
  ws_event event = {.struct_size = sizeof event};
  REQUIRE_STATUS(ws_engine_new_server(NULL, WS_ENGINE_LOOPBACK, &engine), WS_OK);
  EXPECT_STATUS(ws_engine_feed_parsed(engine, "GET", "/x", good, COUNT(good)), WS_OK);
  EXPECT_STATUS(ws_engine_feed_parsed(engine, "GET", "/y", good, COUNT(good)), WS_ERR_STATE);
  EXPECT_STATUS(ws_engine_feed(engine, frame, peer_frame_bytes(frame, 0x81, 1, "early", 5)), WS_OK);
  EXPECT_STATUS(ws_engine_next_event(engine, &event), WS_OK);
  EXPECT_INT(event.type, WS_EVENT_REQUEST);
  EXPECT_STATUS(ws_engine_head(engine, &target, NULL, NULL), WS_OK);
  EXPECT_BYTES(target.data, target.size, "/x", 2);
  EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
  EXPECT_STATUS(ws_engine_output(engine, &output), WS_OK);
  EXPECT(output.size > 13 && memcmp(output.data, "HTTP/1.1 101 ", 13) == 0);
  EXPECT_STATUS(ws_engine_next_event(engine, &event), WS_OK);
  EXPECT_INT(event.type, WS_EVENT_OPEN);
  EXPECT_STATUS(ws_engine_next_event(engine, &event), WS_OK);
  EXPECT_BYTES(event.data, event.size, "early", 5);
  EXPECT_STATUS(ws_engine_feed_parsed(engine, "GET", "/y", good, COUNT(good)), WS_ERR_STATE);
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
}

static const check_test tests[] = {
    TEST(what_asks_for_a_websocket),
    TEST(the_subprotocols_of_a_request),
    TEST(an_upgrade_without_reading),
    TEST(requests_that_are_refused),
    TEST(wrong_arguments),
    TEST(too_much),
    TEST(an_engine_is_fed_a_parsed_request),
};
TEST_MAIN(tests)
