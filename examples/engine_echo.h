/* One connection of an echo server over ws_engine, for any event loop: what to do with events, when to receive, when to give up. The
 * loop moves the bytes: see engine_poll.c and engine_libuv.c.
 *
 * A loop, whenever bytes came or left or the time told by echo_step has come: calls echo_step, sends what ws_engine_output shows and
 * says echo_sent, shuts the transport down for writing when echo_is_finished says so, receives while echo_receives, and closes the
 * transport when the phase is ECHO_OVER.
 */
#ifndef ENGINE_ECHO_H
#define ENGINE_ECHO_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <wsswift.h>

enum {
  ECHO_MARK = 1 << 20,   /* with more output than this, nothing is received: the peer must read first */
  ECHO_PATIENCE = 30000, /* ms in which a peer must take some of the output */
  ECHO_LINGER = 1000     /* ms in which a peer must end the stream after we did */
};

enum echo_phase {
  ECHO_TALKING,  /* events come */
  ECHO_FLUSHING, /* no more events; what is left of the output goes out */
  ECHO_DRAINING, /* we have ended our direction; what comes is thrown away, lest it reset away our last bytes */
  ECHO_OVER
};

struct echo {
  ws_engine *engine;
  enum echo_phase phase;
  int is_open; /* the opening handshake is complete */
  int64_t patience; /* when to give up on the peer; WS_NEVER while we wait for nothing */
};

/* 1 for an address of this machine only. */
static inline int is_loopback(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
  return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* address is our end of the connection. */
static inline int echo_open(struct echo *self, ws_upgrader *upgrader, const struct sockaddr *address) {
  self->phase = ECHO_TALKING;
  self->is_open = 0;
  self->patience = WS_NEVER;
  return ws_engine_new_server(upgrader, is_loopback(address) ? WS_ENGINE_LOOPBACK : 0, &self->engine);
}

static inline size_t echo_pending(const struct echo *self) {
  ws_bytes output;
  return ws_engine_output(self->engine, &output) == WS_OK ? output.size : 0;
}

/* Accepts the request and sends every message back. Each is lent until the next event, and ws_engine_send copies it. */
static inline void echo_events(struct echo *self) {
  ws_event event = {.struct_size = sizeof event};
  ws_failure failure = {.struct_size = sizeof failure};
  int status;
  while ((status = ws_engine_next_event(self->engine, &event)) == WS_OK) {
    if (event.type == WS_EVENT_REQUEST) status = ws_engine_accept(self->engine);
    if (event.type == WS_EVENT_OPEN) self->is_open = 1;
    if (event.type == WS_EVENT_MESSAGE) status = ws_engine_send(self->engine, event.opcode, event.data, event.size);
    if (status == WS_ERR_NOMEM) break;
  }
  if (status == WS_AGAIN) return;
  self->phase = ECHO_FLUSHING;
  if (!self->is_open && ws_engine_failure(self->engine, &failure) == WS_OK) fprintf(stderr, "handshake: %s\n", failure.text);
}

/* Everything that follows from what happened. Returns when to call again at the latest. */
static inline int64_t echo_step(struct echo *self) {
  int64_t now = ws_now(), next;
  ws_engine_tick(self->engine, now, &next);
  if (self->phase == ECHO_TALKING) echo_events(self);
  if (self->phase == ECHO_TALKING || self->phase == ECHO_FLUSHING) {
    if (echo_pending(self) == 0) self->patience = WS_NEVER;
    else if (self->patience == WS_NEVER) self->patience = ws_in_ms(ECHO_PATIENCE);
  }
  if (now >= self->patience) self->phase = ECHO_OVER;
  return next < self->patience ? next : self->patience;
}

static inline void echo_sent(struct echo *self, size_t size) {
  if (ws_engine_sent(self->engine, size) == WS_OK) self->patience = ws_in_ms(ECHO_PATIENCE);
}

/* 1 once, when everything has been said: shut the transport down for writing. */
static inline int echo_is_finished(struct echo *self) {
  if (self->phase != ECHO_FLUSHING || echo_pending(self) > 0) return 0;
  self->phase = ECHO_DRAINING;
  self->patience = ws_in_ms(ECHO_LINGER);
  return 1;
}

/* 1 while bytes may be received. */
static inline int echo_receives(const struct echo *self) {
  return self->phase == ECHO_DRAINING || (self->phase == ECHO_TALKING && echo_pending(self) < ECHO_MARK);
}

/* Where to receive, *room bytes; NULL without memory, which ends the connection. */
static inline void *echo_space(struct echo *self, size_t *room) {
  static char waste[65536];
  void *space = NULL;
  *room = sizeof waste;
  if (self->phase != ECHO_TALKING) return waste;
  return ws_engine_buffer(self->engine, &space, room) == WS_OK ? space : NULL;
}

/* So many bytes came into echo_space; 0 says that the stream has ended, or failed. */
static inline void echo_received(struct echo *self, size_t size) {
  if (self->phase == ECHO_TALKING) ws_engine_received(self->engine, size);
  else if (size == 0) self->phase = ECHO_OVER;
}

/* The server goes down. A connection that is not open yet is dropped. */
static inline void echo_stop(struct echo *self) {
  if (ws_engine_close(self->engine, 1001, NULL, 0) == WS_ERR_STATE) self->phase = ECHO_FLUSHING;
}

#endif /* ENGINE_ECHO_H */
