/* One thread is inside a call, another does something to the same connection: what both get, for every pair, in both roles.
 *
 * Nothing hangs (each call has a time by which it is back), nothing leaks (descriptors, and each user pointer is freed exactly
 * once), and every result is the one of the table below.
 */
#include "busy.h"

enum { READING, READING_INTO, READING_PARTS, WRITING, WRITING_CONTROL, STREAMING, CLOSING, PINGING, CALLS };

static const char *const call_names[CALLS] = {"read",          "read_into",    "reader_read", "write",
                                              "write_control", "writer_write", "close",       "ping and its pong"};

/* What other threads do. All but free use a reference that outlives them. */
enum {
  FREE,
  ABORT,
  CLOSE,
  CLOSE_BEGIN,
  SET_HANDLERS,
  SET_LIMITS,
  SET_TIMEOUTS,
  SET_DEADLINES,
  SET_USER_DATA,
  WRITE,
  WRITE_PING,
  WRITE_CLOSE,
  STREAM,
  PING,
  READ,
  READ_INTO,
  NEXT_READER,
  READER_READ,
  SET_ALIVE,
  RETAIN_AND_FREE,
  ASK,
  SET_NONBLOCKING,
  SERVICE,
  ACTIONS
};

static const char *const action_names[ACTIONS] = {
    "free",          "abort",    "close", "close_begin", "set handlers", "set limits", "set timeouts",    "set deadlines",
    "set user data", "write",    "ping",  "send close",  "stream",       "ping and its pong", "read", "read_into",
    "next_reader",   "reader_read", "set keepalive", "retain and free", "ask",  "set nonblocking", "service"};

typedef struct expected {
  int action; /* its result */
  int call;   /* the result of the call in progress */
} expected;

#define BLOCKED STILL_BLOCKED
#define SAME {WS_OK, BLOCKED}
#define ENDS {WS_OK, WS_ERR_ABORTED}
#define DROPS {WS_ERR_TIMEOUT, WS_ERR_ABORTED}
#define STUCK {WS_ERR_TIMEOUT, BLOCKED}
#define REFUSED {WS_ERR_STATE, BLOCKED}
#define PARTLY STUCK /* the rest of a message, which does not come */
#define TOO_LATE {WS_ERR_CLOSE_SENT, BLOCKED}

/* Writing and reading actions are given 100 ms. A close that fails has dropped the connection. */
static const expected table[CALLS][ACTIONS] = {
    /*          free  abort close  begin hand. limits times deadl user  write     ping      close     stream    pong      read     into     next     reader   alive ret.  ask   nonb. serv. */
    /* read  */ {ENDS, ENDS, DROPS, SAME, SAME, SAME, SAME, SAME, SAME, SAME,     SAME,     SAME,     SAME,     STUCK,    REFUSED, REFUSED, REFUSED, REFUSED, SAME, SAME, SAME, SAME, SAME},
    /* into  */ {ENDS, ENDS, DROPS, SAME, SAME, SAME, SAME, SAME, SAME, SAME,     SAME,     SAME,     SAME,     STUCK,    REFUSED, REFUSED, REFUSED, REFUSED, SAME, SAME, SAME, SAME, SAME},
    /* parts */ {ENDS, ENDS, DROPS, SAME, SAME, SAME, SAME, SAME, SAME, SAME,     SAME,     SAME,     SAME,     STUCK,    REFUSED, REFUSED, REFUSED, REFUSED, SAME, SAME, SAME, SAME, SAME},
    /* write */ {ENDS, ENDS, DROPS, SAME, SAME, SAME, SAME, SAME, SAME, STUCK,    STUCK,    STUCK,    STUCK,    STUCK,    STUCK,   STUCK,   STUCK,   PARTLY,  SAME, SAME, SAME, SAME, SAME},
    /* ping  */ {ENDS, ENDS, DROPS, SAME, SAME, SAME, SAME, SAME, SAME, STUCK,    STUCK,    STUCK,    STUCK,    STUCK,    STUCK,   STUCK,   STUCK,   PARTLY,  SAME, SAME, SAME, SAME, SAME},
    /* strm. */ {ENDS, ENDS, DROPS, SAME, SAME, SAME, SAME, SAME, SAME, STUCK,    STUCK,    STUCK,    STUCK,    STUCK,    STUCK,   STUCK,   STUCK,   PARTLY,  SAME, SAME, SAME, SAME, SAME},
    /* close */ {ENDS, ENDS, DROPS, SAME, SAME, SAME, SAME, SAME, SAME, TOO_LATE, TOO_LATE, TOO_LATE, TOO_LATE, TOO_LATE, STUCK,   STUCK,   STUCK,   PARTLY,  SAME, SAME, SAME, SAME, SAME},
    /* pong  */ {ENDS, ENDS, DROPS, SAME, SAME, SAME, SAME, SAME, SAME, SAME,     SAME,     SAME,     SAME,     STUCK,    STUCK,   STUCK,   STUCK,   PARTLY,  SAME, SAME, SAME, SAME, SAME}};

