/* Agreeing on permessage-deflate (RFC 7692 5 and 7.1): what is offered, what is answered, and answers that fail the connection.
 */
#include "compressed.h"
#include "engines.h"
#include "request.h"
#include "stage.h"

#define NAME "permessage-deflate"

/* What a dialer or an upgrader is told. */
typedef struct terms {
  int on;
  int client_takeover, server_takeover;
  int client_bits, server_bits;
} terms;

static ws_dialer *dialer_with(terms told) {
  ws_dialer *dialer = NULL;
  EXPECT_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_set_window_bits(dialer, told.client_bits, told.server_bits), WS_OK);
  EXPECT_STATUS(ws_dialer_set_context_takeover(dialer, told.client_takeover, told.server_takeover), WS_OK);
  EXPECT_STATUS(ws_dialer_set_compression(dialer, told.on), WS_OK);
  return dialer;
}

static ws_upgrader *upgrader_with(terms told) {
  ws_upgrader *upgrader = NULL;
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_window_bits(upgrader, told.client_bits, told.server_bits), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_context_takeover(upgrader, told.client_takeover, told.server_takeover), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_compression(upgrader, told.on), WS_OK);
  return upgrader;
}

static void agreed_on(const ws_conn *conn, const char *text) {
  ws_bytes agreed = {NULL, 7};
  EXPECT_STATUS(ws_conn_extensions(conn, &agreed), WS_OK);
  EXPECT_BYTES(agreed.data, agreed.size, text, strlen(text));
}

