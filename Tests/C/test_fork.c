/* After fork: the child's inherited connections are inert, and nothing it does with them reaches the parent's.
 */
#include "wire.h"

#include <sys/wait.h>

/* Runs act in a child; 0 when it found everything as it should. */
static int in_child(int (*act)(pair *p), pair *p) {
  int status = -1;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit(act(p));
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

static int ends_alive(pair *p) {
  int32_t type;
  ws_bytes message;
  EXPECT_STATUS(ws_conn_write(p->client, WS_TEXT, "to the server", 13), WS_OK);
  EXPECT_STATUS(ws_conn_read(p->server, &type, &message), WS_OK);
  EXPECT_STATUS(ws_conn_write(p->server, WS_TEXT, "to the client", 13), WS_OK);
  EXPECT_STATUS(ws_conn_read(p->client, &type, &message), WS_OK);
  return EXPECT_BYTES(message.data, message.size, "to the client", 13);
}

/* Counts what did not answer WS_ERR_FORKED. */
static int use_everything(pair *p) {
  int32_t type;
  ws_bytes message;
  size_t size;
  ws_conn *conn = p->client;
  ws_reader *reader;
  ws_writer *writer;
  int wrong = 0;
  wrong += ws_conn_read(conn, &type, &message) != WS_ERR_FORKED;
  wrong += ws_conn_read_into(conn, &type, NULL, 0, &size) != WS_ERR_FORKED;
  wrong += ws_conn_next_reader(conn, &type, &reader) != WS_ERR_FORKED || reader != NULL;
  wrong += ws_conn_read_joined(conn, NULL, 0, &type, 1, &size) != WS_ERR_FORKED;
  wrong += ws_conn_discard(conn) != WS_ERR_FORKED;
  wrong += ws_conn_write(conn, WS_TEXT, "x", 1) != WS_ERR_FORKED;
  wrong += ws_conn_read_json(conn, &message) != WS_ERR_FORKED;
  wrong += ws_conn_write_json(conn, "1", 1) != WS_ERR_FORKED;
  wrong += ws_conn_writev(conn, WS_TEXT, NULL, 0) != WS_ERR_FORKED;
  ws_prepared *prepared;
  wrong += ws_prepared_new(WS_TEXT, "x", 1, &prepared) != WS_OK;
  wrong += ws_conn_write_prepared(conn, prepared) != WS_ERR_FORKED;
  wrong += ws_prepared_free(prepared) != WS_OK;
  wrong += ws_conn_next_writer(conn, WS_TEXT, &writer) != WS_ERR_FORKED || writer != NULL;
  wrong += ws_conn_write_control(conn, WS_PING, NULL, 0, 0) != WS_ERR_FORKED;
  wrong += ws_conn_ping(conn, 0, NULL) != WS_ERR_FORKED;
  wrong += ws_conn_close_begin(conn, 1000, NULL, 0) != WS_ERR_FORKED;
  wrong += ws_conn_close(conn, 1000, NULL, 0, ws_in_ms(100)) != WS_ERR_FORKED;
  wrong += ws_conn_abort(conn) != WS_ERR_FORKED;
  return wrong;
}

static int free_both(pair *p) {
  int wrong = 0;
  wrong += ws_conn_free(p->client) != WS_OK;
  wrong += ws_conn_free(p->server) != WS_OK;
  return wrong;
}

/* A child may open connections of its own. */
static int open_another(pair *p) {
  (void)p;
  pair own;
  if (!pair_open(&own) || !ends_alive(&own)) return 1;
  pair_close(&own);
  return check_now.failed;
}

static void a_child_cannot_use_its_parents_connection(void) {
  pair p;
  REQUIRE(pair_open(&p));
  EXPECT_INT(in_child(use_everything, &p), 0);
  ends_alive(&p);
  pair_close(&p);
}

static void freeing_in_the_child_leaves_the_parent_alone(void) {
  pair p;
  REQUIRE(pair_open(&p));
  EXPECT_INT(in_child(free_both, &p), 0);
  ends_alive(&p);
  EXPECT_STATUS(ws_conn_close_begin(p.client, 1000, NULL, 0), WS_OK);
  pair_close(&p);
}

static void a_child_has_connections_of_its_own(void) {
  pair p;
  REQUIRE(pair_open(&p));
  EXPECT_INT(in_child(open_another, &p), 0);
  ends_alive(&p);
  pair_close(&p);
}

/* Mask keys after fork: parent and child must not send the same ones. */
static int mask_of_a_new_client(pair *p, uint8_t mask[4]) {
  uint8_t frame[7];
  wire w;
  (void)p;
  if (!wire_open(&w, AS_CLIENT)) return 0;
  EXPECT_STATUS(ws_conn_write(w.conn, WS_TEXT, "x", 1), WS_OK);
  int fine = peer_get(w.fd, frame, sizeof frame) == sizeof frame;
  memcpy(mask, frame + 2, 4);
  wire_close(&w);
  return fine;
}

static void mask_keys_do_not_repeat_in_a_child(void) {
  int channel[2];
  uint8_t first[4], ours[4], theirs[4] = {0};
  REQUIRE(mask_of_a_new_client(NULL, first)); /* the pool is filled now */
  peer_sockets(channel);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    uint8_t mask[4];
    _exit(mask_of_a_new_client(NULL, mask) && peer_put(channel[1], mask, 4) ? 0 : 1);
  }
  REQUIRE(mask_of_a_new_client(NULL, ours));
  EXPECT_INT(peer_get(channel[0], theirs, 4), 4);
  EXPECT(memcmp(ours, theirs, 4) != 0);
  int status = -1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  close(channel[0]);
  close(channel[1]);
}

static const check_test tests[] = {
    TEST(a_child_cannot_use_its_parents_connection),
    TEST(freeing_in_the_child_leaves_the_parent_alone),
    TEST(a_child_has_connections_of_its_own),
    TEST(mask_keys_do_not_repeat_in_a_child),
};
TEST_MAIN(tests)
