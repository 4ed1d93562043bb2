/* Every step of a connection against a peer that does nothing, or next to nothing: it ends at its default, or at the time that
 * was set, on a clock that runs only while the library waits.
 */
#include "pretend.h"

enum { NO_END = -1, SLACK = 5 };

/* What a peer does in every second of a wait. */
enum { NOTHING, ONE_BYTE, READS };

/* One step: what it gives, and after how many ms; set is the timeout that is set, -1 for the default, 0 for ever. */
typedef struct step {
  const char *name;
  int (*run)(const struct step *self);
  int64_t set;
  int peer;
  int status;
  int64_t ms;
} step;

static int64_t started; /* ns */
static int ended_for_ever;

static void send_one_byte(void *fd) { peer_put(*(int *)fd, "x", 1); }

static void send_one_ping(void *fd) { peer_put_frame(*(int *)fd, 0x89, 1, "", 0); }

static void read_some(void *fd) {
  static uint8_t data[200000];
  (void)!recv(*(int *)fd, data, sizeof data, MSG_DONTWAIT);
}

static void hang_up(void *fd) {
  ended_for_ever = 1;
  shutdown(*(int *)fd, SHUT_RDWR);
}

/* From here on the clock is the test's. */
static void begin(const step *self, int *fd) {
  pretend.act = self->peer == ONE_BYTE ? send_one_byte : self->peer == READS ? read_some : NULL;
  pretend.for_ever = hang_up;
  pretend.argument = fd;
  ended_for_ever = 0;
  started = ws_now();
  pretend.on = 1;
}

static int finish(const step *self, int status) {
  pretend.on = 0;
  int64_t ms = (ws_now() - started) / 1000000;
  if (self->ms == NO_END && !ended_for_ever) check_fail(__FILE__, __LINE__, "%s ended after %lld ms", self->name, (long long)ms);
  if (self->ms != NO_END && (ms < self->ms - SLACK || ms > self->ms + check_limit(200))) {
    check_fail(__FILE__, __LINE__, "%s took %lld ms, not %lld", self->name, (long long)ms, (long long)self->ms);
  }
  if (self->ms == NO_END) return self->status; /* the hang-up has made another of it */
  return status;
}

/* ---- Dialing ---- */

static ws_dialer *a_dialer(const step *self) {
  ws_dialer *dialer = NULL;
  EXPECT_STATUS(ws_dialer_new(&dialer), WS_OK);
  if (self->set >= 0) EXPECT_STATUS(ws_dialer_set_timeout(dialer, self->set), WS_OK);
  return dialer;
}

/* The queue of the listener is full, so connecting waits. */
static int connecting(const step *self) {
  char url[64];
  peer_queue queue;
  ws_dialer *dialer = a_dialer(self);
  ws_conn *conn;
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", peer_fill(&queue));
  begin(self, &queue.listener);
  int status = finish(self, ws_dialer_dial(dialer, url, 0, &conn, NULL));
  peer_leave(&queue);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  return status;
}

static int dial_over(const step *self, const char *said) {
  int ends[2];
  ws_dialer *dialer = a_dialer(self);
  ws_dial *dial;
  ws_conn *conn;
  peer_sockets(ends);
  EXPECT_STATUS(ws_dial_new(dialer, "ws://localhost/", &dial, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_use_fd(dial, ends[1]), WS_OK);
  peer_put_text(ends[0], said);
  begin(self, &ends[0]);
  int status = finish(self, ws_dial_run(dial, 0, &conn, NULL));
  EXPECT_STATUS(ws_dial_free(dial), WS_OK);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  close(ends[0]);
  return status;
}

static int response_head(const step *self) { return dial_over(self, "HTTP/1.1 101 Switching Protocols\r\nX: "); }
static int response_body(const step *self) { return dial_over(self, "HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\n"); }

/* ---- Upgrading ---- */

static int upgrade_over(const step *self, const char *said) {
  int ends[2];
  ws_upgrader *upgrader = NULL;
  ws_conn *conn;
  peer_sockets(ends);
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  if (self->set >= 0) EXPECT_STATUS(ws_upgrader_set_timeout(upgrader, self->set), WS_OK);
  peer_put_text(ends[0], said);
  begin(self, &ends[0]);
  int status = finish(self, ws_upgrader_upgrade(upgrader, ends[1], NULL, 0, 0, &conn, NULL));
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  close(ends[0]);
  return status;
}

static int request_head(const step *self) { return upgrade_over(self, "GET / HTTP/1.1\r\nX: "); }
static int refused_client(const step *self) { return upgrade_over(self, "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"); }

/* ---- An open connection ---- */

static int read_one(ws_conn *conn) {
  int32_t type;
  ws_bytes message;
  return ws_conn_read(conn, &type, &message);
}

/* A message that never becomes whole. */
static int reading(const step *self) {
  uint8_t header[14];
  wire w;
  if (!wire_open(&w, AS_SERVER)) return -99;
  if (self->set >= 0) EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, self->set), WS_OK);
  peer_put(w.fd, header, peer_header(header, 0x82, 1000, 0, peer_mask));
  begin(self, &w.fd);
  int status = finish(self, read_one(w.conn));
  wire_close(&w);
  return status;
}

