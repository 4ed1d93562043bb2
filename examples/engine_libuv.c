/* The echo server of engine_poll.c on libuv: the same connections (engine_echo.h), another loop. SIGINT and SIGTERM close every
 * connection with 1001 and end the program with status 0. Options and first line are those of server_options.h.
 *
 * libuv sends later what it cannot send at once, and wants the bytes to stay where they are meanwhile. The output of an engine moves,
 * so what is in flight is copied, one piece at a time.
 */
#include <stdlib.h>
#include <sys/queue.h>
#include <uv.h>

#include "engine_echo.h"
#include "server_options.h"

struct client {
  struct echo echo;
  uv_tcp_t tcp;
  uv_timer_t timer; /* for the time told by echo_step */
  uv_write_t write;
  uv_shutdown_t shutdown;
  int is_writing;
  int open_handles; /* tcp and timer; the client is freed when both are closed */
  LIST_ENTRY(client) link;
  char in_flight[65536];
};

static LIST_HEAD(, client) clients;
static ws_upgrader *upgrader;
static uv_tcp_t listener;
static uv_signal_t signals[2];
static uv_timer_t last_moment; /* when the program ends, whatever its clients do */

static void serve(struct client *client);

static void handle_closed(uv_handle_t *handle) {
  struct client *client = handle->data;
  client->open_handles -= 1;
  if (client->open_handles > 0) return;
  ws_engine_free(client->echo.engine);
  free(client);
}

static void drop(struct client *client) {
  if (uv_is_closing((uv_handle_t *)&client->tcp)) return;
  LIST_REMOVE(client, link);
  if (LIST_EMPTY(&clients) && uv_is_closing((uv_handle_t *)&listener)) uv_close((uv_handle_t *)&last_moment, NULL);
  uv_close((uv_handle_t *)&client->tcp, handle_closed);
  uv_close((uv_handle_t *)&client->timer, handle_closed);
}

static void on_timer(uv_timer_t *timer) { serve(timer->data); }

static void on_shutdown(uv_shutdown_t *request, int status) {
  (void)request, (void)status; /* the timer gives up on a peer that does not end the stream */
}

static void on_space(uv_handle_t *handle, size_t suggested, uv_buf_t *space) {
  struct client *client = handle->data;
  size_t room = 0;
  char *memory = echo_space(&client->echo, &room);
  (void)suggested;
  *space = uv_buf_init(memory, memory == NULL ? 0 : (unsigned)room); /* no room: on_bytes is told UV_ENOBUFS */
}

static void on_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *space) {
  struct client *client = stream->data;
  (void)space;
  if (count == 0) return; /* nothing was there after all; the end of the stream is UV_EOF */
  echo_received(&client->echo, count < 0 ? 0 : (size_t)count);
  if (count < 0) uv_read_stop(stream);
  serve(client);
}

static void on_written(uv_write_t *request, int status) {
  struct client *client = request->data;
  client->is_writing = 0;
  if (status != 0) client->echo.phase = ECHO_OVER;
  if (status != UV_ECANCELED) serve(client);
}

/* Sends as much as the socket takes, and puts a piece of the rest in flight. 0: the peer is gone. */
static int deliver(struct client *client) {
  uv_stream_t *stream = (uv_stream_t *)&client->tcp;
  ws_bytes output;
  while (!client->is_writing && ws_engine_output(client->echo.engine, &output) == WS_OK && output.size > 0) {
    size_t size = output.size < sizeof client->in_flight ? output.size : sizeof client->in_flight;
    uv_buf_t bytes = uv_buf_init((char *)output.data, (unsigned)size);
    int count = uv_try_write(stream, &bytes, 1);
    if (count < 0 && count != UV_EAGAIN) return 0;
    if (count < 0) {
      memcpy(client->in_flight, output.data, size);
      bytes.base = client->in_flight;
      count = (int)size;
      if (uv_write(&client->write, stream, &bytes, 1, on_written) != 0) return 0;
      client->is_writing = 1;
    }
    echo_sent(&client->echo, (size_t)count);
  }
  return 1;
}

