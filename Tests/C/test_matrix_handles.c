/* Every function that takes a handle, with NULL and with a handle of each other type: WS_ERR_INVALID, outputs written, and the
 * handle that was given by mistake is unharmed. And parts that outlive what they came from, freed in any order.
 */
#include "wire.h"

enum { CONN, DIALER, DIAL, UPGRADER, UPGRADE, HEADERS, ENGINE, READER, WRITER, PREPARED, JAR, NOTHING, KINDS };

static const char *const kind_names[KINDS] = {"a connection", "a dialer", "a dial", "an upgrader", "an upgrade", "header fields",
                                              "an engine", "a reader", "a writer", "a prepared message", "a cookie jar",
                                              "NULL"};

/* One of each; the header fields are the upgrade's. */
typedef struct all {
  void *handle[KINDS];
  wire w;
  int client;
} all;

static ws_failure failure = {.struct_size = sizeof(ws_failure)};
static ws_address address = {.struct_size = sizeof(ws_address)};
static ws_statistics statistics = {.struct_size = sizeof(ws_statistics)};
static ws_event event = {.struct_size = sizeof(ws_event)};
static uint16_t code;
static int32_t number;
static int64_t deadline;
static size_t size;
static ws_bytes bytes;
static void *pointer;
static const ws_bytes a_part = {(const uint8_t *)"x", 1};
static ws_conn *conn;
static ws_dial *dial;
static ws_upgrade *upgrade;
static ws_engine *engine;
static ws_reader *reader;
static ws_writer *writer;
static ws_prepared *a_prepared;
static ws_conn *the_conn;
static ws_engine *the_engine;
static ws_dialer *a_dialer_for_jars;
static const ws_headers *headers;
static int freed, handed_over;
static const uint16_t end = 1000;

static void count_free(void *user) WS_NOEXCEPT { (void)user, freed += 1; }

/* A descriptor that the call must take, and close. */
static int descriptor(void) {
  int ends[2];
  peer_sockets(ends);
  close(ends[0]);
  return ends[1];
}

#define CALL(name, expression) \
  static int do_##name(void *h) { return (expression); }

