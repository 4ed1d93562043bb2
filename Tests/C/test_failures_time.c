/* Whatever ran out of time says how long that was, in the failure's limit and in its words, what was under way, and which call
 * changes it. On a clock that runs only while the library waits.
 */
#include "engines.h"
#include "failures.h"
#include "names.h"
#include "pretend.h"

enum { SET = 3000, MS = 1000000 };

/* Names hang as long as the test holds this. */
static pthread_mutex_t names = PTHREAD_MUTEX_INITIALIZER;

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  if (hints->ai_flags == 0) {
    pthread_mutex_lock(&names);
    pthread_mutex_unlock(&names);
  }
  return address_of(host, service, hints, result);
}

/* One thing that waits. By a timeout the time is SET ms, by a deadline it is what was left of as many. */
typedef struct timed {
  int (*run)(int64_t deadline, ws_failure *failure);
  const char *step;   /* "3000 ms ran out while STEP" */
  const char *setter; /* of its timeout */
  int status;
} timed;

static void begin(void) { pretend.on = 1; }
static int finish(int status) {
  pretend.on = 0;
  return status;
}

/* A failure by a timeout of SET ms: everything is told to the letter. */
static void by_timeout(int status, const ws_failure *got, int want, const char *head, const char *step, const char *setter) {
  char text[200];
  snprintf(text, sizeof text, "%s%d ms ran out while %s%s%s", head, SET, step, setter[0] ? "; " : "", setter);
  expect_failure(got, status, (wanted){.code = want, .who = WS_BY_TIMER, .limit = (uint64_t)SET * MS, .text = text});
  EXPECT_TEXT(got->text, text);
}

/* A failure by a deadline SET ms ahead: some of that has passed already, on a busy machine. */
static void by_deadline(int status, ws_failure *got, int want, const char *step, const char *setter) {
  char text[200];
  uint64_t limit = got->limit;
  snprintf(text, sizeof text, " ms ran out while %s; %s changes it", step, setter);
  EXPECT(limit > 0 && limit <= (uint64_t)SET * MS);
  expect_failure(got, status, (wanted){.code = want, .who = WS_BY_TIMER, .limit = limit, .text = text});
}

/* ---- Opening ---- */

static ws_dialer *a_dialer(int64_t ms) {
  ws_dialer *dialer = NULL;
  EXPECT_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_set_timeout(dialer, ms), WS_OK);
  return dialer;
}

static int dial(const char *url, int64_t deadline, ws_failure *failure) {
  ws_conn *conn;
  ws_dialer *dialer = a_dialer(SET);
  int status = ws_dialer_dial(dialer, url, deadline, &conn, failure);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  return status;
}

static int resolving(int64_t deadline, ws_failure *failure) {
  pthread_mutex_lock(&names);
  begin();
  int status = finish(dial("ws://" "alice:hunter2@hanging.example" SECRET_TARGET, deadline, failure));
  pthread_mutex_unlock(&names);
  return status;
}

static int dial_over(int64_t deadline, ws_failure *failure, int is_full) {
  int ends[2];
  ws_dial *attempt;
  ws_conn *conn;
  ws_dialer *dialer = a_dialer(SET);
  static const char junk[4096];
  peer_sockets(ends);
  while (is_full && send(ends[1], junk, sizeof junk, MSG_DONTWAIT) > 0) {
  }
  EXPECT_STATUS(ws_dial_new(dialer, "ws://" SECRET_URL SECRET_TARGET, &attempt, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_use_fd(attempt, ends[1]), WS_OK);
  begin();
  int status = finish(ws_dial_run(attempt, deadline, &conn, failure));
  EXPECT_STATUS(ws_dial_free(attempt), WS_OK);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  close(ends[0]);
  return status;
}

static int sending_the_request(int64_t deadline, ws_failure *failure) { return dial_over(deadline, failure, 1); }
static int awaiting_the_response(int64_t deadline, ws_failure *failure) { return dial_over(deadline, failure, 0); }

static int upgrade_over(int64_t deadline, ws_failure *failure, int is_full) {
  int ends[2];
  ws_upgrade *attempt;
  ws_upgrader *upgrader = NULL;
  ws_conn *conn;
  static const char junk[4096];
  peer_sockets(ends);
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_timeout(upgrader, SET), WS_OK);
  EXPECT_STATUS(ws_upgrade_new(upgrader, ends[1], NULL, 0, &attempt), WS_OK);
  if (is_full) peer_put_text(ends[0], PEER_REQUEST);
  begin();
  int status = ws_upgrade_request(attempt, deadline, NULL, NULL, failure);
  while (is_full && send(ends[1], junk, sizeof junk, MSG_DONTWAIT) > 0) {
  }
  if (status == WS_OK) status = ws_upgrade_accept(attempt, deadline, &conn, failure);
  finish(status);
  EXPECT_STATUS(ws_upgrade_free(attempt), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  close(ends[0]);
  return status;
}

static int awaiting_the_request(int64_t deadline, ws_failure *failure) { return upgrade_over(deadline, failure, 0); }
static int sending_the_response(int64_t deadline, ws_failure *failure) { return upgrade_over(deadline, failure, 1); }

/* ---- An open connection ---- */

static int closing(int64_t deadline, ws_failure *failure) {
  wire w;
  if (!wire_open(&w, AS_SERVER)) return -99;
  EXPECT_STATUS(ws_conn_set_close_timeout(w.conn, SET), WS_OK);
  begin();
  int status = finish(ws_conn_close(w.conn, 1000, NULL, 0, deadline));
  EXPECT_STATUS(ws_conn_failure(w.conn, WS_READ, failure), WS_OK);
  wire_close(&w);
  return status;
}

/* The same in a loop of the program's own. */
static int closing_in_steps(int64_t deadline, ws_failure *failure) {
  wire w;
  int64_t due;
  if (!wire_open(&w, AS_SERVER)) return -99;
  EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 1), WS_OK);
  EXPECT_STATUS(ws_conn_set_close_timeout(w.conn, SET), WS_OK);
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, deadline), WS_AGAIN);
  EXPECT_STATUS(ws_conn_interest(w.conn, NULL, NULL, &due), WS_OK);
  pretend.ahead += due - ws_now();
  int status = deadline == 0 ? ws_conn_service(w.conn) : ws_conn_close(w.conn, 1000, NULL, 0, deadline);
  EXPECT_STATUS(ws_conn_failure(w.conn, WS_READ, failure), WS_OK);
  wire_close(&w);
  return status;
}

