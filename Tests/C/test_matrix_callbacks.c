/* Every function of the header from inside every handler: ping, pong and close, under every call that reads and under
 * ws_conn_close, in both roles. Each cell has one defined result, and the connection is what it should be afterwards.
 */
#include "wire.h"

enum { ON_PING, ON_PONG, ON_CLOSE, HANDLERS };
enum { IN_READ, IN_READ_INTO, IN_NEXT_READER, IN_READER, IN_JOINED, IN_DISCARD, IN_CLOSE, CALLS };

/* What becomes of the call whose handler did it. */
typedef enum after {
  GOES_ON,  /* the next message, or the end of the closing handshake */
  ENDS,     /* WS_ERR_ABORTED: the connection is gone */

  SHRINKS   /* the next message is too big */
} after;

typedef struct inside {
  ws_conn *conn;
  int status; /* what the function gave inside */
  int calls;
  int freed;
  int function;
} inside;

static void count_free(void *user) WS_NOEXCEPT { *(int *)user += 1; }

static int quiet_control(ws_conn *conn, const void *data, size_t size, void *user) WS_NOEXCEPT {
  (void)conn, (void)data, (void)size, (void)user;
  return 0;
}

static int quiet_close(ws_conn *conn, uint16_t code, const void *reason, size_t size, void *user) WS_NOEXCEPT {
  (void)code;
  return quiet_control(conn, reason, size, user);
}

static ws_failure failure = {.struct_size = sizeof(ws_failure)};
static ws_address address = {.struct_size = sizeof(ws_address)};
static ws_statistics statistics = {.struct_size = sizeof(ws_statistics)};
static uint16_t code, port;
static int32_t type, fd;
static size_t size;
static ws_bytes bytes;
static void *user;
static char room[125];
static int unused;
static ws_conn *other;
static ws_upgrade *no_upgrade;
static ws_reader *reader; /* of the message that is read in parts, where there is one */
static const ws_headers *fields;
static ws_reader *unwanted;

/* ---- One function of the header each ---- */

#define CALL(name, expression)           \
  static int do_##name(inside *self) {   \
    ws_conn *conn = self->conn;          \
    (void)conn;                          \
    return (expression);                 \
  }

