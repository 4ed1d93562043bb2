/* Messages that are JSON documents (RFC 8259): whole ones are lent and sent as they are, others are refused and leave the connection
 * alive. What is a document is tested byte by byte in Tests/WSProtocolTests/Engine/JSONTextTests.swift.
 */
#include "wire.h"

/* A document with every kind of value, a surrogate pair and characters beyond ASCII. */
#define DOCUMENT \
  "{\"a\":\"hello\",\"b\":[1,-2.5e3,true,false,null],\"\\ud83d\\ude00\":{\"\xc3\xa9\":\"\xe2\x82\xac\"},\"c\":[{},[],\"\"]}"

static int json_gives(wire *w, int status) {
  ws_bytes text = {(const uint8_t *)"x", 1};
  if (!EXPECT_STATUS(ws_conn_read_json(w->conn, &text), status)) return 0;
  return EXPECT(text.data == NULL && text.size == 0);
}

static int json_reads(wire *w, const char *wanted, size_t size) {
  ws_bytes text;
  if (!EXPECT_STATUS(ws_conn_read_json(w->conn, &text), WS_OK)) return 0;
  return EXPECT_BYTES(text.data, text.size, wanted, size);
}

static int json_write_gives(ws_conn *conn, const char *text, int status) {
  return EXPECT_STATUS(ws_conn_write_json(conn, text, strlen(text)), status);
}

static void expect_failure(ws_conn *conn, int half, int who, const char *text) {
  ws_failure failure = {.struct_size = sizeof failure};
  EXPECT_STATUS(ws_conn_failure(conn, half, &failure), WS_OK);
  EXPECT_INT(failure.code, WS_ERR_JSON);
  EXPECT_INT(failure.who, who);
  EXPECT_INT(failure.close_code, 0);
  EXPECT_TEXT(failure.text, text);
}

static void documents_there_and_back(void) {
  static const char *const documents[] = {DOCUMENT, "null", "0", "\"text\"", " [ 1 , 2 ]\r\n", "{}\n"};
  pair p;
  ws_bytes text;
  REQUIRE(pair_open(&p));
  for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
    size_t size = strlen(documents[i]);
    json_write_gives(p.client, documents[i], WS_OK);
    REQUIRE_STATUS(ws_conn_read_json(p.server, &text), WS_OK);
    EXPECT_BYTES(text.data, text.size, documents[i], size);
    EXPECT_STATUS(ws_conn_write_json(p.server, text.data, text.size), WS_OK);
    REQUIRE_STATUS(ws_conn_read_json(p.client, &text), WS_OK);
    EXPECT_BYTES(text.data, text.size, documents[i], size);
  }
  pair_close(&p);
}

static void a_document_is_sent_as_one_text_frame(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    json_write_gives(w.conn, DOCUMENT, WS_OK);
    wire_gets_text(&w, 0x81, DOCUMENT);
    wire_close(&w);
  }
}

static void documents_in_binary_messages_and_in_fragments(void) {
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    wire_put_text(&w, 0x82, "[1]");
    json_reads(&w, "[1]", 3);
    wire_put_text(&w, 0x01, "{\"a\"");
    wire_put_text(&w, 0x89, "between");
    wire_put_text(&w, 0x80, ":1}");
    json_reads(&w, "{\"a\":1}", 7);
    wire_gets_text(&w, 0x8a, "between");
    wire_close(&w);
  }
}

/* The reference's TestPartialJSONRead: an error for each message, the connection stays alive, and then it is closed. */
static void every_proper_prefix_is_refused_and_the_connection_goes_on(void) {
  static const uint16_t going_away = WS_CLOSE_GOING_AWAY;
  for (int role = AS_SERVER; role <= AS_CLIENT; role++) {
    wire w;
    REQUIRE(wire_open(&w, role));
    EXPECT_STATUS(ws_conn_set_check_utf8(w.conn, 0, 0), WS_OK); /* some prefixes end inside a character */
    for (size_t size = 0; size < sizeof DOCUMENT - 1; size++) {
      wire_put(&w, 0x81, DOCUMENT, size);
      if (!json_gives(&w, WS_ERR_JSON)) break;
    }
    wire_put_text(&w, 0x81, " ");
    json_gives(&w, WS_ERR_JSON);
    expect_failure(w.conn, WS_READ, WS_BY_PEER, "JSON text that ends before its document does");
    EXPECT_INT(ws_is_fatal(WS_ERR_JSON), 0);
    wire_put_text(&w, 0x81, DOCUMENT);
    json_reads(&w, DOCUMENT, sizeof DOCUMENT - 1);
    wire_write_gives(&w, "alive", WS_OK);
    wire_gets_text(&w, 0x81, "alive");
    peer_put_close(w.fd, w.masks, WS_CLOSE_GOING_AWAY, "");
    json_gives(&w, WS_END);
    EXPECT_INT(ws_conn_is_closed_with(w.conn, &going_away, 1), 1);
    wire_close(&w);
  }
}

typedef struct refusal {
  const char *text;
  const char *why;
} refusal;

