/* One thread is inside a call that opens a connection, another does something that concerns it: what both get.
 *
 * dial_run at each of its steps (looking a name up, connecting, the TLS handshake, waiting for the response), the server's handshake, and accept.
 * getaddrinfo is this program's own, so that a name can hang for as long as a test wants.
 */
#include "busy.h"
#include "names.h"

/* ---- Names that hang ---- */

static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int released;
  int inside;
} names = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};

/* The library's look-ups end here: 127.0.0.1 is an address, no name has one, and no name is answered before it is released. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  int answer = address_of(host, service, hints, result);
  if (answer == 0 || (hints->ai_flags & AI_NUMERICHOST) != 0) return answer;
  pthread_mutex_lock(&names.lock);
  names.inside += 1;
  while (!names.released) pthread_cond_wait(&names.changed, &names.lock);
  names.inside -= 1;
  pthread_cond_broadcast(&names.changed);
  pthread_mutex_unlock(&names.lock);
  return answer;
}

static void names_hang(void) {
  pthread_mutex_lock(&names.lock);
  names.released = 0;
  pthread_mutex_unlock(&names.lock);
}

/* Lets all look-ups go, and waits until they are gone. */
static void names_answer(void) {
  pthread_mutex_lock(&names.lock);
  names.released = 1;
  pthread_cond_broadcast(&names.changed);
  while (names.inside > 0) pthread_cond_wait(&names.changed, &names.lock);
  pthread_mutex_unlock(&names.lock);
}

/* ---- Dialing ---- */

enum { RESOLVING, CONNECTING, SECURING, RESPONSE, STEPS };
enum { CANCEL, CANCEL_TWICE, FREE_DIALER, CHANGE_DIALER, DIAL_AGAIN, ACTIONS };

static const char *const step_names[STEPS] = {"resolving", "connecting", "the TLS handshake", "the response"};
static const char *const action_names[ACTIONS] = {"cancel", "cancel twice", "free the dialer", "change the dialer",
                                                  "dial with the same dialer"};

typedef struct dial_cell {
  int step;
  int action;
  char url[64];
  peer_queue queue;
  int peer; /* of a TLS handshake, -1 without */
  int64_t cancelled; /* when */
  int64_t ended;
  ws_dialer *dialer;
  ws_dial *dial;
  ws_failure failure;
  busy_call busy;
} dial_cell;

static int dial_open(dial_cell *self, int step, int action) {
  uint16_t port;
  memset(self, 0, sizeof *self);
  self->step = step;
  self->action = action;
  self->peer = -1;
  port = step == CONNECTING ? peer_fill(&self->queue) : 0;
  if (step != CONNECTING) self->queue.listener = peer_listen(&port);
  snprintf(self->url, sizeof self->url, "%s://%s:%d/", step == SECURING ? "wss" : "ws", step == RESOLVING ? "hangs.example" : "127.0.0.1", port);
  self->failure.struct_size = sizeof self->failure;
  return EXPECT_STATUS(ws_dialer_new(&self->dialer), WS_OK) &&
         EXPECT_STATUS(ws_dialer_set_tls_insecure_skip_verify(self->dialer, 1), WS_OK) &&
         EXPECT_STATUS(ws_dial_new(self->dialer, self->url, &self->dial, NULL), WS_OK);
}

static int run_dial(void *argument) {
  dial_cell *self = argument;
  ws_conn *conn = (ws_conn *)self;
  int status = ws_dial_run(self->dial, WS_NEVER, &conn, &self->failure);
  self->ended = check_ms();
  EXPECT(conn == NULL);
  return status;
}

static int dial_act(dial_cell *self) {
  ws_conn *conn;
  int status;
  switch (self->action) {
    case CANCEL_TWICE: EXPECT_STATUS(ws_dial_cancel(self->dial), WS_OK); /* fall through */
    case CANCEL: self->cancelled = check_ms(); return ws_dial_cancel(self->dial);
    case FREE_DIALER:
      status = ws_dialer_free(self->dialer);
      self->dialer = NULL;
      return status;
    case CHANGE_DIALER: return ws_dialer_set_timeout(self->dialer, 1);
    default: return ws_dialer_dial(self->dialer, self->url, ws_in_ms(check_limit(100)), &conn, NULL);
  }
}

static const int dial_results[ACTIONS] = {WS_OK, WS_OK, WS_OK, WS_ERR_STATE, WS_ERR_TIMEOUT};

static void dial_judge(dial_cell *self, const char *what, int status, int wanted) {
  if (status == wanted) return;
  check_fail(__FILE__, __LINE__, "%s at %s: %s gave %d, not %d", action_names[self->action], step_names[self->step], what,
             status, wanted);
}