/* Pings are no message: they do not make a read last longer. */
static int reading_pings(const step *self) {
  wire w;
  if (!wire_open(&w, AS_SERVER)) return -99;
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, self->set), WS_OK);
  begin(self, &w.fd);
  pretend.act = send_one_ping;
  int status = finish(self, read_one(w.conn));
  wire_close(&w);
  return status;
}

static int writing(const step *self) {
  static uint8_t data[8000000];
  wire w;
  if (!wire_open(&w, AS_SERVER)) return -99;
  if (self->set >= 0) EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, self->set), WS_OK);
  begin(self, &w.fd);
  int status = finish(self, ws_conn_write(w.conn, WS_BINARY, data, sizeof data));
  wire_close(&w);
  return status;
}

/* The deadline holds against a peer that reads a little all the time. */
static int writing_until(const step *self) {
  static uint8_t data[8000000];
  wire w;
  if (!wire_open(&w, AS_SERVER)) return -99;
  EXPECT_STATUS(ws_conn_set_write_deadline(w.conn, ws_in_ms(self->set)), WS_OK);
  begin(self, &w.fd);
  int status = finish(self, ws_conn_write(w.conn, WS_BINARY, data, sizeof data));
  wire_close(&w);
  return status;
}

/* Nothing of the frame fits any more. */
static int writing_control(const step *self) {
  static const char data[1000];
  wire w;
  int status = WS_OK;
  if (!wire_open(&w, AS_SERVER)) return -99;
  EXPECT_STATUS(ws_conn_set_write_deadline(w.conn, 1), WS_OK);
  while (status == WS_OK) status = ws_conn_write(w.conn, WS_BINARY, data, sizeof data);
  EXPECT_STATUS(ws_conn_set_write_timeout(w.conn, self->set >= 0 ? self->set : 30000), WS_OK);
  begin(self, &w.fd);
  status = finish(self, ws_conn_write_control(w.conn, WS_PING, NULL, 0, 0));
  wire_close(&w);
  return status;
}

static int close_over(const step *self, int answers) {
  uint8_t header[14];
  wire w;
  if (!wire_open(&w, AS_SERVER)) return -99;
  if (self->set >= 0) EXPECT_STATUS(ws_conn_set_close_timeout(w.conn, self->set), WS_OK);
  if (answers) EXPECT(peer_put_close(w.fd, 1, 1000, ""));
  if (!answers) peer_put(w.fd, header, peer_header(header, 0x82, 1000, 0, peer_mask));
  begin(self, &w.fd);
  int status = finish(self, ws_conn_close(w.conn, 1000, NULL, 0, 0));
  wire_close(&w);
  return status;
}

static int closing(const step *self) { return close_over(self, 0); }
static int closing_without_an_end(const step *self) { return close_over(self, 1); }

