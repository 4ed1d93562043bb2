/* Measured: the same bytes without a WebSocket library, which is what the system asks for them. The frames are rendered before.
 *   op=read   read(2) of all frames, 64 KiB at a time      op=parse, op=make  memcpy of the payload
 *   op=write  write(2) of each frame                       op=broadcast       write(2) of one frame to each connection
 */
#include "reach.h"

static void read_frames(const bench *self, const frames *some) {
  static uint8_t space[65536];
  for (uint64_t left = (uint64_t)self->messages * some->one; left > 0;) {
    ssize_t got = read(self->fd, space, left < sizeof space ? left : sizeof space);
    BENCH_CHECK(got > 0);
    left -= (uint64_t)got;
  }
}

static void write_frame(int fd, const frames *some) {
  for (size_t at = 0; at < some->one;) {
    ssize_t sent = write(fd, some->bytes + at, some->one - at);
    BENCH_CHECK(sent > 0);
    at += (size_t)sent;
  }
}

static void copy(const bench *self) {
  uint8_t *space = malloc(self->size);
  BENCH_CHECK(space != NULL);
  for (size_t i = 0; i < self->messages; i++) {
    memcpy(space, self->payload, self->size);
    __asm__ volatile("" : : "r"(space) : "memory");
  }
  free(space);
}

static void over_socket(const bench *self, meter *spent) {
  ws_engine *engine = open_engine(self, self->is_client);
  /* What is read has the size that the peer, in the other role, gives it. */
  ws_engine *client, *server;
  open_pair(self, &client, &server);
  frames some = bench_is(self, "read") ? open_render(self, self->is_client ? server : client) : open_render(self, engine);
  meter_start(spent);
  if (bench_is(self, "read")) read_frames(self, &some);
  for (size_t i = 0; bench_is(self, "write") && i < self->messages; i++) write_frame(self->fd, &some);
  meter_stop(spent);
}

typedef struct broadcast {
  const bench *arguments;
  frames some;
  int *fds;
} broadcast;

static void write_to_all(void *argument) {
  const broadcast *self = argument;
  for (size_t i = 0; i < self->arguments->connections; i++) write_frame(self->fds[i], &self->some);
}

static void to_crowd(bench *self, meter *spent) {
  broadcast all = {.arguments = self, .fds = calloc(self->connections, sizeof *all.fds)};
  int control = self->fd;
  ws_engine *engine = NULL;
  BENCH_CHECK(all.fds != NULL);
  for (size_t i = 0; i < self->connections; i++) {
    all.fds[i] = self->fd = reach_connect(self);
    engine = open_engine(self, 0);
  }
  all.some = open_render(self, engine);
  self->fd = control;
  reach_all(self, spent, write_to_all, &all);
}

int main(int count, char **words) {
  bench self = bench_arguments(count, words);
  meter spent = {0};
  if (bench_is(&self, "broadcast")) {
    to_crowd(&self, &spent);
  } else if (self.fd >= 0) {
    over_socket(&self, &spent);
  } else {
    meter_start(&spent);
    copy(&self);
    meter_stop(&spent);
  }
  meter_print(&spent, self.messages * self.connections);
  return 0;
}