/* Nothing that is waited for may hold a cancel for longer than 50 ms; the machine may be busy, and one that was quick proves the
 * point. */
static int64_t quickest_cancel;

static void dial_end(dial_cell *self) {
  int is_cancelled = self->action == CANCEL || self->action == CANCEL_TWICE;
  if (!is_cancelled) {
    dial_judge(self, "the dial beside it", busy_status(&self->busy), STILL_BLOCKED);
    EXPECT_STATUS(ws_dial_cancel(self->dial), WS_OK);
  }
  dial_judge(self, "the dial", busy_join(&self->busy), WS_ERR_ABORTED);
  EXPECT_INT(self->failure.code, WS_ERR_ABORTED);
  EXPECT_INT(self->failure.who, WS_BY_US);
  if (is_cancelled && self->ended - self->cancelled < quickest_cancel) quickest_cancel = self->ended - self->cancelled;
  ws_conn *conn;
  EXPECT_STATUS(ws_dial_run(self->dial, WS_NEVER, &conn, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_dial_free(self->dial), WS_OK);
  EXPECT_STATUS(ws_dialer_free(self->dialer), WS_OK);
  if (self->step == CONNECTING) peer_leave(&self->queue);
  if (self->step != CONNECTING) close(self->queue.listener);
  if (self->peer >= 0) close(self->peer);
}

/* Waits until the client has begun the TLS handshake: what comes before takes its time, once for all. */
static void await_hello(dial_cell *self) {
  char first;
  self->peer = accept(self->queue.listener, NULL, NULL);
  EXPECT_INT(recv(self->peer, &first, 1, MSG_PEEK), 1);
}

static void run_step(int step) {
  static dial_cell cells[ACTIONS];
  quickest_cancel = INT64_MAX;
  names_hang();
  for (int i = 0; i < ACTIONS; i++) {
    REQUIRE(dial_open(&cells[i], step, i));
    busy_start(&cells[i].busy, run_dial, &cells[i]);
  }
  for (int i = 0; i < ACTIONS && step == SECURING; i++) await_hello(&cells[i]);
  check_settle();
  for (int i = 0; i < ACTIONS; i++) {
    dial_judge(&cells[i], "the dial before it", busy_status(&cells[i].busy), STILL_BLOCKED);
    dial_judge(&cells[i], "it", dial_act(&cells[i]), dial_results[i]);
  }
  check_settle();
  for (int i = 0; i < ACTIONS; i++) dial_end(&cells[i]);
  names_answer();
  EXPECT(quickest_cancel < check_limit(50));
  printf("dial_run at %s beside %d actions: %d cells\n", step_names[step], ACTIONS, ACTIONS);
}

static void beside_a_look_up(void) { run_step(RESOLVING); }
static void beside_a_connect(void) { run_step(CONNECTING); }
static void beside_a_tls_handshake(void) { run_step(SECURING); }
static void beside_a_wait_for_the_response(void) { run_step(RESPONSE); }

/* At most eight look-ups at a time: the ninth waits for its turn, and can be cancelled there too. */
static void more_look_ups_than_threads(void) {
  enum { MANY = 12 };
  static dial_cell cells[MANY];
  quickest_cancel = INT64_MAX;
  names_hang();
  for (int i = 0; i < MANY; i++) {
    REQUIRE(dial_open(&cells[i], RESOLVING, CANCEL));
    busy_start(&cells[i].busy, run_dial, &cells[i]);
  }
  check_settle();
  pthread_mutex_lock(&names.lock);
  EXPECT(names.inside >= 1 && names.inside <= 8);
  pthread_mutex_unlock(&names.lock);
  for (int i = MANY - 1; i >= 0; i--) {
    EXPECT_STATUS(dial_act(&cells[i]), WS_OK);
    dial_end(&cells[i]);
  }
  EXPECT(quickest_cancel < check_limit(50));
  names_answer();
}

/* ---- Upgrading ---- */

enum { WHOLE, IN_STEPS, FORMS };
enum { FREE_UPGRADER, CHANGE_UPGRADER, CLIENT_LEAVES, CLIENT_ASKS, SERVER_ACTIONS };

typedef struct upgrade_cell {
  int form;
  int fd; /* the client's */
  int server;
  ws_upgrader *upgrader;
  int is_upgrader_free;
  ws_conn *conn;
  busy_call busy;
} upgrade_cell;

static int run_upgrade(void *argument) {
  upgrade_cell *self = argument;
  ws_upgrade *upgrade;
  if (self->form == WHOLE) return ws_upgrader_upgrade(self->upgrader, self->server, NULL, 0, WS_NEVER, &self->conn, NULL);
  int status = ws_upgrade_new(self->upgrader, self->server, NULL, 0, &upgrade);
  if (status == WS_OK) status = ws_upgrade_request(upgrade, WS_NEVER, NULL, NULL, NULL);
  if (status == WS_OK) status = ws_upgrade_accept(upgrade, WS_NEVER, &self->conn, NULL);
  EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
  return status;
}

static void upgrade_act(upgrade_cell *self, int action) {
  switch (action) {
    case FREE_UPGRADER:
      EXPECT_STATUS(ws_upgrader_free(self->upgrader), WS_OK);
      self->is_upgrader_free = 1;
      break;
    case CHANGE_UPGRADER: EXPECT_STATUS(ws_upgrader_add_host(self->upgrader, "*"), WS_ERR_STATE); break;
    case CLIENT_LEAVES: shutdown(self->fd, SHUT_RDWR); return;
    default: break;
  }
  EXPECT_INT(busy_status(&self->busy), STILL_BLOCKED);
  EXPECT(peer_put_text(self->fd, PEER_REQUEST));
}

static void beside_an_upgrade(void) {
  static upgrade_cell cells[FORMS][SERVER_ACTIONS];
  for (int i = 0; i < FORMS * SERVER_ACTIONS; i++) {
    upgrade_cell *cell = &cells[i / SERVER_ACTIONS][i % SERVER_ACTIONS];
    int ends[2];
    memset(cell, 0, sizeof *cell);
    peer_sockets(ends);
    cell->form = i / SERVER_ACTIONS;
    cell->fd = ends[0];
    cell->server = ends[1];
    REQUIRE_STATUS(ws_upgrader_new(&cell->upgrader), WS_OK);
    busy_start(&cell->busy, run_upgrade, cell);
  }
  check_settle();
  for (int i = 0; i < FORMS * SERVER_ACTIONS; i++) {
    upgrade_cell *cell = &cells[i / SERVER_ACTIONS][i % SERVER_ACTIONS];
    int action = i % SERVER_ACTIONS;
    upgrade_act(cell, action);
    EXPECT_STATUS(busy_join(&cell->busy), action == CLIENT_LEAVES ? WS_ERR_LOST : WS_OK);
    EXPECT((cell->conn == NULL) == (action == CLIENT_LEAVES));
    ws_conn_free(cell->conn);
    if (!cell->is_upgrader_free) EXPECT_STATUS(ws_upgrader_free(cell->upgrader), WS_OK);
    close(cell->fd);
  }
  printf("the server's handshake beside %d actions, %d forms: %d cells\n", SERVER_ACTIONS, FORMS, SERVER_ACTIONS * FORMS);
}

/* ---- Accepting ---- */

typedef struct accept_cell {
  int listener;
  int32_t fd;
  busy_call busy;
} accept_cell;

static int run_accept(void *argument) {
  accept_cell *self = argument;
  return ws_accept(self->listener, WS_NEVER, &self->fd, NULL, NULL);
}

static void beside_an_accept(void) {
  accept_cell taken = {.fd = 9}, ended = {.fd = 9};
  uint16_t port;
  int32_t fd = 9;
  REQUIRE_STATUS(ws_listen(NULL, 0, &ended.listener, NULL, NULL), WS_OK);
  REQUIRE_STATUS(ws_listen(NULL, 0, &taken.listener, &port, NULL), WS_OK);
  busy_start(&taken.busy, run_accept, &taken);
  busy_start(&ended.busy, run_accept, &ended);
  check_settle();
  EXPECT_STATUS(ws_accept(taken.listener, ws_in_ms(20), &fd, NULL, NULL), WS_ERR_TIMEOUT);
  EXPECT_INT(fd, -1);
  EXPECT_INT(busy_status(&taken.busy), STILL_BLOCKED);
  int client = peer_dial(port);
  shutdown(ended.listener, SHUT_RDWR);
  EXPECT_STATUS(busy_join(&taken.busy), WS_OK);
  EXPECT_STATUS(busy_join(&ended.busy), WS_ERR_IO);
  EXPECT_INT(ended.fd, -1);
  close(client);
  close(taken.fd);
  close(taken.listener);
  close(ended.listener);
  printf("accept beside 3 actions: 3 cells\n");
}

static const check_test tests[] = {
    TEST(beside_a_look_up),
    TEST(beside_a_connect),
    TEST(beside_a_tls_handshake),
    TEST(beside_a_wait_for_the_response),
    TEST(more_look_ups_than_threads),
    TEST(beside_an_upgrade),
    TEST(beside_an_accept),
};
TEST_MAIN(tests)
