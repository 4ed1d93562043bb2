/* Puts a program behind a socket: every connection gets a process of its own, to which each message is a line of input, and whose lines
 * of output and errors are messages. When the process ends the connection is closed with 1000; when the connection ends the process is
 * interrupted, and killed if it stays.
 *
 *   command [OPTIONS] -- PROGRAM [ARGUMENT...]      with the options of server_options.h; messages are of at most 8 KiB here
 *
 * Then open the URL that it prints, with http instead of ws. Whoever can connect can use the program, so choose one that does no harm.
 */
#define _GNU_SOURCE
#include "thread_server.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

enum { GRACE_MS = 5000 };

extern char **environ;
static char **arguments;

static const char page[] =
    "<!DOCTYPE html><meta charset=utf-8><title>command</title><pre id=output></pre>"
    "<form id=form><input id=input autofocus size=60></form><script>\n"
    "const output = document.getElementById('output'), input = document.getElementById('input');\n"
    "const show = (text) => { output.textContent += text + '\\n'; };\n"
    "const socket = new WebSocket(location.href.replace(/^http/, 'ws').replace(/#.*/, ''));\n"
    "socket.onmessage = (event) => show(event.data);\n"
    "socket.onclose = (event) => show('closed: ' + event.code);\n"
    "document.getElementById('form').onsubmit = (event) => {\n"
    "  event.preventDefault();\n"
    "  socket.send(input.value);\n"
    "  input.value = '';\n"
    "};\n"
    "</script>\n";

struct process {
  ws_conn *conn;
  pid_t id;
  int input;    /* its standard input */
  FILE *output; /* what it prints */
};

/* Starts the program with its streams on pipes, in a process group of its own and with the signals as they are by default. */
static int start(struct process *self) {
  int in[2], out[2], status = -1;
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  sigset_t none, all;
  if (pipe2(in, O_CLOEXEC) != 0) return 0;
  if (pipe2(out, O_CLOEXEC) != 0) return close(in[0]), close(in[1]), 0;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in[0], 0);
  posix_spawn_file_actions_adddup2(&files, out[1], 1);
  posix_spawn_file_actions_adddup2(&files, out[1], 2);
  posix_spawnattr_init(&how);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &all);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  status = posix_spawnp(&self->id, arguments[0], &files, &how, arguments, environ);
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  close(in[0]), close(out[1]);
  self->input = in[1];
  self->output = fdopen(out[0], "r");
  if (status == 0 && self->output != NULL) return 1;
  fprintf(stderr, "command: %s: %s\n", arguments[0], strerror(status));
  close(in[1]);
  if (self->output != NULL) fclose(self->output);
  return 0;
}

/* What the process prints goes out, line by line; then the connection is closed. */
static void *send_output(void *process) {
  struct process *self = process;
  char *line = NULL;
  size_t room = 0;
  ssize_t size;
  while ((size = getline(&line, &room, self->output)) > 0) {
    size_t length = (size_t)size - (line[size - 1] == '\n');
    int status = ws_conn_write(self->conn, WS_TEXT, line, length);
    if (status == WS_ERR_UTF8) status = ws_conn_write(self->conn, WS_BINARY, line, length);
    if (status != WS_OK) break;
  }
  free(line);
  ws_conn_set_read_deadline(self->conn, ws_in_ms(GRACE_MS)); /* for the peer's answer */
  ws_conn_close_begin(self->conn, 1000, NULL, 0);
  return NULL;
}

/* Writes all of it; 0 when the process no longer reads. */
static int write_all(int fd, const void *data, size_t size) {
  const char *at = data;
  while (size > 0) {
    ssize_t count = write(fd, at, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return 0;
    at += count;
    size -= (size_t)count;
  }
  return 1;
}

/* The end of its input is a hint, SIGINT a request, and SIGKILL an end. */
static void end(const struct process *self) {
  close(self->input);
  for (int waited = 0; waitpid(self->id, NULL, WNOHANG) == 0; waited += 20) {
    if (waited == 200) kill(-self->id, SIGINT);
    if (waited >= GRACE_MS / 2) kill(-self->id, SIGKILL);
    poll(NULL, 0, 20);
  }
}

static void serve(ws_conn *conn) {
  struct process self = {.conn = conn};
  pthread_t output;
  int32_t type;
  ws_bytes message;
  ws_conn_set_read_limit(conn, 8192);
  ws_conn_set_check_utf8(conn, 1, 1);
  ws_conn_set_keepalive(conn, 20000, 20000);
  if (!start(&self)) {
    ws_conn_close(conn, 1011, "no such program", 15, 0);
    return;
  }
  int has_output = pthread_create(&output, NULL, send_output, &self) == 0;
  while (has_output && ws_conn_read(conn, &type, &message) == WS_OK) {
    if (!write_all(self.input, message.data, message.size) || !write_all(self.input, "\n", 1)) continue; /* its output ends too */
  }
  end(&self);
  if (has_output) pthread_join(output, NULL);
  fclose(self.output);
  ws_conn_close(conn, 1000, NULL, 0, 0);
}

int main(int argc, char **argv) {
  arguments = behind_dashes(&argc, argv);
  struct options options = read_options("command", ALL_OPTIONS, argc, argv);
  if (arguments == NULL) {
    fprintf(stderr, "usage: command [OPTIONS] -- PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN); /* writing to a program that is gone is an error, not an end */
  return serve_threads(&options, &(struct service){.serve = serve, .page = page});
}
