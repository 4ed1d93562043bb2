/* Close codes and payloads as values: format and parse (RFC 6455 5.5.1, 7.4), their texts, and what an end is to be called.
 */
#include "wire.h"

#define LONG_REASON                                                                                    \
  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456" \
  "78901234567890123456789012"

static int may_travel(int code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

typedef struct payload_row {
  uint16_t code;
  const char *reason;
  const char *payload;
  size_t size;
  uint16_t parsed;
} payload_row;

static const payload_row payloads[] = {
    {0, "", "", 0, 1005},
    {1005, "", "", 0, 1005},
    {1000, "", "\x03\xe8", 2, 1000},
    {4321, "why\xc3\xa9", "\x10\xe1why\xc3\xa9", 7, 4321},
    {4999, LONG_REASON, "\x13\x87" LONG_REASON, 125, 4999},
};
enum { PAYLOADS = sizeof payloads / sizeof payloads[0] };

static void payloads_there_and_back(void) {
  for (int i = 0; i < PAYLOADS; i++) {
    const payload_row *row = &payloads[i];
    char space[125];
    size_t size = 9;
    uint16_t code;
    ws_bytes reason;
    EXPECT_STATUS(ws_close_format(row->code, row->reason, strlen(row->reason), space, sizeof space, &size), WS_OK);
    EXPECT_BYTES(space, size, row->payload, row->size);
    EXPECT_STATUS(ws_close_parse(space, size, &code, &reason), WS_OK);
    EXPECT_INT(code, row->parsed);
    EXPECT_BYTES(reason.data, reason.size, row->reason, strlen(row->reason));
    if (size > 2) EXPECT(reason.data == (const uint8_t *)space + 2);
  }
}

static void every_code_that_there_can_be(void) {
  for (int code = 1; code <= 65535; code++) {
    uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code}, space[2];
    uint16_t parsed = 7;
    size_t size = 9;
    int formatted = ws_close_format((uint16_t)code, NULL, 0, space, 2, &size);
    int taken = ws_close_parse(bytes, 2, &parsed, NULL);
    int is_fine = may_travel(code) ? formatted == WS_OK && size == 2 && memcmp(space, bytes, 2) == 0 : size == 0;
    int is_none = code == 1005 && formatted == WS_OK;
    if (!may_travel(code) && !is_none) is_fine = is_fine && formatted == WS_ERR_INVALID;
    is_fine = is_fine && taken == (may_travel(code) ? WS_OK : WS_ERR_PROTOCOL) && parsed == (may_travel(code) ? code : 0);
    if (!is_fine) check_fail(__FILE__, __LINE__, "%d: format gave %d, parse %d", code, formatted, taken);
  }
}

