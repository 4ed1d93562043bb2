/* TLS of dialers and upgraders: every kind of certificate, good and bad, on both sides; what is wrong with bad files, and what is
 * told of it.
 */
#include "failures.h"
#include "tls.h"

/* A client that believes `ca` dials this URL and gets this certificate. */
static int opens_with(const char *certificate, const char *url, tls_pair *pair) {
  ws_dialer *dialer = tls_dialer();
  ws_upgrader *upgrader = tls_upgrader(certificate);
  int is_open = tls_open(pair, dialer, upgrader, url);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
  return is_open;
}

static void good_certificates(void) {
  static const char *const good[][2] = {{"good", "wss://localhost/"},
                                        {"good", "wss://LOCALHOST./"},
                                        {"good", "wss://127.0.0.1/"},
                                        {"good", "wss://[::1]/"},
                                        {"good", "wss://[0:0:0:0:0:0:0:1]/"},
                                        {"wildcard", "wss://a.test.localhost/"},
                                        {"addressonly", "wss://127.0.0.1/"},
                                        {"serveronly", "wss://localhost/"}};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    tls_pair pair;
    if (!opens_with(good[i][0], good[i][1], &pair)) {
      check_fail(__FILE__, __LINE__, "%s for %s: %s", good[i][0], good[i][1], pair.client_failure.text);
    } else {
      tls_passes(pair.client, pair.server, "hello");
    }
    tls_close(&pair);
  }
}

static void bad_certificates(void) {
  static const struct {
    const char *certificate, *url;
    int verify;
    const char *text;
  } bad[] = {
      {"expired", "wss://localhost/", TLS_EXPIRED, "\"localhost\": certificate has expired"},
      {"self", "wss://localhost/", TLS_SELF_SIGNED, "self-signed certificate"},
      {"unknown", "wss://localhost/", TLS_UNKNOWN_ISSUER, "unable to get local issuer certificate"},
      {"below", "wss://localhost/", TLS_UNKNOWN_ISSUER, "unable to get local issuer certificate"},
      {"wronghost", "wss://localhost/", TLS_WRONG_NAME,
       "\"localhost\": hostname mismatch; it is for \"DNS:other.example, DNS:*.sub.example, IP Address:192.0.2.7\""},
      {"wronghost", "wss://127.0.0.1/", TLS_WRONG_ADDRESS, "\"127.0.0.1\": IP address mismatch; it is for \"DNS:other.example, "},
      {"wronghost", "wss://[::1]/", TLS_WRONG_ADDRESS, "\"::1\": IP address mismatch"},
      {"nameonly", "wss://localhost/", TLS_WRONG_NAME, "\"localhost\": hostname mismatch"},
      {"wildcard", "wss://test.localhost/", TLS_WRONG_NAME, "it is for \"DNS:*.test.localhost\""},
      {"wildcard", "wss://a.b.test.localhost/", TLS_WRONG_NAME, "it is for \"DNS:*.test.localhost\""},
      {"partial", "wss://foo.test.localhost/", TLS_WRONG_NAME, "it is for \"DNS:f*.test.localhost\""},
      {"addressonly", "wss://localhost/", TLS_WRONG_NAME, "it is for \"IP Address:127.0.0.1\""},
      /* What the certificate says stands escaped in the text. */
      {"rude", "wss://localhost/", TLS_WRONG_NAME, "it is for \"DNS:a\\x22\\x0a.[31mx.y\""},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    tls_pair pair;
    EXPECT(!opens_with(bad[i].certificate, bad[i].url, &pair));
    expect_failure(&pair.client_failure, pair.client_status,
                   (wanted){.code = WS_ERR_TLS, .who = WS_BY_PEER, .is_tls_error = 1, .tls_verify = bad[i].verify, .text = bad[i].text});
    /* The server hears of it by an alert. */
    expect_failure(&pair.server_failure, pair.server_status,
                   (wanted){.code = WS_ERR_TLS, .who = WS_BY_PEER, .is_tls_error = 1, .text = "alert"});
    tls_close(&pair);
  }
}

static void a_nul_in_a_name_hides_nothing(void) {
  tls_pair pair;
  EXPECT(!opens_with("nul", "wss://localhost/", &pair));
  EXPECT_STATUS(pair.client_status, WS_ERR_TLS);
  tls_close(&pair);
}