CALL(read, ws_conn_read(h, &number, &bytes))
CALL(read_into, ws_conn_read_into(h, &number, NULL, 0, &size))
CALL(write, ws_conn_write(h, WS_TEXT, "x", 1))
CALL(writev, ws_conn_writev(h, WS_TEXT, &a_part, 1))
CALL(read_json, ws_conn_read_json(h, &bytes))
CALL(write_json, ws_conn_write_json(h, "1", 1))
CALL(next_reader, ws_conn_next_reader(h, &number, &reader))
CALL(reader_read, ws_reader_read(h, NULL, 0, &size))
CALL(reader_next, ws_reader_next(h, &bytes))
CALL(read_joined, ws_conn_read_joined(h, "\n", 1, NULL, 0, &size))
CALL(discard, ws_conn_discard(h))
CALL(next_writer, ws_conn_next_writer(h, WS_TEXT, &writer))
CALL(writer_write, ws_writer_write(h, "x", 1))
CALL(write_prepared, ws_conn_write_prepared(h, a_prepared))
CALL(engine_prepared, ws_engine_send_prepared(h, a_prepared))
CALL(prepared_write, ws_conn_write_prepared(the_conn, h))
CALL(prepared_send, ws_engine_send_prepared(the_engine, h))
CALL(prepared_free, ws_prepared_free(h))
CALL(writer_flush, ws_writer_flush(h))
CALL(writer_close, ws_writer_close(h))
CALL(set_write_buffer, ws_conn_set_write_buffer(h, 1))
CALL(set_compression, ws_conn_set_compression(h, 1))
CALL(set_compression_level, ws_conn_set_compression_level(h, 1))
CALL(set_compression_memory, ws_conn_set_compression_memory(h, 8))
CALL(set_compression_threshold, ws_conn_set_compression_threshold(h, 0))
CALL(engine_compression, ws_engine_set_compression(h, 1))
CALL(engine_compression_level, ws_engine_set_compression_level(h, 1))
CALL(engine_compression_memory, ws_engine_set_compression_memory(h, 8))
CALL(engine_compression_threshold, ws_engine_set_compression_threshold(h, 0))
CALL(write_control, ws_conn_write_control(h, WS_PING, "x", 1, 0))
CALL(close, ws_conn_close(h, 1000, NULL, 0, 0))
CALL(close_begin, ws_conn_close_begin(h, 1000, NULL, 0))
CALL(abort, ws_conn_abort(h))
CALL(retain, ws_conn_retain(h) == NULL ? WS_ERR_INVALID : WS_OK)
CALL(close_codes, ws_conn_close_codes(h, &code, &bytes, &code))
CALL(is_closed_with, ws_conn_is_closed_with(h, &end, 1) == 0 ? WS_ERR_INVALID : WS_OK)
CALL(is_closed_unexpectedly, ws_conn_is_closed_unexpectedly(h, &end, 0) == 0 ? WS_ERR_INVALID : WS_OK)
CALL(set_ping, (handed_over++, ws_conn_set_ping_handler(h, NULL, &freed, count_free)))
CALL(set_pong, (handed_over++, ws_conn_set_pong_handler(h, NULL, &freed, count_free)))
CALL(set_close, (handed_over++, ws_conn_set_close_handler(h, NULL, &freed, count_free)))
CALL(set_user_data, (handed_over++, ws_conn_set_user_data(h, &freed, count_free)))
CALL(set_read_timeout, ws_conn_set_read_timeout(h, 1))
CALL(set_write_timeout, ws_conn_set_write_timeout(h, 1))
CALL(set_close_timeout, ws_conn_set_close_timeout(h, 1))
CALL(set_read_deadline, ws_conn_set_read_deadline(h, 1))
CALL(set_write_deadline, ws_conn_set_write_deadline(h, 1))
CALL(set_read_limit, ws_conn_set_read_limit(h, 1))
CALL(set_check_utf8, ws_conn_set_check_utf8(h, 0, 0))
CALL(set_interruptible, ws_conn_set_interruptible(h, 1))
CALL(set_nonblocking, ws_conn_set_nonblocking(h, 1))
CALL(set_keepalive, ws_conn_set_keepalive(h, 1, 1))
CALL(set_background, ws_conn_set_background(h, 1))
CALL(ping, ws_conn_ping(h, 1, &deadline))
CALL(interest, ws_conn_interest(h, &number, &number, &deadline))
CALL(service, ws_conn_service(h))
CALL(user_data, ws_conn_user_data(h, &pointer))
CALL(local_address, ws_conn_local_address(h, &address))
CALL(remote_address, ws_conn_remote_address(h, &address))
CALL(subprotocol, ws_conn_subprotocol(h, &bytes))
CALL(extensions, ws_conn_extensions(h, &bytes))
CALL(tls, ws_conn_tls(h, &bytes, &bytes, &bytes))
CALL(failure, ws_conn_failure(h, WS_READ, &failure))
CALL(statistics, ws_conn_statistics(h, &statistics))
CALL(headers_get, ws_headers_get(h, 0, &bytes, &bytes))
CALL(headers_find, ws_headers_find(h, "Host", &bytes))
CALL(dialer_header, ws_dialer_add_header(h, "A", "b"))
CALL(dialer_subprotocol, ws_dialer_add_subprotocol(h, "c"))
CALL(dialer_timeout, ws_dialer_set_timeout(h, 1))
CALL(dialer_limit, ws_dialer_set_read_limit(h, 1))
CALL(dialer_compression, ws_dialer_set_compression(h, 1))
CALL(dialer_takeover, ws_dialer_set_context_takeover(h, 1, 1))
CALL(dialer_window, ws_dialer_set_window_bits(h, 15, 15))
CALL(dialer_proxy, ws_dialer_set_proxy(h, NULL))
CALL(dialer_proxy_fn, (handed_over++, ws_dialer_set_proxy_callback(h, NULL, &freed, count_free)))
CALL(dialer_proxy_environment, ws_dialer_set_proxy_from_environment(h, 0))
CALL(dialer_jar, ws_dialer_set_cookie_jar(h, NULL))
CALL(dialer_cookies, (handed_over++, ws_dialer_set_cookie_callbacks(h, NULL, NULL, &freed, count_free)))
CALL(dialer_redirects, (handed_over++, ws_dialer_set_redirects(h, 0, NULL, &freed, count_free)))
CALL(dialer_trace, (handed_over++, ws_dialer_set_trace_callback(h, NULL, &freed, count_free)))
CALL(dialer_connect, (handed_over++, ws_dialer_set_connect_callback(h, NULL, &freed, count_free)))
CALL(jar_of_dialer, ws_dialer_set_cookie_jar(a_dialer_for_jars, h))
CALL(jar_set, ws_cookie_jar_set(h, "ws://a/", "b=c"))
CALL(jar_get, ws_cookie_jar_get(h, "ws://a/", NULL, 0, &size))
CALL(jar_free, ws_cookie_jar_free(h))
CALL(dialer_ca_file, ws_dialer_add_tls_ca_file(h, "/dev/null", NULL))
CALL(dialer_ca_dir, ws_dialer_add_tls_ca_dir(h, "/", NULL))
CALL(dialer_ca_pem, ws_dialer_add_tls_ca_pem(h, "x", 1, NULL))
CALL(dialer_ca_system, ws_dialer_add_tls_ca_system(h, NULL))
CALL(dialer_certificate, ws_dialer_set_tls_certificate(h, "/dev/null", "/dev/null", NULL))
CALL(dialer_certificate_pem, ws_dialer_set_tls_certificate_pem(h, "x", 1, "x", 1, NULL))
CALL(dialer_password, ws_dialer_set_tls_key_password(h, "x"))
CALL(dialer_password_fn, (handed_over++, ws_dialer_set_tls_password_callback(h, NULL, &freed, count_free)))
CALL(dialer_server_name, ws_dialer_set_tls_server_name(h, "x"))
CALL(dialer_insecure, ws_dialer_set_tls_insecure_skip_verify(h, 1))
CALL(dialer_resumption, ws_dialer_set_tls_resumption(h, 0))
CALL(dialer_key_log, ws_dialer_set_tls_key_log(h, "/dev/null", NULL))
CALL(dialer_hook, (handed_over++, ws_dialer_set_tls_context_hook(h, NULL, &freed, count_free)))
CALL(dialer_dial, ws_dialer_dial(h, "ws://127.0.0.1:1/", 1, &conn, NULL))
CALL(dial_new, ws_dial_new(h, "ws://127.0.0.1:1/", &dial, NULL))
CALL(engine_client, ws_engine_new_client(h, "ws://127.0.0.1:1/", NULL, NULL, &engine, NULL))
CALL(dial_use_fd, ws_dial_use_fd(h, descriptor()))
CALL(dial_run, ws_dial_run(h, 1, &conn, NULL))
CALL(dial_cancel, ws_dial_cancel(h))
CALL(dial_response, ws_dial_response(h, &number, &headers, &bytes))
CALL(upgrader_subprotocol, ws_upgrader_add_subprotocol(h, "c"))
CALL(upgrader_origin, ws_upgrader_add_origin(h, "*"))
CALL(upgrader_host, ws_upgrader_add_host(h, "*"))
CALL(upgrader_header, ws_upgrader_add_header(h, "A", "b"))
CALL(upgrader_required, ws_upgrader_set_origin_required(h, 1))
CALL(upgrader_behind_tls, ws_upgrader_set_behind_tls(h, 1))
CALL(upgrader_origin_fn, (handed_over++, ws_upgrader_set_origin_callback(h, NULL, &freed, count_free)))
CALL(upgrader_request_fn, (handed_over++, ws_upgrader_set_request_callback(h, NULL, &freed, count_free)))
CALL(upgrader_refusal_fn, (handed_over++, ws_upgrader_set_refusal_callback(h, NULL, &freed, count_free)))
CALL(upgrader_timeout, ws_upgrader_set_timeout(h, 1))
CALL(upgrader_limit, ws_upgrader_set_read_limit(h, 1))
CALL(upgrader_compression, ws_upgrader_set_compression(h, 1))
CALL(upgrader_takeover, ws_upgrader_set_context_takeover(h, 1, 1))
CALL(upgrader_window, ws_upgrader_set_window_bits(h, 15, 15))
CALL(upgrader_certificate, ws_upgrader_set_tls_certificate(h, "/dev/null", "/dev/null", NULL))
CALL(upgrader_certificate_pem, ws_upgrader_set_tls_certificate_pem(h, "x", 1, "x", 1, NULL))
CALL(upgrader_client_ca, ws_upgrader_set_tls_client_ca(h, "/dev/null", WS_TLS_OPTIONAL, NULL))
CALL(upgrader_client_ca_pem, ws_upgrader_set_tls_client_ca_pem(h, "x", 1, WS_TLS_REQUIRED, NULL))
CALL(upgrader_password, ws_upgrader_set_tls_key_password(h, "x"))
CALL(upgrader_password_fn, (handed_over++, ws_upgrader_set_tls_password_callback(h, NULL, &freed, count_free)))
CALL(upgrader_key_log, ws_upgrader_set_tls_key_log(h, "/dev/null", NULL))
CALL(upgrader_hook, (handed_over++, ws_upgrader_set_tls_context_hook(h, NULL, &freed, count_free)))
CALL(upgrader_reload, ws_upgrader_reload_tls(h, NULL))
CALL(upgrader_upgrade, ws_upgrader_upgrade(h, descriptor(), NULL, 0, 1, &conn, NULL))
CALL(upgrade_new, ws_upgrade_new(h, descriptor(), NULL, 0, &upgrade))
CALL(engine_server, ws_engine_new_server(h, 0, &engine))
CALL(upgrade_request, ws_upgrade_request(h, 1, &bytes, &headers, NULL))
CALL(upgrade_tls, ws_upgrade_tls(h, &bytes, &bytes, &bytes))
CALL(upgrade_parsed, ws_upgrade_new_parsed(h, "GET", "/", NULL, 0, descriptor(), NULL, 0, &upgrade))
CALL(engine_parsed, ws_engine_feed_parsed(h, "GET", "/", NULL, 0))
CALL(upgrade_look, ws_upgrade_look(h, &bytes, &bytes, &headers))
CALL(upgrade_offered, ws_upgrade_offered_subprotocol(h, 0, &bytes))
CALL(upgrade_cookie, ws_upgrade_cookie(h, "x", &bytes))
CALL(upgrade_address, ws_upgrade_remote_address(h, &address))
CALL(upgrade_header, ws_upgrade_add_header(h, "A", "b"))
CALL(upgrade_subprotocol, ws_upgrade_set_subprotocol(h, NULL))
CALL(upgrade_accept, ws_upgrade_accept(h, 1, &conn, NULL))
CALL(upgrade_refuse, ws_upgrade_refuse(h, 404, NULL, 0))
CALL(engine_buffer, ws_engine_buffer(h, &pointer, &size))
CALL(engine_received, ws_engine_received(h, 0))
CALL(engine_feed, ws_engine_feed(h, "x", 1))
CALL(engine_event, ws_engine_next_event(h, &event))
CALL(engine_head, ws_engine_head(h, &bytes, &number, &headers))
CALL(engine_accept, ws_engine_accept(h))
CALL(engine_header, ws_engine_add_header(h, "A", "b"))
CALL(engine_set_subprotocol, ws_engine_set_subprotocol(h, NULL))
CALL(engine_refuse, ws_engine_refuse(h, 404, NULL, 0))
CALL(engine_send, ws_engine_send(h, WS_TEXT, "x", 1))
CALL(engine_fragment, ws_engine_send_fragment(h, WS_TEXT, "x", 1, 1))
CALL(engine_close, ws_engine_close(h, 1000, NULL, 0))
CALL(engine_output, ws_engine_output(h, &bytes))
CALL(engine_sent, ws_engine_sent(h, 0))
CALL(engine_tick, ws_engine_tick(h, 1, &deadline))
CALL(engine_limit, ws_engine_set_read_limit(h, 1))
CALL(engine_utf8, ws_engine_set_check_utf8(h, 0, 0))
CALL(engine_subprotocol, ws_engine_subprotocol(h, &bytes))
CALL(engine_extensions, ws_engine_extensions(h, &bytes))
CALL(engine_codes, ws_engine_close_codes(h, &code, &bytes, &code))
CALL(engine_failure, ws_engine_failure(h, &failure))
CALL(engine_keepalive, ws_engine_set_keepalive(h, 1, 1))
CALL(engine_statistics, ws_engine_statistics(h, &statistics))
CALL(conn_free, ws_conn_free(h))
CALL(dialer_free, ws_dialer_free(h))
CALL(dial_free, ws_dial_free(h))
CALL(upgrader_free, ws_upgrader_free(h))
CALL(upgrade_free, ws_upgrade_free(h))
CALL(engine_free, ws_engine_free(h))

