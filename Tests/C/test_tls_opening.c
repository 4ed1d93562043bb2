/* Opening TLS connections against peers that are slow, silent, or speak something else; and what becomes of the time.
 */
#include "busy.h"
#include "failures.h"
#include "tls.h"

typedef struct waiting {
  ws_dial *dial;
  ws_failure failure;
  int64_t ended;
  busy_call busy;
} waiting;

static int run_dial(void *argument) {
  waiting *self = argument;
  ws_conn *conn;
  int status = ws_dial_run(self->dial, WS_NEVER, &conn, &self->failure);
  self->ended = check_ms();
  return status;
}

/* The best of five: one good round proves the point on a busy machine. */
static void a_cancel_ends_the_handshake_at_once(void) {
  int64_t best = 1000000;
  for (int round = 0; round < 5 && best >= 50; round++) {
    int ends[2];
    waiting self = {.failure = none()};
    peer_sockets(ends);
    REQUIRE_STATUS(ws_dial_new(NULL, "wss://localhost/", &self.dial, NULL), WS_OK);
    EXPECT_STATUS(ws_dial_use_fd(self.dial, ends[1]), WS_OK);
    busy_start(&self.busy, run_dial, &self);
    uint8_t hello[5];
    EXPECT_INT(peer_get(ends[0], hello, sizeof hello), 5); /* its half of the handshake is out */
    EXPECT(hello[0] == 22);
    check_settle();
    int64_t start = check_ms();
    EXPECT_STATUS(ws_dial_cancel(self.dial), WS_OK);
    EXPECT_STATUS(busy_join(&self.busy), WS_ERR_ABORTED);
    if (self.ended - start < best) best = self.ended - start;
    EXPECT_STATUS(ws_dial_free(self.dial), WS_OK);
    close(ends[0]);
  }
  EXPECT(best < check_limit(50));
}

static void a_silent_server_costs_the_dialers_time(void) {
  int ends[2];
  ws_dialer *dialer;
  ws_dial *dial;
  ws_conn *conn;
  ws_failure got = none();
  peer_sockets(ends);
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_set_timeout(dialer, 70), WS_OK);
  EXPECT_STATUS(ws_dial_new(dialer, "wss://localhost/", &dial, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_use_fd(dial, ends[1]), WS_OK);
  int64_t start = check_ms();
  int status = ws_dial_run(dial, 0, &conn, &got);
  EXPECT(check_ms() - start >= 69);
  EXPECT_WITHIN(start, 1000);
  expect_failure(&got, status, (wanted){.code = WS_ERR_TIMEOUT, .who = WS_BY_TIMER, .limit = 70000000, .text = "the TLS handshake"});
  EXPECT_STATUS(ws_dial_free(dial) + ws_dialer_free(dialer), WS_OK);
  close(ends[0]);
}

/* The beginning of a handshake, a byte at a time, until nobody takes them. */
static void *drip(void *fd) {
  static const uint8_t record[] = {22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3};
  for (size_t i = 0; i < 100; i++) {
    uint8_t byte = i < sizeof record ? record[i] : 0;
    if (send(*(int *)fd, &byte, 1, MSG_NOSIGNAL) != 1) break;
    check_sleep(20);
  }
  return NULL;
}

/* A client that says nothing, and one that says a little now and then: the time for the request is for both together. */
static void a_slow_client_is_cut_off(void) {
  for (int is_dripping = 0; is_dripping < 2; is_dripping++) {
    int ends[2];
    ws_conn *conn;
    ws_failure got = none();
    pthread_t thread;
    peer_sockets(ends);
    ws_upgrader *upgrader = tls_upgrader("good");
    EXPECT_STATUS(ws_upgrader_set_timeout(upgrader, 100), WS_OK);
    if (is_dripping) pthread_create(&thread, NULL, drip, &ends[0]);
    int64_t start = check_ms();
    int status = ws_upgrader_upgrade(upgrader, ends[1], NULL, 0, 0, &conn, &got);
    EXPECT(check_ms() - start >= 99);
    EXPECT_WITHIN(start, 1500);
    expect_failure(&got, status, (wanted){.code = WS_ERR_TIMEOUT, .who = WS_BY_TIMER, .limit = 100000000, .text = "the TLS handshake"});
    if (is_dripping) pthread_join(thread, NULL);
    EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
    close(ends[0]);
  }
}

/* ---- Peers that speak something else -------------------------------------------------------------------------- */

static void a_server_that_speaks_no_tls(void) {
  static const char *const answers[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", ""};
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    int ends[2];
    tls_pair pair = {.fd = -1};
    ws_dialer *dialer = tls_dialer();
    peer_sockets(ends);
    EXPECT(peer_put_text(ends[0], answers[i]));
    shutdown(ends[0], SHUT_WR);
    tls_dial(&pair, dialer, ends[1], "wss://localhost/");
    EXPECT_STATUS(pair.client_status, answers[i][0] == '\0' ? WS_ERR_LOST : WS_ERR_TLS);
    if (answers[i][0] != '\0') EXPECT(strstr(pair.client_failure.text, "\"localhost\": wrong version number") != NULL);
    EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
    close(ends[0]);
  }
}

