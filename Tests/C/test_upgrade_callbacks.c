/* Callbacks of an upgrader: who decides about origins and requests, who hears of refusals, and what they may do meanwhile.
 */
#include "request.h"

#define FROM(origin) REQUEST_LINE REQUEST_HOST "Origin: " origin "\r\n" REQUEST_REST "\r\n"

static const char good[] = REQUEST_LINE REQUEST_HOST REQUEST_REST "Sec-WebSocket-Protocol: a, b\r\n\r\n";
static const char post[] = "POST / HTTP/1.1\r\n" REQUEST_HOST REQUEST_REST "\r\n";

typedef struct asked {
  int calls;
  int freed;
  pthread_t thread;
  int answer;               /* what the callback returns */
  void (*does)(ws_upgrade *upgrade); /* what else it does, or NULL */
  char text[160];           /* the origin, or the failure's text */
  ws_failure failure;
} asked;

static void on_free(void *user) WS_NOEXCEPT { ((asked *)user)->freed += 1; }

static int ask(ws_upgrade *upgrade, asked *self) {
  self->calls += 1;
  self->thread = pthread_self();
  if (self->does != NULL) self->does(upgrade);
  return self->answer;
}

static int on_origin(ws_upgrade *upgrade, const void *origin, size_t size, void *user) WS_NOEXCEPT {
  asked *self = user;
  snprintf(self->text, sizeof self->text, "%.*s", (int)size, (const char *)origin);
  return ask(upgrade, self);
}

static int on_request(ws_upgrade *upgrade, void *user) WS_NOEXCEPT { return ask(upgrade, user); }

static void on_refusal(ws_upgrade *upgrade, const ws_failure *failure, void *user) WS_NOEXCEPT {
  asked *self = user;
  self->failure = *failure;
  ask(upgrade, self);
}

static ws_upgrader *new_upgrader(asked *origin, asked *request_, asked *refusal) {
  ws_upgrader *upgrader = NULL;
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  if (origin != NULL) EXPECT_STATUS(ws_upgrader_set_origin_callback(upgrader, on_origin, origin, on_free), WS_OK);
  if (request_ != NULL) EXPECT_STATUS(ws_upgrader_set_request_callback(upgrader, on_request, request_, on_free), WS_OK);
  if (refusal != NULL) EXPECT_STATUS(ws_upgrader_set_refusal_callback(upgrader, on_refusal, refusal, on_free), WS_OK);
  return upgrader;
}

