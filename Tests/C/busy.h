/* Many calls in progress at once, each on a thread of its own, so that a matrix of cells costs the time of one.
 */
#ifndef BUSY_H
#define BUSY_H

#include "wire.h"

/* A cell's busy call has not returned. No status of the library has this value. */
enum { STILL_BLOCKED = 1000 };

/* A call on a thread of its own. */
typedef struct busy_call {
  int (*run)(void *cell);
  void *cell;
  int status; /* STILL_BLOCKED until it is back */
  pthread_t thread;
} busy_call;

static inline void *busy_run(void *argument) {
  busy_call *self = argument;
  int status = self->run(self->cell);
  __atomic_store_n(&self->status, status, __ATOMIC_SEQ_CST);
  return NULL;
}

static inline void busy_start(busy_call *self, int (*run)(void *cell), void *cell) {
  self->run = run;
  self->cell = cell;
  self->status = STILL_BLOCKED;
  EXPECT_INT(pthread_create(&self->thread, NULL, busy_run, self), 0);
}

static inline int busy_status(busy_call *self) { return __atomic_load_n(&self->status, __ATOMIC_SEQ_CST); }

/* Waits up to ms for the call to have this status, and gives the last one seen. */
static inline int busy_becomes(busy_call *self, int status, int64_t ms) {
  int64_t end = check_ms() + check_limit(ms);
  while (busy_status(self) != status && check_ms() < end) check_sleep(5);
  return busy_status(self);
}

/* The status that the call had in the end. */
static inline int busy_join(busy_call *self) {
  pthread_join(self->thread, NULL);
  return self->status;
}

/* Starts the call, and gives it the time to block. */
static inline void busy_block(busy_call *self, int (*run)(void *cell), void *cell) {
  busy_start(self, run, cell);
  check_settle();
}

/* A server's connection with a thread that is blocked in a call on it. */
static inline int busy_open(wire *w, busy_call *self, int (*run)(void *conn)) {
  if (!wire_open(w, AS_SERVER)) return 0;
  busy_block(self, run, w->conn);
  return 1;
}

/* Sends small messages until the socket takes no more; the connection is still whole then. */
static inline void busy_fill(ws_conn *conn) {
  static const char data[1000];
  int status = WS_OK;
  EXPECT_STATUS(ws_conn_set_write_deadline(conn, 1), WS_OK);
  while (status == WS_OK) status = ws_conn_write(conn, WS_BINARY, data, sizeof data);
  EXPECT_STATUS(status, WS_ERR_TIMEOUT);
  EXPECT_STATUS(ws_conn_set_write_deadline(conn, WS_NEVER), WS_OK);
}

#endif /* BUSY_H */
