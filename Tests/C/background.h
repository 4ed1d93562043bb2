/* A connection in the care of the background service, and what its tests ask of it. */
#ifndef BACKGROUND_H
#define BACKGROUND_H

#include "answering.h"
#include "busy.h"
#include "handlers.h"

static inline int open_served(wire *w, int role) {
  return wire_open(w, role) && EXPECT_STATUS(ws_conn_set_background(w->conn, 1), WS_OK);
}

static inline int read_one(void *argument) {
  int32_t type;
  ws_bytes message;
  return ws_conn_read(((wire *)argument)->conn, &type, &message);
}

/* Asks until the connection has sent so many pongs, or for some seconds. */
static inline uint64_t pongs_become(ws_conn *conn, uint64_t wanted) {
  int64_t end = check_ms() + check_limit(3000);
  while (statistics_of(conn).pongs_sent < wanted && check_ms() < end) check_sleep(2);
  return statistics_of(conn).pongs_sent;
}

static inline int write_becomes(ws_conn *conn, int status) {
  int64_t end = check_ms() + check_limit(3000);
  int last = WS_OK;
  while (check_ms() < end && (last = ws_conn_write(conn, WS_TEXT, "x", 1)) != status) check_sleep(5);
  return last;
}

/* The service's own descriptors are there before they are counted. */
static inline int background_main(const check_test *tests, size_t count, int argc, char **argv) {
  wire w;
  if (!open_served(&w, AS_SERVER)) return 1;
  wire_close(&w);
  return check_main(tests, count, argc, argv);
}

#endif /* BACKGROUND_H */
