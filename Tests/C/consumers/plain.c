/* The least a C99 program does: it includes the header, links the library, and both are of one version. */
#include <stdio.h>
#include <string.h>
#include <wsswift.h>

int main(void) {
  char version[16];
  snprintf(version, sizeof version, "%d.%d.%d", WSSWIFT_VERSION_MAJOR, WSSWIFT_VERSION_MINOR, WSSWIFT_VERSION_PATCH);
  return ws_version() == WSSWIFT_VERSION && strcmp(ws_version_string(), version) == 0 ? 0 : 1;
}
