/* The part of libc that WSProtocol may use: allocation that can fail, and byte copies; and places where threads leave memory for
 * each other. Nothing here does I/O, and the headers behind it declare no system call, so that the protocol layer cannot reach one. */
#ifndef WSSWIFT_CMEMORY_H
#define WSSWIFT_CMEMORY_H

#include <stdlib.h>
#include <string.h>

/* Rows of places where a thread puts what it has done with and any thread takes it from. No lock: a fork in the middle of a call
 * loses one block in the child at most. What lies there belongs to nobody. */
enum { CMEMORY_SHELVES = 24, CMEMORY_SHELF_ROOM = 16 };

/* Something that lay on that shelf, or NULL when it is empty. */
void *cmemory_shelf_take(int shelf);

/* Lays the block, which is not NULL, on that shelf. 0: the shelf is full, and the block is still the caller's. */
int cmemory_shelf_put(int shelf, void *block);

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
