/* The background service beside others: blocked output, its thread, TLS, and connections that end or are taken away from it.
 */
#include "background.h"
#include "tls.h"

#include <dirent.h>
#include <sys/wait.h>

/* ---- Blocked output ---- */

/* The pong has no room: it is kept, and leaves when the peer takes something. */
static void kept_answers_leave_when_they_can(void) {
  wire w;
  peer_frame frame;
  REQUIRE(open_served(&w, AS_CLIENT));
  busy_fill(w.conn);
  for (int i = 0; i < 10; i++) wire_put_text(&w, 0x89, i < 9 ? "old" : "new");
  check_settle();
  uint64_t messages = statistics_of(w.conn).messages_sent;
  for (uint64_t i = 0; i < messages; i++) REQUIRE(peer_get_frame(w.fd, &frame) && frame.first == 0x82);
  /* Old ones may have found room before; the latest comes last. */
  do REQUIRE(peer_get_frame(w.fd, &frame) && frame.first == 0x8a);
  while (memcmp(frame.data, "old", 3) == 0);
  EXPECT_BYTES(frame.data, frame.size, "new", 3);
  wire_close(&w);
}

static int write_large(void *argument) {
  static const uint8_t data[3000000];
  return ws_conn_write(((wire *)argument)->conn, WS_BINARY, data, sizeof data);
}

static void a_ping_beside_a_blocked_write(void) {
  wire w;
  busy_call writing;
  static uint8_t room[3000014];
  REQUIRE(open_served(&w, AS_SERVER));
  busy_start(&writing, write_large, &w);
  check_settle();
  wire_put_text(&w, 0x89, "p");
  check_settle();
  EXPECT_INT(statistics_of(w.conn).pings_received, 1);
  EXPECT(peer_get(w.fd, room, 3000010) == 3000010);
  wire_gets_text(&w, 0x8a, "p");
  EXPECT_INT(busy_join(&writing), WS_OK);
  wire_close(&w);
}

/* ---- Its thread ---- */

/* How often the service's thread has gone to sleep; -1 when there is no such thread, -2 when there are several. */
static long service_sleeps(void) {
  DIR *tasks = opendir("/proc/self/task");
  struct dirent *task;
  long found = -1;
  while (tasks != NULL && (task = readdir(tasks)) != NULL) {
    char path[300], line[256], name[64] = "";
    long sleeps = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
    FILE *file = fopen(path, "r");
    if (file == NULL) continue;
    while (fgets(line, sizeof line, file) != NULL) {
      sscanf(line, "Name: %63s", name);
      sscanf(line, "voluntary_ctxt_switches: %ld", &sleeps);
    }
    fclose(file);
    if (strcmp(name, "wsswift-service") == 0) found = found == -1 ? sleeps : -2;
  }
  if (tasks != NULL) closedir(tasks);
  return found;
}

/* What went before may keep the service busy for longer on a busy machine: until it has slept for a moment. Gives its sleeps. */
static long service_settles(int64_t ms) {
  long now, before = -1;
  check_sleep(check_limit(ms));
  for (int rounds = 0; rounds < 20 && (now = service_sleeps()) != before; rounds++) {
    before = now;
    check_sleep(100);
  }
  EXPECT(before >= 0);
  return before;
}

/* One thread for all, which sleeps while nothing happens: no timers without keepalive. */
static void idle_connections_cost_no_time(void) {
  enum { MANY = 100 };
  static wire all[MANY];
  for (int i = 0; i < MANY; i++) REQUIRE(open_served(&all[i], i % 2));
  long before = service_settles(300);
  check_sleep(400);
  EXPECT_INT(service_sleeps(), before);
  for (int i = 0; i < MANY; i++) wire_put_text(&all[i], 0x89, "p");
  for (int i = 0; i < MANY; i++) wire_gets_text(&all[i], 0x8a, "p");
  for (int i = 0; i < MANY; i++) wire_close(&all[i]);
}

/* A reader that waits is left alone: its messages do not wake the service. */
static void a_connection_that_is_read_does_not_bother_it(void) {
  wire w;
  REQUIRE(open_served(&w, AS_SERVER));
  long before = service_settles(200);
  for (int i = 0; i < 500; i++) {
    wire_put_text(&w, 0x81, "quick");
    wire_reads(&w, "quick");
  }
  EXPECT(service_sleeps() - before <= 5 * check_limit(1));
  wire_close(&w);
}

