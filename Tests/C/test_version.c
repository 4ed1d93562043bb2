/* Versions, names of results, layouts of structs and the clock: what a binding relies on before its first connection.
 */
#include "check.h"

#include <limits.h>
#include <stddef.h>

/* Compile-time facts in C99: an array of size -1 does not compile. */
#define LAYOUT(name, condition) typedef char layout_##name[(condition) ? 1 : -1]

LAYOUT(failure_size, sizeof(ws_failure) == 256);
LAYOUT(failure_code, offsetof(ws_failure, code) == 4);
LAYOUT(failure_who, offsetof(ws_failure, who) == 8);
LAYOUT(failure_errno, offsetof(ws_failure, os_errno) == 12);
LAYOUT(failure_tls_error, offsetof(ws_failure, tls_error) == 16);
LAYOUT(failure_tls_verify, offsetof(ws_failure, tls_verify) == 24);
LAYOUT(failure_http_status, offsetof(ws_failure, http_status) == 28);
LAYOUT(failure_close_code, offsetof(ws_failure, close_code) == 32);
LAYOUT(failure_reserved0, offsetof(ws_failure, reserved0) == 36);
LAYOUT(failure_limit, offsetof(ws_failure, limit) == 40);
LAYOUT(failure_text, offsetof(ws_failure, text) == 48);
LAYOUT(failure_reserved, offsetof(ws_failure, reserved) == 208);
LAYOUT(address_size, sizeof(ws_address) == 128);
LAYOUT(address_family, offsetof(ws_address, family) == 4);
LAYOUT(address_port, offsetof(ws_address, port) == 8);
LAYOUT(address_reserved0, offsetof(ws_address, reserved0) == 12);
LAYOUT(address_host, offsetof(ws_address, host) == 16);
LAYOUT(event_size, sizeof(ws_event) == 64);
LAYOUT(event_type, offsetof(ws_event, type) == 4);
LAYOUT(event_opcode, offsetof(ws_event, opcode) == 8);
LAYOUT(event_code, offsetof(ws_event, code) == 12);
LAYOUT(event_data, offsetof(ws_event, data) == 16);
LAYOUT(event_size_of_data, offsetof(ws_event, size) == 24);
LAYOUT(event_reserved, offsetof(ws_event, reserved) == 32);
LAYOUT(statistics_size, sizeof(ws_statistics) == 192);
LAYOUT(statistics_reserved0, offsetof(ws_statistics, reserved0) == 4);
LAYOUT(statistics_messages_received, offsetof(ws_statistics, messages_received) == 8);
LAYOUT(statistics_messages_sent, offsetof(ws_statistics, messages_sent) == 16);
LAYOUT(statistics_bytes_received, offsetof(ws_statistics, bytes_received) == 24);
LAYOUT(statistics_bytes_sent, offsetof(ws_statistics, bytes_sent) == 32);
LAYOUT(statistics_compressed_received, offsetof(ws_statistics, compressed_received) == 40);
LAYOUT(statistics_compressed_sent, offsetof(ws_statistics, compressed_sent) == 48);
LAYOUT(statistics_deflated_received, offsetof(ws_statistics, deflated_received) == 56);
LAYOUT(statistics_deflated_sent, offsetof(ws_statistics, deflated_sent) == 64);
LAYOUT(statistics_wire_received, offsetof(ws_statistics, wire_received) == 72);
LAYOUT(statistics_wire_sent, offsetof(ws_statistics, wire_sent) == 80);
LAYOUT(statistics_pings_received, offsetof(ws_statistics, pings_received) == 88);
LAYOUT(statistics_pings_sent, offsetof(ws_statistics, pings_sent) == 96);
LAYOUT(statistics_pongs_received, offsetof(ws_statistics, pongs_received) == 104);
LAYOUT(statistics_pongs_sent, offsetof(ws_statistics, pongs_sent) == 112);
LAYOUT(statistics_round_trip, offsetof(ws_statistics, round_trip_ns) == 120);
LAYOUT(statistics_round_trip_min, offsetof(ws_statistics, round_trip_min_ns) == 128);
LAYOUT(statistics_reserved, offsetof(ws_statistics, reserved) == 136);
LAYOUT(bytes_size, sizeof(ws_bytes) == 2 * sizeof(void *));
LAYOUT(bytes_data, offsetof(ws_bytes, data) == 0);
LAYOUT(error_is_int, sizeof(ws_error) == sizeof(int));

typedef struct code {
  int value;
  int number;
  int fatal;
} code;

/* Every result of the header with its number, which never changes. */
static const code codes[] = {
    {WS_OK, 0, 0},
    {WS_END, 1, 0},
    {WS_AGAIN, 2, 0},
    {WS_INTR, 3, 0},
    {WS_ERR_INVALID, -1, 0},
    {WS_ERR_NOMEM, -2, 1},
    {WS_ERR_STATE, -3, 0},
    {WS_ERR_CALLBACK, -4, 1},
    {WS_ERR_ROOM, -5, 0},
    {WS_ERR_FORKED, -6, 1},
    {WS_ERR_IO, -10, 1},
    {WS_ERR_TIMEOUT, -11, 0},
    {WS_ERR_LOST, -12, 1},
    {WS_ERR_BROKEN, -13, 1},
    {WS_ERR_ABORTED, -14, 1},
    {WS_ERR_FDS, -15, 0},
    {WS_ERR_CONNECT, -16, 1},
    {WS_ERR_KEEPALIVE, -17, 1},
    {WS_ERR_RESOLVE, -20, 1},
    {WS_ERR_PROXY, -21, 1},
    {WS_ERR_TLS, -22, 1},
    {WS_ERR_URL, -23, 1},
    {WS_ERR_PROTOCOL, -30, 1},
    {WS_ERR_TOO_BIG, -31, 1},
    {WS_ERR_DEFLATE, -33, 1},
    {WS_ERR_CLOSE_SENT, -34, 1},
    {WS_ERR_CLOSED, -35, 1},
    {WS_ERR_JSON, -36, 0},
    {WS_ERR_HANDSHAKE, -40, 1},
    {WS_ERR_ORIGIN, -41, 1},
    {WS_ERR_STATUS, -42, 1},
    {WS_ERR_HOST, -43, 1},
};
enum { CODES = sizeof codes / sizeof codes[0] };

