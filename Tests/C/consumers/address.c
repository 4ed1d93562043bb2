/* Takes a function's address in code. Compiled -no-pie -fno-pic, the program's idea of the address and the loader's must be
 * one: with protected symbols the first would not even link. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <string.h>
#include <wsswift.h>

typedef uint32_t (*version_fn)(void);

/* The function as the loader finds it at run time. */
static version_fn looked_up(void) {
  void *self = dlopen(NULL, RTLD_NOW);
  void *symbol = self ? dlsym(self, "ws_version") : NULL;
  version_fn function;
  memcpy(&function, &symbol, sizeof function);
  return function;
}

int main(void) {
  version_fn f = looked_up();
  return f && f == ws_version && f() == WSSWIFT_VERSION ? 0 : 1;
}
