/* Every way to write a message, in sizes around those where the header changes, compressed and not, in both roles; read by an engine
 * that is given the bytes one by one, in halves, or as they come. One connection carries them all.
 */
#include "compressed.h"
#include "engines.h"

enum { LARGEST = 65537 };

enum { WRITE, WRITEV, STREAM, STREAM_PIECES, STREAM_FLUSHED, PREPARED, STYLES };

static const char *const style_names[STYLES] = {"write", "writev", "one piece", "pieces", "pieces with flush", "prepared"};

/* How the reader gets what has come. */
enum { ONE_BYTE, HALVES, AS_IS, DELIVERIES };

/* The writer's connection and the engine that reads. */
typedef struct line {
  ws_conn *conn;
  ws_engine *engine;
  int fd;
} line;

/* Moves bytes between the engine and its socket: what the engine wants to say, then what has come. */
static void carry(line *self, int is_reading) {
  uint8_t bytes[4096];
  ws_bytes output;
  EXPECT_STATUS(ws_engine_output(self->engine, &output), WS_OK);
  EXPECT(peer_put(self->fd, output.data, output.size));
  EXPECT_STATUS(ws_engine_sent(self->engine, output.size), WS_OK);
  if (!is_reading) return;
  ssize_t count = recv(self->fd, bytes, sizeof bytes, 0);
  if (EXPECT(count > 0)) EXPECT_STATUS(ws_engine_feed(self->engine, bytes, (size_t)count), WS_OK);
}

static int event_is(line *self, int type) {
  ws_event event = {.struct_size = sizeof event};
  return ws_engine_next_event(self->engine, &event) == WS_OK && event.type == type;
}

static void *serve_engine(void *argument) {
  line *self = argument;
  while (!event_is(self, WS_EVENT_REQUEST) && !check_now.failed) carry(self, 1);
  EXPECT_STATUS(ws_engine_accept(self->engine), WS_OK);
  EXPECT(event_is(self, WS_EVENT_OPEN));
  carry(self, 0);
  return NULL;
}

static void *dial_engine(void *argument) {
  line *self = argument;
  while (!event_is(self, WS_EVENT_OPEN) && !check_now.failed) carry(self, 1);
  return NULL;
}

static int open_line(line *self, int role, int how) {
  ws_dialer *dialer = compressed_dialer(how);
  ws_upgrader *upgrader = compressed_upgrader(how);
  pthread_t thread;
  int ends[2];
  peer_sockets(ends);
  self->fd = ends[0];
  self->conn = NULL;
  self->engine = role == AS_CLIENT ? engine_new_server(upgrader) : engine_new_client(dialer);
  pthread_create(&thread, NULL, role == AS_CLIENT ? serve_engine : dial_engine, self);
  if (role == AS_CLIENT) self->conn = wire_client(dialer, ends[1], NULL);
  if (role == AS_SERVER) EXPECT_STATUS(ws_upgrader_upgrade(upgrader, ends[1], NULL, 0, 0, &self->conn, NULL), WS_OK);
  pthread_join(thread, NULL);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
  return self->conn != NULL;
}

static void close_line(line *self) {
  EXPECT_STATUS(ws_conn_free(self->conn), WS_OK);
  EXPECT_STATUS(ws_engine_free(self->engine), WS_OK);
  close(self->fd);
}

static int stream(ws_conn *conn, const uint8_t *data, size_t size, size_t piece, int flushes) {
  ws_writer *writer;
  int status = ws_conn_next_writer(conn, WS_TEXT, &writer);
  for (size_t at = 0; at < size && status == WS_OK; at += piece) {
    status = ws_writer_write(writer, data + at, size - at < piece ? size - at : piece);
    if (status == WS_OK && flushes) status = ws_writer_flush(writer);
  }
  return status == WS_OK ? ws_writer_close(writer) : status;
}

static int prepared(ws_conn *conn, const uint8_t *data, size_t size) {
  ws_prepared *message;
  int status = ws_prepared_new(WS_TEXT, data, size, &message);
  if (status == WS_OK) status = ws_conn_write_prepared(conn, message);
  EXPECT_STATUS(ws_prepared_free(message), WS_OK);
  return status;
}

