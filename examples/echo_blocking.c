/* A threaded echo server: one thread a connection, which does its own opening handshake, so that a silent client delays
 * nobody. SIGINT and SIGTERM close every connection with 1001, all at once, and end the program with status 0. Options
 * and first line are those of server_options.h.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "server_options.h"

/* An open connection. It lives on the stack of the thread that serves it. */
struct client {
  ws_conn *conn;
  LIST_ENTRY(client) link;
};

static LIST_HEAD(, client) clients; /* under the lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ws_upgrader *upgrader; /* set before the first thread starts, then only read */

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
    fprintf(stderr, "echo_blocking: handshake: %s\n", failure.text);
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

int main(int argc, char **argv) {
  struct options options = read_options("echo_blocking", ALL_OPTIONS, argc, argv);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before any thread starts: they inherit it */
  int signals = signalfd(-1, &stop, SFD_CLOEXEC);
  upgrader = make_upgrader(&options);
  if (signals < 0 || upgrader == NULL) return 1;
  int listener = start_listening(&options);
  if (listener < 0) return 1;
  accept_clients(listener, signals);
  close_clients();
  return 0;
}
