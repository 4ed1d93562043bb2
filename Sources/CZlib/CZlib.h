/* zlib for WSProtocol, which Swift cannot use as it is: its initialisers are macros. Z_SOLO keeps unistd.h and the gz functions out,
 * so that the protocol layer cannot reach a system call through it. */
#ifndef WSSWIFT_CZLIB_H
#define WSSWIFT_CZLIB_H

#define Z_SOLO
#include <zlib.h>

/* Raw streams: RFC 7692 has neither zlib's header nor its checksum, which zlib is told by a negative number of window bits. */
static inline int czlib_deflate_init(z_streamp stream, int level, int window_bits, int memory_level, int strategy) {
  return deflateInit2(stream, level, Z_DEFLATED, -window_bits, memory_level, strategy);
}

static inline int czlib_inflate_init(z_streamp stream, int window_bits) {
  return inflateInit2(stream, -window_bits);
}

/* What a flush ends with, and what no message carries. RFC 7692 7.2.1. No Swift text can hold these four bytes. */
static inline const unsigned char *czlib_message_tail(void) {
  static const unsigned char tail[4] = {0x00, 0x00, 0xff, 0xff};
  return tail;
}

#endif
