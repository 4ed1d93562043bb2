/* Shows a text file in the browser, and again whenever it changes: every connection gets the file as a text message, then its new
 * content each time. A client that has the file already says so with ?lastMod=TIME, as the page does when it comes back.
 *
 *   filewatch [OPTIONS] -- FILE      with the options of server_options.h
 *
 * Then open the URL that it prints, with http instead of ws.
 */
#include "thread_server.h"

#include <sys/stat.h>

enum { LOOK_EVERY_MS = 500, LARGEST = 1 << 20 };

static const char *path;

static const char page[] =
    "<!DOCTYPE html><meta charset=utf-8><title>filewatch</title><pre id=text></pre><script>\n"
    "let last = '';\n"
    "function watch() {\n"
    "  const socket = new WebSocket(location.href.replace(/^http/, 'ws').replace(/[?#].*/, '') + '?lastMod=' + last);\n"
    "  socket.onmessage = (event) => {\n"
    "    const end = event.data.indexOf('\\n');\n"
    "    last = event.data.slice(0, end);\n"
    "    document.getElementById('text').textContent = event.data.slice(end + 1);\n"
    "  };\n"
    "  socket.onclose = () => setTimeout(watch, 2000);\n"
    "}\n"
    "watch();\n"
    "</script>\n";

/* The last change that the client of this thread has seen. */
static _Thread_local char seen[64];

/* Reads the query: the upgrade runs on the thread that serves the connection, and so does this. */
static int read_query(ws_upgrade *upgrade, void *user) WS_NOEXCEPT {
  static const char name[] = "lastMod=";
  const size_t length = sizeof name - 1;
  ws_bytes query;
  (void)user;
  if (ws_upgrade_look(upgrade, NULL, &query, NULL) != WS_OK || query.size < length || memcmp(query.data, name, length) != 0) return 0;
  snprintf(seen, sizeof seen, "%.*s", (int)(query.size - length), (const char *)query.data + length);
  return 0;
}

/* When the file was written last, as text; "" when it is not there. */
static void last_change(char *text, size_t room) {
  struct stat found;
  text[0] = '\0';
  if (stat(path, &found) == 0) snprintf(text, room, "%lld.%09ld", (long long)found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
}

/* Sends the time of the last change, a line of its own, and the file: its first MiB. */
static int push(ws_conn *conn, const char *changed) {
  static _Thread_local char text[LARGEST];
  size_t size = 0;
  FILE *file = fopen(path, "rb");
  if (file != NULL) {
    size = fread(text, 1, sizeof text, file);
    fclose(file);
  }
  ws_bytes parts[3] = {{(const uint8_t *)changed, strlen(changed)}, {(const uint8_t *)"\n", 1}, {(const uint8_t *)text, size}};
  int status = ws_conn_writev(conn, WS_TEXT, parts, 3);
  return status == WS_ERR_UTF8 ? ws_conn_writev(conn, WS_BINARY, parts, 3) : status;
}

/* Waiting for messages that do not come is how the thread sleeps: pings and the peer's close are answered meanwhile. */
static void watch(ws_conn *conn) {
  char now[64];
  int status = WS_OK;
  ws_conn_set_read_timeout(conn, LOOK_EVERY_MS);
  ws_conn_set_check_utf8(conn, 1, 1);
  ws_conn_set_keepalive(conn, 20000, 20000);
  while (status == WS_OK || status == WS_ERR_TIMEOUT) {
    int32_t type;
    ws_bytes message;
    last_change(now, sizeof now);
    status = WS_OK;
    if (strcmp(now, seen) != 0) status = push(conn, now);
    strcpy(seen, now);
    if (status == WS_OK) status = ws_conn_read(conn, &type, &message);
  }
  ws_conn_close(conn, 1000, NULL, 0, 0);
}

int main(int argc, char **argv) {
  char **rest = behind_dashes(&argc, argv);
  struct options options = read_options("filewatch", ALL_OPTIONS, argc, argv);
  if (rest == NULL || rest[1] != NULL) {
    fprintf(stderr, "usage: filewatch [OPTIONS] -- FILE\n");
    return 2;
  }
  path = rest[0];
  return serve_threads(&options, &(struct service){.serve = watch, .page = page, .check = read_query});
}
