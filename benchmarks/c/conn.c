/* Measured: a ws_conn over a socket whose other end is peer.c.
 *   op=read          ws_conn_read until all messages have come
 *   op=write         ws_conn_write of all messages
 *   op=read-stream   the same with ws_conn_next_reader, 16 KiB at a time into memory of our own
 *   op=write-stream  the same with ws_conn_next_writer, 4 KiB at a time
 */
#include "open.h"

static void read_messages(const bench *self, ws_conn *conn) {
  int32_t type;
  ws_bytes message;
  for (size_t i = 0; i < self->messages; i++) {
    BENCH_OK(ws_conn_read(conn, &type, &message));
    bench_received(self, 0, type, message.data, message.size);
  }
}

static void write_messages(const bench *self, ws_conn *conn) {
  for (size_t i = 0; i < self->messages; i++) BENCH_OK(ws_conn_write(conn, bench_type(self), self->payload, self->size));
}

static void stream_one_in(const bench *self, ws_conn *conn, uint8_t *space) {
  int32_t type;
  ws_reader *reader;
  size_t total = 0, got;
  int status;
  BENCH_OK(ws_conn_next_reader(conn, &type, &reader));
  while ((status = ws_reader_read(reader, space, 16384, &got)) == WS_OK) {
    if (self->verify) BENCH_CHECK(got <= self->size - total && memcmp(space, self->payload + total, got) == 0);
    total += got;
  }
  BENCH_CHECK(status == WS_END && type == bench_type(self) && total == self->size);
}

static void stream_in(const bench *self, ws_conn *conn) {
  static uint8_t space[16384];
  for (size_t i = 0; i < self->messages; i++) stream_one_in(self, conn, space);
}

static void stream_one_out(const bench *self, ws_conn *conn) {
  ws_writer *writer;
  BENCH_OK(ws_conn_next_writer(conn, bench_type(self), &writer));
  for (size_t at = 0, part; at < self->size; at += part) {
    part = self->size - at < 4096 ? self->size - at : 4096;
    BENCH_OK(ws_writer_write(writer, self->payload + at, part));
  }
  BENCH_OK(ws_writer_close(writer));
}

static void stream_out(const bench *self, ws_conn *conn) {
  for (size_t i = 0; i < self->messages; i++) stream_one_out(self, conn);
}

/* What an operation is. */
static void (*work_of(const bench *self))(const bench *, ws_conn *) {
  if (bench_is(self, "read")) return read_messages;
  if (bench_is(self, "write")) return write_messages;
  if (bench_is(self, "read-stream")) return stream_in;
  BENCH_CHECK(bench_is(self, "write-stream"));
  return stream_out;
}

int main(int count, char **words) {
  bench self = bench_arguments(count, words);
  void (*work)(const bench *, ws_conn *) = work_of(&self);
  meter spent = {0};
  ws_conn *conn = open_conn(&self);
  meter_start(&spent);
  work(&self, conn);
  meter_stop(&spent);
  ws_conn_free(conn);
  meter_print(&spent, self.messages);
  return 0;
}
