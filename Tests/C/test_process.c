/* What the library does to the process it lives in: descriptors close on exec, running out of them is survived at every step,
 * small stacks are enough, signals end a wait only where that was asked for, and nothing is written to a terminal.
 */
#include "busy.h"
#include "compressed.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

long syscall(long number, ...); /* not in POSIX */

/* ---- The library's ways to a descriptor, seen and refused by this program ---- */

static int watching;    /* whether calls are looked at: the test's own are not */
static int inheritable; /* descriptors that a child program would have */
static int countdown;   /* the one that is refused, counted from now; 0 for none */
static int made;

/* True when this one is refused. Any thread: names are looked up on one of the library's own. */
static int is_refused(int closes_on_exec) {
  if (!__atomic_load_n(&watching, __ATOMIC_SEQ_CST)) return 0;
  __atomic_add_fetch(&made, 1, __ATOMIC_SEQ_CST);
  if (!closes_on_exec) __atomic_add_fetch(&inheritable, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&countdown, __ATOMIC_SEQ_CST) == 0 || __atomic_sub_fetch(&countdown, 1, __ATOMIC_SEQ_CST) != 0) return 0;
  errno = EMFILE;
  return 1;
}

int socket(int family, int kind, int protocol) {
  return is_refused((kind & SOCK_CLOEXEC) != 0) ? -1 : (int)syscall(SYS_socket, family, kind, protocol);
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
  return is_refused((flags & SOCK_CLOEXEC) != 0) ? -1 : (int)syscall(SYS_accept4, fd, address, size, flags);
}

int eventfd(unsigned int value, int flags) {
  return is_refused((flags & EFD_CLOEXEC) != 0) ? -1 : (int)syscall(SYS_eventfd2, value, flags);
}

static int spoken; /* bytes for a terminal */

ssize_t write(int fd, const void *data, size_t size) {
  if (__atomic_load_n(&watching, __ATOMIC_SEQ_CST) && fd <= 2) spoken += (int)size;
  return (ssize_t)syscall(SYS_write, fd, data, size);
}

/* The only name with an address is "here.example". */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  (void)service;
  *result = NULL;
  if (strcmp(host, "here.example") != 0 || (hints->ai_flags & AI_NUMERICHOST) != 0) return EAI_NONAME;
  *result = calloc(1, sizeof **result + sizeof address);
  memcpy(*result + 1, &address, sizeof address);
  (*result)->ai_family = AF_INET;
  (*result)->ai_addr = (struct sockaddr *)(*result + 1);
  (*result)->ai_addrlen = sizeof address;
  return 0;
}

/* ---- From listening to a connection ---- */

typedef struct served {
  int32_t listener;
  ws_upgrader *upgrader;
  ws_conn *conn;
  int status;
} served;

static void *serve_one(void *argument) {
  served *self = argument;
  int32_t fd;
  self->conn = NULL;
  self->status = ws_accept(self->listener, ws_in_ms(check_limit(2000)), &fd, NULL, NULL);
  if (self->status == WS_ERR_FDS) self->status = ws_accept(self->listener, ws_in_ms(check_limit(2000)), &fd, NULL, NULL);
  if (self->status != WS_OK) return NULL;
  self->status = ws_upgrader_upgrade(self->upgrader, fd, NULL, 0, ws_in_ms(check_limit(2000)), &self->conn, NULL);
  return NULL;
}

/* Gives what the first call that failed gave; a server that has nobody to accept is told so. */
static int everything_once(void) {
  served server = {.listener = -1};
  char url[64];
  uint16_t port;
  pthread_t thread;
  ws_conn *client = NULL;
  ws_upgrader *upgrader = NULL;
  int status = ws_listen(NULL, 0, &server.listener, &port, NULL);
  if (status != WS_OK) return status;
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_add_host(upgrader, "here.example"), WS_OK);
  server.upgrader = upgrader;
  snprintf(url, sizeof url, "ws://here.example:%d/", port);
  pthread_create(&thread, NULL, serve_one, &server);
  status = ws_dialer_dial(NULL, url, ws_in_ms(check_limit(2000)), &client, NULL);
  if (status != WS_OK) shutdown(server.listener, SHUT_RDWR); /* nobody will come */
  pthread_join(thread, NULL);
  EXPECT((client != NULL) == (status == WS_OK));
  if (status == WS_OK) {
    EXPECT_STATUS(server.status, WS_OK);
    EXPECT_STATUS(ws_conn_write(client, WS_TEXT, "x", 1), WS_OK);
    EXPECT_STATUS(ws_conn_close_begin(server.conn, 1000, NULL, 0), WS_OK);
  }
  ws_conn_free(client);
  ws_conn_free(server.conn);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  close(server.listener);
  return status;
}

static void watch(int on) { __atomic_store_n(&watching, on, __ATOMIC_SEQ_CST); }