static void the_library_has_the_version_of_its_header(void) {
  EXPECT_INT(ws_version(), WSSWIFT_VERSION);
  EXPECT_INT(WSSWIFT_VERSION, WSSWIFT_VERSION_MAJOR << 16 | WSSWIFT_VERSION_MINOR << 8 | WSSWIFT_VERSION_PATCH);
}

static void the_version_text_says_the_same(void) {
  char text[32];
  snprintf(text, sizeof text, "%u.%u.%u", ws_version() >> 16, ws_version() >> 8 & 255, ws_version() & 255);
  EXPECT_TEXT(ws_version_string(), text);
  EXPECT(ws_version_string() == ws_version_string());
}

/* The address is compared in code: a static initialiser would link even where this does not. */
static void a_function_has_one_address(void) {
  uint32_t (*volatile function)(void) = ws_version;
  EXPECT(function == ws_version);
  EXPECT_INT(function(), ws_version());
}

static void unknown_features_are_absent(void) {
  static const int32_t features[] = {0, -1, 99, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) EXPECT_INT(ws_has(features[i]), 0);
}

static void known_features_are_there_or_not(void) {
  EXPECT(ws_has(WS_FEATURE_TLS) == 0 || ws_has(WS_FEATURE_TLS) == 1);
  EXPECT_INT(ws_has(WS_FEATURE_DEFLATE), 1);
}

static void results_keep_their_numbers(void) {
  for (int i = 0; i < CODES; i++) EXPECT_INT(codes[i].value, codes[i].number);
  EXPECT_INT(WS_ERR_UTF8, -32);
  EXPECT_INT(WS_TEXT, 1);
  EXPECT_INT(WS_BINARY, 2);
  EXPECT_INT(WS_CLOSE, 8);
  EXPECT_INT(WS_PING, 9);
  EXPECT_INT(WS_PONG, 10);
}

static void every_result_has_its_own_text(void) {
  for (int i = 0; i < CODES; i++) {
    const char *text = ws_strerror(codes[i].value);
    if (!EXPECT(text != NULL && strlen(text) > 0 && strlen(text) < 160)) return;
    EXPECT(ws_strerror(codes[i].value) == text);
    for (int j = 0; j < i; j++) EXPECT(strcmp(text, ws_strerror(codes[j].value)) != 0);
  }
}

static void unknown_results_have_a_text_too(void) {
  static const int unknown[] = {4, 99, INT_MAX, -7, -9, -17, -21, -24, -29, -37, -44, -1000, INT_MIN};
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    const char *text = ws_strerror(unknown[i]);
    EXPECT(text != NULL && text[0] != '\0');
    EXPECT(strcmp(text, ws_strerror(WS_OK)) != 0);
  }
}

static void fatal_results_are_told_apart(void) {
  for (int i = 0; i < CODES; i++) {
    if (ws_is_fatal(codes[i].value) != codes[i].fatal) check_fail(__FILE__, __LINE__, "ws_is_fatal(%d)", codes[i].value);
  }
  EXPECT_INT(ws_is_fatal(99), 0);
}

static void the_clock_is_the_monotonic_one(void) {
  struct timespec before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  int64_t now = ws_now();
  clock_gettime(CLOCK_MONOTONIC, &after);
  EXPECT(now >= (int64_t)before.tv_sec * 1000000000 + before.tv_nsec);
  EXPECT(now <= (int64_t)after.tv_sec * 1000000000 + after.tv_nsec);
}

static void deadlines_saturate(void) {
  int64_t now = ws_now(), soon = ws_in_ms(1000);
  EXPECT(soon >= now + 1000000000 && soon <= ws_now() + 1000000000);
  EXPECT(ws_in_ms(INT64_MAX) == WS_NEVER);
  EXPECT(ws_in_ms(INT64_MAX / 1000000) == WS_NEVER);
  EXPECT(ws_in_ms(INT64_MIN) >= 1 && ws_in_ms(INT64_MIN) <= ws_now());
  EXPECT(ws_in_ms(-1) >= 1 && ws_in_ms(-1) <= ws_now());
  EXPECT(ws_in_ms(0) >= now && ws_in_ms(0) <= ws_now());
}

static const check_test tests[] = {
    TEST(the_library_has_the_version_of_its_header),
    TEST(the_version_text_says_the_same),
    TEST(a_function_has_one_address),
    TEST(unknown_features_are_absent),
    TEST(known_features_are_there_or_not),
    TEST(results_keep_their_numbers),
    TEST(every_result_has_its_own_text),
    TEST(unknown_results_have_a_text_too),
    TEST(fatal_results_are_told_apart),
    TEST(the_clock_is_the_monotonic_one),
    TEST(deadlines_saturate),
};
TEST_MAIN(tests)
