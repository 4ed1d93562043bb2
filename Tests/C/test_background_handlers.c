/* The background service and the handlers of control frames, which it never calls: what it leaves to readers, and what it keeps for them.
 */
#include "background.h"

static void own_handlers_are_never_called_by_it(void) {
  static const int frames[] = {0x89, 0x8a, 0x88};
  for (int which = 0; which < 3; which++) {
    wire w;
    seen control = {0};
    REQUIRE(open_served(&w, AS_SERVER));
    EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &control, NULL), WS_OK);
    EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, on_control, &control, NULL), WS_OK);
    EXPECT_STATUS(ws_conn_set_close_handler(w.conn, on_close, &control, NULL), WS_OK);
    if (frames[which] == 0x88) EXPECT(peer_put_close(w.fd, w.masks, 4321, "why"));
    if (frames[which] != 0x88) wire_put_text(&w, frames[which], "now");
    check_sleep(150);
    EXPECT_INT(control.calls, 0);
    EXPECT(peer_silent(w.fd, 1));
    if (frames[which] != 0x88) {
      wire_put_text(&w, 0x81, "m");
      wire_reads(&w, "m");
      EXPECT_BYTES(control.data, control.size, "now", 3);
    } else {
      wire_read_gives(&w, WS_ERR_CLOSED);
      EXPECT_INT(control.code, 4321);
      EXPECT_BYTES(control.data, control.size, "why", 3);
    }
    EXPECT_INT(control.calls, 1);
    EXPECT(pthread_equal(control.thread, pthread_self()));
    wire_close(&w);
  }
}

static void a_handler_taken_back_lets_it_go_on(void) {
  wire w;
  seen control = {0};
  REQUIRE(open_served(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, on_control, &control, NULL), WS_OK);
  wire_put_text(&w, 0x89, "1");
  wire_put_text(&w, 0x89, "2");
  EXPECT(peer_silent(w.fd, 150));
  EXPECT_STATUS(ws_conn_set_ping_handler(w.conn, NULL, NULL, NULL), WS_OK);
  wire_gets_text(&w, 0x8a, "1");
  wire_gets_text(&w, 0x8a, "2");
  EXPECT_INT(control.calls, 0);
  wire_close(&w);
}

typedef struct heard_pongs {
  char text[256];
  int calls;
} heard_pongs;

static int hear_pong(ws_conn *conn, const void *data, size_t size, void *user) WS_NOEXCEPT {
  heard_pongs *self = user;
  (void)conn;
  snprintf(self->text + strlen(self->text), sizeof self->text - strlen(self->text), "%.*s ", (int)size, (const char *)data);
  self->calls += 1;
  return 0;
}

/* Each pong is followed by a ping, which is answered; the last pongs are told by the next read, in front of its message. */
static void pongs_for_a_handler_do_not_stop_it(void) {
  wire w;
  heard_pongs pongs = {"", 0};
  REQUIRE(open_served(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, hear_pong, &pongs, NULL), WS_OK);
  for (int i = 0; i < 20; i++) {
    char text[8];
    snprintf(text, sizeof text, "%d", i);
    wire_put_text(&w, 0x8a, i == 17 ? "" : text);
    wire_put_text(&w, 0x89, text);
    wire_gets_text(&w, 0x8a, text);
  }
  EXPECT_INT(pongs.calls, 0);
  wire_put_text(&w, 0x81, "m");
  wire_reads(&w, "m");
  EXPECT_TEXT(pongs.text, "12 13 14 15 16  18 19 ");
  wire_put_text(&w, 0x8a, "later");
  wire_put_text(&w, 0x81, "n");
  wire_reads(&w, "n");
  EXPECT_TEXT(pongs.text, "12 13 14 15 16  18 19 later ");
  EXPECT_INT(statistics_of(w.conn).pongs_received, 21);
  wire_close(&w);
}

/* A handler that comes late hears them too; one that was taken back does not. */
static void kept_pongs_go_to_the_handler_of_the_moment(void) {
  for (int is_back = 0; is_back < 2; is_back++) {
    wire w;
    heard_pongs first = {"", 0}, second = {"", 0};
    REQUIRE(open_served(&w, AS_CLIENT));
    EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, hear_pong, &first, NULL), WS_OK);
    wire_put_text(&w, 0x8a, "p");
    wire_put_text(&w, 0x89, "behind");
    wire_gets_text(&w, 0x8a, "behind");
    EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, is_back ? NULL : hear_pong, is_back ? NULL : &second, NULL), WS_OK);
    wire_put_text(&w, 0x81, "m");
    wire_reads(&w, "m");
    EXPECT_TEXT(first.text, "");
    EXPECT_TEXT(second.text, is_back ? "" : "p ");
    wire_close(&w);
  }
}

static void free_inside(ws_conn *conn, seen *self) {
  EXPECT_INT(self->freed, 0);
  EXPECT_STATUS(ws_conn_free(conn), WS_OK);
}

static void abort_inside(ws_conn *conn, seen *self) {
  (void)self;
  EXPECT_STATUS(ws_conn_abort(conn), WS_OK);
}

/* The kept pongs behind the one in whose handler the connection ends are told to nobody, in a read and in a ping. */
static void kept_pongs_end_with_the_connection(void) {
  for (int which = 0; which < 4; which++) {
    wire w;
    int frees = which % 2;
    seen pong = {.act = frees ? free_inside : abort_inside};
    REQUIRE(open_served(&w, AS_SERVER));
    EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, on_control, &pong, on_free), WS_OK);
    for (int i = 0; i < 3; i++) wire_put_text(&w, 0x8a, "pong");
    wire_put_text(&w, 0x89, "behind");
    wire_gets_text(&w, 0x8a, "behind");
    EXPECT_STATUS(which < 2 ? read_one(&w) : ws_conn_ping(w.conn, 0, NULL), WS_ERR_ABORTED);
    EXPECT_INT(pong.calls, 1);
    EXPECT_INT(pong.freed, frees);
    if (!frees) EXPECT_STATUS(ws_conn_free(w.conn), WS_OK);
    EXPECT_INT(pong.freed, 1);
    close(w.fd);
  }
}

/* Our own pings do not stop at a pong handler. */
static void a_pong_handler_does_not_hinder_the_keepalive(void) {
  wire w;
  answering peer = {0};
  seen pong = {0};
  REQUIRE(open_served(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_pong_handler(w.conn, on_control, &pong, NULL), WS_OK);
  EXPECT_STATUS(ws_conn_set_keepalive(w.conn, 20, 1000), WS_OK);
  answering_start(&peer, &w);
  int64_t end = check_ms() + check_limit(3000);
  while (answering_pings(&peer) < 4 && check_ms() < end) check_sleep(5);
  EXPECT(answering_pings(&peer) >= 4);
  EXPECT_INT(pong.calls, 0);
  answering_end(&peer);
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(own_handlers_are_never_called_by_it),
    TEST(a_handler_taken_back_lets_it_go_on),
    TEST(pongs_for_a_handler_do_not_stop_it),
    TEST(kept_pongs_go_to_the_handler_of_the_moment),
    TEST(kept_pongs_end_with_the_connection),
    TEST(a_pong_handler_does_not_hinder_the_keepalive),
};

int main(int argc, char **argv) { return background_main(tests, sizeof tests / sizeof tests[0], argc, argv); }
