/* Over TLS, what is meant for one server is not shown to another: neither to one that a redirect leads to, nor to a proxy on the way.
 */
#include "proxy.h"

enum { VISITS = 4 };

/* A server that sends clients of /from elsewhere, and keeps what each of them showed. */
typedef struct site {
  echoes server;
  char location[200];
  int visits;
  char seen[VISITS][400]; /* the fields of a request that matter here, and the client's certificate */
} site;

/* Decides about a request. */
static int receive(ws_upgrade *upgrade, void *user) WS_NOEXCEPT {
  static const char *const names[] = {"Authorization", "Cookie", "X-Own", "Host"};
  site *self = user;
  ws_bytes path, subject, value;
  const ws_headers *headers;
  EXPECT_STATUS(ws_upgrade_look(upgrade, &path, NULL, &headers), WS_OK);
  EXPECT_STATUS(ws_upgrade_tls(upgrade, NULL, &subject, NULL), WS_OK);
  if (self->visits < VISITS) {
    char *text = self->seen[self->visits++];
    size_t room = sizeof self->seen[0];
    int used = snprintf(text, room, "%.*s", (int)path.size, (const char *)path.data);
    for (int i = 0; i < 4; i++) {
      if (ws_headers_find(headers, names[i], &value) != WS_OK) continue;
      used += snprintf(text + used, room - (size_t)used, "|%s %.*s", names[i], (int)value.size, (const char *)value.data);
    }
    snprintf(text + used, room - (size_t)used, "|%.*s", (int)subject.size, (const char *)subject.data);
  }
  if (path.size != 5 || memcmp(path.data, "/from", 5) != 0) return 0;
  EXPECT_STATUS(ws_upgrade_add_header(upgrade, "Location", self->location), WS_OK);
  return ws_upgrade_refuse(upgrade, 302, NULL, 0) == WS_OK;
}

/* Starts it with this certificate, or without TLS. */
static void site_start(site *self, const char *certificate) {
  ws_upgrader *upgrader = NULL;
  if (certificate == NULL) {
    EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  } else {
    upgrader = tls_upgrader(certificate);
    EXPECT_STATUS(ws_upgrader_set_tls_client_ca(upgrader, tls_file("ca.pem"), WS_TLS_OPTIONAL, NULL), WS_OK);
  }
  EXPECT_STATUS(ws_upgrader_set_request_callback(upgrader, receive, self, NULL), WS_OK);
  echoes_start(&self->server, upgrader);
}

static void leads_to(site *self, const char *format, const site *other) {
  snprintf(self->location, sizeof self->location, format, other->server.port);
}

/* A dialer with everything that only the first server is meant to see. */
static ws_dialer *trusting(void) {
  ws_dialer *dialer = tls_dialer();
  EXPECT_STATUS(ws_dialer_set_redirects(dialer, 3, NULL, NULL, NULL), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "Cookie", "id=crumb"), WS_OK);
  EXPECT_STATUS(ws_dialer_add_header(dialer, "X-Own", "aunter"), WS_OK);
  EXPECT_STATUS(ws_dialer_set_tls_certificate(dialer, tls_file("client.pem"), tls_file("client.key"), NULL), WS_OK);
  return dialer;
}

static ws_conn *conn;
static ws_failure got;

/* Dials /from with a user and a password, and frees the dialer. */
static int visit(ws_dialer *dialer, const char *scheme, const site *where) {
  char url[200];
  snprintf(url, sizeof url, "%s://alice:hunter2@localhost:%d/from", scheme, where->server.port);
  int status = proxy_dial(dialer, url, &conn, &got);
  if (status == WS_OK) echoes_back(conn, 100);
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) EXPECT(strstr(got.text, secrets[i]) == NULL);
  return status;
}

/* What a server saw of a client that shows it everything, or nothing. */
static void expect_seen(const site *self, int visit, const char *path, const char *shown, const char *subject) {
  char wanted[400];
  snprintf(wanted, sizeof wanted, "%s%s|Host localhost:%d|%s", path, shown, self->server.port, subject);
  EXPECT_TEXT(self->seen[visit], wanted);
}

#define EVERYTHING "|Authorization Basic YWxpY2U6aHVudGVyMg==|Cookie id=crumb|X-Own aunter"
#define MY_FIELDS "|Cookie id=crumb|X-Own aunter"
#define CLIENT "CN=client one,O=wsswift tests"

static void the_same_origin_is_trusted(void) {
  static const char *const locations[] = {"/there", "wss://localhost:%d/there", "https://localhost:%d/there", "//localhost:%d/there"};
  for (size_t i = 0; i < sizeof locations / sizeof locations[0]; i++) {
    site one = {.visits = 0};
    site_start(&one, "good");
    leads_to(&one, locations[i], &one);
    EXPECT_STATUS(visit(trusting(), "wss", &one), WS_OK);
    echoes_stop(&one.server);
    EXPECT_INT(one.visits, 2);
    expect_seen(&one, 0, "/from", EVERYTHING, CLIENT);
    expect_seen(&one, 1, "/there", MY_FIELDS, CLIENT); /* user and password stood in the first URL */
  }
}

