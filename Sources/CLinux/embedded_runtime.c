/* What Swift's embedded runtime asks of libc, made right for a library that lives in other people's programs. Compiled in
 * for the shared library in Embedded Swift only (WSSWIFT_EMBEDDED_RUNTIME, set by CMake): a program that is built in
 * ordinary mode keeps its own allocator. Everything is hidden, so nothing outside the library ever sees it. */
#include "include/CLinux.h"

#ifdef WSSWIFT_EMBEDDED_RUNTIME

#define HIDDEN __attribute__((visibility("hidden")))

/* Says how many bytes were wanted: "wsswift: out of memory: N bytes". */
static _Noreturn void die_out_of_memory(size_t size) {
  static const char head[] = "wsswift: out of memory: ";
  static const char tail[] = " bytes\n";
  char text[sizeof head + 20 + sizeof tail];
  char digits[20];
  size_t count = 0, length = sizeof head - 1;
  do {
    digits[count++] = (char)('0' + size % 10);
    size /= 10;
  } while (size > 0);
  memcpy(text, head, length);
  while (count > 0) text[length++] = digits[--count];
  memcpy(text + length, tail, sizeof tail - 1);
  clinux_die(text, length + sizeof tail - 1);
}

/* Swift objects of fixed size come from here, and Swift ends the process with an illegal instruction and no word when there
 * is no memory for one. Blocks whose size a peer or caller chooses come from malloc and can fail. */
HIDDEN int posix_memalign(void **block, size_t alignment, size_t size) {
  void *memory = alignment <= _Alignof(max_align_t) ? malloc(size) : aligned_alloc(alignment, size);
  if (memory == NULL && size > 0) die_out_of_memory(size);
  *block = memory;
  return 0;
}

/* Swift's hash tables seed themselves with it, but glibc has it since 2.36 only. */
HIDDEN void arc4random_buf(void *buffer, size_t size) {
  clinux_random(buffer, size);
}

#endif
