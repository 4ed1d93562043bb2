/* A clock that runs only while the library waits: a wait takes no time, and the clock goes on by what it would have taken. So the
 * defaults are tested with their real values, to the millisecond. For programs in which one thread waits at a time.
 */
#ifndef PRETEND_H
#define PRETEND_H

#include "wire.h"

#include <sys/syscall.h>

long syscall(long number, ...); /* not in POSIX */

static struct {
  int on;                   /* else waits are real */
  int64_t ahead;            /* ns that the clock is ahead of the real one */
  void (*act)(void *);      /* what the peer does in every second of a wait, unless NULL */
  void (*for_ever)(void *); /* what happens when a wait has no end */
  void *argument;
} pretend;

/* The library's clock. */
int clock_gettime(clockid_t clock, struct timespec *time) {
  long result = syscall(SYS_clock_gettime, clock, time);
  if (result != 0 || (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)) return (int)result;
  int64_t now = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + pretend.ahead;
  time->tv_sec = (time_t)(now / 1000000000);
  time->tv_nsec = (long)(now % 1000000000);
  return 0;
}

/* The library's wait. */
int ppoll(struct pollfd *set, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
  const int64_t second = 1000000000;
  int64_t left = timeout == NULL ? INT64_MAX : timeout->tv_sec * second + timeout->tv_nsec;
  struct timespec none = {0, 0};
  if (!pretend.on) return (int)syscall(SYS_ppoll, set, count, timeout, mask, 8);
  while (1) {
    int ready = (int)syscall(SYS_ppoll, set, count, &none, NULL, 8);
    if (ready != 0 || left == 0) return ready;
    int64_t passed = pretend.act != NULL && left > second ? second : left;
    if (passed == INT64_MAX) {
      pretend.for_ever(pretend.argument);
      continue;
    }
    pretend.ahead += passed;
    left -= left == INT64_MAX ? 0 : passed;
    if (pretend.act != NULL) pretend.act(pretend.argument);
  }
}

#endif /* PRETEND_H */
