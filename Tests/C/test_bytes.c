/* Whose bytes are whose: arguments are never written to, kept or read beyond their end; what is lent stays as it is until the next
 * call of the same half; errno is left alone when all went well.
 */
#include "errno_mark.h"

#include <sys/mman.h>
#include <sys/wait.h>

/* MAP_ANONYMOUS is not in POSIX. */
#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS 0x20
#endif

enum { PAGE = 4096, GUARDED = 16 * PAGE };

/* Memory that ends where nothing is mapped: reading one byte too many ends the program. */
typedef struct guarded {
  uint8_t *all;
} guarded;

static int guard_open(guarded *self) {
  self->all = mmap(NULL, GUARDED + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return EXPECT(self->all != MAP_FAILED) && EXPECT_INT(mprotect(self->all + GUARDED, PAGE, PROT_NONE), 0);
}

/* A copy whose last byte is the last that can be read; nothing of it can be written. */
static const void *guard(guarded *self, const void *data, size_t size) {
  EXPECT_INT(mprotect(self->all, GUARDED, PROT_READ | PROT_WRITE), 0);
  uint8_t *at = self->all + GUARDED - size;
  memcpy(at, data, size);
  EXPECT_INT(mprotect(self->all, GUARDED, PROT_READ), 0);
  return at;
}

static const char *guard_text(guarded *self, const char *text) { return guard(self, text, strlen(text) + 1); }

/* Overwrites what was handed in: a call that kept a pointer would see it. */
static void spoil(guarded *self) {
  EXPECT_INT(mprotect(self->all, GUARDED, PROT_READ | PROT_WRITE), 0);
  memset(self->all, '#', GUARDED);
}

static void guard_close(guarded *self) { munmap(self->all, GUARDED + PAGE); }

static void what_is_written_is_only_read(void) {
  static const size_t sizes[] = {0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 63, 64, 125, 126, 127, 1000, 4096, 30000, 60000};
  static uint8_t data[GUARDED];
  guarded memory;
  REQUIRE(guard_open(&memory));
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)('a' + i % 26);
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    EXPECT_STATUS(ws_conn_set_check_utf8(w.conn, 1, 1), WS_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
      size_t size = sizes[i];
      EXPECT_STATUS(ws_conn_write(w.conn, i % 2 ? WS_TEXT : WS_BINARY, guard(&memory, data, size), size), WS_OK);
      spoil(&memory);
      wire_gets(&w, i % 2 ? 0x81 : 0x82, data, size);
      if (size > 125) continue;
      EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, guard(&memory, data, size), size, 0), WS_OK);
      spoil(&memory);
      wire_gets(&w, 0x89, data, size);
    }
    EXPECT_STATUS(ws_conn_close_begin(w.conn, 1000, guard(&memory, data, 123), 123), WS_OK);
    EXPECT_INT(peer_get_close(w.fd), 1000);
    wire_close(&w);
  }
  guard_close(&memory);
}

/* Strings are read to their NUL, and copied. */
static void configurations_copy_their_strings(void) {
  guarded memory, second;
  ws_dialer *dialer;
  ws_dial *dial;
  int ends[2];
  char head[4096];
  ws_conn *conn;
  REQUIRE(guard_open(&memory));
  REQUIRE(guard_open(&second));
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, guard_text(&memory, "X-Name"), guard_text(&second, "the value")), WS_OK);
  spoil(&memory);
  spoil(&second);
  EXPECT_STATUS(ws_dialer_add_subprotocol(dialer, guard_text(&memory, "chat")), WS_OK);
  spoil(&memory);
  EXPECT_STATUS(ws_dial_new(dialer, guard_text(&memory, "ws://localhost/path?query"), &dial, NULL), WS_OK);
  spoil(&memory);
  peer_sockets(ends);
  EXPECT_STATUS(ws_dial_use_fd(dial, ends[1]), WS_OK);
  EXPECT_STATUS(ws_dial_run(dial, ws_in_ms(20), &conn, NULL), WS_ERR_TIMEOUT);
  EXPECT(peer_get_head(ends[0], head, sizeof head) > 0);
  EXPECT(strstr(head, "GET /path?query HTTP/1.1\r\n") == head);
  EXPECT(strstr(head, "\r\nX-Name: the value\r\n") != NULL && strstr(head, ": chat\r\n") != NULL && strchr(head, '#') == NULL);
  EXPECT_STATUS(ws_dial_free(dial), WS_OK);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  close(ends[0]);
  guard_close(&memory);
  guard_close(&second);
}

/* already_read is copied too: the rest of the request comes after it is gone. */
static void bytes_read_ahead_are_copied(void) {
  guarded memory;
  int ends[2];
  ws_upgrade *upgrade;
  ws_bytes target;
  REQUIRE(guard_open(&memory));
  peer_sockets(ends);
  EXPECT_STATUS(ws_upgrade_new(NULL, ends[1], guard(&memory, PEER_REQUEST, 30), 30, &upgrade), WS_OK);
  spoil(&memory);
  EXPECT(peer_put_text(ends[0], &PEER_REQUEST[30]));
  EXPECT_STATUS(ws_upgrade_request(upgrade, ws_in_ms(check_limit(2000)), &target, NULL, NULL), WS_OK);
  EXPECT_BYTES(target.data, target.size, "/", 1);
  EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
  close(ends[0]);
  guard_close(&memory);
}