static void descriptors_close_on_exec(void) {
  inheritable = made = spoken = 0;
  watch(1);
  int status = everything_once();
  watch(0);
  EXPECT_STATUS(status, WS_OK);
  EXPECT(made >= 5);
  EXPECT_INT(inheritable, 0);
  EXPECT_INT(spoken, 0);
  printf("%d descriptors made, %d inheritable\n", made, inheritable);
}

/* Refused one after the other: WS_ERR_FDS, or another try that works; check.h looks that none is left open. */
static void every_descriptor_refused(void) {
  int number = 0, told = 0, due = 0;
  while (!due && !check_now.failed) {
    countdown = ++number;
    watch(1);
    int status = everything_once();
    watch(0);
    due = countdown > 0;
    countdown = 0;
    if (status != WS_OK) EXPECT_STATUS(status, WS_ERR_FDS);
    told += status == WS_ERR_FDS;
  }
  EXPECT(number > 4 && told >= 2); /* accepting is beside dialing, so the order may differ */
  printf("%d descriptors refused, %d times WS_ERR_FDS\n", number - 1, told);
}

/* ---- Small stacks ---- */

static void *use_small_stack(void *argument) {
  static uint8_t data[100000];
  wire *w = argument;
  int32_t type;
  ws_bytes message;
  EXPECT_STATUS(ws_conn_read(w->conn, &type, &message), WS_OK);
  EXPECT_INT(message.size, 70000);
  EXPECT_STATUS(ws_conn_write(w->conn, WS_BINARY, data, sizeof data), WS_OK);
  EXPECT_STATUS(ws_conn_write_control(w->conn, WS_PING, data, 125, 0), WS_OK);
  EXPECT_STATUS(ws_conn_close(w->conn, 1000, "a reason", 8, ws_in_ms(check_limit(2000))), WS_OK);
  return NULL;
}

/* 32 KiB in all, of which the C library takes a part for itself. */
static void small_stacks_are_enough(void) {
  static uint8_t data[70000];
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    pthread_t thread;
    pthread_attr_t attributes;
    REQUIRE(wire_open(&w, role));
    wire_put_text(&w, 0x89, "ping");
    wire_put(&w, 0x82, data, sizeof data);
    EXPECT(peer_put_close(w.fd, w.masks, 1000, "bye"));
    shutdown(w.fd, SHUT_WR);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 32 << 10);
    EXPECT_INT(pthread_create(&thread, &attributes, use_small_stack, &w), 0);
    pthread_attr_destroy(&attributes);
    pthread_join(thread, NULL);
    wire_close(&w);
  }
}

/* The other ways to write and read, compressed, and what a poll loop calls. */
static void *use_small_stack_otherwise(void *argument) {
  static char json[1000];
  pair *p = argument;
  ws_bytes text = {(const uint8_t *)json, sizeof json}, parts[2] = {text, text}, got;
  ws_prepared *prepared;
  ws_writer *writer;
  ws_reader *reader;
  int32_t type, fd, events;
  int status;
  memset(json, '[', 500); /* the deepest are 512 */
  memset(json + 500, ']', 500);
  EXPECT_STATUS(ws_conn_write_json(p->client, json, sizeof json), WS_OK);
  EXPECT_STATUS(ws_conn_read_json(p->server, &got), WS_OK);
  EXPECT_INT(got.size, sizeof json);
  EXPECT_STATUS(ws_conn_writev(p->client, WS_TEXT, parts, 2), WS_OK);
  EXPECT_STATUS(ws_prepared_new(WS_TEXT, json, sizeof json, &prepared), WS_OK);
  EXPECT_STATUS(ws_conn_write_prepared(p->client, prepared), WS_OK);
  EXPECT_STATUS(ws_prepared_free(prepared), WS_OK);
  EXPECT_STATUS(ws_conn_next_writer(p->client, WS_TEXT, &writer), WS_OK);
  EXPECT_STATUS(ws_writer_write(writer, json, sizeof json), WS_OK);
  EXPECT_STATUS(ws_writer_flush(writer), WS_OK);
  EXPECT_STATUS(ws_writer_close(writer), WS_OK);
  for (int i = 0; i < 3; i++) {
    EXPECT_STATUS(ws_conn_next_reader(p->server, &type, &reader), WS_OK);
    while ((status = ws_reader_next(reader, &got)) == WS_OK) {
    }
    EXPECT_STATUS(status, WS_END);
  }
  EXPECT_STATUS(ws_conn_set_nonblocking(p->client, 1), WS_OK);
  EXPECT_STATUS(ws_conn_write(p->client, WS_TEXT, json, sizeof json), WS_OK);
  EXPECT_STATUS(ws_conn_service(p->client), WS_OK);
  EXPECT_STATUS(ws_conn_interest(p->client, &fd, &events, NULL), WS_OK);
  EXPECT_STATUS(ws_conn_close(p->client, 1000, NULL, 0, 0), WS_AGAIN);
  return NULL;
}