/* The connection outlives the upgrader, whose callbacks end with it. */
static void finish(request *r, ws_upgrader *upgrader) {
  request_end(r);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static void an_origin_callback_decides(void) {
  for (int answer = 0; answer < 2; answer++) {
    request r;
    asked origin = {.answer = answer}, refusal = {.calls = 0};
    ws_upgrader *upgrader = new_upgrader(&origin, NULL, &refusal);
    request_send(&r, upgrader, FROM("https://other.example"));
    if (answer) EXPECT_INT(request_answer(&r), 101);
    if (!answer) request_refused(&r, WS_ERR_ORIGIN, 403, "an origin that was refused");
    EXPECT_INT(origin.calls, 1);
    EXPECT_TEXT(origin.text, "https://other.example");
    EXPECT(pthread_equal(origin.thread, pthread_self()));
    EXPECT_INT(refusal.calls, !answer);
    if (!answer) EXPECT_INT(refusal.failure.code, WS_ERR_ORIGIN);
    finish(&r, upgrader);
    EXPECT_INT(origin.freed, 1);
  }
}

/* It decides in the place of the rules: also about the same origin, also about what is no origin. */
static void an_origin_callback_replaces_the_rules(void) {
  static const char *const texts[] = {FROM("http://localhost"), FROM("null"), FROM("nonsense at all"), FROM("")};
  for (int i = 0; i < 4; i++) {
    request r;
    asked origin = {.answer = i != 0};
    ws_upgrader *upgrader = new_upgrader(&origin, NULL, NULL);
    request_send(&r, upgrader, texts[i]);
    EXPECT_INT(request_answer(&r), i == 0 ? 403 : 101);
    EXPECT_INT(origin.calls, 1);
    finish(&r, upgrader);
  }
}

static void origins_that_are_not_asked_about(void) {
  static const struct {
    const char *text;
    int answer;
  } cases[] = {{good, 101}, /* none: no browser */
               {REQUEST_LINE REQUEST_HOST "Origin: http://a\r\nOrigin: http://a\r\n" REQUEST_REST "\r\n", 403},
               {REQUEST_LINE REQUEST_HOST "Origin: http://a\r\n" PEER_UPGRADE "Sec-WebSocket-Version: 13\r\n\r\n", 400},
               {"POST / HTTP/1.1\r\n" REQUEST_HOST "Origin: http://a\r\n" REQUEST_REST "\r\n", 405}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    request r;
    asked origin = {.answer = 1};
    ws_upgrader *upgrader = new_upgrader(&origin, NULL, NULL);
    request_send(&r, upgrader, cases[i].text);
    EXPECT_INT(request_answer(&r), cases[i].answer);
    EXPECT_INT(origin.calls, 0);
    finish(&r, upgrader);
  }
}

static void look_and_choose(ws_upgrade *upgrade) {
  ws_bytes path, query, name;
  ws_conn *conn;
  EXPECT_STATUS(ws_upgrade_look(upgrade, &path, &query, NULL), WS_OK);
  EXPECT_BYTES(path.data, path.size, "/chat", 5);
  EXPECT_BYTES(query.data, query.size, "room=1", 6);
  EXPECT_STATUS(ws_upgrade_offered_subprotocol(upgrade, 1, &name), WS_OK);
  EXPECT_STATUS(ws_upgrade_set_subprotocol(upgrade, "b"), WS_OK);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "X-Room", "1"), WS_OK);
  EXPECT_STATUS(ws_upgrade_request(upgrade, 0, NULL, NULL, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrade_accept(upgrade, 0, &conn, NULL), WS_ERR_STATE);
}

static void a_request_callback_accepts(void) {
  request r;
  ws_bytes name;
  asked check = {.does = look_and_choose};
  ws_upgrader *upgrader = new_upgrader(NULL, &check, NULL);
  request_send(&r, upgrader, good);
  EXPECT_INT(request_answer(&r), 101);
  EXPECT(strstr(r.head, "\r\nX-Room: 1\r\n") != NULL);
  EXPECT_STATUS(ws_conn_subprotocol(r.conn, &name), WS_OK);
  EXPECT_BYTES(name.data, name.size, "b", 1);
  EXPECT_INT(check.calls, 1);
  finish(&r, upgrader);
  EXPECT_INT(check.freed, 1);
}

static void refuse_401(ws_upgrade *upgrade) {
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "WWW-Authenticate", "Basic realm=\"x\""), WS_OK);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 401, "who are you?", 12), WS_OK);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 404, NULL, 0), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrade_set_subprotocol(upgrade, NULL), WS_ERR_STATE);
}

/* Whatever it returns beside: a refusal is a refusal. */
static void a_request_callback_refuses(void) {
  for (int i = 0; i < 3; i++) {
    request r;
    asked check = {.answer = i > 0, .does = i < 2 ? refuse_401 : NULL}, refusal = {.calls = 0};
    ws_upgrader *upgrader = new_upgrader(NULL, &check, &refusal);
    request_send(&r, upgrader, good);
    if (i < 2) EXPECT(strstr(r.head, "\r\nWWW-Authenticate: Basic realm=\"x\"\r\n") != NULL);
    request_refused(&r, WS_ERR_CALLBACK, i < 2 ? 401 : 403, "refused by a callback");
    EXPECT_INT(refusal.calls, 0); /* it is not the rules that refused it */
    finish(&r, upgrader);
  }
}