CALL(version, ws_version() == WSSWIFT_VERSION ? 0 : -1)
CALL(version_string, ws_version_string() == NULL)
CALL(has, ws_has(0))
CALL(strerror, ws_strerror(WS_ERR_IO) == NULL)
CALL(is_fatal, ws_is_fatal(0))
CALL(now, ws_now() <= 0)
CALL(in_ms, ws_in_ms(1) <= 0)
CALL(read, ws_conn_read(conn, &type, &bytes))
CALL(read_into, ws_conn_read_into(conn, &type, NULL, 0, &size))
CALL(next_reader, ws_conn_next_reader(conn, &type, &unwanted))
CALL(reader_read, reader == NULL ? WS_ERR_STATE : ws_reader_read(reader, NULL, 0, &size))
CALL(reader_next, reader == NULL ? WS_ERR_STATE : ws_reader_next(reader, &bytes))
CALL(read_joined, ws_conn_read_joined(conn, NULL, 0, &type, 1, &size))
CALL(discard, ws_conn_discard(conn))
CALL(write, ws_conn_write(conn, WS_TEXT, "x", 1))
CALL(writev, ws_conn_writev(conn, WS_TEXT, NULL, 0))
CALL(read_json, ws_conn_read_json(conn, &bytes))
CALL(write_json, ws_conn_write_json(conn, "1", 1))
CALL(set_compression, ws_conn_set_compression(conn, 1))
CALL(set_compression_level, ws_conn_set_compression_level(conn, 9))
CALL(set_compression_memory, ws_conn_set_compression_memory(conn, 1))
CALL(set_compression_threshold, ws_conn_set_compression_threshold(conn, 1))
CALL(set_write_buffer, ws_conn_set_write_buffer(conn, 1))
CALL(write_control, ws_conn_write_control(conn, WS_PING, "x", 1, 0))
CALL(write_close, ws_conn_write_control(conn, WS_CLOSE, "\x03\xe8", 2, 0))
CALL(close, ws_conn_close(conn, 1000, "x", 1, WS_NEVER))
CALL(close_begin, ws_conn_close_begin(conn, 1000, "x", 1))
CALL(abort, ws_conn_abort(conn))
CALL(retain, ws_conn_retain(conn) == conn ? ws_conn_free(conn) : -99)
CALL(free, ws_conn_free(conn))
CALL(close_codes, ws_conn_close_codes(conn, &code, &bytes, &code))
CALL(is_closed_with, ws_conn_is_closed_with(conn, &code, 1))
CALL(is_closed_unexpectedly, ws_conn_is_closed_unexpectedly(conn, NULL, 0))
CALL(close_format, ws_close_format(1000, "x", 1, room, sizeof room, &size))
CALL(close_parse, ws_close_parse("\x03\xe8", 2, &code, &bytes))
CALL(close_text, ws_close_text(1000) == NULL)
CALL(set_ping, ws_conn_set_ping_handler(conn, quiet_control, &unused, count_free))
CALL(set_pong, ws_conn_set_pong_handler(conn, quiet_control, &unused, count_free))
CALL(set_close, ws_conn_set_close_handler(conn, NULL, &unused, count_free))
CALL(set_quiet_close, ws_conn_set_close_handler(conn, quiet_close, &unused, NULL) + ws_conn_set_close_handler(conn, NULL, NULL, NULL))
CALL(set_read_timeout, ws_conn_set_read_timeout(conn, 2000))
CALL(set_write_timeout, ws_conn_set_write_timeout(conn, 2000))
CALL(set_close_timeout, ws_conn_set_close_timeout(conn, 2000))
CALL(set_read_deadline, ws_conn_set_read_deadline(conn, 1))
CALL(set_write_deadline, ws_conn_set_write_deadline(conn, 0))
CALL(set_read_limit, ws_conn_set_read_limit(conn, 2))
CALL(set_check_utf8, ws_conn_set_check_utf8(conn, 0, 0))
CALL(set_interruptible, ws_conn_set_interruptible(conn, 1))
CALL(set_nonblocking, ws_conn_set_nonblocking(conn, 0))
CALL(set_keepalive, ws_conn_set_keepalive(conn, 3600000, 1))
CALL(set_background, ws_conn_set_background(conn, 0))
CALL(ping, ws_conn_ping(conn, 0, NULL))
CALL(interest, ws_conn_interest(conn, &fd, &type, NULL))
CALL(service, ws_conn_service(conn))
CALL(set_user_data, ws_conn_set_user_data(conn, &unused, count_free))
CALL(user_data, ws_conn_user_data(conn, &user))
CALL(local_address, ws_conn_local_address(conn, &address))
CALL(remote_address, ws_conn_remote_address(conn, &address))
CALL(subprotocol, ws_conn_subprotocol(conn, &bytes))
CALL(extensions, ws_conn_extensions(conn, &bytes))
CALL(failure, ws_conn_failure(conn, WS_READ, &failure))
CALL(statistics, ws_conn_statistics(conn, &statistics))
CALL(headers_get, ws_headers_get(NULL, 0, NULL, NULL))
CALL(headers_find, ws_headers_find(NULL, "x", &bytes))
CALL(dial, ws_dialer_dial(NULL, "ws://127.0.0.1:1/", ws_in_ms(1000), &other, &failure))
CALL(listen, ws_listen(NULL, 0, &fd, &port, NULL) + close(fd))
CALL(is_upgrade, ws_is_websocket_upgrade(NULL, 0))
CALL(subprotocols, ws_subprotocols(NULL, 0, 0, &bytes) == WS_END ? 0 : -1)
CALL(upgrade_parsed, ws_upgrade_new_parsed(NULL, "GET", "/", NULL, 0, -1, NULL, 0, &no_upgrade))
CALL(accept, ws_accept(-1, 1, &fd, NULL, NULL))
CALL(upgrade, ws_upgrader_upgrade(NULL, -1, NULL, 0, 1, &other, NULL))

