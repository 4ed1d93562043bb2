/* Asks for the environment's proxy, and says which host a connection would go to: the proxy's, or in a process that has more rights than
 * whoever started it (AT_SECURE, getauxval(3)) the server's. The argument says what this process is; it fails when it is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <wsswift.h>

static char asked[64];

/* Nothing is connected to. */
static int take_host(const char *host, uint16_t port, int64_t deadline, void *user) {
  (void)port, (void)deadline, (void)user;
  snprintf(asked, sizeof asked, "%s", host);
  return -1;
}

int main(int count, char **arguments) {
  int is_privileged = count == 2 && strcmp(arguments[1], "privileged") == 0;
  const char *expected = is_privileged ? "target.invalid" : "proxy.invalid";
  ws_dialer *dialer = NULL;
  ws_conn *conn = NULL;
  if ((getauxval(AT_SECURE) != 0) != is_privileged) return 2;
  if (getenv("http_proxy") == NULL) return 3;
  if (ws_dialer_new(&dialer) != WS_OK || ws_dialer_set_proxy_from_environment(dialer, 1) != WS_OK) return 4;
  if (ws_dialer_set_connect_callback(dialer, take_host, NULL, NULL) != WS_OK) return 5;
  if (ws_dialer_dial(dialer, "ws://target.invalid/", 0, &conn, NULL) != WS_ERR_CONNECT) return 6;
  ws_dialer_free(dialer);
  printf("connects to %s\n", asked);
  return strcmp(asked, expected) == 0 ? 0 : 7;
}
