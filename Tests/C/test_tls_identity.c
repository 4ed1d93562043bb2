/* TLS of dialers and upgraders: keys and their passwords, reloading, key logs, the hook that gets the SSL_CTX, and when setters come too
 * late.
 */
#include "failures.h"
#include "tls.h"

#include <dlfcn.h>

static ws_upgrader *plain_upgrader(void) {
  ws_upgrader *upgrader = NULL;
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  return upgrader;
}

/* ---- Certificates and keys ------------------------------------------------------------------------------------ */

static void a_chain_and_a_key_from_memory_or_one_file(void) {
  for (int way = 0; way < 3; way++) {
    tls_pair pair;
    size_t chain_size, key_size;
    char *chain = tls_text("chain.pem", &chain_size), *key = tls_text("below.key", &key_size);
    ws_upgrader *upgrader = plain_upgrader();
    int status = way == 0   ? ws_upgrader_set_tls_certificate_pem(upgrader, chain, chain_size, key, key_size, NULL)
                 : way == 1 ? ws_upgrader_set_tls_certificate(upgrader, tls_file("both.pem"), tls_file("both.pem"), NULL)
                            : ws_upgrader_set_tls_certificate(upgrader, tls_file("chain.pem"), tls_file("below.key"), NULL);
    EXPECT_STATUS(status, WS_OK);
    memset(key, 0, key_size); /* it was copied */
    free(chain);
    free(key);
    if (tls_connect(&pair, tls_dialer(), upgrader)) tls_passes(pair.client, pair.server, "good");
    tls_close(&pair);
  }
}