/* A message of three frames, or how far it comes. */
static int do_writer(inside *self) {
  ws_writer *writer;
  int status = ws_conn_next_writer(self->conn, WS_BINARY, &writer);
  if (status == WS_OK) status = ws_writer_write(writer, "x", 1);
  if (status == WS_OK) status = ws_writer_flush(writer);
  return status == WS_OK ? ws_writer_close(writer) : status;
}

static int do_prepared(inside *self) {
  ws_prepared *message;
  int status = ws_prepared_new(WS_BINARY, "x", 1, &message);
  if (status == WS_OK) status = ws_conn_write_prepared(self->conn, message);
  EXPECT_STATUS(ws_prepared_free(message), WS_OK);
  return status;
}

static int do_dialer(inside *self) {
  ws_dialer *dialer;
  ws_dial *dial;
  (void)self;
  int status = ws_dialer_new(&dialer);
  status += ws_dialer_add_header(dialer, "A", "b") + ws_dialer_add_subprotocol(dialer, "c");
  status += ws_dialer_set_timeout(dialer, 10) + ws_dialer_set_read_limit(dialer, 10);
  status += ws_dialer_set_compression(dialer, 1) + ws_dialer_set_context_takeover(dialer, 0, 1);
  status += ws_dialer_set_window_bits(dialer, 9, 15) + ws_dialer_set_proxy(dialer, "http://127.0.0.1");
  status += ws_dialer_set_cookie_jar(dialer, NULL) + ws_dialer_set_cookie_callbacks(dialer, NULL, NULL, NULL, NULL);
  status += ws_dialer_set_redirects(dialer, 0, NULL, NULL, NULL) + ws_dialer_set_trace_callback(dialer, NULL, NULL, NULL);
  status += ws_dialer_set_connect_callback(dialer, NULL, NULL, NULL);
  status += ws_dialer_set_proxy_callback(dialer, NULL, NULL, NULL) + ws_dialer_set_proxy_from_environment(dialer, 0);
  status += ws_dial_new(dialer, "ws://localhost/", &dial, NULL) + ws_dial_response(dial, NULL, &fields, NULL);
  status += ws_dial_use_fd(dial, -1) == WS_ERR_IO ? 0 : -1;
  status += ws_dial_cancel(dial);
  status += ws_dial_run(dial, 0, &other, NULL) == WS_ERR_ABORTED ? 0 : -1;
  return status + ws_dial_free(dial) + ws_dialer_free(dialer);
}

static int do_upgrader(inside *self) {
  ws_upgrader *upgrader;
  ws_upgrade *upgrade;
  int ends[2], refused = -1;
  ws_bytes no;
  (void)self;
  peer_sockets(ends);
  int status = ws_upgrader_new(&upgrader);
  status += ws_upgrader_add_subprotocol(upgrader, "c") + ws_upgrader_add_origin(upgrader, "null");
  status += ws_upgrader_add_host(upgrader, "*") + ws_upgrader_add_header(upgrader, "A", "b");
  status += ws_upgrader_set_origin_required(upgrader, 0) + ws_upgrader_set_timeout(upgrader, 10);
  status += ws_upgrader_set_read_limit(upgrader, 10) + ws_upgrader_set_behind_tls(upgrader, 0);
  status += ws_upgrader_set_origin_callback(upgrader, NULL, &unused, count_free);
  status += ws_upgrader_set_request_callback(upgrader, NULL, &unused, count_free);
  status += ws_upgrader_set_refusal_callback(upgrader, NULL, &unused, count_free);
  status += ws_upgrader_set_compression(upgrader, 1) + ws_upgrader_set_context_takeover(upgrader, 0, 1);
  status += ws_upgrader_set_window_bits(upgrader, 9, 15);
  status += ws_upgrade_new(upgrader, ends[1], NULL, 0, &upgrade);
  status += ws_upgrade_accept(upgrade, 1, &other, NULL) == WS_ERR_STATE ? 0 : -1;
  status += ws_upgrade_look(upgrade, &no, NULL, &fields) + ws_upgrade_remote_address(upgrade, &address);
  status += ws_upgrade_offered_subprotocol(upgrade, 0, &no) == WS_END ? 0 : -1;
  status += ws_upgrade_cookie(upgrade, "x", &no) == WS_END ? 0 : -1;
  status += ws_upgrade_add_header(upgrade, "A", "b");
  status += ws_upgrade_set_subprotocol(upgrade, NULL) == WS_ERR_STATE ? 0 : -1;
  refused = ws_upgrade_refuse(upgrade, 404, "", 0);
  status += refused == WS_ERR_STATE ? 0 : -1;
  status += ws_upgrade_request(upgrade, 1, NULL, NULL, NULL) == WS_ERR_TIMEOUT ? 0 : -1;
  close(ends[0]);
  return status + ws_upgrade_free(upgrade) + ws_upgrader_free(upgrader);
}