enum { USERS = 6, LARGE = 4000000 };

typedef struct cell {
  wire w;
  int call;
  int action;
  int freed[USERS]; /* how often each user pointer was freed */
  int users;        /* how many were handed over */
  ws_reader *reader; /* of a message whose end does not come, where a row or a column is about readers */
  busy_call busy;
  busy_call acting;
} cell;

static void count_free(void *user) WS_NOEXCEPT { __atomic_add_fetch((int *)user, 1, __ATOMIC_SEQ_CST); }

static int on_control(ws_conn *conn, const void *data, size_t size, void *user) WS_NOEXCEPT {
  (void)conn, (void)data, (void)size, (void)user;
  return 0;
}

static int on_close(ws_conn *conn, uint16_t code, const void *reason, size_t size, void *user) WS_NOEXCEPT {
  (void)code;
  return on_control(conn, reason, size, user);
}

static int set_handlers(cell *self) {
  int *freed = self->freed + self->users;
  self->users += 3;
  int status = ws_conn_set_ping_handler(self->w.conn, on_control, freed, count_free);
  if (status == WS_OK) status = ws_conn_set_pong_handler(self->w.conn, on_control, freed + 1, count_free);
  if (status == WS_OK) status = ws_conn_set_close_handler(self->w.conn, on_close, freed + 2, count_free);
  return status;
}

static int set_timeouts(ws_conn *conn) {
  int status = ws_conn_set_read_timeout(conn, 50);
  if (status == WS_OK) status = ws_conn_set_write_timeout(conn, 50);
  if (status == WS_OK) status = ws_conn_set_close_timeout(conn, 50);
  return status;
}

static int set_limits(ws_conn *conn) {
  int status = ws_conn_set_read_limit(conn, 10);
  if (status == WS_OK) status = ws_conn_set_check_utf8(conn, 0, 1);
  if (status == WS_OK) status = ws_conn_set_interruptible(conn, 1);
  return status;
}

static int set_deadlines(ws_conn *conn, int64_t deadline) {
  int status = ws_conn_set_read_deadline(conn, deadline);
  return status == WS_OK ? ws_conn_set_write_deadline(conn, deadline) : status;
}

static int ask(ws_conn *conn) {
  uint16_t theirs, ours;
  ws_bytes bytes;
  void *user;
  ws_failure failure = {.struct_size = sizeof failure};
  ws_address address = {.struct_size = sizeof address};
  int status = ws_conn_close_codes(conn, &theirs, &bytes, &ours);
  if (status == WS_OK) status = ws_conn_user_data(conn, &user);
  if (status == WS_OK) status = ws_conn_subprotocol(conn, &bytes);
  if (status == WS_OK) status = ws_conn_extensions(conn, &bytes);
  if (status == WS_OK) status = ws_conn_failure(conn, WS_READ, &failure);
  if (status == WS_OK) status = ws_conn_failure(conn, WS_WRITE, &failure);
  if (status == WS_OK) status = ws_conn_local_address(conn, &address);
  if (status == WS_OK) status = ws_conn_remote_address(conn, &address);
  if (status == WS_OK) status = ws_conn_interest(conn, NULL, NULL, NULL);
  return status;
}

static int read_one(ws_conn *conn, int into) {
  int32_t type;
  ws_bytes message;
  size_t size;
  char room[16];
  return into ? ws_conn_read_into(conn, &type, room, sizeof room, &size) : ws_conn_read(conn, &type, &message);
}

