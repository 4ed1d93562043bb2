/* Memory that can be refused. The library takes memory whose size somebody chooses from realloc, so a program with this header brings
 * its own, which refuses the n-th block that a thread asks for.
 */
#ifndef REFUSE_H
#define REFUSE_H

#include "wire.h"

static __thread int countdown; /* the block that is refused, counted from now; 0 for none */
static int nothing_left;       /* no block at all can be had */
static long blocks;            /* held by the whole process; 0 where a sanitizer counts them */
static __thread long asked;    /* how often a thread has asked for memory; 0 there too */

static inline int is_refused(void) { return nothing_left || (countdown > 0 && --countdown == 0); }

#if CHECK_SANITIZED

/* The sanitizer's own, whose place this program's takes. It finds leaks by itself. */
void *__interceptor_realloc(void *block, size_t size);
void *realloc(void *block, size_t size) { return is_refused() ? NULL : __interceptor_realloc(block, size); }

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static inline void *counted(void *block) {
  asked += 1;
  if (block != NULL) __atomic_add_fetch(&blocks, 1, __ATOMIC_SEQ_CST);
  return block;
}

void *malloc(size_t size) { return nothing_left ? NULL : counted(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return counted(__libc_calloc(count, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return nothing_left ? NULL : counted(__libc_memalign(alignment, size)); }
void *realloc(void *block, size_t size) {
  if (is_refused()) return NULL;
  if (block == NULL) return counted(__libc_malloc(size));
  asked += 1;
  return __libc_realloc(block, size);
}
int posix_memalign(void **block, size_t alignment, size_t size) {
  *block = counted(__libc_memalign(alignment, size));
  return *block == NULL;
}
void free(void *block) {
  if (block != NULL) __atomic_sub_fetch(&blocks, 1, __ATOMIC_SEQ_CST);
  __libc_free(block);
}

#endif

/* The library that ships is Embedded Swift; one of ordinary Swift has its runtime beside it, with an allocator of its own. */
static inline int is_ordinary_swift(void) {
  char line[512];
  int found = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) found |= strstr(line, "libswiftCore") != NULL;
  if (maps != NULL) fclose(maps);
  return found;
}

/* A call that leaves no trace when there is no memory: the second time it works. */
#define AGAIN(self, call)                          \
  do {                                             \
    int status_ = (call);                          \
    if (status_ == WS_ERR_NOMEM) {                 \
      (self)->refused += 1;                        \
      status_ = (call);                            \
    }                                              \
    check_status(status_, WS_OK, __FILE__, __LINE__, #call); \
  } while (0)

/* Runs a scenario with the block of that number refused. How many blocks more there are than before. Blocks that connections share and
 * the process keeps are no leak: there is an end of them, so it is run until there are no more. */
static inline long refuse_run(void (*run)(void *), void *scenario, int number) {
  long more = 1;
  for (int i = 0; i < 30 && more > 0; i++) {
    long before = __atomic_load_n(&blocks, __ATOMIC_SEQ_CST);
    countdown = number;
    run(scenario);
    more = __atomic_load_n(&blocks, __ATOMIC_SEQ_CST) - before;
  }
  return more;
}

/* Refuses one block after the other, until the scenario asks for no more. It sets *refused to how many of its calls said so; *told is
 * the sum. Returns how many blocks were refused. */
static inline int refuse_each(void (*run)(void *), void *scenario, int *refused, int *told) {
  int number = 0, due = 0;
  refuse_run(run, scenario, 0); /* what is made once and kept is made now */
  while (!due && !check_now.failed) {
    *refused = 0;
    long left = refuse_run(run, scenario, ++number);
    due = countdown > 0;
    countdown = 0;
    *told += *refused;
    if (left > 0) check_fail(__FILE__, __LINE__, "%ld blocks leaked", left);
    if (check_now.failed) printf("block %d\n", number);
  }
  EXPECT(number > 5);
  EXPECT(due && *refused == 0);
  return number - 1;
}

#endif /* REFUSE_H */
