/* Certificates made on the fly, and connections over TLS with the library at both ends.
 */
#ifndef TLS_H
#define TLS_H

#include "wire.h"

#include <sys/stat.h>

/* Why certificates are refused: X509_V_ERR_* of OpenSSL. */
enum {
  TLS_EXPIRED = 10,
  TLS_SELF_SIGNED = 18,
  TLS_UNKNOWN_ISSUER = 20,
  TLS_WRONG_PURPOSE = 26,
  TLS_WRONG_NAME = 62,
  TLS_WRONG_ADDRESS = 64
};

static char tls_folder[] = "/tmp/wsswift-tls-XXXXXX";

static inline int tls_run(const char *command) {
  int status = system(command);
  return status == 0;
}

static inline void tls_clean(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", tls_folder);
  tls_run(command);
}

/* The path of a certificate or key, or of anything else in their folder; good for eight more calls. The first one makes them. */
static inline const char *tls_file(const char *name) {
  static char paths[8][160], command[512];
  static int next, is_made;
  if (!is_made) {
    is_made = 1;
    const char *slash = strrchr(__FILE__, '/');
    EXPECT(mkdtemp(tls_folder) != NULL);
    atexit(tls_clean);
    snprintf(command, sizeof command, "'%.*s/../Support/make_certificates' '%s'", (int)(slash - __FILE__), __FILE__, tls_folder);
    EXPECT(tls_run(command));
  }
  next = (next + 1) % 8;
  snprintf(paths[next], sizeof paths[next], "%s/%s", tls_folder, name);
  return paths[next];
}

/* The text of a file; the caller frees it. */
static inline char *tls_text(const char *name, size_t *size) {
  FILE *file = fopen(tls_file(name), "rb");
  char *text = malloc(20000);
  *size = file == NULL ? 0 : fread(text, 1, 20000, file);
  if (file != NULL) fclose(file);
  EXPECT(*size > 0);
  return text;
}

/* A server that shows this certificate, NAME.pem and NAME.key. */
static inline ws_upgrader *tls_upgrader(const char *name) {
  char chain[64], key[64];
  ws_upgrader *upgrader = NULL;
  ws_failure failure = {.struct_size = sizeof failure};
  snprintf(chain, sizeof chain, "%s.pem", name);
  snprintf(key, sizeof key, "%s.key", name);
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  if (!EXPECT_STATUS(ws_upgrader_set_tls_certificate(upgrader, tls_file(chain), tls_file(key), &failure), WS_OK)) {
    check_fail(__FILE__, __LINE__, "%s", failure.text);
  }
  return upgrader;
}

/* A client that believes the issuer of most of our certificates. */
static inline ws_dialer *tls_dialer(void) {
  ws_dialer *dialer = NULL;
  EXPECT_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_add_tls_ca_file(dialer, tls_file("ca.pem"), NULL), WS_OK);
  return dialer;
}

/* Both ends of a connection, and how their opening went. */
typedef struct tls_pair {
  ws_upgrader *upgrader;
  int fd;
  ws_conn *client, *server;
  int client_status, server_status;
  ws_failure client_failure, server_failure;
} tls_pair;

static inline void *tls_serve(void *argument) {
  tls_pair *pair = argument;
  pair->server_status = ws_upgrader_upgrade(pair->upgrader, pair->fd, NULL, 0, ws_in_ms(check_limit(PEER_WAIT)), &pair->server,
                                            &pair->server_failure);
  return NULL;
}

/* The client's half of opening a connection. */
static inline void tls_dial(tls_pair *pair, ws_dialer *dialer, int fd, const char *url) {
  ws_dial *dial = NULL;
  pair->client_failure.struct_size = sizeof(ws_failure);
  EXPECT_STATUS(ws_dial_new(dialer, url, &dial, NULL), WS_OK);
  EXPECT_STATUS(ws_dial_use_fd(dial, fd), WS_OK);
  pair->client_status = ws_dial_run(dial, ws_in_ms(check_limit(PEER_WAIT)), &pair->client, &pair->client_failure);
  EXPECT_STATUS(ws_dial_free(dial), WS_OK);
}

/* Opens a connection over these ends; 0 when it fails on either side. */
static inline int tls_open_over(tls_pair *pair, const int ends[2], ws_dialer *dialer, ws_upgrader *upgrader, const char *url) {
  pthread_t thread;
  memset(pair, 0, sizeof *pair);
  pair->upgrader = upgrader;
  pair->fd = ends[0];
  pair->server_failure.struct_size = sizeof(ws_failure);
  pthread_create(&thread, NULL, tls_serve, pair);
  tls_dial(pair, dialer, ends[1], url);
  pthread_join(thread, NULL);
  return pair->client_status == WS_OK && pair->server_status == WS_OK;
}

static inline int tls_open(tls_pair *pair, ws_dialer *dialer, ws_upgrader *upgrader, const char *url) {
  int ends[2];
  peer_sockets(ends);
  return tls_open_over(pair, ends, dialer, upgrader, url);
}

/* Frees both configurations, which the connection does not need. */
static inline int tls_connect(tls_pair *pair, ws_dialer *dialer, ws_upgrader *upgrader) {
  int is_open = tls_open(pair, dialer, upgrader, "wss://localhost/");
  EXPECT_STATUS(pair->client_status, WS_OK);
  EXPECT_STATUS(pair->server_status, WS_OK);
  EXPECT_STATUS(ws_dialer_free(dialer) + ws_upgrader_free(upgrader), WS_OK);
  return is_open;
}

/* A connection of the usual kind. */
static inline int tls_usual(tls_pair *pair) { return tls_connect(pair, tls_dialer(), tls_upgrader("good")); }

static inline void tls_close(tls_pair *pair) {
  EXPECT_STATUS(ws_conn_free(pair->client) + ws_conn_free(pair->server), WS_OK);
}

/* One text from one end to the other. */
static inline int tls_passes(ws_conn *from, ws_conn *to, const char *text) {
  int32_t type;
  ws_bytes message;
  if (!EXPECT_STATUS(ws_conn_write(from, WS_TEXT, text, strlen(text)), WS_OK)) return 0;
  if (!EXPECT_STATUS(ws_conn_read(to, &type, &message), WS_OK)) return 0;
  return EXPECT_BYTES(message.data, message.size, text, strlen(text));
}

#endif /* TLS_H */