/* Setters of TLS that get nothing good. */
static int do_tls(inside *self) {
  ws_dialer *dialer;
  ws_upgrader *upgrader;
  ws_bytes no[3];
  int bad = 0;
  int status = ws_dialer_new(&dialer) + ws_upgrader_new(&upgrader) + ws_conn_tls(self->conn, &no[0], &no[1], &no[2]);
  bad += ws_dialer_add_tls_ca_file(dialer, "/dev/null", NULL) + ws_dialer_add_tls_ca_dir(dialer, "/dev/null", NULL);
  bad += ws_dialer_add_tls_ca_pem(dialer, "x", 1, NULL) + ws_dialer_set_tls_certificate(dialer, "/dev/null", "/dev/null", NULL);
  bad += ws_dialer_set_tls_certificate_pem(dialer, "x", 1, "x", 1, NULL);
  bad += ws_upgrader_set_tls_certificate(upgrader, "/dev/null", "/dev/null", NULL);
  bad += ws_upgrader_set_tls_certificate_pem(upgrader, "x", 1, "x", 1, NULL);
  bad += ws_upgrader_set_tls_client_ca(upgrader, "/dev/null", WS_TLS_OPTIONAL, NULL);
  bad += ws_upgrader_set_tls_client_ca_pem(upgrader, "x", 1, WS_TLS_REQUIRED, NULL);
  status += bad == 9 * WS_ERR_TLS ? 0 : -1;
  status += ws_dialer_set_tls_key_password(dialer, "x") + ws_dialer_set_tls_password_callback(dialer, NULL, NULL, NULL);
  status += ws_dialer_set_tls_server_name(dialer, "example.com") + ws_dialer_set_tls_insecure_skip_verify(dialer, 0);
  status += ws_dialer_set_tls_resumption(dialer, 0) + ws_dialer_set_tls_context_hook(dialer, NULL, NULL, NULL);
  status += ws_upgrader_set_tls_key_password(upgrader, "x") + ws_upgrader_set_tls_password_callback(upgrader, NULL, NULL, NULL);
  status += ws_upgrader_set_tls_context_hook(upgrader, NULL, NULL, NULL) + ws_dialer_add_tls_ca_system(dialer, NULL);
  status += ws_dialer_set_tls_key_log(dialer, "/dev/null", NULL) == WS_ERR_IO ? 0 : -1;
  status += ws_upgrader_set_tls_key_log(upgrader, "/dev/null", NULL) == WS_ERR_IO ? 0 : -1;
  status += ws_upgrader_reload_tls(upgrader, NULL) == WS_ERR_STATE ? 0 : -1;
  return status + ws_dialer_free(dialer) + ws_upgrader_free(upgrader);
}

