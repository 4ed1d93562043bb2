/* Peers that break RFC 6455: each fault gives its status and its close code, in both roles, and however its bytes are cut.
 */
#include "wire.h"

/* A frame as the peer sends it. form is the width of the length (0: the right one), size a lie unless 0, data what really
 * follows; wrong_mask masks where it must not be and the reverse. */
typedef struct odd_frame {
  int first;
  const char *data;
  size_t data_size;
  uint64_t size;
  int form;
  int wrong_mask;
} odd_frame;

typedef struct fault {
  const char *name;
  int status;
  int code; /* of the close frame that the peer must get */
  odd_frame frames[3];
} fault;

#define OPEN_CONTINUATION 0x100 /* 0x00 on the wire; a plain 0 ends the list of frames */
#define BYTES(text) text, sizeof(text) - 1
#define BROKEN_RULE WS_ERR_PROTOCOL, 1002
#define BAD_TEXT WS_ERR_UTF8, 1007
#define LONG_CONTROL                                                                                   \
  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456" \
  "78901234567890123456789012345"

static const fault faults[] = {
    /* 5.2: reserved bits without an extension, on every kind of frame */
    {"RSV1 on text", BROKEN_RULE, {{0xc1, BYTES("x"), 0, 0, 0}}},
    {"RSV2 on binary", BROKEN_RULE, {{0xa2, BYTES("x"), 0, 0, 0}}},
    {"RSV3 on text", BROKEN_RULE, {{0x91, BYTES("x"), 0, 0, 0}}},
    {"all RSV on a ping", BROKEN_RULE, {{0xf9, BYTES("x"), 0, 0, 0}}},
    {"RSV1 on a pong", BROKEN_RULE, {{0xca, BYTES("x"), 0, 0, 0}}},
    {"RSV1 on a close", BROKEN_RULE, {{0xc8, BYTES("\x03\xe8"), 0, 0, 0}}},
    {"RSV1 on a continuation", BROKEN_RULE, {{0x01, BYTES("x"), 0, 0, 0}, {0xc0, BYTES("y"), 0, 0, 0}}},
    /* 5.2: opcodes that nobody defined */
    {"opcode 3", BROKEN_RULE, {{0x83, BYTES("x"), 0, 0, 0}}},
    {"opcode 4", BROKEN_RULE, {{0x84, BYTES(""), 0, 0, 0}}},
    {"opcode 5", BROKEN_RULE, {{0x05, BYTES("x"), 0, 0, 0}}},
    {"opcode 6", BROKEN_RULE, {{0x86, BYTES("x"), 0, 0, 0}}},
    {"opcode 7", BROKEN_RULE, {{0x87, BYTES("x"), 0, 0, 0}}},
    {"opcode 11", BROKEN_RULE, {{0x8b, BYTES("x"), 0, 0, 0}}},
    {"opcode 12", BROKEN_RULE, {{0x8c, BYTES(""), 0, 0, 0}}},
    {"opcode 13", BROKEN_RULE, {{0x0d, BYTES("x"), 0, 0, 0}}},
    {"opcode 14", BROKEN_RULE, {{0x8e, BYTES("x"), 0, 0, 0}}},
    {"opcode 15", BROKEN_RULE, {{0x8f, BYTES("x"), 0, 0, 0}}},
    /* 5.1: who masks */
    {"the wrong mask bit on text", BROKEN_RULE, {{0x81, BYTES("x"), 0, 0, 1}}},
    {"the wrong mask bit on a ping", BROKEN_RULE, {{0x89, BYTES(""), 0, 0, 1}}},
    {"the wrong mask bit on a close", BROKEN_RULE, {{0x88, BYTES(""), 0, 0, 1}}},
    /* 5.2: lengths; the shortest form must be used, and the top bit is zero */
    {"5 in 16 bits", BROKEN_RULE, {{0x81, BYTES("Hello"), 0, 16, 0}}},
    {"125 in 16 bits", BROKEN_RULE, {{0x82, BYTES(""), 125, 16, 0}}},
    {"0 in 64 bits", BROKEN_RULE, {{0x82, BYTES(""), 0, 64, 0}}},
    {"65535 in 64 bits", BROKEN_RULE, {{0x82, BYTES(""), 65535, 64, 0}}},
    {"2^63", BROKEN_RULE, {{0x82, BYTES(""), UINT64_C(1) << 63, 64, 0}}},
    {"2^64-1", BROKEN_RULE, {{0x82, BYTES(""), UINT64_MAX, 64, 0}}},
    {"2^64-4 of a continuation", BROKEN_RULE, {{0x02, BYTES("abcd"), 0, 0, 0}, {0x80, BYTES(""), UINT64_MAX - 3, 64, 0}}},
    {"2^63-1 is too big", WS_ERR_TOO_BIG, 1009, {{0x82, BYTES(""), INT64_MAX, 64, 0}}},
    {"2^63-1 of a continuation",
     WS_ERR_TOO_BIG,
     1009,
     {{0x02, BYTES("abcd"), 0, 0, 0}, {OPEN_CONTINUATION, BYTES(""), INT64_MAX, 64, 0}}},
    /* 5.5: control frames are short and whole */
    {"a ping of 126", BROKEN_RULE, {{0x89, BYTES(LONG_CONTROL), 0, 0, 0}}},
    {"a pong in 64 bits", BROKEN_RULE, {{0x8a, BYTES("x"), 0, 64, 0}}},
    {"a close of 126", BROKEN_RULE, {{0x88, BYTES(LONG_CONTROL), 0, 0, 0}}},
    {"a fragmented ping", BROKEN_RULE, {{0x09, BYTES("x"), 0, 0, 0}}},
    {"a fragmented close", BROKEN_RULE, {{0x08, BYTES("\x03\xe8"), 0, 0, 0}}},
    /* 5.4: fragments */
    {"a continuation of nothing", BROKEN_RULE, {{0x80, BYTES("x"), 0, 0, 0}}},
    {"an open continuation of nothing", BROKEN_RULE, {{OPEN_CONTINUATION, BYTES(""), 0, 0, 0}}},
    {"text inside text", BROKEN_RULE, {{0x01, BYTES("x"), 0, 0, 0}, {0x81, BYTES("y"), 0, 0, 0}}},
    {"binary inside text",
     BROKEN_RULE,
     {{0x01, BYTES("x"), 0, 0, 0}, {OPEN_CONTINUATION, BYTES("y"), 0, 0, 0}, {0x02, BYTES("z"), 0, 0, 0}}},
    /* 7.4: close codes */
    {"a close of one byte", BROKEN_RULE, {{0x88, BYTES("\x03"), 0, 0, 0}}},
    {"close 0", BROKEN_RULE, {{0x88, BYTES("\0\0"), 0, 0, 0}}},
    {"close 999", BROKEN_RULE, {{0x88, BYTES("\x03\xe7"), 0, 0, 0}}},
    {"close 1004", BROKEN_RULE, {{0x88, BYTES("\x03\xec"), 0, 0, 0}}},
    {"close 1005", BROKEN_RULE, {{0x88, BYTES("\x03\xed"), 0, 0, 0}}},
    {"close 1006", BROKEN_RULE, {{0x88, BYTES("\x03\xee"), 0, 0, 0}}},
    {"close 1015", BROKEN_RULE, {{0x88, BYTES("\x03\xf7"), 0, 0, 0}}},
    {"close 1016", BROKEN_RULE, {{0x88, BYTES("\x03\xf8"), 0, 0, 0}}},
    {"close 2999", BROKEN_RULE, {{0x88, BYTES("\x0b\xb7"), 0, 0, 0}}},
    {"close 5000", BROKEN_RULE, {{0x88, BYTES("\x13\x88"), 0, 0, 0}}},
    {"close 65535", BROKEN_RULE, {{0x88, BYTES("\xff\xff"), 0, 0, 0}}},
    {"a close reason that is not UTF-8", BAD_TEXT, {{0x88, BYTES("\x03\xe8\xff"), 0, 0, 0}}},
    {"a close reason cut in a character", BAD_TEXT, {{0x88, BYTES("\x03\xe8" "a\xc3"), 0, 0, 0}}},
    /* 8.1: text */
    {"a lone byte ff", BAD_TEXT, {{0x81, BYTES("ab\xff"), 0, 0, 0}}},
    {"a lone continuation byte", BAD_TEXT, {{0x81, BYTES("\x80"), 0, 0, 0}}},
    {"an overlong slash", BAD_TEXT, {{0x81, BYTES("\xc0\xaf"), 0, 0, 0}}},
    {"an overlong three", BAD_TEXT, {{0x81, BYTES("\xe0\x80\x80"), 0, 0, 0}}},
    {"a surrogate", BAD_TEXT, {{0x81, BYTES("\xed\xa0\x80"), 0, 0, 0}}},
    {"beyond U+10FFFF", BAD_TEXT, {{0x81, BYTES("\xf4\x90\x80\x80"), 0, 0, 0}}},
    {"five bytes", BAD_TEXT, {{0x81, BYTES("\xf8\x88\x80\x80\x80"), 0, 0, 0}}},
    {"a character cut by the end", BAD_TEXT, {{0x81, BYTES("ab\xe6\xb0"), 0, 0, 0}}},
    {"a character cut by the last fragment", BAD_TEXT, {{0x01, BYTES("\xe6"), 0, 0, 0}, {0x80, BYTES("\xb0"), 0, 0, 0}}},
    {"a bad byte in an unfinished message", BAD_TEXT, {{0x01, BYTES("ab\xff"), 0, 0, 0}}},
    {"a bad byte in an unfinished frame", BAD_TEXT, {{0x81, BYTES("ab\xff"), 1000, 0, 0}}},
    {"a bad byte in a continuation",
     BAD_TEXT,
     {{0x01, BYTES("\xce\xba"), 0, 0, 0}, {OPEN_CONTINUATION, BYTES("\xed\xa0"), 0, 0, 0}}},
};
enum { FAULTS = sizeof faults / sizeof faults[0], FRAMES = 3 };

