/* What the client programs that take options have in common: how they dial.
 *
 *   PROGRAM [--ca FILE] [--certificate FILE --key FILE] [--name NAME] [--proxy URL] ...
 *
 * --ca: the PEM file of the issuers to believe, instead of the system's. --certificate, --key: what to show to a server that asks for a
 * certificate. --name: the name that the server's certificate must be for, instead of the URL's.
 * --proxy: the way to the server, such as http://user:password@localhost:3128 or socks5://localhost:1080.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsswift.h>

#define CLIENT_OPTIONS "[--ca FILE] [--certificate FILE --key FILE] [--name NAME] [--proxy URL]"

/* Both or none: the certificate that a client shows. */
struct shown {
  const char *certificate, *key;
};

/* One option and its value; WS_ERR_INVALID also when there is none of that name. */
static inline int set_dialer_option(ws_dialer *dialer, struct shown *shown, const char *name, const char *value, ws_failure *failure) {
  if (strcmp(name, "--ca") == 0) return ws_dialer_add_tls_ca_file(dialer, value, failure);
  if (strcmp(name, "--name") == 0) return ws_dialer_set_tls_server_name(dialer, value);
  if (strcmp(name, "--proxy") == 0) return ws_dialer_set_proxy(dialer, value);
  if (strcmp(name, "--certificate") == 0) {
    shown->certificate = value;
  } else if (strcmp(name, "--key") == 0) {
    shown->key = value;
  } else {
    return WS_ERR_INVALID;
  }
  return WS_OK;
}

/* Takes the options at the beginning of the command line, and moves what follows them to argv[1]. A dialer, or NULL after saying why
 * not: then one that is not what it should be, or an option without its value. */
static inline ws_dialer *read_dialer(const char *program, int *argc, char **argv) {
  ws_dialer *dialer;
  struct shown shown = {NULL, NULL};
  ws_failure failure = {.struct_size = sizeof failure};
  int used = 1;
  int status = ws_dialer_new(&dialer);
  if (status != WS_OK) return NULL;
  while (status == WS_OK && used + 1 < *argc && strncmp(argv[used], "--", 2) == 0) {
    status = set_dialer_option(dialer, &shown, argv[used], argv[used + 1], &failure);
    used += 2;
  }
  if (status == WS_OK && (shown.certificate == NULL) != (shown.key == NULL)) status = WS_ERR_INVALID;
  if (status == WS_OK && shown.certificate != NULL) {
    status = ws_dialer_set_tls_certificate(dialer, shown.certificate, shown.key, &failure);
  }
  for (int i = used; i < *argc; i++) argv[i - used + 1] = argv[i];
  *argc -= used - 1;
  if (status == WS_OK) return dialer;
  fprintf(stderr, "%s: %s\n", program, failure.code == status ? failure.text : ws_strerror(status));
  ws_dialer_free(dialer);
  return NULL;
}

#endif /* CLIENT_OPTIONS_H */
