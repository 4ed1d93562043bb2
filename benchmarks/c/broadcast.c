/* Measured: one message to each of many server connections in turn (op=broadcast), with ws_conn_write or, with prepared=1, as one
 * prepared message. The other ends are in crowd.c.
 */
#include "reach.h"

typedef struct broadcast {
  const bench *arguments;
  ws_conn **conns;
} broadcast;

static void write_to_all(void *argument) {
  const broadcast *self = argument;
  const bench *message = self->arguments;
  for (size_t i = 0; i < message->connections; i++) {
    BENCH_OK(ws_conn_write(self->conns[i], bench_type(message), message->payload, message->size));
  }
}

static void prepare_for_all(void *argument) {
  const broadcast *self = argument;
  const bench *message = self->arguments;
  ws_prepared *prepared;
  BENCH_OK(ws_prepared_new(bench_type(message), message->payload, message->size, &prepared));
  for (size_t i = 0; i < message->connections; i++) BENCH_OK(ws_conn_write_prepared(self->conns[i], prepared));
  BENCH_OK(ws_prepared_free(prepared));
}

static ws_conn **accept_all(const bench *self) {
  ws_upgrader *upgrader = open_upgrader(self);
  ws_conn **conns = calloc(self->connections, sizeof *conns);
  BENCH_CHECK(conns != NULL);
  for (size_t i = 0; i < self->connections; i++) {
    BENCH_OK(ws_upgrader_upgrade(upgrader, reach_connect(self), NULL, 0, 0, &conns[i], NULL));
  }
  return conns;
}

int main(int count, char **words) {
  bench self = bench_arguments(count, words);
  broadcast all = {&self, accept_all(&self)};
  meter spent = {0};
  reach_all(&self, &spent, self.prepared ? prepare_for_all : write_to_all, &all);
  meter_print(&spent, self.messages * self.connections);
  return 0;
}
