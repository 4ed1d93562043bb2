/* The answer to one request: header fields and a subprotocol of its own, refusals with any final status, and what a program reads
 * of the request before it decides.
 */
#include "request.h"

static const char good[] = REQUEST_LINE REQUEST_HOST REQUEST_REST "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c\r\n\r\n";

/* An attempt that has read its request; fd is the client's, which has nothing more to say. */
static ws_upgrade *begin(int *fd, ws_upgrader *upgrader, const char *text) {
  int ends[2];
  ws_upgrade *upgrade = NULL;
  peer_sockets(ends);
  *fd = ends[0];
  peer_put_text(*fd, text);
  shutdown(*fd, SHUT_WR);
  EXPECT_STATUS(ws_upgrade_new(upgrader, ends[1], NULL, 0, &upgrade), WS_OK);
  EXPECT_STATUS(ws_upgrade_request(upgrade, ws_in_ms(check_limit(2000)), NULL, NULL, NULL), WS_OK);
  return upgrade;
}

static void end(ws_upgrade *upgrade, int fd) {
  EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
  close(fd);
}

static void expect_line(const char *head, const char *line) {
  if (strstr(head, line) == NULL) check_fail(__FILE__, __LINE__, "no \"%s\" in %s", line, head);
}

static void fields_of_one_answer(void) {
  int fd;
  char head[1024];
  ws_conn *conn;
  ws_upgrader *upgrader;
  REQUIRE_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_add_header(upgrader, "Server", "s"), WS_OK);
  ws_upgrade *upgrade = begin(&fd, upgrader, good);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "Set-Cookie", "a=b"), WS_OK);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "Set-Cookie", " c=d "), WS_OK);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "X", "a\r\nb"), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "Sec-WebSocket-Accept", "x"), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, NULL, "x"), WS_ERR_INVALID);
  REQUIRE_STATUS(ws_upgrade_accept(upgrade, 0, &conn, NULL), WS_OK);
  EXPECT(peer_get_head(fd, head, sizeof head) > 0);
  expect_line(head, "\r\nServer: s\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n");
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "X", "y"), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrade_set_subprotocol(upgrade, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  end(upgrade, fd);
  /* They were for that one. */
  upgrade = begin(&fd, upgrader, good);
  REQUIRE_STATUS(ws_upgrade_accept(upgrade, 0, &conn, NULL), WS_OK);
  EXPECT(peer_get_head(fd, head, sizeof head) > 0 && strstr(head, "Set-Cookie") == NULL);
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  end(upgrade, fd);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static void a_subprotocol_of_ones_own_choice(void) {
  static const struct {
    const char *choice;
    int status;
    const char *chosen;
  } cases[] = {{"c", WS_OK, "c"}, {"b", WS_OK, "b"}, {NULL, WS_OK, ""}, {"x", WS_ERR_INVALID, "b"},
               {"", WS_ERR_INVALID, "b"}, {"a, b", WS_ERR_INVALID, "b"}, {"A", WS_ERR_INVALID, "b"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int fd;
    char head[1024], value[64];
    ws_conn *conn;
    ws_bytes name;
    ws_upgrader *upgrader;
    EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
    EXPECT_STATUS(ws_upgrader_add_subprotocol(upgrader, "b"), WS_OK);
    ws_upgrade *upgrade = begin(&fd, upgrader, good);
    EXPECT_STATUS(ws_upgrade_set_subprotocol(upgrade, cases[i].choice), cases[i].status);
    REQUIRE_STATUS(ws_upgrade_accept(upgrade, 0, &conn, NULL), WS_OK);
    EXPECT(peer_get_head(fd, head, sizeof head) > 0);
    peer_field(head, "Sec-WebSocket-Protocol", value, sizeof value);
    EXPECT_TEXT(value, cases[i].chosen);
    EXPECT_STATUS(ws_conn_subprotocol(conn, &name), WS_OK);
    EXPECT_BYTES(name.data, name.size, cases[i].chosen, strlen(cases[i].chosen));
    EXPECT_STATUS(ws_conn_free(conn), WS_OK);
    end(upgrade, fd);
    EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  }
}

/* A page, a redirect, a wish for a password: a refusal is a response like any other. */
static void refusals_with_fields(void) {
  int fd;
  char head[1024], body[64], value[64];
  ws_upgrade *upgrade = begin(&fd, NULL, good);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "content-type", "text/html"), WS_OK);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 200, "<p>hello", 8), WS_OK);
  EXPECT(peer_get_head(fd, head, sizeof head) > 0);
  expect_line(head, "HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-type: text/html\r\n");
  EXPECT(strstr(head, "text/plain") == NULL);
  EXPECT_BYTES(body, peer_get(fd, body, sizeof body), "<p>hello", 8);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "X", "y"), WS_ERR_STATE);
  end(upgrade, fd);
  upgrade = begin(&fd, NULL, good);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "Location", "https://example.com/"), WS_OK);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 302, NULL, 0), WS_OK);
  EXPECT(peer_get_head(fd, head, sizeof head) > 0);
  peer_field(head, "Location", value, sizeof value);
  EXPECT_TEXT(value, "https://example.com/");
  expect_line(head, "\r\nContent-Length: 0\r\n");
  end(upgrade, fd);
  upgrade = begin(&fd, NULL, good);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "WWW-Authenticate", "Basic realm=\"x\""), WS_OK);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 401, "who?", 4), WS_OK);
  EXPECT(peer_get_head(fd, head, sizeof head) > 0);
  expect_line(head, "\r\nWWW-Authenticate: Basic realm=\"x\"\r\n");
  end(upgrade, fd);
}

