/* The client side of the Autobahn test suite: asks a fuzzing server how many cases it has, runs each by echoing
 * everything, and has the report written. Exit status 0 when every case could be run; the verdicts are in the report.
 *
 *   autobahn_client [OPTIONS] URL AGENT      with the options of client_options.h
 */
#include "client_options.h"

/* Opens URL followed by a path; says why when it cannot. */
static ws_conn *dial(ws_dialer *dialer, const char *url, const char *path) {
  ws_failure failure = {.struct_size = sizeof failure};
  ws_conn *conn;
  char whole[1024];
  int length = (int)strlen(url);
  if (length > 0 && url[length - 1] == '/') length -= 1;
  snprintf(whole, sizeof whole, "%.*s%s", length, url, path);
  if (ws_dialer_dial(dialer, whole, 0, &conn, &failure) == WS_OK) return conn;
  fprintf(stderr, "autobahn_client: %s: %s\n", whole, failure.text);
  return NULL;
}

/* The one message that the server sends there is a number. -1 when it cannot be had. */
static long count_cases(ws_dialer *dialer, const char *url) {
  ws_conn *conn = dial(dialer, url, "/getCaseCount");
  char text[24] = "-1";
  size_t size;
  int32_t type;
  if (conn == NULL) return -1;
  int status = ws_conn_read_into(conn, &type, text, sizeof text - 1, &size);
  ws_conn_close(conn, 1000, NULL, 0, 0);
  ws_conn_free(conn);
  if (status != WS_OK) {
    fprintf(stderr, "autobahn_client: case count: %s\n", ws_strerror(status));
    return -1;
  }
  text[size] = '\0';
  return strtol(text, NULL, 10);
}

/* Opens the path and echoes until the server ends it, which in this suite it may do in every way. */
static int echo(ws_dialer *dialer, const char *url, const char *path) {
  ws_conn *conn = dial(dialer, url, path);
  int32_t type;
  ws_bytes message;
  if (conn == NULL) return 0;
  while (ws_conn_read(conn, &type, &message) == WS_OK) {
    if (ws_conn_write(conn, type, message.data, message.size) != WS_OK) break;
  }
  ws_conn_close(conn, 1000, NULL, 0, 0); /* completes the closing handshake, whatever ended the loop */
  ws_conn_free(conn);
  return 1;
}

/* All cases, then the report. */
static int run(ws_dialer *dialer, const char *url, const char *agent) {
  char path[512];
  long count = count_cases(dialer, url);
  int fine = count >= 0;
  for (long number = 1; number <= count; number++) {
    snprintf(path, sizeof path, "/runCase?case=%ld&agent=%s", number, agent);
    fine = echo(dialer, url, path) && fine;
  }
  snprintf(path, sizeof path, "/updateReports?agent=%s", agent);
  fine = echo(dialer, url, path) && fine;
  printf("%ld cases run as %s\n", count, agent);
  return fine;
}

int main(int argc, char **argv) {
  ws_dialer *dialer = read_dialer("autobahn_client", &argc, argv);
  if (dialer == NULL) return 1;
  if (argc != 3) {
    fprintf(stderr, "usage: autobahn_client " CLIENT_OPTIONS " URL AGENT\n");
    ws_dialer_free(dialer);
    return 2;
  }
  ws_dialer_set_read_limit(dialer, 64 << 20); /* the largest cases have messages of 16 MiB */
  ws_dialer_set_compression(dialer, 1);       /* cases 12 and 13 */
  int fine = run(dialer, argv[1], argv[2]);
  ws_dialer_free(dialer);
  return fine ? 0 : 1;
}
