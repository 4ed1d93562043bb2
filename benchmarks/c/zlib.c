/* Measured: what RFC 7692 asks of zlib for each message, and nothing else: compressing with a sync flush, taking the tail off, putting
 * it on again, decompressing. The parameters are wsswift's: level 1, 32 KiB windows, memory level 8; without takeover= both start
 * afresh with each message.
 */
#include "bench.h"

#include <zlib.h>

typedef struct streams {
  z_stream out, in;
  uint8_t *wire, *plain;
  size_t room;
} streams;

static void open_streams(const bench *self, streams *all) {
  all->room = self->size + self->size / 8 + 64;
  all->wire = malloc(all->room);
  all->plain = malloc(all->room);
  BENCH_CHECK(all->wire != NULL && all->plain != NULL);
  BENCH_CHECK(deflateInit2(&all->out, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  BENCH_CHECK(inflateInit2(&all->in, -15) == Z_OK);
}

static size_t compress_message(const bench *self, streams *all, size_t turn) {
  if (!self->takeover) deflateReset(&all->out);
  all->out.next_in = (Bytef *)bench_variant(self, turn);
  all->out.avail_in = (uInt)self->size;
  all->out.next_out = all->wire;
  all->out.avail_out = (uInt)all->room;
  BENCH_CHECK(deflate(&all->out, Z_SYNC_FLUSH) == Z_OK && all->out.avail_out > 0);
  return all->room - all->out.avail_out - 4;
}

static void decompress_message(const bench *self, streams *all, size_t turn, size_t size) {
  if (!self->takeover) inflateReset(&all->in);
  memcpy(all->wire + size, "\0\0\xff\xff", 4);
  all->in.next_in = all->wire;
  all->in.avail_in = (uInt)size + 4;
  all->in.next_out = all->plain;
  all->in.avail_out = (uInt)all->room;
  BENCH_CHECK(inflate(&all->in, Z_SYNC_FLUSH) == Z_OK && all->in.avail_in == 0);
  bench_received(self, turn, bench_type(self), all->plain, all->room - all->in.avail_out);
}

int main(int count, char **words) {
  bench self = bench_arguments(count, words);
  streams all = {0};
  meter spent = {0};
  open_streams(&self, &all);
  meter_start(&spent);
  for (size_t i = 0; i < self.messages; i++) decompress_message(&self, &all, i, compress_message(&self, &all, i));
  meter_stop(&spent);
  meter_print(&spent, self.messages);
  return 0;
}