static int write_in(int style, ws_conn *conn, const uint8_t *data, size_t size) {
  ws_bytes parts[3] = {{data, size / 3}, {data + size / 3, size / 2 - size / 3}, {data + size / 2, size - size / 2}};
  switch (style) {
    case WRITE: return ws_conn_write(conn, WS_TEXT, data, size);
    case WRITEV: return ws_conn_writev(conn, WS_TEXT, parts, 3);
    case STREAM: return stream(conn, data, size, size + 1, 0);
    case STREAM_PIECES: return stream(conn, data, size, 997, 0);
    case STREAM_FLUSHED: return stream(conn, data, size, 9973, 1);
    default: return prepared(conn, data, size);
  }
}

/* Gives the engine what has come; 1 when its message is whole. */
static int deliver(line *self, int delivery, const uint8_t *bytes, size_t count, ws_event *event) {
  size_t step = delivery == ONE_BYTE ? 1 : delivery == HALVES ? count / 2 + 1 : count;
  int status = WS_AGAIN;
  for (size_t at = 0; at < count && status == WS_AGAIN; at += step) {
    EXPECT_STATUS(ws_engine_feed(self->engine, bytes + at, count - at < step ? count - at : step), WS_OK);
    status = ws_engine_next_event(self->engine, event);
    if (status == WS_OK) return EXPECT(at + step >= count);
  }
  EXPECT_STATUS(status, WS_AGAIN);
  return 0;
}

static void one_message(line *self, int style, int delivery, const uint8_t *data, size_t size, const char *where) {
  static uint8_t bytes[2 * LARGEST];
  ws_event event = {.struct_size = sizeof event};
  EXPECT_STATUS(write_in(style, self->conn, data, size), WS_OK);
  for (int whole = 0; !whole && !check_now.failed;) {
    ssize_t count = recv(self->fd, bytes, sizeof bytes, 0);
    if (!EXPECT(count > 0)) return;
    whole = deliver(self, delivery, bytes, (size_t)count, &event);
  }
  if (event.type != WS_EVENT_MESSAGE || event.opcode != WS_TEXT || event.size != size || memcmp(event.data, data, size) != 0) {
    check_fail(__FILE__, __LINE__, "%zu bytes by %s, delivery %d, %s: another message came", size, style_names[style], delivery, where);
  }
}

static void run(int role, int how) {
  static const size_t sizes[] = {0, 1, 2, 124, 125, 126, 127, 128, 129, 65534, 65535, 65536, 65537};
  static const char *const names[] = {"plain", "compressed", "compressed in context"};
  static uint8_t data[LARGEST];
  line self;
  int count = 0;
  REQUIRE(open_line(&self, role, how));
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    compressible(data, sizes[i], (uint32_t)i);
    for (int style = 0; style < STYLES; style++) {
      for (int delivery = 0; delivery < DELIVERIES && !check_now.failed; delivery++) {
        one_message(&self, style, delivery, data, sizes[i], names[how]);
        count += 1;
      }
    }
  }
  printf("%d messages, %s, as %s\n", count, names[how], role == AS_SERVER ? "server" : "client");
  close_line(&self);
}

static void plain_as_server(void) { run(AS_SERVER, PLAIN); }
static void plain_as_client(void) { run(AS_CLIENT, PLAIN); }
static void compressed_as_server(void) { run(AS_SERVER, ALONE); }
static void compressed_as_client(void) { run(AS_CLIENT, ALONE); }
static void in_context_as_server(void) { run(AS_SERVER, IN_CONTEXT); }
static void in_context_as_client(void) { run(AS_CLIENT, IN_CONTEXT); }

static const check_test tests[] = {
    TEST(plain_as_server),      TEST(plain_as_client),      TEST(compressed_as_server),
    TEST(compressed_as_client), TEST(in_context_as_server), TEST(in_context_as_client),
};
TEST_MAIN(tests)
