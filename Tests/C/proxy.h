/* A proxy made by hand, with or without TLS: it plays a script, then passes bytes on to a server; and a server that echoes.
 */
#ifndef PROXY_H
#define PROXY_H

#include "failures.h"
#include "tls.h"

#include <dlfcn.h>

/* OpenSSL's functions, found in the library that the upgrader's context belongs to. */
static struct {
  void *(*make)(void *context);
  int (*over)(void *ssl, int fd);
  int (*accept)(void *ssl);
  int (*read)(void *ssl, void *data, int size);
  int (*write)(void *ssl, const void *data, int size);
  int (*pending)(const void *ssl);
  void (*free)(void *ssl);
  void *context;
} proxy_ssl;

static inline void proxy_find(void *libssl, const char *name, void *function) {
  void *symbol = dlsym(libssl, name);
  EXPECT(symbol != NULL);
  memcpy(function, &symbol, sizeof symbol);
}

/* A hook of an upgrader: its context is borrowed, as long as the upgrader lives. */
static inline int proxy_borrow(void *context, void *libssl, void *user) WS_NOEXCEPT {
  (void)user;
  proxy_find(libssl, "SSL_new", &proxy_ssl.make);
  proxy_find(libssl, "SSL_set_fd", &proxy_ssl.over);
  proxy_find(libssl, "SSL_accept", &proxy_ssl.accept);
  proxy_find(libssl, "SSL_read", &proxy_ssl.read);
  proxy_find(libssl, "SSL_write", &proxy_ssl.write);
  proxy_find(libssl, "SSL_has_pending", &proxy_ssl.pending);
  proxy_find(libssl, "SSL_free", &proxy_ssl.free);
  proxy_ssl.context = context;
  return 0;
}

/* What a proxy waits for, a head unless said, and what it answers. */
typedef struct proxy_step {
  const char *want;
  size_t want_size;
  const char *say;
  size_t say_size;
} proxy_step;

#define HEAD(answer) {NULL, 0, answer, sizeof(answer) - 1}
#define BYTES(wanted, answer) {wanted, sizeof(wanted) - 1, answer, sizeof(answer) - 1}
#define CONNECTED "HTTP/1.1 200 Connection established\r\n\r\n"

typedef struct proxy {
  /* Set before it starts. */
  proxy_step steps[6];
  int passes_on;       /* to the target, when the script is through; else it waits for the client to leave */
  int leaves;          /* closes then, without waiting */
  int is_tls;          /* with proxy_ssl.context */
  uint16_t target;
  /* Its own. */
  uint16_t port;
  int listener, fd;
  void *ssl;
  int served;          /* clients so far */
  char head[40000];    /* the last one received */
  pthread_t thread;
} proxy;

static inline size_t proxy_receive(proxy *self, void *data, size_t size) {
  if (self->ssl == NULL) {
    ssize_t got = recv(self->fd, data, size, 0);
    return got > 0 ? (size_t)got : 0;
  }
  int got = proxy_ssl.read(self->ssl, data, (int)size);
  return got > 0 ? (size_t)got : 0;
}

static inline int proxy_send(proxy *self, const void *data, size_t size) {
  if (self->ssl == NULL) return peer_put(self->fd, data, size);
  for (const char *at = data; size > 0;) {
    int sent = proxy_ssl.write(self->ssl, at, (int)size); /* a record at most */
    if (sent <= 0) return 0;
    at += sent;
    size -= (size_t)sent;
  }
  return 1;
}

/* Bytes of one step; 0 when the client left before. */
static inline int proxy_wait(proxy *self, const proxy_step *step) {
  size_t size = 0, limit = step->want == NULL ? sizeof self->head - 1 : step->want_size;
  while (size < limit && proxy_receive(self, self->head + size, 1) == 1) {
    size += 1;
    self->head[size] = '\0';
    if (step->want == NULL && size >= 4 && memcmp(self->head + size - 4, "\r\n\r\n", 4) == 0) return 1;
  }
  if (step->want == NULL || size < limit) return 0;
  return EXPECT_BYTES(self->head, size, step->want, step->want_size);
}

/* Passes bytes on in both directions until either side ends. */
static inline void proxy_relay(proxy *self) {
  static char data[20000];
  int target = peer_dial(self->target);
  struct pollfd both[2] = {{self->fd, POLLIN, 0}, {target, POLLIN, 0}};
  for (;;) {
    int is_waiting = self->ssl != NULL && proxy_ssl.pending(self->ssl) > 0;
    if (poll(both, 2, is_waiting ? 0 : (int)check_limit(PEER_WAIT)) <= 0 && !is_waiting) break;
    if (is_waiting || both[0].revents != 0) {
      size_t got = proxy_receive(self, data, sizeof data);
      if (got == 0 || !peer_put(target, data, got)) break;
    }
    if (both[1].revents != 0) {
      ssize_t got = recv(target, data, sizeof data, 0);
      if (got <= 0 || !proxy_send(self, data, (size_t)got)) break;
    }
  }
  close(target);
}

