/* What the servers with a thread for each connection have in common. Each thread does its own opening handshake, so that a silent client
 * delays nobody. SIGINT and SIGTERM close every connection with 1001, all at once, and end the program with status 0.
 */
#ifndef THREAD_SERVER_H
#define THREAD_SERVER_H

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
static pthread_cond_t one_has_left = PTHREAD_COND_INITIALIZER;

/* Set before the first thread starts, then only read. */
static const char *program;
static ws_upgrader *upgrader;
static void (*serve_client)(ws_conn *conn);

/* What makes such a server: whom each connection is given to, what a browser is shown and who looks at requests, where not NULL. */
struct service {
  void (*serve)(ws_conn *conn);
  const char *page;
  ws_request_fn check;
};

/* One connection from its opening handshake to its end. The list holds it as long as it may be told to close. */
static void *run_client(void *fd) {
  struct client self;
  ws_failure failure = {.struct_size = sizeof failure};
  pthread_detach(pthread_self());
  if (ws_upgrader_upgrade(upgrader, (int32_t)(intptr_t)fd, NULL, 0, 0, &self.conn, &failure) != WS_OK) {
    if (failure.http_status != 200) fprintf(stderr, "%s: handshake: %s\n", program, failure.text);
    return NULL;
  }
  pthread_mutex_lock(&lock);
  LIST_INSERT_HEAD(&clients, &self, link);
  pthread_mutex_unlock(&lock);
  serve_client(self.conn);
  pthread_mutex_lock(&lock);
  LIST_REMOVE(&self, link);
  pthread_cond_signal(&one_has_left);
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
    if (pthread_create(&thread, NULL, run_client, (void *)(intptr_t)fd) != 0) close(fd);
  }
}

/* All close frames leave before the first answer is waited for, and one deadline holds for all answers. While the lock is taken no
 * connection is freed; then its threads have a moment to tidy up. */
static void close_clients(void) {
  struct client *client;
  struct timespec end;
  int64_t deadline = ws_in_ms(5000);
  pthread_mutex_lock(&lock);
  LIST_FOREACH(client, &clients, link) ws_conn_close_begin(client->conn, 1001, NULL, 0);
  LIST_FOREACH(client, &clients, link) ws_conn_close(client->conn, 1001, NULL, 0, deadline);
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 3;
  while (!LIST_EMPTY(&clients) && pthread_cond_timedwait(&one_has_left, &lock, &end) == 0) {
  }
  pthread_mutex_unlock(&lock);
}

/* A request that is no WebSocket handshake came from the address bar of a browser: it gets the page. */
static inline void show_page(ws_upgrade *upgrade, const ws_failure *failure, void *page) WS_NOEXCEPT {
  if (failure->http_status != 426) return;
  ws_upgrade_add_header(upgrade, "Content-Type", "text/html; charset=utf-8");
  ws_upgrade_refuse(upgrade, 200, page, strlen(page));
}

/* The whole program: serves until a signal comes. The status to exit with. */
static int serve_threads(const struct options *options, const struct service *service) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before any thread starts: they inherit it */
  int signals = signalfd(-1, &stop, SFD_CLOEXEC);
  program = options->program;
  serve_client = service->serve;
  upgrader = make_upgrader(options);
  if (signals < 0 || upgrader == NULL) return 1;
  if (service->page != NULL) ws_upgrader_set_refusal_callback(upgrader, show_page, (void *)(uintptr_t)service->page, NULL);
  ws_upgrader_set_request_callback(upgrader, service->check, NULL, NULL);
  int listener = start_listening(options);
  if (listener < 0) return 1;
  accept_clients(listener, signals);
  close_clients();
  return 0;
}

/* What stands behind "--" on the command line, of which *argc counts what stands before; NULL when there is nothing. */
static inline char **behind_dashes(int *argc, char **argv) {
  for (int i = 1; i < *argc; i++) {
    if (strcmp(argv[i], "--") != 0) continue;
    *argc = i;
    return argv[i + 1] == NULL ? NULL : argv + i + 1;
  }
  return NULL;
}

#endif /* THREAD_SERVER_H */
