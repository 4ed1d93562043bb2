/* An attempt to connect can be cancelled at every step, and the cancel is heard within 50 ms: those steps that test_proxy_choice and
 * test_tls_opening do not have. A getaddrinfo of the program's own hangs where it is told to.
 */
#include "busy.h"
#include "names.h"
#include "proxy.h"

static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int is_open; /* a lookup may go on */
  int inside;  /* lookups that hang now */
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  if (strcmp(host, "hangs.test") != 0) {
    return address_of(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, service, hints, result);
  }
  if ((hints->ai_flags & AI_NUMERICHOST) != 0) return EAI_NONAME; /* it is a name, which is seen at once */
  pthread_mutex_lock(&gate.lock);
  gate.inside += 1;
  while (!gate.is_open) pthread_cond_wait(&gate.changed, &gate.lock);
  gate.inside -= 1;
  pthread_cond_broadcast(&gate.changed);
  pthread_mutex_unlock(&gate.lock);
  return EAI_NONAME;
}

/* Lets the lookup that hangs go on, and waits until it has. Says whether there was one. */
static int release_lookup(void) {
  pthread_mutex_lock(&gate.lock);
  int found = gate.inside;
  gate.is_open = 1;
  pthread_cond_broadcast(&gate.changed);
  while (gate.inside > 0) pthread_cond_wait(&gate.changed, &gate.lock);
  gate.is_open = 0;
  pthread_mutex_unlock(&gate.lock);
  return found > 0;
}

/* What stops the attempt: a name that is looked up for ever, a port that takes nobody, a stream that nobody reads from; else a server
 * or proxy that has said all that it says. */
enum { BY_SCRIPT, BY_NAME, BY_QUEUE, BY_STREAM };

typedef struct stop {
  const char *name;
  int by;
  const char *url;   /* with the port of who stops it */
  const char *proxy; /* the same; NULL: there is none */
  proxy script;
} stop;

#define HALF "HTTP/1.1 101 Switching Protocols\r\nUpgrade: web"

static const stop stops[] = {
    {.name = "the name", .by = BY_NAME, .url = "ws://hangs.test:%d/"},
    {.name = "the name, for TLS", .by = BY_NAME, .url = "wss://hangs.test:%d/"},
    {.name = "the proxy's name", .by = BY_NAME, .url = "ws://localhost/", .proxy = "socks5://hangs.test:%d"},
    {.name = "connecting", .by = BY_QUEUE, .url = "ws://localhost:%d/"},
    {.name = "the request", .by = BY_STREAM, .url = "ws://localhost:%d/"},
    {.name = "the response", .url = "ws://localhost:%d/", .script = {.steps = {HEAD("")}}},
    {.name = "half a response", .url = "ws://localhost:%d/", .script = {.steps = {HEAD(HALF)}}},
    {.name = "behind an interim response", .url = "ws://localhost:%d/", .script = {.steps = {HEAD("HTTP/1.1 103 Hints\r\n\r\n")}}},
    {.name = "the response over TLS", .url = "wss://localhost:%d/", .script = {.steps = {HEAD("")}, .is_tls = 1}},
    {.name = "half a response over TLS", .url = "wss://localhost:%d/", .script = {.steps = {HEAD(HALF)}, .is_tls = 1}},
    {.name = "CONNECT over TLS", .url = "ws://target.test/", .proxy = "https://localhost:%d", .script = {.steps = {HEAD("")}, .is_tls = 1}},
    {.name = "the response through TLS", .url = "ws://target.test/", .proxy = "https://localhost:%d",
     .script = {.steps = {HEAD(CONNECTED), HEAD(HALF)}, .is_tls = 1}},
    {.name = "TLS inside TLS", .url = "wss://target.test/", .proxy = "https://localhost:%d",
     .script = {.steps = {HEAD(CONNECTED)}, .is_tls = 1}},
};

/* An attempt on its way to where it stops. */
typedef struct attempt {
  const stop *row;
  proxy server;
  peer_queue queue;
  int unread;
  ws_dialer *dialer;
  ws_dial *dial;
  ws_conn *conn;
  int64_t ended;
  busy_call busy;
} attempt;

