/* An open connection as an engine: messages, fragments, control frames, the closing handshake, violations and limits, each
 * against bytes written by hand, and two engines against each other in pieces of every size.
 */
#include "engines.h"

/* The examples of RFC 6455 5.7. */
static void the_frames_of_the_standard(void) {
  static const uint8_t masked[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
  static const uint8_t plain[] = {0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f};
  ws_engine *server = engine_open(AS_SERVER), *client = engine_open(AS_CLIENT);
  EXPECT_STATUS(ws_engine_feed(server, masked, sizeof masked), WS_OK);
  engine_reads(server, "Hello");
  EXPECT_STATUS(ws_engine_feed(client, plain, sizeof plain), WS_OK);
  engine_reads(client, "Hello");
  EXPECT_STATUS(ws_engine_send(client, WS_TEXT, "Hello", 5), WS_OK);
  engine_sends(client, masked, sizeof masked);
  EXPECT_STATUS(ws_engine_send(server, WS_TEXT, "Hello", 5), WS_OK);
  engine_sends(server, plain, sizeof plain);
  ws_engine_free(server);
  ws_engine_free(client);
}

static void fragments_with_control_frames_between(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    ws_engine *engine = engine_open(role);
    engine_put_text(engine, role, 0x01, "one ");
    engine_put_text(engine, role, 0x89, "?");
    engine_put_text(engine, role, 0x00, "two ");
    engine_put_text(engine, role, 0x8a, "!");
    engine_put_text(engine, role, 0x80, "three");
    engine_tells(engine, WS_EVENT_PING, "?", 1);
    engine_tells(engine, WS_EVENT_PONG, "!", 1);
    engine_reads(engine, "one two three");
    engine_gives(engine, WS_AGAIN);
    engine_sends_frame(engine, role, 0x8a, "?", 1);
    EXPECT_INT(engine_pending(engine), 0);
    ws_engine_free(engine);
  }
}

static void fragments_are_sent_as_they_come(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    ws_engine *engine = engine_open(role);
    EXPECT_STATUS(ws_engine_send_fragment(engine, 0, "x", 1, 0), WS_ERR_STATE);
    EXPECT_STATUS(ws_engine_send_fragment(engine, 0, "x", 1, 1), WS_ERR_STATE);
    EXPECT_STATUS(ws_engine_send_fragment(engine, WS_BINARY, "a", 1, 0), WS_OK);
    EXPECT_STATUS(ws_engine_send_fragment(engine, WS_BINARY, "x", 1, 0), WS_ERR_STATE);
    EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, "x", 1), WS_ERR_STATE);
    EXPECT_STATUS(ws_engine_send(engine, WS_PING, "b", 1), WS_OK);
    EXPECT_STATUS(ws_engine_send_fragment(engine, 0, NULL, 0, 0), WS_OK);
    EXPECT_STATUS(ws_engine_send_fragment(engine, 0, "c", 1, 7), WS_OK);
    EXPECT_STATUS(ws_engine_send_fragment(engine, WS_TEXT, "d", 1, 1), WS_OK);
    engine_sends_frame(engine, role, 0x02, "a", 1);
    engine_sends_frame(engine, role, 0x89, "b", 1);
    engine_sends_frame(engine, role, 0x00, "", 0);
    engine_sends_frame(engine, role, 0x80, "c", 1);
    engine_sends_frame(engine, role, 0x81, "d", 1);
    EXPECT_INT(engine_pending(engine), 0);
    ws_engine_free(engine);
  }
}

/* Every length form of RFC 6455 5.2, sent and received. */
static void messages_of_every_size(void) {
  static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 300000};
  uint8_t *data = malloc(300000);
  memset(data, 0x5a, 300000);
  for (int i = 0; i < 16; i++) {
    int role = i % 2;
    size_t size = sizes[i / 2];
    ws_engine *engine = engine_open(role);
    engine_put(engine, role, 0x82, data, size);
    ws_event event = engine_event(engine, WS_EVENT_MESSAGE);
    EXPECT_INT(event.opcode, WS_BINARY);
    EXPECT_BYTES(event.data, event.size, data, size);
    EXPECT_STATUS(ws_engine_send(engine, WS_BINARY, event.data, event.size), WS_OK);
    engine_sends_frame(engine, role, 0x82, data, size);
    EXPECT_INT(engine_pending(engine), 0);
    ws_engine_free(engine);
  }
  free(data);
}