static int do_engine(inside *self) {
  ws_engine *client, *server;
  void *space;
  int64_t next;
  ws_event event = {.struct_size = sizeof event};
  (void)self;
  int status = ws_engine_new_client(NULL, "ws://localhost/", NULL, NULL, &client, NULL);
  status += ws_engine_new_server(NULL, 0, &server) + ws_engine_output(client, &bytes);
  status += ws_engine_feed(server, bytes.data, bytes.size) + ws_engine_sent(client, bytes.size);
  status += ws_engine_feed_parsed(client, "GET", "/", NULL, 0) == WS_ERR_STATE ? 0 : -1;
  status += ws_engine_next_event(server, &event) + ws_engine_head(server, &bytes, &type, &fields);
  status += ws_engine_add_header(server, "A", "b") + ws_engine_set_subprotocol(server, NULL);
  status += ws_engine_accept(server) + ws_engine_buffer(client, &space, &size) + ws_engine_tick(client, 1, &next);
  status += ws_engine_send(server, WS_TEXT, "x", 1) + ws_engine_send_fragment(server, WS_TEXT, "x", 1, 1);
  status += ws_engine_refuse(server, 404, "", 0) == WS_ERR_STATE ? 0 : -1;
  status += ws_engine_set_compression(server, 1) + ws_engine_set_compression_level(server, 9);
  status += ws_engine_set_compression_memory(server, 9) + ws_engine_set_compression_threshold(server, 9);
  status += ws_engine_set_read_limit(server, 1) + ws_engine_set_check_utf8(server, 1, 1);
  status += ws_engine_subprotocol(server, &bytes) + ws_engine_failure(server, &failure);
  status += ws_engine_statistics(server, &statistics) + ws_engine_set_keepalive(server, 1, 1) + ws_engine_extensions(server, &bytes);
  status += ws_engine_close(server, 1000, NULL, 0) + ws_engine_close_codes(server, &code, NULL, NULL);
  status += ws_engine_received(client, 0);
  return status + ws_engine_free(client) + ws_engine_free(server);
}

/* ---- What each gives ---- */

typedef struct function {
  const char *name;
  int (*call)(inside *self);
  int reading; /* its result while the program reads */
  int closing; /* its result while the program closes, which has sent a close frame */
  after after;
} function;

#define FINE(name, after) {#name, do_##name, WS_OK, WS_OK, after}
#define GIVES(name, status) {#name, do_##name, status, status, GOES_ON}

