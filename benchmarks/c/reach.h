/* The measured side of a broadcast: connections to crowd.c, and waiting until it has emptied them.
 */
#ifndef REACH_H
#define REACH_H

#include "open.h"

#include <sys/socket.h>
#include <sys/un.h>

/* A connection to an abstract Unix socket. */
static inline int reach_connect(const bench *self) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  size_t length = strlen(self->address);
  BENCH_CHECK(length < sizeof address.sun_path);
  memcpy(address.sun_path + 1, self->address, length);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
  if (fd < 0) BENCH_FAIL("more descriptors are needed");
  BENCH_CHECK(connect(fd, (struct sockaddr *)&address, size) == 0);
  return fd;
}

/* Does the work for all messages and measures it: in bursts, behind each of which the clients' ends are emptied. A burst has many
 * messages where there are few connections, so that reading the meter does not count, but no more than a socket takes. */
static inline void reach_all(const bench *self, meter *spent, void (*work)(void *), void *argument) {
  size_t most = self->connections < 32 ? 32 : 1, burst;
  uint8_t byte;
  BENCH_CHECK(read(self->fd, &byte, 1) == 1);
  for (size_t left = self->messages; left > 0; left -= burst) {
    burst = left < most ? left : most;
    meter_start(spent);
    for (size_t i = 0; i < burst; i++) work(argument);
    meter_stop(spent);
    BENCH_CHECK(write(self->fd, &byte, 1) == 1 && read(self->fd, &byte, 1) == 1);
  }
}

#endif /* REACH_H */
