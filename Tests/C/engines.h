/* Engines to test with: the library at one end or at both, and no socket in between. Written bytes go in, events and output bytes
 * come out.
 */
#ifndef ENGINES_H
#define ENGINES_H

#include "wire.h" /* AS_SERVER, AS_CLIENT */

#define ENGINE_KEY "N/ohPTf6IT03+iE9N/ohPQ==" /* what a nonce of peer_mask four times looks like */

/* A source that gives the same four bytes again and again: mask keys are those of RFC 6455 5.7. */
static inline void engine_same_bytes(void *space, size_t size, void *user) {
  (void)user;
  for (size_t i = 0; i < size; i++) ((uint8_t *)space)[i] = peer_mask[i % 4];
}

static inline ws_engine *engine_new_server(ws_upgrader *upgrader) {
  ws_engine *engine = NULL;
  EXPECT_STATUS(ws_engine_new_server(upgrader, 0, &engine), WS_OK);
  return engine;
}

static inline ws_engine *engine_new_client(ws_dialer *dialer) {
  ws_engine *engine = NULL;
  EXPECT_STATUS(ws_engine_new_client(dialer, "ws://localhost/", engine_same_bytes, NULL, &engine, NULL), WS_OK);
  return engine;
}

/* The next event, which must be this one. */
static inline ws_event engine_event(ws_engine *engine, int type) {
  ws_event event = {.struct_size = sizeof event};
  EXPECT_STATUS(ws_engine_next_event(engine, &event), WS_OK);
  EXPECT_INT(event.type, type);
  return event;
}

/* The next event has these bytes. */
static inline void engine_tells(ws_engine *engine, int type, const void *data, size_t size) {
  ws_event event = engine_event(engine, type);
  EXPECT_BYTES(event.data, event.size, data, size);
}

/* The next event is a text message. */
static inline void engine_reads(ws_engine *engine, const char *text) {
  ws_event event = engine_event(engine, WS_EVENT_MESSAGE);
  EXPECT_INT(event.opcode, WS_TEXT);
  EXPECT_BYTES(event.data, event.size, text, strlen(text));
}

/* There is no event but this result, and the output is empty as it must be. */
static inline int engine_gives(ws_engine *engine, int status) {
  ws_event event = {sizeof event, 7, 7, 7, (const uint8_t *)"x", 1, {7, 7, 7, 7}};
  if (!EXPECT_STATUS(ws_engine_next_event(engine, &event), status)) return 0;
  EXPECT_INT(event.struct_size, sizeof event);
  return EXPECT(event.type == 0 && event.opcode == 0 && event.code == 0 && event.data == NULL && event.size == 0 &&
                event.reserved[0] == 0 && event.reserved[3] == 0);
}

static inline void engine_feed_text(ws_engine *engine, const char *text) {
  EXPECT_STATUS(ws_engine_feed(engine, text, strlen(text)), WS_OK);
}

/* One frame of the peer's arrives. */
static inline void engine_put(ws_engine *engine, int role, int first, const void *data, size_t size) {
  uint8_t *bytes = malloc(size + 14);
  EXPECT_STATUS(ws_engine_feed(engine, bytes, peer_frame_bytes(bytes, first, role == AS_SERVER, data, size)), WS_OK);
  free(bytes);
}

static inline void engine_put_text(ws_engine *engine, int role, int first, const char *text) {
  engine_put(engine, role, first, text, strlen(text));
}

static inline size_t engine_pending(ws_engine *engine) {
  ws_bytes output = {NULL, 77};
  EXPECT_STATUS(ws_engine_output(engine, &output), WS_OK);
  return output.size;
}

/* Takes size bytes of the output, which must be these. */
static inline void engine_sends(ws_engine *engine, const void *data, size_t size) {
  ws_bytes output;
  EXPECT_STATUS(ws_engine_output(engine, &output), WS_OK);
  if (!EXPECT(output.size >= size)) return;
  EXPECT_BYTES(output.data, size, data, size);
  EXPECT_STATUS(ws_engine_sent(engine, size), WS_OK);
}