static void a_request_callback_hears_of_good_requests_only(void) {
  request r;
  asked check = {.answer = 0};
  ws_upgrader *upgrader = new_upgrader(NULL, &check, NULL);
  request_send(&r, upgrader, post);
  request_refused(&r, WS_ERR_HANDSHAKE, 405, "a bad request");
  EXPECT_INT(check.calls, 0);
  finish(&r, upgrader);
}

static void refuse_404(ws_upgrade *upgrade) {
  ws_conn *conn;
  EXPECT_STATUS(ws_upgrade_set_subprotocol(upgrade, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrade_accept(upgrade, 0, &conn, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "Content-Type", "application/json"), WS_OK);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 404, "{}", 2), WS_OK);
}

static void add_a_field(ws_upgrade *upgrade) { EXPECT_STATUS(ws_upgrade_add_header(upgrade, "Retry-After", "9"), WS_OK); }

static void a_refusal_callback_hears_and_answers(void) {
  for (int i = 0; i < 3; i++) {
    request r;
    char body[256] = "";
    int ends[2];
    asked refusal = {.does = i == 0 ? NULL : i == 1 ? add_a_field : refuse_404};
    ws_upgrader *upgrader = new_upgrader(NULL, NULL, &refusal);
    peer_sockets(ends);
    request_over(&r, ends, upgrader, post, strlen(post));
    EXPECT_STATUS(r.status, WS_ERR_HANDSHAKE);
    EXPECT_INT(request_answer(&r), i == 2 ? 404 : 405);
    EXPECT_INT(r.failure.http_status, i == 2 ? 404 : 405);
    EXPECT_INT(refusal.calls, 1);
    EXPECT_INT(refusal.failure.code, WS_ERR_HANDSHAKE);
    EXPECT_INT(refusal.failure.http_status, 405);
    EXPECT_TEXT(refusal.failure.text, r.failure.text);
    EXPECT(strstr(r.head, "\r\nRetry-After: 9\r\n") != NULL || i != 1);
    peer_get(r.fd, body, sizeof body - 1);
    if (i == 2) EXPECT_TEXT(body, "{}");
    finish(&r, upgrader);
    EXPECT_INT(refusal.freed, 1);
  }
}

static void refuse_too_late(ws_upgrade *upgrade) {
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 400, NULL, 0), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "X", "y"), WS_ERR_STATE);
}

static void no_http_gets_no_answer(void) {
  request r;
  asked refusal = {.does = refuse_too_late};
  ws_upgrader *upgrader = new_upgrader(NULL, NULL, &refusal);
  request_send(&r, upgrader, "\x16\x03\x01");
  EXPECT_STATUS(r.status, WS_ERR_HANDSHAKE);
  EXPECT_INT(request_answer(&r), 0);
  EXPECT_INT(refusal.calls, 1);
  EXPECT_INT(refusal.failure.http_status, 0);
  finish(&r, upgrader);
}

static void an_origin_callback_answers_itself(void) {
  for (int answer = 0; answer < 2; answer++) {
    request r;
    asked origin = {.answer = answer, .does = refuse_401}, refusal = {.calls = 0};
    ws_upgrader *upgrader = new_upgrader(&origin, NULL, &refusal);
    request_send(&r, upgrader, FROM("http://a"));
    request_refused(&r, WS_ERR_CALLBACK, 401, "refused by the origin's callback");
    EXPECT_INT(refusal.calls, 0);
    finish(&r, upgrader);
  }
}

static ws_upgrade *in_steps;
static void is_the_same(ws_upgrade *upgrade) { EXPECT(upgrade == in_steps); }
static void is_freed(ws_upgrade *upgrade) { EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK); }

