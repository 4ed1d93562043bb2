/* The shelves of CMemory.h: constant-sized, zero at the start, and each place is one atomic pointer. Swift would give a global of
 * atomics a lazy initialiser behind a spinning lock, which a fork could leave locked; here the loader lays them out. */
#include "CMemory.h"

#include <stdatomic.h>

static _Atomic(void *) places[CMEMORY_SHELVES][CMEMORY_SHELF_ROOM];

void *cmemory_shelf_take(int shelf) {
  if (shelf < 0 || shelf >= CMEMORY_SHELVES) return NULL;
  for (int place = 0; place < CMEMORY_SHELF_ROOM; place++) {
    _Atomic(void *) *here = &places[shelf][place];
    if (atomic_load_explicit(here, memory_order_relaxed) == NULL) continue;
    void *block = atomic_exchange_explicit(here, NULL, memory_order_acquire);
    if (block != NULL) return block;
  }
  return NULL;
}

int cmemory_shelf_put(int shelf, void *block) {
  if (shelf < 0 || shelf >= CMEMORY_SHELVES) return 0;
  for (int place = 0; place < CMEMORY_SHELF_ROOM; place++) {
    _Atomic(void *) *here = &places[shelf][place];
    void *none = atomic_load_explicit(here, memory_order_relaxed);
    if (none != NULL) continue;
    if (atomic_compare_exchange_strong_explicit(here, &none, block, memory_order_release, memory_order_relaxed)) return 1;
  }
  return 0;
}