static int sending_a_ping(int64_t deadline, ws_failure *failure) {
  static const char data[1000];
  wire w;
  int status = WS_OK;
  if (!wire_open(&w, AS_SERVER)) return -99;
  EXPECT_STATUS(ws_conn_set_write_deadline(w.conn, 1), WS_OK);
  while (status == WS_OK) status = ws_conn_write(w.conn, WS_BINARY, data, sizeof data);
  EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, SET), WS_OK);
  begin();
  status = finish(ws_conn_write_control(w.conn, WS_PING, NULL, 0, deadline));
  EXPECT_STATUS(ws_conn_failure(w.conn, WS_WRITE, failure), WS_OK);
  wire_close(&w);
  return status;
}

static const timed calls[] = {
    {resolving, "looking up the name", "ws_dialer_set_timeout changes it", WS_ERR_TIMEOUT},
    {sending_the_request, "sending the request", "ws_dialer_set_timeout changes it", WS_ERR_TIMEOUT},
    {awaiting_the_response, "waiting for the response", "ws_dialer_set_timeout changes it", WS_ERR_TIMEOUT},
    {awaiting_the_request, "waiting for the request", "ws_upgrader_set_timeout changes it", WS_ERR_TIMEOUT},
    {sending_the_response, "sending the response", "ws_upgrader_set_timeout changes it", WS_ERR_TIMEOUT},
    {closing, "waiting for the closing handshake", "ws_conn_set_close_timeout changes it", WS_ERR_TIMEOUT},
    {closing_in_steps, "waiting for the closing handshake", "ws_conn_set_close_timeout changes it", WS_ERR_TIMEOUT},
    {sending_a_ping, "waiting to send", "ws_conn_set_write_timeout changes it", WS_ERR_TIMEOUT},
};

static void every_timeout(void) {
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    ws_failure got = none();
    int status = calls[i].run(0, &got);
    by_timeout(status, &got, calls[i].status, "", calls[i].step, calls[i].setter);
  }
}

static void every_deadline_of_a_call(void) {
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    ws_failure got = none();
    int status = calls[i].run(ws_in_ms(SET), &got);
    by_deadline(status, &got, calls[i].status, calls[i].step, "the call's deadline_ns");
  }
}

/* The queue of the listener is full, so connecting waits. */
static void connecting(void) {
  char url[64];
  peer_queue queue;
  ws_failure got = none();
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", peer_fill(&queue));
  begin();
  int status = finish(dial(url, 0, &got));
  by_timeout(status, &got, WS_ERR_TIMEOUT, "", "connecting", "ws_dialer_set_timeout changes it");
  peer_leave(&queue);
}

static void accepting(void) {
  int32_t listener, fd;
  ws_failure got = none();
  REQUIRE_STATUS(ws_listen(NULL, 0, &listener, NULL, NULL), WS_OK);
  begin();
  int status = finish(ws_accept(listener, ws_in_ms(SET), &fd, NULL, &got));
  by_deadline(status, &got, WS_ERR_TIMEOUT, "waiting for a client", "the call's deadline_ns");
  got = none();
  status = ws_accept(listener, 1, &fd, NULL, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_TIMEOUT, .who = WS_BY_TIMER, .limit = 0,
                                        .text = "the deadline had passed before waiting for a client; the call's deadline_ns"});
  close(listener);
}

static int read_gives(ws_conn *conn, ws_failure *got) {
  int32_t type;
  ws_bytes message;
  begin();
  int status = finish(ws_conn_read(conn, &type, &message));
  *got = none();
  EXPECT_STATUS(ws_conn_failure(conn, WS_READ, got), WS_OK);
  return status;
}

