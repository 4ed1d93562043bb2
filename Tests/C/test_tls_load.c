/* OpenSSL is loaded when TLS is first wanted: never by a program that speaks ws://, in any of its calls; and where it is missing, or
 * not what its name says, that is an error with a text. Each case is a process of its own: this program again, with an argument.
 */
#include "failures.h"
#include "tls.h"

#include <spawn.h>
#include <sys/wait.h>

extern char **environ;
static const char *self;

/* Whether a file of that name is mapped. */
static int is_loaded(const char *name) {
  char line[512];
  int found = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) found |= strstr(line, name) != NULL;
  if (maps != NULL) fclose(maps);
  return found;
}

/* Opens, uses and closes a connection without TLS, and fails in some ways. */
static int speak_plainly(void) {
  wire w;
  ws_conn *conn;
  ws_failure failure = {.struct_size = sizeof failure};
  ws_bytes none_of_it;
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    if (!wire_open(&w, role)) return 0;
    wire_put_text(&w, 0x81, "plain");
    wire_reads(&w, "plain");
    wire_write_gives(&w, "text", WS_OK);
    EXPECT_STATUS(ws_conn_tls(w.conn, &none_of_it, &none_of_it, &none_of_it), WS_OK);
    wire_close(&w);
  }
  EXPECT_STATUS(ws_dialer_dial(NULL, "ws://127.0.0.1:1/", 0, &conn, &failure), WS_ERR_CONNECT);
  EXPECT(ws_strerror(WS_ERR_TLS)[0] != '\0');
  return 1;
}

static int child_plain(void) {
  EXPECT(!is_loaded("libssl") && !is_loaded("libcrypto"));
  EXPECT(speak_plainly());
  EXPECT(!is_loaded("libssl") && !is_loaded("libcrypto"));
  EXPECT_INT(ws_has(WS_FEATURE_TLS), 1);
  EXPECT(is_loaded("libssl.so.3") && is_loaded("libcrypto.so.3"));
  return 0;
}

/* The first call that wants TLS is a dial. */
static int child_first_use(void) {
  ws_conn *conn;
  EXPECT(speak_plainly());
  EXPECT(!is_loaded("libssl"));
  EXPECT_STATUS(ws_dialer_dial(NULL, "wss://127.0.0.1:1/", 0, &conn, NULL), WS_ERR_CONNECT);
  EXPECT(!is_loaded("libssl")); /* there was nobody to speak TLS with */
  int ends[2];
  tls_pair pair = {.fd = -1};
  peer_sockets(ends);
  close(ends[0]);
  tls_dial(&pair, NULL, ends[1], "wss://localhost/");
  EXPECT(pair.client_status != WS_OK);
  EXPECT(is_loaded("libssl"));
  return 0;
}

static void *ask(void *unused) {
  (void)unused;
  EXPECT_INT(ws_has(WS_FEATURE_TLS), 1);
  return NULL;
}

static int child_many_threads(void) {
  pthread_t threads[16];
  for (int i = 0; i < 16; i++) pthread_create(&threads[i], NULL, ask, NULL);
  for (int i = 0; i < 16; i++) pthread_join(threads[i], NULL);
  tls_pair pair;
  if (EXPECT(tls_usual(&pair))) tls_passes(pair.client, pair.server, "loaded once");
  tls_close(&pair);
  return 0;
}

/* Everything that wants TLS says so; everything else works. */
static int child_without(const char *text) {
  int ends[2];
  tls_pair pair = {.fd = -1};
  ws_dialer *dialer;
  ws_upgrader *upgrader;
  ws_failure got = none();
  wanted want = {.code = WS_ERR_TLS, .who = WS_BY_SYSTEM, .text = text};
  EXPECT_INT(ws_has(WS_FEATURE_TLS), 0);
  EXPECT_STATUS(ws_dialer_new(&dialer) + ws_upgrader_new(&upgrader), WS_OK);
  expect_failure(&got, ws_dialer_add_tls_ca_file(dialer, "/dev/null", &got), want);
  got = none();
  int status = ws_dialer_set_tls_certificate(dialer, "/dev/null", "/dev/null", &got);
  expect_failure(&got, status, want);
  got = none();
  status = ws_upgrader_set_tls_certificate(upgrader, "/dev/null", "/dev/null", &got);
  expect_failure(&got, status, want);
  peer_sockets(ends);
  tls_dial(&pair, dialer, ends[1], "wss://localhost/");
  expect_failure(&pair.client_failure, pair.client_status, want);
  close(ends[0]);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
  EXPECT(speak_plainly());
  return 0;
}

/* ---- Children ------------------------------------------------------------------------------------------------- */

/* Runs this program again with an argument, and with a folder in front of where libraries are looked for. */
static void run_child(const char *name, const char *folder) {
  const char *arguments[] = {self, "--child", name, NULL};
  char path[1024];
  const char *before = getenv("LD_LIBRARY_PATH");
  pid_t child;
  int status = -1;
  snprintf(path, sizeof path, "%s%s%s", folder, folder[0] != '\0' && before != NULL ? ":" : "", before == NULL ? "" : before);
  char *old = before == NULL ? NULL : strdup(before);
  setenv("LD_LIBRARY_PATH", path, 1);
  EXPECT_INT(posix_spawn(&child, self, NULL, NULL, (char **)(uintptr_t)arguments, environ), 0);
  if (old == NULL) unsetenv("LD_LIBRARY_PATH");
  if (old != NULL) setenv("LD_LIBRARY_PATH", old, 1);
  free(old);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) check_fail(__FILE__, __LINE__, "the child for %s ended with %d", name, status);
}

/* A folder with something under the name of OpenSSL. */
static const char *folder_with(const char *name, const char *command) {
  static char folder[256];
  char line[1024];
  snprintf(folder, sizeof folder, "%s", tls_file(name));
  snprintf(line, sizeof line, "mkdir -p '%s' && cd '%s' && %s", folder, folder, command);
  EXPECT(tls_run(line));
  return folder;
}

static void a_plain_program_never_loads_openssl(void) { run_child("plain", ""); }
static void the_first_use_loads_it(void) { run_child("first-use", ""); }
static void many_threads_load_it_once(void) { run_child("many-threads", ""); }

static void where_it_is_missing(void) { run_child("missing", folder_with("no-openssl", "echo 'no library' >libssl.so.3")); }

static void where_it_is_something_else(void) {
  run_child("unusable", folder_with("other", "cp \"$(ldconfig -p | sed -n 's/.*libz.so.1 .*=> //p' | head -n 1)\" libssl.so.3"));
}

static const check_test tests[] = {
    TEST(a_plain_program_never_loads_openssl),
    TEST(the_first_use_loads_it),
    TEST(many_threads_load_it_once),
    TEST(where_it_is_missing),
    TEST(where_it_is_something_else),
};

static int run_as_child(const char *name) {
  int status = strcmp(name, "plain") == 0          ? child_plain()
               : strcmp(name, "first-use") == 0    ? child_first_use()
               : strcmp(name, "many-threads") == 0 ? child_many_threads()
               : strcmp(name, "missing") == 0      ? child_without("libssl.so.3), which cannot be loaded")
                                                   : child_without("is not one, or lacks functions");
  if (check_now.failed) fprintf(stderr, "%s\n", check_now.why);
  return status != 0 || check_now.failed;
}

int main(int argc, char **argv) {
  self = argv[0];
  if (argc == 3 && strcmp(argv[1], "--child") == 0) return run_as_child(argv[2]);
  return check_main(tests, sizeof tests / sizeof tests[0], argc, argv);
}
