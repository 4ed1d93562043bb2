/* Every string that enters, with everything that does harm somewhere: each is refused with one error, or stays one harmless value.
 *
 * A row has a letter for each poison: p it passes, i WS_ERR_INVALID, u WS_ERR_URL, x WS_ERR_PROXY, h WS_ERR_HANDSHAKE, o WS_ERR_ORIGIN,
 * s WS_ERR_HOST, and - where it cannot stand: a zero byte in a string.
 */
#include "request.h"

typedef struct poison {
  const char *name;
  const char *data;
  size_t size;
} poison;

#define POISON(name, text) {name, text, sizeof(text) - 1}

static char long_text[65538];

static const poison poisons[] = {
    POISON("CR", "a\rb"),         POISON("LF", "a\nb"),           POISON("a field", "a\r\nX-Evil: 1"), POISON("NUL", "a\0b"),
    POISON("control", "a\x01""b"), POISON("escape", "a\x1b[31mb"), POISON("DEL", "a\x7f""b"),           POISON("tab", "a\tb"),
    POISON("C1", "a\x85""b"),     POISON("latin-1", "a\xff""b"),  POISON("beyond", "a\xe2\x82\xac""b"), POISON("surrogate", "a\xed\xa0\x80""b"),
    POISON("empty", ""),          {"64 KiB", long_text, 65537},   POISON("space before", " ab"),       POISON("space behind", "ab "),
    POISON("space inside", "a b"), POISON("separators", "a,;\"=b"), POISON("escaped", "a%0d%0aX-Evil:%201"),
};

enum { POISONS = sizeof poisons / sizeof poisons[0] };

/* What came of a string: the bytes that would be sent. */
static char sent[300000];
static size_t sent_size;

static void keep_output(ws_engine *engine) {
  ws_bytes output;
  EXPECT_STATUS(ws_engine_output(engine, &output), WS_OK);
  sent_size = output.size < sizeof sent - 1 ? output.size : sizeof sent - 1;
  memcpy(sent, output.data, sent_size);
  sent[sent_size] = '\0';
}

/* ---- Clients ---- */

static int request_of(ws_dialer *dialer, const char *url) {
  ws_engine *engine;
  int status = ws_engine_new_client(dialer, url, NULL, NULL, &engine, NULL);
  if (status == WS_OK) keep_output(engine);
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  return status;
}

static int url_with(const char *before, const char *text, const char *behind) {
  static char url[140000];
  snprintf(url, sizeof url, "%s%s%s", before, text, behind);
  return request_of(NULL, url);
}

static int in_path(const char *text, size_t size) { return (void)size, url_with("ws://localhost/", text, ""); }
static int in_query(const char *text, size_t size) { return (void)size, url_with("ws://localhost/?", text, ""); }
static int in_host(const char *text, size_t size) { return (void)size, url_with("ws://", text, "/"); }
static int in_user(const char *text, size_t size) { return (void)size, url_with("ws://", text, ":secret@localhost/"); }
static int in_password(const char *text, size_t size) { return (void)size, url_with("ws://user:", text, "@localhost/"); }

static int client_field(const char *name, const char *value) {
  ws_dialer *dialer;
  EXPECT_STATUS(ws_dialer_new(&dialer), WS_OK);
  int status = ws_dialer_add_header(dialer, name, value);
  if (status == WS_OK) status = request_of(dialer, "ws://localhost/");
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  return status;
}

static int in_field_name(const char *text, size_t size) { return (void)size, client_field(text, "x"); }
static int in_field_value(const char *text, size_t size) { return (void)size, client_field("X", text); }
static int in_host_field(const char *text, size_t size) { return (void)size, client_field("Host", text); }
static int in_origin(const char *text, size_t size) { return (void)size, client_field("Origin", text); }
static int in_cookie(const char *text, size_t size) { return (void)size, client_field("Cookie", text); }