/* Takes one frame of the output. Clients' frames are masked with peer_mask. */
static inline void engine_sends_frame(ws_engine *engine, int role, int first, const void *data, size_t size) {
  uint8_t *bytes = malloc(size + 14);
  engine_sends(engine, bytes, peer_frame_bytes(bytes, first, role == AS_CLIENT, data, size));
  free(bytes);
}

/* Takes a close frame of the output and returns its code: 1005 when it holds none, 0 when there is none. */
static inline int engine_sends_close(ws_engine *engine, int role) {
  ws_bytes output;
  EXPECT_STATUS(ws_engine_output(engine, &output), WS_OK);
  if (output.size < 2 || output.data[0] != 0x88) return 0;
  size_t size = output.data[1] & 127, at = role == AS_CLIENT ? 6 : 2;
  int key = role == AS_CLIENT ? peer_mask[0] << 8 | peer_mask[1] : 0;
  EXPECT_INT(output.data[1] >> 7, role == AS_CLIENT);
  int code = size < 2 ? 1005 : (output.data[at] << 8 | output.data[at + 1]) ^ key;
  EXPECT_STATUS(ws_engine_sent(engine, at + size), WS_OK);
  return code;
}

/* Copies the head at the front of the output, NUL-terminated, and takes it. */
static inline void engine_sends_head(ws_engine *engine, char *head, size_t room) {
  ws_bytes output;
  size_t size = 0;
  EXPECT_STATUS(ws_engine_output(engine, &output), WS_OK);
  while (size < output.size && size + 1 < room && (size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4) != 0)) {
    head[size] = (char)output.data[size];
    size += 1;
  }
  head[size] = '\0';
  EXPECT_STATUS(ws_engine_sent(engine, size), WS_OK);
}

/* The response to a client that was made by engine_new_client, with more fields and more bytes behind it. */
static inline size_t engine_response(char *text, size_t room, const char *fields) {
  char accept[29];
  accept_key(ENGINE_KEY, accept);
  return (size_t)snprintf(text, room, "HTTP/1.1 101 Switching Protocols\r\n" PEER_UPGRADE "Sec-WebSocket-Accept: %s\r\n%s\r\n",
                          accept, fields);
}

/* Completes the handshake with bytes written by hand. */
static inline void engine_open_with(ws_engine *engine, int role) {
  char head[2048];
  if (role == AS_SERVER) {
    engine_feed_text(engine, PEER_REQUEST);
    engine_event(engine, WS_EVENT_REQUEST);
    EXPECT_STATUS(ws_engine_accept(engine), WS_OK);
  } else {
    engine_response(head, sizeof head, "");
    engine_feed_text(engine, head);
  }
  engine_event(engine, WS_EVENT_OPEN);
  engine_sends_head(engine, head, sizeof head);
  EXPECT_INT(engine_pending(engine), 0);
}

static inline ws_engine *engine_open(int role) {
  ws_engine *engine = role == AS_SERVER ? engine_new_server(NULL) : engine_new_client(NULL);
  if (engine != NULL) engine_open_with(engine, role);
  return engine;
}

/* Moves up to size bytes of one engine's output to another: by copy, or straight into its buffer. Returns how many moved. */
static inline size_t engine_move(ws_engine *from, ws_engine *to, size_t size, int by_copy) {
  ws_bytes output;
  void *space;
  size_t room;
  EXPECT_STATUS(ws_engine_output(from, &output), WS_OK);
  if (size > output.size) size = output.size;
  if (size == 0) return 0;
  if (by_copy) {
    EXPECT_STATUS(ws_engine_feed(to, output.data, size), WS_OK);
  } else {
    if (!EXPECT_STATUS(ws_engine_buffer(to, &space, &room), WS_OK)) return 0;
    if (size > room) size = room;
    memcpy(space, output.data, size);
    EXPECT_STATUS(ws_engine_received(to, size), WS_OK);
  }
  EXPECT_STATUS(ws_engine_sent(from, size), WS_OK);
  return size;
}

#endif /* ENGINES_H */