static void reading(void) {
  wire w;
  ws_failure got;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, SET), WS_OK);
  int status = read_gives(w.conn, &got);
  by_timeout(status, &got, WS_ERR_TIMEOUT, "", "waiting for a message", "ws_conn_set_read_timeout changes it");
  EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, ws_in_ms(SET)), WS_OK);
  status = read_gives(w.conn, &got);
  by_deadline(status, &got, WS_ERR_TIMEOUT, "waiting for a message", "ws_conn_set_read_deadline");
  EXPECT_STATUS(ws_conn_abort(w.conn), WS_OK);
  EXPECT_STATUS(read_gives(w.conn, &got), WS_ERR_ABORTED);
  EXPECT(got.limit == 0); /* what failed before is over */
  wire_close(&w);
}

static int write_gives(ws_conn *conn, ws_failure *got) {
  static uint8_t data[8000000];
  begin();
  int status = finish(ws_conn_write(conn, WS_BINARY, data, sizeof data));
  *got = none();
  EXPECT_STATUS(ws_conn_failure(conn, WS_WRITE, got), WS_OK);
  return status;
}

/* A write that stopped inside a frame, and every later one. */
static void writing(void) {
  const char *head = "a write stopped inside a frame, so nothing more can be written: ";
  for (int i = 0; i < 2; i++) {
    wire w;
    ws_failure got;
    REQUIRE(wire_open(&w, AS_SERVER));
    EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, SET), WS_OK);
    if (i == 1) EXPECT_STATUS(ws_conn_set_write_deadline(w.conn, ws_in_ms(SET)), WS_OK);
    for (int again = 0; again < 2; again++) {
      int status = write_gives(w.conn, &got);
      if (i == 0) by_timeout(status, &got, WS_ERR_BROKEN, head, "waiting to send", "ws_conn_set_write_timeout changes it");
      if (i == 1) by_deadline(status, &got, WS_ERR_BROKEN, "waiting to send", "ws_conn_set_write_deadline");
    }
    wire_close(&w);
  }
}

/* Output that was kept, and did not move. */
static void writing_in_a_loop(void) {
  wire w;
  ws_failure got = none();
  int64_t due;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 1), WS_OK);
  EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, SET), WS_OK);
  EXPECT_STATUS(write_gives(w.conn, &got), WS_OK);
  EXPECT_STATUS(ws_conn_interest(w.conn, NULL, NULL, &due), WS_OK);
  pretend.ahead += due - ws_now();
  got = none();
  int status = ws_conn_service(w.conn);
  EXPECT_STATUS(ws_conn_failure(w.conn, WS_WRITE, &got), WS_OK);
  by_timeout(status, &got, WS_ERR_BROKEN, "a write stopped inside a frame, so nothing more can be written: ", "waiting to send",
             "ws_conn_set_write_timeout changes it");
  wire_close(&w);
}

/* ---- Engines ---- */

static void engine_out_of_time(ws_engine *engine, int64_t ms, ws_failure *got) {
  int64_t next;
  EXPECT_STATUS(ws_engine_tick(engine, 1, &next), WS_OK);
  EXPECT_INT(next, 1 + ms * MS);
  EXPECT_STATUS(ws_engine_tick(engine, next, &next), WS_OK);
  engine_gives(engine, WS_ERR_TIMEOUT);
  *got = none();
  EXPECT_STATUS(ws_engine_failure(engine, got), WS_OK);
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
}

static void engines(void) {
  ws_dialer *dialer = a_dialer(SET);
  ws_upgrader *upgrader;
  ws_failure got;
  engine_out_of_time(engine_new_client(dialer), SET, &got);
  by_timeout(WS_ERR_TIMEOUT, &got, WS_ERR_TIMEOUT, "", "waiting for the response", "ws_dialer_set_timeout changes it");
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_timeout(upgrader, SET), WS_OK);
  engine_out_of_time(engine_new_server(upgrader), SET, &got);
  by_timeout(WS_ERR_TIMEOUT, &got, WS_ERR_TIMEOUT, "", "waiting for the request", "ws_upgrader_set_timeout changes it");
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static void a_close_of_an_engine(void) {
  ws_failure got;
  ws_engine *engine = engine_open(AS_SERVER);
  EXPECT_STATUS(ws_engine_close(engine, 1000, NULL, 0), WS_OK);
  engine_out_of_time(engine, 10000, &got);
  expect_failure(&got, WS_ERR_TIMEOUT, (wanted){.code = WS_ERR_TIMEOUT, .who = WS_BY_TIMER, .limit = UINT64_C(10000) * MS,
                                                .text = "10000 ms ran out while waiting for the closing handshake"});
}

static const check_test tests[] = {
    TEST(every_timeout),
    TEST(every_deadline_of_a_call),
    TEST(connecting),
    TEST(accepting),
    TEST(reading),
    TEST(writing),
    TEST(writing_in_a_loop),
    TEST(engines),
    TEST(a_close_of_an_engine),
};
TEST_MAIN(tests)