static int dialer_call(int (*set)(ws_dialer *dialer, const char *text), const char *text) {
  ws_dialer *dialer;
  EXPECT_STATUS(ws_dialer_new(&dialer), WS_OK);
  int status = set(dialer, text);
  if (status == WS_OK) status = request_of(dialer, "ws://localhost/");
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  return status;
}

static int proxy_with(const char *before, const char *text, const char *behind) {
  static char url[140000];
  snprintf(url, sizeof url, "%s%s%s", before, text, behind);
  return dialer_call(ws_dialer_set_proxy, url);
}

static int in_subprotocol(const char *text, size_t size) { return (void)size, dialer_call(ws_dialer_add_subprotocol, text); }
static int in_server_name(const char *text, size_t size) { return (void)size, dialer_call(ws_dialer_set_tls_server_name, text); }
static int in_key_password(const char *text, size_t size) { return (void)size, dialer_call(ws_dialer_set_tls_key_password, text); }
static int in_proxy_host(const char *text, size_t size) { return (void)size, proxy_with("http://", text, ":8080"); }
static int in_proxy_user(const char *text, size_t size) { return (void)size, proxy_with("http://", text, ":secret@localhost:8080"); }
static int in_proxy_password(const char *text, size_t size) { return (void)size, proxy_with("http://user:", text, "@localhost:8080"); }

/* ---- Servers ---- */

static const char good[] = REQUEST_LINE REQUEST_HOST REQUEST_REST "Sec-WebSocket-Protocol: ab\r\n\r\n";

/* An engine that has read a request; NULL when it has not. */
static ws_engine *asked(ws_upgrader *upgrader, const char *text, size_t size, int *status) {
  ws_engine *engine;
  ws_event event = {.struct_size = sizeof event};
  EXPECT_STATUS(ws_engine_new_server(upgrader, 0, &engine), WS_OK);
  *status = ws_engine_feed(engine, text, size);
  if (*status == WS_OK) *status = ws_engine_next_event(engine, &event);
  return engine;
}

static int upgrader_call(int (*set)(ws_upgrader *upgrader, const char *text), const char *text) {
  ws_upgrader *upgrader;
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  int status = set(upgrader, text);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  return status;
}

static int in_spoken(const char *text, size_t size) { return (void)size, upgrader_call(ws_upgrader_add_subprotocol, text); }
static int in_origin_pattern(const char *text, size_t size) { return (void)size, upgrader_call(ws_upgrader_add_origin, text); }
static int in_host_pattern(const char *text, size_t size) { return (void)size, upgrader_call(ws_upgrader_add_host, text); }

static int server_field(const char *name, const char *value) {
  ws_upgrader *upgrader;
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  int status = ws_upgrader_add_header(upgrader, name, value);
  if (status == WS_OK) {
    ws_engine *engine = asked(upgrader, good, sizeof good - 1, &status);
    EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
    keep_output(engine);
    EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  }
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  return status;
}

static int in_server_field_name(const char *text, size_t size) { return (void)size, server_field(text, "x"); }
static int in_server_field_value(const char *text, size_t size) { return (void)size, server_field("X", text); }

/* A field, or a subprotocol where there is no name, of one answer. */
static int answer_with(const char *name, const char *value, int refused) {
  int status;
  ws_engine *engine = asked(NULL, good, sizeof good - 1, &status);
  status = name == NULL ? ws_engine_set_subprotocol(engine, value) : ws_engine_add_header(engine, name, value);
  if (status == WS_OK) {
    EXPECT_STATUS(refused ? ws_engine_refuse(engine, 302, NULL, 0) : ws_engine_accept(engine), WS_OK);
    keep_output(engine);
  }
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  return status;
}

static int in_answer_name(const char *text, size_t size) { return (void)size, answer_with(text, "x", 0); }
static int in_answer_value(const char *text, size_t size) { return (void)size, answer_with("X", text, 0); }
static int in_answer_subprotocol(const char *text, size_t size) { return (void)size, answer_with(NULL, text, 0); }
static int in_location(const char *text, size_t size) { return (void)size, answer_with("Location", text, 1); }