static const refusal refusals[] = {
    {"", "JSON text that ends before its document does"},
    {"[1,]", "no JSON document: unexpected byte at byte 3"},
    {"[\"a\nb\"]", "no JSON document: control byte in a string at byte 3"},
    {"\"\\x\"", "no JSON document: backslash that begins no escape at byte 1"},
    {"{} {}", "more than one JSON document at byte 3"},
    {"01", "more than one JSON document at byte 1"},
    {"hello", "no JSON document: unexpected byte at byte 0"},
};
enum { REFUSALS = sizeof refusals / sizeof refusals[0] };

static void the_failure_says_what_was_wrong_with_a_message(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  for (int i = 0; i < REFUSALS; i++) {
    wire_put_text(&w, 0x81, refusals[i].text);
    json_gives(&w, WS_ERR_JSON);
    expect_failure(w.conn, WS_READ, WS_BY_PEER, refusals[i].why);
  }
  wire_put(&w, 0x82, "\"\xc3\x28\"", 4);
  json_gives(&w, WS_ERR_JSON);
  expect_failure(w.conn, WS_READ, WS_BY_PEER, "no JSON document: string that is not UTF-8 at byte 2");
  EXPECT(peer_silent(w.fd, 20));
  wire_close(&w);
}

static void text_that_is_no_document_is_not_sent(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_CLIENT));
  for (int i = 0; i < REFUSALS; i++) {
    json_write_gives(w.conn, refusals[i].text, WS_ERR_JSON);
    expect_failure(w.conn, WS_WRITE, WS_BY_US, refusals[i].why);
  }
  EXPECT(peer_silent(w.fd, 20));
  json_write_gives(w.conn, "[]", WS_OK);
  wire_gets_text(&w, 0x81, "[]");
  wire_close(&w);
}

static void nesting_ends_at_512(void) {
  wire w;
  char text[1026];
  REQUIRE(wire_open(&w, AS_SERVER));
  memset(text, '[', 513);
  memset(text + 513, ']', 513);
  wire_put(&w, 0x81, text + 1, 1024);
  json_reads(&w, text + 1, 1024);
  wire_put(&w, 0x81, text, 1026);
  json_gives(&w, WS_ERR_JSON);
  expect_failure(w.conn, WS_READ, WS_BY_PEER, "JSON document that nests deeper than 512 levels at byte 512");
  EXPECT_STATUS(ws_conn_write_json(w.conn, text, 1026), WS_ERR_JSON);
  EXPECT_STATUS(ws_conn_write_json(w.conn, text + 1, 1024), WS_OK);
  wire_gets(&w, 0x81, text + 1, 1024);
  wire_close(&w);
}

static void a_message_that_was_kept_for_lack_of_room(void) {
  wire w;
  int32_t type;
  size_t size;
  REQUIRE(wire_open(&w, AS_SERVER));
  wire_put_text(&w, 0x81, DOCUMENT);
  EXPECT_STATUS(ws_conn_read_into(w.conn, &type, NULL, 0, &size), WS_ERR_ROOM);
  json_reads(&w, DOCUMENT, sizeof DOCUMENT - 1);
  wire_close(&w);
}

static void other_errors_are_those_of_reading_and_writing(void) {
  wire w;
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 20), WS_OK);
  json_gives(&w, WS_ERR_TIMEOUT);
  EXPECT_STATUS(ws_conn_set_read_timeout(w.conn, 0), WS_OK);
  EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 1), WS_OK);
  json_gives(&w, WS_AGAIN);
  EXPECT_STATUS(ws_conn_set_nonblocking(w.conn, 0), WS_OK);
  wire_put(&w, 0x81, "\"\xff\"", 3);
  json_gives(&w, WS_ERR_UTF8);
  json_gives(&w, WS_ERR_UTF8);
  json_write_gives(w.conn, "1", WS_ERR_CLOSE_SENT);
  wire_close(&w);
}

static void wrong_arguments(void) {
  wire w;
  ws_bytes text = {(const uint8_t *)"x", 1};
  REQUIRE(wire_open(&w, AS_SERVER));
  EXPECT_STATUS(ws_conn_read_json(w.conn, NULL), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_read_json(NULL, &text), WS_ERR_INVALID);
  EXPECT(text.data == NULL && text.size == 0);
  EXPECT_STATUS(ws_conn_write_json(w.conn, NULL, 1), WS_ERR_INVALID);
  EXPECT_STATUS(ws_conn_write_json(w.conn, NULL, 0), WS_ERR_JSON);
  EXPECT_STATUS(ws_conn_write_json(NULL, "1", 1), WS_ERR_INVALID);
  wire_close(&w);
}

static const check_test tests[] = {
    TEST(documents_there_and_back),
    TEST(a_document_is_sent_as_one_text_frame),
    TEST(documents_in_binary_messages_and_in_fragments),
    TEST(every_proper_prefix_is_refused_and_the_connection_goes_on),
    TEST(the_failure_says_what_was_wrong_with_a_message),
    TEST(text_that_is_no_document_is_not_sent),
    TEST(nesting_ends_at_512),
    TEST(a_message_that_was_kept_for_lack_of_room),
    TEST(other_errors_are_those_of_reading_and_writing),
    TEST(wrong_arguments),
};
TEST_MAIN(tests)