static void the_peer_closes(void) {
  static const struct {
    int sent, told, result;
    const char *reason;
  } cases[] = {{0, 1005, WS_END, ""},         {1000, 1000, WS_END, "bye"},         {1001, 1001, WS_END, ""},
               {1002, 1002, WS_ERR_CLOSED, ""}, {1014, 1014, WS_ERR_CLOSED, "x"}, {4999, 4999, WS_ERR_CLOSED, "Gr\xc3\xbc\xc3\x9f"}};
  for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
    int role = (int)(i % 2), code = cases[i / 2].sent;
    uint8_t payload[125] = {(uint8_t)(code >> 8), (uint8_t)code};
    size_t size = strlen(cases[i / 2].reason);
    uint16_t theirs = 7, ours = 7;
    ws_bytes reason = {NULL, 7};
    ws_failure failure = {.struct_size = sizeof failure};
    ws_engine *engine = engine_open(role);
    memcpy(payload + 2, cases[i / 2].reason, size);
    EXPECT_STATUS(ws_engine_close_codes(engine, &theirs, &reason, &ours), WS_OK);
    EXPECT(theirs == 0 && ours == 0 && reason.size == 0);
    engine_put(engine, role, 0x88, payload, code == 0 ? 0 : size + 2);
    ws_event event = engine_event(engine, WS_EVENT_CLOSE);
    EXPECT_INT(event.code, cases[i / 2].told);
    EXPECT_BYTES(event.data, event.size, cases[i / 2].reason, size);
    for (int again = 0; again < 2; again++) engine_gives(engine, cases[i / 2].result);
    EXPECT_INT(engine_sends_close(engine, role), cases[i / 2].told);
    EXPECT_INT(engine_pending(engine), 0);
    EXPECT_STATUS(ws_engine_close_codes(engine, &theirs, &reason, &ours), WS_OK);
    EXPECT(theirs == cases[i / 2].told && ours == theirs);
    EXPECT_BYTES(reason.data, reason.size, cases[i / 2].reason, size);
    EXPECT_STATUS(ws_engine_close(engine, 1000, NULL, 0), WS_OK); /* one was sent before */
    EXPECT_INT(engine_pending(engine), 0);
    EXPECT_STATUS(ws_engine_failure(engine, &failure), WS_OK);
    EXPECT_INT(failure.code, cases[i / 2].result == WS_END ? WS_OK : WS_ERR_CLOSED);
    ws_engine_free(engine);
  }
}

/* What the peer still had to say comes before its answer; nothing of ours goes behind our close frame. */
static void we_close(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    ws_engine *engine = engine_open(role);
    EXPECT_STATUS(ws_engine_close(engine, 1000, "done", 4), WS_OK);
    EXPECT_STATUS(ws_engine_close(engine, 1001, NULL, 0), WS_OK);
    EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, "x", 1), WS_ERR_CLOSE_SENT);
    EXPECT_STATUS(ws_engine_send(engine, WS_PONG, "x", 1), WS_ERR_CLOSE_SENT);
    EXPECT_STATUS(ws_engine_send_fragment(engine, WS_TEXT, "x", 1, 1), WS_ERR_CLOSE_SENT);
    engine_sends_frame(engine, role, 0x88, "\x03\xe8" "done", 6);
    engine_put_text(engine, role, 0x81, "late");
    engine_put_text(engine, role, 0x89, "not answered");
    engine_put(engine, role, 0x88, "\x03\xe8", 2);
    engine_reads(engine, "late");
    engine_event(engine, WS_EVENT_PING);
    EXPECT_INT(engine_event(engine, WS_EVENT_CLOSE).code, 1000);
    engine_gives(engine, WS_END);
    EXPECT_INT(engine_pending(engine), 0);
    EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, "x", 1), WS_ERR_CLOSE_SENT);
    engine_put_text(engine, role, 0x81, "behind the end"); /* dropped */
    engine_gives(engine, WS_END);
    ws_engine_free(engine);
  }
}

