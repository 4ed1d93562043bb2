/* Connections in poll loops, and engines, with several threads.
 *
 * A non-blocking connection is called by two threads at once, for every pair of calls: no call waits, each result is one of those
 * that the pair allows, and what the peer receives is whole. An engine belongs to one thread at a time; threads share the
 * configuration that engines are made of, and hand engines over.
 */
#include "busy.h"
#include "engines.h"

#include <poll.h>

/* ---- Non-blocking connections ---- */

enum {
  READ,
  READ_INTO,
  WRITE,
  PING,
  SERVICE,
  CLOSE,
  CALLS, /* these are called in a loop beside each of the others and themselves */
  CLOSE_BEGIN = CALLS,
  ABORT,
  ASK,
  SET_HANDLERS,
  SET_LIMITS,
  SET_TIMEOUTS,
  SET_NONBLOCKING,
  RETAIN_AND_FREE,
  ACTIONS
};

static const char *const names[ACTIONS] = {"read",       "read_into", "write", "ping",         "service",    "close",        "close_begin",
                                           "abort",      "ask",       "set handlers", "set limits", "set timeouts", "set nonblocking",
                                           "retain and free"};

/* A result as a bit. */
enum {
  OK = 1,
  END = 2,
  AGAIN = 4,
  STATE = 8,
  ABORTED = 16,
  CLOSE_SENT = 32,
  OTHER = 64
};

static int bit(int status) {
  switch (status) {
    case WS_OK: return OK;
    case WS_END: return END;
    case WS_AGAIN: return AGAIN;
    case WS_ERR_STATE: return STATE;
    case WS_ERR_ABORTED: return ABORTED;
    case WS_ERR_CLOSE_SENT: return CLOSE_SENT;
    default: return OTHER;
  }
}

/* What a call may give beside another one. */
static int allowed(int call, int other) {
  int is_closed = call == CLOSE || other == CLOSE || other == CLOSE_BEGIN, is_read = other == READ || other == READ_INTO;
  int ends = other == ABORT ? ABORTED : 0;
  switch (call) {
    case READ:
    case READ_INTO: return OK | AGAIN | ends | (is_read ? STATE : 0) | (is_closed ? END : 0);
    case WRITE:
    case PING: return OK | AGAIN | ends | (is_closed ? CLOSE_SENT : 0);
    case SERVICE:
    case CLOSE_BEGIN: return OK | ends;
    case CLOSE: return OK | AGAIN | ends;
    default: return OK;
  }
}

enum { ROUNDS = 200, MESSAGES = 40 };

static const char text[] = "every message that was taken arrives, whole and in one piece";

typedef struct cell {
  wire w;
  int call, action;
  int call_seen, action_seen; /* bits */
  int taken;                  /* messages that the connection took */
  int got;                    /* messages that the peer received */
  int freed;
  pthread_t peer;
  busy_call calling, acting;
} cell;

static void count_free(void *user) WS_NOEXCEPT { __atomic_add_fetch((int *)user, 1, __ATOMIC_SEQ_CST); }

static int on_control(ws_conn *conn, const void *data, size_t size, void *user) WS_NOEXCEPT {
  (void)conn, (void)data, (void)size, (void)user;
  return 0;
}

/* Receives everything, and answers a close frame. */
static void *play_peer(void *argument) {
  static const size_t size = sizeof text - 1;
  cell *self = argument;
  peer_frame frame;
  while (peer_get_frame(self->w.fd, &frame)) {
    EXPECT_INT(frame.masked, !self->w.masks);
    if (frame.first == 0x82) EXPECT_BYTES(frame.data, frame.size, text, size);
    if (frame.first == 0x82) self->got += 1;
    if (frame.first == 0x88) peer_put_close(self->w.fd, self->w.masks, 1000, "");
    if (frame.first == 0x88) shutdown(self->w.fd, SHUT_WR);
  }
  return NULL;
}

static int write_one(cell *self) {
  int status = ws_conn_write(self->w.conn, WS_BINARY, text, sizeof text - 1);
  if (status == WS_OK) __atomic_add_fetch(&self->taken, 1, __ATOMIC_SEQ_CST);
  return status;
}

