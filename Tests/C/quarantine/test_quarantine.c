/* A library built with -DWSSWIFT_QUARANTINE=ON keeps freed handles: a call on one names its type on standard error and ends the
 * process, and no later handle lies where it lay. Only such a library passes; against any other these tests fail.
 */
#include "../engines.h"
#include "../handlers.h"
#include "../zoo.h"

#include <sys/resource.h>
#include <sys/wait.h>

/* Does something in a child, and keeps what that said to standard error. The child's end, as waitpid gives it. */
static int in_a_child(void (*act)(void), char *said, size_t room) {
  int ends[2], status = -1;
  size_t size = 0;
  ssize_t got;
  if (!EXPECT(pipe(ends) == 0)) return status;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    dup2(ends[1], STDERR_FILENO);
    act();
    _exit(0);
  }
  close(ends[1]);
  while ((got = read(ends[0], said + size, room - 1 - size)) > 0) size += (size_t)got;
  said[size] = '\0';
  close(ends[0]);
  EXPECT(waitpid(child, &status, 0) == child);
  return status;
}

static void must_report(void (*act)(void), const char *text) {
  char said[256];
  int status = in_a_child(act, said, sizeof said);
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  EXPECT_TEXT(said, text);
}

/* ---- One handle of each type, freed and used ---- */

static void use_conn(void) {
  wire w;
  if (!wire_open(&w, AS_SERVER)) return;
  ws_conn_free(w.conn);
  ws_conn_set_read_limit(w.conn, 1);
}

static void read_conn(void) {
  int32_t type;
  ws_bytes message;
  wire w;
  if (!wire_open(&w, AS_CLIENT)) return;
  ws_conn_free(w.conn);
  (void)!ws_conn_read(w.conn, &type, &message);
}

static void free_conn_twice(void) {
  wire w;
  if (!wire_open(&w, AS_SERVER)) return;
  ws_conn_free(w.conn);
  ws_conn_free(w.conn);
}

static void retain_conn(void) {
  wire w;
  if (!wire_open(&w, AS_SERVER)) return;
  ws_conn_free(w.conn);
  ws_conn_retain(w.conn);
}

static void conns(void) {
  must_report(use_conn, "wsswift: use after free: ws_conn\n");
  must_report(read_conn, "wsswift: use after free: ws_conn\n");
  must_report(free_conn_twice, "wsswift: use after free: ws_conn\n");
  must_report(retain_conn, "wsswift: use after free: ws_conn\n");
}

static void use_dialer(void) {
  zoo all;
  zoo_open(&all);
  zoo_close(&all);
  ws_dialer_set_timeout(all.dialer, 1);
}

static void dial_with_dialer(void) {
  zoo all;
  ws_dial *dial;
  zoo_open(&all);
  zoo_close(&all);
  (void)!ws_dial_new(all.dialer, "ws://localhost/", &dial, NULL);
}

static void use_dial(void) {
  zoo all;
  zoo_open(&all);
  zoo_close(&all);
  ws_dial_cancel(all.dial);
}

static void use_upgrader(void) {
  zoo all;
  zoo_open(&all);
  zoo_close(&all);
  ws_upgrader_set_timeout(all.upgrader, 1);
}

static void use_upgrade(void) {
  zoo all;
  zoo_open(&all);
  zoo_close(&all);
  ws_upgrade_refuse(all.upgrade, 400, NULL, 0);
}

static void configurations_and_attempts(void) {
  must_report(use_dialer, "wsswift: use after free: ws_dialer\n");
  must_report(dial_with_dialer, "wsswift: use after free: ws_dialer\n");
  must_report(use_dial, "wsswift: use after free: ws_dial\n");
  must_report(use_upgrader, "wsswift: use after free: ws_upgrader\n");
  must_report(use_upgrade, "wsswift: use after free: ws_upgrade\n");
}

static void use_engine(void) {
  ws_engine *engine = engine_new_server(NULL);
  ws_engine_free(engine);
  ws_engine_set_read_limit(engine, 1);
}

static void use_headers(void) {
  const ws_headers *headers;
  ws_bytes value;
  ws_engine *engine = engine_new_server(NULL);
  engine_feed_text(engine, PEER_REQUEST);
  engine_event(engine, WS_EVENT_REQUEST);
  ws_engine_head(engine, NULL, NULL, &headers);
  ws_engine_free(engine);
  ws_headers_find(headers, "Host", &value);
}