/* A close frame without a code, and one by ws_engine_send with a payload of one's own. */
static void close_frames_by_hand(void) {
  for (int way = 0; way < 4; way++) {
    uint16_t ours = 7;
    ws_engine *engine = engine_open(AS_SERVER);
    if (way < 2) EXPECT_STATUS(ws_engine_close(engine, way == 0 ? 0 : 1005, NULL, 0), WS_OK);
    if (way == 2) EXPECT_STATUS(ws_engine_send(engine, WS_CLOSE, NULL, 0), WS_OK);
    if (way == 3) EXPECT_STATUS(ws_engine_send(engine, WS_CLOSE, "\x0f\xa1" "own", 5), WS_OK);
    EXPECT_STATUS(ws_engine_close_codes(engine, NULL, NULL, &ours), WS_OK);
    EXPECT_INT(ours, way == 3 ? 4001 : 1005);
    EXPECT_INT(engine_sends_close(engine, AS_SERVER), way == 3 ? 4001 : 1005);
    EXPECT_STATUS(ws_engine_send(engine, WS_CLOSE, NULL, 0), WS_ERR_CLOSE_SENT);
    ws_engine_free(engine);
  }
}

typedef struct violation {
  const char *bytes;
  size_t size;
  int status;
  int code;
} violation;

#define BROKEN(text) {text, sizeof text - 1, WS_ERR_PROTOCOL, 1002}

/* To a server, with a mask of zero where there is one. */
static const violation violations[] = {
    BROKEN("\x81\x01x"),                           /* no mask */
    BROKEN("\xc1\x80\0\0\0\0"),                    /* RSV1 */
    BROKEN("\xa2\x80\0\0\0\0"),                    /* RSV2 */
    BROKEN("\x92\x80\0\0\0\0"),                    /* RSV3 */
    BROKEN("\x83\x80\0\0\0\0"),                    /* unknown data frame */
    BROKEN("\x8b\x80\0\0\0\0"),                    /* unknown control frame */
    BROKEN("\x09\x80\0\0\0\0"),                    /* fragmented ping */
    BROKEN("\x89\xfe\0\x7e\0\0\0\0"),              /* long ping */
    BROKEN("\x80\x80\0\0\0\0"),                    /* nothing to continue */
    BROKEN("\x01\x80\0\0\0\0\x81\x80\0\0\0\0"),    /* message in a message */
    BROKEN("\x82\xfe\0\x7d\0\0\0\0"),              /* 16 bits for 125 */
    BROKEN("\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0"), /* 64 bits for 65535 */
    BROKEN("\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0"),  /* top bit */
    BROKEN("\x88\x81\0\0\0\0\x03"),                /* half a code */
    BROKEN("\x88\x82\0\0\0\0\x03\xed"),            /* 1005 */
    BROKEN("\x88\x82\0\0\0\0\x03\xe7"),            /* 999 */
    {"\x88\x83\0\0\0\0\x03\xe8\xff", 9, WS_ERR_UTF8, 1007},
    {"\x81\x81\0\0\0\0\xff", 7, WS_ERR_UTF8, 1007},
    {"\x81\x82\0\0\0\0\xc3", 7, WS_AGAIN, 0},
    {"\x81\x81\0\0\0\0\xc3", 7, WS_ERR_UTF8, 1007},
    {"\x01\x83\0\0\0\0\xf5", 7, WS_ERR_UTF8, 1007}, /* at the first bad byte, not at the end */
    {"\x82\xff\0\0\0\0\x01\0\0\x01\0\0\0\0", 14, WS_ERR_TOO_BIG, 1009},
};

