/* The part of libc that WSProtocol may use: allocation that can fail, and byte copies. Nothing here does I/O, and the
 * headers behind it declare no system call, so that the protocol layer cannot reach one. */
#ifndef WSSWIFT_CMEMORY_H
#define WSSWIFT_CMEMORY_H

#include <stdlib.h>
#include <string.h>

/* What the tests of failing allocation keep, one for each thread, because Swift has no thread-local variables. Nothing
 * refers to it in a build that ships. */
struct cmemory_faults {
  long countdown; /* the allocation that fails, counted from now; 0 for none */
  long blocks;    /* blocks held */
};

__attribute__((returns_nonnull)) static inline struct cmemory_faults *cmemory_faults_of_this_thread(void) {
  static _Thread_local struct cmemory_faults faults;
  return &faults;
}

#endif