/* Everything that a connection has to do now. */
static void serve(struct client *client) {
  uv_stream_t *stream = (uv_stream_t *)&client->tcp;
  echo_step(&client->echo);
  if (!deliver(client)) client->echo.phase = ECHO_OVER;
  if (!client->is_writing && echo_is_finished(&client->echo)) uv_shutdown(&client->shutdown, stream, on_shutdown);
  int64_t next = echo_step(&client->echo), left = next - ws_now();
  if (client->echo.phase == ECHO_OVER) {
    drop(client);
    return;
  }
  if (echo_receives(&client->echo)) uv_read_start(stream, on_space, on_bytes); /* harmless when it reads already */
  else uv_read_stop(stream);
  uv_timer_stop(&client->timer);
  if (next != WS_NEVER) uv_timer_start(&client->timer, on_timer, left > 0 ? (uint64_t)left / 1000000 + 1 : 0, 0);
}

static void on_connection(uv_stream_t *server, int status) {
  struct sockaddr_storage address = {0};
  int size = sizeof address;
  struct client *client = status == 0 ? calloc(1, sizeof *client) : NULL;
  if (client == NULL) return;
  uv_tcp_init(server->loop, &client->tcp);
  uv_timer_init(server->loop, &client->timer);
  client->tcp.data = client->timer.data = client->write.data = client;
  client->open_handles = 2;
  LIST_INSERT_HEAD(&clients, client, link);
  if (uv_accept(server, (uv_stream_t *)&client->tcp) != 0 ||
      uv_tcp_getsockname(&client->tcp, (struct sockaddr *)&address, &size) != 0 ||
      echo_open(&client->echo, upgrader, (struct sockaddr *)&address) != WS_OK) {
    drop(client);
    return;
  }
  serve(client);
}

static void on_last_moment(uv_timer_t *timer) {
  struct client *client, *following;
  for (client = LIST_FIRST(&clients); client != NULL; client = following) {
    following = LIST_NEXT(client, link);
    drop(client);
  }
  if (!uv_is_closing((uv_handle_t *)timer)) uv_close((uv_handle_t *)timer, NULL);
}

/* Closes everything; the loop ends with its last handle. */
static void on_signal(uv_signal_t *handle, int number) {
  struct client *client, *following;
  (void)handle, (void)number;
  uv_timer_start(&last_moment, on_last_moment, LIST_EMPTY(&clients) ? 0 : 5000, 0);
  uv_close((uv_handle_t *)&listener, NULL);
  for (int i = 0; i < 2; i++) uv_close((uv_handle_t *)&signals[i], NULL);
  for (client = LIST_FIRST(&clients); client != NULL; client = following) {
    following = LIST_NEXT(client, link);
    echo_stop(&client->echo);
    serve(client);
  }
}

int main(int argc, char **argv) {
  struct options options = read_options("engine_libuv", PLAIN_OPTIONS, argc, argv);
  static const int stops[2] = {SIGINT, SIGTERM};
  uv_loop_t loop;
  signal(SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL */
  upgrader = make_upgrader(&options);
  if (upgrader == NULL || uv_loop_init(&loop) != 0) return 1;
  uv_timer_init(&loop, &last_moment);
  for (int i = 0; i < 2; i++) {
    uv_signal_init(&loop, &signals[i]);
    uv_signal_start(&signals[i], on_signal, stops[i]);
  }
  int fd = start_listening(&options);
  uv_tcp_init(&loop, &listener);
  if (fd < 0 || uv_tcp_open(&listener, fd) != 0 || uv_listen((uv_stream_t *)&listener, 128, on_connection) != 0) return 1;
  uv_run(&loop, UV_RUN_DEFAULT);
  ws_upgrader_free(upgrader);
  return uv_loop_close(&loop) == 0 ? 0 : 1;
}