static const step steps[] = {
    {"connecting", connecting, -1, NOTHING, WS_ERR_TIMEOUT, 10000},
    {"connecting in 3 s", connecting, 3000, NOTHING, WS_ERR_TIMEOUT, 3000},
    {"a response head that never ends", response_head, -1, NOTHING, WS_ERR_TIMEOUT, 10000},
    {"a response head, a byte a second", response_head, -1, ONE_BYTE, WS_ERR_TIMEOUT, 10000},
    {"the same in 3 s", response_head, 3000, ONE_BYTE, WS_ERR_TIMEOUT, 3000},
    {"the same for ever", response_head, 0, NOTHING, WS_ERR_LOST, NO_END},
    {"a refusal's body that never comes", response_body, -1, NOTHING, WS_ERR_STATUS, 1000},
    {"a refusal's body, a byte a second", response_body, -1, ONE_BYTE, WS_ERR_STATUS, 1000},
    {"a request head that never ends", request_head, -1, NOTHING, WS_ERR_TIMEOUT, 10000},
    {"a request head, a byte a second", request_head, -1, ONE_BYTE, WS_ERR_TIMEOUT, 10000},
    {"the same in 4 s", request_head, 4000, ONE_BYTE, WS_ERR_TIMEOUT, 4000},
    {"the same for ever", request_head, 0, NOTHING, WS_ERR_LOST, NO_END},
    {"a refused client that stays", refused_client, -1, NOTHING, WS_ERR_HANDSHAKE, 1000},
    {"a refused client that talks on", refused_client, -1, ONE_BYTE, WS_ERR_HANDSHAKE, 1000},
    {"a read", reading, -1, NOTHING, WS_ERR_LOST, NO_END},
    {"a read in 5 s", reading, 5000, NOTHING, WS_ERR_TIMEOUT, 5000},
    {"a read in 5 s, a byte a second", reading, 5000, ONE_BYTE, WS_ERR_TIMEOUT, 5000},
    {"a read in 5 s, a ping a second", reading_pings, 5000, NOTHING, WS_ERR_TIMEOUT, 5000},
    {"a write", writing, -1, NOTHING, WS_ERR_BROKEN, 30000},
    {"a write in 7 s", writing, 7000, NOTHING, WS_ERR_BROKEN, 7000},
    {"a write until a deadline to a slow reader", writing_until, 6000, READS, WS_ERR_BROKEN, 6000},
    {"a ping with nothing sent", writing_control, -1, NOTHING, WS_ERR_TIMEOUT, 30000},
    {"a ping with nothing sent in 2 s", writing_control, 2000, NOTHING, WS_ERR_TIMEOUT, 2000},
    {"a close", closing, -1, NOTHING, WS_ERR_TIMEOUT, 10000},
    {"a close, a byte a second", closing, -1, ONE_BYTE, WS_ERR_TIMEOUT, 10000},
    {"a close in 3 s", closing, 3000, NOTHING, WS_ERR_TIMEOUT, 3000},
    {"a close whose stream does not end", closing_without_an_end, -1, NOTHING, WS_OK, 2000},
    {"the same, a byte a second", closing_without_an_end, -1, ONE_BYTE, WS_OK, 2000},
};

enum { STEPS = sizeof steps / sizeof steps[0] };

static void every_step_ends_in_time(void) {
  for (int i = 0; i < STEPS; i++) {
    int status = steps[i].run(&steps[i]);
    if (status != steps[i].status) check_fail(__FILE__, __LINE__, "%s gave %d, not %d", steps[i].name, status, steps[i].status);
  }
  printf("%d steps\n", (int)STEPS);
}

/* As long as something moves, a write without a deadline goes on. */
static void progress_keeps_a_write_alive(void) {
  static const step slow = {"a slow reader", NULL, -1, READS, WS_OK, NO_END};
  static uint8_t data[8000000];
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  begin(&slow, &w.fd);
  int status = ws_conn_write(w.conn, WS_BINARY, data, sizeof data);
  pretend.on = 0;
  EXPECT_STATUS(status, WS_OK);
  EXPECT(ws_now() - started > INT64_C(30000000000)); /* longer than the write timeout */
  wire_close(&w);
}

/* After its time is up, the next read goes on where this one stopped. */
static void a_late_message_is_whole(void) {
  static const step quiet = {"quiet", NULL, -1, NOTHING, WS_OK, NO_END};
  wire w;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 5000), WS_OK);
  EXPECT(peer_put(w.fd, "\x81\x03" "ab", 4));
  for (int i = 0; i < 3; i++) {
    begin(&quiet, &w.fd);
    wire_read_gives(&w, WS_ERR_TIMEOUT);
    pretend.on = 0;
  }
  EXPECT(peer_put(w.fd, "c", 1));
  wire_reads(&w, "abc");
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(every_step_ends_in_time),
    TEST(progress_keeps_a_write_alive),
    TEST(a_late_message_is_whole),
};
TEST_MAIN(tests)