static void signals_are_not_for_it(void) {
  wire w;
  sigset_t all;
  char line[256];
  unsigned long long blocked = 0;
  DIR *tasks = opendir("/proc/self/task");
  struct dirent *task;
  REQUIRE(open_served(&w, AS_SERVER));
  while ((task = readdir(tasks)) != NULL) {
    char path[300], name[64] = "";
    unsigned long long mask = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
    FILE *file = fopen(path, "r");
    if (file == NULL) continue;
    while (fgets(line, sizeof line, file) != NULL) {
      sscanf(line, "Name: %63s", name);
      sscanf(line, "SigBlk: %llx", &mask);
    }
    fclose(file);
    if (strcmp(name, "wsswift-service") == 0) blocked = mask;
  }
  closedir(tasks);
  EXPECT((blocked >> (SIGALRM - 1) & 1) == 1 && (blocked >> (SIGTERM - 1) & 1) == 1 && (blocked >> (SIGINT - 1) & 1) == 1);
  pthread_sigmask(SIG_SETMASK, NULL, &all);
  EXPECT(!sigismember(&all, SIGTERM));
  wire_close(&w);
}

static void a_child_has_a_service_of_its_own(void) {
  wire w;
  REQUIRE(open_served(&w, AS_SERVER));
  check_settle();
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    wire own;
    alarm(20);
    int fine = EXPECT_STATUS(ws_conn_set_background(w.conn, 1), WS_ERR_FORKED);
    fine = EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 1, 1), WS_ERR_FORKED) && fine;
    fine = EXPECT_STATUS(ws_conn_ping(w.conn, 1, NULL), WS_ERR_FORKED) && fine;
    fine = EXPECT(service_sleeps() == -1) && fine;
    fine = open_served(&own, AS_CLIENT) && fine;
    wire_put_text(&own, 0x89, "child");
    fine = wire_gets_text(&own, 0x8a, "child") && fine;
    wire_close(&own);
    fine = EXPECT_STATUS(ws_conn_free(w.conn), WS_OK) && fine;
    _exit(fine && !check_now.failed ? 0 : 1);
  }
  int status = -1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  wire_put_text(&w, 0x89, "parent");
  wire_gets_text(&w, 0x8a, "parent");
  wire_close(&w);
}

/* ---- TLS ---- */

static void over_tls_it_does_the_same(void) {
  tls_pair pair;
  REQUIRE(tls_usual(&pair));
  ws_conn *ends[] = {pair.client, pair.server};
  for (int i = 0; i < 2; i++) {
    EXPECT_STATUS(ws_conn_set_background(ends[i], 1), WS_OK);
    for (int times = 0; times < 10; times++) EXPECT_STATUS(ws_conn_ping(ends[1 - i], 0, NULL), WS_OK);
    EXPECT_STATUS(ws_conn_set_background(ends[i], 0), WS_OK);
  }
  for (int i = 0; i < 2; i++) {
    EXPECT_STATUS(ws_conn_set_background(ends[i], 1), WS_OK);
    EXPECT_STATUS(ws_conn_set_keepalive(ends[i], 20, check_limit(2000)), WS_OK);
  }
  int64_t end = check_ms() + check_limit(3000);
  while (statistics_of(pair.client).pongs_received < 15 && check_ms() < end) check_sleep(5);
  for (int i = 0; i < 2; i++) EXPECT(statistics_of(ends[i]).round_trip_ns > 0);
  /* Between messages as well, and to the end. */
  for (int i = 0; i < 20; i++) {
    tls_passes(pair.client, pair.server, "up");
    tls_passes(pair.server, pair.client, "down");
  }
  EXPECT_STATUS(ws_conn_close_begin(pair.client, 1000, NULL, 0), WS_OK);
  EXPECT_INT(write_becomes(pair.server, WS_ERR_CLOSE_SENT), WS_ERR_CLOSE_SENT);
  EXPECT_STATUS(ws_conn_close(pair.client, 1000, NULL, 0, 0), WS_OK);
  tls_close(&pair);
}

/* ---- Life and death ---- */

static void *ping_without_end(void *argument) {
  wire *w = argument;
  uint8_t bytes[16];
  size_t size = peer_frame_bytes(bytes, 0x89, w->masks, "p", 1);
  while (send(w->fd, bytes, size, MSG_NOSIGNAL) > 0) {
    uint8_t room[4096];
    while (recv(w->fd, room, sizeof room, MSG_DONTWAIT) > 0) {}
  }
  return NULL;
}

/* Freed, aborted and switched while the service is at work on the connection. */
static void it_can_be_left_at_any_time(void) {
  for (int i = 0; i < 60; i++) {
    wire w;
    pthread_t thread;
    REQUIRE(open_served(&w, i % 2));
    pthread_create(&thread, NULL, ping_without_end, &w);
    EXPECT(pongs_become(w.conn, 3) >= 3);
    if (i % 3 == 0) EXPECT_STATUS(ws_conn_abort(w.conn), WS_OK);
    if (i % 3 == 1) {
      for (int times = 0; times < 20; times++) EXPECT_STATUS(ws_conn_set_background(w.conn, times % 2), WS_OK);
    }
    EXPECT_STATUS(ws_conn_free(w.conn), WS_OK);
    w.conn = NULL;
    pthread_join(thread, NULL);
    close(w.fd);
  }
}

