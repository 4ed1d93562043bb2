/* The opening handshake in steps: the request is read and looked at, then accepted or refused.
 */
#include "request.h"

static const char text[] = "GET /chat/%20x?room=1&b HTTP/1.1\r\n" REQUEST_HOST REQUEST_REST
                           "Cookie: a=b\r\nX-Twice: one\r\nx-twice: two\r\nX-Empty:\r\n\r\n";

/* An attempt whose request waits in the socket; fd is the client's. */
static ws_upgrade *begin(int *fd, const char *request) {
  int ends[2];
  ws_upgrade *upgrade = NULL;
  peer_sockets(ends);
  *fd = ends[0];
  peer_put_text(*fd, request);
  EXPECT_STATUS(ws_upgrade_new(NULL, ends[1], NULL, 0, &upgrade), WS_OK);
  return upgrade;
}

static int look(ws_upgrade *upgrade, ws_bytes *target, const ws_headers **headers) {
  return ws_upgrade_request(upgrade, ws_in_ms(check_limit(2000)), target, headers, NULL);
}

static void expect_field(const ws_headers *headers, const char *name, const char *expected) {
  ws_bytes value;
  EXPECT_STATUS(ws_headers_find(headers, name, &value), WS_OK);
  EXPECT_BYTES(value.data, value.size, expected, strlen(expected));
}

static void the_request_can_be_looked_at(void) {
  int fd;
  const ws_headers *headers;
  ws_bytes target, name, value;
  ws_upgrade *upgrade = begin(&fd, text);
  REQUIRE_STATUS(look(upgrade, &target, &headers), WS_OK);
  EXPECT_BYTES(target.data, target.size, "/chat/%20x?room=1&b", 19);
  expect_field(headers, "hOsT", "localhost");
  expect_field(headers, "Cookie", "a=b");
  expect_field(headers, "X-Twice", "one");
  expect_field(headers, "X-Empty", "");
  EXPECT_STATUS(ws_headers_find(headers, "Origin", &value), WS_END);
  EXPECT_STATUS(ws_headers_get(headers, 0, &name, &value), WS_OK);
  EXPECT_BYTES(name.data, name.size, "Host", 4);
  size_t count = 0;
  while (ws_headers_get(headers, count, &name, NULL) == WS_OK) count++;
  EXPECT_INT(count, 9);
  EXPECT_STATUS(ws_headers_get(headers, SIZE_MAX, NULL, NULL), WS_END);
  EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
  EXPECT(peer_ended(fd)); /* not answered: dropped, without a word */
  close(fd);
}

static void accepting(void) {
  int fd;
  char head[1024];
  ws_conn *conn, *again = (ws_conn *)&fd;
  int32_t type;
  ws_bytes message;
  ws_upgrade *upgrade = begin(&fd, text);
  peer_put_frame(fd, 0x81, 1, "early", 5);
  EXPECT_STATUS(ws_upgrade_accept(upgrade, 0, &again, NULL), WS_ERR_STATE); /* not looked at yet */
  EXPECT(again == NULL);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 404, NULL, 0), WS_ERR_STATE);
  REQUIRE_STATUS(look(upgrade, NULL, NULL), WS_OK);
  EXPECT_STATUS(look(upgrade, NULL, NULL), WS_ERR_STATE);
  REQUIRE_STATUS(ws_upgrade_accept(upgrade, 0, &conn, NULL), WS_OK);
  EXPECT(peer_get_head(fd, head, sizeof head) > 0 && strncmp(head, "HTTP/1.1 101 ", 13) == 0);
  EXPECT_STATUS(ws_upgrade_accept(upgrade, 0, &again, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 404, NULL, 0), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK); /* the connection lives on */
  EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_OK);
  EXPECT_BYTES(message.data, message.size, "early", 5);
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  close(fd);
}

