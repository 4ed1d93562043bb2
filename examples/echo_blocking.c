/* A threaded echo server: one thread a connection, which does its own opening handshake, so that a silent client delays
 * nobody. SIGINT and SIGTERM close every connection with 1001, all at once, and end the program with status 0.
 *
 *   echo_blocking [--host H] [--port P] [--max-message BYTES]
 *
 * Without options: 127.0.0.1, a free port, messages of at most 16 MiB. Prints "listening on ws://HOST:PORT" when ready.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <wsswift.h>

/* What the command line can change. */
struct options {
  const char *host;
  uint16_t port;
  uint64_t max_message;
};

/* An open connection. It lives on the stack of the thread that serves it. */
struct client {
  ws_conn *conn;
  LIST_ENTRY(client) link;
};

static LIST_HEAD(, client) clients; /* under the lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ws_upgrader *upgrader; /* set before the first thread starts, then only read */

static int say(const char *what, const ws_failure *failure) {
  fprintf(stderr, "echo_blocking: %s: %s\n", what, failure->text);
  return 1;
}

/* Sends every message back, until the peer or we close. */
static void echo(ws_conn *conn) {
  int32_t type;
  ws_bytes message;
  while (ws_conn_read(conn, &type, &message) == WS_OK) {
    if (ws_conn_write(conn, type, message.data, message.size) != WS_OK) break;
  }
  ws_conn_close(conn, 1000, NULL, 0, 0); /* completes the closing handshake, whatever ended the loop */
}

/* One connection from its opening handshake to its end. The list holds it as long as it may be told to close. */
static void *serve(void *fd) {
  struct client self;
  ws_failure failure = {.struct_size = sizeof failure};
  pthread_detach(pthread_self());
  if (ws_upgrader_upgrade(upgrader, (int32_t)(intptr_t)fd, NULL, 0, 0, &self.conn, &failure) != WS_OK) {
    say("handshake", &failure);
    return NULL;
  }
  pthread_mutex_lock(&lock);
  LIST_INSERT_HEAD(&clients, &self, link);
  pthread_mutex_unlock(&lock);
  echo(self.conn);
  pthread_mutex_lock(&lock);
  LIST_REMOVE(&self, link);
  pthread_mutex_unlock(&lock);
  ws_conn_free(self.conn);
  return NULL;
}

/* Serves until a signal waits in signals. */
static void accept_clients(int listener, int signals) {
  struct pollfd on[2] = {{.fd = listener, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
  while (on[1].revents == 0) {
    pthread_t thread;
    int32_t fd;
    if (poll(on, 2, -1) < 0 && errno != EINTR) return;
    if (on[0].revents == 0 || ws_accept(listener, ws_in_ms(0), &fd, NULL, NULL) != WS_OK) continue;
    if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) != 0) close(fd);
  }
}

/* All close frames leave before the first answer is waited for, and one deadline holds for all answers. The lock stays
 * taken: no connection is freed while we use it, and main returns next. */
static void close_clients(void) {
  struct client *client;
  int64_t deadline = ws_in_ms(5000);
  pthread_mutex_lock(&lock);
  LIST_FOREACH(client, &clients, link) ws_conn_close_begin(client->conn, 1001, NULL, 0);
  LIST_FOREACH(client, &clients, link) ws_conn_close(client->conn, 1001, NULL, 0, deadline);
}

/* A number of at most max, or the end of the program. */
static uint64_t number(const char *text, uint64_t max) {
  char *end;
  unsigned long long value;
  errno = 0;
  value = strtoull(text, &end, 10);
  if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && value <= max) return value;
  fprintf(stderr, "echo_blocking: \"%s\" is not a number from 0 to %llu\n", text, (unsigned long long)max);
  exit(2);
}

static struct options read_options(int argc, char **argv) {
  struct options options = {"127.0.0.1", 0, 16 << 20};
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && strcmp(argv[i], "--host") == 0) {
      options.host = argv[i + 1];
    } else if (i + 1 < argc && strcmp(argv[i], "--port") == 0) {
      options.port = (uint16_t)number(argv[i + 1], UINT16_MAX);
    } else if (i + 1 < argc && strcmp(argv[i], "--max-message") == 0) {
      options.max_message = number(argv[i + 1], UINT64_MAX);
    } else {
      fprintf(stderr, "usage: echo_blocking [--host H] [--port P] [--max-message BYTES]\n");
      exit(2);
    }
  }
  return options;
}

int main(int argc, char **argv) {
  struct options options = read_options(argc, argv);
  ws_failure failure = {.struct_size = sizeof failure};
  sigset_t stop;
  int32_t listener;
  uint16_t port;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before any thread starts: they inherit it */
  int signals = signalfd(-1, &stop, SFD_CLOEXEC);
  if (signals < 0 || ws_upgrader_new(&upgrader) != WS_OK) return 1;
  ws_upgrader_set_read_limit(upgrader, options.max_message);
  if (ws_listen(options.host, options.port, &listener, &port, &failure) != WS_OK) return say(options.host, &failure);
  const char *format = strchr(options.host, ':') == NULL ? "listening on ws://%s:%d\n" : "listening on ws://[%s]:%d\n";
  printf(format, options.host, port);
  fflush(stdout);
  accept_clients(listener, signals);
  close_clients();
  return 0;
}