typedef struct function {
  const char *name;
  int (*call)(void *handle);
  int kind; /* the handle that it wants */
  int null; /* what NULL gives */
} function;

#define OF(kind, name) {#name, do_##name, kind, WS_ERR_INVALID}
#define MAY_BE_NULL(kind, name) {#name, do_##name, kind, 1} /* NULL means something there: not for this matrix */
#define FREES(kind, name) {#name, do_##name, kind, WS_OK}

static const function functions[] = {
    OF(CONN, read), OF(CONN, read_into), OF(CONN, next_reader), OF(READER, reader_read), OF(READER, reader_next),
    OF(CONN, read_joined), OF(CONN, discard), OF(CONN, read_json), OF(CONN, write), OF(CONN, writev), OF(CONN, next_writer),
    OF(CONN, set_write_buffer), OF(CONN, set_compression),
    OF(CONN, set_compression_level), OF(CONN, set_compression_memory), OF(CONN, set_compression_threshold),
    OF(ENGINE, engine_compression), OF(ENGINE, engine_compression_level), OF(ENGINE, engine_compression_memory),
    OF(ENGINE, engine_compression_threshold), OF(CONN, write_prepared), OF(ENGINE, engine_prepared),
    OF(PREPARED, prepared_write), OF(PREPARED, prepared_send), FREES(PREPARED, prepared_free), OF(WRITER, writer_write),
    OF(WRITER, writer_flush), OF(WRITER, writer_close), OF(CONN, write_json),
    OF(CONN, write_control), OF(CONN, close), OF(CONN, close_begin), OF(CONN, abort), OF(CONN, retain), OF(CONN, close_codes),
    OF(CONN, is_closed_with), OF(CONN, is_closed_unexpectedly), OF(CONN, set_ping), OF(CONN, set_pong), OF(CONN, set_close),
    OF(CONN, set_user_data), OF(CONN, set_read_timeout), OF(CONN, set_write_timeout), OF(CONN, set_close_timeout),
    OF(CONN, set_read_deadline), OF(CONN, set_write_deadline), OF(CONN, set_read_limit), OF(CONN, set_check_utf8),
    OF(CONN, set_interruptible), OF(CONN, set_nonblocking), OF(CONN, set_keepalive), OF(CONN, set_background),
    OF(CONN, ping), OF(CONN, interest), OF(CONN, service), OF(CONN, user_data),
    OF(CONN, local_address), OF(CONN, remote_address), OF(CONN, subprotocol), OF(CONN, extensions), OF(CONN, tls),
    OF(CONN, failure), OF(CONN, statistics),
    FREES(CONN, conn_free),
    OF(HEADERS, headers_get), OF(HEADERS, headers_find), OF(DIALER, dialer_header), OF(DIALER, dialer_subprotocol),
    OF(DIALER, dialer_timeout), OF(DIALER, dialer_limit), OF(DIALER, dialer_compression),
    OF(DIALER, dialer_takeover), OF(DIALER, dialer_window), OF(DIALER, dialer_jar), OF(DIALER, dialer_cookies),
    OF(DIALER, dialer_redirects), OF(DIALER, dialer_trace), OF(DIALER, dialer_connect), MAY_BE_NULL(JAR, jar_of_dialer),
    OF(JAR, jar_set), OF(JAR, jar_get), FREES(JAR, jar_free), OF(DIALER, dialer_proxy), OF(DIALER, dialer_proxy_fn),
    OF(DIALER, dialer_proxy_environment), OF(DIALER, dialer_ca_file), OF(DIALER, dialer_ca_dir),
    OF(DIALER, dialer_ca_pem), OF(DIALER, dialer_ca_system), OF(DIALER, dialer_certificate), OF(DIALER, dialer_certificate_pem),
    OF(DIALER, dialer_password), OF(DIALER, dialer_password_fn), OF(DIALER, dialer_server_name), OF(DIALER, dialer_insecure),
    OF(DIALER, dialer_resumption), OF(DIALER, dialer_key_log), OF(DIALER, dialer_hook), MAY_BE_NULL(DIALER, dialer_dial), MAY_BE_NULL(DIALER, dial_new),
    MAY_BE_NULL(DIALER, engine_client), FREES(DIALER, dialer_free), OF(DIAL, dial_use_fd), OF(DIAL, dial_run),
    OF(DIAL, dial_cancel), OF(DIAL, dial_response), FREES(DIAL, dial_free), OF(UPGRADER, upgrader_subprotocol),
    OF(UPGRADER, upgrader_origin), OF(UPGRADER, upgrader_host), OF(UPGRADER, upgrader_header), OF(UPGRADER, upgrader_required),
    OF(UPGRADER, upgrader_behind_tls), OF(UPGRADER, upgrader_origin_fn), OF(UPGRADER, upgrader_request_fn),
    OF(UPGRADER, upgrader_refusal_fn), OF(UPGRADER, upgrader_timeout), OF(UPGRADER, upgrader_limit), OF(UPGRADER, upgrader_compression),
    OF(UPGRADER, upgrader_takeover), OF(UPGRADER, upgrader_window), OF(UPGRADER, upgrader_certificate),
    OF(UPGRADER, upgrader_certificate_pem), OF(UPGRADER, upgrader_client_ca), OF(UPGRADER, upgrader_client_ca_pem),
    OF(UPGRADER, upgrader_password), OF(UPGRADER, upgrader_password_fn), OF(UPGRADER, upgrader_key_log), OF(UPGRADER, upgrader_hook),
    OF(UPGRADER, upgrader_reload), MAY_BE_NULL(UPGRADER, upgrader_upgrade),
    MAY_BE_NULL(UPGRADER, upgrade_new), MAY_BE_NULL(UPGRADER, upgrade_parsed), OF(ENGINE, engine_parsed), MAY_BE_NULL(UPGRADER, engine_server), FREES(UPGRADER, upgrader_free),
    OF(UPGRADE, upgrade_look), OF(UPGRADE, upgrade_offered), OF(UPGRADE, upgrade_cookie), OF(UPGRADE, upgrade_address),
    OF(UPGRADE, upgrade_header), OF(UPGRADE, upgrade_subprotocol), OF(UPGRADE, upgrade_request), OF(UPGRADE, upgrade_tls), OF(UPGRADE, upgrade_accept), OF(UPGRADE, upgrade_refuse), FREES(UPGRADE, upgrade_free),
    OF(ENGINE, engine_buffer), OF(ENGINE, engine_received), OF(ENGINE, engine_feed), OF(ENGINE, engine_event),
    OF(ENGINE, engine_head), OF(ENGINE, engine_accept), OF(ENGINE, engine_header),
    OF(ENGINE, engine_set_subprotocol), OF(ENGINE, engine_refuse), OF(ENGINE, engine_send),
    OF(ENGINE, engine_fragment), OF(ENGINE, engine_close), OF(ENGINE, engine_output), OF(ENGINE, engine_sent),
    OF(ENGINE, engine_tick), OF(ENGINE, engine_limit), OF(ENGINE, engine_utf8), OF(ENGINE, engine_subprotocol), OF(ENGINE, engine_extensions),
    OF(ENGINE, engine_codes), OF(ENGINE, engine_failure), OF(ENGINE, engine_statistics),
    OF(ENGINE, engine_keepalive), FREES(ENGINE, engine_free),
};

enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

static int open_all(all *self) {
  int ends[2];
  ws_dialer *a_dialer;
  ws_upgrader *an_upgrader;
  ws_dial *a_dial;
  ws_upgrade *an_upgrade;
  ws_engine *an_engine;
  const ws_headers *fields;
  ws_reader *a_reader;
  ws_writer *a_writer;
  ws_cookie_jar *a_jar;
  peer_sockets(ends);
  self->client = ends[0];
  EXPECT(peer_put_text(ends[0], PEER_REQUEST));
  if (!wire_open(&self->w, AS_SERVER)) return 0;
  EXPECT_STATUS(ws_dialer_new(&a_dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_new(&a_dialer_for_jars), WS_OK);
  EXPECT_STATUS(ws_cookie_jar_new(&a_jar), WS_OK);
  EXPECT_STATUS(ws_upgrader_new(&an_upgrader), WS_OK);
  EXPECT_STATUS(ws_dial_new(NULL, "ws://localhost/", &a_dial, NULL), WS_OK);
  EXPECT_STATUS(ws_upgrade_new(NULL, ends[1], NULL, 0, &an_upgrade), WS_OK);
  EXPECT_STATUS(ws_upgrade_request(an_upgrade, 0, NULL, &fields, NULL), WS_OK);
  EXPECT_STATUS(ws_engine_new_server(NULL, 0, &an_engine), WS_OK);
  wire_put_text(&self->w, 0x81, "part");
  EXPECT_STATUS(ws_conn_next_reader(self->w.conn, &number, &a_reader), WS_OK);
  EXPECT_STATUS(ws_conn_next_writer(self->w.conn, WS_TEXT, &a_writer), WS_OK);
  EXPECT_STATUS(ws_prepared_new(WS_PING, "x", 1, &a_prepared), WS_OK);
  the_conn = self->w.conn;
  the_engine = an_engine;
  void *handles[KINDS] = {self->w.conn, a_dialer, a_dial, an_upgrader, an_upgrade, (void *)(uintptr_t)fields, an_engine,
                          a_reader, a_writer, a_prepared, a_jar, NULL};
  memcpy(self->handle, handles, sizeof handles);
  return 1;
}

static void fill_outputs(void) {
  code = 9, number = 9, deadline = 9, size = 9, pointer = &code;
  bytes = (ws_bytes){(const uint8_t *)"x", 1};
  conn = (ws_conn *)&code, dial = (ws_dial *)&code, upgrade = (ws_upgrade *)&code, engine = (ws_engine *)&code;
  reader = (ws_reader *)&code, writer = (ws_writer *)&code;
}

/* An output is empty, or the call has none of that kind and it is as it was. */
static int outputs_are_written(void) {
  int is_same = bytes.size == 1 && bytes.data[0] == 'x';
  return (code == 0 || code == 9) && (number == 0 || number == 9 || number == -1) && (is_same || bytes.data == NULL) &&
         (conn == NULL || conn == (ws_conn *)&code) && (writer == NULL || writer == (ws_writer *)&code) &&
         (reader == NULL || reader == (ws_reader *)&code) && (size == 0 || size == 9);
}

static void every_function_with_every_other_handle(void) {
  all one;
  int cells = 0;
  REQUIRE(open_all(&one));
  for (int i = 0; i < FUNCTIONS; i++) {
    for (int kind = 0; kind < KINDS; kind++) {
      const function *now = &functions[i];
      int wanted = kind == NOTHING ? now->null : WS_ERR_INVALID;
      if (kind == now->kind || wanted == 1) continue;
      fill_outputs();
      int status = now->call(one.handle[kind]);
      if (status != wanted) check_fail(__FILE__, __LINE__, "%s of %s gave %d", now->name, kind_names[kind], status);
      if (!outputs_are_written()) check_fail(__FILE__, __LINE__, "%s of %s has left an output", now->name, kind_names[kind]);
      cells += 1;
    }
  }
  EXPECT_INT(freed, handed_over);
  printf("%d functions, %d kinds of handles: %d cells\n", (int)FUNCTIONS, (int)KINDS, cells);
  /* Nobody has taken harm. */
  EXPECT_STATUS(ws_reader_next(one.handle[READER], &bytes), WS_OK);
  EXPECT_BYTES(bytes.data, bytes.size, "part", 4);
  wire_put_text(&one.w, 0x81, "alive");
  wire_reads(&one.w, "alive");
  EXPECT_STATUS(ws_dialer_set_timeout(one.handle[DIALER], 1), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_timeout(one.handle[UPGRADER], 1), WS_OK);
  EXPECT_STATUS(ws_headers_find(one.handle[HEADERS], "host", &bytes), WS_OK);
  EXPECT_STATUS(ws_upgrade_accept(one.handle[UPGRADE], 0, &conn, NULL), WS_OK);
  EXPECT_STATUS(ws_engine_output(one.handle[ENGINE], &bytes), WS_OK);
  EXPECT_STATUS(ws_writer_close(one.handle[WRITER]), WS_OK);
  EXPECT_STATUS(ws_prepared_free(one.handle[PREPARED]) + ws_cookie_jar_free(one.handle[JAR]), WS_OK);
  EXPECT_STATUS(ws_dialer_free(a_dialer_for_jars), WS_OK);
  wire_gets_text(&one.w, 0x81, "");
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  EXPECT_STATUS(ws_dialer_free(one.handle[DIALER]) + ws_dial_free(one.handle[DIAL]), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(one.handle[UPGRADER]) + ws_upgrade_free(one.handle[UPGRADE]), WS_OK);
  EXPECT_STATUS(ws_engine_free(one.handle[ENGINE]), WS_OK);
  close(one.client);
  wire_close(&one.w);
}

static int free_one(int which, ws_upgrader *an_upgrader, ws_upgrade *an_upgrade, ws_conn *a_conn) {
  return which == 0 ? ws_upgrader_free(an_upgrader) : which == 1 ? ws_upgrade_free(an_upgrade) : ws_conn_free(a_conn);
}

/* A configuration, the attempt and its connection, in all six orders; what is left goes on to work. */
static void freed_in_any_order(void) {
  static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (int i = 0; i < 6; i++) {
    int ends[2], is_free = 0;
    ws_upgrader *an_upgrader;
    ws_upgrade *an_upgrade;
    ws_conn *a_conn;
    const ws_headers *fields;
    peer_sockets(ends);
    peer_put_text(ends[0], PEER_REQUEST);
    EXPECT_STATUS(ws_upgrader_new(&an_upgrader), WS_OK);
    EXPECT_STATUS(ws_upgrade_new(an_upgrader, ends[1], NULL, 0, &an_upgrade), WS_OK);
    EXPECT_STATUS(ws_upgrade_request(an_upgrade, 0, NULL, &fields, NULL), WS_OK);
    REQUIRE_STATUS(ws_upgrade_accept(an_upgrade, 0, &a_conn, NULL), WS_OK);
    for (int at = 0; at < 3; at++) {
      EXPECT_STATUS(free_one(orders[i][at], an_upgrader, an_upgrade, a_conn), WS_OK);
      is_free |= 1 << orders[i][at];
      if (!(is_free & 2)) EXPECT_STATUS(ws_headers_find(fields, "Host", &bytes), WS_OK);
      if (!(is_free & 4)) EXPECT_STATUS(ws_conn_write(a_conn, WS_TEXT, "x", 1), WS_OK);
    }
    close(ends[0]);
  }
}

static const check_test tests[] = {
    TEST(every_function_with_every_other_handle),
    TEST(freed_in_any_order),
};
TEST_MAIN(tests)