static inline void proxy_client(proxy *self) {
  char rest[256];
  if (self->is_tls && proxy_ssl.accept(self->ssl) != 1) return;
  for (int i = 0; i < 6 && self->steps[i].say != NULL; i++) {
    if (!proxy_wait(self, &self->steps[i])) return;
    proxy_send(self, self->steps[i].say, self->steps[i].say_size);
  }
  if (self->passes_on) proxy_relay(self);
  while (!self->passes_on && !self->leaves && proxy_receive(self, rest, sizeof rest) > 0) {
  }
}

static inline void *proxy_run(void *argument) {
  proxy *self = argument;
  while ((self->fd = accept(self->listener, NULL, NULL)) >= 0) {
    __atomic_fetch_add(&self->served, 1, __ATOMIC_SEQ_CST);
    if (self->is_tls) {
      self->ssl = proxy_ssl.make(proxy_ssl.context);
      proxy_ssl.over(self->ssl, self->fd);
    }
    proxy_client(self);
    if (self->ssl != NULL) proxy_ssl.free(self->ssl);
    self->ssl = NULL;
    close(self->fd);
  }
  return NULL;
}

static inline void proxy_start(proxy *self) {
  signal(SIGPIPE, SIG_IGN); /* OpenSSL writes with write(2) here */
  self->listener = peer_listen(&self->port);
  pthread_create(&self->thread, NULL, proxy_run, self);
}

static inline void proxy_stop(proxy *self) {
  shutdown(self->listener, SHUT_RDWR);
  pthread_join(self->thread, NULL);
  close(self->listener);
}

/* A server of the library's that echoes everything, one client after the other. */
typedef struct echoes {
  ws_upgrader *upgrader; /* NULL: the defaults, but every host will do */
  int32_t listener;
  uint16_t port;
  pthread_t thread;
} echoes;

static inline void *echoes_run(void *argument) {
  echoes *self = argument;
  int32_t fd, type;
  ws_bytes message;
  while (ws_accept(self->listener, ws_in_ms(check_limit(60000)), &fd, NULL, NULL) == WS_OK) {
    ws_conn *conn;
    if (ws_upgrader_upgrade(self->upgrader, fd, NULL, 0, ws_in_ms(check_limit(PEER_WAIT)), &conn, NULL) != WS_OK) continue;
    while (ws_conn_read(conn, &type, &message) == WS_OK) {
      if (ws_conn_write(conn, type, message.data, message.size) != WS_OK) break;
    }
    EXPECT_STATUS(ws_conn_free(conn), WS_OK);
  }
  return NULL;
}

/* Takes the upgrader. */
static inline void echoes_start(echoes *self, ws_upgrader *upgrader) {
  if (upgrader == NULL) EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_add_host(upgrader, "*"), WS_OK);
  self->upgrader = upgrader;
  EXPECT_STATUS(ws_listen(NULL, 0, &self->listener, &self->port, NULL), WS_OK);
  pthread_create(&self->thread, NULL, echoes_run, self);
}

static inline void echoes_stop(echoes *self) {
  shutdown(self->listener, SHUT_RDWR);
  pthread_join(self->thread, NULL);
  close(self->listener);
  EXPECT_STATUS(ws_upgrader_free(self->upgrader), WS_OK);
}

/* Sends a message of so many bytes and expects it back. */
static inline void echoes_back(ws_conn *conn, size_t size) {
  int32_t type;
  ws_bytes message;
  char *data = malloc(size + 1);
  for (size_t i = 0; i < size; i++) data[i] = (char)(i * 7 + i / 251);
  EXPECT_STATUS(ws_conn_write(conn, WS_BINARY, data, size), WS_OK);
  if (EXPECT_STATUS(ws_conn_read(conn, &type, &message), WS_OK)) EXPECT_BYTES(message.data, message.size, data, size);
  free(data);
}

/* The proxy's URL, in static memory. */
static inline const char *proxy_url(const proxy *self, const char *scheme, const char *userinfo) {
  static char url[200];
  snprintf(url, sizeof url, "%s://%s127.0.0.1:%d", scheme, userinfo, self->port);
  return url;
}

/* Dials once; the connection is in *conn. Frees the dialer. */
static inline int proxy_dial(ws_dialer *dialer, const char *url, ws_conn **conn, ws_failure *got) {
  *got = none();
  int status = ws_dialer_dial(dialer, url, ws_in_ms(check_limit(PEER_WAIT)), conn, got);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  return status;
}

/* A dialer that goes through this proxy. */
static inline ws_dialer *proxy_dialer(const char *url) {
  ws_dialer *dialer = tls_dialer();
  EXPECT_STATUS(ws_dialer_set_proxy(dialer, url), WS_OK);
  return dialer;
}

#endif /* PROXY_H */
