/* No memory: every block that a connection asks for is refused once, one after the other, until the whole scenario passes. What
 * comes of it is WS_ERR_NOMEM or a clean close, and nothing leaks. The library's small objects have a fixed size; without memory for
 * one of them the process ends, and says how much was missing.
 */
#include "refuse.h"

#include <sys/wait.h>

/* ---- One connection, from the configuration to the close ---- */

enum { FIRST_PART = 3000, SECOND_PART = 70000, WRITTEN = 5000 };

static uint8_t message[FIRST_PART + SECOND_PART];

typedef struct scenario {
  int role;
  int fd; /* the peer's */
  int other;
  int refused; /* how many calls gave WS_ERR_NOMEM */
  ws_conn *conn;
} scenario;

/* True when there is a connection; else there was no memory, and the failure says so. */
static int opened(scenario *self, int status, const ws_failure *failure) {
  EXPECT((self->conn != NULL) == (status == WS_OK));
  if (status == WS_OK) return 1;
  EXPECT_STATUS(status, WS_ERR_NOMEM);
  EXPECT_INT(failure->code, WS_ERR_NOMEM);
  EXPECT_INT(failure->who, WS_BY_SYSTEM);
  self->refused += 1;
  return 0;
}

/* Everything that the peer will ever say after the opening handshake. */
static void say_all(const scenario *self) {
  int masks = self->role == AS_SERVER;
  peer_put_frame(self->fd, 0x02, masks, message, FIRST_PART);
  peer_put_frame(self->fd, 0x89, masks, message, 100);
  peer_put_frame(self->fd, 0x80, masks, message + FIRST_PART, SECOND_PART);
  peer_put_close(self->fd, masks, 1000, "enough");
  shutdown(self->fd, SHUT_WR);
}

static int open_server(scenario *self) {
  static const char all[] = "GET /chat HTTP/1.1\r\nHost: example.com\r\nOrigin: https://a.example.org\r\n" PEER_UPGRADE
                            "Sec-WebSocket-Key: " PEER_KEY "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
  ws_upgrader *upgrader = NULL;
  ws_failure failure = {.struct_size = sizeof failure};
  AGAIN(self, ws_upgrader_new(&upgrader));
  AGAIN(self, ws_upgrader_add_subprotocol(upgrader, "chat"));
  AGAIN(self, ws_upgrader_add_header(upgrader, "Server", "test"));
  AGAIN(self, ws_upgrader_add_origin(upgrader, "https://*.example.org"));
  AGAIN(self, ws_upgrader_add_host(upgrader, "example.com"));
  peer_put_text(self->fd, all + 20);
  say_all(self);
  int status = ws_upgrader_upgrade(upgrader, self->other, all, 20, ws_in_ms(check_limit(2000)), &self->conn, &failure);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  if (!opened(self, status, &failure)) return 0;
  char head[1024];
  return EXPECT(peer_get_head(self->fd, head, sizeof head) > 0) && EXPECT(strstr(head, " 101 ") != NULL);
}

static void *play_server(void *argument) {
  const scenario *self = argument;
  if (peer_answer(self->fd, "Sec-WebSocket-Protocol: chat\r\n", "", 0)) say_all(self);
  return NULL;
}

static int open_client(scenario *self) {
  pthread_t thread;
  ws_dialer *dialer = NULL;
  ws_dial *dial = NULL;
  ws_failure failure = {.struct_size = sizeof failure};
  AGAIN(self, ws_dialer_new(&dialer));
  AGAIN(self, ws_dialer_add_header(dialer, "User-Agent", "test"));
  AGAIN(self, ws_dialer_add_subprotocol(dialer, "chat"));
  AGAIN(self, ws_dial_new(dialer, "ws://localhost/chat?room=1", &dial, NULL));
  EXPECT_STATUS(ws_dial_use_fd(dial, self->other), WS_OK);
  pthread_create(&thread, NULL, play_server, self);
  int status = ws_dial_run(dial, ws_in_ms(check_limit(2000)), &self->conn, &failure);
  if (status != WS_OK) {
    EXPECT_STATUS(ws_dial_free(dial), WS_OK); /* the peer must see the end */
    dial = NULL;
  }
  pthread_join(thread, NULL);
  EXPECT_STATUS(ws_dial_free(dial), WS_OK);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  return opened(self, status, &failure);
}