static const function functions[] = {
    FINE(version, GOES_ON),
    FINE(version_string, GOES_ON),
    FINE(has, GOES_ON),
    FINE(strerror, GOES_ON),
    FINE(is_fatal, GOES_ON),
    FINE(now, GOES_ON),
    FINE(in_ms, GOES_ON),
    GIVES(read, WS_ERR_STATE),
    GIVES(read_into, WS_ERR_STATE),
    GIVES(read_json, WS_ERR_STATE),
    GIVES(next_reader, WS_ERR_STATE),
    GIVES(reader_read, WS_ERR_STATE),
    GIVES(reader_next, WS_ERR_STATE),
    GIVES(read_joined, WS_ERR_STATE),
    GIVES(discard, WS_ERR_STATE),
    {"write", do_write, WS_OK, WS_ERR_CLOSE_SENT, GOES_ON},
    {"writev", do_writev, WS_OK, WS_ERR_CLOSE_SENT, GOES_ON},
    {"write_json", do_write_json, WS_OK, WS_ERR_CLOSE_SENT, GOES_ON},
    {"writer", do_writer, WS_OK, WS_ERR_CLOSE_SENT, GOES_ON},
    {"prepared", do_prepared, WS_OK, WS_ERR_CLOSE_SENT, GOES_ON},
    FINE(set_compression, GOES_ON),
    FINE(set_compression_level, GOES_ON),
    FINE(set_compression_memory, GOES_ON),
    FINE(set_compression_threshold, GOES_ON),
    FINE(set_write_buffer, GOES_ON),
    {"write_control", do_write_control, WS_OK, WS_ERR_CLOSE_SENT, GOES_ON},
    {"write_close", do_write_close, WS_OK, WS_ERR_CLOSE_SENT, GOES_ON},
    FINE(close, GOES_ON),
    FINE(close_begin, GOES_ON),
    FINE(abort, ENDS),
    FINE(retain, GOES_ON),
    FINE(free, ENDS),
    FINE(close_codes, GOES_ON),
    FINE(is_closed_with, GOES_ON),
    FINE(is_closed_unexpectedly, GOES_ON),
    FINE(close_format, GOES_ON),
    FINE(close_parse, GOES_ON),
    FINE(close_text, GOES_ON),
    FINE(set_ping, GOES_ON),
    FINE(set_pong, GOES_ON),
    FINE(set_close, GOES_ON),
    FINE(set_quiet_close, GOES_ON),
    FINE(set_read_timeout, GOES_ON),
    FINE(set_write_timeout, GOES_ON),
    FINE(set_close_timeout, GOES_ON),
    FINE(set_read_deadline, GOES_ON),
    FINE(set_write_deadline, GOES_ON),
    FINE(set_read_limit, SHRINKS),
    FINE(set_check_utf8, GOES_ON),
    FINE(set_interruptible, GOES_ON),
    FINE(set_nonblocking, GOES_ON),
    FINE(set_keepalive, GOES_ON),
    FINE(set_background, GOES_ON),
    GIVES(ping, WS_ERR_STATE),
    FINE(interest, GOES_ON),
    FINE(service, GOES_ON),
    FINE(set_user_data, GOES_ON),
    FINE(user_data, GOES_ON),
    FINE(local_address, GOES_ON),
    FINE(remote_address, GOES_ON),
    FINE(subprotocol, GOES_ON),
    FINE(extensions, GOES_ON),
    FINE(failure, GOES_ON),
    FINE(statistics, GOES_ON),
    GIVES(headers_get, WS_ERR_INVALID),
    GIVES(headers_find, WS_ERR_INVALID),
    GIVES(dial, WS_ERR_CONNECT),
    FINE(listen, GOES_ON),
    FINE(is_upgrade, GOES_ON),
    FINE(subprotocols, GOES_ON),
    GIVES(upgrade_parsed, WS_ERR_IO),
    GIVES(accept, WS_ERR_IO),
    GIVES(upgrade, WS_ERR_IO),
    FINE(dialer, GOES_ON),
    FINE(upgrader, GOES_ON),
    FINE(tls, GOES_ON),
    FINE(engine, GOES_ON),
};

enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

/* The result of the call that the handler ran in when the peer has closed, whatever we do about it. */
static int result_of_close(int call) {
  if (call == IN_READER) return WS_ERR_CLOSED; /* in the middle of a message */
  return call == IN_CLOSE ? WS_OK : WS_END;
}

/* The result of the call that the handler ran in. */
static int outer_result(const function *which, int handler, int call) {
  if (handler == ON_CLOSE) return result_of_close(call);
  if (which->after == ENDS) return WS_ERR_ABORTED;
  if (call == IN_CLOSE) return WS_OK;
  if (which->after == SHRINKS) return WS_ERR_TOO_BIG;
  return call == IN_DISCARD ? WS_END : WS_OK;
}

static int on_control(ws_conn *conn, const void *data, size_t count, void *argument) WS_NOEXCEPT {
  inside *self = argument;
  (void)data, (void)count;
  self->conn = conn;
  self->status = functions[self->function].call(self);
  self->calls += 1;
  if (self->freed != 0) check_fail(__FILE__, __LINE__, "freed while it runs");
  return 0;
}

static int on_close(ws_conn *conn, uint16_t given, const void *reason, size_t count, void *argument) WS_NOEXCEPT {
  (void)given;
  return on_control(conn, reason, count, argument);
}

static void on_free(void *argument) WS_NOEXCEPT { ((inside *)argument)->freed += 1; }