/* A request that another HTTP server has parsed. */
static int parsed(const char *method, const char *target, ws_bytes name, ws_bytes value) {
  ws_engine *engine;
  ws_event event = {.struct_size = sizeof event};
#define TEXT(text) {(const uint8_t *)(text), sizeof(text) - 1}
  ws_field fields[] = {{TEXT("Host"), TEXT("localhost")},
                       {TEXT("Upgrade"), TEXT("websocket")},
                       {TEXT("Connection"), TEXT("Upgrade")},
                       {TEXT("Sec-WebSocket-Version"), TEXT("13")},
                       {TEXT("Sec-WebSocket-Key"), TEXT(PEER_KEY)},
                       {name, value}};
  EXPECT_STATUS(ws_engine_new_server(NULL, 0, &engine), WS_OK);
  int status = ws_engine_feed_parsed(engine, method, target, fields, sizeof fields / sizeof fields[0]);
  if (status == WS_OK) status = ws_engine_next_event(engine, &event);
  if (status != WS_ERR_INVALID) keep_output(engine);
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  return status;
}

static const ws_bytes an_x = {(const uint8_t *)"x", 1};

static int in_parsed_method(const char *text, size_t size) { return (void)size, parsed(text, "/", an_x, an_x); }
static int in_parsed_target(const char *text, size_t size) {
  static char target[70000];
  snprintf(target, sizeof target, "/%s", text);
  return (void)size, parsed("GET", target, an_x, an_x);
}
static int in_parsed_name(const char *text, size_t size) {
  ws_bytes name = {(const uint8_t *)text, size};
  return parsed("GET", "/", name, an_x);
}
static int in_parsed_value(const char *text, size_t size) {
  ws_bytes value = {(const uint8_t *)text, size};
  return parsed("GET", "/", an_x, value);
}

/* ---- What peers send ---- */

/* A failure's text goes into logs and on terminals. */
static void expect_plain(const char *text) {
  for (const char *at = text; *at != '\0'; at++) {
    if (*at < 0x20 || *at > 0x7e) check_fail(__FILE__, __LINE__, "byte 0x%02x in \"%s\"", (uint8_t)*at, text);
  }
}

static int received(const char *before, const char *text, size_t size, const char *behind) {
  static char all[140000];
  int status;
  ws_failure failure = {.struct_size = sizeof failure};
  size_t at = strlen(before);
  memcpy(all, before, at);
  memcpy(all + at, text, size);
  strcpy(all + at + size, behind);
  ws_engine *engine = asked(NULL, all, at + size + strlen(behind), &status);
  EXPECT_STATUS(ws_engine_failure(engine, &failure), WS_OK);
  expect_plain(failure.text);
  if (status == WS_OK) EXPECT_STATUS(ws_engine_refuse(engine, 404, NULL, 0), WS_OK);
  keep_output(engine);
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  return status;
}

#define BEHIND "\r\n" REQUEST_REST "\r\n"

static int from_target(const char *text, size_t size) { return received("GET /", text, size, " HTTP/1.1\r\n" REQUEST_HOST REQUEST_REST "\r\n"); }
static int from_host(const char *text, size_t size) { return received(REQUEST_LINE "Host: ", text, size, BEHIND); }
static int from_origin(const char *text, size_t size) { return received(REQUEST_LINE REQUEST_HOST "Origin: ", text, size, BEHIND); }
static int from_cookie(const char *text, size_t size) { return received(REQUEST_LINE REQUEST_HOST "Cookie: ", text, size, BEHIND); }
static int from_name(const char *text, size_t size) { return received(REQUEST_LINE REQUEST_HOST, text, size, ": x" BEHIND); }
static int from_subprotocols(const char *text, size_t size) {
  return received(REQUEST_LINE REQUEST_HOST "Sec-WebSocket-Protocol: ", text, size, BEHIND);
}

/* ---- What is no head ---- */