static void reasons_that_must_not_be_sent(void) {
  char space[128];
  size_t size = 9;
  EXPECT_STATUS(ws_close_format(1000, LONG_REASON "x", 124, space, sizeof space, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_close_format(1000, "\xff", 1, space, sizeof space, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_close_format(1000, "\xed\xa0\x80", 3, space, sizeof space, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_close_format(0, "x", 1, space, sizeof space, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_close_format(1005, "x", 1, space, sizeof space, &size), WS_ERR_INVALID);
  EXPECT_INT(size, 0);
}

static void without_room_it_says_how_much_is_needed(void) {
  for (size_t room = 0; room < 6; room++) {
    char space[6];
    size_t size;
    memset(space, '#', sizeof space);
    int status = ws_close_format(1000, "bye", 3, room == 0 ? NULL : space, room, &size);
    EXPECT_STATUS(status, room < 5 ? WS_ERR_ROOM : WS_OK);
    EXPECT_INT(size, 5);
    EXPECT_BYTES(space, 6, room < 5 ? "######" : "\x03\xe8" "bye#", 6);
  }
}

static void payloads_that_no_close_frame_may_have(void) {
  static const struct {
    const char *payload;
    size_t size;
    int status;
  } rows[] = {
      {"\x03", 1, WS_ERR_PROTOCOL},
      {"\x03\xe8\xff", 3, WS_ERR_UTF8},
      {"\x03\xe8" "a\xc3", 4, WS_ERR_UTF8},
      {"\x03\xe7\xff", 3, WS_ERR_PROTOCOL},
      {"\x03\xe8" LONG_REASON "x", 126, WS_ERR_PROTOCOL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint16_t code = 7;
    ws_bytes reason = {(const uint8_t *)"x", 1};
    EXPECT_STATUS(ws_close_parse(rows[i].payload, rows[i].size, &code, &reason), rows[i].status);
    EXPECT(code == 0 && reason.data == NULL && reason.size == 0);
  }
}

static void wrong_arguments(void) {
  char space[125];
  size_t size = 9;
  uint16_t code = 7;
  EXPECT_STATUS(ws_close_format(1000, NULL, 1, space, sizeof space, &size), WS_ERR_INVALID);
  EXPECT_INT(size, 0);
  EXPECT_STATUS(ws_close_format(1000, NULL, 0, NULL, 125, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_close_format(1000, NULL, 0, space, sizeof space, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_close_format(1000, space, SIZE_MAX, space, SIZE_MAX, &size), WS_ERR_INVALID);
  EXPECT_STATUS(ws_close_parse(NULL, 1, &code, NULL), WS_ERR_INVALID);
  EXPECT_INT(code, 0);
  EXPECT_STATUS(ws_close_parse("\x03\xe8", 2, NULL, NULL), WS_OK);
  EXPECT_STATUS(ws_close_parse(NULL, 0, &code, NULL), WS_OK);
  EXPECT_INT(code, 1005);
}

static void a_formatted_payload_is_what_a_close_frame_takes(void) {
  wire w;
  char space[125];
  size_t size;
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_close_format(WS_CLOSE_SERVICE_RESTART, "soon", 4, space, sizeof space, &size), WS_OK);
  EXPECT_STATUS(ws_conn_write_control(w.conn, WS_CLOSE, space, size, 0), WS_OK);
  wire_gets(&w, 0x88, "\x03\xf4soon", 6);
  wire_close(&w);
}

static void codes_have_their_texts(void) {
  static const struct {
    int code;
    const char *text;
  } rows[] = {
      {WS_CLOSE_NORMAL, "normal closure"}, {WS_CLOSE_GOING_AWAY, "going away"},
      {WS_CLOSE_PROTOCOL_ERROR, "protocol error"}, {WS_CLOSE_UNSUPPORTED_DATA, "unsupported data"},
      {WS_CLOSE_NO_STATUS, "no status received"}, {WS_CLOSE_ABNORMAL, "abnormal closure"},
      {WS_CLOSE_INVALID_PAYLOAD, "invalid payload data"}, {WS_CLOSE_POLICY_VIOLATION, "policy violation"},
      {WS_CLOSE_MESSAGE_TOO_BIG, "message too big"}, {WS_CLOSE_MANDATORY_EXTENSION, "mandatory extension missing"},
      {WS_CLOSE_INTERNAL_ERROR, "internal error"}, {WS_CLOSE_SERVICE_RESTART, "service restart"},
      {WS_CLOSE_TRY_AGAIN_LATER, "try again later"}, {WS_CLOSE_BAD_GATEWAY, "bad gateway"},
      {WS_CLOSE_TLS_HANDSHAKE, "TLS handshake failure"}, {3000, "registered"}, {3999, "registered"}, {4000, "private use"},
      {4999, "private use"}, {0, "unknown"}, {999, "unknown"}, {1004, "unknown"}, {1016, "unknown"}, {2999, "unknown"},
      {5000, "unknown"}, {65535, "unknown"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    EXPECT_TEXT(ws_close_text((uint16_t)rows[i].code), rows[i].text);
    EXPECT(ws_close_text((uint16_t)rows[i].code) == ws_close_text((uint16_t)rows[i].code));
  }
}

static void the_numbers_are_those_of_the_registry(void) {
  static const int codes[] = {WS_CLOSE_NORMAL, WS_CLOSE_GOING_AWAY, WS_CLOSE_PROTOCOL_ERROR, WS_CLOSE_UNSUPPORTED_DATA, 1004,
                              WS_CLOSE_NO_STATUS, WS_CLOSE_ABNORMAL, WS_CLOSE_INVALID_PAYLOAD, WS_CLOSE_POLICY_VIOLATION,
                              WS_CLOSE_MESSAGE_TOO_BIG, WS_CLOSE_MANDATORY_EXTENSION, WS_CLOSE_INTERNAL_ERROR,
                              WS_CLOSE_SERVICE_RESTART, WS_CLOSE_TRY_AGAIN_LATER, WS_CLOSE_BAD_GATEWAY, WS_CLOSE_TLS_HANDSHAKE};
  for (int i = 0; i < 16; i++) EXPECT_INT(codes[i], 1000 + i);
}

/* ---- What an end is called ---- */

/* How a connection comes to its end, and the code that tells of it: 0 for an end that is none of a close. */
typedef struct ending {
  const char *name;
  int first;       /* of the peer's frame; 0: none */
  const char *payload;
  size_t size;
  int status;      /* of the read */
  int code;
} ending;

static const ending endings[] = {
    {"1000", 0x88, "\x03\xe8", 2, WS_END, 1000},
    {"1001", 0x88, "\x03\xe9" "bye", 5, WS_END, 1001},
    {"no code", 0x88, "", 0, WS_END, 1005},
    {"1011", 0x88, "\x03\xf3", 2, WS_ERR_CLOSED, 1011},
    {"4000", 0x88, "\x0f\xa0", 2, WS_ERR_CLOSED, 4000},
    {"the end of the stream", 0, "", 0, WS_ERR_LOST, 1006},
    {"the end of the stream inside a message", 0x01, "half", 4, WS_ERR_LOST, 1006},
    {"a violation", 0x83, "", 0, WS_ERR_PROTOCOL, 0},
    {"bad text", 0x81, "\xff", 1, WS_ERR_UTF8, 0},
    {"a message too big", 0x82, "123456789", 9, WS_ERR_TOO_BIG, 0},
};
enum { ENDINGS = sizeof endings / sizeof endings[0] };

/* Codes to ask for; 0 ends a list. */
static const uint16_t lists[][4] = {{0}, {1000, 0}, {1001, 0}, {1005, 0}, {1006, 0}, {1005, 1000, 0}, {1001, 1006, 4000, 0}, {1011, 0}};
enum { LISTS = sizeof lists / sizeof lists[0] };

static void ask_everything(ws_conn *conn, const char *name, int code) {
  for (int i = 0; i < LISTS; i++) {
    int is_listed = 0;
    size_t count = 0;
    while (lists[i][count] != 0) is_listed |= lists[i][count++] == code;
    int with = ws_conn_is_closed_with(conn, lists[i], count), without = ws_conn_is_closed_unexpectedly(conn, lists[i], count);
    if (with == is_listed && without == (code != 0 && !is_listed)) continue;
    check_fail(__FILE__, __LINE__, "%s, list %d: with %d, unexpectedly %d", name, i, with, without);
  }
}

/* The reference's TestCloseError and TestUnexpectedCloseErrors, and all other ends. */
static void ends_are_told_apart(void) {
  for (int i = 0; i < ENDINGS * 2; i++) {
    const ending *now = &endings[i / 2];
    wire w;
    REQUIRE(wire_open(&w, i % 2));
    EXPECT_STATUS(ws_conn_set_read_limit(w.conn, 8), WS_OK);
    ask_everything(w.conn, "before", 0);
    if (now->first != 0) wire_put(&w, now->first, now->payload, now->size);
    shutdown(w.fd, SHUT_WR);
    wire_read_gives(&w, now->status);
    ask_everything(w.conn, now->name, now->code);
    wire_close(&w);
  }
}

static int refuse(ws_conn *conn, uint16_t code, const void *reason, size_t size, void *user) WS_NOEXCEPT {
  (void)conn, (void)code, (void)reason, (void)size, (void)user;
  return 1;
}

static void ends_of_our_own_making_are_none_of_a_close(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 10), WS_OK);
  wire_read_gives(&w, WS_ERR_TIMEOUT);
  ask_everything(w.conn, "a timeout", 0);
  EXPECT_STATUS(ws_conn_set_close_handler(w.conn, refuse, NULL, NULL), WS_OK);
  peer_put_close(w.fd, w.masks, 1000, "");
  wire_read_gives(&w, WS_ERR_CALLBACK);
  ask_everything(w.conn, "a handler's no", 0);
  wire_close(&w);
  REQUIRE(wire_open(&w, AS_CLIENT));
  EXPECT_STATUS(ws_conn_abort(w.conn), WS_OK);
  wire_read_gives(&w, WS_ERR_ABORTED);
  ask_everything(w.conn, "abort", 0);
  wire_close(&w);
}

static void wrong_questions_are_answered_no(void) {
  static const uint16_t codes[] = {1000, 1005};
  wire w;
  ws_dialer *dialer;
  REQUIRE(wire_open(&w, AS_SERVER));
  REQUIRE_STATUS(ws_dialer_new(&dialer), WS_OK);
  peer_put_close(w.fd, w.masks, 1000, "");
  wire_read_gives(&w, WS_END);
  ws_conn *handles[] = {NULL, (ws_conn *)dialer};
  for (int i = 0; i < 2; i++) {
    EXPECT_INT(ws_conn_is_closed_with(handles[i], codes, 2), 0);
    EXPECT_INT(ws_conn_is_closed_unexpectedly(handles[i], codes + 1, 1), 0);
  }
  EXPECT_INT(ws_conn_is_closed_with(w.conn, NULL, 1), 0);
  EXPECT_INT(ws_conn_is_closed_unexpectedly(w.conn, NULL, 1), 0);
  EXPECT_INT(ws_conn_is_closed_unexpectedly(w.conn, codes, SIZE_MAX), 0);
  EXPECT_INT(ws_conn_is_closed_unexpectedly(w.conn, NULL, 0), 1);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(payloads_there_and_back),
    TEST(every_code_that_there_can_be),
    TEST(reasons_that_must_not_be_sent),
    TEST(without_room_it_says_how_much_is_needed),
    TEST(payloads_that_no_close_frame_may_have),
    TEST(wrong_arguments),
    TEST(a_formatted_payload_is_what_a_close_frame_takes),
    TEST(codes_have_their_texts),
    TEST(the_numbers_are_those_of_the_registry),
    TEST(ends_are_told_apart),
    TEST(ends_of_our_own_making_are_none_of_a_close),
    TEST(wrong_questions_are_answered_no),
};
TEST_MAIN(tests)
