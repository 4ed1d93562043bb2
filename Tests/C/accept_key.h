/* Sec-WebSocket-Accept for the tests' own server, so that the library's answer is never checked against itself.
 * SHA-1 is FIPS 180-4; RFC 6455 4.2.2 says what is hashed.
 */
#ifndef ACCEPT_KEY_H
#define ACCEPT_KEY_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static inline uint32_t sha1_roll(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

static inline void sha1_block(uint32_t state[5], const uint8_t block[64]) {
  static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
  uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int i = 0; i < 16; i++) {
    const uint8_t *at = block + 4 * i;
    w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  }
  for (int i = 16; i < 80; i++) w[i] = sha1_roll(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  for (int i = 0; i < 80; i++) {
    uint32_t choice = i < 20 ? ((b & c) | (~b & d)) : i >= 40 && i < 60 ? ((b & c) | (b & d) | (c & d)) : (b ^ c ^ d);
    uint32_t next = sha1_roll(a, 5) + choice + e + constants[i / 20] + w[i];
    e = d, d = c, c = sha1_roll(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

/* At most 119 bytes, which is enough for a key and the GUID. */
static inline void sha1_short(const char *text, uint8_t digest[20]) {
  uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint8_t padded[128] = {0};
  size_t size = strlen(text), total = size < 56 ? 64 : 128;
  memcpy(padded, text, size);
  padded[size] = 0x80;
  padded[total - 2] = (uint8_t)(size * 8 >> 8);
  padded[total - 1] = (uint8_t)(size * 8);
  for (size_t at = 0; at < total; at += 64) sha1_block(state, padded + at);
  for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

/* The accept value for a Sec-WebSocket-Key of 24 characters. */
static inline void accept_key(const char *key, char accept[29]) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char text[100];
  uint8_t digest[21] = {0};
  snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
  sha1_short(text, digest);
  for (int i = 0; i < 28; i++) {
    const uint8_t *three = digest + i / 4 * 3;
    uint32_t bits = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | three[2];
    accept[i] = digits[bits >> (18 - 6 * (i % 4)) & 63];
  }
  accept[27] = '='; /* 20 bytes leave one digit of the last group unused */
  accept[28] = '\0';
}

#endif /* ACCEPT_KEY_H */