static int in_close_reason(const char *text, size_t size) {
  int status;
  ws_engine *engine = asked(NULL, good, sizeof good - 1, &status);
  EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
  keep_output(engine);
  EXPECT_STATUS(ws_engine_sent(engine, sent_size), WS_OK);
  status = ws_engine_close(engine, 1000, text, size);
  keep_output(engine);
  if (status == WS_OK) EXPECT(sent_size > size && memcmp(sent + sent_size - size, text, size) == 0);
  sent_size = 0;
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  return status;
}

static int in_refusal_body(const char *text, size_t size) {
  int status;
  char length[64];
  ws_engine *engine = asked(NULL, good, sizeof good - 1, &status);
  status = ws_engine_refuse(engine, 404, text, size);
  if (status == WS_OK) {
    keep_output(engine);
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n\r\n", size);
    EXPECT(strstr(sent, length) != NULL && memcmp(sent + sent_size - size, text, size) == 0);
    sent_size = 0;
  }
  EXPECT_STATUS(ws_engine_free(engine), WS_OK);
  return status;
}

static int in_listen_host(const char *text, size_t size) {
  int32_t fd;
  ws_failure failure = {.struct_size = sizeof failure};
  static char path[70000];
  (void)size;
  snprintf(path, sizeof path, "unix:/nowhere/%s", text);
  int status = ws_listen(path, 0, &fd, NULL, &failure);
  EXPECT_INT(fd, -1);
  return status == WS_ERR_IO ? WS_OK : status; /* there is no such folder: as far as it may come */
}

/* ---- The matrix ---- */

typedef struct entry {
  const char *name;
  int (*enter)(const char *text, size_t size);
  int is_string; /* which ends at a zero byte */
  const char *cells;
} entry;

static const entry entries[] = {
    {"path", in_path, 1, "uuu-uuuuuuuupiuuupp"},
    {"query", in_query, 1, "uuu-uuuuuuuupiuuupp"},
    {"host", in_host, 1, "uuu-uuuuuuuuuiuuuuu"},
    {"user", in_user, 1, "uuu-uuuuuuuuuiuuupu"},
    {"password", in_password, 1, "uuu-uuuuuuuupiuuupu"},
    {"header name", in_field_name, 1, "iii-iiiiiiiiiiiiiii"},
    {"header value", in_field_value, 1, "iii-iiippppppippppp"},
    {"Host field", in_host_field, 1, "iii-iiiiiiiiiippiii"},
    {"Origin field", in_origin, 1, "iii-iiippppppippppp"},
    {"Cookie field", in_cookie, 1, "iii-iiippppppippppp"},
    {"subprotocol", in_subprotocol, 1, "iii-iiiiiiiiiiiiiii"},
    {"TLS server name", in_server_name, 1, "iii-iiiiiiiiiiiiiii"},
    {"TLS key password", in_key_password, 1, "ppp-pppppppppippppp"},
    {"proxy host", in_proxy_host, 1, "xxx-xxxxxxxxxixxxxx"},
    {"proxy user", in_proxy_user, 1, "xxx-xxxxxxxxxixxxpx"},
    {"proxy password", in_proxy_password, 1, "xxx-xxxxxxxxpixxxpx"},
    {"server subprotocol", in_spoken, 1, "iii-iiiiiiiiiiiiiii"},
    {"origin pattern", in_origin_pattern, 1, "iii-iiiiiiiiiiiiiii"},
    {"host pattern", in_host_pattern, 1, "iii-iiiiiiiiiiiiiii"},
    {"server header name", in_server_field_name, 1, "iii-iiiiiiiiiiiiiii"},
    {"server header value", in_server_field_value, 1, "iii-iiippppppippppp"},
    {"answer header name", in_answer_name, 1, "iii-iiiiiiiiiiiiiii"},
    {"answer header value", in_answer_value, 1, "iii-iiippppppippppp"},
    {"answer subprotocol", in_answer_subprotocol, 1, "iii-iiiiiiiiiiiiiii"},
    {"Location", in_location, 1, "iii-iiippppppippppp"},
    {"parsed method", in_parsed_method, 1, "hhh-hhhhhhhhhihhhhh"},
    {"parsed target", in_parsed_target, 1, "hhh-hhhhhhhhpihhhpp"},
    {"parsed name", in_parsed_name, 0, "hhhhhhhhhhhhhhhhhhh"},
    {"parsed value", in_parsed_value, 0, "hhhhhhhpppppphppppp"},
    {"received target", from_target, 0, "hhhhhhhhhhhhphhhhpp"},
    {"received Host", from_host, 0, "hhphhhhhhhhhhhpphhh"},
    {"received Origin", from_origin, 0, "hhohhhhoooooohooooo"},
    {"received Cookie", from_cookie, 0, "hhphhhhpppppphppppp"},
    {"received name", from_name, 0, "hhhhhhhhhhhhhhhhhhp"},
    {"received subprotocols", from_subprotocols, 0, "hhphhhhpppppphppppp"},
    {"close reason", in_close_reason, 0, "ppppppppiipipippppp"},
    {"refusal body", in_refusal_body, 0, "pppppppppppppippppp"},
    {"listen path", in_listen_host, 1, "ppp-pppppppppippppp"},
};

