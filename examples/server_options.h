/* What the echo servers that take options have in common: the command line, and the first line of their output.
 *
 *   PROGRAM [--host H] [--port P] [--max-message BYTES] [--deflate | --takeover]
 *
 * Without options: 127.0.0.1, a free port, messages of at most 16 MiB. With --deflate messages are compressed when the client offers
 * that, each by itself; with --takeover also with the earlier ones in mind. Prints "listening on ws://HOST:PORT" when ready.
 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsswift.h>

/* What the command line can change. */
struct options {
  const char *program;
  const char *host;
  uint16_t port;
  uint64_t max_message;
  int deflate;
  int takeover;
};

/* A number of at most max, or the end of the program. */
static inline uint64_t number(const char *program, const char *text, uint64_t max) {
  char *end;
  unsigned long long value;
  errno = 0;
  value = strtoull(text, &end, 10);
  if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && value <= max) return value;
  fprintf(stderr, "%s: \"%s\" is not a number from 0 to %llu\n", program, text, (unsigned long long)max);
  exit(2);
}

static inline struct options read_options(const char *program, int argc, char **argv) {
  struct options options = {.program = program, .host = "127.0.0.1", .max_message = 16 << 20};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--deflate") == 0) {
      options.deflate = 1;
    } else if (strcmp(argv[i], "--takeover") == 0) {
      options.deflate = options.takeover = 1;
    } else if (i + 1 < argc && strcmp(argv[i], "--host") == 0) {
      options.host = argv[++i];
    } else if (i + 1 < argc && strcmp(argv[i], "--port") == 0) {
      options.port = (uint16_t)number(program, argv[++i], UINT16_MAX);
    } else if (i + 1 < argc && strcmp(argv[i], "--max-message") == 0) {
      options.max_message = number(program, argv[++i], UINT64_MAX);
    } else {
      fprintf(stderr, "usage: %s [--host H] [--port P] [--max-message BYTES] [--deflate | --takeover]\n", program);
      exit(2);
    }
  }
  return options;
}

/* How to answer opening handshakes; NULL without memory. */
static inline ws_upgrader *make_upgrader(const struct options *options) {
  ws_upgrader *upgrader;
  if (ws_upgrader_new(&upgrader) != WS_OK) return NULL;
  ws_upgrader_set_read_limit(upgrader, options->max_message);
  ws_upgrader_set_compression(upgrader, options->deflate);
  ws_upgrader_set_context_takeover(upgrader, options->takeover, options->takeover);
  return upgrader;
}

/* Listens and says so; the descriptor, or -1 after saying why not. */
static inline int start_listening(const struct options *options) {
  ws_failure failure = {.struct_size = sizeof failure};
  int32_t listener;
  uint16_t port;
  if (ws_listen(options->host, options->port, &listener, &port, &failure) != WS_OK) {
    fprintf(stderr, "%s: %s: %s\n", options->program, options->host, failure.text);
    return -1;
  }
  const char *format = strchr(options->host, ':') == NULL ? "listening on ws://%s:%d\n" : "listening on ws://[%s]:%d\n";
  printf(format, options->host, port);
  fflush(stdout);
  return listener;
}

#endif /* SERVER_OPTIONS_H */
