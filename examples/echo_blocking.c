/* A threaded echo server: one thread a connection. Options and first line are those of server_options.h; how it accepts and ends is in
 * thread_server.h.
 */
#include "thread_server.h"

/* Sends every message back, until the peer or we close. */
static void echo(ws_conn *conn) {
  int32_t type;
  ws_bytes message;
  while (ws_conn_read(conn, &type, &message) == WS_OK) {
    if (ws_conn_write(conn, type, message.data, message.size) != WS_OK) break;
  }
  ws_conn_close(conn, 1000, NULL, 0, 0); /* completes the closing handshake, whatever ended the loop */
}

int main(int argc, char **argv) {
  struct options options = read_options("echo_blocking", ALL_OPTIONS, argc, argv);
  return serve_threads(&options, &(struct service){.serve = echo});
}