/* The first part of a message, whose end does not come. */
static int begin_message(cell *self) {
  int32_t type;
  ws_bytes part;
  wire_put_text(&self->w, 0x01, "part");
  return EXPECT_STATUS(ws_conn_next_reader(self->w.conn, &type, &self->reader), WS_OK) &&
         EXPECT_STATUS(ws_reader_next(self->reader, &part), WS_OK);
}

static int read_part(ws_reader *reader) {
  size_t size;
  char room[16];
  return ws_reader_read(reader, room, sizeof room, &size);
}

static int stream(ws_conn *conn, const void *data, size_t size) {
  ws_writer *writer;
  int status = ws_conn_next_writer(conn, WS_BINARY, &writer);
  if (status == WS_OK) status = ws_writer_write(writer, data, size);
  return status == WS_OK ? ws_writer_close(writer) : status;
}

/* The call in progress. */
static int do_call(void *argument) {
  cell *self = argument;
  ws_conn *conn = self->w.conn;
  int status = WS_OK;
  uint8_t *data;
  switch (self->call) {
    case READING:
    case READING_INTO: return read_one(conn, self->call == READING_INTO);
    case READING_PARTS: return read_part(self->reader);
    case WRITING:
      data = calloc(1, LARGE);
      status = ws_conn_write(conn, WS_BINARY, data, LARGE);
      free(data);
      return status;
    case WRITING_CONTROL: return ws_conn_write_control(conn, WS_PING, "x", 1, WS_NEVER);
    case STREAMING:
      data = calloc(1, LARGE);
      status = stream(conn, data, LARGE);
      free(data);
      return status;
    case PINGING: return ws_conn_ping(conn, WS_NEVER, NULL);
    default: return ws_conn_close(conn, 1000, "bye", 3, WS_NEVER);
  }
}

static int do_action(void *argument) {
  cell *self = argument;
  ws_conn *conn = self->w.conn;
  int32_t type;
  ws_reader *reader;
  int64_t soon = ws_in_ms(check_limit(100));
  switch (self->action) {
    case FREE: return ws_conn_free(conn);
    case ABORT: return ws_conn_abort(conn);
    case CLOSE: return ws_conn_close(conn, 1000, NULL, 0, soon);
    case CLOSE_BEGIN: return ws_conn_close_begin(conn, 1000, NULL, 0);
    case SET_HANDLERS: return set_handlers(self);
    case SET_LIMITS: return set_limits(conn);
    case SET_TIMEOUTS: return set_timeouts(conn);
    case SET_DEADLINES: return set_deadlines(conn, 1);
    case SET_USER_DATA: return ws_conn_set_user_data(conn, &self->freed[self->users++], count_free);
    case WRITE: return set_deadlines(conn, soon) == WS_OK ? ws_conn_write(conn, WS_TEXT, "x", 1) : -1;
    case WRITE_PING: return ws_conn_write_control(conn, WS_PING, NULL, 0, soon);
    case WRITE_CLOSE: return ws_conn_write_control(conn, WS_CLOSE, NULL, 0, soon);
    case STREAM: return set_deadlines(conn, soon) == WS_OK ? stream(conn, "x", 1) : -1;
    case PING: return ws_conn_ping(conn, soon, NULL);
    case SET_ALIVE: return ws_conn_set_keepalive(conn, 3600000, 1000) + ws_conn_set_background(conn, 0);
    case READ:
    case READ_INTO: return set_deadlines(conn, soon) == WS_OK ? read_one(conn, self->action == READ_INTO) : -1;
    case NEXT_READER: return set_deadlines(conn, soon) == WS_OK ? ws_conn_next_reader(conn, &type, &reader) : -1;
    case READER_READ: return set_deadlines(conn, soon) == WS_OK ? read_part(self->reader) : -1;
    case SET_NONBLOCKING: return ws_conn_set_nonblocking(conn, 1);
    case SERVICE: return ws_conn_service(conn);
    case RETAIN_AND_FREE: return ws_conn_retain(conn) == conn ? ws_conn_free(conn) : -1;
    default: return ask(conn);
  }
}

