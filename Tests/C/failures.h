/* What a failure must say, and that it says no secret.
 */
#ifndef FAILURES_H
#define FAILURES_H

#include "wire.h"

/* What a failure must say; a number that must be 0 is left out. */
typedef struct wanted {
  int code;
  int who;
  int os_errno;
  int http_status;
  int close_code;
  uint64_t limit;
  int is_tls_error; /* whether OpenSSL has a code for it */
  int tls_verify;
  const char *text; /* a part of the sentence */
} wanted;

static const char *const secrets[] = {"alice", "hunter2", "aunter", "sesame", "YWxpY2U6aHVudGVyMg", "crumb"};

#define SECRET_URL "alice:hunter2@127.0.0.1"
#define SECRET_TARGET "/door?token=sesame"
#define SECRET_FIELDS "Authorization: Basic YWxpY2U6aHVudGVyMg==\r\nCookie: id=crumb\r\n"

static inline ws_failure none(void) { return (ws_failure){.struct_size = sizeof(ws_failure)}; }

/* The errors, negated, whose detail was looked at. */
static char looked_at[100];

static inline void expect_failure(const ws_failure *got, int status, wanted want) {
  looked_at[-want.code] = 1;
  EXPECT_STATUS(status, want.code);
  EXPECT_INT(got->code, want.code);
  EXPECT_INT(got->who, want.who);
  EXPECT_INT(got->os_errno, want.os_errno);
  EXPECT_INT(got->http_status, want.http_status);
  EXPECT_INT(got->close_code, want.close_code);
  EXPECT_INT(got->limit, want.limit);
  EXPECT((got->tls_error != 0) == (want.is_tls_error != 0) && got->reserved0 == 0);
  EXPECT_INT(got->tls_verify, want.tls_verify);
  size_t length = strnlen(got->text, sizeof got->text);
  EXPECT(length > 0 && length < sizeof got->text);
  if (strstr(got->text, want.text) == NULL) check_fail(__FILE__, __LINE__, "\"%s\" without \"%s\"", got->text, want.text);
  for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) EXPECT(strstr(got->text, secrets[i]) == NULL);
}

static inline void expect_half(ws_conn *conn, int half, int status, wanted want) {
  ws_failure got = none();
  EXPECT_STATUS(ws_conn_failure(conn, half, &got), WS_OK);
  expect_failure(&got, status, want);
}

#endif /* FAILURES_H */
