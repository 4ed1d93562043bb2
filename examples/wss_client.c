/* Opens a connection, says what TLS it has if any, sends each MESSAGE, prints what comes back, closes cleanly.
 * Exit status 0 when all went well, 2 when there was no connection, 1 for anything else.
 *
 *   wss_client [OPTIONS] URL [MESSAGE...]      with the options of client_options.h
 */
#include "client_options.h"

/* Whom we speak with. */
static void print_peer(const ws_conn *conn) {
  ws_bytes version, subject, certificate;
  if (ws_conn_tls(conn, &version, &subject, &certificate) != WS_OK || version.size == 0) return;
  printf("%.*s, %.*s\n", (int)version.size, (const char *)version.data, (int)subject.size, (const char *)subject.data);
}

/* Sends a message and prints the reply. */
static int ask(ws_conn *conn, const char *message) {
  int32_t type;
  ws_bytes reply;
  int status = ws_conn_write(conn, WS_TEXT, message, strlen(message));
  if (status == WS_OK) status = ws_conn_read(conn, &type, &reply);
  if (status == WS_OK) printf("%.*s\n", (int)reply.size, (const char *)reply.data);
  return status;
}

/* Everything after the opening handshake. */
static int talk(ws_conn *conn, int count, char **messages) {
  int status = WS_OK;
  ws_conn_set_read_timeout(conn, 10000); /* a server that does not echo would keep us for ever */
  print_peer(conn);
  for (int i = 0; status == WS_OK && i < count; i++) status = ask(conn, messages[i]);
  int closed = ws_conn_close(conn, 1000, NULL, 0, 0); /* whatever ended the loop, the closing handshake is still due */
  return status == WS_OK ? closed : status;
}

int main(int argc, char **argv) {
  static char *hello[] = {"Hello from wsswift"};
  ws_failure failure = {.struct_size = sizeof failure};
  ws_conn *conn;
  ws_dialer *dialer = read_dialer("wss_client", &argc, argv);
  if (dialer == NULL) return 2;
  if (argc < 2 || ws_dialer_dial(dialer, argv[1], 0, &conn, &failure) != WS_OK) {
    fprintf(stderr, "%s\n", argc < 2 ? "usage: wss_client " CLIENT_OPTIONS " URL [MESSAGE...]" : failure.text);
    ws_dialer_free(dialer);
    return 2;
  }
  int status = argc > 2 ? talk(conn, argc - 2, argv + 2) : talk(conn, 1, hello);
  if (status != WS_OK) fprintf(stderr, "wss_client: %s\n", ws_strerror(status));
  ws_conn_free(conn);
  ws_dialer_free(dialer);
  return status == WS_OK ? 0 : 1;
}