static int open_cell(cell *self, int role, int call, int action) {
  memset(self, 0, sizeof *self);
  self->call = call;
  self->action = action;
  if (!wire_open(&self->w, role)) return 0;
  if ((call == READING_PARTS || action == READER_READ) && !begin_message(self)) return 0;
  if (call == WRITING_CONTROL) busy_fill(self->w.conn);
  EXPECT_STATUS(ws_conn_set_write_timeout(self->w.conn, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_ping_handler(self->w.conn, on_control, &self->freed[0], count_free), WS_OK);
  EXPECT_STATUS(ws_conn_set_user_data(self->w.conn, &self->freed[1], count_free), WS_OK);
  self->users = 2;
  return 1;
}

static void judge(cell *self, int role, const char *what, int status, int wanted) {
  if (status == wanted) return;
  check_fail(__FILE__, __LINE__, "%s beside %s as %s: %s gave %d, not %d", action_names[self->action], call_names[self->call],
             role == AS_SERVER ? "server" : "client", what, status, wanted);
}

/* Ends what is left, and looks that everything was given back. */
static void end_cell(cell *self, int role, const expected *wanted) {
  if (self->action != FREE) {
    EXPECT_STATUS(ws_conn_abort(self->w.conn), WS_OK);
    judge(self, role, "the call, at last", busy_join(&self->busy), WS_ERR_ABORTED);
    judge(self, role, "the action", busy_join(&self->acting), wanted->action);
    EXPECT_STATUS(ws_conn_free(self->w.conn), WS_OK);
  } else {
    busy_join(&self->busy);
    busy_join(&self->acting);
  }
  for (int i = 0; i < self->users; i++) judge(self, role, "freeing a user pointer", self->freed[i], 1);
  close(self->w.fd);
}

/* One row: all actions at the same time, each beside a call of its own. */
static void run_row(int role, int call) {
  static cell cells[ACTIONS];
  for (int i = 0; i < ACTIONS; i++) {
    REQUIRE(open_cell(&cells[i], role, call, i));
    busy_start(&cells[i].busy, do_call, &cells[i]);
  }
  check_settle();
  for (int i = 0; i < ACTIONS; i++) judge(&cells[i], role, "the call before it", busy_status(&cells[i].busy), STILL_BLOCKED);
  for (int i = 0; i < ACTIONS; i++) busy_start(&cells[i].acting, do_action, &cells[i]);
  for (int i = 0; i < ACTIONS; i++) {
    const expected *wanted = &table[call][i];
    judge(&cells[i], role, "the action", busy_becomes(&cells[i].acting, wanted->action, 3000), wanted->action);
    if (wanted->call != STILL_BLOCKED) busy_becomes(&cells[i].busy, wanted->call, 3000);
  }
  check_settle();
  for (int i = 0; i < ACTIONS; i++) judge(&cells[i], role, "the call", busy_status(&cells[i].busy), table[call][i].call);
  for (int i = 0; i < ACTIONS; i++) end_cell(&cells[i], role, &table[call][i]);
}

static void run_rows(int call) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) run_row(role, call);
  printf("%s beside %d actions, 2 roles: %d cells\n", call_names[call], ACTIONS, 2 * ACTIONS);
}

static void beside_a_read(void) { run_rows(READING); }
static void beside_a_read_into(void) { run_rows(READING_INTO); }
static void beside_a_reader(void) { run_rows(READING_PARTS); }
static void beside_a_blocked_write(void) { run_rows(WRITING); }
static void beside_a_blocked_write_control(void) { run_rows(WRITING_CONTROL); }
static void beside_a_blocked_writer(void) { run_rows(STREAMING); }
static void beside_a_close_that_waits(void) { run_rows(CLOSING); }

static void beside_a_ping_that_waits(void) { run_rows(PINGING); }

static const check_test tests[] = {
    TEST(beside_a_read),
    TEST(beside_a_read_into),
    TEST(beside_a_reader),
    TEST(beside_a_blocked_write),
    TEST(beside_a_blocked_write_control),
    TEST(beside_a_blocked_writer),
    TEST(beside_a_close_that_waits),
    TEST(beside_a_ping_that_waits),
};
TEST_MAIN(tests)
