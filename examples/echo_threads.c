/* The smallest complete server: one thread a connection, echoes everything on ws://127.0.0.1:9001; SIGTERM closes all
 * connections with 1001 at once and ends with status 0. See echo_blocking.c for options and messages.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <wsswift.h>

struct client { ws_conn *conn; LIST_ENTRY(client) link; };
static LIST_HEAD(, client) clients; /* the open connections, under the lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *serve(void *fd) {
  struct client self;
  ws_bytes message;
  int32_t type;
  pthread_detach(pthread_self());
  if (ws_upgrader_upgrade(NULL, (int32_t)(intptr_t)fd, NULL, 0, 0, &self.conn, NULL) != WS_OK) return NULL;
  pthread_mutex_lock(&lock);
  LIST_INSERT_HEAD(&clients, &self, link);
  pthread_mutex_unlock(&lock);
  while (ws_conn_read(self.conn, &type, &message) == WS_OK)
    if (ws_conn_write(self.conn, type, message.data, message.size) != WS_OK) break;
  ws_conn_close(self.conn, 1000, NULL, 0, 0); /* completes the closing handshake, whatever ended the loop */
  pthread_mutex_lock(&lock);
  LIST_REMOVE(&self, link);
  pthread_mutex_unlock(&lock);
  ws_conn_free(self.conn);
  return NULL;
}

int main(void) {
  struct client *client;
  pthread_t thread;
  sigset_t stop;
  int32_t fd;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before any thread starts: they inherit it */
  struct pollfd on[2] = {{.events = POLLIN}, {.fd = signalfd(-1, &stop, SFD_CLOEXEC), .events = POLLIN}};
  if (ws_listen(NULL, 9001, &on[0].fd, NULL, NULL) != WS_OK) return 1;
  while (poll(on, 2, -1) > 0 && on[1].revents == 0) /* deadline 1 is past: a client that is gone again does not keep us */
    if (ws_accept(on[0].fd, 1, &fd, NULL, NULL) == WS_OK && pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd)) close(fd);
  pthread_mutex_lock(&lock); /* kept: no connection is freed from here on */
  LIST_FOREACH(client, &clients, link) ws_conn_close_begin(client->conn, 1001, NULL, 0);
  LIST_FOREACH(client, &clients, link) ws_conn_close(client->conn, 1001, NULL, 0, ws_in_ms(2000));
  return 0;
}