static void statuses_without_a_body(void) {
  static const int32_t statuses[] = {204, 205, 304};
  for (int i = 0; i < 3; i++) {
    int fd;
    char head[1024];
    ws_upgrade *upgrade = begin(&fd, NULL, good);
    EXPECT_STATUS(ws_upgrade_refuse(upgrade, statuses[i], "x", 1), WS_ERR_INVALID);
    EXPECT_STATUS(ws_upgrade_refuse(upgrade, statuses[i], NULL, 0), WS_OK);
    EXPECT(peer_get_head(fd, head, sizeof head) > 0);
    EXPECT_INT(atoi(head + 9), statuses[i]);
    EXPECT(strstr(head, "Content-Length") == NULL && strstr(head, "Content-Type") == NULL);
    EXPECT(peer_ended(fd));
    end(upgrade, fd);
  }
}

typedef struct target {
  const char *target;
  const char *path;
  const char *query;
} target;

static void expect_bytes(ws_bytes bytes, const char *text) { EXPECT_BYTES(bytes.data, bytes.size, text, strlen(text)); }

static void path_and_query(void) {
  static const target targets[] = {{"/", "/", ""},
                                   {"/?", "/", ""},
                                   {"/a/b?x=y", "/a/b", "x=y"},
                                   {"/a%20b?x=%3f?&=", "/a%20b", "x=%3f?&="},
                                   {"http://localhost/c?d", "/c", "d"},
                                   {"http://localhost", "/", ""},
                                   {"//evil.example/x", "//evil.example/x", ""}};
  for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
    int fd;
    char text[1024];
    ws_bytes path, query, value;
    const ws_headers *headers;
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" REQUEST_HOST REQUEST_REST "\r\n", targets[i].target);
    ws_upgrade *upgrade = begin(&fd, NULL, text);
    EXPECT_STATUS(ws_upgrade_look(upgrade, &path, &query, &headers), WS_OK);
    expect_bytes(path, targets[i].path);
    expect_bytes(query, targets[i].query);
    EXPECT_STATUS(ws_headers_find(headers, "Host", &value), WS_OK);
    expect_bytes(value, "localhost");
    EXPECT_STATUS(ws_upgrade_look(upgrade, NULL, NULL, NULL), WS_OK);
    end(upgrade, fd);
  }
}

static void offered_subprotocols(void) {
  int fd;
  ws_bytes name;
  ws_upgrade *upgrade = begin(&fd, NULL, good);
  static const char *const offered[] = {"a", "b", "c"};
  for (size_t i = 0; i < 3; i++) {
    EXPECT_STATUS(ws_upgrade_offered_subprotocol(upgrade, i, &name), WS_OK);
    expect_bytes(name, offered[i]);
  }
  EXPECT_STATUS(ws_upgrade_offered_subprotocol(upgrade, 3, &name), WS_END);
  EXPECT_STATUS(ws_upgrade_offered_subprotocol(upgrade, SIZE_MAX, &name), WS_END);
  EXPECT(name.data == NULL && name.size == 0);
  EXPECT_STATUS(ws_upgrade_offered_subprotocol(upgrade, 0, NULL), WS_ERR_INVALID);
  end(upgrade, fd);
}

