/* An echo server on poll(2) alone: one thread, any number of connections, each a ws_engine (engine_echo.h). SIGINT and SIGTERM close
 * every connection with 1001 and end the program with status 0. Options and first line are those of server_options.h.
 */
#define _GNU_SOURCE /* ppoll, whose timeout is in nanoseconds as our deadlines are */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine_echo.h"
#include "server_options.h"

struct client {
  struct echo echo;
  int fd;
  int64_t next; /* when echo_step wants to be called at the latest */
  LIST_ENTRY(client) link;
};

static LIST_HEAD(, client) clients;
static size_t client_count;

static void drop(struct client *client) {
  LIST_REMOVE(client, link);
  client_count -= 1;
  close(client->fd);
  ws_engine_free(client->echo.engine);
  free(client);
}

static void add(ws_upgrader *upgrader, int fd) {
  struct sockaddr_storage address = {0};
  socklen_t size = sizeof address;
  struct client *client = calloc(1, sizeof *client);
  getsockname(fd, (struct sockaddr *)&address, &size);
  if (client == NULL || echo_open(&client->echo, upgrader, (struct sockaddr *)&address) != WS_OK) {
    close(fd);
    free(client);
    return;
  }
  client->fd = fd;
  client->next = echo_step(&client->echo);
  LIST_INSERT_HEAD(&clients, client, link);
  client_count += 1;
}

static void receive(struct client *client) {
  size_t room;
  void *space = echo_space(&client->echo, &room);
  ssize_t count = space == NULL ? 0 : recv(client->fd, space, room, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  echo_received(&client->echo, count < 0 ? 0 : (size_t)count);
}

/* Sends as much as the socket takes. 0: the peer is gone. */
static int deliver(struct client *client) {
  ws_bytes output;
  while (ws_engine_output(client->echo.engine, &output) == WS_OK && output.size > 0) {
    ssize_t count = send(client->fd, output.data, output.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    echo_sent(&client->echo, (size_t)count);
  }
  return 1;
}

/* Everything that a connection has to do now; it may be gone afterwards. */
static void serve(struct client *client, int may_receive) {
  if (may_receive && echo_receives(&client->echo)) receive(client);
  client->next = echo_step(&client->echo);
  if (!deliver(client)) client->echo.phase = ECHO_OVER;
  if (echo_is_finished(&client->echo)) shutdown(client->fd, SHUT_WR);
  client->next = echo_step(&client->echo);
  if (client->echo.phase == ECHO_OVER) drop(client);
}

/* Waits for the descriptors and the first deadline. */
static int wait_for(struct pollfd *on, size_t count, int64_t deadline) {
  int64_t left = deadline - ws_now();
  struct timespec time = {left > 0 ? left / 1000000000 : 0, left > 0 ? left % 1000000000 : 0};
  return ppoll(on, count, deadline == WS_NEVER ? NULL : &time, NULL);
}

/* One turn of the loop: waits until something can be done or the deadline comes, and does it. on has room for every client and two
 * more. 0: a signal came. */
static int turn(struct pollfd *on, ws_upgrader *upgrader, int listener, int signals, int64_t deadline) {
  struct client *client, *following;
  size_t count = 2;
  int64_t now;
  on[0] = (struct pollfd){.fd = signals, .events = POLLIN};
  on[1] = (struct pollfd){.fd = listener, .events = POLLIN}; /* poll passes over -1 */
  LIST_FOREACH(client, &clients, link) {
    int in = echo_receives(&client->echo) ? POLLIN : 0, out = echo_pending(&client->echo) > 0 ? POLLOUT : 0;
    on[count++] = (struct pollfd){.fd = client->fd, .events = (short)(in | out)};
    if (client->next < deadline) deadline = client->next;
  }
  if (wait_for(on, count, deadline) < 0) return errno == EINTR;
  now = ws_now();
  count = 2;
  for (client = LIST_FIRST(&clients); client != NULL; client = following) {
    short ready = on[count++].revents;
    following = LIST_NEXT(client, link);
    if (ready != 0 || client->next <= now) serve(client, (ready & (POLLIN | POLLHUP | POLLERR)) != 0);
  }
  int32_t fd;
  if (on[1].revents != 0 && ws_accept(listener, 1, &fd, NULL, NULL) == WS_OK) add(upgrader, fd); /* 1 is past: no waiting */
  return on[0].revents == 0;
}

/* Room for one pollfd a client and two more; NULL without memory. */
static struct pollfd *room_for_all(struct pollfd *on) {
  static size_t room;
  if (on != NULL && room >= client_count + 2) return on;
  room = 2 * client_count + 64;
  return realloc(on, room * sizeof *on);
}

static void stop_all(void) {
  struct client *client, *following;
  for (client = LIST_FIRST(&clients); client != NULL; client = following) {
    following = LIST_NEXT(client, link);
    echo_stop(&client->echo);
    serve(client, 0);
  }
}

int main(int argc, char **argv) {
  struct options options = read_options("engine_poll", PLAIN_OPTIONS, argc, argv);
  struct pollfd *on = NULL;
  ws_upgrader *upgrader = make_upgrader(&options);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  int signals = signalfd(-1, &stop, SFD_CLOEXEC), listener = start_listening(&options);
  if (signals < 0 || listener < 0 || upgrader == NULL) return 1;
  do {
    on = room_for_all(on);
    if (on == NULL) return 1;
  } while (turn(on, upgrader, listener, signals, WS_NEVER));
  int64_t deadline = ws_in_ms(5000);
  close(listener);
  stop_all();
  while (client_count > 0 && ws_now() < deadline && turn(on, upgrader, -1, -1, deadline)) continue;
  while (!LIST_EMPTY(&clients)) drop(LIST_FIRST(&clients));
  ws_upgrader_free(upgrader);
  free(on);
  close(signals);
  return 0;
}