static void a_client_that_speaks_no_tls(void) {
  static const struct {
    const char *says, *text;
  } clients[] = {{PEER_REQUEST, "http request"}, {"\x16\x03\x01\x01", NULL}, {"nonsense, and more of it", "wrong version number"}};
  for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
    int ends[2];
    ws_conn *conn;
    ws_failure got = none();
    char answer[64];
    ws_upgrader *upgrader = tls_upgrader("good");
    peer_sockets(ends);
    EXPECT(peer_put_text(ends[0], clients[i].says));
    shutdown(ends[0], SHUT_WR);
    int status = ws_upgrader_upgrade(upgrader, ends[1], NULL, 0, 0, &conn, &got);
    EXPECT_STATUS(status, clients[i].text == NULL ? WS_ERR_LOST : WS_ERR_TLS);
    if (clients[i].text != NULL) EXPECT(strstr(got.text, clients[i].text) != NULL);
    /* No HTTP is spoken on such a connection. */
    size_t size = peer_get(ends[0], answer, sizeof answer - 1);
    EXPECT(size < 4 || memcmp(answer, "HTTP", 4) != 0);
    EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
    close(ends[0]);
  }
}

static void tls_on_a_plain_server(void) {
  int ends[2];
  tls_pair pair;
  ws_dialer *dialer = tls_dialer();
  ws_upgrader *upgrader;
  peer_sockets(ends);
  REQUIRE_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT(!tls_open_over(&pair, ends, dialer, upgrader, "wss://localhost/"));
  EXPECT_STATUS(pair.server_status, WS_ERR_HANDSHAKE);
  EXPECT(pair.client_status == WS_ERR_LOST || pair.client_status == WS_ERR_TLS);
  tls_close(&pair);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
}

/* ---- Bytes that were read before ------------------------------------------------------------------------------ */

typedef struct opening {
  ws_dial *dial;
  ws_conn *conn;
} opening;

static void *open_one(void *argument) {
  opening *o = argument;
  EXPECT_STATUS(ws_dial_run(o->dial, ws_in_ms(check_limit(PEER_WAIT)), &o->conn, NULL), WS_OK);
  return NULL;
}

static void what_was_read_before_belongs_to_tls(void) {
  for (size_t count = 1; count <= 300; count += 299) {
    int ends[2];
    uint8_t beginning[300];
    ws_conn *server = NULL;
    opening client = {NULL, NULL};
    pthread_t thread;
    ws_dialer *dialer = tls_dialer();
    ws_upgrader *upgrader = tls_upgrader("good");
    peer_sockets(ends);
    REQUIRE_STATUS(ws_dial_new(dialer, "wss://localhost/", &client.dial, NULL), WS_OK);
    EXPECT_STATUS(ws_dial_use_fd(client.dial, ends[1]), WS_OK);
    pthread_create(&thread, NULL, open_one, &client);
    EXPECT_INT(peer_get(ends[0], beginning, count), count);
    EXPECT_STATUS(ws_upgrader_upgrade(upgrader, ends[0], beginning, count, 0, &server, NULL), WS_OK);
    pthread_join(thread, NULL);
    if (EXPECT(client.conn != NULL && server != NULL)) tls_passes(client.conn, server, "whole");
    EXPECT_STATUS(ws_conn_free(client.conn) + ws_conn_free(server) + ws_dial_free(client.dial), WS_OK);
    EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
  }
}

typedef struct serving {
  tls_pair *pair;
  int32_t listener;
} serving;

static void *serve_one(void *argument) {
  serving *s = argument;
  EXPECT_STATUS(ws_accept(s->listener, ws_in_ms(check_limit(PEER_WAIT)), &s->pair->fd, NULL, NULL), WS_OK);
  return tls_serve(s->pair);
}

/* Over TCP, by name: what a program does. */
static void from_a_name_to_a_message(void) {
  uint16_t port;
  int32_t listener;
  char url[64];
  pthread_t thread;
  tls_pair pair = {.server_failure = none(), .client_failure = none()};
  ws_dialer *dialer = tls_dialer();
  pair.upgrader = tls_upgrader("good");
  REQUIRE_STATUS(ws_listen("127.0.0.1", 0, &listener, &port, NULL), WS_OK);
  snprintf(url, sizeof url, "wss://localhost:%d/path?query", port);
  serving s = {&pair, listener};
  pthread_create(&thread, NULL, serve_one, &s);
  EXPECT_STATUS(ws_dialer_dial(dialer, url, ws_in_ms(check_limit(PEER_WAIT)), &pair.client, &pair.client_failure), WS_OK);
  pthread_join(thread, NULL);
  EXPECT_STATUS(pair.server_status, WS_OK);
  if (pair.client != NULL && pair.server != NULL) tls_passes(pair.client, pair.server, "over TCP");
  tls_close(&pair);
  close(listener);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(pair.upgrader), WS_OK);
}

static const check_test tests[] = {
    TEST(a_cancel_ends_the_handshake_at_once),
    TEST(a_silent_server_costs_the_dialers_time),
    TEST(a_slow_client_is_cut_off),
    TEST(a_server_that_speaks_no_tls),
    TEST(a_client_that_speaks_no_tls),
    TEST(tls_on_a_plain_server),
    TEST(what_was_read_before_belongs_to_tls),
    TEST(from_a_name_to_a_message),
};
TEST_MAIN(tests)
