/* The background service: a program that only writes, that never reads, or that sleeps still answers pings and sees the end; and
 * nothing of it is in the way of a program that reads.
 */
#include "answering.h"
#include "busy.h"
#include "handlers.h"
#include "tls.h"

#include <dirent.h>
#include <sys/wait.h>

static int open_served(wire *w, int role) {
  return wire_open(w, role) && EXPECT_STATUS(ws_conn_set_background(w->conn, 1), WS_OK);
}

static int read_one(void *argument) {
  int32_t type;
  ws_bytes message;
  return ws_conn_read(((wire *)argument)->conn, &type, &message);
}

/* Asks until the connection has sent so many pongs, or for some seconds. */
static uint64_t pongs_become(ws_conn *conn, uint64_t wanted) {
  int64_t end = check_ms() + check_limit(3000);
  while (statistics_of(conn).pongs_sent < wanted && check_ms() < end) check_sleep(2);
  return statistics_of(conn).pongs_sent;
}

static int write_becomes(ws_conn *conn, int status) {
  int64_t end = check_ms() + check_limit(3000);
  int last = WS_OK;
  while (check_ms() < end && (last = ws_conn_write(conn, WS_TEXT, "x", 1)) != status) check_sleep(5);
  return last;
}

static void an_idle_connection_answers_pings(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(open_served(&w, role));
    for (int i = 0; i < 5; i++) {
      wire_put_text(&w, 0x89, "are you there?");
      wire_gets_text(&w, 0x8a, "are you there?");
    }
    /* In pieces too. */
    uint8_t bytes[32];
    size_t size = peer_frame_bytes(bytes, 0x89, w.masks, "slow", 4);
    for (size_t i = 0; i < size; i++) {
      EXPECT(peer_put(w.fd, bytes + i, 1));
      check_sleep(2);
    }
    wire_gets_text(&w, 0x8a, "slow");
    EXPECT_INT(statistics_of(w.conn).pings_received, 6);
    wire_put_text(&w, 0x81, "still read by a call");
    wire_reads(&w, "still read by a call");
    wire_close(&w);
  }
}

static void without_it_nobody_answers(void) {
  wire w;
  REQUIRE(open_served(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_background(w.conn, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_background(w.conn, 0), WS_OK);
  wire_put_text(&w, 0x89, "p");
  EXPECT(peer_silent(w.fd, 200));
  EXPECT_STATUS(ws_conn_set_background(w.conn, 1), WS_OK);
  EXPECT_STATUS(ws_conn_set_background(w.conn, 1), WS_OK);
  wire_gets_text(&w, 0x8a, "p");
  wire_close(&w);
}

/* It begins 100 ms after the last call, and whoever reads never notices. */
static void between_reads_it_takes_over(void) {
  wire w;
  REQUIRE(open_served(&w, AS_CLIENT));
  for (int i = 0; i < 3; i++) {
    wire_put_text(&w, 0x81, "message");
    wire_reads(&w, "message");
    wire_put_text(&w, 0x89, "busy?");
    wire_gets_text(&w, 0x8a, "busy?");
  }
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 20), WS_OK);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  wire_put_text(&w, 0x89, "and after a timeout?");
  wire_gets_text(&w, 0x8a, "and after a timeout?");
  wire_close(&w);
}

static void it_stops_in_front_of_data(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(open_served(&w, role));
    wire_put_text(&w, 0x89, "before");
    wire_put_text(&w, 0x01, "data, ");
    wire_put_text(&w, 0x89, "behind");
    wire_put_text(&w, 0x80, "more");
    wire_gets_text(&w, 0x8a, "before");
    EXPECT(peer_silent(w.fd, 150));
    ws_statistics now = statistics_of(w.conn);
    EXPECT(now.messages_received == 0 && now.pings_received == 1);
    wire_reads(&w, "data, more");
    wire_gets_text(&w, 0x8a, "behind");
    wire_put_text(&w, 0x89, "and on");
    wire_gets_text(&w, 0x8a, "and on");
    wire_close(&w);
  }
}

