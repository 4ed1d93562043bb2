/* A program whose own functions bear wsswift's names: it calls the library by the names of redefine-syms.txt. */
#include <stdint.h>

uint32_t ws_version(void) { return 7; }
const char *ws_strerror(int code) { return code == 0 ? "mine" : "mine too"; }

uint32_t wsswift_version(void);
const char *wsswift_strerror(int code);

int main(void) {
  return ws_version() == 7 && ws_strerror(0)[0] == 'm' && wsswift_version() != 7 && wsswift_strerror(0)[0] != 'm' ? 0 : 1;
}