static int ask(ws_conn *conn) {
  int32_t fd, events;
  int64_t due;
  ws_failure failure = {.struct_size = sizeof failure};
  int status = ws_conn_interest(conn, &fd, &events, &due);
  return status == WS_OK ? ws_conn_failure(conn, WS_READ, &failure) : status;
}

static int act(cell *self, int action) {
  int32_t type;
  ws_bytes message;
  size_t size;
  char room[64];
  ws_conn *conn = self->w.conn;
  switch (action) {
    case READ: return ws_conn_read(conn, &type, &message);
    case READ_INTO: return ws_conn_read_into(conn, &type, room, sizeof room, &size);
    case WRITE: return write_one(self);
    case PING: return ws_conn_write_control(conn, WS_PING, "p", 1, 0);
    case SERVICE: return ws_conn_service(conn);
    case CLOSE: return ws_conn_close(conn, 1000, NULL, 0, WS_NEVER);
    case CLOSE_BEGIN: return ws_conn_close_begin(conn, 1000, NULL, 0);
    case ABORT: return ws_conn_abort(conn);
    case SET_HANDLERS: return ws_conn_set_pong_handler(conn, on_control, &self->freed, count_free);
    case SET_LIMITS: return ws_conn_set_read_limit(conn, 1000);
    case SET_TIMEOUTS: return ws_conn_set_read_timeout(conn, 100000);
    case SET_NONBLOCKING: return ws_conn_set_nonblocking(conn, 1);
    case RETAIN_AND_FREE: return ws_conn_retain(conn) == conn ? ws_conn_free(conn) : -1;
    default: return ask(conn);
  }
}

static int run_call(void *argument) {
  cell *self = argument;
  for (int i = 0; i < ROUNDS; i++) self->call_seen |= bit(act(self, self->call));
  return WS_OK;
}

static int run_action(void *argument) {
  cell *self = argument;
  for (int i = 0; i < ROUNDS; i++) self->action_seen |= bit(act(self, self->action));
  return WS_OK;
}

static int open_cell(cell *self, int role, int call, int action) {
  memset(self, 0, sizeof *self);
  self->call = call;
  self->action = action;
  if (!wire_open(&self->w, role)) return 0;
  for (int i = 0; i < MESSAGES; i++) {
    wire_put_text(&self->w, 0x81, "for the reader");
    wire_put_text(&self->w, 0x89, "ping");
  }
  EXPECT_INT(pthread_create(&self->peer, NULL, play_peer, self), 0);
  return EXPECT_STATUS(ws_conn_set_nonblocking(self->w.conn, 1), WS_OK);
}

/* Sends what the connection has taken. */
static void flush(ws_conn *conn) {
  int32_t fd, events = POLLOUT;
  while (ws_conn_service(conn) == WS_OK && ws_conn_interest(conn, &fd, &events, NULL) == WS_OK && (events & POLLOUT) != 0) {
    struct pollfd entry = {.fd = fd, .events = POLLOUT};
    poll(&entry, 1, 1000);
  }
}

static void end_cell(cell *self) {
  EXPECT_STATUS(busy_join(&self->calling), WS_OK);
  EXPECT_STATUS(busy_join(&self->acting), WS_OK);
  flush(self->w.conn);
  EXPECT_STATUS(ws_conn_abort(self->w.conn), WS_OK);
  pthread_join(self->peer, NULL);
  if (self->action != ABORT) EXPECT_INT(self->got, self->taken);
  EXPECT_STATUS(ws_conn_free(self->w.conn), WS_OK);
  if (self->action == SET_HANDLERS) EXPECT_INT(self->freed, ROUNDS);
  int odd = self->call_seen & ~allowed(self->call, self->action), also = self->action_seen & ~allowed(self->action, self->call);
  if (odd) check_fail(__FILE__, __LINE__, "%s beside %s gave 0x%x", names[self->call], names[self->action], odd);
  if (also) check_fail(__FILE__, __LINE__, "%s beside %s gave 0x%x too", names[self->action], names[self->call], also);
  close(self->w.fd);
}

