/* One handle of every type that is no connection.
 */
#ifndef ZOO_H
#define ZOO_H

#include "wire.h"

typedef struct zoo {
  ws_dialer *dialer;
  ws_dial *dial;
  ws_upgrader *upgrader;
  ws_upgrade *upgrade;
  int fd; /* the client of the upgrade */
} zoo;

static inline int zoo_open(zoo *all) {
  int ends[2];
  peer_sockets(ends);
  all->fd = ends[0];
  return EXPECT_STATUS(ws_dialer_new(&all->dialer), WS_OK) && EXPECT_STATUS(ws_upgrader_new(&all->upgrader), WS_OK) &&
         EXPECT_STATUS(ws_dial_new(NULL, "ws://localhost/", &all->dial, NULL), WS_OK) &&
         EXPECT_STATUS(ws_upgrade_new(NULL, ends[1], NULL, 0, &all->upgrade), WS_OK);
}

static inline void zoo_close(zoo *all) {
  EXPECT_STATUS(ws_dialer_free(all->dialer), WS_OK);
  EXPECT_STATUS(ws_dial_free(all->dial), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(all->upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrade_free(all->upgrade), WS_OK);
  close(all->fd);
}

#endif /* ZOO_H */