/* Another port is another origin already, and so is TLS in the place of none. */
static void another_origin_sees_nothing(void) {
  static const char *const certificates[] = {"good", NULL};
  static const char *const locations[] = {"wss://localhost:%d/there", "https://localhost:%d/there"};
  for (int i = 0; i < 4; i++) {
    site one = {.visits = 0}, two = {.visits = 0};
    site_start(&one, certificates[i / 2]);
    site_start(&two, "good");
    leads_to(&one, locations[i % 2], &two);
    EXPECT_STATUS(visit(trusting(), i < 2 ? "wss" : "ws", &one), WS_OK);
    echoes_stop(&one.server);
    echoes_stop(&two.server);
    EXPECT(one.visits == 1 && two.visits == 1);
    expect_seen(&one, 0, "/from", EVERYTHING, i < 2 ? CLIENT : "");
    expect_seen(&two, 0, "/there", "", "");
  }
}

/* Who has been elsewhere is not trusted again, also where the way leads back. */
static void the_way_back_is_no_way_home(void) {
  site one = {.visits = 0}, two = {.visits = 0};
  site_start(&one, "good");
  site_start(&two, "good");
  leads_to(&one, "wss://localhost:%d/from", &two);
  leads_to(&two, "wss://localhost:%d/there", &one);
  EXPECT_STATUS(visit(trusting(), "wss", &one), WS_OK);
  echoes_stop(&one.server);
  echoes_stop(&two.server);
  EXPECT(one.visits == 2 && two.visits == 1);
  expect_seen(&two, 0, "/from", "", "");
  expect_seen(&one, 1, "/there", "", "");
}

/* The name that the certificate is checked for belongs to the first server; the next one must have its own. */
static void the_servers_name_stays_behind(void) {
  static const char *const certificates[] = {"good", "wronghost"};
  for (int i = 0; i < 2; i++) {
    site one = {.visits = 0}, two = {.visits = 0};
    ws_dialer *dialer = trusting();
    site_start(&one, "wronghost");
    site_start(&two, certificates[i]);
    leads_to(&one, "wss://localhost:%d/there", &two);
    EXPECT_STATUS(ws_dialer_set_tls_server_name(dialer, "other.example"), WS_OK);
    EXPECT_STATUS(visit(dialer, "wss", &one), i == 0 ? WS_OK : WS_ERR_TLS);
    echoes_stop(&one.server);
    echoes_stop(&two.server);
    EXPECT_INT(two.visits, i == 0);
    EXPECT_INT(got.tls_verify, i == 0 ? 0 : TLS_WRONG_NAME);
  }
}

static void nothing_leads_out_of_tls(void) {
  static const char *const locations[] = {"ws://localhost:%d/there", "http://localhost:%d/there", "HTTP://alice:hunter2@localhost:%d/"};
  for (size_t i = 0; i < sizeof locations / sizeof locations[0]; i++) {
    site one = {.visits = 0}, two = {.visits = 0};
    site_start(&one, "good");
    site_start(&two, NULL);
    leads_to(&one, locations[i], &two);
    int status = visit(trusting(), "wss", &one);
    echoes_stop(&one.server);
    echoes_stop(&two.server);
    expect_failure(&got, status, (wanted){.code = WS_ERR_STATUS, .who = WS_BY_PEER, .http_status = 302, .text = "from wss to ws"});
    EXPECT(one.visits == 1 && two.visits == 0);
  }
}

/* An https proxy that insists on a certificate gets none; where it does not, the server behind it gets ours. */
static void a_proxy_sees_no_certificate(void) {
  static const int modes[] = {WS_TLS_OPTIONAL, WS_TLS_REQUIRED};
  for (int i = 0; i < 2; i++) {
    site behind = {.visits = 0};
    ws_upgrader *lent = NULL;
    site_start(&behind, "good");
    EXPECT_STATUS(ws_upgrader_new(&lent), WS_OK);
    EXPECT_STATUS(ws_upgrader_set_tls_context_hook(lent, proxy_borrow, NULL, NULL), WS_OK);
    EXPECT_STATUS(ws_upgrader_set_tls_client_ca(lent, tls_file("ca.pem"), modes[i], NULL), WS_OK);
    EXPECT_STATUS(ws_upgrader_set_tls_certificate(lent, tls_file("good.pem"), tls_file("good.key"), NULL), WS_OK);
    proxy p = {.steps = {HEAD(CONNECTED)}, .passes_on = 1, .is_tls = 1, .target = behind.server.port};
    proxy_start(&p);
    ws_dialer *dialer = trusting();
    EXPECT_STATUS(ws_dialer_set_proxy(dialer, proxy_url(&p, "https", "")), WS_OK);
    int status = proxy_dial(dialer, "wss://localhost/there", &conn, &got);
    EXPECT_STATUS(ws_conn_free(conn), WS_OK);
    proxy_stop(&p);
    EXPECT_STATUS(ws_upgrader_free(lent), WS_OK);
    echoes_stop(&behind.server);
    EXPECT_STATUS(status, i == 0 ? WS_OK : WS_ERR_TLS);
    EXPECT((strncmp(got.text, "proxy: ", 7) == 0) == (i == 1));
    if (i == 0) EXPECT_TEXT(behind.seen[0], "/there" MY_FIELDS "|Host localhost|" CLIENT);
    EXPECT((p.head[0] == '\0') == (i == 1)); /* nothing was asked of it */
  }
}

static const check_test tests[] = {
    TEST(the_same_origin_is_trusted),
    TEST(another_origin_sees_nothing),
    TEST(the_way_back_is_no_way_home),
    TEST(the_servers_name_stays_behind),
    TEST(nothing_leads_out_of_tls),
    TEST(a_proxy_sees_no_certificate),
};
TEST_MAIN(tests)