/* At most one receive buffer is taken of what nobody reads: the rest stays in the socket. */
static void a_flood_of_data_stays_outside(void) {
  static uint8_t data[60000];
  wire w;
  uint8_t *bytes = malloc(sizeof data + 14);
  size_t size = peer_frame_bytes(bytes, 0x82, 1, data, sizeof data), sent = 0;
  REQUIRE(open_served(&w, AS_SERVER));
  for (int turns = 0; turns < 200; turns++) {
    ssize_t count = send(w.fd, bytes + sent % size, size - sent % size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) sent += (size_t)count;
    if (count < 0) check_sleep(1);
  }
  check_sleep(50);
  EXPECT(statistics_of(w.conn).wire_received <= 65536);
  for (size_t i = 0; i < sent / size; i++) {
    int32_t type;
    ws_bytes message;
    EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
    EXPECT_INT(message.size, sizeof data);
  }
  free(bytes);
  wire_close(&w);
}

/* What was read stays as it is while the service works. */
static void a_borrowed_message_stays(void) {
  wire w;
  int32_t type;
  ws_bytes message;
  REQUIRE(open_served(&w, AS_CLIENT));
  wire_put_text(&w, 0x81, "borrowed");
  wire_put_text(&w, 0x89, "1");
  EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
  wire_gets_text(&w, 0x8a, "1");
  for (int i = 0; i < 20; i++) {
    wire_put_text(&w, 0x89, "ping ping ping ping ping ping ping ping ping");
    wire_gets_text(&w, 0x8a, "ping ping ping ping ping ping ping ping ping");
  }
  EXPECT_BYTES(message.data, message.size, "borrowed", 8);
  wire_put_text(&w, 0x81, "longer than the room");
  char room[20];
  size_t size;
  EXPECT_STATUS(ws_conn_read_into(w.conn, &type, room, 3, &size), WS_ERR_ROOM);
  wire_put_text(&w, 0x89, "2");
  wire_gets_text(&w, 0x8a, "2");
  EXPECT_STATUS(ws_conn_read_into(w.conn, &type, room, sizeof room, &size), WS_OK);
  EXPECT_BYTES(room, size, "longer than the room", 20);
  wire_close(&w);
}

static void a_message_in_parts_goes_on(void) {
  wire w;
  ws_reader *reader;
  ws_bytes part;
  int32_t type;
  REQUIRE(open_served(&w, AS_SERVER));
  wire_put_text(&w, 0x01, "one ");
  EXPECT_STATUS(ws_conn_next_reader(w.conn, &type, &reader), WS_OK);
  EXPECT_STATUS(ws_reader_next(reader, &part), WS_OK);
  for (int i = 0; i < 3; i++) {
    wire_put_text(&w, 0x89, "between");
    wire_gets_text(&w, 0x8a, "between");
    EXPECT_BYTES(part.data, part.size, "one ", 4);
  }
  wire_put_text(&w, 0x00, "two ");
  wire_put_text(&w, 0x89, "unread");
  EXPECT(peer_silent(w.fd, 150));
  EXPECT_STATUS(ws_reader_next(reader, &part), WS_OK);
  EXPECT_BYTES(part.data, part.size, "two ", 4);
  wire_gets_text(&w, 0x8a, "unread");
  EXPECT_BYTES(part.data, part.size, "two ", 4);
  wire_put_text(&w, 0x80, "three");
  EXPECT_STATUS(ws_reader_next(reader, &part), WS_OK);
  EXPECT_BYTES(part.data, part.size, "three", 5);
  EXPECT_STATUS(ws_reader_next(reader, &part), WS_END);
  wire_close(&w);
}

/* ---- The end ---- */

static void a_program_that_only_writes_sees_the_close(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    uint16_t theirs = 0;
    REQUIRE(open_served(&w, role));
    EXPECT_STATUS(ws_conn_write(w.conn, WS_TEXT, "hello", 5), WS_OK);
    wire_gets_text(&w, 0x81, "hello");
    EXPECT(peer_put_close(w.fd, w.masks, 4001, "bye"));
    EXPECT_INT(peer_get_close(w.fd), 4001);
    EXPECT_INT(write_becomes(w.conn, WS_ERR_CLOSE_SENT), WS_ERR_CLOSE_SENT);
    EXPECT_STATUS(ws_conn_close_codes(w.conn, &theirs, NULL, NULL), WS_OK);
    EXPECT_INT(theirs, 4001);
    if (role == AS_SERVER) EXPECT(peer_ended(w.fd)); /* RFC 6455 7.1.1: the server ends the stream first */
    wire_read_gives(&w, WS_ERR_CLOSED);
    close(w.fd);
    w.fd = -1;
    EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_OK);
    wire_close(&w);
  }
}

