/* What every benchmark program has: its arguments as words NAME=VALUE, the message, and a meter of wall clock and processor time.
 * A program does its work once and prints one line of JSON; run.py repeats and compares.
 */
#ifndef BENCH_H
#define BENCH_H

#include <wsswift.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* What to do. The same words are known to the programs in Go. */
typedef struct bench {
  const char *op;     /* read, write and so on: the programs say which they know */
  int is_client;      /* role=client */
  int is_text;        /* type=text */
  int deflate;        /* with permessage-deflate, RFC 7692 */
  int prepared;       /* broadcast a prepared message */
  int verify;         /* look at every byte instead of measuring */
  int fd;             /* a connected socket */
  int listener;       /* of a broadcast: where its clients take connections, */
  const char *address; /* and the name of that */
  size_t messages;    /* how many in all; of a broadcast: to each connection */
  size_t connections; /* of a broadcast */
  uint8_t *payload;   /* the message, from a file, */
  size_t size;        /* and its size */
  size_t variants;    /* so many messages of one size stand in the file, to be sent in turns */
  int takeover;       /* with the context of the messages before, RFC 7692 7.1.1 */
} bench;

#define BENCH_FAIL(...) (fprintf(stderr, __VA_ARGS__), fprintf(stderr, "\n"), exit(1))
#define BENCH_CHECK(condition) \
  do { \
    if (!(condition)) BENCH_FAIL("%s:%d: not so: %s", __FILE__, __LINE__, #condition); \
  } while (0)
#define BENCH_OK(call) \
  do { \
    int bench_status = (call); \
    if (bench_status != WS_OK) BENCH_FAIL("%s:%d: %s: %s", __FILE__, __LINE__, #call, ws_strerror(bench_status)); \
  } while (0)

static inline void bench_load(bench *self, const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) BENCH_FAIL("cannot open %s", path);
  fseek(file, 0, SEEK_END);
  self->size = (size_t)ftell(file);
  rewind(file);
  self->payload = malloc(self->size + 1);
  BENCH_CHECK(self->payload != NULL && fread(self->payload, 1, self->size, file) == self->size);
  fclose(file);
}

static inline void bench_word(bench *self, const char *name, const char *value) {
  if (strcmp(name, "op") == 0) self->op = value;
  else if (strcmp(name, "role") == 0) self->is_client = strcmp(value, "client") == 0;
  else if (strcmp(name, "type") == 0) self->is_text = strcmp(value, "text") == 0;
  else if (strcmp(name, "deflate") == 0) self->deflate = atoi(value);
  else if (strcmp(name, "prepared") == 0) self->prepared = atoi(value);
  else if (strcmp(name, "takeover") == 0) self->takeover = atoi(value);
  else if (strcmp(name, "variants") == 0) self->variants = strtoull(value, NULL, 10);
  else if (strcmp(name, "verify") == 0) self->verify = atoi(value);
  else if (strcmp(name, "fd") == 0) self->fd = atoi(value);
  else if (strcmp(name, "listener") == 0) self->listener = atoi(value);
  else if (strcmp(name, "address") == 0) self->address = value;
  else if (strcmp(name, "messages") == 0) self->messages = strtoull(value, NULL, 10);
  else if (strcmp(name, "connections") == 0) self->connections = strtoull(value, NULL, 10);
  else if (strcmp(name, "payload") == 0) bench_load(self, value);
  else BENCH_FAIL("no such word: %s", name);
}

static inline bench bench_arguments(int count, char **words) {
  bench self = {.op = "", .fd = -1, .connections = 1, .variants = 1};
  for (int i = 1; i < count; i++) {
    char *equals = strchr(words[i], '=');
    if (equals == NULL) BENCH_FAIL("not NAME=VALUE: %s", words[i]);
    *equals = '\0';
    bench_word(&self, words[i], equals + 1);
  }
  BENCH_CHECK(self.payload != NULL && self.messages > 0 && self.variants > 0 && self.size % self.variants == 0);
  self.size /= self.variants;
  return self;
}

static inline int bench_is(const bench *self, const char *op) { return strcmp(self->op, op) == 0; }

static inline int32_t bench_type(const bench *self) { return self->is_text ? WS_TEXT : WS_BINARY; }

/* The message to send in the turn of that number. */
static inline const uint8_t *bench_variant(const bench *self, size_t turn) {
  return self->payload + turn % self->variants * self->size;
}

/* A message arrived: it must be the one that was sent in that turn. Without verify only its size is looked at. */
static inline void bench_received(const bench *self, size_t turn, int32_t type, const uint8_t *data, size_t size) {
  BENCH_CHECK(type == bench_type(self) && size == self->size);
  if (self->verify) BENCH_CHECK(memcmp(data, bench_variant(self, turn), size) == 0);
}

/* Sums of what was spent between start and stop. */
typedef struct meter {
  int64_t wall, user, system; /* ns */
  int64_t wall_start;
  struct rusage start;
} meter;

static inline int64_t meter_between(struct timeval from, struct timeval to) {
  return ((int64_t)to.tv_sec - from.tv_sec) * 1000000000 + ((int64_t)to.tv_usec - from.tv_usec) * 1000;
}

static inline void meter_start(meter *self) {
  self->wall_start = ws_now();
  getrusage(RUSAGE_SELF, &self->start);
}

static inline void meter_stop(meter *self) {
  struct rusage now;
  getrusage(RUSAGE_SELF, &now);
  self->wall += ws_now() - self->wall_start;
  self->user += meter_between(self->start.ru_utime, now.ru_utime);
  self->system += meter_between(self->start.ru_stime, now.ru_stime);
}

/* The program's result. */
static inline void meter_print(const meter *self, size_t messages) {
  printf("{\"messages\": %zu, \"wall\": %lld, \"user\": %lld, \"system\": %lld}\n", messages, (long long)self->wall,
         (long long)self->user, (long long)self->system);
}

#endif /* BENCH_H */