static void engines_and_header_fields(void) {
  must_report(use_engine, "wsswift: use after free: ws_engine\n");
  must_report(use_headers, "wsswift: use after free: ws_headers\n");
}

static void use_reader(void) {
  wire w;
  int32_t type;
  ws_reader *reader;
  ws_bytes part;
  if (!wire_open(&w, AS_SERVER)) return;
  wire_put_text(&w, 0x81, "message");
  (void)!ws_conn_next_reader(w.conn, &type, &reader);
  ws_conn_free(w.conn);
  (void)!ws_reader_next(reader, &part);
}

static void use_writer(void) {
  wire w;
  ws_writer *writer;
  if (!wire_open(&w, AS_SERVER)) return;
  (void)!ws_conn_next_writer(w.conn, WS_TEXT, &writer);
  ws_conn_free(w.conn);
  (void)!ws_writer_close(writer);
}

static void use_prepared(void) {
  wire w;
  ws_prepared *message;
  if (!wire_open(&w, AS_SERVER) || ws_prepared_new(WS_TEXT, "x", 1, &message) != WS_OK) return;
  ws_prepared_free(message);
  (void)!ws_conn_write_prepared(w.conn, message);
}

/* Readers and writers are parts of their connection, and end with it. */
static void readers_writers_and_prepared_messages(void) {
  must_report(use_reader, "wsswift: use after free: ws_reader\n");
  must_report(use_writer, "wsswift: use after free: ws_writer\n");
  must_report(use_prepared, "wsswift: use after free: ws_prepared\n");
}

/* ---- What is reported beside that, and what is not ---- */

static void use_dial_as_conn(void) {
  zoo all;
  zoo_open(&all);
  zoo_close(&all);
  ws_conn_abort((ws_conn *)all.dial);
}

static void free_in_handler(ws_conn *conn, seen *self) {
  (void)self;
  ws_conn_free(conn);
}

static void free_twice_in_handler(ws_conn *conn, seen *self) {
  free_in_handler(conn, self);
  ws_conn_free(conn);
}

static void read_with(void (*act)(ws_conn *, seen *)) {
  wire w;
  int32_t type;
  ws_bytes message;
  seen ping = {.act = act};
  if (!wire_open(&w, AS_SERVER)) return;
  ws_conn_set_ping_handler(w.conn, on_control, &ping, on_free);
  wire_put_text(&w, 0x89, "ping");
  EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_ERR_ABORTED);
  EXPECT(ping.calls == 1 && ping.freed == 1);
  close(w.fd);
}

static void free_twice_while_it_reads(void) { read_with(free_twice_in_handler); }

static void other_misuse(void) {
  must_report(use_dial_as_conn, "wsswift: use after free: ws_dial\n");
  must_report(free_twice_while_it_reads, "wsswift: freed more often than it was given: ws_conn\n");
}

static void ask_after_free(ws_conn *conn, seen *self) {
  uint16_t code;
  free_in_handler(conn, self);
  EXPECT_STATUS(ws_conn_close_codes(conn, &code, NULL, NULL), WS_OK);
}

/* A handle that was freed inside its own callback lives until the outermost call returns. */
static void what_is_allowed_stays_so(void) {
  read_with(ask_after_free);
  EXPECT_STATUS(ws_conn_free(NULL), WS_OK);
  EXPECT_STATUS(ws_conn_abort(NULL), WS_ERR_INVALID);
}

/* Of what a handle held, its address alone is kept. */
static void no_handle_lies_where_a_freed_one_lay(void) {
  enum { COUNT = 500 };
  static ws_dialer *made[COUNT];
  for (int i = 0; i < COUNT; i++) {
    EXPECT_STATUS(ws_dialer_new(&made[i]), WS_OK);
    EXPECT_STATUS(ws_dialer_free(made[i]), WS_OK);
    for (int before = 0; before < i; before++) EXPECT(made[before] != made[i]);
  }
}

static const check_test tests[] = {
    TEST(conns),
    TEST(configurations_and_attempts),
    TEST(engines_and_header_fields),
    TEST(readers_writers_and_prepared_messages),
    TEST(other_misuse),
    TEST(what_is_allowed_stays_so),
    TEST(no_handle_lies_where_a_freed_one_lay),
};
TEST_MAIN(tests)