/* Whoever goes in steps decides himself: the request's callback is not asked. The attempt may be freed inside. */
static void callbacks_of_an_attempt_in_steps(void) {
  for (int i = 0; i < 2; i++) {
    int ends[2];
    const char *text = FROM("http://a");
    asked origin = {.answer = 1, .does = i ? is_freed : is_the_same}, check = {.answer = 1};
    ws_upgrader *upgrader = new_upgrader(&origin, &check, NULL);
    peer_sockets(ends);
    peer_put_text(ends[0], text);
    REQUIRE_STATUS(ws_upgrade_new(upgrader, ends[1], NULL, 0, &in_steps), WS_OK);
    EXPECT_STATUS(ws_upgrade_request(in_steps, 0, NULL, NULL, NULL), WS_OK);
    EXPECT_INT(origin.calls, 1);
    EXPECT_INT(check.calls, 0);
    if (i == 0) EXPECT_STATUS(ws_upgrade_free(in_steps), WS_OK);
    EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
    EXPECT(peer_ended(ends[0]));
    close(ends[0]);
    EXPECT_INT(origin.freed + check.freed, 2);
  }
}

/* An engine calls nobody: it goes by the rules. */
static void an_engine_does_not_ask(void) {
  ws_engine *engine;
  ws_event event = {.struct_size = sizeof event};
  const char *text = FROM("http://a");
  asked origin = {.answer = 1};
  ws_upgrader *upgrader = new_upgrader(&origin, NULL, &origin);
  REQUIRE_STATUS(ws_engine_new_server(upgrader, 0, &engine), WS_OK);
  EXPECT_STATUS(ws_engine_feed(engine, text, strlen(text)), WS_OK);
  EXPECT_STATUS(ws_engine_next_event(engine, &event), WS_ERR_ORIGIN);
  EXPECT_INT(origin.calls, 0);
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static void callbacks_are_frozen_and_freed(void) {
  request r;
  asked first = {.answer = 0}, second = {.answer = 0};
  ws_upgrader *upgrader = new_upgrader(&first, &first, &first);
  EXPECT_STATUS(ws_upgrader_set_request_callback(upgrader, NULL, &second, on_free), WS_OK);
  EXPECT_INT(first.freed, 1);
  EXPECT_INT(second.freed, 1); /* without a function nobody needs it */
  EXPECT_STATUS(ws_upgrader_set_behind_tls(upgrader, 0), WS_OK);
  request_send(&r, upgrader, good);
  EXPECT_INT(request_answer(&r), 101);
  EXPECT_STATUS(ws_upgrader_set_origin_callback(upgrader, on_origin, &second, on_free), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_request_callback(upgrader, on_request, &second, on_free), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_refusal_callback(upgrader, on_refusal, &second, on_free), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_behind_tls(upgrader, 1), WS_ERR_STATE);
  EXPECT_INT(second.freed, 4);
  finish(&r, upgrader);
  EXPECT_INT(first.freed, 3);
}

/* Behind a proxy that takes TLS off, the page came by https. */
static void behind_tls_the_same_origin_is_https(void) {
  for (int on = 0; on < 2; on++) {
    request r;
    ws_upgrader *upgrader = new_upgrader(NULL, NULL, NULL);
    EXPECT_STATUS(ws_upgrader_set_behind_tls(upgrader, on), WS_OK);
    request_send(&r, upgrader, on ? FROM("https://localhost") : FROM("http://localhost"));
    EXPECT_INT(request_answer(&r), 101);
    request_end(&r);
    request_send(&r, upgrader, on ? FROM("http://localhost") : FROM("https://localhost"));
    request_refused(&r, WS_ERR_ORIGIN, 403, "the other scheme");
    finish(&r, upgrader);
  }
}

static const check_test tests[] = {
    TEST(an_origin_callback_decides),
    TEST(an_origin_callback_replaces_the_rules),
    TEST(origins_that_are_not_asked_about),
    TEST(a_request_callback_accepts),
    TEST(a_request_callback_refuses),
    TEST(a_request_callback_hears_of_good_requests_only),
    TEST(a_refusal_callback_hears_and_answers),
    TEST(no_http_gets_no_answer),
    TEST(an_origin_callback_answers_itself),
    TEST(callbacks_of_an_attempt_in_steps),
    TEST(an_engine_does_not_ask),
    TEST(callbacks_are_frozen_and_freed),
    TEST(behind_tls_the_same_origin_is_https),
};
TEST_MAIN(tests)