static void the_systems_issuers_know_none_of_ours(void) {
  tls_pair pair;
  ws_upgrader *upgrader = tls_upgrader("good");
  EXPECT(!tls_open(&pair, NULL, upgrader, "wss://localhost/"));
  EXPECT_STATUS(pair.client_status, WS_ERR_TLS);
  EXPECT_INT(pair.client_failure.tls_verify, TLS_UNKNOWN_ISSUER);
  tls_close(&pair);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

/* ---- Whom a client believes ----------------------------------------------------------------------------------- */

enum { BY_FILE, BY_DIRECTORY, BY_MEMORY, WAYS };

static int add_issuer(ws_dialer *dialer, int way, ws_failure *failure) {
  size_t size;
  if (way == BY_FILE) return ws_dialer_add_tls_ca_file(dialer, tls_file("ca.pem"), failure);
  if (way == BY_DIRECTORY) return ws_dialer_add_tls_ca_dir(dialer, tls_file("directory"), failure);
  char *text = tls_text("ca.pem", &size);
  int status = ws_dialer_add_tls_ca_pem(dialer, text, size, failure);
  memset(text, 'x', size); /* it was copied */
  free(text);
  return status;
}

static void issuers_from_everywhere(void) {
  for (int way = 0; way < WAYS; way++) {
    for (int with_others = 0; with_others < 2; with_others++) {
      ws_dialer *dialer;
      tls_pair pair;
      ws_failure failure = none();
      REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
      if (with_others) EXPECT_STATUS(ws_dialer_add_tls_ca_file(dialer, tls_file("otherca.pem"), NULL), WS_OK);
      if (with_others) EXPECT_STATUS(ws_dialer_add_tls_ca_system(dialer, &failure), WS_OK);
      EXPECT_STATUS(add_issuer(dialer, way, &failure), WS_OK);
      EXPECT_INT(failure.code, WS_OK);
      if (tls_connect(&pair, dialer, tls_upgrader("good"))) tls_passes(pair.server, pair.client, "believed");
      tls_close(&pair);
    }
  }
}

static void bad_issuers(void) {
  ws_dialer *dialer;
  ws_failure got = none();
  wanted no_file = {.code = WS_ERR_TLS, .who = WS_BY_US, .os_errno = ENOENT, .text = "cannot be read: No such file"};
  wanted no_pem = {.code = WS_ERR_TLS, .who = WS_BY_US, .text = "no certificate"};
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  int status = ws_dialer_add_tls_ca_file(dialer, tls_file("absent.pem"), &got);
  expect_failure(&got, status, no_file);
  status = ws_dialer_add_tls_ca_dir(dialer, tls_file("absent"), &got);
  expect_failure(&got, status, no_file);
  status = ws_dialer_add_tls_ca_dir(dialer, tls_file("ca.pem"), &got);
  no_file.os_errno = ENOTDIR;
  no_file.text = "Not a directory";
  expect_failure(&got, status, no_file);
  status = ws_dialer_add_tls_ca_file(dialer, tls_file("empty.pem"), &got);
  expect_failure(&got, status, no_pem);
  status = ws_dialer_add_tls_ca_pem(dialer, "nonsense", 8, &got);
  expect_failure(&got, status, no_pem);
  status = ws_dialer_add_tls_ca_pem(dialer, NULL, 0, &got);
  expect_failure(&got, status, no_pem);
  EXPECT_STATUS(ws_dialer_add_tls_ca_file(dialer, tls_file("absent.pem"), NULL), WS_ERR_TLS);
  EXPECT_STATUS(ws_dialer_add_tls_ca_file(dialer, NULL, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_add_tls_ca_file(dialer, "", NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_add_tls_ca_dir(dialer, NULL, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_add_tls_ca_pem(dialer, NULL, 1, NULL), WS_ERR_INVALID);
  got.struct_size = 8;
  EXPECT_STATUS(ws_dialer_add_tls_ca_file(dialer, tls_file("ca.pem"), &got), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

static void checking_can_be_switched_off(void) {
  static const char *const bad[] = {"expired", "self", "wronghost"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    ws_dialer *dialer;
    tls_pair pair;
    REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
    EXPECT_STATUS(ws_dialer_set_tls_insecure_skip_verify(dialer, 1), WS_OK);
    if (tls_connect(&pair, dialer, tls_upgrader(bad[i]))) tls_passes(pair.client, pair.server, "trusting");
    tls_close(&pair);
  }
}

static void another_name_can_be_checked(void) {
  static const struct {
    const char *name, *certificate;
    int status;
  } cells[] = {{"other.example", "wronghost", WS_OK},  {"OTHER.example.", "wronghost", WS_OK}, {"a.sub.example", "wronghost", WS_OK},
               {"192.0.2.7", "wronghost", WS_OK},      {"192.0.2.8", "wronghost", WS_ERR_TLS}, {"::1", "good", WS_OK},
               {"other.example", "good", WS_ERR_TLS}};
  static const char *const wrong[] = {"", "a b", "[::1]", "a/b", "1.2.3", "x..y", "\xc3\xa4"};
  ws_dialer *dialer;
  for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
    tls_pair pair;
    ws_upgrader *upgrader = tls_upgrader(cells[i].certificate);
    dialer = tls_dialer();
    EXPECT_STATUS(ws_dialer_set_tls_server_name(dialer, "first.example"), WS_OK);
    EXPECT_STATUS(ws_dialer_set_tls_server_name(dialer, cells[i].name), WS_OK);
    tls_open(&pair, dialer, upgrader, "wss://localhost/");
    EXPECT_STATUS(pair.client_status, cells[i].status);
    tls_close(&pair);
    EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
  }
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    EXPECT_STATUS(ws_dialer_set_tls_server_name(dialer, wrong[i]), WS_ERR_INVALID);
  }
  EXPECT_STATUS(ws_dialer_set_tls_server_name(dialer, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

/* ---- Client certificates -------------------------------------------------------------------------------------- */

static ws_dialer *dialer_with(const char *certificate) {
  char chain[64], key[64];
  ws_dialer *dialer = tls_dialer();
  snprintf(chain, sizeof chain, "%s.pem", certificate == NULL ? "" : certificate);
  snprintf(key, sizeof key, "%s.key", certificate == NULL ? "" : certificate);
  if (certificate != NULL) EXPECT_STATUS(ws_dialer_set_tls_certificate(dialer, tls_file(chain), tls_file(key), NULL), WS_OK);
  return dialer;
}

static void clients_show_certificates(void) {
  static const struct {
    const char *certificate;
    int mode, server;
    int verify;
  } cells[] = {
      {"client", WS_TLS_OPTIONAL, WS_OK, 0},
      {"client", WS_TLS_REQUIRED, WS_OK, 0},
      {NULL, WS_TLS_OPTIONAL, WS_OK, 0},
      {NULL, WS_TLS_REQUIRED, WS_ERR_TLS, 0},
      {"stranger", WS_TLS_OPTIONAL, WS_ERR_TLS, TLS_UNKNOWN_ISSUER},
      {"stranger", WS_TLS_REQUIRED, WS_ERR_TLS, TLS_UNKNOWN_ISSUER},
      {"serveronly", WS_TLS_REQUIRED, WS_ERR_TLS, TLS_WRONG_PURPOSE},
  };
  for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
    tls_pair pair;
    size_t size;
    char *text = tls_text("ca.pem", &size);
    ws_dialer *dialer = dialer_with(cells[i].certificate);
    ws_upgrader *upgrader = tls_upgrader("good");
    int status = i % 2 == 0 ? ws_upgrader_set_tls_client_ca(upgrader, tls_file("ca.pem"), cells[i].mode, NULL)
                            : ws_upgrader_set_tls_client_ca_pem(upgrader, text, size, cells[i].mode, NULL);
    EXPECT_STATUS(status, WS_OK);
    free(text);
    tls_open(&pair, dialer, upgrader, "wss://localhost/");
    EXPECT_STATUS(pair.server_status, cells[i].server);
    /* The client hears of it by an alert, in place of the response. */
    EXPECT_STATUS(pair.client_status, cells[i].server);
    EXPECT_INT(pair.server_failure.tls_verify, cells[i].verify);
    if (cells[i].server != WS_OK) EXPECT(strstr(pair.client_failure.text, "\"localhost\": ") && strstr(pair.client_failure.text, "alert"));
    if (cells[i].server == WS_OK) {
      ws_bytes subject, certificate;
      const char *wanted_subject = cells[i].certificate == NULL ? "" : "CN=client one,O=wsswift tests";
      EXPECT_STATUS(ws_conn_tls(pair.server, NULL, &subject, &certificate), WS_OK);
      EXPECT_BYTES(subject.data, subject.size, wanted_subject, strlen(wanted_subject));
      EXPECT((certificate.size > 0) == (cells[i].certificate != NULL));
    }
    tls_close(&pair);
    EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
  }
}

static void bad_settings_of_client_certificates(void) {
  ws_upgrader *upgrader;
  ws_failure got = none();
  REQUIRE_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  int status = ws_upgrader_set_tls_client_ca(upgrader, tls_file("absent.pem"), WS_TLS_REQUIRED, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_TLS, .who = WS_BY_US, .os_errno = ENOENT, .text = "No such file"});
  status = ws_upgrader_set_tls_client_ca_pem(upgrader, "x", 1, WS_TLS_REQUIRED, &got);
  expect_failure(&got, status, (wanted){.code = WS_ERR_TLS, .who = WS_BY_US, .text = "no certificate"});
  EXPECT_STATUS(ws_upgrader_set_tls_client_ca(upgrader, tls_file("ca.pem"), 0, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_tls_client_ca(upgrader, tls_file("ca.pem"), 3, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_tls_client_ca(upgrader, NULL, WS_TLS_REQUIRED, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_tls_client_ca(upgrader, "", WS_TLS_REQUIRED, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_tls_client_ca_pem(upgrader, NULL, 0, WS_TLS_REQUIRED, NULL), WS_ERR_TLS);
  EXPECT_STATUS(ws_upgrader_set_tls_client_ca_pem(upgrader, NULL, 1, WS_TLS_REQUIRED, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

typedef struct dialing {
  tls_pair pair;
  ws_dialer *dialer;
  int fd;
} dialing;

static void *run_dial(void *argument) {
  dialing *d = argument;
  tls_dial(&d->pair, d->dialer, d->fd, "wss://localhost/");
  return NULL;
}

/* The subject is known before the request is answered. */
static void the_client_is_known_before_the_answer(void) {
  int ends[2];
  pthread_t thread;
  ws_upgrade *upgrade;
  ws_bytes version, subject;
  ws_upgrader *upgrader = tls_upgrader("good");
  EXPECT_STATUS(ws_upgrader_set_tls_client_ca(upgrader, tls_file("ca.pem"), WS_TLS_REQUIRED, NULL), WS_OK);
  peer_sockets(ends);
  dialing d = {.dialer = dialer_with("client"), .fd = ends[1]};
  EXPECT_STATUS(ws_upgrade_new(upgrader, ends[0], NULL, 0, &upgrade), WS_OK);
  EXPECT_STATUS(ws_upgrade_tls(upgrade, &version, &subject, NULL), WS_OK);
  EXPECT(version.size == 0 && subject.size == 0);
  pthread_create(&thread, NULL, run_dial, &d);
  EXPECT_STATUS(ws_upgrade_request(upgrade, ws_in_ms(check_limit(PEER_WAIT)), NULL, NULL, NULL), WS_OK);
  EXPECT_STATUS(ws_upgrade_tls(upgrade, &version, &subject, NULL), WS_OK);
  EXPECT_BYTES(subject.data, subject.size, "CN=client one,O=wsswift tests", 29);
  EXPECT_BYTES(version.data, version.size, "TLSv1.3", 7);
  EXPECT_STATUS(ws_upgrade_refuse(upgrade, 403, "no", 2), WS_OK);
  pthread_join(thread, NULL);
  EXPECT_STATUS(d.pair.client_status, WS_ERR_STATUS);
  EXPECT_INT(d.pair.client_failure.http_status, 403);
  EXPECT_STATUS(ws_upgrade_free(upgrade) + ws_upgrader_free(upgrader) + ws_dialer_free(d.dialer), WS_OK);
}

static const check_test tests[] = {
    TEST(good_certificates),
    TEST(bad_certificates),
    TEST(a_nul_in_a_name_hides_nothing),
    TEST(the_systems_issuers_know_none_of_ours),
    TEST(issuers_from_everywhere),
    TEST(bad_issuers),
    TEST(checking_can_be_switched_off),
    TEST(another_name_can_be_checked),
    TEST(clients_show_certificates),
    TEST(bad_settings_of_client_certificates),
    TEST(the_client_is_known_before_the_answer),
};
TEST_MAIN(tests)