static size_t fault_bytes(const fault *one, int masks, uint8_t *bytes) {
  size_t at = 0;
  for (int i = 0; i < FRAMES && one->frames[i].first != 0; i++) {
    const odd_frame *frame = &one->frames[i];
    const uint8_t *mask = masks != frame->wrong_mask ? peer_mask : NULL;
    uint64_t size = frame->size != 0 ? frame->size : frame->data_size;
    at += peer_header(bytes + at, frame->first, size, frame->form, mask);
    for (size_t j = 0; j < frame->data_size; j++) bytes[at++] = (uint8_t)frame->data[j] ^ (mask ? mask[j % 4] : 0);
  }
  return at;
}

/* After the fault: the status stays, the failure tells, nothing more can be written, and the peer was told. */
static void expect_fault(wire *w, const fault *one, int status) {
  ws_failure failure = {.struct_size = sizeof failure};
  uint16_t ours = 0;
  EXPECT_STATUS(status, one->status);
  wire_read_gives(w, one->status);
  EXPECT_STATUS(ws_conn_failure(w->conn, WS_READ, &failure), WS_OK);
  EXPECT_INT(failure.code, one->status);
  EXPECT_INT(failure.close_code, one->code);
  EXPECT_INT(failure.who, one->code == 1009 ? WS_BY_LIMIT : WS_BY_PEER);
  EXPECT(failure.text[0] != '\0' && memchr(failure.text, 0, sizeof failure.text) != NULL);
  wire_write_gives(w, "x", WS_ERR_CLOSE_SENT);
  EXPECT_INT(peer_get_close(w->fd), one->code);
  EXPECT_STATUS(ws_conn_close_codes(w->conn, NULL, NULL, &ours), WS_OK);
  EXPECT_INT(ours, one->code);
}

