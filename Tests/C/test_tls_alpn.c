/* The protocols that both sides of TLS name (ALPN, RFC 7301): HTTP/1.1, and nothing else that the peer may want instead.
 */
#include "failures.h"
#include "tls.h"

#include <dlfcn.h>

/* What OpenSSL gives back to those who choose. */
enum { ALPN_CHOSEN = 0, ALPN_NOTHING = 3 };

typedef int (*alpn_choose_fn)(void *ssl, const unsigned char **chosen, unsigned char *size, const unsigned char *offered,
                              unsigned int offered_size, void *user);

/* What one side has heard and says, as names behind their lengths. */
typedef struct alpn {
  const char *says; /* NULL: nothing */
  unsigned char heard[64];
  size_t heard_size;
} alpn;

static int choose(void *ssl, const unsigned char **chosen, unsigned char *size, const unsigned char *offered,
                  unsigned int offered_size, void *user) {
  alpn *self = user;
  (void)ssl;
  self->heard_size = offered_size < sizeof self->heard ? offered_size : sizeof self->heard;
  memcpy(self->heard, offered, self->heard_size);
  if (self->says == NULL) return ALPN_NOTHING;
  *chosen = (const unsigned char *)self->says + 1;
  *size = (unsigned char)self->says[0];
  return ALPN_CHOSEN;
}

/* A hook of a server's that chooses by itself. */
static int let_choose(void *context, void *libssl, void *user) WS_NOEXCEPT {
  void (*set)(void *context, alpn_choose_fn choose, void *user);
  void *symbol = dlsym(libssl, "SSL_CTX_set_alpn_select_cb");
  if (symbol == NULL) return 1;
  memcpy(&set, &symbol, sizeof set);
  set(context, choose, user);
  return 0;
}

/* A hook of a client's that offers other protocols. */
static int offer(void *context, void *libssl, void *user) WS_NOEXCEPT {
  int (*set)(void *context, const unsigned char *list, unsigned int size);
  const alpn *self = user;
  void *symbol = dlsym(libssl, "SSL_CTX_set_alpn_protos");
  if (symbol == NULL) return 1;
  memcpy(&set, &symbol, sizeof set);
  return set(context, (const unsigned char *)self->says, (unsigned)strlen(self->says));
}

/* Opens a connection between these two; NULL: what the library does by itself. */
static void open_between(tls_pair *pair, alpn *client, alpn *server) {
  ws_dialer *dialer = tls_dialer();
  ws_upgrader *upgrader = NULL;
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  if (client != NULL) EXPECT_STATUS(ws_dialer_set_tls_context_hook(dialer, offer, client, NULL), WS_OK);
  if (server != NULL) EXPECT_STATUS(ws_upgrader_set_tls_context_hook(upgrader, let_choose, server, NULL), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_tls_certificate(upgrader, tls_file("good.pem"), tls_file("good.key"), NULL), WS_OK);
  tls_open(pair, dialer, upgrader, "wss://localhost/");
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
}

#define HTTP_1_1 "\10http/1.1"
#define HTTP_2 "\2h2"

static void http_1_1_is_offered(void) {
  static const char *const answers[] = {NULL, HTTP_1_1};
  for (int i = 0; i < 2; i++) {
    tls_pair pair;
    alpn server = {.says = answers[i]};
    open_between(&pair, NULL, &server);
    EXPECT_STATUS(pair.client_status, WS_OK);
    EXPECT_STATUS(pair.server_status, WS_OK);
    EXPECT_BYTES(server.heard, server.heard_size, HTTP_1_1, sizeof HTTP_1_1 - 1);
    if (pair.client != NULL && pair.server != NULL) tls_passes(pair.client, pair.server, "over HTTP/1.1");
    tls_close(&pair);
  }
}

/* A server must not choose what was not offered; some versions of OpenSSL say so before we do. */
static void what_was_not_offered_is_refused(void) {
  static const char *const answers[] = {HTTP_2, "\10http/1.0", "\3foo", "\7http/1.", "\11http/1.1x"};
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    tls_pair pair;
    alpn server = {.says = answers[i]};
    open_between(&pair, NULL, &server);
    EXPECT_STATUS(pair.client_status, WS_ERR_TLS);
    EXPECT_INT(pair.client_failure.who, WS_BY_PEER);
    EXPECT(pair.client == NULL && pair.server == NULL);
    tls_close(&pair);
  }
}

/* A program that offers HTTP/2 through the hook and gets it is told why that does not work. TestNextProtos. */
static void another_protocol_is_explained(void) {
  static const char *const offers[] = {HTTP_2, (HTTP_2 HTTP_1_1), (HTTP_1_1 HTTP_2)};
  for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
    tls_pair pair;
    alpn client = {.says = offers[i]}, server = {.says = HTTP_2};
    open_between(&pair, &client, &server);
    expect_failure(&pair.client_failure, pair.client_status,
                   (wanted){.code = WS_ERR_TLS, .who = WS_BY_PEER, .text = "another protocol than HTTP/1.1 (ALPN)"});
    EXPECT(strstr(pair.client_failure.text, "localhost") != NULL);
    EXPECT_BYTES(server.heard, server.heard_size, offers[i], strlen(offers[i]));
    tls_close(&pair);
  }
}

/* Our own server takes HTTP/1.1 wherever it stands in the list, and nothing else. */
static void a_server_wants_http_1_1(void) {
  static const struct {
    const char *offer;
    int is_good;
  } rows[] = {{HTTP_1_1, 1},         {(HTTP_2 HTTP_1_1), 1}, {("\3foo" HTTP_1_1 HTTP_2), 1},
              {HTTP_2, 0},           {(HTTP_2 "\3foo"), 0},  {"\7http/1.", 0},
              {"\11http/1.1x", 0}, {"\10HTTP/1.1", 0}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tls_pair pair;
    alpn client = {.says = rows[i].offer};
    open_between(&pair, &client, NULL);
    EXPECT_STATUS(pair.client_status, rows[i].is_good ? WS_OK : WS_ERR_TLS);
    EXPECT_STATUS(pair.server_status, rows[i].is_good ? WS_OK : WS_ERR_TLS);
    tls_close(&pair);
  }
}

static const check_test tests[] = {
    TEST(http_1_1_is_offered),
    TEST(what_was_not_offered_is_refused),
    TEST(another_protocol_is_explained),
    TEST(a_server_wants_http_1_1),
};
TEST_MAIN(tests)
