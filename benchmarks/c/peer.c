/* The other end of the socket whose near end is measured: a process of its own, so that its work is not counted. It does the
 * opening handshake, then
 *   op=read...   sends the messages that the measured program reads, many frames a system call;
 *   op=write...  takes what the measured program writes, until the end of the stream.
 * role= is that of the measured program. Prints how many bytes the frames took.
 */
#include "open.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static void send_all(int fd, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t sent = write(fd, bytes, size);
    BENCH_CHECK(sent > 0);
    bytes += sent;
    size -= (size_t)sent;
  }
}

static uint64_t feed(const bench *self, ws_engine *engine) {
  frames some = open_render(self, engine);
  for (size_t left = self->messages; left > 0;) {
    size_t now = left < some.count ? left : some.count;
    send_all(self->fd, some.bytes, now * some.one);
    left -= now;
  }
  return (uint64_t)self->messages * some.one;
}

/* Waits without sleeping at first: a reader that sleeps after each message makes its waking up a cost of the writer's. */
static void wait_for_bytes(int fd, int *idle) {
  int64_t until = ws_now() + 20000;
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  if (++*idle > 100) {
    poll(&entry, 1, -1);
  } else {
    while (ws_now() < until) continue;
  }
}

static uint64_t take(const bench *self, ws_engine *engine) {
  static uint8_t space[1 << 20];
  uint64_t bytes = 0;
  size_t messages = 0;
  int idle = 0;
  while (1) {
    ssize_t got = recv(self->fd, space, sizeof space, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) {
      wait_for_bytes(self->fd, &idle);
      continue;
    }
    BENCH_CHECK(got >= 0);
    if (got == 0) break;
    idle = 0;
    bytes += (uint64_t)got;
    if (self->verify) {
      BENCH_OK(ws_engine_feed(engine, space, (size_t)got));
      messages += open_take(self, engine);
    }
  }
  BENCH_CHECK(self->deflate || bytes >= (uint64_t)self->messages * self->size);
  if (self->verify) BENCH_CHECK(messages == self->messages);
  return bytes;
}

int main(int count, char **words) {
  bench self = bench_arguments(count, words);
  ws_engine *engine = open_engine(&self, !self.is_client);
  uint64_t bytes = strncmp(self.op, "write", 5) == 0 ? take(&self, engine) : feed(&self, engine);
  printf("{\"bytes\": %llu}\n", (unsigned long long)bytes);
  return 0;
}