static void a_lost_stream_is_seen(void) {
  wire w;
  REQUIRE(open_served(&w, AS_CLIENT));
  shutdown(w.fd, SHUT_WR);
  check_settle();
  wire_read_gives(&w, WS_ERR_LOST);
  wire_close(&w);
}

static void a_violation_is_answered(void) {
  wire w;
  REQUIRE(open_served(&w, AS_SERVER));
  wire_put_text(&w, 0x8b, "no such frame");
  EXPECT_INT(peer_get_close(w.fd), 1002);
  EXPECT(peer_ended(w.fd));
  wire_read_gives(&w, WS_ERR_PROTOCOL);
  wire_close(&w);
}

/* Data with a fault is a reader's to refuse. */
static void faulty_data_is_left_to_a_reader(void) {
  wire w;
  REQUIRE(open_served(&w, AS_SERVER));
  wire_put_text(&w, 0x83, "reserved");
  EXPECT(peer_silent(w.fd, 150));
  wire_read_gives(&w, WS_ERR_PROTOCOL);
  EXPECT_INT(peer_get_close(w.fd), 1002);
  wire_close(&w);
}

static void a_close_behind_data_waits_for_a_reader(void) {
  wire w;
  REQUIRE(open_served(&w, AS_CLIENT));
  wire_put_text(&w, 0x81, "last words");
  EXPECT(peer_put_close(w.fd, w.masks, 1000, ""));
  EXPECT(peer_silent(w.fd, 150));
  EXPECT_STATUS(ws_conn_write(w.conn, WS_TEXT, "x", 1), WS_OK);
  wire_reads(&w, "last words");
  EXPECT_INT(peer_get_close(w.fd), 1000);
  wire_read_gives(&w, WS_END);
  wire_close(&w);
}

static void closing_beside_the_service(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    answering peer = {0};
    REQUIRE(open_served(&w, role));
    check_settle();
    answering_start(&peer, &w);
    for (int i = 0; i < 10; i++) EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_OK);
    EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_OK);
    answering_end(&peer);
    EXPECT_INT(peer.close, 1000);
    wire_close(&w);
  }
}

/* ---- Keepalive ---- */

static void it_pings_and_measures(void) {
  wire w;
  answering peer = {0};
  REQUIRE(open_served(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 30, 1000), WS_OK);
  answering_start(&peer, &w);
  int64_t end = check_ms() + check_limit(3000);
  while (statistics_of(w.conn).pongs_received < 4 && check_ms() < end) check_sleep(5);
  ws_statistics now = statistics_of(w.conn);
  EXPECT(now.pongs_received >= 4);
  EXPECT(now.round_trip_ns > 0 && now.round_trip_ns < 1000000000);
  answering_end(&peer);
  wire_close(&w);
}

static void it_gives_a_silent_peer_up(void) {
  wire w;
  REQUIRE(open_served(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 40, 60), WS_OK);
  EXPECT_INT(peer_get_close(w.fd), 1011);
  EXPECT(peer_ended(w.fd));
  wire_write_gives(&w, "x", WS_ERR_KEEPALIVE);
  wire_read_gives(&w, WS_ERR_KEEPALIVE);
  EXPECT_STATUS(ws_conn_ping(w.conn, 0, NULL), WS_ERR_KEEPALIVE);
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, 0), WS_ERR_KEEPALIVE);
  wire_close(&w);
}

/* The pong stands behind data that nobody reads: nobody can say that the peer is silent. */
static void unread_data_is_no_silence(void) {
  wire w;
  peer_frame frame;
  REQUIRE(open_served(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 40, 60), WS_OK);
  EXPECT(peer_get_frame(w.fd, &frame) && frame.first == 0x89);
  wire_put_text(&w, 0x81, "unread");
  wire_put(&w, 0x8a, frame.data, frame.size);
  check_sleep(check_limit(300));
  wire_reads(&w, "unread");
  wire_close(&w);
}

/* ---- Handlers ---- */

