/* Prints how long it takes to load the library named by the argument, and to make a first call, in microseconds. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wsswift.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  double start = now();
  void *library = dlopen(arguments[1], RTLD_NOW);
  double loaded = now();
  void *symbol = library ? dlsym(library, "ws_version") : NULL;
  if (!symbol) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  uint32_t (*version)(void);
  memcpy(&version, &symbol, sizeof version);
  double before = now();
  uint32_t found = version();
  double called = now();
  printf("%.1f %.2f\n", loaded - start, called - before);
  return found == WSSWIFT_VERSION ? 0 : 1;
}
