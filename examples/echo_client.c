/* The smallest complete client: sends each MESSAGE, prints what comes back, closes cleanly.
 * Exit status 0 when all went well, 2 when there was no connection, 1 for anything else.
 *
 *   echo_client URL [MESSAGE...]
 */
#include <stdio.h>
#include <string.h>
#include <wsswift.h>

int main(int argc, char **argv) {
  ws_failure failure = {.struct_size = sizeof failure};
  ws_conn *conn;
  if (argc < 2 || ws_dialer_dial(NULL, argv[1], 0, &conn, &failure) != WS_OK) {
    fprintf(stderr, "%s\n", argc < 2 ? "usage: echo_client URL [MESSAGE...]" : failure.text);
    return 2;
  }
  ws_conn_set_read_timeout(conn, 10000); /* a server that does not echo would keep us for ever */
  int status = WS_OK;
  for (int i = 2; status == WS_OK && (i < argc || i == 2); i++) {
    const char *message = i < argc ? argv[i] : "Hello from wsswift";
    int32_t type;
    ws_bytes reply;
    status = ws_conn_write(conn, WS_TEXT, message, strlen(message));
    if (status == WS_OK) status = ws_conn_read(conn, &type, &reply);
    if (status == WS_OK) printf("%.*s\n", (int)reply.size, (const char *)reply.data);
  }
  int closed = ws_conn_close(conn, 1000, NULL, 0, 0); /* whatever ended the loop, the closing handshake is still due */
  if (status == WS_OK) status = closed;
  if (status != WS_OK) {
    ws_conn_failure(conn, WS_READ, &failure);
    if (failure.code != status) ws_conn_failure(conn, WS_WRITE, &failure);
    fprintf(stderr, "%s\n", failure.text);
  }
  ws_conn_free(conn);
  return status == WS_OK ? 0 : 1;
}
