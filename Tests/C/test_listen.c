/* Listening and accepting: addresses, ports, what the system refuses, and running out of descriptors.
 */
#include "wire.h"

#include <fcntl.h>
#include <sys/resource.h>

static void port_0_picks_one(void) {
  int32_t fd;
  uint16_t port = 0;
  REQUIRE_STATUS(ws_listen(NULL, 0, &fd, &port, NULL), WS_OK);
  EXPECT(port != 0);
  int client = peer_dial(port);
  EXPECT(client >= 0);
  EXPECT((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  close(client);
  close(fd);
}

static void bound_may_be_null(void) {
  int32_t fd;
  REQUIRE_STATUS(ws_listen("127.0.0.1", 0, &fd, NULL, NULL), WS_OK);
  close(fd);
}

static void an_accepted_client(void) {
  int32_t listener, fd;
  uint16_t port;
  struct sockaddr_in name;
  socklen_t size = sizeof name;
  ws_address peer = {.struct_size = sizeof peer};
  REQUIRE_STATUS(ws_listen(NULL, 0, &listener, &port, NULL), WS_OK);
  int client = peer_dial(port);
  REQUIRE_STATUS(ws_accept(listener, ws_in_ms(check_limit(1000)), &fd, &peer, NULL), WS_OK);
  EXPECT(getsockname(client, (struct sockaddr *)&name, &size) == 0);
  EXPECT_INT(peer.family, WS_ADDRESS_IPV4);
  EXPECT_INT(peer.port, ntohs(name.sin_port));
  EXPECT_TEXT(peer.host, "127.0.0.1");
  EXPECT((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  close(fd);
  close(client);
  close(listener);
}

static void every_address(void) {
  int32_t listener;
  uint16_t port;
  REQUIRE_STATUS(ws_listen("*", 0, &listener, &port, NULL), WS_OK);
  int client = peer_dial(port);
  EXPECT(client >= 0);
  close(client);
  close(listener);
}

static void a_unix_socket(void) {
  char path[64], host[80];
  int32_t listener, fd;
  uint16_t port = 9;
  ws_address peer = {.struct_size = sizeof peer};
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(path, sizeof path, "/tmp/wsswift-test-%ld", (long)getpid());
  snprintf(host, sizeof host, "unix:%s", path);
  REQUIRE_STATUS(ws_listen(host, 0, &listener, &port, NULL), WS_OK);
  EXPECT_INT(port, 0);
  int client = socket(AF_UNIX, SOCK_STREAM, 0);
  strcpy(name.sun_path, path);
  EXPECT(connect(client, (struct sockaddr *)&name, sizeof name) == 0);
  EXPECT_STATUS(ws_accept(listener, ws_in_ms(check_limit(1000)), &fd, &peer, NULL), WS_OK);
  EXPECT_INT(peer.family, WS_ADDRESS_UNIX);
  EXPECT_TEXT(peer.host, "");
  close(fd);
  close(client);
  close(listener);
  unlink(path);
}

static void what_cannot_be_listened_on(void) {
  int32_t first, fd = 9;
  uint16_t port, bound = 9;
  char long_path[300];
  ws_failure failure = {.struct_size = sizeof failure};
  REQUIRE_STATUS(ws_listen(NULL, 0, &first, &port, NULL), WS_OK);
  EXPECT_STATUS(ws_listen(NULL, port, &fd, &bound, &failure), WS_ERR_IO);
  EXPECT(fd <= 0 && bound == 0);
  EXPECT_INT(failure.code, WS_ERR_IO);
  EXPECT_INT(failure.os_errno, EADDRINUSE);
  EXPECT(failure.text[0] != '\0');
  EXPECT_STATUS(ws_listen("192.0.2.1", 0, &fd, NULL, NULL), WS_ERR_IO); /* somebody else's address */
  EXPECT_STATUS(ws_listen("unix:/nowhere/at/all", 0, &fd, NULL, NULL), WS_ERR_IO);
  memset(long_path, 'a', sizeof long_path);
  memcpy(long_path, "unix:/", 6);
  long_path[sizeof long_path - 1] = '\0';
  EXPECT(ws_listen(long_path, 0, &fd, NULL, NULL) < 0);
  EXPECT(ws_listen("unix:", 0, &fd, NULL, NULL) < 0);
  close(first);
}

static void nobody_comes(void) {
  int32_t listener, fd = 9;
  REQUIRE_STATUS(ws_listen(NULL, 0, &listener, NULL, NULL), WS_OK);
  int64_t start = check_ms();
  EXPECT_STATUS(ws_accept(listener, ws_in_ms(50), &fd, NULL, NULL), WS_ERR_TIMEOUT);
  EXPECT(check_ms() - start >= 49);
  EXPECT_WITHIN(start, 500);
  EXPECT(fd <= 0);
  start = check_ms();
  EXPECT_STATUS(ws_accept(listener, 1, &fd, NULL, NULL), WS_ERR_TIMEOUT);
  EXPECT_WITHIN(start, 50);
  close(listener);
}

/* A client that is gone again, with a reset, is nobody. */
static void clients_that_are_gone(void) {
  int32_t listener, fd;
  uint16_t port;
  struct linger reset = {1, 0};
  REQUIRE_STATUS(ws_listen(NULL, 0, &listener, &port, NULL), WS_OK);
  int client = peer_dial(port);
  setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(client);
  int status = ws_accept(listener, ws_in_ms(50), &fd, NULL, NULL); /* Linux hands it out all the same */
  EXPECT(status == WS_OK || status == WS_ERR_TIMEOUT);
  if (status == WS_OK) close(fd);
  close(listener);
}

/* Without a descriptor to spare, accepting says so, not at once, and goes on afterwards. */
static void running_out_of_descriptors(void) {
  struct rlimit before, low;
  int32_t listener, fd = 9;
  uint16_t port;
  REQUIRE_STATUS(ws_listen(NULL, 0, &listener, &port, NULL), WS_OK);
  int client = peer_dial(port), probe = dup(client);
  close(probe);
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  low = before;
  low.rlim_cur = (rlim_t)probe; /* the lowest free number, now out of reach */
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  int64_t start = check_ms();
  EXPECT_STATUS(ws_accept(listener, ws_in_ms(check_limit(3000)), &fd, NULL, NULL), WS_ERR_FDS);
  EXPECT(check_ms() - start >= 90);
  EXPECT_WITHIN(start, 1000);
  EXPECT(fd <= 0);
  int32_t second = 9;
  EXPECT_STATUS(ws_listen(NULL, 0, &second, NULL, NULL), WS_ERR_FDS);
  ws_conn *conn;
  char url[64];
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", port);
  EXPECT_STATUS(ws_dialer_dial(NULL, url, ws_in_ms(check_limit(1000)), &conn, NULL), WS_ERR_FDS);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  EXPECT_STATUS(ws_accept(listener, ws_in_ms(check_limit(1000)), &fd, NULL, NULL), WS_OK);
  close(fd);
  close(client);
  close(listener);
}

static const check_test tests[] = {
    TEST(port_0_picks_one),
    TEST(bound_may_be_null),
    TEST(an_accepted_client),
    TEST(every_address),
    TEST(a_unix_socket),
    TEST(what_cannot_be_listened_on),
    TEST(nobody_comes),
    TEST(clients_that_are_gone),
    TEST(running_out_of_descriptors),
};
TEST_MAIN(tests)