static void count_free(void *user) WS_NOEXCEPT {
  seen *self = user;
  self->freed += 1;
  self->thread = pthread_self();
}

static void user_pointers_are_freed_by_the_program_s_threads(void) {
  for (int i = 0; i < 20; i++) {
    wire w;
    seen pong = {0};
    REQUIRE(open_served(&w, AS_SERVER));
    EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, on_control, &pong, count_free), WS_OK);
    wire_put_text(&w, 0x89, "p");
    if (i % 2 == 0) wire_gets_text(&w, 0x8a, "p");
    EXPECT_STATUS(ws_conn_free(w.conn), WS_OK);
    EXPECT_INT(pong.freed, 1);
    EXPECT(pthread_equal(pong.thread, pthread_self()));
    close(w.fd);
  }
}

static void free_inside(ws_conn *conn, seen *self) {
  (void)self;
  EXPECT_STATUS(ws_conn_set_background(conn, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_background(conn, 1), WS_OK);
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
}

static void freed_inside_a_handler(void) {
  wire w;
  seen ping = {.act = free_inside};
  REQUIRE(open_served(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &ping, on_free), WS_OK);
  wire_put_text(&w, 0x89, "p");
  EXPECT_STATUS(read_one(&w), WS_ERR_ABORTED);
  EXPECT_INT(ping.freed, 1);
  close(w.fd);
}

static void a_connection_that_is_over(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_abort(w.conn), WS_OK);
  EXPECT_STATUS(ws_conn_set_background(w.conn, 1), WS_OK);
  EXPECT_STATUS(ws_conn_set_background(NULL, 1), WS_ERR_INVALID);
  wire_close(&w);
}

/* A poll loop is left alone, and told when there may be something that its descriptor does not show. */
static void a_poll_loop_is_left_alone(void) {
  wire w;
  int64_t due = 0;
  REQUIRE(open_served(&w, AS_CLIENT));
  wire_put_text(&w, 0x81, "taken before");
  check_settle();
  EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 1), WS_OK);
  EXPECT_STATUS(ws_conn_interest(w.conn, NULL, NULL, &due), WS_OK);
  EXPECT(due <= ws_now());
  wire_reads(&w, "taken before");
  wire_read_gives(&w, WS_AGAIN);
  EXPECT_STATUS(ws_conn_interest(w.conn, NULL, NULL, &due), WS_OK);
  EXPECT(due == WS_NEVER);
  wire_put_text(&w, 0x89, "p");
  EXPECT(peer_silent(w.fd, 250));
  EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 0), WS_OK);
  wire_gets_text(&w, 0x8a, "p");
  wire_close(&w);
}

/* Readers, writers, pingers and the service at once: each message is read once, in order. */
static int read_numbers(void *argument) {
  int32_t type;
  ws_bytes message;
  for (uint32_t i = 0; i < 300; i++) {
    uint32_t number = 0;
    int status = ws_conn_read(((wire *)argument)->conn, &type, &message);
    if (status != WS_OK) return status;
    if (message.size == sizeof number) memcpy(&number, message.data, sizeof number);
    EXPECT_INT(number, i);
    if (i % 50 == 0) check_sleep(130);
  }
  return WS_OK;
}

static void everything_at_once(void) {
  wire w;
  busy_call reading;
  peer_frame *frame = malloc(sizeof *frame);
  REQUIRE(open_served(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 5, 10000), WS_OK);
  busy_start(&reading, read_numbers, &w);
  for (uint32_t i = 0; i < 300; i++) {
    wire_put_text(&w, 0x89, "p");
    wire_put(&w, 0x82, &i, sizeof i);
    while (!peer_silent(w.fd, 3) && peer_get_frame(w.fd, frame)) {
      if (frame->first == 0x89) wire_put(&w, 0x8a, frame->data, frame->size);
    }
  }
  EXPECT_INT(busy_join(&reading), WS_OK);
  EXPECT_INT(pongs_become(w.conn, 300), 300);
  EXPECT(statistics_of(w.conn).round_trip_ns > 0);
  free(frame);
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(kept_answers_leave_when_they_can),
    TEST(a_ping_beside_a_blocked_write),
    TEST(idle_connections_cost_no_time),
    TEST(a_connection_that_is_read_does_not_bother_it),
    TEST(signals_are_not_for_it),
    TEST(a_child_has_a_service_of_its_own),
    TEST(over_tls_it_does_the_same),
    TEST(it_can_be_left_at_any_time),
    TEST(user_pointers_are_freed_by_the_program_s_threads),
    TEST(freed_inside_a_handler),
    TEST(a_connection_that_is_over),
    TEST(a_poll_loop_is_left_alone),
    TEST(everything_at_once),
};

int main(int argc, char **argv) { return background_main(tests, sizeof tests / sizeof tests[0], argc, argv); }
