/* Measured: permessage-deflate (RFC 7692) without any transport. One engine sends, the other receives (op=roundtrip): compressing,
 * framing, parsing, decompressing. zlib.c does the same work of zlib alone.
 */
#include "open.h"

static void pass_on(const bench *self, size_t turn, ws_engine *from, ws_engine *to) {
  ws_event event = {.struct_size = sizeof event};
  BENCH_OK(ws_engine_send(from, bench_type(self), bench_variant(self, turn), self->size));
  open_move(from, to);
  BENCH_OK(ws_engine_next_event(to, &event));
  BENCH_CHECK(event.type == WS_EVENT_MESSAGE);
  bench_received(self, turn, event.opcode, event.data, event.size);
}

int main(int count, char **words) {
  bench self = bench_arguments(count, words);
  ws_engine *client, *server;
  meter spent = {0};
  open_pair(&self, &client, &server);
  meter_start(&spent);
  for (size_t i = 0; i < self.messages; i++) {
    if (self.is_client) pass_on(&self, i, client, server);
    else pass_on(&self, i, server, client);
  }
  meter_stop(&spent);
  meter_print(&spent, self.messages);
  return 0;
}
