/* The clients of a broadcast, all in one process of its own, because the measured one has descriptors for its own ends only. Takes
 * connections from the listening socket listener=, does the opening handshake on each, and sends a byte to fd= when it is done. Whenever a
 * byte comes from there, it empties them all and sends the byte back. The measured program waits for that, outside of what it measures.
 */
#include "open.h"

#include <sys/socket.h>

typedef struct crowd {
  const bench *arguments;
  ws_engine *engine; /* decodes what the first of them receives */
  int *fds;
} crowd;

/* All clients send the same request, so the answers are the same too. */
static void greet(int fd, const ws_bytes *request) {
  char response[2048];
  BENCH_CHECK(write(fd, request->data, request->size) == (ssize_t)request->size);
  BENCH_CHECK(read(fd, response, sizeof response) > 12 && memcmp(response, "HTTP/1.1 101", 12) == 0);
}

static void gather(crowd *self) {
  bench first = *self->arguments;
  ws_engine *client = open_new_engine(&first, 1);
  ws_bytes request;
  BENCH_OK(ws_engine_output(client, &request));
  for (size_t i = 0; i < first.connections; i++) {
    int fd = accept(first.listener, NULL, NULL);
    if (fd < 0) BENCH_FAIL("only %zu connections; more descriptors are needed", i);
    self->fds[i] = first.fd = fd;
    if (i == 0) self->engine = open_engine(&first, 1);
    else greet(fd, &request);
  }
}

/* Empties all. To verify, every one must have had the same bytes as the first; those are decoded. Returns how many messages came. */
static size_t drain(crowd *self) {
  static uint8_t first[1 << 18], other[1 << 18];
  ssize_t size = recv(self->fds[0], first, sizeof first, MSG_DONTWAIT);
  size_t messages = 0;
  for (size_t i = 1; i < self->arguments->connections; i++) {
    BENCH_CHECK(recv(self->fds[i], other, sizeof other, MSG_DONTWAIT) == size);
    if (self->arguments->verify) BENCH_CHECK(memcmp(first, other, (size_t)size) == 0);
  }
  BENCH_CHECK(size > 0);
  if (!self->arguments->verify) return 0;
  BENCH_OK(ws_engine_feed(self->engine, first, (size_t)size));
  messages = open_take(self->arguments, self->engine);
  BENCH_CHECK(messages > 0);
  return messages;
}

int main(int count, char **words) {
  bench self = bench_arguments(count, words);
  crowd all = {&self, NULL, calloc(self.connections, sizeof *all.fds)};
  size_t messages = 0;
  uint8_t byte = 0;
  BENCH_CHECK(all.fds != NULL);
  gather(&all);
  BENCH_CHECK(write(self.fd, &byte, 1) == 1);
  while (read(self.fd, &byte, 1) == 1) {
    messages += drain(&all);
    BENCH_CHECK(write(self.fd, &byte, 1) == 1);
  }
  if (self.verify) BENCH_CHECK(messages == self.messages);
  printf("{}\n");
  return 0;
}