static void one_violation(const violation *fault, size_t piece) {
  ws_failure failure = {.struct_size = sizeof failure};
  uint16_t ours = 7;
  ws_engine *engine = engine_open(AS_SERVER);
  int status = WS_AGAIN;
  ws_event event = {.struct_size = sizeof event};
  for (size_t at = 0; at < fault->size && status == WS_AGAIN; at += piece) {
    EXPECT_STATUS(ws_engine_feed(engine, fault->bytes + at, fault->size - at < piece ? fault->size - at : piece), WS_OK);
    status = ws_engine_next_event(engine, &event);
  }
  if (!EXPECT_STATUS(status, fault->status) || status == WS_AGAIN) {
    ws_engine_free(engine);
    return;
  }
  engine_gives(engine, fault->status);
  EXPECT_INT(engine_sends_close(engine, AS_SERVER), fault->code);
  EXPECT_INT(engine_pending(engine), 0);
  EXPECT_STATUS(ws_engine_close_codes(engine, NULL, NULL, &ours), WS_OK);
  EXPECT_INT(ours, fault->code);
  EXPECT_STATUS(ws_engine_failure(engine, &failure), WS_OK);
  EXPECT(failure.code == fault->status && failure.close_code == fault->code && failure.text[0] != '\0');
  EXPECT_STATUS(ws_engine_feed(engine, "x", 1), fault->status);
  EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, "x", 1), fault->status);
  EXPECT_STATUS(ws_engine_close(engine, 1000, NULL, 0), WS_OK);
  EXPECT_INT(engine_pending(engine), 0);
  ws_engine_free(engine);
}

static void violations_are_answered(void) {
  for (size_t i = 0; i < sizeof violations / sizeof violations[0]; i++) {
    for (size_t piece = 1; piece <= 14; piece++) one_violation(&violations[i], piece);
  }
  ws_engine *client = engine_open(AS_CLIENT);
  engine_put_text(client, AS_SERVER, 0x81, "masked");
  engine_gives(client, WS_ERR_PROTOCOL);
  EXPECT_INT(engine_sends_close(client, AS_CLIENT), 1002);
  ws_engine_free(client);
}

/* Good frames before the bad one are told and answered first. */
static void events_come_before_the_violation(void) {
  ws_engine *engine = engine_open(AS_SERVER);
  engine_put_text(engine, AS_SERVER, 0x81, "good");
  engine_put_text(engine, AS_SERVER, 0x89, "ping");
  engine_put_text(engine, AS_SERVER, 0x83, "bad");
  engine_reads(engine, "good");
  engine_tells(engine, WS_EVENT_PING, "ping", 4);
  engine_gives(engine, WS_ERR_PROTOCOL);
  engine_sends_frame(engine, AS_SERVER, 0x8a, "ping", 4);
  EXPECT_INT(engine_sends_close(engine, AS_SERVER), 1002);
  ws_engine_free(engine);
}

static void the_read_limit(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    ws_failure failure = {.struct_size = sizeof failure};
    ws_engine *engine = engine_open(role);
    EXPECT_STATUS(ws_engine_set_read_limit(engine, 4), WS_OK);
    engine_put_text(engine, role, 0x01, "12");
    engine_put_text(engine, role, 0x89, "longer than that");
    engine_put_text(engine, role, 0x80, "34");
    engine_event(engine, WS_EVENT_PING);
    engine_reads(engine, "1234");
    engine_sends_frame(engine, role, 0x8a, "longer than that", 16);
    engine_put_text(engine, role, 0x81, "12345");
    engine_gives(engine, WS_ERR_TOO_BIG);
    EXPECT_INT(engine_sends_close(engine, role), 1009);
    EXPECT_STATUS(ws_engine_failure(engine, &failure), WS_OK);
    EXPECT_INT(failure.limit, 4);
    EXPECT_INT(failure.who, WS_BY_LIMIT);
    ws_engine_free(engine);
  }
}