/* A read without memory is the end of reading, and the peer is told. */
static void read_and_close(scenario *self) {
  int32_t type;
  ws_bytes got;
  ws_failure failure = {.struct_size = sizeof failure};
  int status = ws_conn_read(self->conn, &type, &got);
  if (status == WS_OK) {
    EXPECT_BYTES(got.data, got.size, message, sizeof message);
    status = ws_conn_read(self->conn, &type, &got);
  }
  if (status != WS_ERR_NOMEM) EXPECT_STATUS(status, WS_END);
  if (status == WS_ERR_NOMEM) {
    self->refused += 1;
    EXPECT_STATUS(ws_conn_read(self->conn, &type, &got), WS_ERR_NOMEM);
    EXPECT_STATUS(ws_conn_failure(self->conn, WS_READ, &failure), WS_OK);
    EXPECT_INT(failure.code, WS_ERR_NOMEM);
    EXPECT_INT(failure.who, WS_BY_SYSTEM);
  }
  int closed = ws_conn_close(self->conn, 1000, NULL, 0, ws_in_ms(check_limit(1000)));
  if (closed != WS_ERR_NOMEM) EXPECT_STATUS(closed, WS_OK);
}

/* What the peer saw is well formed and ends with a close frame. */
static void look_at_frames(const scenario *self) {
  static peer_frame frame;
  int last = 0;
  EXPECT(peer_get_frame(self->fd, &frame));
  EXPECT_BYTES(frame.data, frame.size, message, WRITTEN);
  while (peer_get_frame(self->fd, &frame)) last = frame.first;
  EXPECT_INT(last, 0x88);
  EXPECT(peer_ended(self->fd));
}

static void run_scenario(scenario *self) {
  int ends[2];
  peer_sockets(ends);
  self->fd = ends[0];
  self->other = ends[1];
  self->conn = NULL;
  if (self->role == AS_SERVER ? open_server(self) : open_client(self)) {
    AGAIN(self, ws_conn_write(self->conn, WS_BINARY, message, WRITTEN));
    AGAIN(self, ws_conn_write_control(self->conn, WS_PING, message, 100, 0));
    read_and_close(self);
  }
  EXPECT_STATUS(ws_conn_free(self->conn), WS_OK);
  if (self->conn != NULL) look_at_frames(self);
  close(self->fd);
}

static void run(void *scenario) { run_scenario(scenario); }

static void refuse_every_block(int role) {
  scenario self = {.role = role};
  int told = 0, count = refuse_each(run, &self, &self.refused, &told);
  printf("%s: %d blocks refused, %d calls said so\n", role == AS_SERVER ? "server" : "client", count, told);
}

static void every_block_of_a_server_refused(void) { refuse_every_block(AS_SERVER); }
static void every_block_of_a_client_refused(void) { refuse_every_block(AS_CLIENT); }

/* What has once been received into memory is answered without any. */
static void an_answer_needs_no_memory(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    for (int i = 0; i < 3; i++) {
      wire_put_text(&w, 0x89, "ping");
      wire_put_text(&w, 0x81, "message");
      nothing_left = i > 0;
      int fine = wire_reads(&w, "message");
      nothing_left = 0;
      REQUIRE(fine);
      wire_gets_text(&w, 0x8a, "ping");
    }
    wire_close(&w);
  }
}

/* ---- Objects of fixed size ---- */

static void no_memory_for_an_object_says_how_much(void) {
  char said[256] = "";
  int channel[2], status = 0, size = 0;
  if (is_ordinary_swift()) return;
  REQUIRE(pipe(channel) == 0);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    ws_dialer *dialer;
    dup2(channel[1], 2);
    nothing_left = 1;
    _exit(ws_dialer_new(&dialer) == WS_OK ? 0 : 1);
  }
  close(channel[1]);
  EXPECT(waitpid(child, &status, 0) == child);
  (void)!read(channel[0], said, sizeof said - 1);
  close(channel[0]);
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  EXPECT(sscanf(said, "wsswift: out of memory: %d bytes\n", &size) == 1);
  EXPECT(size >= 16 && size < 4096);
  printf("without memory the library said: %s", said);
}

static const check_test tests[] = {
    TEST(every_block_of_a_server_refused),
    TEST(every_block_of_a_client_refused),
    TEST(an_answer_needs_no_memory),
    TEST(no_memory_for_an_object_says_how_much),
};
TEST_MAIN(tests)