static void bad_certificates_and_keys(void) {
  static const struct {
    const char *chain, *key;
    int os_errno, is_tls_error;
    const char *text;
  } bad[] = {
      {"absent.pem", "good.key", ENOENT, 0, "cannot be read: No such file"},
      {"good.pem", "absent.key", ENOENT, 0, "cannot be read: No such file"},
      {"empty.pem", "good.key", 0, 0, "no certificate"},
      {"good.pem", "empty.pem", 0, 1, "no private key"},
      {"good.pem", "client.key", 0, 1, "does not belong to the certificate"},
      {"weak.pem", "weak.key", 0, 1, "ee key too small"},
      {"good.pem", "encrypted.key", 0, 1, "password is missing or wrong"},
  };
  ws_dialer *dialer;
  ws_upgrader *upgrader = plain_upgrader();
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    wanted want = {.code = WS_ERR_TLS, .who = WS_BY_US, .os_errno = bad[i].os_errno, .is_tls_error = bad[i].is_tls_error,
                   .text = bad[i].text};
    ws_failure got = none();
    int status = ws_upgrader_set_tls_certificate(upgrader, tls_file(bad[i].chain), tls_file(bad[i].key), &got);
    expect_failure(&got, status, want);
    status = ws_dialer_set_tls_certificate(dialer, tls_file(bad[i].chain), tls_file(bad[i].key), &got);
    expect_failure(&got, status, want);
  }
  EXPECT_STATUS(ws_upgrader_set_tls_certificate(upgrader, NULL, "x", NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_tls_certificate(upgrader, tls_file("good.pem"), NULL, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_tls_certificate(dialer, NULL, "x", NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_tls_certificate_pem(upgrader, NULL, 1, "x", 1, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_tls_certificate_pem(dialer, "x", 1, NULL, 1, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_tls_certificate_pem(dialer, NULL, 0, NULL, 0, NULL), WS_ERR_TLS);
  /* Nothing is not the same as no call: a server that means to speak TLS must not come up without. */
  EXPECT_STATUS(ws_upgrader_set_tls_certificate(upgrader, "", "", NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_tls_certificate_pem(upgrader, NULL, 0, NULL, 0, NULL), WS_ERR_TLS);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
}

/* ---- Passwords ------------------------------------------------------------------------------------------------ */

typedef struct secret {
  const char *text; /* NULL: there is none */
  int asked, freed;
} secret;

static int tell(char *space, size_t room, void *user) WS_NOEXCEPT {
  secret *s = user;
  s->asked += 1;
  if (s->text == NULL) return -1;
  EXPECT(room >= strlen(s->text));
  memcpy(space, s->text, strlen(s->text));
  return (int)strlen(s->text);
}

static int tell_too_much(char *space, size_t room, void *user) WS_NOEXCEPT {
  (void)space, (void)user;
  return (int)room + 1;
}

static void count_free(void *user) WS_NOEXCEPT { ((secret *)user)->freed += 1; }

static int load_encrypted(ws_upgrader *upgrader) {
  return ws_upgrader_set_tls_certificate(upgrader, tls_file("good.pem"), tls_file("encrypted.key"), NULL);
}

static void an_encrypted_key_needs_its_password(void) {
  secret right = {"open-sesame", 0, 0}, wrong = {"wrong", 0, 0}, no = {NULL, 0, 0};
  ws_upgrader *upgrader = plain_upgrader();
  EXPECT_STATUS(ws_upgrader_set_tls_key_password(upgrader, "wrong"), WS_OK);
  EXPECT_STATUS(load_encrypted(upgrader), WS_ERR_TLS);
  EXPECT_STATUS(ws_upgrader_set_tls_key_password(upgrader, NULL), WS_OK);
  EXPECT_STATUS(load_encrypted(upgrader), WS_ERR_TLS);
  EXPECT_STATUS(ws_upgrader_set_tls_password_callback(upgrader, tell, &wrong, count_free), WS_OK);
  EXPECT_STATUS(load_encrypted(upgrader), WS_ERR_TLS);
  EXPECT_STATUS(ws_upgrader_set_tls_password_callback(upgrader, tell, &no, count_free), WS_OK);
  EXPECT(wrong.asked == 1 && wrong.freed == 1);
  EXPECT_STATUS(load_encrypted(upgrader), WS_ERR_TLS);
  EXPECT_STATUS(ws_upgrader_set_tls_password_callback(upgrader, tell_too_much, NULL, NULL), WS_OK);
  EXPECT(no.asked == 1 && no.freed == 1);
  EXPECT_STATUS(load_encrypted(upgrader), WS_ERR_TLS);
  EXPECT_STATUS(ws_upgrader_set_tls_password_callback(upgrader, tell, &right, count_free), WS_OK);
  EXPECT_STATUS(load_encrypted(upgrader), WS_OK);
  EXPECT(right.asked == 1);
  EXPECT_STATUS(ws_upgrader_reload_tls(upgrader, NULL), WS_OK);
  EXPECT(right.asked == 2 && right.freed == 0);
  tls_pair pair;
  if (tls_connect(&pair, tls_dialer(), upgrader)) tls_passes(pair.client, pair.server, "decrypted");
  tls_close(&pair);
  EXPECT_INT(right.freed, 1);
}

static void the_same_for_a_dialer(void) {
  secret right = {"open-sesame", 0, 0};
  ws_dialer *dialer;
  const char *chain = tls_file("good.pem"), *key = tls_file("encrypted.key");
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_set_tls_certificate(dialer, chain, key, NULL), WS_ERR_TLS);
  EXPECT_STATUS(ws_dialer_set_tls_key_password(dialer, "open-sesame"), WS_OK);
  EXPECT_STATUS(ws_dialer_set_tls_certificate(dialer, chain, key, NULL), WS_OK);
  EXPECT_STATUS(ws_dialer_set_tls_password_callback(dialer, NULL, &right, count_free), WS_OK);
  EXPECT_INT(right.freed, 1);
  EXPECT_STATUS(ws_dialer_set_tls_certificate(dialer, chain, key, NULL), WS_ERR_TLS);
  EXPECT_STATUS(ws_dialer_set_tls_password_callback(dialer, tell, &right, count_free), WS_OK);
  EXPECT_STATUS(ws_dialer_set_tls_certificate(dialer, chain, key, NULL), WS_OK);
  EXPECT_INT(right.asked, 1);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  EXPECT_INT(right.freed, 2);
}

/* ---- Reloading ------------------------------------------------------------------------------------------------ */

static void copy_file(const char *from, const char *to) {
  size_t size;
  char *text = tls_text(from, &size);
  FILE *file = fopen(tls_file(to), "wb");
  EXPECT(file != NULL && fwrite(text, 1, size, file) == size);
  if (file != NULL) fclose(file);
  free(text);
}

/* The subject that a server shows; "" when it shows none that is accepted. */
static const char *shown(ws_upgrader *upgrader) {
  static char subject[64];
  tls_pair pair;
  ws_bytes name = {NULL, 0};
  ws_dialer *dialer = tls_dialer();
  EXPECT_STATUS(ws_dialer_set_tls_insecure_skip_verify(dialer, 1), WS_OK);
  if (tls_open(&pair, dialer, upgrader, "wss://localhost/")) EXPECT_STATUS(ws_conn_tls(pair.client, NULL, &name, NULL), WS_OK);
  snprintf(subject, sizeof subject, "%.*s", (int)name.size, name.data == NULL ? "" : (const char *)name.data);
  tls_close(&pair);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  return subject;
}

static void reloading_is_all_or_nothing(void) {
  tls_pair old;
  ws_upgrader *upgrader = plain_upgrader();
  EXPECT_STATUS(ws_upgrader_reload_tls(upgrader, NULL), WS_ERR_STATE);
  copy_file("good.pem", "served.pem");
  copy_file("good.key", "served.key");
  EXPECT_STATUS(ws_upgrader_set_tls_certificate(upgrader, tls_file("served.pem"), tls_file("served.key"), NULL), WS_OK);
  ws_dialer *dialer = tls_dialer();
  REQUIRE(tls_open(&old, dialer, upgrader, "wss://localhost/"));
  EXPECT_TEXT(shown(upgrader), "CN=good");
  /* Half of it is new: all stays as it was. */
  copy_file("wildcard.pem", "served.pem");
  ws_failure got = none();
  int status = ws_upgrader_reload_tls(upgrader, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_TLS, .who = WS_BY_US, .is_tls_error = 1, .text = "does not belong"});
  EXPECT_TEXT(shown(upgrader), "CN=good");
  copy_file("wildcard.key", "served.key");
  EXPECT_STATUS(ws_upgrader_reload_tls(upgrader, &got), WS_OK);
  EXPECT_TEXT(shown(upgrader), "CN=wildcard");
  /* Another certificate, in use, and one that is bad. */
  EXPECT_STATUS(ws_upgrader_set_tls_certificate(upgrader, tls_file("client.pem"), tls_file("client.key"), NULL), WS_OK);
  EXPECT_TEXT(shown(upgrader), "CN=client one,O=wsswift tests");
  EXPECT_STATUS(ws_upgrader_set_tls_certificate(upgrader, tls_file("good.pem"), tls_file("client.key"), NULL), WS_ERR_TLS);
  EXPECT_STATUS(ws_upgrader_reload_tls(upgrader, NULL), WS_OK);
  EXPECT_TEXT(shown(upgrader), "CN=client one,O=wsswift tests");
  tls_passes(old.client, old.server, "what was open before stays");
  tls_close(&old);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
}

typedef struct reloader {
  ws_upgrader *upgrader;
  int stop;
} reloader;

static void *reload_again_and_again(void *argument) {
  reloader *r = argument;
  while (!__atomic_load_n(&r->stop, __ATOMIC_SEQ_CST)) EXPECT_STATUS(ws_upgrader_reload_tls(r->upgrader, NULL), WS_OK);
  return NULL;
}

static void reloading_while_connections_are_opened(void) {
  pthread_t threads[2];
  reloader r = {tls_upgrader("good"), 0};
  ws_dialer *dialer = tls_dialer();
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, reload_again_and_again, &r);
  for (int i = 0; i < 30; i++) {
    tls_pair pair;
    if (EXPECT(tls_open(&pair, dialer, r.upgrader, "wss://localhost/"))) tls_passes(pair.server, pair.client, "fresh");
    tls_close(&pair);
  }
  __atomic_store_n(&r.stop, 1, __ATOMIC_SEQ_CST);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(r.upgrader), WS_OK);
}

/* ---- Key logs ------------------------------------------------------------------------------------------------- */

static void secrets_are_logged_for_their_owner_alone(void) {
  tls_pair pair;
  size_t size;
  struct stat status;
  ws_dialer *dialer = tls_dialer();
  ws_upgrader *upgrader = tls_upgrader("good");
  EXPECT_STATUS(ws_dialer_set_tls_key_log(dialer, tls_file("client.log"), NULL), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_tls_key_log(upgrader, tls_file("server.log"), NULL), WS_OK);
  REQUIRE(tls_connect(&pair, dialer, upgrader));
  tls_close(&pair);
  char *ours = tls_text("client.log", &size);
  EXPECT(size > 200 && strncmp(ours, "SERVER_HANDSHAKE_TRAFFIC_SECRET ", 32) == 0 && ours[size - 1] == '\n');
  free(ours);
  free(tls_text("server.log", &size));
  EXPECT(stat(tls_file("client.log"), &status) == 0 && (status.st_mode & 0777) == 0600);
}

static void key_logs_that_are_refused(void) {
  ws_dialer *dialer;
  ws_failure got = none();
  ws_upgrader *upgrader = plain_upgrader();
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_INT(symlink("client.log", tls_file("link.log")), 0);
  int status = ws_dialer_set_tls_key_log(dialer, tls_file("link.log"), &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_IO, .who = WS_BY_SYSTEM, .os_errno = ELOOP, .text = "symbolic links"});
  status = ws_upgrader_set_tls_key_log(upgrader, tls_file("link.log"), &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_IO, .who = WS_BY_SYSTEM, .os_errno = ELOOP, .text = "symbolic links"});
  EXPECT_INT(link(tls_file("good.pem"), tls_file("second.log")), 0);
  status = ws_dialer_set_tls_key_log(dialer, tls_file("second.log"), &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_IO, .who = WS_BY_SYSTEM, .os_errno = EINVAL, .text = "the system refused"});
  EXPECT_INT(unlink(tls_file("second.log")), 0);
  EXPECT_STATUS(ws_dialer_set_tls_key_log(dialer, "/dev/null", NULL), WS_ERR_IO);
  EXPECT_STATUS(ws_dialer_set_tls_key_log(dialer, "/absent/log", NULL), WS_ERR_IO);
  EXPECT_STATUS(ws_dialer_set_tls_key_log(dialer, NULL, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_tls_key_log(dialer, "", NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
}

/* ---- OpenSSL's own object ------------------------------------------------------------------------------------- */

typedef struct hooked {
  int calls, freed, answer;
  void *context;
  long (*control)(void *context, int command, long number, void *pointer);
} hooked;

enum { SESS_HITS = 27, SET_MAX_PROTO_VERSION = 124, TLS1_2 = 0x0303 };

static int limit_to_tls_1_2(void *ssl_ctx, void *libssl, void *user) WS_NOEXCEPT {
  hooked *h = user;
  void *symbol = dlsym(libssl, "SSL_CTX_ctrl");
  h->calls += 1;
  h->context = ssl_ctx;
  memcpy(&h->control, &symbol, sizeof symbol);
  if (EXPECT(ssl_ctx != NULL && symbol != NULL)) EXPECT_INT(h->control(ssl_ctx, SET_MAX_PROTO_VERSION, TLS1_2, NULL), 1);
  return h->answer;
}

static int look_only(void *ssl_ctx, void *libssl, void *user) WS_NOEXCEPT {
  hooked *h = user;
  void *symbol = dlsym(libssl, "SSL_CTX_ctrl");
  h->calls += 1;
  h->context = ssl_ctx;
  memcpy(&h->control, &symbol, sizeof symbol);
  return h->answer;
}

static void hook_freed(void *user) WS_NOEXCEPT { ((hooked *)user)->freed += 1; }

static void a_hook_gets_the_context(void) {
  hooked of_client = {0}, of_server = {0};
  tls_pair pair;
  ws_bytes version;
  ws_dialer *dialer = tls_dialer();
  ws_upgrader *upgrader = plain_upgrader();
  EXPECT_STATUS(ws_dialer_set_tls_context_hook(dialer, limit_to_tls_1_2, &of_client, hook_freed), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_tls_context_hook(upgrader, limit_to_tls_1_2, &of_server, hook_freed), WS_OK);
  EXPECT(of_client.calls == 0 && of_server.calls == 0);
  EXPECT_STATUS(ws_upgrader_set_tls_certificate(upgrader, tls_file("good.pem"), tls_file("good.key"), NULL), WS_OK);
  EXPECT_INT(of_server.calls, 1);
  REQUIRE(tls_open(&pair, dialer, upgrader, "wss://localhost/"));
  EXPECT_INT(of_client.calls, 1);
  EXPECT_STATUS(ws_conn_tls(pair.client, &version, NULL, NULL), WS_OK);
  EXPECT_BYTES(version.data, version.size, "TLSv1.2", 7);
  tls_passes(pair.client, pair.server, "older");
  EXPECT_STATUS(ws_upgrader_reload_tls(upgrader, NULL), WS_OK);
  EXPECT_INT(of_server.calls, 2);
  tls_close(&pair);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
  EXPECT(of_client.freed == 1 && of_server.freed == 1);
}

static void a_hook_can_refuse(void) {
  hooked h = {.answer = 1};
  tls_pair pair;
  ws_failure got = none();
  ws_dialer *dialer = tls_dialer();
  ws_upgrader *upgrader = tls_upgrader("good");
  EXPECT_STATUS(ws_dialer_set_tls_context_hook(dialer, look_only, &h, hook_freed), WS_OK);
  EXPECT(!tls_open(&pair, dialer, upgrader, "wss://localhost/"));
  EXPECT_STATUS(pair.client_status, WS_ERR_CALLBACK);
  tls_close(&pair);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  upgrader = plain_upgrader();
  EXPECT_STATUS(ws_upgrader_set_tls_context_hook(upgrader, look_only, &h, hook_freed), WS_OK);
  int status = ws_upgrader_set_tls_certificate(upgrader, tls_file("good.pem"), tls_file("good.key"), &got);
  EXPECT_STATUS(status, WS_ERR_CALLBACK);
  EXPECT_INT(got.code, WS_ERR_CALLBACK);
  EXPECT_STATUS(ws_upgrader_set_tls_context_hook(upgrader, NULL, NULL, NULL), WS_OK);
  EXPECT_INT(h.freed, 1);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
  EXPECT_INT(h.freed, 2);
}

/* The client offers what an earlier connection gave it; what came of it is counted by the server's context. */
static void sessions_are_resumed(void) {
  for (int is_on = 0; is_on < 2; is_on++) {
    hooked h = {0};
    ws_dialer *dialer = tls_dialer();
    ws_upgrader *upgrader = tls_upgrader("good");
    EXPECT_STATUS(ws_upgrader_set_tls_context_hook(upgrader, look_only, &h, NULL), WS_OK);
    if (!is_on) EXPECT_STATUS(ws_dialer_set_tls_resumption(dialer, 0), WS_OK);
    for (int i = 0; i < 4; i++) {
      tls_pair pair;
      REQUIRE(tls_open(&pair, dialer, upgrader, i == 3 ? "wss://127.0.0.1/" : "wss://localhost/"));
      tls_passes(pair.server, pair.client, "tickets come with it");
      tls_close(&pair);
    }
    EXPECT_INT(h.control(h.context, SESS_HITS, 0, NULL), is_on ? 2 : 0);
    EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
  }
}

/* ---- Too late ------------------------------------------------------------------------------------------------- */

static void setters_after_the_first_use(void) {
  tls_pair pair;
  secret s = {"x", 0, 0};
  ws_dialer *dialer = tls_dialer();
  ws_upgrader *upgrader = tls_upgrader("good"), *plain = plain_upgrader();
  REQUIRE(tls_open(&pair, dialer, upgrader, "wss://localhost/"));
  tls_close(&pair);
  EXPECT_STATUS(ws_dialer_add_tls_ca_file(dialer, tls_file("ca.pem"), NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_add_tls_ca_dir(dialer, tls_file("directory"), NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_add_tls_ca_pem(dialer, "x", 1, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_add_tls_ca_system(dialer, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_tls_certificate(dialer, tls_file("client.pem"), tls_file("client.key"), NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_tls_certificate_pem(dialer, "x", 1, "x", 1, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_tls_key_password(dialer, "x"), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_tls_password_callback(dialer, tell, &s, count_free), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_tls_server_name(dialer, "x"), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_tls_insecure_skip_verify(dialer, 1), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_tls_resumption(dialer, 1), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_tls_key_log(dialer, tls_file("late.log"), NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_tls_context_hook(dialer, look_only, &s, count_free), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_tls_client_ca(upgrader, tls_file("ca.pem"), WS_TLS_REQUIRED, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_tls_client_ca_pem(upgrader, "x", 1, WS_TLS_REQUIRED, NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_tls_key_password(upgrader, "x"), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_tls_password_callback(upgrader, tell, &s, count_free), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_tls_key_log(upgrader, tls_file("late.log"), NULL), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_tls_context_hook(upgrader, look_only, &s, count_free), WS_ERR_STATE);
  EXPECT_INT(s.freed, 4);
  EXPECT(access(tls_file("late.log"), F_OK) != 0);
  /* A server that began without TLS does not begin it half-way. */
  int ends[2];
  peer_sockets(ends);
  ws_upgrade *upgrade;
  EXPECT_STATUS(ws_upgrade_new(plain, ends[0], NULL, 0, &upgrade), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_tls_certificate(plain, tls_file("good.pem"), tls_file("good.key"), NULL), WS_ERR_STATE);
  close(ends[1]);
  EXPECT_STATUS(ws_upgrade_free(upgrade), WS_OK);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader) + ws_upgrader_free(plain), WS_OK);
}

static const check_test tests[] = {
    TEST(a_chain_and_a_key_from_memory_or_one_file),
    TEST(bad_certificates_and_keys),
    TEST(an_encrypted_key_needs_its_password),
    TEST(the_same_for_a_dialer),
    TEST(reloading_is_all_or_nothing),
    TEST(reloading_while_connections_are_opened),
    TEST(secrets_are_logged_for_their_owner_alone),
    TEST(key_logs_that_are_refused),
    TEST(a_hook_gets_the_context),
    TEST(a_hook_can_refuse),
    TEST(sessions_are_resumed),
    TEST(setters_after_the_first_use),
};
TEST_MAIN(tests)