static void utf8_is_checked_as_asked(void) {
  ws_engine *engine = engine_open(AS_SERVER);
  EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, "\xff", 1), WS_OK);
  engine_sends_frame(engine, AS_SERVER, 0x81, "\xff", 1);
  EXPECT_STATUS(ws_engine_set_check_utf8(engine, 0, 1), WS_OK);
  engine_put(engine, AS_SERVER, 0x81, "\xff", 1);
  engine_reads(engine, "\xff");
  EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, "\xff", 1), WS_ERR_UTF8);
  EXPECT_STATUS(ws_engine_send_fragment(engine, WS_TEXT, "\xc3", 1, 0), WS_OK);
  EXPECT_STATUS(ws_engine_send_fragment(engine, 0, NULL, 0, 1), WS_ERR_UTF8);
  EXPECT_STATUS(ws_engine_send_fragment(engine, 0, "\xbc", 1, 1), WS_OK);
  EXPECT_STATUS(ws_engine_send(engine, WS_BINARY, "\xff", 1), WS_OK);
  engine_sends_frame(engine, AS_SERVER, 0x01, "\xc3", 1);
  engine_sends_frame(engine, AS_SERVER, 0x80, "\xbc", 1);
  engine_sends_frame(engine, AS_SERVER, 0x82, "\xff", 1);
  EXPECT_STATUS(ws_engine_set_check_utf8(engine, 1, 0), WS_OK);
  engine_put(engine, AS_SERVER, 0x81, "\xff", 1);
  engine_gives(engine, WS_ERR_UTF8);
  ws_engine_free(engine);
}

/* Memory follows what arrived, not what was claimed: the room to receive into is never much larger than what came so far. */
static void claims_cost_nothing(void) {
  uint8_t header[14];
  void *space;
  size_t room, total = 0;
  ws_engine *engine = engine_open(AS_SERVER);
  EXPECT_STATUS(ws_engine_set_read_limit(engine, 0), WS_OK);
  EXPECT_STATUS(ws_engine_feed(engine, header, peer_header(header, 0x82, UINT64_C(1) << 40, 0, peer_mask)), WS_OK);
  for (int i = 0; i < 100; i++) {
    engine_gives(engine, WS_AGAIN);
    REQUIRE_STATUS(ws_engine_buffer(engine, &space, &room), WS_OK);
    EXPECT(room > 0 && room <= 65536 + total);
    if (room > 5000) room = 5000;
    memset(space, 0, room);
    EXPECT_STATUS(ws_engine_received(engine, room), WS_OK);
    total += room;
  }
  EXPECT_STATUS(ws_engine_feed(engine, NULL, 0), WS_OK);
  engine_gives(engine, WS_ERR_LOST);
  ws_engine_free(engine);
}

/* A peer that pings and never reads gets one pong, for the latest ping, behind what was there when it began. */
static void pings_without_end(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    ws_engine *engine = engine_open(role);
    EXPECT_STATUS(ws_engine_send(engine, WS_TEXT, "first", 5), WS_OK);
    size_t before = engine_pending(engine);
    for (int i = 0; i < 10000; i++) {
      char text[16];
      snprintf(text, sizeof text, "%d", i);
      engine_put_text(engine, role, 0x89, text);
      engine_event(engine, WS_EVENT_PING);
    }
    EXPECT(engine_pending(engine) <= before + 12);
    engine_sends_frame(engine, role, 0x81, "first", 5);
    engine_sends_frame(engine, role, 0x8a, "9999", 4);
    EXPECT_INT(engine_pending(engine), 0);
    ws_engine_free(engine);
  }
}

/* Two engines, and what they have told and answered so far. */
typedef struct duo {
  ws_engine *ends[2]; /* AS_SERVER, AS_CLIENT */
  int results[2];
  size_t messages, bytes, pings;
  unsigned seed;
} duo;

static size_t duo_random(duo *two, size_t below) {
  two->seed = two->seed * 1103515245u + 12345u;
  return (two->seed >> 8) % below;
}

static void duo_event(duo *two, int role, const ws_event *event) {
  ws_engine *engine = two->ends[role];
  if (event->type == WS_EVENT_REQUEST) EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
  if (event->type == WS_EVENT_PING) two->pings += 1;
  if (event->type != WS_EVENT_MESSAGE) return;
  if (role == AS_SERVER) {
    EXPECT_STATUS(ws_engine_send(engine, event->opcode, event->data, event->size), WS_OK);
  } else {
    for (size_t i = 0; i < event->size; i++) EXPECT(event->data[i] == (uint8_t)(event->size + i));
    two->messages += 1;
    two->bytes += event->size;
  }
}