static void name_the_fault(const fault *one, int role) {
  if (check_now.failed) {
    size_t used = strlen(check_now.why);
    const char *as = role == AS_CLIENT ? "client" : "server";
    snprintf(check_now.why + used, sizeof check_now.why - used, " [%s, as %s]", one->name, as);
  }
}

static void every_fault_at_once(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    for (int i = 0; i < FAULTS && !check_now.failed; i++) {
      uint8_t bytes[1000];
      int32_t type;
      ws_bytes message;
      wire w;
      REQUIRE(wire_open(&w, role));
      EXPECT(peer_put(w.fd, bytes, fault_bytes(&faults[i], w.masks, bytes)));
      expect_fault(&w, &faults[i], ws_conn_read(w.conn, &type, &message));
      wire_close(&w);
      name_the_fault(&faults[i], role);
    }
  }
}

static void every_fault_byte_by_byte(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    for (int i = 0; i < FAULTS && !check_now.failed; i++) {
      uint8_t bytes[1000];
      int32_t type;
      ws_bytes message;
      int status = WS_ERR_TIMEOUT;
      wire w;
      REQUIRE(wire_open(&w, role));
      size_t size = fault_bytes(&faults[i], w.masks, bytes);
      EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, 1), WS_OK);
      for (size_t at = 0; at < size && status == WS_ERR_TIMEOUT; at++) {
        EXPECT(peer_put(w.fd, bytes + at, 1));
        status = ws_conn_read(w.conn, &type, &message);
      }
      expect_fault(&w, &faults[i], status);
      wire_close(&w);
      name_the_fault(&faults[i], role);
    }
  }
}

