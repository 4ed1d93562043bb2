/* What the header promises of engines beside the protocol: arguments, the order of calls, how long bytes are lent, the time, and that
 * the same input gives the same output.
 */
#include "engines.h"
#include "zoo.h"

/* Every function on a handle that is none: no success, and empty outputs. */
static void calls_with(ws_engine *engine) {
  void *space = &space;
  size_t room = 7;
  int64_t next = 7;
  int32_t status = 7;
  uint16_t theirs = 7, ours = 7;
  ws_bytes bytes = {(const uint8_t *)"x", 1};
  const ws_headers *headers = (const ws_headers *)&room;
  ws_event event = {.struct_size = sizeof event, .type = 7};
  ws_failure failure = {.struct_size = sizeof failure, .code = 7};
  EXPECT_STATUS(ws_engine_buffer(engine, &space, &room), WS_ERR_INVALID);
  EXPECT(space == NULL && room == 0);
  EXPECT_STATUS(ws_engine_received(engine, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_feed(engine, "x", 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_next_event(engine, &event), WS_ERR_INVALID);
  EXPECT(event.type == 0 && event.data == NULL);
  EXPECT_STATUS(ws_engine_head(engine, &bytes, &status, &headers), WS_ERR_INVALID);
  EXPECT(bytes.size == 0 && status == 0 && headers == NULL);
  EXPECT_STATUS(ws_engine_accept(engine), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_refuse(engine, 403, NULL, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, "x", 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_send_fragment(engine, WS_TEXT, "x", 1, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_close(engine, 1000, NULL, 0), WS_ERR_INVALID);
  bytes.size = 7;
  EXPECT_STATUS(ws_engine_output(engine, &bytes), WS_ERR_INVALID);
  EXPECT(bytes.data == NULL && bytes.size == 0);
  EXPECT_STATUS(ws_engine_sent(engine, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_tick(engine, 1, &next), WS_ERR_INVALID);
  EXPECT_INT(next, 0);
  EXPECT_STATUS(ws_engine_set_read_limit(engine, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_set_check_utf8(engine, 1, 1), WS_ERR_INVALID);
  bytes.size = 7;
  EXPECT_STATUS(ws_engine_subprotocol(engine, &bytes), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_extensions(engine, &bytes), WS_ERR_INVALID);
  EXPECT_INT(bytes.size, 0);
  bytes.size = 7;
  EXPECT_STATUS(ws_engine_close_codes(engine, &theirs, &bytes, &ours), WS_ERR_INVALID);
  EXPECT(theirs == 0 && bytes.size == 0 && ours == 0);
  EXPECT_STATUS(ws_engine_failure(engine, &failure), WS_ERR_INVALID);
  EXPECT_INT(failure.code, 0);
}

static void handles_of_another_type(void) {
  zoo all;
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  REQUIRE(zoo_open(&all));
  ws_engine *const wrong[] = {(ws_engine *)all.dialer, (ws_engine *)all.dial, (ws_engine *)all.upgrader,
                              (ws_engine *)all.upgrade, (ws_engine *)w.conn};
  ws_engine *engine;
  calls_with(NULL);
  EXPECT_STATUS(ws_engine_free(NULL), WS_OK);
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    calls_with(wrong[i]);
    EXPECT_STATUS(ws_engine_free(wrong[i]), WS_ERR_INVALID);
  }
  engine = (ws_engine *)&all;
  EXPECT_STATUS(ws_engine_new_client((ws_dialer *)all.upgrader, "ws://a/", NULL, NULL, &engine, NULL), WS_ERR_INVALID);
  EXPECT(engine == NULL);
  engine = (ws_engine *)&all;
  EXPECT_STATUS(ws_engine_new_server((ws_upgrader *)all.dialer, 0, &engine), WS_ERR_INVALID);
  EXPECT(engine == NULL);
  engine = engine_new_server(NULL);
  EXPECT_STATUS(ws_conn_abort((ws_conn *)engine), WS_ERR_INVALID);
  ws_engine_free(engine);
  zoo_close(&all);
  wire_close(&w);
}

static void arguments_out_of_range(void) {
  static const int32_t types[] = {-1, 3, 7, 11, 16, 513, 264, INT32_MAX, INT32_MIN};
  static const uint8_t zeros[126];
  static const uint16_t codes[] = {1, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65535};
  void *space;
  size_t room;
  ws_engine *engine = (ws_engine *)&room;
  ws_event event = {.struct_size = sizeof event - 1};
  ws_failure failure = {.struct_size = 255};
  EXPECT_STATUS(ws_engine_new_client(NULL, NULL, NULL, NULL, &engine, NULL), WS_ERR_INVALID);
  EXPECT(engine == NULL);
  EXPECT_STATUS(ws_engine_new_client(NULL, "ws://a/", NULL, NULL, NULL, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_new_client(NULL, "ws://a/", NULL, NULL, &engine, &failure), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_new_server(NULL, 0, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_new_server(NULL, 4, &engine), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_new_server(NULL, -1, &engine), WS_ERR_INVALID);
  EXPECT(engine == NULL);
  engine = engine_open(AS_SERVER);
  EXPECT_STATUS(ws_engine_buffer(engine, NULL, &room), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_buffer(engine, &space, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_feed(engine, NULL, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_feed(engine, "x", SIZE_MAX), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_next_event(engine, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_next_event(engine, &event), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_output(engine, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_sent(engine, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_sent(engine, SIZE_MAX), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_subprotocol(engine, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_extensions(engine, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_failure(engine, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_failure(engine, &failure), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_tick(engine, 1, NULL), WS_OK);
  EXPECT_STATUS(ws_engine_close_codes(engine, NULL, NULL, NULL), WS_OK);
  EXPECT_STATUS(ws_engine_head(engine, NULL, NULL, NULL), WS_OK);
  EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, NULL, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_send(engine, 0, "x", 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_send(engine, WS_PING, zeros, sizeof zeros), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_send(engine, WS_CLOSE, "x", 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_send_fragment(engine, WS_PING, "x", 1, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_send_fragment(engine, WS_TEXT, NULL, 1, 1), WS_ERR_INVALID);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    EXPECT_STATUS(ws_engine_send(engine, types[i], "x", 1), WS_ERR_INVALID);
    EXPECT_STATUS(ws_engine_send_fragment(engine, types[i], "x", 1, 1), WS_ERR_INVALID);
  }
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    EXPECT_STATUS(ws_engine_close(engine, codes[i], NULL, 0), WS_ERR_INVALID);
  }
  EXPECT_STATUS(ws_engine_close(engine, 0, "x", 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_close(engine, 1000, NULL, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_close(engine, 1000, "\xff", 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_close(engine, 1000, zeros, 124), WS_ERR_INVALID);
  EXPECT_INT(engine_pending(engine), 0);
  engine_put_text(engine, AS_SERVER, 0x81, "as if nothing had been");
  engine_reads(engine, "as if nothing had been");
  ws_engine_free(engine);
}

static void nothing_is_sent_before_the_connection_is_open(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    ws_engine *engine = role == AS_SERVER ? engine_new_server(NULL) : engine_new_client(NULL);
    size_t before = engine_pending(engine);
    for (int told = 0; told < 2; told++) {
      EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, "x", 1), WS_ERR_STATE);
      EXPECT_STATUS(ws_engine_send(engine, WS_PING, "x", 1), WS_ERR_STATE);
      EXPECT_STATUS(ws_engine_send_fragment(engine, WS_TEXT, "x", 1, 0), WS_ERR_STATE);
      EXPECT_STATUS(ws_engine_close(engine, 1000, NULL, 0), WS_ERR_STATE);
      if (role == AS_CLIENT) EXPECT_STATUS(ws_engine_accept(engine), WS_ERR_STATE);
      if (role == AS_CLIENT) EXPECT_STATUS(ws_engine_refuse(engine, 403, NULL, 0), WS_ERR_STATE);
      if (role == AS_SERVER && told == 0) engine_feed_text(engine, PEER_REQUEST);
      if (role == AS_SERVER && told == 0) engine_event(engine, WS_EVENT_REQUEST);
    }
    EXPECT_INT(engine_pending(engine), before);
    ws_engine_free(engine);
  }
}

/* No more counts as received than was lent; what is refused is not taken. */
static void received_says_what_was_lent(void) {
  void *space;
  size_t room, size;
  ws_engine *engine = engine_open(AS_SERVER);
  EXPECT_STATUS(ws_engine_received(engine, 1), WS_ERR_INVALID);
  REQUIRE_STATUS(ws_engine_buffer(engine, &space, &room), WS_OK);
  EXPECT_STATUS(ws_engine_received(engine, room + 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_engine_received(engine, SIZE_MAX), WS_ERR_INVALID);
  size = peer_frame_bytes(space, 0x81, 1, "in parts", 8);
  EXPECT_STATUS(ws_engine_received(engine, 5), WS_OK);
  EXPECT_STATUS(ws_engine_received(engine, size - 5), WS_OK);
  EXPECT_STATUS(ws_engine_received(engine, room - size + 1), WS_ERR_INVALID);
  engine_reads(engine, "in parts");
  EXPECT_STATUS(ws_engine_received(engine, 1), WS_ERR_INVALID);
  REQUIRE_STATUS(ws_engine_buffer(engine, &space, &room), WS_OK);
  memset(space, 0xff, room);
  engine_put_text(engine, AS_SERVER, 0x81, "fed"); /* takes the room back */
  EXPECT_STATUS(ws_engine_received(engine, 1), WS_ERR_INVALID);
  engine_reads(engine, "fed");
  ws_engine_free(engine);
  engine = engine_new_server(NULL);
  engine_feed_text(engine, PEER_REQUEST);
  engine_event(engine, WS_EVENT_REQUEST);
  REQUIRE_STATUS(ws_engine_buffer(engine, &space, &room), WS_OK);
  EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
  EXPECT_STATUS(ws_engine_received(engine, 1), WS_ERR_INVALID);
  ws_engine_free(engine);
}

/* What an event lends stays through everything but taking bytes in and the next event; feeding never writes to our bytes. */
static void lent_bytes_stay(void) {
  static const size_t sizes[] = {5, 5000, 300000};
  for (int i = 0; i < 6; i++) {
    size_t size = sizes[i / 2];
    int role = i % 2;
    uint8_t *data = malloc(size), *bytes = malloc(size + 14), *copy = malloc(size + 14);
    ws_bytes reason, output;
    ws_engine *engine = engine_open(role);
    memset(data, 'a', size);
    size_t length = peer_frame_bytes(bytes, 0x82, role == AS_SERVER, data, size);
    memcpy(copy, bytes, length);
    EXPECT_STATUS(ws_engine_feed(engine, bytes, length / 2), WS_OK);
    engine_gives(engine, WS_AGAIN);
    EXPECT_STATUS(ws_engine_feed(engine, bytes + length / 2, length - length / 2), WS_OK);
    ws_event event = engine_event(engine, WS_EVENT_MESSAGE);
    EXPECT_BYTES(bytes, length, copy, length);
    memset(bytes, 0, length);
    for (int j = 0; j < 4; j++) EXPECT_STATUS(ws_engine_send(engine, WS_BINARY, event.data, event.size), WS_OK);
    EXPECT_STATUS(ws_engine_output(engine, &output), WS_OK);
    EXPECT_STATUS(ws_engine_sent(engine, output.size), WS_OK);
    EXPECT_STATUS(ws_engine_tick(engine, 1, NULL), WS_OK);
    EXPECT_STATUS(ws_engine_set_read_limit(engine, 1), WS_OK);
    EXPECT_STATUS(ws_engine_close(engine, 1000, NULL, 0), WS_OK);
    EXPECT_STATUS(ws_engine_received(engine, 0), WS_OK);
    EXPECT_STATUS(ws_engine_close_codes(engine, NULL, &reason, NULL), WS_OK);
    EXPECT_BYTES(event.data, event.size, data, size);
    ws_engine_free(engine);
    free(data);
    free(bytes);
    free(copy);
  }
}

enum { SECOND = 1000000000 };

/* Starts at zero, below zero, and near the end of all numbers. */
static void a_silent_peer(void) {
  static const int64_t starts[] = {0, 1, -100 * (int64_t)SECOND, 5 * (int64_t)SECOND, INT64_MAX - 20 * (int64_t)SECOND};
  for (size_t i = 0; i < 2 * sizeof starts / sizeof starts[0]; i++) {
    int64_t start = starts[i / 2], next = 7;
    ws_failure failure = {.struct_size = sizeof failure};
    ws_engine *engine = i % 2 == 0 ? engine_new_server(NULL) : engine_new_client(NULL);
    EXPECT_STATUS(ws_engine_tick(engine, start, &next), WS_OK);
    EXPECT_INT(next, start + 10 * (int64_t)SECOND);
    engine_feed_text(engine, i % 2 == 0 ? "GET / HT" : "HTTP/1.");
    EXPECT_STATUS(ws_engine_tick(engine, next - 1, NULL), WS_OK);
    engine_gives(engine, WS_AGAIN);
    EXPECT_STATUS(ws_engine_tick(engine, next, &next), WS_OK);
    EXPECT(next == WS_NEVER);
    for (int again = 0; again < 2; again++) engine_gives(engine, WS_ERR_TIMEOUT);
    EXPECT_STATUS(ws_engine_feed(engine, "x", 1), WS_ERR_TIMEOUT);
    EXPECT_STATUS(ws_engine_failure(engine, &failure), WS_OK);
    EXPECT(failure.code == WS_ERR_TIMEOUT && failure.who == WS_BY_TIMER);
    ws_engine_free(engine);
  }
}

static void configured_timeouts(void) {
  for (int i = 0; i < 2; i++) {
    int64_t next, ms = i == 0 ? 1500 : 0;
    ws_dialer *dialer;
    ws_upgrader *upgrader;
    REQUIRE(ws_dialer_new(&dialer) == WS_OK && ws_upgrader_new(&upgrader) == WS_OK);
    EXPECT_STATUS(ws_dialer_set_timeout(dialer, ms), WS_OK);
    EXPECT_STATUS(ws_upgrader_set_timeout(upgrader, ms), WS_OK);
    ws_engine *both[] = {engine_new_server(upgrader), engine_new_client(dialer)};
    for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
      EXPECT_STATUS(ws_engine_tick(both[role], SECOND, &next), WS_OK);
      EXPECT_INT(next, i == 0 ? SECOND + 1500000000ll : WS_NEVER);
      ws_engine_free(both[role]);
    }
    ws_dialer_free(dialer);
    ws_upgrader_free(upgrader);
  }
}

/* The program may take its time to decide, and an open connection may be silent for ever. */
static void no_deadline_but_the_peers(void) {
  int64_t next;
  ws_engine *engine = engine_new_server(NULL);
  EXPECT_STATUS(ws_engine_tick(engine, 1, &next), WS_OK);
  engine_feed_text(engine, PEER_REQUEST);
  engine_event(engine, WS_EVENT_REQUEST);
  EXPECT_STATUS(ws_engine_tick(engine, next + SECOND, &next), WS_OK);
  EXPECT(next == WS_NEVER);
  EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
  EXPECT_STATUS(ws_engine_tick(engine, INT64_MAX / 2, &next), WS_OK);
  EXPECT(next == WS_NEVER);
  engine_event(engine, WS_EVENT_OPEN);
  engine_gives(engine, WS_AGAIN);
  ws_engine_free(engine);
}

static void a_close_frame_without_answer(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    int64_t next;
    ws_engine *engine = engine_open(role);
    EXPECT_STATUS(ws_engine_tick(engine, 3 * (int64_t)SECOND, &next), WS_OK);
    EXPECT(next == WS_NEVER);
    EXPECT_STATUS(ws_engine_close(engine, 1001, NULL, 0), WS_OK);
    EXPECT_STATUS(ws_engine_tick(engine, 4 * (int64_t)SECOND, &next), WS_OK);
    EXPECT_INT(next, 14 * (int64_t)SECOND);
    for (int i = 0; i < 3; i++) { /* messages do not put it off */
      engine_put_text(engine, role, 0x81, "more");
      engine_reads(engine, "more");
      EXPECT_STATUS(ws_engine_tick(engine, (5 + i) * (int64_t)SECOND, &next), WS_OK);
      EXPECT_INT(next, 14 * (int64_t)SECOND);
    }
    EXPECT_STATUS(ws_engine_tick(engine, 14 * (int64_t)SECOND, &next), WS_OK);
    EXPECT(next == WS_NEVER);
    engine_gives(engine, WS_ERR_TIMEOUT);
    EXPECT_INT(engine_sends_close(engine, role), 1001); /* still there to be sent */
    ws_engine_free(engine);
  }
}

/* After an ordinary end time changes nothing. */
static void an_end_is_an_end(void) {
  int64_t next = 7;
  void *space;
  size_t room;
  ws_engine *engine = engine_open(AS_SERVER);
  engine_put(engine, AS_SERVER, 0x88, "\x03\xe8", 2);
  engine_event(engine, WS_EVENT_CLOSE);
  engine_gives(engine, WS_END);
  EXPECT_STATUS(ws_engine_tick(engine, INT64_MAX - 1, &next), WS_OK);
  EXPECT(next == WS_NEVER);
  for (int i = 0; i < 100; i++) { /* what the peer still sends is thrown away */
    REQUIRE_STATUS(ws_engine_buffer(engine, &space, &room), WS_OK);
    memset(space, 0xff, room);
    EXPECT(room <= 65536);
    EXPECT_STATUS(ws_engine_received(engine, room), WS_OK);
    engine_gives(engine, WS_END);
  }
  EXPECT_STATUS(ws_engine_received(engine, 0), WS_OK);
  engine_gives(engine, WS_END);
  ws_engine_free(engine);
}

/* The first 16 bytes are those of engine_same_bytes, for the nonce; then every byte is another one. */
static void counting(void *space, size_t count, void *user) WS_NOEXCEPT {
  unsigned char *state = user;
  if (count == 16) {
    engine_same_bytes(space, count, NULL);
    return;
  }
  for (size_t i = 0; i < count; i++) ((unsigned char *)space)[i] = (*state)++;
}

/* A conversation of a client whose random bytes are always the same: its output, all in one. */
static size_t output_of(size_t piece, uint8_t *all, size_t room) {
  static const char *const pings[] = {"a", "b", "c"};
  uint8_t input[1024];
  size_t size = engine_response((char *)input, sizeof input, ""), taken = 0;
  unsigned char state = 1;
  ws_bytes output;
  ws_engine *engine;
  ws_event event = {.struct_size = sizeof event};
  for (int i = 0; i < 3; i++) {
    size += peer_frame_bytes(input + size, 0x81, 0, "text", 4);
    size += peer_frame_bytes(input + size, 0x89, 0, pings[i], 1);
  }
  size += peer_frame_bytes(input + size, 0x88, 0, "\x03\xe8", 2);
  EXPECT_STATUS(ws_engine_new_client(NULL, "ws://localhost/", counting, &state, &engine, NULL), WS_OK);
  for (size_t at = 0; at < size; at += piece) {
    EXPECT_STATUS(ws_engine_feed(engine, input + at, size - at < piece ? size - at : piece), WS_OK);
    while (ws_engine_next_event(engine, &event) == WS_OK) {
      if (event.type == WS_EVENT_MESSAGE) EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, event.data, event.size), WS_OK);
    }
    while (ws_engine_output(engine, &output) == WS_OK && output.size > 0 && output.size <= room - taken) {
      memcpy(all + taken, output.data, output.size);
      taken += output.size;
      EXPECT_STATUS(ws_engine_sent(engine, output.size), WS_OK);
    }
  }
  engine_gives(engine, WS_END);
  ws_engine_free(engine);
  return taken;
}

static void the_same_input_gives_the_same_output(void) {
  uint8_t first[2048], other[2048];
  size_t size = output_of(1, first, sizeof first);
  EXPECT(size > 200 && size <= sizeof first);
  for (size_t piece = 1; piece <= 200; piece++) {
    size_t now = output_of(piece, other, sizeof other);
    EXPECT_BYTES(other, now, first, size);
  }
}

/* Whatever was cut off, the end of the stream is told as one: lost, unless the peer had closed. */
static void the_stream_ends_at_every_byte(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    uint8_t input[1024];
    char head[512];
    size_t size, opened, closed;
    if (role == AS_SERVER) snprintf(head, sizeof head, "%s", PEER_REQUEST);
    else engine_response(head, sizeof head, "");
    opened = size = strlen(head);
    memcpy(input, head, size);
    size += peer_frame_bytes(input + size, 0x01, role == AS_SERVER, "one", 3);
    size += peer_frame_bytes(input + size, 0x80, role == AS_SERVER, "two", 3);
    size += peer_frame_bytes(input + size, 0x88, role == AS_SERVER, "\x03\xe8" "bye", 5);
    closed = size;
    for (size_t end = 0; end <= closed; end++) {
      int status, is_open = 0;
      ws_event event = {.struct_size = sizeof event};
      ws_engine *engine = role == AS_SERVER ? engine_new_server(NULL) : engine_new_client(NULL);
      if (end > 0) EXPECT_STATUS(ws_engine_feed(engine, input, end), WS_OK);
      if (end % 2 == 0) EXPECT_STATUS(ws_engine_feed(engine, NULL, 0), WS_OK);
      else EXPECT_STATUS(ws_engine_received(engine, 0), WS_OK);
      while ((status = ws_engine_next_event(engine, &event)) == WS_OK) {
        if (event.type == WS_EVENT_REQUEST) EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
        is_open |= event.type == WS_EVENT_OPEN;
      }
      EXPECT_STATUS(status, end == closed ? WS_END : WS_ERR_LOST);
      EXPECT_INT(is_open, end >= opened);
      engine_gives(engine, status);
      ws_engine_free(engine);
    }
  }
}

static const check_test tests[] = {
    TEST(handles_of_another_type),
    TEST(arguments_out_of_range),
    TEST(nothing_is_sent_before_the_connection_is_open),
    TEST(received_says_what_was_lent),
    TEST(lent_bytes_stay),
    TEST(a_silent_peer),
    TEST(configured_timeouts),
    TEST(no_deadline_but_the_peers),
    TEST(a_close_frame_without_answer),
    TEST(an_end_is_an_end),
    TEST(the_same_input_gives_the_same_output),
    TEST(the_stream_ends_at_every_byte),
};

TEST_MAIN(tests)