/* ws_conn_read_into writes the message and not a byte more. */
static void room_is_filled_no_further(void) {
  wire w;
  int32_t type;
  size_t size;
  char room[12];
  REQUIRE(wire_open(&w, AS_SERVER));
  memset(room, '#', sizeof room);
  wire_put_text(&w, 0x81, "abcdef");
  EXPECT_STATUS(ws_conn_read_into(w.conn, &type, room + 3, 5, &size), WS_ERR_ROOM);
  EXPECT_BYTES(room, sizeof room, "############", sizeof room);
  EXPECT_STATUS(ws_conn_read_into(w.conn, &type, room + 3, 6, &size), WS_OK);
  EXPECT_BYTES(room, sizeof room, "###abcdef###", sizeof room);
  wire_close(&w);
}

/* Everything but a read leaves a lent message as it is, even a close that reads in its place. */
static void a_lent_message_stays(void) {
  static uint8_t data[5000];
  for (size_t size = 1; size <= sizeof data; size += 833) {
    wire w;
    int32_t type;
    ws_bytes message;
    memset(data, 'm', sizeof data);
    REQUIRE(wire_open(&w, AS_SERVER));
    wire_put(&w, 0x81, data, size);
    wire_put_text(&w, 0x89, "a ping");
    wire_put_text(&w, 0x81, "a message that nobody reads");
    EXPECT(peer_put_close(w.fd, w.masks, 1000, "a reason"));
    shutdown(w.fd, SHUT_WR);
    EXPECT_STATUS(ws_conn_read(w.conn, &type, &message), WS_OK);
    EXPECT_STATUS(ws_conn_write(w.conn, WS_BINARY, message.data, message.size), WS_OK);
    EXPECT_STATUS(ws_conn_write_control(w.conn, WS_PING, "p", 1, 0), WS_OK);
    EXPECT_BYTES(message.data, message.size, data, size);
    EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(check_limit(2000))), WS_OK);
    EXPECT_BYTES(message.data, message.size, data, size);
    EXPECT_STATUS(ws_conn_abort(w.conn), WS_OK);
    EXPECT_BYTES(message.data, message.size, data, size);
    wire_close(&w);
  }
}

/* The reason and the subprotocol are lent until the handle is freed. */
static void a_reason_stays_until_the_handle_is_freed(void) {
  wire w;
  uint16_t theirs;
  ws_bytes reason;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT(peer_put_close(w.fd, w.masks, 1000, "a reason"));
  shutdown(w.fd, SHUT_WR);
  wire_read_gives(&w, WS_END);
  EXPECT_STATUS(ws_conn_close_codes(w.conn, &theirs, &reason, NULL), WS_OK);
  EXPECT_STATUS(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(check_limit(2000))), WS_OK);
  wire_read_gives(&w, WS_END);
  EXPECT_BYTES(reason.data, reason.size, "a reason", 8);
  wire_close(&w);
}

static void errno_is_left_alone(void) {
  wire w;
  int32_t type;
  ws_bytes message;
  ws_address address = {.struct_size = sizeof address};
  ws_dialer *dialer;
  ws_dial *dial;
  REQUIRE(wire_open(&w, AS_SERVER));
  LEAVES_ERRNO(ws_conn_write(w.conn, WS_TEXT, "x", 1));
  LEAVES_ERRNO(ws_conn_write_control(w.conn, WS_PING, NULL, 0, 0));
  wire_put_text(&w, 0x81, "x");
  LEAVES_ERRNO(ws_conn_read(w.conn, &type, &message));
  LEAVES_ERRNO(ws_conn_remote_address(w.conn, &address));
  LEAVES_ERRNO(ws_conn_set_read_timeout(w.conn, 1));
  LEAVES_ERRNO(ws_conn_close_begin(w.conn, 1000, NULL, 0));
  LEAVES_ERRNO(ws_dialer_new(&dialer));
  LEAVES_ERRNO(ws_dialer_add_header(dialer, "A", "b"));
  LEAVES_ERRNO(ws_dial_new(dialer, "ws://localhost/", &dial, NULL));
  LEAVES_ERRNO(ws_dial_free(dial));
  LEAVES_ERRNO(ws_dialer_free(dialer));
  LEAVES_ERRNO(ws_conn_abort(w.conn));
  LEAVES_ERRNO(ws_conn_free(w.conn));
  w.conn = NULL;
  wire_close(&w);
}

#if defined(__SANITIZE_ADDRESS__)
#define SEES_STALE_BYTES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEES_STALE_BYTES 1
#endif
#endif

/* A message that is used after its handle was freed: in a child, because the address sanitizer ends the process. */
static int use_stale_bytes(ws_conn *conn) {
  int32_t type;
  ws_bytes message;
  if (ws_conn_read(conn, &type, &message) != WS_OK || ws_conn_free(conn) != WS_OK) return 0;
  close(2);
  const volatile uint8_t *stale = message.data;
  (void)*stale;
  return 0;
}

/* Only the address sanitizer can tell; without it there is nothing that may be looked at. */
static void stale_bytes_are_reported(void) {
#ifdef SEES_STALE_BYTES
  int status = 0;
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  wire_put_text(&w, 0x81, "borrowed");
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    wire_open(&w, AS_SERVER); /* one of the child's own */
    wire_put_text(&w, 0x81, "borrowed");
    _exit(use_stale_bytes(w.conn));
  }
  EXPECT(waitpid(child, &status, 0) == child && status != 0);
  wire_close(&w);
#else
  (void)use_stale_bytes;
#endif
}

static const check_test tests[] = {
    TEST(what_is_written_is_only_read),
    TEST(configurations_copy_their_strings),
    TEST(bytes_read_ahead_are_copied),
    TEST(room_is_filled_no_further),
    TEST(a_lent_message_stays),
    TEST(a_reason_stays_until_the_handle_is_freed),
    TEST(errno_is_left_alone),
    TEST(stale_bytes_are_reported),
};
TEST_MAIN(tests)