static void what_is_offered(void) {
  static const struct {
    terms told;
    const char *offer;
  } rows[] = {{{0, 1, 1, 15, 15}, ""},
              {{1, 1, 1, 15, 15}, NAME "; client_max_window_bits"},
              {{1, 1, 1, 0, 15}, NAME},
              {{1, 0, 1, 15, 15}, NAME "; client_no_context_takeover; client_max_window_bits"},
              {{1, 1, 0, 9, 8}, NAME "; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits=9"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char head[2048], value[256];
    ws_dialer *dialer = dialer_with(rows[i].told);
    ws_engine *engine = engine_new_client(dialer);
    engine_sends_head(engine, head, sizeof head);
    peer_field(head, "Sec-WebSocket-Extensions", value, sizeof value);
    EXPECT_TEXT(value, rows[i].offer);
    ws_engine_free(engine);
    ws_dialer_free(dialer);
  }
}

/* The failure's words say which rule was broken. */
static void answers_to_a_client(void) {
  static const terms everything = {1, 1, 1, 15, 15}, nothing = {0, 1, 1, 15, 15}, little = {1, 1, 0, 0, 10};
  const struct {
    const terms *told;
    const char *answer; /* behind the name */
    const char *words;  /* NULL: it is a good one */
  } rows[] = {{&everything, "", NULL},
              {&everything, "; server_no_context_takeover; client_no_context_takeover", NULL},
              {&everything, "; server_max_window_bits=8; client_max_window_bits=8", NULL},
              {&everything, "; server_max_window_bits=99", "windows are 8 to 15"}, /* CVE-2026-2229, and the next four */
              {&everything, "; server_max_window_bits=7", "windows are 8 to 15"},
              {&everything, "; server_max_window_bits=abc", "windows are 8 to 15"},
              {&everything, "; server_max_window_bits=\"\"", "windows are 8 to 15"},
              {&everything, "; server_max_window_bits=9; server_max_window_bits=9", "a parameter twice"},
              {&everything, "; client_max_window_bits", "windows are 8 to 15"},
              {&everything, "; bogus", "unknown parameter"},
              {&everything, ", " NAME, "an extension twice"},
              {&everything, ", x-other", "was not offered"},
              {&everything, "; ;", "not a list of extensions"},
              {&nothing, "", "was not offered"},
              {&little, "; server_no_context_takeover", "must repeat"},
              {&little, "; server_max_window_bits=10", "must repeat"},
              {&little, "; server_no_context_takeover; server_max_window_bits=11", "larger window"},
              {&little, "; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9", "was not offered"},
              {&little, "; server_no_context_takeover; server_max_window_bits=9", NULL}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char field[400], value[256];
    snprintf(value, sizeof value, NAME "%s", rows[i].answer);
    snprintf(field, sizeof field, "Sec-WebSocket-Extensions: %s\r\n", value);
    staged stage = {.fields = field};
    ws_dialer *dialer = dialer_with(*rows[i].told);
    int status = staged_dial(&stage, dialer, "ws://localhost/");
    if (rows[i].words == NULL) {
      if (EXPECT_STATUS(status, WS_OK)) agreed_on(stage.conn, value);
    } else if (status != WS_ERR_HANDSHAKE || strstr(stage.failure.text, rows[i].words) == NULL) {
      check_fail(__FILE__, __LINE__, "\"%s\" gave %d: %s", rows[i].answer, status, stage.failure.text);
    }
    staged_end(&stage);
    EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  }
}

static void a_server_that_declines(void) {
  ws_dialer *dialer = dialer_with((terms){1, 0, 0, 9, 9});
  staged stage = {.fields = ""};
  if (EXPECT_STATUS(staged_dial(&stage, dialer, "ws://localhost/"), WS_OK)) agreed_on(stage.conn, "");
  staged_end(&stage);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
}

static void answers_of_a_server(void) {
  static const terms off = {0, 1, 1, 15, 15}, frugal = {1, 0, 0, 15, 15}, generous = {1, 1, 1, 15, 15}, tight = {1, 1, 1, 10, 11};
  const struct {
    const terms *told;
    const char *offer;
    const char *answer;
  } rows[] = {{&off, NAME, ""},
              {&frugal, NAME "; client_max_window_bits", NAME "; server_no_context_takeover; client_no_context_takeover"},
              {&generous, NAME "; client_max_window_bits", NAME},
              {&generous, NAME "; client_no_context_takeover", NAME "; client_no_context_takeover"},
              {&generous, NAME "; server_no_context_takeover", NAME "; server_no_context_takeover"},
              {&generous, NAME "; server_max_window_bits=12; client_max_window_bits=8",
               NAME "; server_max_window_bits=12; client_max_window_bits=8"},
              {&generous, NAME "; server_max_window_bits=8", ""},
              {&generous, NAME "; server_max_window_bits=8, " NAME "; server_max_window_bits=9", NAME "; server_max_window_bits=9"},
              {&generous, NAME "; bogus=1, x-other, " NAME, NAME},
              {&generous, NAME "; client_max_window_bits=16\r\nSec-WebSocket-Extensions: " NAME, NAME},
              {&generous, "x y, " NAME, ""},
              {&generous, NAME ";, " NAME, ""},
              {&tight, NAME, NAME "; server_max_window_bits=11"}, /* never client_max_window_bits to whom did not offer it */
              {&tight, NAME "; client_max_window_bits", NAME "; server_max_window_bits=11; client_max_window_bits=10"},
              {&tight, NAME "; client_max_window_bits=9; server_max_window_bits=10",
               NAME "; server_max_window_bits=10; client_max_window_bits=9"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[1024], value[256];
    request r;
    ws_upgrader *upgrader = upgrader_with(*rows[i].told);
    snprintf(text, sizeof text, REQUEST_LINE REQUEST_HOST "Sec-WebSocket-Extensions: %s\r\n" REQUEST_REST "\r\n", rows[i].offer);
    request_send(&r, upgrader, text);
    if (EXPECT_STATUS(r.status, WS_OK)) {
      peer_field(r.head, "Sec-WebSocket-Extensions", value, sizeof value);
      EXPECT_TEXT(value, rows[i].answer);
      agreed_on(r.conn, rows[i].answer);
    }
    request_end(&r);
    EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  }
}

/* Without a word about windows and contexts: a server keeps none. */
static void a_servers_defaults(void) {
  char value[256];
  request r;
  ws_upgrader *upgrader;
  REQUIRE_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_compression(upgrader, 1), WS_OK);
  request_send(&r, upgrader, REQUEST_LINE REQUEST_HOST "Sec-WebSocket-Extensions: " NAME "\r\n" REQUEST_REST "\r\n");
  EXPECT_STATUS(r.status, WS_OK);
  peer_field(r.head, "Sec-WebSocket-Extensions", value, sizeof value);
  EXPECT_TEXT(value, NAME "; server_no_context_takeover; client_no_context_takeover");
  request_end(&r);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static void engines_agree(void) {
  static const char *const expected[] = {
      "", NAME, NAME "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9"};
  static const terms told[] = {{0, 1, 1, 15, 15}, {1, 1, 1, 15, 15}, {1, 0, 0, 9, 10}};
  for (int i = 0; i < 3; i++) {
    ws_bytes agreed = {NULL, 7};
    ws_dialer *dialer = dialer_with(told[i]);
    ws_upgrader *upgrader = upgrader_with((terms){1, 1, 1, 15, 15});
    ws_engine *client = engine_new_client(dialer), *server = engine_new_server(upgrader);
    while (engine_move(client, server, 7, i % 2) > 0) {
    }
    EXPECT_STATUS(ws_engine_extensions(server, &agreed), WS_OK);
    EXPECT(agreed.data == NULL && agreed.size == 0); /* nothing before the answer */
    engine_event(server, WS_EVENT_REQUEST);
    EXPECT_STATUS(ws_engine_accept(server), WS_OK);
    while (engine_move(server, client, 7, i % 2) > 0) {
    }
    engine_event(client, WS_EVENT_OPEN);
    ws_engine *ends[] = {client, server};
    for (int j = 0; j < 2; j++) {
      EXPECT_STATUS(ws_engine_extensions(ends[j], &agreed), WS_OK);
      EXPECT_BYTES(agreed.data, agreed.size, expected[i], strlen(expected[i]));
      ws_engine_free(ends[j]);
    }
    ws_dialer_free(dialer);
    ws_upgrader_free(upgrader);
  }
}

/* Windows and contexts of every kind, from both ends: a message there, and the same one back. */
static void what_was_agreed_on_works(void) {
  static const int bits[] = {15, 9, 12, 10};
  static const size_t sizes[] = {0, 1, 100, 5000, 5000, 60000, 60000};
  static uint8_t data[60000];
  compressible(data, sizeof data, 3);
  for (int flags = 0; flags < 16; flags++) {
    pair p;
    ws_dialer *dialer = compressed_dialer(IN_CONTEXT);
    ws_upgrader *upgrader = compressed_upgrader(IN_CONTEXT);
    ws_dialer_set_context_takeover(dialer, flags & 1, flags & 2);
    ws_dialer_set_window_bits(dialer, bits[flags / 4], bits[3 - flags / 4]);
    REQUIRE(pair_open_with(&p, dialer, upgrader));
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0] && !check_now.failed; i++) {
      ws_conn *from = i % 2 ? p.client : p.server, *to = i % 2 ? p.server : p.client;
      int32_t type;
      ws_bytes message;
      EXPECT_STATUS(ws_conn_write(from, WS_TEXT, data, sizes[i / 2]), WS_OK);
      EXPECT_STATUS(ws_conn_read(to, &type, &message), WS_OK);
      EXPECT_BYTES(message.data, message.size, data, sizes[i / 2]);
    }
    pair_close(&p);
    ws_dialer_free(dialer);
    ws_upgrader_free(upgrader);
  }
}

