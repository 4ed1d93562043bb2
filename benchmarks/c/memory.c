/* Measured: a ws_engine without any transport.
 *   op=parse  frames are copied into ws_engine_buffer, messages come out: parsing, unmasking, checking UTF-8
 *   op=make   ws_engine_send, and the output is taken: framing and masking
 */
#include "open.h"

static void parse(const bench *self, ws_engine *engine, const frames *some) {
  size_t done = 0, at = 0, size = some->one * some->count, room;
  void *space;
  while (done < self->messages) {
    BENCH_OK(ws_engine_buffer(engine, &space, &room));
    if (room > size - at) room = size - at;
    memcpy(space, some->bytes + at, room);
    at = at + room == size ? 0 : at + room;
    BENCH_OK(ws_engine_received(engine, room));
    done += open_take(self, engine);
  }
}

static void make(const bench *self, ws_engine *engine, ws_engine *other) {
  ws_bytes output;
  for (size_t i = 0; i < self->messages; i++) {
    BENCH_OK(ws_engine_send(engine, bench_type(self), self->payload, self->size));
    if (self->verify) {
      open_move(engine, other);
      BENCH_CHECK(open_take(self, other) == 1);
    } else {
      BENCH_OK(ws_engine_output(engine, &output));
      BENCH_OK(ws_engine_sent(engine, output.size));
    }
  }
}

int main(int count, char **words) {
  bench self = bench_arguments(count, words);
  ws_engine *client, *server;
  meter spent = {0};
  open_pair(&self, &client, &server);
  ws_engine *ours = self.is_client ? client : server, *other = self.is_client ? server : client;
  if (bench_is(&self, "make")) {
    meter_start(&spent);
    make(&self, ours, other);
  } else {
    frames some = open_render(&self, other);
    meter_start(&spent);
    parse(&self, ours, &some);
  }
  meter_stop(&spent);
  meter_print(&spent, self.messages);
  return 0;
}