static void run_rows(int call) {
  static cell cells[ACTIONS];
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    for (int i = 0; i < ACTIONS; i++) {
      REQUIRE(open_cell(&cells[i], role, call, i));
      busy_start(&cells[i].calling, run_call, &cells[i]);
      busy_start(&cells[i].acting, run_action, &cells[i]);
    }
    for (int i = 0; i < ACTIONS; i++) end_cell(&cells[i]);
  }
  printf("%s, not blocking, beside %d actions, 2 roles: %d cells\n", names[call], ACTIONS, 2 * ACTIONS);
}

static void beside_reads(void) {
  run_rows(READ);
  run_rows(READ_INTO);
}

static void beside_writes(void) {
  run_rows(WRITE);
  run_rows(PING);
}

static void beside_the_service(void) { run_rows(SERVICE); }
static void beside_a_close(void) { run_rows(CLOSE); }

/* ---- Engines ---- */

enum { THREADS = 4, ENGINES = 50, SENT = 20 };

typedef struct maker {
  ws_dialer *dialer;
  ws_upgrader *upgrader;
  ws_engine *client, *server; /* the last ones, left for another thread */
  pthread_t thread;
} maker;

/* Both ends, with the handshake done. */
static void make(maker *self) {
  EXPECT_STATUS(ws_engine_new_client(self->dialer, "ws://localhost/", NULL, NULL, &self->client, NULL), WS_OK);
  EXPECT_STATUS(ws_engine_new_server(self->upgrader, 0, &self->server), WS_OK);
  engine_move(self->client, self->server, SIZE_MAX, 1);
  engine_event(self->server, WS_EVENT_REQUEST);
  EXPECT_STATUS(ws_engine_accept(self->server), WS_OK);
  engine_move(self->server, self->client, SIZE_MAX, 0);
  engine_event(self->client, WS_EVENT_OPEN);
  engine_event(self->server, WS_EVENT_OPEN);
}

static void send_and_read(maker *self) {
  for (int i = 0; i < SENT; i++) {
    EXPECT_STATUS(ws_engine_send(self->client, WS_TEXT, text, sizeof text - 1), WS_OK);
    engine_move(self->client, self->server, SIZE_MAX, i & 1);
    engine_reads(self->server, text);
  }
}

static void end(maker *self) {
  EXPECT_STATUS(ws_engine_free(self->client), WS_OK);
  EXPECT_STATUS(ws_engine_free(self->server), WS_OK);
}

static void *make_many(void *argument) {
  maker *self = argument;
  for (int i = 0; i < ENGINES; i++) {
    if (i > 0) end(self);
    make(self);
    send_and_read(self);
  }
  EXPECT_STATUS(ws_dialer_set_timeout(self->dialer, 1), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_timeout(self->upgrader, 1), WS_ERR_STATE);
  return NULL;
}

/* The configurations are given back while the engines live, and the engines end on another thread than they began. */
static void engines_of_one_configuration(void) {
  maker makers[THREADS], first;
  EXPECT_STATUS(ws_dialer_new(&first.dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(first.dialer, "User-Agent", "threads"), WS_OK);
  EXPECT_STATUS(ws_upgrader_new(&first.upgrader), WS_OK);
  for (int i = 0; i < THREADS; i++) {
    makers[i] = first;
    EXPECT_INT(pthread_create(&makers[i].thread, NULL, make_many, &makers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(makers[i].thread, NULL);
  EXPECT_STATUS(ws_dialer_free(first.dialer), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(first.upgrader), WS_OK);
  for (int i = 0; i < THREADS; i++) {
    send_and_read(&makers[i]);
    end(&makers[i]);
  }
}

static const check_test tests[] = {
    TEST(beside_reads),   TEST(beside_writes), TEST(beside_the_service),
    TEST(beside_a_close), TEST(engines_of_one_configuration),
};
TEST_MAIN(tests)