static void cookies_of_the_request(void) {
  static const struct {
    const char *name;
    const char *value; /* NULL: there is none */
  } cases[] = {{"a", "b"},  {"c", "d"},  {"e", ""}, {"q", "quoted"}, {"last", "x=y"},
               {"A", NULL}, {"n", NULL}, {"", NULL}, {"second", "line"}};
  int fd;
  ws_bytes value;
  ws_upgrade *upgrade = begin(&fd, NULL, REQUEST_LINE REQUEST_HOST REQUEST_REST
                              "Cookie: a=b;c=d;  e=; q=\"quoted\"; n; last=x=y; a=later\r\nCookie: second=line\r\n\r\n");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    EXPECT_STATUS(ws_upgrade_cookie(upgrade, cases[i].name, &value), cases[i].value == NULL ? WS_END : WS_OK);
    expect_bytes(value, cases[i].value == NULL ? "" : cases[i].value);
  }
  EXPECT_STATUS(ws_upgrade_cookie(upgrade, NULL, &value), WS_ERR_INVALID);
  end(upgrade, fd);
}

static void the_address_of_the_client(void) {
  int ends[2];
  ws_upgrade *upgrade;
  ws_address address = {.struct_size = sizeof address};
  peer_tcp(ends);
  REQUIRE_STATUS(ws_upgrade_new(NULL, ends[1], NULL, 0, &upgrade), WS_OK);
  EXPECT_STATUS(ws_upgrade_remote_address(upgrade, &address), WS_OK);
  EXPECT_INT(address.family, WS_ADDRESS_IPV4);
  EXPECT_TEXT(address.host, "127.0.0.1");
  address.struct_size = 0;
  EXPECT_STATUS(ws_upgrade_remote_address(upgrade, &address), WS_ERR_INVALID);
  end(upgrade, ends[0]);
}

/* The answer of an engine is chosen in the same way. */
static void answers_of_an_engine(void) {
  for (int refused = 0; refused < 2; refused++) {
    ws_engine *engine;
    ws_event event = {.struct_size = sizeof event};
    ws_bytes output;
    char text[1024];
    REQUIRE_STATUS(ws_engine_new_server(NULL, 0, &engine), WS_OK);
    EXPECT_STATUS(ws_engine_add_header(engine, "X-One", "1"), WS_ERR_STATE);
    EXPECT_STATUS(ws_engine_set_subprotocol(engine, "c"), WS_ERR_STATE);
    EXPECT_STATUS(ws_engine_feed(engine, good, strlen(good)), WS_OK);
    EXPECT_STATUS(ws_engine_next_event(engine, &event), WS_OK);
    EXPECT_STATUS(ws_engine_add_header(engine, "X-One", "1"), WS_OK);
    EXPECT_STATUS(ws_engine_add_header(engine, "X-Two", "\x01"), WS_ERR_INVALID);
    EXPECT_STATUS(ws_engine_set_subprotocol(engine, "x"), WS_ERR_INVALID);
    EXPECT_STATUS(ws_engine_set_subprotocol(engine, "c"), WS_OK);
    EXPECT_STATUS(refused ? ws_engine_refuse(engine, 204, NULL, 0) : ws_engine_accept(engine), WS_OK);
    EXPECT_STATUS(ws_engine_output(engine, &output), WS_OK);
    snprintf(text, sizeof text, "%.*s", (int)output.size, (const char *)output.data);
    expect_line(text, "\r\nX-One: 1\r\n");
    expect_line(text, refused ? "HTTP/1.1 204 No Content\r\n" : "\r\nSec-WebSocket-Protocol: c\r\n");
    EXPECT_STATUS(ws_engine_add_header(engine, "X-One", "1"), WS_ERR_STATE);
    EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  }
}

static const check_test tests[] = {
    TEST(fields_of_one_answer),
    TEST(a_subprotocol_of_ones_own_choice),
    TEST(refusals_with_fields),
    TEST(statuses_without_a_body),
    TEST(path_and_query),
    TEST(offered_subprotocols),
    TEST(cookies_of_the_request),
    TEST(the_address_of_the_client),
    TEST(answers_of_an_engine),
};
TEST_MAIN(tests)
