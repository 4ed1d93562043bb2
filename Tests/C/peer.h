/* A peer made by hand: plain sockets, exact bytes, no code of the library. Every wait ends after five seconds.
 */
#ifndef PEER_H
#define PEER_H

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "accept_key.h"

enum { PEER_ROOM = 80000, PEER_WAIT = 5000 };

/* One frame as it was on the wire; the payload is unmasked and followed by a NUL. */
typedef struct peer_frame {
  int first;  /* FIN, RSV and opcode */
  int masked; /* whether it had a mask */
  size_t size;
  uint8_t data[PEER_ROOM];
} peer_frame;

#define PEER_KEY "dGhlIHNhbXBsZSBub25jZQ=="         /* RFC 6455 1.3 */
#define PEER_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" /* its answer */
#define PEER_UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define PEER_REQUEST \
  "GET / HTTP/1.1\r\nHost: localhost\r\n" PEER_UPGRADE "Sec-WebSocket-Key: " PEER_KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n"

/* Two connected ends of a Unix stream socket. */
static inline void peer_sockets(int ends[2]) { EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0); }

/* A TCP connection to a port of this machine, or -1. */
static inline int peer_dial(uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

/* A TCP socket on 127.0.0.1 and its port, at which nobody listens. */
static inline int peer_bind(uint16_t *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_INT(bind(fd, (struct sockaddr *)&address, size), 0);
  EXPECT_INT(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

/* The same, listening. */
static inline int peer_listen(uint16_t *port) {
  int fd = peer_bind(port);
  EXPECT_INT(listen(fd, 128), 0);
  return fd;
}

/* A port of this machine where connecting waits: the queue of those who wait to be accepted is full. */
typedef struct peer_queue {
  int listener;
  int waiting[8];
} peer_queue;

static inline uint16_t peer_fill(peer_queue *queue) {
  uint16_t port;
  queue->listener = peer_listen(&port);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  EXPECT_INT(listen(queue->listener, 0), 0);
  for (int i = 0; i < 8; i++) {
    queue->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)!connect(queue->waiting[i], (struct sockaddr *)&address, sizeof address);
  }
  check_sleep(20);
  return port;
}

static inline void peer_leave(peer_queue *queue) {
  for (int i = 0; i < 8; i++) close(queue->waiting[i]);
  close(queue->listener);
}

/* Two connected ends of a TCP connection over loopback. */
static inline void peer_tcp(int ends[2]) {
  uint16_t port;
  int listener = peer_listen(&port);
  ends[0] = peer_dial(port);
  ends[1] = accept(listener, NULL, NULL);
  close(listener);
}

/* Sends everything; 0 when the other side is gone. */
static inline int peer_put(int fd, const void *data, size_t size) {
  const uint8_t *at = data;
  while (size > 0) {
    struct pollfd on = {fd, POLLOUT, 0};
    ssize_t sent = send(fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN && poll(&on, 1, (int)check_limit(PEER_WAIT)) == 1) continue;
    if (sent <= 0) return 0;
    at += sent;
    size -= (size_t)sent;
  }
  return 1;
}

static inline int peer_put_text(int fd, const char *text) { return peer_put(fd, text, strlen(text)); }

/* Receives size bytes; returns how many came before the stream ended or went silent. */
static inline size_t peer_get(int fd, void *data, size_t size) {
  size_t got = 0;
  while (got < size) {
    struct pollfd on = {fd, POLLIN, 0};
    if (poll(&on, 1, (int)check_limit(PEER_WAIT)) != 1) return got;
    ssize_t count = recv(fd, (uint8_t *)data + got, size - got, 0);
    if (count <= 0) return got;
    got += (size_t)count;
  }
  return got;
}

/* 1 when nothing arrives within ms. */
static inline int peer_silent(int fd, int ms) {
  struct pollfd on = {fd, POLLIN, 0};
  return poll(&on, 1, ms) == 0;
}

/* 1 when the stream ends now, without another byte. */
static inline int peer_ended(int fd) {
  struct pollfd on = {fd, POLLIN, 0};
  uint8_t byte;
  return poll(&on, 1, (int)check_limit(PEER_WAIT)) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

/* Reads up to the end of a head, NUL-terminated. Returns its size, 0 when none came whole. */
static inline size_t peer_get_head(int fd, char *head, size_t room) {
  size_t size = 0;
  while (size + 1 < room && peer_get(fd, head + size, 1) == 1) {
    size += 1;
    head[size] = '\0';
    if (size >= 4 && memcmp(head + size - 4, "\r\n\r\n", 4) == 0) return size;
  }
  head[size] = '\0';
  return 0;
}

/* Writes a frame header; size_form 0 is the minimal one, else 7, 16 or 64 bits. Returns its size. */
static inline size_t peer_header(uint8_t header[14], int first, uint64_t size, int size_form, const uint8_t *mask) {
  int form = size_form != 0 ? size_form : size < 126 ? 7 : size < 65536 ? 16 : 64;
  int bytes = form == 7 ? 0 : form / 8;
  header[0] = (uint8_t)first;
  header[1] = (uint8_t)((form == 7 ? size : form == 16 ? 126 : 127) | (mask != NULL ? 0x80 : 0));
  for (int i = 0; i < bytes; i++) header[2 + i] = (uint8_t)(size >> (8 * (bytes - 1 - i)));
  if (mask != NULL) memcpy(header + 2 + bytes, mask, 4);
  return (size_t)(2 + bytes + (mask != NULL ? 4 : 0));
}

static const uint8_t peer_mask[4] = {0x37, 0xfa, 0x21, 0x3d}; /* RFC 6455 5.7 */

/* Appends a frame to bytes, masked when it comes from a client. Returns the frame's size. */
static inline size_t peer_frame_bytes(uint8_t *bytes, int first, int masked, const void *data, size_t size) {
  size_t at = peer_header(bytes, first, size, 0, masked ? peer_mask : NULL);
  for (size_t i = 0; i < size; i++) bytes[at + i] = ((const uint8_t *)data)[i] ^ (masked ? peer_mask[i % 4] : 0);
  return at + size;
}

static inline int peer_put_frame(int fd, int first, int masked, const void *data, size_t size) {
  uint8_t *bytes = malloc(size + 14);
  int fine = peer_put(fd, bytes, peer_frame_bytes(bytes, first, masked, data, size));
  free(bytes);
  return fine;
}

/* Receives one frame of at most PEER_ROOM - 1 bytes; 0 when none came whole. */
static inline int peer_get_frame(int fd, peer_frame *frame) {
  uint8_t head[2], more[8], mask[4] = {0, 0, 0, 0};
  uint64_t size;
  memset(frame, 0, sizeof *frame);
  if (peer_get(fd, head, 2) != 2) return 0;
  frame->first = head[0];
  frame->masked = head[1] >> 7;
  size = head[1] & 127;
  size_t bytes = size < 126 ? 0 : size == 126 ? 2 : 8;
  if (peer_get(fd, more, bytes) != bytes) return 0;
  if (bytes > 0) size = 0;
  for (size_t i = 0; i < bytes; i++) size = size << 8 | more[i];
  if (frame->masked && peer_get(fd, mask, 4) != 4) return 0;
  if (size >= PEER_ROOM || peer_get(fd, frame->data, size) != size) return 0;
  for (uint64_t i = 0; i < size; i++) frame->data[i] ^= mask[i % 4];
  frame->size = size;
  return 1;
}

/* Reads frames up to a close frame and returns its code: 1005 when it holds none, 0 when none came. */
static inline int peer_get_close(int fd) {
  peer_frame frame;
  while (peer_get_frame(fd, &frame)) {
    if (frame.first != 0x88) continue;
    return frame.size < 2 ? 1005 : frame.data[0] << 8 | frame.data[1];
  }
  return 0;
}

/* Sends a close frame; code 0 sends none. */
static inline int peer_put_close(int fd, int masked, int code, const char *reason) {
  uint8_t payload[125] = {(uint8_t)(code >> 8), (uint8_t)code};
  size_t size = strlen(reason);
  memcpy(payload + 2, reason, size);
  return peer_put_frame(fd, 0x88, masked, payload, code == 0 ? 0 : size + 2);
}

/* Copies the value of a header field of a head, "" when it is not there. Names are compared as they are written. */
static inline void peer_field(const char *head, const char *name, char *value, size_t room) {
  char line[128];
  snprintf(line, sizeof line, "\r\n%s: ", name);
  const char *at = strstr(head, line);
  const char *from = at == NULL ? "" : at + strlen(line);
  snprintf(value, room, "%.*s", (int)strcspn(from, "\r"), from);
}

/* Reads a client's request and answers 101, with extra fields (each ending in CR LF) and extra bytes after the head. */
static inline int peer_answer(int fd, const char *fields, const void *after, size_t size) {
  char head[8192], key[64], accept[29], answer[1024];
  uint8_t all[2048];
  if (peer_get_head(fd, head, sizeof head) == 0) return 0;
  peer_field(head, "Sec-WebSocket-Key", key, sizeof key);
  accept_key(key, accept);
  int length = snprintf(answer, sizeof answer, "HTTP/1.1 101 Switching Protocols\r\n" PEER_UPGRADE
                        "Sec-WebSocket-Accept: %s\r\n%s\r\n", accept, fields);
  memcpy(all, answer, (size_t)length);
  memcpy(all + length, after, size);
  return peer_put(fd, all, (size_t)length + size);
}

#endif /* PEER_H */