static char letter(int status) {
  static const struct {
    int status;
    char letter;
  } letters[] = {{WS_OK, 'p'}, {WS_ERR_INVALID, 'i'}, {WS_ERR_URL, 'u'}, {WS_ERR_PROXY, 'x'},
                 {WS_ERR_HANDSHAKE, 'h'}, {WS_ERR_ORIGIN, 'o'}, {WS_ERR_HOST, 's'}};
  for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
    if (letters[i].status == status) return letters[i].letter;
  }
  return '?';
}

static int lines(void) {
  int count = 0;
  for (const char *at = sent; (at = strstr(at, "\r\n")) != NULL; at += 2) count++;
  return count;
}

/* What would be sent is a head of as many lines as with a plain value, and nothing of the poison ends a line or hides in it. */
static void expect_harmless(const entry *now, const poison *what, int wanted) {
  int is_bad = strstr(sent, "\r\nX-Evil") != NULL || lines() != wanted;
  for (size_t i = 0; i < sent_size; i++) {
    uint8_t byte = (uint8_t)sent[i];
    int ends = (byte == '\r' && sent[i + 1] == '\n') || (byte == '\n' && i > 0 && sent[i - 1] == '\r');
    is_bad |= byte == 0x7f || (byte < 0x20 && byte != '\t' && !ends);
  }
  if (is_bad) check_fail(__FILE__, __LINE__, "%s with %s: %d lines, not %d: %s", now->name, what->name, lines(), wanted, sent);
}

static void run_row(const entry *now) {
  char cells[POISONS + 1] = "";
  sent_size = 0, sent[0] = '\0';
  int plain = now->enter("ab", 2), wanted = lines();
  int is_head = plain == WS_OK && sent_size > 0;
  for (int i = 0; i < POISONS; i++) {
    if (now->is_string && memchr(poisons[i].data, 0, poisons[i].size) != NULL) {
      cells[i] = '-';
      continue;
    }
    sent_size = 0, sent[0] = '\0';
    cells[i] = letter(now->enter(poisons[i].data, poisons[i].size));
    if (is_head && cells[i] == 'p') expect_harmless(now, &poisons[i], wanted);
  }
  if (strcmp(cells, now->cells) != 0) check_fail(__FILE__, __LINE__, "%s: %s, not %s", now->name, cells, now->cells);
}

static void every_string_with_every_poison(void) {
  memset(long_text, 'a', sizeof long_text - 1);
  for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) run_row(&entries[i]);
  printf("%d strings, %d poisons\n", (int)(sizeof entries / sizeof entries[0]), (int)POISONS);
}

static const check_test tests[] = {
    TEST(every_string_with_every_poison),
};
TEST_MAIN(tests)