static void duo_events(duo *two, int role) {
  ws_event event = {.struct_size = sizeof event};
  while ((two->results[role] = ws_engine_next_event(two->ends[role], &event)) == WS_OK) duo_event(two, role, &event);
}

/* Moves everything both ways in pieces of that size, or of random sizes for 0, until nothing moves any more. */
static void duo_run(duo *two, size_t piece) {
  size_t moved = 1;
  while (moved > 0) {
    moved = 0;
    for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
      size_t size = piece > 0 ? piece : 1 + duo_random(two, 9000);
      moved += engine_move(two->ends[1 - role], two->ends[role], size, (int)duo_random(two, 2));
      duo_events(two, role);
    }
  }
}

/* A client sends messages whole and in fragments, with pings, a server echoes them, and the client closes. */
static void duo_talk(size_t piece, size_t largest) {
  static const size_t sizes[] = {0, 1, 125, 126, 4096, 65535, 65536, 200000};
  duo two = {.seed = (unsigned)piece + 1};
  uint8_t *data = malloc(largest + 1);
  size_t messages = 0, bytes = 0;
  EXPECT_STATUS(ws_engine_new_server(NULL, WS_ENGINE_LOOPBACK, &two.ends[AS_SERVER]), WS_OK);
  EXPECT_STATUS(ws_engine_new_client(NULL, "ws://127.0.0.1/", NULL, NULL, &two.ends[AS_CLIENT], NULL), WS_OK);
  duo_run(&two, piece);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && sizes[i] <= largest; i++) {
    ws_engine *client = two.ends[AS_CLIENT];
    size_t size = sizes[i], third = size / 3;
    for (size_t at = 0; at < size; at++) data[at] = (uint8_t)(size + at);
    EXPECT_STATUS(ws_engine_send(client, WS_BINARY, data, size), WS_OK);
    EXPECT_STATUS(ws_engine_send_fragment(client, WS_BINARY, data, third, 0), WS_OK);
    EXPECT_STATUS(ws_engine_send(client, WS_PING, "ping", 4), WS_OK);
    EXPECT_STATUS(ws_engine_send_fragment(client, 0, data + third, size - third, 1), WS_OK);
    messages += 2;
    bytes += 2 * size;
    if (i % 2 == 1) duo_run(&two, piece);
  }
  EXPECT_STATUS(ws_engine_close(two.ends[AS_CLIENT], 1000, "done", 4), WS_OK);
  duo_run(&two, piece);
  EXPECT_INT(two.results[AS_SERVER], WS_END);
  EXPECT_INT(two.results[AS_CLIENT], WS_END);
  EXPECT_INT(two.messages, messages);
  EXPECT_INT(two.bytes, bytes);
  EXPECT_INT(two.pings, messages / 2);
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) EXPECT_STATUS(ws_engine_free(two.ends[role]), WS_OK);
  free(data);
}

static void two_engines_in_random_pieces(void) { duo_talk(0, 200000); }

static void two_engines_byte_by_byte(void) { duo_talk(1, 65536); }

static void two_engines_in_all_kinds_of_pieces(void) {
  static const size_t pieces[] = {2, 3, 7, 1000, 4096, 65537, 1 << 20};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) duo_talk(pieces[i], pieces[i] < 1000 ? 4096 : 200000);
}

static const check_test tests[] = {
    TEST(the_frames_of_the_standard),
    TEST(fragments_with_control_frames_between),
    TEST(fragments_are_sent_as_they_come),
    TEST(messages_of_every_size),
    TEST(the_peer_closes),
    TEST(we_close),
    TEST(close_frames_by_hand),
    TEST(violations_are_answered),
    TEST(events_come_before_the_violation),
    TEST(the_read_limit),
    TEST(utf8_is_checked_as_asked),
    TEST(claims_cost_nothing),
    TEST(pings_without_end),
    TEST(two_engines_in_random_pieces),
    TEST(two_engines_byte_by_byte),
    TEST(two_engines_in_all_kinds_of_pieces),
};

TEST_MAIN(tests)