static void small_stacks_are_enough_otherwise(void) {
  pair p;
  pthread_t thread;
  pthread_attr_t attributes;
  REQUIRE(compressed_pair(&p, IN_CONTEXT));
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 32 << 10);
  EXPECT_INT(pthread_create(&thread, &attributes, use_small_stack_otherwise, &p), 0);
  pthread_attr_destroy(&attributes);
  pthread_join(thread, NULL);
  pair_close(&p);
}

/* ---- Signals ---- */

static void on_signal(int number) { (void)number; }

typedef struct interrupted {
  wire w;
  int large; /* a message that stops inside its frame, else a ping that nothing is sent of */
  busy_call busy;
} interrupted;

static int write_blocked(void *argument) {
  static uint8_t data[4000000];
  interrupted *self = argument;
  if (self->large) return ws_conn_write(self->w.conn, WS_BINARY, data, sizeof data);
  return ws_conn_write_control(self->w.conn, WS_PING, NULL, 0, WS_NEVER);
}

/* Signals a blocked write; gives its status, which may be that it is still blocked. */
static int signalled(int large, int on) {
  interrupted self = {.large = large};
  struct sigaction action = {.sa_handler = on_signal}, before;
  if (!wire_open(&self.w, AS_CLIENT)) return -99;
  if (!large) busy_fill(self.w.conn);
  EXPECT_STATUS(ws_conn_set_interruptible(self.w.conn, on), WS_OK);
  sigaction(SIGUSR1, &action, &before);
  busy_start(&self.busy, write_blocked, &self);
  check_settle();
  for (int i = 0; i < 3 && busy_status(&self.busy) == STILL_BLOCKED; i++) {
    pthread_kill(self.busy.thread, SIGUSR1);
    check_sleep(check_limit(20));
  }
  if (busy_status(&self.busy) == STILL_BLOCKED) check_settle(); /* it is back, or it sleeps again */
  int status = busy_status(&self.busy);
  if (status == STILL_BLOCKED) EXPECT_STATUS(ws_conn_abort(self.w.conn), WS_OK);
  busy_join(&self.busy);
  if (status == WS_INTR) EXPECT_STATUS(ws_conn_write_control(self.w.conn, WS_PING, NULL, 0, 1), WS_ERR_TIMEOUT);
  sigaction(SIGUSR1, &before, NULL);
  wire_close(&self.w);
  return status;
}

static void signals_and_blocked_writes(void) {
  EXPECT_INT(signalled(0, 0), STILL_BLOCKED);
  EXPECT_INT(signalled(0, 1), WS_INTR);
  EXPECT_INT(signalled(1, 0), STILL_BLOCKED);
  EXPECT_INT(signalled(1, 1), STILL_BLOCKED); /* inside a frame there is no way back */
}

/* ---- Standard streams ---- */

/* A connection that works, one that is refused, and one that breaks, in a process whose streams are this pipe, or closed. */
static void live_without_streams(int replacement) {
  wire w;
  pair p;
  ws_conn *conn;
  for (int fd = 0; fd < 3; fd++) {
    if (replacement >= 0) dup2(replacement, fd);
    if (replacement < 0) close(fd);
  }
  int fine = pair_open(&p) && ws_conn_write(p.client, WS_TEXT, "x", 1) == WS_OK;
  int32_t type;
  ws_bytes message;
  fine = fine && ws_conn_read(p.server, &type, &message) == WS_OK && message.size == 1;
  pair_close(&p);
  fine = fine && ws_dialer_dial(NULL, "ws://here.example:1/", 0, &conn, NULL) == WS_ERR_CONNECT && wire_open(&w, AS_SERVER);
  wire_put(&w, 0xff, "rubbish", 7);
  fine = fine && ws_conn_read(w.conn, &type, &message) == WS_ERR_PROTOCOL;
  wire_close(&w);
  _exit(fine ? 0 : 1);
}

/* What a child said whose streams are a pipe, or that has none. */
static void streams_are_left_alone(void) {
  for (int is_closed = 0; is_closed < 2; is_closed++) {
    int channel[2], status = -1;
    char said[64];
    REQUIRE(pipe(channel) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) live_without_streams(is_closed ? -1 : channel[1]);
    close(channel[1]);
    EXPECT_INT(read(channel[0], said, sizeof said), 0);
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    close(channel[0]);
  }
}

static const check_test tests[] = {
    TEST(descriptors_close_on_exec),
    TEST(every_descriptor_refused),
    TEST(small_stacks_are_enough),
    TEST(small_stacks_are_enough_otherwise),
    TEST(signals_and_blocked_writes),
    TEST(streams_are_left_alone),
};
TEST_MAIN(tests)