static void own_handlers_are_never_called_by_it(void) {
  static const int frames[] = {0x89, 0x8a, 0x88};
  for (int which = 0; which < 3; which++) {
    wire w;
    seen control = {0};
    REQUIRE(open_served(&w, AS_SERVER));
    EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &control, NULL), WS_OK);
    EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, on_control, &control, NULL), WS_OK);
    EXPECT_STATUS(ws_conn_set_close_handler(w.conn, on_close, &control, NULL), WS_OK);
    if (frames[which] == 0x88) EXPECT(peer_put_close(w.fd, w.masks, 4321, "why"));
    if (frames[which] != 0x88) wire_put_text(&w, frames[which], "now");
    check_sleep(150);
    EXPECT_INT(control.calls, 0);
    EXPECT(peer_silent(w.fd, 1));
    if (frames[which] != 0x88) {
      wire_put_text(&w, 0x81, "m");
      wire_reads(&w, "m");
      EXPECT_BYTES(control.data, control.size, "now", 3);
    } else {
      wire_read_gives(&w, WS_ERR_CLOSED);
      EXPECT_INT(control.code, 4321);
      EXPECT_BYTES(control.data, control.size, "why", 3);
    }
    EXPECT_INT(control.calls, 1);
    EXPECT(pthread_equal(control.thread, pthread_self()));
    wire_close(&w);
  }
}

static void a_handler_taken_back_lets_it_go_on(void) {
  wire w;
  seen control = {0};
  REQUIRE(open_served(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &control, NULL), WS_OK);
  wire_put_text(&w, 0x89, "1");
  wire_put_text(&w, 0x89, "2");
  EXPECT(peer_silent(w.fd, 150));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, NULL, NULL, NULL), WS_OK);
  wire_gets_text(&w, 0x8a, "1");
  wire_gets_text(&w, 0x8a, "2");
  EXPECT_INT(control.calls, 0);
  wire_close(&w);
}

/* Our own pings do not stop at a pong handler. */
static void a_pong_handler_does_not_hinder_the_keepalive(void) {
  wire w;
  answering peer = {0};
  seen pong = {0};
  REQUIRE(open_served(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, on_control, &pong, NULL), WS_OK);
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 20, 1000), WS_OK);
  answering_start(&peer, &w);
  int64_t end = check_ms() + check_limit(3000);
  while (answering_pings(&peer) < 4 && check_ms() < end) check_sleep(5);
  EXPECT(answering_pings(&peer) >= 4);
  EXPECT_INT(pong.calls, 0);
  answering_end(&peer);
  wire_close(&w);
}

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

/* One thread for all, which sleeps while nothing happens: no timers without keepalive. */
static void idle_connections_cost_no_time(void) {
  enum { MANY = 100 };
  static wire all[MANY];
  for (int i = 0; i < MANY; i++) REQUIRE(open_served(&all[i], i % 2));
  check_sleep(check_limit(300));
  long before = service_sleeps();
  EXPECT(before >= 0);
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
  check_sleep(check_limit(200));
  long before = service_sleeps();
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
    TEST(an_idle_connection_answers_pings),
    TEST(without_it_nobody_answers),
    TEST(between_reads_it_takes_over),
    TEST(it_stops_in_front_of_data),
    TEST(a_flood_of_data_stays_outside),
    TEST(a_borrowed_message_stays),
    TEST(a_message_in_parts_goes_on),
    TEST(a_program_that_only_writes_sees_the_close),
    TEST(a_lost_stream_is_seen),
    TEST(a_violation_is_answered),
    TEST(faulty_data_is_left_to_a_reader),
    TEST(a_close_behind_data_waits_for_a_reader),
    TEST(closing_beside_the_service),
    TEST(it_pings_and_measures),
    TEST(it_gives_a_silent_peer_up),
    TEST(unread_data_is_no_silence),
    TEST(own_handlers_are_never_called_by_it),
    TEST(a_handler_taken_back_lets_it_go_on),
    TEST(a_pong_handler_does_not_hinder_the_keepalive),
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

/* The service's own descriptors are there before they are counted. */
int main(int argc, char **argv) {
  wire w;
  if (!open_served(&w, AS_SERVER)) return 1;
  wire_close(&w);
  return check_main(tests, sizeof tests / sizeof tests[0], argc, argv);
}
