/* Connections that have written and read before: they ask the allocator for nothing, and hold no buffer while they are idle.
 */
#include "compressed.h"
#include "refuse.h" /* which counts blocks and calls */

static uint8_t message[60000];

enum { WRITE, WRITEV, STREAM, PREPARED, PING, STYLES };

static const char *const style_names[STYLES] = {"write", "writev", "writer", "prepared", "ping"};

/* Writes a message, or a message and a ping, and reads it at the other end. */
static void exchange(ws_conn *from, ws_conn *to, ws_prepared *prepared, int style, size_t size) {
  int32_t type;
  ws_bytes got, parts[2] = {{message, size / 2}, {message + size / 2, size - size / 2}};
  ws_writer *writer;
  int status = WS_OK;
  switch (style) {
    case WRITEV: status = ws_conn_writev(from, WS_BINARY, parts, 2); break;
    case PREPARED: status = ws_conn_write_prepared(from, prepared); break;
    case STREAM:
      status = ws_conn_next_writer(from, WS_BINARY, &writer);
      for (size_t at = 0; at < size && status == WS_OK; at += 700) {
        status = ws_writer_write(writer, message + at, size - at < 700 ? size - at : 700);
      }
      if (status == WS_OK) status = ws_writer_close(writer);
      break;
    default: status = ws_conn_write(from, WS_BINARY, message, size);
  }
  if (style == PING) EXPECT_STATUS(ws_conn_write_control(from, WS_PING, "ping", 4, 0), WS_OK);
  EXPECT_STATUS(status, WS_OK);
  EXPECT_STATUS(ws_conn_read(to, &type, &got), WS_OK);
  EXPECT_INT(got.size, size);
}

/* Nothing is asked of the allocator for a message once as many messages have passed as a ring of writers has places. */
static void a_warm_connection_asks_for_no_memory(void) {
  static const size_t sizes[] = {0, 20, 1000, 5000, 60000};
  enum { CELLS = 3 * 2 * STYLES * 5, WARM = 10, ROUNDS = 20 };
  if (is_ordinary_swift()) return; /* its runtime has memory of its own */
  compressible(message, 60000, 1);
  for (int cell = 0; cell < CELLS && !check_now.failed; cell++) {
    int style = cell % STYLES, role = cell / STYLES % 2, how = cell / STYLES / 2 % 3;
    size_t size = sizes[cell / STYLES / 2 / 3];
    pair p;
    ws_prepared *prepared;
    REQUIRE(compressed_pair(&p, how));
    EXPECT_STATUS(ws_prepared_new(WS_BINARY, message, size, &prepared), WS_OK);
    for (int i = 0; i < WARM + ROUNDS; i++) {
      if (i == WARM) asked = 0;
      exchange(role ? p.client : p.server, role ? p.server : p.client, prepared, style, size);
    }
    if (asked > 0) {
      check_fail(__FILE__, __LINE__, "%zu bytes by %s, compression %d, role %d: asked %ld times", size, style_names[style], how,
                 role, asked);
    }
    EXPECT_STATUS(ws_prepared_free(prepared), WS_OK);
    pair_close(&p);
  }
  printf("%d cells\n", CELLS);
}

static long blocks_now(void) { return __atomic_load_n(&blocks, __ATOMIC_SEQ_CST); }

/* Connections that have written and read hold no buffer while they do neither, also one whose write has failed: what they used
 * lies in the pool, a few blocks for all of them. */
static void an_idle_connection_holds_no_buffer(void) {
  enum { PAIRS = 30, POOL = 30 };
  static pair pairs[PAIRS];
  ws_prepared *prepared;
  if (is_ordinary_swift()) return; /* its runtime has memory of its own */
  compressible(message, 60000, 2);
  EXPECT_STATUS(ws_prepared_new(WS_BINARY, message, 60000, &prepared), WS_OK);
  for (int i = 0; i < PAIRS; i++) {
    REQUIRE(compressed_pair(&pairs[i], i % 2 ? ALONE : PLAIN));
    /* Its handle of a writer is made once. */
    exchange(pairs[i].client, pairs[i].server, prepared, STREAM, 10);
    exchange(pairs[i].server, pairs[i].client, prepared, STREAM, 10);
  }
  long before = blocks_now();
  for (int i = 0; i < PAIRS; i++) {
    for (int style = 0; style < STYLES; style++) {
      if (style == STREAM) continue;
      exchange(pairs[i].client, pairs[i].server, prepared, style, 60000);
      exchange(pairs[i].server, pairs[i].client, prepared, style, 60000);
    }
    int32_t type;
    ws_bytes got;
    EXPECT_STATUS(ws_conn_set_nonblocking(pairs[i].client, 1) + ws_conn_set_nonblocking(pairs[i].server, 1), WS_OK);
    EXPECT_STATUS(ws_conn_read(pairs[i].client, &type, &got), WS_AGAIN);
    EXPECT_STATUS(ws_conn_read(pairs[i].server, &type, &got), WS_AGAIN);
  }
  EXPECT(blocks_now() - before < POOL);
  printf("%d connections, %ld blocks more after their messages\n", 2 * PAIRS, blocks_now() - before);
  before = blocks_now();
  for (int i = 0; i < PAIRS; i++) {
    ws_writer *writer;
    EXPECT_STATUS(ws_conn_free(pairs[i].server), WS_OK);
    EXPECT_STATUS(ws_conn_write(pairs[i].client, WS_BINARY, message, 60000), WS_ERR_LOST);
    EXPECT_STATUS(ws_conn_next_writer(pairs[i].client, WS_BINARY, &writer), WS_ERR_LOST);
  }
  EXPECT(blocks_now() <= before);
  for (int i = 0; i < PAIRS; i++) EXPECT_STATUS(ws_conn_free(pairs[i].client), WS_OK);
  EXPECT_STATUS(ws_prepared_free(prepared), WS_OK);
}

static const check_test tests[] = {
    TEST(a_warm_connection_asks_for_no_memory),
    TEST(an_idle_connection_holds_no_buffer),
};
TEST_MAIN(tests)
