/* errno is left alone when all went well, also by calls that had to wait; test_bytes.c has those that do not.
 */
#include "errno_mark.h"

static void *send_later(void *argument) {
  check_settle();
  wire_put_text(argument, 0x81, "late");
  return NULL;
}

/* A read that had to wait is a success too. */
static void errno_after_a_wait(void) {
  wire w;
  int32_t type;
  ws_bytes message;
  pthread_t thread;
  REQUIRE(wire_open(&w, AS_SERVER));
  pthread_create(&thread, NULL, send_later, &w);
  LEAVES_ERRNO(ws_conn_read(w.conn, &type, &message));
  pthread_join(thread, NULL);
  wire_close(&w);
}

static void errno_after_an_upgrade(void) {
  int ends[2];
  ws_conn *conn = NULL;
  peer_sockets(ends);
  peer_put_text(ends[0], PEER_REQUEST);
  LEAVES_ERRNO(ws_upgrader_upgrade(NULL, ends[1], NULL, 0, ws_in_ms(1000), &conn, NULL));
  LEAVES_ERRNO(ws_conn_free(conn));
  close(ends[0]);
}

static void errno_after_a_close(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT(peer_put_close(w.fd, w.masks, 1000, ""));
  shutdown(w.fd, SHUT_WR);
  LEAVES_ERRNO(ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(1000)));
  wire_close(&w);
}

static const check_test tests[] = {TEST(errno_after_a_wait), TEST(errno_after_an_upgrade), TEST(errno_after_a_close)};
TEST_MAIN(tests)