static void set_handler(wire *w, int handler, inside *self) {
  int status = handler == ON_PING   ? ws_conn_set_ping_handler(w->conn, on_control, self, on_free)
               : handler == ON_PONG ? ws_conn_set_pong_handler(w->conn, on_control, self, on_free)
                                    : ws_conn_set_close_handler(w->conn, on_close, self, on_free);
  EXPECT_STATUS(status, WS_OK);
}

/* All that the peer says is there before the library looks, so that one thread is enough. A reader has had the first part of its
 * message before. */
static void peer_says(wire *w, int handler, int call) {
  int first = 0x81;
  if (call == IN_READER) {
    wire_put_text(w, 0x01, "ab");
    EXPECT_STATUS(ws_conn_next_reader(w->conn, &type, &reader), WS_OK);
    EXPECT_STATUS(ws_reader_next(reader, &bytes), WS_OK);
    first = 0x80;
  }
  if (handler != ON_CLOSE) wire_put_text(w, handler == ON_PING ? 0x89 : 0x8a, "now");
  if (handler != ON_CLOSE && call != IN_CLOSE) wire_put_text(w, first, "abc");
  EXPECT(peer_put_close(w->fd, w->masks, 1000, ""));
  shutdown(w->fd, SHUT_WR);
}

static int outer_call(wire *w, int call) {
  char room[16];
  if (call == IN_READ) return ws_conn_read(w->conn, &type, &bytes);
  if (call == IN_READ_INTO) return ws_conn_read_into(w->conn, &type, room, sizeof room, &size);
  if (call == IN_NEXT_READER) return ws_conn_next_reader(w->conn, &type, &reader);
  if (call == IN_READER) return ws_reader_read(reader, room, sizeof room, &size);
  if (call == IN_JOINED) return ws_conn_read_joined(w->conn, "", 0, room, sizeof room, &size);
  if (call == IN_DISCARD) return ws_conn_discard(w->conn);
  return ws_conn_close(w->conn, 1000, NULL, 0, ws_in_ms(check_limit(3000)));
}

static void judge(const char *what, int status, int wanted, const inside *self, int role, int handler, int call) {
  static const char *const handlers[] = {"ping", "pong", "close"}, *const calls[] = {"read", "read_into", "next_reader", "reader_read", "read_joined", "discard", "close"};
  if (status == wanted) return;
  check_fail(__FILE__, __LINE__, "%s inside the %s handler of %s as %s: %s gave %d, not %d",
             functions[self->function].name, handlers[handler], calls[call], role == AS_SERVER ? "server" : "client", what,
             status, wanted);
}

static void run_cell(int role, int handler, int call, int which) {
  wire w;
  inside self = {.function = which};
  const function *now = &functions[which];
  reader = NULL;
  REQUIRE(wire_open(&w, role));
  set_handler(&w, handler, &self);
  peer_says(&w, handler, call);
  int outer = outer_call(&w, call);
  judge("it", self.status, call == IN_CLOSE ? now->closing : now->reading, &self, role, handler, call);
  judge("the call", outer, outer_result(now, handler, call), &self, role, handler, call);
  judge("counting the calls", self.calls, 1, &self, role, handler, call);
  if (now->call == do_free) w.conn = NULL;
  wire_close(&w);
  judge("freeing the handler's pointer", self.freed, 1, &self, role, handler, call);
}

static void run_handler(int handler) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    for (int call = 0; call < CALLS; call++) {
      for (int which = 0; which < FUNCTIONS && !check_now.failed; which++) run_cell(role, handler, call, which);
    }
  }
  printf("%d functions, %d calls, 2 roles: %d cells\n", (int)FUNCTIONS, CALLS, (int)FUNCTIONS * CALLS * 2);
}

static void everything_inside_a_ping_handler(void) { run_handler(ON_PING); }
static void everything_inside_a_pong_handler(void) { run_handler(ON_PONG); }
static void everything_inside_a_close_handler(void) { run_handler(ON_CLOSE); }

static const check_test tests[] = {
    TEST(everything_inside_a_ping_handler),
    TEST(everything_inside_a_pong_handler),
    TEST(everything_inside_a_close_handler),
};
TEST_MAIN(tests)