static int run_dial(void *argument) {
  attempt *self = argument;
  int status = ws_dial_run(self->dial, WS_NEVER, &self->conn, NULL);
  self->ended = check_ms();
  return status;
}

/* A stream with less room than the request needs. */
static void use_small_stream(attempt *self) {
  int ends[2];
  const int small = 1;
  peer_sockets(ends);
  EXPECT_INT(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  self->unread = ends[0];
  EXPECT_STATUS(ws_dial_use_fd(self->dial, ends[1]), WS_OK);
}

/* Starts what stops the attempt, and gives its port. */
static int start(attempt *self) {
  self->server = self->row->script;
  if (self->row->by == BY_QUEUE) return peer_fill(&self->queue);
  if (self->row->by != BY_SCRIPT) return 1;
  proxy_start(&self->server);
  return self->server.port;
}

static void begin(attempt *self) {
  char url[100], long_value[30001];
  int port = start(self);
  self->dialer = tls_dialer();
  EXPECT_STATUS(ws_dialer_set_timeout(self->dialer, 0), WS_OK);
  memset(long_value, 'x', 30000);
  long_value[30000] = '\0';
  if (self->row->by == BY_STREAM) EXPECT_STATUS(ws_dialer_add_header(self->dialer, "X-Long", long_value), WS_OK);
  if (self->row->proxy != NULL) {
    snprintf(url, sizeof url, self->row->proxy, port);
    EXPECT_STATUS(ws_dialer_set_proxy(self->dialer, url), WS_OK);
  }
  snprintf(url, sizeof url, self->row->url, port);
  EXPECT_STATUS(ws_dial_new(self->dialer, url, &self->dial, NULL), WS_OK);
  if (self->row->by == BY_STREAM) use_small_stream(self);
  busy_block(&self->busy, run_dial, self);
}

static void finish(attempt *self) {
  EXPECT(self->conn == NULL);
  EXPECT_STATUS(ws_dial_free(self->dial) + ws_dialer_free(self->dialer), WS_OK);
  switch (self->row->by) {
    case BY_SCRIPT:
      proxy_stop(&self->server);
      EXPECT(self->server.served == 1 && self->server.head[0] != 0); /* it had come as far as that */
      break;
    case BY_NAME: EXPECT(release_lookup()); break;
    case BY_QUEUE: peer_leave(&self->queue); break;
    case BY_STREAM: close(self->unread); break;
  }
}

/* The time from a cancel to the end of the attempt, in ms. */
static int64_t cancelled_after(const stop *row) {
  attempt self = {.row = row};
  begin(&self);
  if (busy_status(&self.busy) != STILL_BLOCKED) check_fail(__FILE__, __LINE__, "%s: it does not wait", row->name);
  int64_t begun = check_ms();
  EXPECT_STATUS(ws_dial_cancel(self.dial), WS_OK);
  EXPECT_STATUS(busy_join(&self.busy), WS_ERR_ABORTED);
  finish(&self);
  return self.ended - begun;
}

/* The best of five: one good round proves the point on a busy machine. */
static void each_step_can_be_cancelled(void) {
  ws_upgrader *lent = NULL;
  EXPECT_STATUS(ws_upgrader_new(&lent), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_tls_context_hook(lent, proxy_borrow, NULL, NULL), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_tls_certificate(lent, tls_file("good.pem"), tls_file("good.key"), NULL), WS_OK);
  for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
    int64_t best = INT64_MAX;
    for (int round = 0; round < 5 && best >= 50; round++) {
      int64_t took = cancelled_after(&stops[i]);
      if (took < best) best = took;
    }
    if (best >= check_limit(50)) check_fail(__FILE__, __LINE__, "%s: cancelled after %d ms", stops[i].name, (int)best);
  }
  EXPECT_STATUS(ws_upgrader_free(lent), WS_OK);
}

static const check_test tests[] = {
    TEST(each_step_can_be_cancelled),
};
TEST_MAIN(tests)
