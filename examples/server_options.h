/* What the echo servers that take options have in common: the command line, and the first line of their output.
 *
 *   PROGRAM [--host H] [--port P] [--max-message BYTES]
 *
 * Without options: 127.0.0.1, a free port, messages of at most 16 MiB. Prints "listening on ws://HOST:PORT" when ready.
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
  struct options options = {program, "127.0.0.1", 0, 16 << 20};
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && strcmp(argv[i], "--host") == 0) {
      options.host = argv[i + 1];
    } else if (i + 1 < argc && strcmp(argv[i], "--port") == 0) {
      options.port = (uint16_t)number(program, argv[i + 1], UINT16_MAX);
    } else if (i + 1 < argc && strcmp(argv[i], "--max-message") == 0) {
      options.max_message = number(program, argv[i + 1], UINT64_MAX);
    } else {
      fprintf(stderr, "usage: %s [--host H] [--port P] [--max-message BYTES]\n", program);
      exit(2);
    }
  }
  return options;
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