static void refusing(void) {
  static const int32_t statuses[] = {200, 300, 401, 404, 429, 503, 599};
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    int fd;
    char head[1024], value[64], body[16];
    ws_conn *conn;
    ws_upgrade *upgrade = begin(&fd, text);
    shutdown(fd, SHUT_WR);
    REQUIRE_STATUS(look(upgrade, NULL, NULL), WS_OK);
    EXPECT_STATUS(ws_upgrade_refuse(upgrade, statuses[i], "go away\n", 8), WS_OK);
    EXPECT(peer_get_head(fd, head, sizeof head) > 0);
    EXPECT_INT(atoi(head + 9), statuses[i]);
    peer_field(head, "Content-Length", value, sizeof value);
    EXPECT_TEXT(value, "8");
    peer_field(head, "Connection", value, sizeof value);
    EXPECT_TEXT(value, "close");
    EXPECT_BYTES(body, peer_get(fd, body, sizeof body), "go away\n", 8);
    EXPECT(peer_ended(fd));
    EXPECT_STATUS(ws_upgrade_accept(upgrade, 0, &conn, NULL), WS_ERR_STATE);
    EXPECT_STATUS(ws_upgrade_refuse(upgrade, 404, NULL, 0), WS_ERR_STATE);
    EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
    close(fd);
  }
}

static void refusals_that_are_refused(void) {
  static const int32_t statuses[] = {0, -1, 100, 101, 103, 199, 600, 1000, INT32_MAX, INT32_MIN};
  char *large = calloc(1, 65537), head[1024];
  int fd;
  ws_upgrade *upgrade = begin(&fd, text);
  shutdown(fd, SHUT_WR);
  REQUIRE_STATUS(look(upgrade, NULL, NULL), WS_OK);
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    EXPECT_STATUS(ws_upgrade_refuse(upgrade, statuses[i], NULL, 0), WS_ERR_INVALID);
  }
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 404, NULL, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 404, large, 65537), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 404, large, 65536), WS_OK); /* none of these was an answer */
  EXPECT(peer_get_head(fd, head, sizeof head) > 0 && atoi(head + 9) == 404);
  EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
  close(fd);
  free(large);
}

static void a_bad_request_is_answered_at_once(void) {
  int fd;
  char head[1024];
  ws_bytes target = {(const uint8_t *)"x", 1};
  const ws_headers *headers = (const ws_headers *)&fd;
  ws_conn *conn;
  ws_upgrade *upgrade = begin(&fd, "POST / HTTP/1.1\r\n" REQUEST_HOST REQUEST_REST "\r\n");
  shutdown(fd, SHUT_WR);
  EXPECT_STATUS(look(upgrade, &target, &headers), WS_ERR_HANDSHAKE);
  EXPECT(target.data == NULL && target.size == 0 && headers == NULL);
  EXPECT(peer_get_head(fd, head, sizeof head) > 0 && atoi(head + 9) == 405);
  EXPECT_STATUS(ws_upgrade_accept(upgrade, 0, &conn, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 404, NULL, 0), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
  close(fd);
}

static void a_deadline_for_the_request(void) {
  int fd;
  ws_upgrade *upgrade = begin(&fd, "GET / HTTP/1.1\r\n");
  int64_t start = check_ms();
  EXPECT_STATUS(ws_upgrade_request(upgrade, ws_in_ms(50), NULL, NULL, NULL), WS_ERR_TIMEOUT);
  EXPECT(check_ms() - start >= 49);
  EXPECT_WITHIN(start, 2000);
  EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
  close(fd);
}

static void an_attempt_never_looked_at(void) {
  int fd;
  ws_upgrade *upgrade = begin(&fd, text);
  EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
  EXPECT(peer_ended(fd));
  close(fd);
}

static const check_test tests[] = {
    TEST(the_request_can_be_looked_at),
    TEST(accepting),
    TEST(refusing),
    TEST(refusals_that_are_refused),
    TEST(a_bad_request_is_answered_at_once),
    TEST(a_deadline_for_the_request),
    TEST(an_attempt_never_looked_at),
};
TEST_MAIN(tests)
