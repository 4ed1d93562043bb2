/* After fork, queries and setters on an inherited connection: no call may hang on a lock that another thread of the parent held.
 */
#include "wire.h"

#include <sys/wait.h>

static ws_conn *shared;
static int stop;

static void *set_forever(void *argument) {
  (void)argument;
  while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) ws_conn_set_read_timeout(shared, 1000);
  return NULL;
}

static int use(void) {
  uint16_t code;
  ws_bytes bytes;
  ws_failure failure = {.struct_size = sizeof failure};
  ws_statistics statistics = {.struct_size = sizeof statistics};
  int wrong = 0;
  alarm(5);
  signal(SIGALRM, SIG_DFL);
  wrong += ws_conn_set_read_timeout(shared, 1000) != WS_ERR_FORKED;
  wrong += ws_conn_close_codes(shared, &code, &bytes, &code) != WS_ERR_FORKED;
  wrong += ws_conn_failure(shared, WS_READ, &failure) != WS_ERR_FORKED;
  wrong += ws_conn_set_keepalive(shared, 1, 1) != WS_ERR_FORKED;
  wrong += ws_conn_set_background(shared, 1) != WS_ERR_FORKED;
  wrong += ws_conn_statistics(shared, &statistics) != WS_ERR_FORKED;
  wrong += ws_conn_set_ping_handler(shared, NULL, NULL, NULL) != WS_ERR_FORKED;
  wrong += ws_conn_is_closed_with(shared, &code, 1) != 0;
  wrong += ws_conn_is_closed_unexpectedly(shared, &code, 0) != 0;
  wrong += ws_conn_free(shared) != WS_OK;
  return wrong;
}

static void a_child_never_waits_for_its_parents_locks(void) {
  wire w;
  pthread_t thread;
  int hung = 0, wrong = 0;
  REQUIRE(wire_open(&w, AS_SERVER));
  shared = w.conn;
  pthread_create(&thread, NULL, set_forever, NULL);
  for (int i = 0; i < 200 && hung == 0; i++) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(use());
    waitpid(child, &status, 0);
    hung += WIFSIGNALED(status);
    if (WIFEXITED(status)) wrong += WEXITSTATUS(status);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
  pthread_join(thread, NULL);
  EXPECT_INT(hung, 0);
  EXPECT_INT(wrong, 0);
  wire_close(&w);
}

static const check_test tests[] = {TEST(a_child_never_waits_for_its_parents_locks)};
TEST_MAIN(tests)