static void values_out_of_range(void) {
  ws_dialer *dialer = dialer_with((terms){1, 1, 1, 15, 15});
  ws_upgrader *upgrader = upgrader_with((terms){1, 1, 1, 15, 15});
  static const int wrong[] = {INT32_MIN, -15, -1, 1, 7, 16, 99, INT32_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    EXPECT_STATUS(ws_dialer_set_window_bits(dialer, wrong[i], 15), WS_ERR_INVALID);
    EXPECT_STATUS(ws_dialer_set_window_bits(dialer, 15, wrong[i]), WS_ERR_INVALID);
    EXPECT_STATUS(ws_upgrader_set_window_bits(upgrader, wrong[i], 15), WS_ERR_INVALID);
    EXPECT_STATUS(ws_upgrader_set_window_bits(upgrader, 15, wrong[i]), WS_ERR_INVALID);
  }
  /* what zlib cannot compress for is not offered */
  EXPECT_STATUS(ws_dialer_set_window_bits(dialer, 8, 15), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_set_window_bits(dialer, 15, 0), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_window_bits(upgrader, 15, 8), WS_ERR_INVALID);
  EXPECT_STATUS(ws_upgrader_set_window_bits(upgrader, 0, 15), WS_ERR_INVALID);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
}

static void frozen_by_the_first_use(void) {
  ws_dialer *dialer = dialer_with((terms){1, 1, 1, 15, 15});
  ws_upgrader *upgrader = upgrader_with((terms){1, 1, 1, 15, 15});
  ws_engine *client = engine_new_client(dialer), *server = engine_new_server(upgrader);
  EXPECT_STATUS(ws_dialer_set_compression(dialer, 0), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_context_takeover(dialer, 0, 0), WS_ERR_STATE);
  EXPECT_STATUS(ws_dialer_set_window_bits(dialer, 9, 9), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_compression(upgrader, 0), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_context_takeover(upgrader, 0, 0), WS_ERR_STATE);
  EXPECT_STATUS(ws_upgrader_set_window_bits(upgrader, 9, 9), WS_ERR_STATE);
  ws_engine_free(client);
  ws_engine_free(server);
  ws_dialer_free(dialer);
  ws_upgrader_free(upgrader);
}

static const check_test tests[] = {
    TEST(what_is_offered),
    TEST(answers_to_a_client),
    TEST(a_server_that_declines),
    TEST(answers_of_a_server),
    TEST(a_servers_defaults),
    TEST(engines_agree),
    TEST(what_was_agreed_on_works),
    TEST(values_out_of_range),
    TEST(frozen_by_the_first_use),
};
TEST_MAIN(tests)
