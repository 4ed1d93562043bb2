/* Measured: a ws_conn over a socket whose other end is peer.c.
 *   op=read   ws_conn_read until all messages have come
 *   op=write  ws_conn_write of all messages
 */
#include "open.h"

static void read_messages(const bench *self, ws_conn *conn) {
  int32_t type;
  ws_bytes message;
  for (size_t i = 0; i < self->messages; i++) {
    BENCH_OK(ws_conn_read(conn, &type, &message));
    bench_received(self, type, message.data, message.size);
  }
}

static void write_messages(const bench *self, ws_conn *conn) {
  for (size_t i = 0; i < self->messages; i++) BENCH_OK(ws_conn_write(conn, bench_type(self), self->payload, self->size));
}

int main(int count, char **words) {
  bench self = bench_arguments(count, words);
  void (*work)(const bench *, ws_conn *) = bench_is(&self, "write") ? write_messages : read_messages;
  meter spent = {0};
  ws_conn *conn = open_conn(&self);
  meter_start(&spent);
  work(&self, conn);
  meter_stop(&spent);
  ws_conn_free(conn);
  meter_print(&spent, self.messages);
  return 0;
}