/* Text fails at its first bad byte, not at the end of its frame. */
static void bad_text_fails_at_once(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    uint8_t bytes[32];
    wire w;
    REQUIRE(wire_open(&w, role));
    size_t head = peer_header(bytes, 0x81, 20, 0, w.masks ? peer_mask : NULL);
    EXPECT(peer_put(w.fd, bytes, head));
    for (int i = 0; i < 4; i++) {
      uint8_t byte = (uint8_t)("ab\xce\xff"[i] ^ (w.masks ? peer_mask[i % 4] : 0));
      EXPECT_STATUS(ws_conn_set_read_deadline(w.conn, 1), WS_OK);
      wire_read_gives(&w, WS_ERR_TIMEOUT);
      EXPECT(peer_put(w.fd, &byte, 1));
    }
    wire_read_gives(&w, WS_ERR_UTF8);
    EXPECT_INT(peer_get_close(w.fd), 1007);
    wire_close(&w);
  }
}

static void good_messages_before_a_fault_are_delivered(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  wire_put_text(&w, 0x81, "good");
  wire_put_text(&w, 0x89, "ping");
  wire_put_text(&w, 0x81, "better");
  wire_put_text(&w, 0x83, "bad");
  wire_put_text(&w, 0x81, "lost");
  wire_reads(&w, "good");
  wire_write_gives(&w, "echo of good", WS_OK);
  wire_reads(&w, "better");
  wire_read_gives(&w, WS_ERR_PROTOCOL);
  wire_gets_text(&w, 0x81, "echo of good");
  wire_gets_text(&w, 0x8a, "ping");
  EXPECT_INT(peer_get_close(w.fd), 1002);
  wire_close(&w);
}

static void a_fault_is_followed_by_a_clean_end(void) {
  wire w;
  REQUIRE(wire_open_tcp(&w, AS_SERVER));
  wire_put_text(&w, 0x83, "bad");
  wire_put_text(&w, 0x81, "unread");
  wire_read_gives(&w, WS_ERR_PROTOCOL);
  peer_put_close(w.fd, 1, 1002, "");
  shutdown(w.fd, SHUT_WR);
  ws_conn_close(w.conn, 1000, NULL, 0, ws_in_ms(check_limit(3000)));
  EXPECT_INT(peer_get_close(w.fd), 1002);
  EXPECT(peer_ended(w.fd));
  wire_close(&w);
}

/* Odd, and allowed. */
static void what_the_rfc_allows(void) {
  char control[125];
  memset(control, 'c', sizeof control);
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    wire_put(&w, 0x89, control, sizeof control);
    wire_put_text(&w, 0x01, "");
    wire_put_text(&w, 0x00, "");
    wire_put(&w, 0x8a, control, sizeof control);
    wire_put_text(&w, 0x80, "");
    wire_reads(&w, "");
    wire_put_text(&w, 0x01, "\xf0\x9f");
    wire_put_text(&w, 0x89, "\xff\xfe");
    wire_put_text(&w, 0x00, "\x98");
    wire_put_text(&w, 0x80, "\x80");
    wire_reads(&w, "\xf0\x9f\x98\x80");
    memset(control, 'r', sizeof control);
    control[123] = '\0';
    peer_put_close(w.fd, w.masks, 1000, control);
    wire_read_gives(&w, WS_END);
    wire_close(&w);
  }
}

static void unchecked_text_passes_when_asked(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_check_utf8(w.conn, 0, 0), WS_OK);
  wire_put_text(&w, 0x81, "\xff\xfe");
  wire_reads(&w, "\xff\xfe");
  EXPECT_STATUS(ws_conn_set_check_utf8(w.conn, 1, 0), WS_OK);
  wire_put_text(&w, 0x81, "\xff\xfe");
  wire_read_gives(&w, WS_ERR_UTF8);
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(every_fault_at_once),
    TEST(every_fault_byte_by_byte),
    TEST(bad_text_fails_at_once),
    TEST(good_messages_before_a_fault_are_delivered),
    TEST(a_fault_is_followed_by_a_clean_end),
    TEST(what_the_rfc_allows),
    TEST(unchecked_text_passes_when_asked),
};
TEST_MAIN(tests)
