/* What the echo servers that take options have in common: the command line, and the first line of their output.
 *
 *   PROGRAM [--host H] [--port P] [--max-message BYTES] [--deflate | --takeover] [--origin ORIGIN]
 *           [--certificate FILE --key FILE [--client-ca FILE]]
 *
 * Without options: 127.0.0.1, a free port, messages of at most 16 MiB. With --deflate messages are compressed when the client offers
 * that, each by itself; with --takeover also with the earlier ones in mind. --origin allows pages of another origin, such as
 * "https://example.com" or "*". With a certificate and its key, from PEM files, it speaks wss://; with --client-ca clients must show a certificate of the issuers in that file. Programs that leave the socket to a loop of their
 * own have no TLS. Prints "listening on ws://HOST:PORT" (or wss://) when ready.
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
  const char *origin;
  const char *certificate, *key; /* both or none */
  const char *client_ca;
};

/* Which options there are: the engine's programs have no TLS. */
enum { PLAIN_OPTIONS, ALL_OPTIONS };

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

/* An option with a text after it; 0 when it is none of these. */
static inline int read_tls_option(struct options *options, const char *name, const char *value) {
  if (strcmp(name, "--certificate") == 0) {
    options->certificate = value;
  } else if (strcmp(name, "--key") == 0) {
    options->key = value;
  } else if (strcmp(name, "--client-ca") == 0) {
    options->client_ca = value;
  } else {
    return 0;
  }
  return 1;
}

/* Says which options there are, and ends the program. */
static inline void options_usage(const char *program, int kind) {
  const char *tls = kind == ALL_OPTIONS ? " [--certificate FILE --key FILE [--client-ca FILE]]" : "";
  fprintf(stderr, "usage: %s [--host H] [--port P] [--max-message BYTES] [--deflate | --takeover] [--origin ORIGIN]%s\n",
          program, tls);
  exit(2);
}

static inline struct options read_options(const char *program, int kind, int argc, char **argv) {
  struct options options = {.program = program, .host = "127.0.0.1", .max_message = 16 << 20};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--deflate") == 0) {
      options.deflate = 1;
    } else if (strcmp(argv[i], "--takeover") == 0) {
      options.deflate = options.takeover = 1;
    } else if (i + 1 < argc && strcmp(argv[i], "--host") == 0) {
      options.host = argv[++i];
    } else if (i + 1 < argc && strcmp(argv[i], "--origin") == 0) {
      options.origin = argv[++i];
    } else if (i + 1 < argc && strcmp(argv[i], "--port") == 0) {
      options.port = (uint16_t)number(program, argv[++i], UINT16_MAX);
    } else if (i + 1 < argc && strcmp(argv[i], "--max-message") == 0) {
      options.max_message = number(program, argv[++i], UINT64_MAX);
    } else if (i + 1 < argc && kind == ALL_OPTIONS && read_tls_option(&options, argv[i], argv[i + 1])) {
      i++;
    } else {
      options_usage(program, kind);
    }
  }
  if ((options.certificate == NULL) != (options.key == NULL)) options_usage(program, kind);
  if (options.client_ca != NULL && options.certificate == NULL) options_usage(program, kind);
  return options;
}

/* Whom the server allows and what it shows; 0 after saying what is wrong with that. */
static inline int set_identity(ws_upgrader *upgrader, const struct options *options) {
  ws_failure failure = {.struct_size = sizeof failure};
  int status = options->origin == NULL ? WS_OK : ws_upgrader_add_origin(upgrader, options->origin);
  if (status == WS_OK && options->certificate != NULL) {
    status = ws_upgrader_set_tls_certificate(upgrader, options->certificate, options->key, &failure);
  }
  if (status == WS_OK && options->client_ca != NULL) {
    status = ws_upgrader_set_tls_client_ca(upgrader, options->client_ca, WS_TLS_REQUIRED, &failure);
  }
  if (status != WS_OK) fprintf(stderr, "%s: %s\n", options->program, failure.code == status ? failure.text : ws_strerror(status));
  return status == WS_OK;
}

/* How to answer opening handshakes; NULL without memory, or after saying what is wrong. */
static inline ws_upgrader *make_upgrader(const struct options *options) {
  ws_upgrader *upgrader;
  if (ws_upgrader_new(&upgrader) != WS_OK) return NULL;
  ws_upgrader_set_read_limit(upgrader, options->max_message);
  ws_upgrader_set_compression(upgrader, options->deflate);
  ws_upgrader_set_context_takeover(upgrader, options->takeover, options->takeover);
  if (set_identity(upgrader, options)) return upgrader;
  ws_upgrader_free(upgrader);
  return NULL;
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
  const char *format = strchr(options->host, ':') == NULL ? "listening on %s://%s:%d\n" : "listening on %s://[%s]:%d\n";
  printf(format, options->certificate == NULL ? "ws" : "wss", options->host, port);
  fflush(stdout);
  return listener;
}

#endif /* SERVER_OPTIONS_H */
