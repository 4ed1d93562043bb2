/* Connections on which compression was agreed on (RFC 7692).
 */
#ifndef COMPRESSED_H
#define COMPRESSED_H

#include "wire.h"

/* What is agreed on: nothing, messages that stand alone, or messages that refer to those before them. */
enum { PLAIN = 0, ALONE = 1, IN_CONTEXT = 2 };

/* How a client asks for it. */
static inline ws_dialer *compressed_dialer(int how) {
  ws_dialer *dialer = NULL;
  EXPECT_STATUS(ws_dialer_new(&dialer), WS_OK);
  EXPECT_STATUS(ws_dialer_set_compression(dialer, how != PLAIN), WS_OK);
  EXPECT_STATUS(ws_dialer_set_context_takeover(dialer, how == IN_CONTEXT, how == IN_CONTEXT), WS_OK);
  return dialer;
}

/* How a server answers. */
static inline ws_upgrader *compressed_upgrader(int how) {
  ws_upgrader *upgrader = NULL;
  EXPECT_STATUS(ws_upgrader_new(&upgrader), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_compression(upgrader, how != PLAIN), WS_OK);
  EXPECT_STATUS(ws_upgrader_set_context_takeover(upgrader, how == IN_CONTEXT, how == IN_CONTEXT), WS_OK);
  return upgrader;
}

static inline int compressed_pair(pair *p, int how) {
  ws_dialer *dialer = compressed_dialer(how);
  ws_upgrader *upgrader = compressed_upgrader(how);
  int fine = pair_open_with(p, dialer, upgrader);
  EXPECT_STATUS(ws_dialer_free(dialer), WS_OK);
  EXPECT_STATUS(ws_upgrader_free(upgrader), WS_OK);
  return fine;
}

/* Text that compresses as JSON does, another one for each seed. */
static inline void compressible(uint8_t *bytes, size_t size, uint32_t seed) {
  static const char *const words[] = {"\"name\":", "\"value\":", "true,", "false,", "{\"id\":", "},", "[1,2,3],", "\"2024\""};
  uint32_t random = seed * 2654435761u + 1;
  for (size_t at = 0; at < size;) {
    random = random * 1664525u + 1013904223u;
    for (const char *word = words[random >> 29]; *word != '\0' && at < size;) bytes[at++] = (uint8_t)*word++;
    if (at < size) bytes[at++] = (uint8_t)('0' + (random >> 16) % 10);
  }
}

#endif /* COMPRESSED_H */
