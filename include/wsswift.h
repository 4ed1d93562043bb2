/* wsswift: WebSocket (RFC 6455) for C and every language with an FFI.
 *
 * This header is the contract: the library, its tests and its bindings are checked against it.
 * C99 and C++17; needs <stddef.h> and <stdint.h> only. Link with pkg-config (wsswift) or CMake (wsswift::wsswift).
 *
 * CONVENTIONS. They hold for every function unless it says otherwise.
 *
 * Result      WS_OK is 0. Positive is a normal outcome (WS_END, WS_AGAIN, WS_INTR). Negative is an error, an
 *             enum ws_error; ws_strerror() names it, ws_is_fatal() says whether the handle is still of use.
 *             WS_ERR_INVALID (NULL handle or output, handle of another type, NULL data with a size, value out of
 *             range), WS_ERR_NOMEM and, on connections, WS_ERR_FORKED may come from every function and are not listed.
 *             Once a half of a connection (reading, writing) has failed for good, every later call of that half
 *             returns the same error.
 * Outputs     are always written: zero or NULL when there is nothing to say. An output may be NULL where it says so.
 * Handles     are opaque and counted. A *_new, *_dial or *_upgrade gives one reference, *_free gives one back, in any
 *             order, also inside the handle's own callback. *_free(NULL) does nothing. A freed handle is undefined; a library
 *             built with -DWSSWIFT_QUARANTINE=ON names its type on standard error and aborts.
 * Bytes       given to a call are copied or sent before it returns. Bytes handed out are borrowed until the next call of
 *             the same half (read or write) on that handle, or until the handle is freed; they may hold NUL.
 * Strings     const char * is NUL-terminated UTF-8, copied by the call, at most 64 KiB.
 * Descriptors given to a call are taken: on success the handle owns them, on failure they are answered where that makes
 *             sense, and closed. They become non-blocking (O_NONBLOCK is set on the file description). Whatever the
 *             library opens is close-on-exec.
 * Time        deadlines are absolute nanoseconds of CLOCK_MONOTONIC. 0 means the handle's configured timeout, WS_NEVER
 *             waits for ever, a deadline in the past does not block. ws_in_ms() makes one. Timeouts are milliseconds; a
 *             negative one is WS_ERR_INVALID.
 * Threads     [any]   any thread, at any time
 *             [read]  one thread at a time; may run beside writes
 *             [owner] nothing else on the handle meanwhile
 *             Writes are serialised by the library, so writing is [any]. No function may be called from a signal handler.
 * Callbacks   run on the thread that called in, inside the calls tagged [read] and ws_conn_close, never on a thread of the
 *             library's own and with no lock held. They may call anything except reading on the same handle
 *             (WS_ERR_STATE). They must not unwind (longjmp, exceptions). A void *user comes with a ws_free_fn that is
 *             called exactly once: when the callback is replaced or the handle dies. It may be NULL.
 * TLS         is done by OpenSSL 3 (libssl.so.3), which is loaded when TLS is first wanted, and not by programs that never want it.
 * Process     no global initialisation, no signal handlers, no atexit; SIGPIPE is never raised; EINTR is resumed. The only
 *             threads of the library resolve names and serve connections in the background (ws_conn_set_background); they
 *             block all signals and never call out. After fork a child's
 *             inherited connections answer WS_ERR_FORKED; freeing them leaves the parent's connection alone. A call that
 *             succeeds leaves errno alone.
 */
#ifndef WSSWIFT_H
#define WSSWIFT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version -------------------------------------------------------------------------------------------------- */

/* The version this header belongs to. Until 1.0 a minor version may break the ABI; soname libwsswift.so.0. */
#define WSSWIFT_VERSION_MAJOR 0
#define WSSWIFT_VERSION_MINOR 1
#define WSSWIFT_VERSION_PATCH 0
#define WSSWIFT_VERSION ((WSSWIFT_VERSION_MAJOR << 16) | (WSSWIFT_VERSION_MINOR << 8) | WSSWIFT_VERSION_PATCH)

#if defined(__GNUC__)
#define WS_NODISCARD __attribute__((warn_unused_result))
#else
#define WS_NODISCARD
#endif

#if defined(__cplusplus) && __cplusplus >= 201703L
#define WS_NOEXCEPT noexcept
#else
#define WS_NOEXCEPT
#endif

/* [any] The version of the library that runs: major << 16 | minor << 8 | patch. Compare with WSSWIFT_VERSION. */
uint32_t ws_version(void);

/* [any] The same as text, "0.1.0". Static. */
const char *ws_version_string(void);

/* Optional parts of the library, for ws_has(). */
enum {
  WS_FEATURE_TLS = 1,    /* wss://; asking loads OpenSSL, and 0 says that it is not there */
  WS_FEATURE_DEFLATE = 2 /* permessage-deflate, RFC 7692 */
};

/* [any] 1 when this library has the feature (one of WS_FEATURE_*), else 0. Never an error: unknown features are 0. */
int ws_has(int32_t feature);

/* ---- Results and errors --------------------------------------------------------------------------------------- */

/* Normal outcomes. */
enum {
  WS_OK = 0,
  WS_END = 1,   /* the closing handshake is complete, with 1000, 1001 or no code */
  WS_AGAIN = 2, /* would block; nothing was taken */
  WS_INTR = 3   /* a signal arrived; only after ws_conn_set_interruptible() */
};

/* Errors, in families of ten. Values never change. */
typedef enum ws_error {
  /* the caller and the process */
  WS_ERR_INVALID = -1,  /* an argument is wrong */
  WS_ERR_NOMEM = -2,    /* no memory */
  WS_ERR_STATE = -3,    /* not now: two readers at once, a message is open, a configuration in use */
  WS_ERR_CALLBACK = -4, /* a callback returned non-zero; that half has ended */
  WS_ERR_ROOM = -5,     /* the message is larger than the room given; it is kept */
  WS_ERR_FORKED = -6,   /* the handle belongs to the parent process */
  /* the transport */
  WS_ERR_IO = -10,      /* the system said no; the failure's os_errno tells */
  WS_ERR_TIMEOUT = -11, /* nothing happened in time; the call may be repeated */
  WS_ERR_LOST = -12,    /* the connection ended without a close frame (1006 in RFC 6455 7.4.1) */
  WS_ERR_BROKEN = -13,  /* a write stopped inside a frame; nothing more can be written */
  WS_ERR_ABORTED = -14, /* ws_conn_abort, ws_dial_cancel or a free on another thread */
  WS_ERR_FDS = -15,     /* no descriptor left (EMFILE, ENFILE) */
  WS_ERR_CONNECT = -16, /* no address of the host took the connection */
  WS_ERR_KEEPALIVE = -17, /* the peer was silent for too long behind a ping of ws_conn_set_keepalive; it was told 1011 */
  /* before the handshake */
  WS_ERR_RESOLVE = -20, /* the host name has no address */
  WS_ERR_PROXY = -21,   /* the proxy did not open the way, or its URL is none; the failure's text says why */
  WS_ERR_TLS = -22,     /* TLS failed, or OpenSSL is not there; the failure's text says which */
  WS_ERR_URL = -23,     /* the URL is not a ws or wss URL of RFC 6455 3 */
  /* the protocol */
  WS_ERR_PROTOCOL = -30,   /* the peer broke RFC 6455; it was told 1002 */
  WS_ERR_TOO_BIG = -31,    /* a message beyond the read limit; the peer was told 1009 */
  WS_ERR_UTF8 = -32,       /* text that is not UTF-8; a peer that sent it was told 1007 */
  WS_ERR_DEFLATE = -33,    /* a message that cannot be decompressed (RFC 7692); the peer was told 1007 */
  WS_ERR_CLOSE_SENT = -34, /* a close frame has been sent; nothing may follow it (RFC 6455 5.5.1) */
  WS_ERR_CLOSED = -35,     /* the peer closed with a code other than 1000, 1001 and none; see ws_conn_close_codes */
  WS_ERR_JSON = -36,       /* text that is not one JSON document (RFC 8259); the connection goes on */
  /* the opening handshake */
  WS_ERR_HANDSHAKE = -40, /* the peer's handshake is not one (RFC 6455 4); the failure's text says why */
  WS_ERR_ORIGIN = -41,    /* the request's Origin is not allowed; it was answered 403 */
  WS_ERR_STATUS = -42,    /* the server answered with another status than 101; see ws_dial_response */
  WS_ERR_HOST = -43       /* the request's Host is not allowed; it was answered 421 */
} ws_error;

/* [any] A static, short English text for a result of any function, also for an unknown one. Never NULL. */
const char *ws_strerror(int code);

/* [any] 1 when a handle that gave this result is of no more use for that half, else 0. 0 for outcomes >= 0 and for
 * WS_ERR_INVALID, WS_ERR_STATE, WS_ERR_ROOM, WS_ERR_TIMEOUT, WS_ERR_FDS and WS_ERR_JSON. WS_ERR_NOMEM and WS_ERR_UTF8 count as
 * fatal, as they are for reading; a write that was refused with them left no trace and may be repeated. */
int ws_is_fatal(int code);

/* Bytes that somebody else owns. data may be NULL when size is 0. */
typedef struct ws_bytes {
  const uint8_t *data;
  size_t size;
} ws_bytes;

/* Who caused a failure. */
enum { WS_BY_NOBODY = 0, WS_BY_PEER = 1, WS_BY_US = 2, WS_BY_TIMER = 3, WS_BY_LIMIT = 4, WS_BY_SYSTEM = 5 };

/* The detail of a failure, copied out. Set struct_size to sizeof(ws_failure) before every call that takes one. */
typedef struct ws_failure {
  uint32_t struct_size; /*   0 in: sizeof(ws_failure) */
  int32_t code;         /*   4 the ws_error, WS_OK when nothing failed */
  int32_t who;          /*   8 WS_BY_* */
  int32_t os_errno;     /*  12 errno of the system call, 0 when there was none (WS_ERR_LOST: 0 for an orderly end) */
  uint64_t tls_error;   /*  16 OpenSSL's error code (ERR_get_error), 0 when there is none */
  int32_t tls_verify;   /*  24 why a certificate was not accepted (X509_V_ERR_*), else 0 */
  int32_t http_status;  /*  28 the status received (client) or answered (server), 0 when there was none */
  int32_t close_code;   /*  32 the code of the close frame sent because of it, 0 when none was */
  int32_t reserved0;    /*  36 0 */
  uint64_t limit;       /*  40 what was hit, else 0: the largest size in bytes; the timeout in ns, or what was left of a
                              deadline when the call began */
  char text[160];       /*  48 NUL-terminated UTF-8: what was seen, what was allowed, and which call changes that. Holds no
                              secrets; what a peer sent stands in quotes, cut and escaped */
  uint64_t reserved[6]; /* 208 0 */
} ws_failure;           /* 256 */

/* ---- Time ----------------------------------------------------------------------------------------------------- */

/* A deadline that never comes. */
#define WS_NEVER INT64_MAX

/* [any] CLOCK_MONOTONIC in nanoseconds. */
int64_t ws_now(void);

/* [any] The deadline ms milliseconds from now; at least 1, saturates at WS_NEVER. A negative ms lies in the past. */
int64_t ws_in_ms(int64_t ms);

/* ---- Connections ---------------------------------------------------------------------------------------------- */

/* An open WebSocket connection, from ws_dialer_dial, ws_dial_run, ws_upgrader_upgrade or ws_upgrade_accept. */
typedef struct ws_conn ws_conn;

/* A message of a connection that is being read in parts. A part of its connection: never freed; WS_ERR_STATE when another message has
 * been asked for. Used after eight more messages were read so, it stands for a later one. */
typedef struct ws_reader ws_reader;

/* A message of a connection that is being written in pieces. A part of its connection: never freed; WS_ERR_STATE when its message has
 * been ended. Used after eight more messages were written so, it stands for a later one. */
typedef struct ws_writer ws_writer;

/* Message and frame types: the opcodes of RFC 6455 5.2. */
enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* Or-ed to the type of a message that is sent, WS_TEXT or WS_BINARY: it is not compressed. For bytes that are compressed already, and
 * for secrets beside bytes that others chose. Without effect where compression was not agreed on. */
enum { WS_UNCOMPRESSED = 0x100 };

/* The halves of a connection, for ws_conn_failure. */
enum { WS_READ = 1, WS_WRITE = 2 };

/* Frees a user pointer. NULL: nothing to free. */
typedef void (*ws_free_fn)(void *user) WS_NOEXCEPT;

/* A ping or pong arrived (RFC 6455 5.5.2, 5.5.3) with size bytes of application data, borrowed until the callback
 * returns. Non-zero ends reading with WS_ERR_CALLBACK. */
typedef int (*ws_control_fn)(ws_conn *conn, const void *data, size_t size, void *user) WS_NOEXCEPT;

/* A close frame arrived (RFC 6455 5.5.1); code is 1005 when it holds none. The reason is borrowed until the callback
 * returns. Non-zero ends reading with WS_ERR_CALLBACK. */
typedef int (*ws_close_fn)(ws_conn *conn, uint16_t code, const void *reason, size_t size, void *user) WS_NOEXCEPT;

/* [read] Waits for the next data message and lends it: *type is WS_TEXT or WS_BINARY, *message is borrowed until the next
 * read. Answers pings and close frames on the way. Waits for the configured read timeout (none by default); after
 * WS_ERR_TIMEOUT the next read goes on where this one stopped.
 * WS_END the peer closed with 1000, 1001 or no code · WS_INTR · WS_ERR_CLOSED · WS_ERR_LOST · WS_ERR_TIMEOUT ·
 * WS_ERR_PROTOCOL · WS_ERR_TOO_BIG · WS_ERR_UTF8 · WS_ERR_STATE another thread reads, or from a callback ·
 * WS_ERR_KEEPALIVE · WS_ERR_CALLBACK · WS_ERR_ABORTED · WS_ERR_IO. RFC 6455 5, 6.2, 7. */
WS_NODISCARD int ws_conn_read(ws_conn *conn, int32_t *type, ws_bytes *message);

/* [read] The same into the caller's memory: *size is the message's size. When room is too small: WS_ERR_ROOM, *size says how
 * much is needed, and the message is kept for the next read. buf may be NULL when room is 0. Errors as ws_conn_read. */
WS_NODISCARD int ws_conn_read_into(ws_conn *conn, int32_t *type, void *buf, size_t room, size_t *size);

/* [read] Waits for the next data message and gives a reader for it before its bytes are there, so that a message of any size costs one
 * buffer. What is left of the message before is passed over: pings in it are answered, nothing of it is kept. A message that
 * had begun to be put together, or was kept after WS_ERR_ROOM, is read from its beginning. Errors as ws_conn_read. RFC 6455 5.4. */
WS_NODISCARD int ws_conn_next_reader(ws_conn *conn, int32_t *type, ws_reader **reader);

/* [read] Waits for some bytes of the message and copies as many as there is room for, at least one; WS_END behind the last one. Text
 * may be cut inside a character. buf may be NULL when room is 0. WS_ERR_STATE another message has been asked for · WS_ERR_CLOSED the
 * peer closed in the middle of the message, with whatever code · others as ws_conn_read. */
WS_NODISCARD int ws_reader_read(ws_reader *reader, void *buf, size_t room, size_t *got);

/* [read] The same without a copy: *part is what has arrived, at least one byte, borrowed until the next read. Errors as
 * ws_reader_read. */
WS_NODISCARD int ws_reader_next(ws_reader *reader, ws_bytes *part);

/* [read] Reads all messages as one stream of bytes, with the terminator behind each, behind empty ones too; of size 0: as a plain byte
 * stream. Waits for at least one byte, then takes what is there, up to room. Other reads in between pass over the rest of the
 * message and its terminator. WS_END the peer closed with 1000, 1001 or no code, between messages · WS_ERR_CLOSED it closed in the
 * middle of one, with whatever code · others as ws_conn_read. */
WS_NODISCARD int ws_conn_read_joined(ws_conn *conn, const void *terminator, size_t terminator_size, void *buf, size_t room, size_t *got);

/* [read] For programs that only write: reads and drops messages until the connection ends, and gives that end; pings and close frames
 * are answered. Never WS_OK. Nothing is kept of what arrives. After WS_ERR_TIMEOUT and WS_AGAIN call it again. Results as
 * ws_conn_read. */
int ws_conn_discard(ws_conn *conn);

/* [any] Sends one message, WS_TEXT or WS_BINARY (| WS_UNCOMPRESSED), as one frame, within the write timeout (30 s without progress
 * by default). Text is not checked unless ws_conn_set_check_utf8 asks for it.
 * WS_INTR nothing was sent · WS_ERR_CLOSE_SENT · WS_ERR_TIMEOUT nothing was sent · WS_ERR_BROKEN stopped inside the frame ·
 * WS_ERR_UTF8 nothing was sent · WS_ERR_ABORTED · WS_ERR_LOST · WS_ERR_IO. RFC 6455 5.6, 6.1. */
WS_NODISCARD int ws_conn_write(ws_conn *conn, int32_t type, const void *data, size_t size);

/* [any] The same for a message whose bytes lie in count parts, one behind the other. On a server's side a large part is not
 * copied. parts may be NULL when count is 0. Otherwise as ws_conn_write. */
WS_NODISCARD int ws_conn_writev(ws_conn *conn, int32_t type, const ws_bytes *parts, size_t count);

/* [read] Waits for the next data message and lends its text when it is exactly one JSON document (RFC 8259) in UTF-8, with white space
 * around it or without; its type does not matter. Nothing is built of it: give the text to a JSON library. Arrays and objects nest at
 * most 512 deep. WS_ERR_JSON the message is none: it is gone, ws_conn_failure says why, and the next read goes on behind it · others
 * as ws_conn_read. */
WS_NODISCARD int ws_conn_read_json(ws_conn *conn, ws_bytes *text);

/* [any] Sends a text message that is exactly one JSON document (RFC 8259). WS_ERR_JSON it is none; nothing was sent · others as
 * ws_conn_write. */
WS_NODISCARD int ws_conn_write_json(ws_conn *conn, const void *text, size_t size);

/* [any] Sends a control frame, WS_PING, WS_PONG or WS_CLOSE, of at most 125 bytes. The payload of WS_CLOSE is empty, or a
 * code in network order and a UTF-8 reason. May pass between the frames of a message. deadline_ns covers waiting for
 * another writer too. WS_ERR_INVALID more than 125 bytes, or a close payload that RFC 6455 7.4 forbids to send ·
 * others as ws_conn_write. RFC 6455 5.5. */
WS_NODISCARD int ws_conn_write_control(ws_conn *conn, int32_t type, const void *data, size_t size, int64_t deadline_ns);

/* [any] Begins a message, WS_TEXT or WS_BINARY (| WS_UNCOMPRESSED), that is written in pieces. Until ws_writer_close, which alone
 * ends it, other messages are WS_ERR_STATE; control frames pass. Nothing is sent yet. WS_ERR_STATE a message is open · others as
 * ws_conn_write. RFC 6455 5.4. */
WS_NODISCARD int ws_conn_next_writer(ws_conn *conn, int32_t type, ws_writer **writer);

/* [any] Adds bytes to the message. They are kept in the write buffer; what is too much for it leaves with them in one frame, of a
 * compressed message with the next call. After WS_ERR_TIMEOUT or WS_AGAIN nothing was taken; after WS_ERR_NOMEM a compressed message is
 * over. WS_ERR_STATE the message has been ended · WS_ERR_CLOSE_SENT a close frame went out
 * meanwhile: the message can not be finished · others as ws_conn_write. */
WS_NODISCARD int ws_writer_write(ws_writer *writer, const void *data, size_t size);

/* [any] Sends what is in the write buffer now, as a frame that is not the last one; nothing where it is empty. Errors as
 * ws_writer_write. */
WS_NODISCARD int ws_writer_flush(ws_writer *writer);

/* [any] Ends the message with its last frame: the only one, where everything fitted into the write buffer. After WS_ERR_TIMEOUT or
 * WS_AGAIN call it again, and nothing else on this writer. WS_ERR_UTF8 the text ends inside a character · others as
 * ws_writer_write. */
WS_NODISCARD int ws_writer_close(ws_writer *writer);

/* A message for many connections: copied and checked once, and compressed once for all connections with the same level, memory and
 * window. Every connection masks it with keys of its own. Shared by any number of threads. */
typedef struct ws_prepared ws_prepared;

/* [any] Prepares a message, WS_TEXT or WS_BINARY (| WS_UNCOMPRESSED), or a control frame, WS_PING, WS_PONG or WS_CLOSE, with a
 * payload as of ws_conn_write_control. */
WS_NODISCARD int ws_prepared_new(int32_t type, const void *data, size_t size, ws_prepared **message);

/* [any] Gives the reference back. Calls in progress keep what they need. */
int ws_prepared_free(ws_prepared *message);

/* [any] Sends a prepared message. It is the same to the peer as one of ws_conn_write or ws_conn_write_control, and gives the same
 * errors. */
WS_NODISCARD int ws_conn_write_prepared(ws_conn *conn, ws_prepared *message);

/* [any] The closing handshake (RFC 6455 7.1.2): sends a close frame unless one was sent, waits for the peer's, then for the end of
 * the stream, until deadline_ns (0: 10 s). Messages that nobody reads meanwhile are dropped; a thread that is reading, or was 200 ms
 * ago, still gets them. code 0 or 1005 sends a close frame without code; then size must be 0. reason is UTF-8 of at most 123 bytes.
 * Afterwards only the queries and ws_conn_free are of use. Repeating it is harmless. From a callback it does what
 * ws_conn_close_begin does.
 * WS_OK the peer closed too, with whatever code · WS_ERR_TIMEOUT it did not; the connection is dropped · WS_ERR_LOST ·
 * WS_ERR_INVALID a code that must not be sent, or a bad reason · the error that ended the connection before. */
int ws_conn_close(ws_conn *conn, uint16_t code, const void *reason, size_t size, int64_t deadline_ns);

/* [any] Sends the close frame of ws_conn_close and returns at once; the thread that reads sees the peer's answer. When output
 * is blocked the frame is kept and leaves as soon as it can. WS_OK also when a close frame was sent before. Errors as
 * ws_conn_write. */
int ws_conn_close_begin(ws_conn *conn, uint16_t code, const void *reason, size_t size);

/* [any] Drops the connection without a word: blocked reads and writes on other threads return WS_ERR_ABORTED. */
int ws_conn_abort(ws_conn *conn);

/* [any] One more reference. Returns its argument; NULL for NULL and for a handle of another type. */
ws_conn *ws_conn_retain(ws_conn *conn);

/* [any] Gives a reference back. The last one drops the connection (as ws_conn_abort) and frees it when the calls in
 * progress have returned. Call ws_conn_close first for a clean end. */
int ws_conn_free(ws_conn *conn);

/* [any] How the connection was closed: the peer's code (0: no close frame yet, 1005: one without code), its reason (borrowed
 * until the handle is freed), and the code we sent (0, 1005 alike). Each output may be NULL. */
int ws_conn_close_codes(const ws_conn *conn, uint16_t *theirs, ws_bytes *reason, uint16_t *ours);

/* Close codes: RFC 6455 7.4.1, and those registered since. 3000 to 4999 are for libraries and programs. */
enum {
  WS_CLOSE_NORMAL = 1000,
  WS_CLOSE_GOING_AWAY = 1001,
  WS_CLOSE_PROTOCOL_ERROR = 1002,
  WS_CLOSE_UNSUPPORTED_DATA = 1003,
  WS_CLOSE_NO_STATUS = 1005, /* a close frame without code; never sent as a number */
  WS_CLOSE_ABNORMAL = 1006,  /* no close frame; never sent */
  WS_CLOSE_INVALID_PAYLOAD = 1007,
  WS_CLOSE_POLICY_VIOLATION = 1008,
  WS_CLOSE_MESSAGE_TOO_BIG = 1009,
  WS_CLOSE_MANDATORY_EXTENSION = 1010,
  WS_CLOSE_INTERNAL_ERROR = 1011,
  WS_CLOSE_SERVICE_RESTART = 1012,
  WS_CLOSE_TRY_AGAIN_LATER = 1013,
  WS_CLOSE_BAD_GATEWAY = 1014,
  WS_CLOSE_TLS_HANDSHAKE = 1015 /* never sent */
};

/* [any] 1 when reading has ended with one of these codes, else 0: the peer's code, 1005 for a close frame without code, 1006 where the
 * stream ended without a close frame (WS_ERR_LOST). 0 while reading goes on, when it ended in another way (a violation of the
 * peer's, a handler, ws_conn_abort), and for wrong arguments. */
int ws_conn_is_closed_with(const ws_conn *conn, const uint16_t *codes, size_t count);

/* [any] 1 when reading has ended with a code as of ws_conn_is_closed_with that is none of these, else 0: an end worth a line in the
 * log. */
int ws_conn_is_closed_unexpectedly(const ws_conn *conn, const uint16_t *codes, size_t count);

/* [any] Writes the payload of a close frame, for ws_conn_write_control, to buf: nothing for code 0 or 1005, else the code in network
 * order and the reason (RFC 6455 5.5.1). *written is its size, at most 125. WS_ERR_INVALID as ws_conn_close · WS_ERR_ROOM with *written
 * as what is needed. */
int ws_close_format(uint16_t code, const void *reason, size_t size, void *buf, size_t room, size_t *written);

/* [any] Takes the payload of a close frame apart: *code is 1005 when it is empty; *reason points into payload. Each output may be
 * NULL. WS_ERR_PROTOCOL a payload of one byte or of more than 125, or a code that must not travel (RFC 6455 7.4) · WS_ERR_UTF8 the
 * reason. */
int ws_close_parse(const void *payload, size_t size, uint16_t *code, ws_bytes *reason);

/* [any] A static, short English text for a close code, also for one without a meaning. Never NULL. */
const char *ws_close_text(uint16_t code);

/* [any] Who answers pings. NULL restores the default, which sends a pong with the same bytes (RFC 6455 5.5.3). Takes
 * effect at the next frame. user is freed by free_user also when this call fails. */
int ws_conn_set_ping_handler(ws_conn *conn, ws_control_fn fn, void *user, ws_free_fn free_user);

/* [any] Who hears of pongs. The default ignores them. Otherwise as ws_conn_set_ping_handler. */
int ws_conn_set_pong_handler(ws_conn *conn, ws_control_fn fn, void *user, ws_free_fn free_user);

/* [any] Who answers close frames. The default, and NULL, echoes the code (RFC 6455 5.5.1). A handler of one's own sends what
 * it likes; what it does not send, ws_conn_close does. Otherwise as ws_conn_set_ping_handler. */
int ws_conn_set_close_handler(ws_conn *conn, ws_close_fn fn, void *user, ws_free_fn free_user);

/* [any] How long each read may wait, in ms; 0: for ever (the default). Replaces a read deadline. */
int ws_conn_set_read_timeout(ws_conn *conn, int64_t ms);

/* [any] How long each write may go without progress, in ms; 0: for ever. Default 30000. Replaces a write deadline. */
int ws_conn_set_write_timeout(ws_conn *conn, int64_t ms);

/* [any] How long ws_conn_close waits when it is given no deadline, in ms; 0: for ever. Default 10000. */
int ws_conn_set_close_timeout(ws_conn *conn, int64_t ms);

/* [any] An absolute deadline for all reads from the next call on; 0 returns to the timeout. */
int ws_conn_set_read_deadline(ws_conn *conn, int64_t deadline_ns);

/* [any] An absolute deadline for all writes from the next call on; 0 returns to the timeout. */
int ws_conn_set_write_deadline(ws_conn *conn, int64_t deadline_ns);

/* [any] The largest message to receive, in bytes; 0: no limit. Default 16 MiB. A larger one is refused on its header with
 * close code 1009 and WS_ERR_TOO_BIG. Takes effect at the next frame. */
int ws_conn_set_read_limit(ws_conn *conn, uint64_t bytes);

/* [any] The most bytes of a message of ws_conn_next_writer that are kept for its next frame; at least 1. Default 16 KiB. The memory is
 * shared by all connections and taken while a message is written. Takes effect at the next message. */
int ws_conn_set_write_buffer(ws_conn *conn, size_t bytes);

/* [any] Whether messages are compressed, where that was agreed on. Default on. This and the next three take effect at the next
 * message. RFC 7692. */
int ws_conn_set_compression(ws_conn *conn, int32_t on);

/* [any] How hard to compress: -2 Huffman codes only, -1 zlib's own choice, 0 stored, 1 fastest to 9 smallest. Default 1. A connection
 * that keeps its context starts anew with another level. */
int ws_conn_set_compression_level(ws_conn *conn, int32_t level);

/* [any] How much memory compressing takes while it goes on, and for as long as the connection lives where the context is kept: 1 to 9,
 * 2^(level + 9) bytes and four times the window. Default 8. Starts anew as the level does. */
int ws_conn_set_compression_memory(ws_conn *conn, int32_t level);

/* [any] Messages of fewer bytes are not compressed. Default 0: all are. */
int ws_conn_set_compression_threshold(ws_conn *conn, size_t bytes);

/* [any] Whether text is checked as UTF-8 when received (default on: a bad byte is WS_ERR_UTF8 and close code 1007, RFC 6455
 * 8.1) and before it is sent (default off). Takes effect at the next message. */
int ws_conn_set_check_utf8(ws_conn *conn, int32_t received, int32_t sent);

/* [any] Whether a signal makes a blocked read, and a blocked write that has not sent a byte, return WS_INTR (default off: they are
 * resumed). For language runtimes that run their signal handlers between calls. */
int ws_conn_set_interruptible(ws_conn *conn, int32_t on);

/* [any] For a poll loop of one's own: whether calls on the connection return instead of waiting (default: they wait). Then
 * ws_conn_read gives WS_AGAIN where there is no message; ws_conn_write and ws_conn_write_control take a frame whole, or give WS_AGAIN
 * and take nothing; ws_conn_close gives WS_AGAIN until the handshake is complete, and is called again. Timeouts and deadlines go on
 * to hold. The loop polls for what ws_conn_interest says; when that happens it reads until WS_AGAIN and calls ws_conn_service. */
int ws_conn_set_nonblocking(ws_conn *conn, int32_t on);

/* [any] What to poll for: the descriptor (the connection's: not to be read, written or closed), events of poll(2) (POLLIN, POLLOUT),
 * and the time to call ws_conn_service, and to read, at the latest (WS_NEVER: none). Ask again after every call on the connection.
 * Each output may be NULL. */
int ws_conn_interest(const ws_conn *conn, int32_t *fd, int32_t *poll_events, int64_t *next_deadline_ns);

/* [any] Sends what is kept, and ends what is due. WS_ERR_TIMEOUT a closing handshake that took too long: the connection is dropped ·
 * WS_ERR_BROKEN output that did not move for the write timeout · WS_ERR_LOST · WS_ERR_ABORTED · WS_ERR_IO. */
int ws_conn_service(ws_conn *conn);

/* [any] Keeps an idle connection alive and finds out when the peer is gone: pings it every interval_ms (default off: 0), and gives
 * it up when nothing at all, not even data, has come from it for timeout_ms behind a ping (0: never). Then it is told 1011, the
 * connection is dropped, and reading and writing fail with WS_ERR_KEEPALIVE. Judged only when everything that has arrived has been
 * looked at. Pings leave inside reads, ws_conn_close, ws_conn_ping, ws_conn_service and the background service; without one of these
 * nothing happens. Their pongs are not told to the pong handler; the round trips are in ws_conn_statistics. RFC 6455 5.5.2. */
int ws_conn_set_keepalive(ws_conn *conn, int64_t interval_ms, int64_t timeout_ms);

/* [any] Sends a ping and waits for its pong, until deadline_ns (0: 20 s). *round_trip_ns, which may be NULL, says how long that
 * took. While nobody reads it reads itself, calls handlers as a read does, and keeps complete messages, up to the read limit, for
 * the next reads; a thread that comes to read takes over. The pong is not told to the pong handler. On a connection that is
 * non-blocking: WS_AGAIN until the pong, which the loop's reads hear, is there; call it again. RFC 6455 5.5.2, 5.5.3.
 * WS_END the peer closed instead · WS_ERR_TIMEOUT no pong yet; the connection goes on · WS_ERR_STATE from a callback · others as
 * ws_conn_write_control and ws_conn_read. */
int ws_conn_ping(ws_conn *conn, int64_t deadline_ns, int64_t *round_trip_ns);

/* [any] Whether one thread of the process, started by the first such call, looks after the connection while no call is in its
 * reading half (default off), beginning 100 ms after the last one. It answers pings unless ws_conn_set_ping_handler has set who
 * does, does what ws_conn_set_keepalive asks for, sends what is kept, and sees the peer's close frame or the end of the stream: a
 * write then gives WS_ERR_CLOSE_SENT or WS_ERR_LOST, and the next read tells the end. It never calls out: it stops in front of a
 * frame that a handler is to hear, and in front of the first data frame, and keeps no more than one receive buffer. Pongs do not
 * stop it: the last 8 are kept for their handler, which the next read calls. It costs a sleeping thread and no time while nothing
 * happens. A connection that is non-blocking is left to its loop. WS_ERR_FDS · WS_ERR_IO. */
int ws_conn_set_background(ws_conn *conn, int32_t on);

/* [any] Keeps a pointer of the application's; free_user is called for the one before. user is freed by free_user also when this
 * call fails. */
int ws_conn_set_user_data(ws_conn *conn, void *user, ws_free_fn free_user);

/* [any] The pointer of ws_conn_set_user_data, or NULL. */
int ws_conn_user_data(const ws_conn *conn, void **user);

/* Address families of ws_address. */
enum { WS_ADDRESS_NONE = 0, WS_ADDRESS_UNIX = 1, WS_ADDRESS_IPV4 = 4, WS_ADDRESS_IPV6 = 6 };

/* One end of a connection. Set struct_size to sizeof(ws_address) before every call that takes one. */
typedef struct ws_address {
  uint32_t struct_size; /*   0 in: sizeof(ws_address) */
  int32_t family;       /*   4 WS_ADDRESS_* */
  int32_t port;         /*   8 0 where there is none */
  int32_t reserved0;    /*  12 0 */
  char host[112];       /*  16 numeric address, or path of a Unix socket; NUL-terminated, "" when unnamed */
} ws_address;           /* 128 */

/* [any] Our end of the connection. */
int ws_conn_local_address(const ws_conn *conn, ws_address *address);

/* [any] The peer's end. */
int ws_conn_remote_address(const ws_conn *conn, ws_address *address);

/* [any] The subprotocol agreed on (RFC 6455 1.9), empty when none; borrowed until the handle is freed. */
int ws_conn_subprotocol(const ws_conn *conn, ws_bytes *name);

/* [any] The extensions agreed on, as the server's Sec-WebSocket-Extensions says them (RFC 6455 9.1): permessage-deflate and its
 * parameters where messages may be compressed, else empty; borrowed until the handle is freed. */
int ws_conn_extensions(const ws_conn *conn, ws_bytes *agreed);

/* [any] TLS of the connection: its version, such as "TLSv1.3"; the subject of the peer's certificate as RFC 2253 writes it, such as
 * "CN=example,O=Some"; and that certificate in DER. Empty without TLS, and where the peer sent no certificate. A client's has been
 * checked where the upgrader asked for one. Borrowed until the handle is freed; each may be NULL. */
int ws_conn_tls(const ws_conn *conn, ws_bytes *version, ws_bytes *subject, ws_bytes *certificate);

/* [any] Why a half (WS_READ or WS_WRITE) failed last: code WS_OK when it never did. A timeout stays to be seen here when the half goes
 * on. What ws_conn_close waits for is reading. */
int ws_conn_failure(const ws_conn *conn, int32_t half, ws_failure *failure);

/* What a connection has done since its opening handshake. Set struct_size to sizeof(ws_statistics) before every call that takes
 * one. The numbers are read one by one, so they may be apart by what happened meanwhile. */
typedef struct ws_statistics {
  uint32_t struct_size;         /*   0 in: sizeof(ws_statistics) */
  uint32_t reserved0;           /*   4 0 */
  uint64_t messages_received;   /*   8 whole data messages */
  uint64_t messages_sent;       /*  16 */
  uint64_t bytes_received;      /*  24 payload of data messages, as the application sees it */
  uint64_t bytes_sent;          /*  32 */
  uint64_t compressed_received; /*  40 what of bytes_received travelled compressed (RFC 7692) */
  uint64_t compressed_sent;     /*  48 */
  uint64_t deflated_received;   /*  56 the size that compressed_received had on the wire */
  uint64_t deflated_sent;       /*  64 */
  uint64_t wire_received;       /*  72 all bytes of frames: payload, headers, control frames */
  uint64_t wire_sent;           /*  80 */
  uint64_t pings_received;      /*  88 ping frames */
  uint64_t pings_sent;          /*  96 */
  uint64_t pongs_received;      /* 104 pong frames */
  uint64_t pongs_sent;          /* 112 */
  uint64_t round_trip_ns;       /* 120 from our last ping that was answered to its pong; 0 before */
  uint64_t round_trip_min_ns;   /* 128 the shortest of these */
  uint64_t reserved[7];         /* 136 0 */
} ws_statistics;                /* 192 */

/* [any] What the connection has done so far. */
int ws_conn_statistics(const ws_conn *conn, ws_statistics *statistics);

/* ---- Header fields -------------------------------------------------------------------------------------------- */

/* The header fields of a request or response, borrowed from the attempt that received them. */
typedef struct ws_headers ws_headers;

/* [any] The index-th field as received, in order. WS_END when there are no more. name and value may be NULL. */
int ws_headers_get(const ws_headers *headers, size_t index, ws_bytes *name, ws_bytes *value);

/* [any] The value of the first field of that name, compared without case (RFC 9110 5.1). WS_END when there is none. */
int ws_headers_find(const ws_headers *headers, const char *name, ws_bytes *value);

/* ---- Dialing -------------------------------------------------------------------------------------------------- */

/* How to open connections: shareable, and frozen by its first use (then setters give WS_ERR_STATE). */
typedef struct ws_dialer ws_dialer;

/* One attempt to open a connection: inspect, cancel and free it on its own. */
typedef struct ws_dial ws_dial;

/* [any] A configuration with the defaults: 10 s in all, messages of at most 16 MiB, no compression. */
WS_NODISCARD int ws_dialer_new(ws_dialer **dialer);

/* [any] Gives the reference back. Attempts in progress keep what they need. */
int ws_dialer_free(ws_dialer *dialer);

/* [owner] Adds a request header field. WS_ERR_INVALID for a name that is no token, a value with control bytes, and the
 * fields that the handshake itself writes (Upgrade, Connection, Sec-WebSocket-*, Content-Length, Transfer-Encoding). Host
 * replaces the default. RFC 6455 4.1. */
int ws_dialer_add_header(ws_dialer *dialer, const char *name, const char *value);

/* [owner] Offers a subprotocol, the preferred one first. WS_ERR_INVALID unless a token, or when offered already. */
int ws_dialer_add_subprotocol(ws_dialer *dialer, const char *name);

/* [owner] The time for everything from name resolution to the response, in ms; 0: for ever. Default 10000. */
int ws_dialer_set_timeout(ws_dialer *dialer, int64_t ms);

/* [owner] The read limit that connections start with. Default 16 MiB; 0: no limit. */
int ws_dialer_set_read_limit(ws_dialer *dialer, uint64_t bytes);

/* [owner] Whether permessage-deflate is offered (RFC 7692). Default off. A server need not accept: see ws_conn_extensions. Compressed
 * messages count for the read limit with the size that they have for the application. Do not send secrets and what an attacker can
 * choose in one compressed message, or with context takeover on one connection: their size tells whether the two are alike. */
int ws_dialer_set_compression(ws_dialer *dialer, int32_t on);

/* [owner] Whether each side compresses a message with its earlier ones in mind (RFC 7692 7.1.1): smaller messages, and memory that is
 * held as long as the connection, some 260 KiB for what one sends and 40 KiB for what one receives. Default on for both. A server
 * that was asked to do without and does not say that it does has failed the handshake. */
int ws_dialer_set_context_takeover(ws_dialer *dialer, int32_t client, int32_t server);

/* [owner] The binary logarithm of the largest window of each side (RFC 7692 7.1.2). Default 15 for both. client: 9 to 15, of which the
 * server may choose a smaller one, or 0 for 15 of which it may not. server: 8 to 15; a server that does not say that it uses at
 * most that has failed the handshake. */
int ws_dialer_set_window_bits(ws_dialer *dialer, int32_t client, int32_t server);

/* Proxies. The last of the next three calls counts; by default there is none. A proxy is a URL of http (CONNECT, RFC 9110 9.3.6),
 * https (the same over TLS, with the settings below except server name and certificate), socks5 or socks5h (RFC 1928; both leave
 * names to the proxy), with user:password@ where it wants them. What a proxy answers is WS_ERR_PROXY; the texts of other failures on
 * the way to it (a name, a refused connection, TLS, time) begin with "proxy: ". */

/* [owner] Goes through this proxy; NULL: none. WS_ERR_PROXY the URL is none. */
int ws_dialer_set_proxy(ws_dialer *dialer, const char *url);

/* Writes the URL of the proxy for a connection into space, which has room bytes, and returns its length; 0: none; negative refuses the
 * attempt with WS_ERR_CALLBACK. url is that of the server, without user and password. Runs inside the call that dials. */
typedef int (*ws_proxy_fn)(const char *url, char *space, size_t room, void *user) WS_NOEXCEPT;

/* [owner] Who chooses the proxy of each connection; NULL: nobody, there is none. user is freed by free_user also when this call
 * fails. */
int ws_dialer_set_proxy_callback(ws_dialer *dialer, ws_proxy_fn fn, void *user, ws_free_fn free_user);

/* [owner] Reads http_proxy (for ws), https_proxy (for wss), all_proxy and no_proxy, or the same in upper case, and keeps to them; 0:
 * there is no proxy. HTTP_PROXY counts for nothing beside REQUEST_METHOD, where it may be a client's header, and nothing counts in a
 * process that has more rights than whoever started it. no_proxy is a list of names (and those below them), .names, addresses,
 * networks (10.0.0.0/8), each with :port where it is meant for one, or "*". This machine is never behind a proxy. */
int ws_dialer_set_proxy_from_environment(ws_dialer *dialer, int32_t on);

/* Cookies of clients, by RFC 6265bis: what servers have set and what goes to them again. Without a list of public suffixes a cookie
 * only goes to the host that set it. At most 50 of a host and 1000 in all. Shared by any dialers and threads. */
typedef struct ws_cookie_jar ws_cookie_jar;

/* [any] An empty jar. */
WS_NODISCARD int ws_cookie_jar_new(ws_cookie_jar **jar);

/* [any] Gives the reference back. Dialers that have the jar keep what they need. */
int ws_cookie_jar_free(ws_cookie_jar *jar);

/* [any] Takes the value of a Set-Cookie field as if the server of a ws or wss URL had sent it; what the rules forbid is passed over.
 * WS_ERR_URL. */
int ws_cookie_jar_set(ws_cookie_jar *jar, const char *url, const char *set_cookie);

/* [any] Writes the value of the Cookie field for a ws or wss URL, such as "a=1; b=2", without a NUL; *written is its size, 0 when there
 * is none. WS_ERR_ROOM with *written when room is too small · WS_ERR_URL. */
int ws_cookie_jar_get(const ws_cookie_jar *jar, const char *url, void *buf, size_t room, size_t *written);

/* [owner] The jar from which cookies go along, and into which go those of every response, of refusals too, but not of proxies; NULL:
 * none. A Cookie header that was added goes before it. Replaces ws_dialer_set_cookie_callbacks. */
int ws_dialer_set_cookie_jar(ws_dialer *dialer, ws_cookie_jar *jar);

/* Writes the value of the Cookie field for a URL into space, which has room bytes, and returns its length; 0: none; negative refuses
 * the attempt with WS_ERR_CALLBACK. Runs inside the call that dials. */
typedef int (*ws_cookie_get_fn)(const char *url, char *space, size_t room, void *user) WS_NOEXCEPT;

/* Gets the value of a Set-Cookie field of a response. Runs inside the call that dials. */
typedef void (*ws_cookie_set_fn)(const char *url, const char *set_cookie, void *user) WS_NOEXCEPT;

/* [owner] Cookies of one's own instead of a jar; each function may be NULL. user is freed by free_user also when this call fails. */
int ws_dialer_set_cookie_callbacks(ws_dialer *dialer, ws_cookie_get_fn get, ws_cookie_set_fn set, void *user, ws_free_fn free_user);

/* Gets the URL that a redirect leads to; non-zero refuses it: WS_ERR_CALLBACK. Runs inside the call that dials. */
typedef int (*ws_redirect_fn)(const char *url, void *user) WS_NOEXCEPT;

/* [owner] How many redirects (301, 302, 303, 307, 308; RFC 9110 15.4) an attempt follows within its one deadline; default 0: they
 * are WS_ERR_STATUS, as is what leads from wss to ws. Beyond the first URL's scheme, host and port our header fields, user and
 * password, server name and certificate stay behind. fn may be NULL; user is freed by free_user also when this call fails. */
int ws_dialer_set_redirects(ws_dialer *dialer, int32_t limit, ws_redirect_fn fn, void *user, ws_free_fn free_user);

/* What an attempt does, and what the detail of it is. */
enum {
  WS_TRACE_RESOLVING = 1,    /* a name is looked up: "host:port" */
  WS_TRACE_CONNECTING = 2,   /* its addresses are tried: "host:port" */
  WS_TRACE_CONNECTED = 3,    /* one of them took the connection: its address and port */
  WS_TRACE_PROXY = 4,        /* a proxy is asked for the way: "host:port" of the server */
  WS_TRACE_TLS = 5,          /* TLS begins: the host at its other end */
  WS_TRACE_TLS_DONE = 6,     /* TLS is there: its version */
  WS_TRACE_REQUEST_SENT = 7, /* the request has left */
  WS_TRACE_FIRST_BYTE = 8,   /* the response begins */
  WS_TRACE_INTERIM = 9,      /* an interim response (1xx) came: its status */
  WS_TRACE_REDIRECT = 10,    /* a redirect is followed: "host:port" */
  WS_TRACE_DONE = 11         /* the attempt has ended: "", or why it failed */
};

/* Is told of a step (WS_TRACE_*). Runs inside the call that dials. */
typedef void (*ws_trace_fn)(int32_t step, const char *detail, void *user) WS_NOEXCEPT;

/* [owner] Who is told of the steps of each attempt; NULL: nobody. user is freed by free_user also when this call fails. */
int ws_dialer_set_trace_callback(ws_dialer *dialer, ws_trace_fn fn, void *user, ws_free_fn free_user);

/* Opens a connection to a host (IPv6 without brackets) and port within the deadline. Returns a connected stream socket, which is
 * taken, or a negated errno: WS_ERR_CONNECT. A ws_dial_cancel is heard when it returns. Runs inside the call that dials. */
typedef int (*ws_connect_fn)(const char *host, uint16_t port, int64_t deadline_ns, void *user) WS_NOEXCEPT;

/* [owner] Who opens the connections to servers and proxies, instead of resolving and connecting; NULL: the library. user is freed by
 * free_user also when this call fails. */
int ws_dialer_set_connect_callback(ws_dialer *dialer, ws_connect_fn fn, void *user, ws_free_fn free_user);

/* TLS, for wss:// URLs. TLS 1.2 and later, with ALPN http/1.1; the server's certificate must have the URL's host among its
 * alternative names, for addresses as an address; an address is not sent as SNI. The system's issuers are read once by a process. Of
 * a path that cannot be read, or holds nothing good, failure tells more; it may be NULL. What is wrong with OpenSSL itself is
 * WS_ERR_TLS from all of them that load it. */

/* [owner] Believes the issuers in a PEM file. With the first issuers that are added the system's are not believed any more (add them
 * with ws_dialer_add_tls_ca_system). WS_ERR_TLS · WS_ERR_STATE. */
int ws_dialer_add_tls_ca_file(ws_dialer *dialer, const char *path, ws_failure *failure);

/* [owner] The same for a directory that `openssl rehash` has prepared. */
int ws_dialer_add_tls_ca_dir(ws_dialer *dialer, const char *path, ws_failure *failure);

/* [owner] The same for PEM in memory. */
int ws_dialer_add_tls_ca_pem(ws_dialer *dialer, const void *pem, size_t size, ws_failure *failure);

/* [owner] Believes the system's issuers beside those that are added. */
int ws_dialer_add_tls_ca_system(ws_dialer *dialer, ws_failure *failure);

/* [owner] The certificate to show to servers that ask for one, from PEM files: itself first, then those of its issuers; and its key,
 * which may be in the same file. WS_ERR_TLS · WS_ERR_STATE. */
int ws_dialer_set_tls_certificate(ws_dialer *dialer, const char *chain_path, const char *key_path, ws_failure *failure);

/* [owner] The same from memory. */
int ws_dialer_set_tls_certificate_pem(ws_dialer *dialer, const void *chain, size_t chain_size, const void *key, size_t key_size,
                                      ws_failure *failure);

/* [owner] The password of encrypted keys that are loaded afterwards; NULL: none. Nobody is ever asked on a terminal. */
int ws_dialer_set_tls_key_password(ws_dialer *dialer, const char *password);

/* Writes the password of a key into space, which has room bytes, and returns its length; negative: there is none. Runs inside the call
 * that loads the key. */
typedef int (*ws_tls_password_fn)(char *space, size_t room, void *user) WS_NOEXCEPT;

/* [owner] Who is asked for the password of encrypted keys that are loaded afterwards; NULL: nobody. user is freed by free_user also
 * when this call fails. */
int ws_dialer_set_tls_password_callback(ws_dialer *dialer, ws_tls_password_fn fn, void *user, ws_free_fn free_user);

/* [owner] The name or address (IPv6 without brackets) that certificates must be for, and that is sent as SNI, instead of the URL's
 * host. WS_ERR_INVALID unless it is one. RFC 6066 3. */
int ws_dialer_set_tls_server_name(ws_dialer *dialer, const char *name);

/* [owner] Accepts every certificate, and so everybody who stands between: for tests alone. Default off. */
int ws_dialer_set_tls_insecure_skip_verify(ws_dialer *dialer, int32_t on);

/* [owner] Whether connections to a server that was dialed before resume its session, which saves both sides work. Default on.
 * RFC 8446 2.2. */
int ws_dialer_set_tls_resumption(ws_dialer *dialer, int32_t on);

/* [owner] Writes the secrets of connections to a file, for tools that decrypt recorded traffic: in the form of SSLKEYLOGFILE, a
 * variable that the library never looks at. The file is its owner's alone (0600); links of both kinds and other users' files are
 * refused. WS_ERR_IO. */
int ws_dialer_set_tls_key_log(ws_dialer *dialer, const char *path, ws_failure *failure);

/* Gets an SSL_CTX before its first connection, and the handle of dlopen for the libssl that it belongs to: a process may hold several,
 * so find functions with dlsym(libssl, ...). Non-zero refuses it: WS_ERR_CALLBACK. */
typedef int (*ws_tls_context_fn)(void *ssl_ctx, void *libssl, void *user) WS_NOEXCEPT;

/* [owner] Who gets OpenSSL's SSL_CTX, for what has no setter here; NULL: nobody. Runs inside the call that dials a wss URL first.
 * user is freed by free_user also when this call fails. */
int ws_dialer_set_tls_context_hook(ws_dialer *dialer, ws_tls_context_fn fn, void *user, ws_free_fn free_user);

/* [any] Opens a connection to a ws:// or wss:// URL. dialer may be NULL: the defaults. failure may be NULL.
 * WS_ERR_URL · WS_ERR_RESOLVE · WS_ERR_CONNECT · WS_ERR_TIMEOUT · WS_ERR_STATUS · WS_ERR_HANDSHAKE · WS_ERR_LOST ·
 * WS_ERR_PROXY · WS_ERR_TLS · WS_ERR_FDS · WS_ERR_IO. RFC 6455 3, 4.1. */
WS_NODISCARD int ws_dialer_dial(ws_dialer *dialer, const char *url, int64_t deadline_ns, ws_conn **conn, ws_failure *failure);

/* [any] An attempt that ws_dial_run carries out. dialer may be NULL: the defaults. failure may be NULL. WS_ERR_URL ·
 * WS_ERR_FDS. */
WS_NODISCARD int ws_dial_new(ws_dialer *dialer, const char *url, ws_dial **dial, ws_failure *failure);

/* [owner] Performs the handshake over a connected stream socket (a Unix socket, say) instead of resolving and connecting. Takes
 * fd in every case. */
int ws_dial_use_fd(ws_dial *dial, int32_t fd);

/* [owner] Carries the attempt out, once (WS_ERR_STATE afterwards). Errors as ws_dialer_dial, and WS_ERR_ABORTED after
 * ws_dial_cancel. failure may be NULL. */
WS_NODISCARD int ws_dial_run(ws_dial *dial, int64_t deadline_ns, ws_conn **conn, ws_failure *failure);

/* [any] Ends ws_dial_run, whatever it waits for, with WS_ERR_ABORTED; before it: as soon as it is called. */
int ws_dial_cancel(ws_dial *dial);

/* [owner] The server's response, also when it refused: status, header fields, and at most the first 1024 bytes of the body.
 * All borrowed until the attempt is freed; all zero when none was received. Each output may be NULL. */
int ws_dial_response(const ws_dial *dial, int32_t *status, const ws_headers **headers, ws_bytes *body);

/* [owner] Frees the attempt, not the connection that it gave. */
int ws_dial_free(ws_dial *dial);

/* ---- Serving -------------------------------------------------------------------------------------------------- */

/* How to answer opening handshakes: shareable, and frozen by its first use (then setters give WS_ERR_STATE). */
typedef struct ws_upgrader ws_upgrader;

/* One opening handshake on the server's side. */
typedef struct ws_upgrade ws_upgrade;

/* [any] A configuration with the defaults: 10 s for the whole head; same-origin only; on a loopback address only the hosts
 * localhost, *.localhost, 127.0.0.0/8 and [::1]; messages of at most 16 MiB; no compression. */
WS_NODISCARD int ws_upgrader_new(ws_upgrader **upgrader);

/* [any] Gives the reference back. Handshakes in progress keep what they need. */
int ws_upgrader_free(ws_upgrader *upgrader);

/* [owner] A subprotocol we speak. The first one of the client's list that we speak is chosen. WS_ERR_INVALID unless a token,
 * or when added already. */
int ws_upgrader_add_subprotocol(ws_upgrader *upgrader, const char *name);

/* [owner] Allows an origin besides the same one: "https://example.com:8443"; with *. before the host for its subdomains;
 * "null"; or "*" for all. Requests without Origin do not come from browsers and are allowed. RFC 6455 10.2, RFC 6454. */
int ws_upgrader_add_origin(ws_upgrader *upgrader, const char *pattern);

/* [owner] Whether a request without Origin is refused. Default off. */
int ws_upgrader_set_origin_required(ws_upgrader *upgrader, int32_t on);

/* [owner] Allows a Host, without port: a name, *.name, an address, or "*" for all. With the first one, the default for loopback
 * addresses is gone and every request is checked (against DNS rebinding). */
int ws_upgrader_add_host(ws_upgrader *upgrader, const char *pattern);

/* [owner] Adds a header field to every 101 response. WS_ERR_INVALID as ws_dialer_add_header. */
int ws_upgrader_add_header(ws_upgrader *upgrader, const char *name, const char *value);

/* [owner] Whether the clients speak https to a proxy in front of us, which takes TLS off: then the same origin is one of https. Default
 * off; with a certificate of our own it is known. */
int ws_upgrader_set_behind_tls(ws_upgrader *upgrader, int32_t on);

/* Decides whether a page of that origin, as the request says it, may connect: non-zero allows it. RFC 6455 10.2. */
typedef int (*ws_origin_fn)(ws_upgrade *upgrade, const void *origin, size_t size, void *user) WS_NOEXCEPT;

/* Decides about a request: 0 accepts it; else it is refused with 403, unless the callback answered it with ws_upgrade_refuse. */
typedef int (*ws_request_fn)(ws_upgrade *upgrade, void *user) WS_NOEXCEPT;

/* Hears why a request is refused by our rules; the failure is borrowed until the callback returns. */
typedef void (*ws_refusal_fn)(ws_upgrade *upgrade, const ws_failure *failure, void *user) WS_NOEXCEPT;

/* [owner] Who decides about the Origin of requests that are good otherwise, in the place of the same origin and ws_upgrader_add_origin.
 * Requests without Origin are not its affair (ws_upgrader_set_origin_required), nor are those of a ws_engine, which calls nobody. NULL
 * restores the default.
 * This callback and the next two run inside ws_upgrader_upgrade and ws_upgrade_request, on the thread that called in, so in several
 * at once where several use the upgrader. upgrade is borrowed until they return: they may look at it, add header fields, refuse,
 * but not accept. user is freed by free_user also when this call fails. */
int ws_upgrader_set_origin_callback(ws_upgrader *upgrader, ws_origin_fn fn, void *user, ws_free_fn free_user);

/* [owner] Who decides about good requests inside ws_upgrader_upgrade; it may choose a subprotocol too. Whoever calls ws_upgrade_request
 * decides without it. Otherwise as ws_upgrader_set_origin_callback. */
int ws_upgrader_set_request_callback(ws_upgrader *upgrader, ws_request_fn fn, void *user, ws_free_fn free_user);

/* [owner] Who hears of requests that our rules refuse, before the answer: for a line in the log, or to give another answer with
 * ws_upgrade_refuse. What is no HTTP gets no answer (http_status 0). Otherwise as ws_upgrader_set_origin_callback. */
int ws_upgrader_set_refusal_callback(ws_upgrader *upgrader, ws_refusal_fn fn, void *user, ws_free_fn free_user);

/* [owner] The time for the whole request head, and again for sending the answer, in ms; 0: for ever. Default 10000. */
int ws_upgrader_set_timeout(ws_upgrader *upgrader, int64_t ms);

/* [owner] The read limit that connections start with. Default 16 MiB; 0: no limit. */
int ws_upgrader_set_read_limit(ws_upgrader *upgrader, uint64_t bytes);

/* [owner] Whether an offer of permessage-deflate is accepted (RFC 7692): the first of the client's that can be. Default off.
 * Otherwise as ws_dialer_set_compression. */
int ws_upgrader_set_compression(ws_upgrader *upgrader, int32_t on);

/* [owner] As ws_dialer_set_context_takeover, but default off for both: the memory is the server's, and a connection that is idle then
 * holds none. */
int ws_upgrader_set_context_takeover(ws_upgrader *upgrader, int32_t client, int32_t server);

/* [owner] The binary logarithm of the largest window of each side (RFC 7692 7.1.2). Default 15 for both. client: 8 to 15, which counts
 * where the client says that its window may be limited. server: 9 to 15; a client that asks for 8 is not given compression. */
int ws_upgrader_set_window_bits(ws_upgrader *upgrader, int32_t client, int32_t server);

/* [owner] The server's certificate, from PEM files: itself first, then those of its issuers; and its key, which may be in the same
 * file. With it every connection begins with TLS, whose handshake counts as part of the request. May be called again at any time
 * and from any thread: handshakes that begin afterwards use the new one; when something of it is bad, nothing changes. WS_ERR_TLS ·
 * WS_ERR_STATE for a first certificate after the first use. */
int ws_upgrader_set_tls_certificate(ws_upgrader *upgrader, const char *chain_path, const char *key_path, ws_failure *failure);

/* [owner] The same from memory. */
int ws_upgrader_set_tls_certificate_pem(ws_upgrader *upgrader, const void *chain, size_t chain_size, const void *key,
                                        size_t key_size, ws_failure *failure);

/* Whether clients are asked for a certificate. */
enum {
  WS_TLS_OPTIONAL = 1, /* one that is sent must be good */
  WS_TLS_REQUIRED = 2  /* without a good one there is no connection */
};

/* [owner] Asks clients for a certificate (mode: WS_TLS_OPTIONAL, WS_TLS_REQUIRED) of the issuers in a PEM file. WS_ERR_TLS. */
int ws_upgrader_set_tls_client_ca(ws_upgrader *upgrader, const char *path, int32_t mode, ws_failure *failure);

/* [owner] The same for PEM in memory. */
int ws_upgrader_set_tls_client_ca_pem(ws_upgrader *upgrader, const void *pem, size_t size, int32_t mode, ws_failure *failure);

/* [owner] As ws_dialer_set_tls_key_password. */
int ws_upgrader_set_tls_key_password(ws_upgrader *upgrader, const char *password);

/* [owner] As ws_dialer_set_tls_password_callback; asked again when the files are read again, on the thread that wants it. */
int ws_upgrader_set_tls_password_callback(ws_upgrader *upgrader, ws_tls_password_fn fn, void *user, ws_free_fn free_user);

/* [owner] As ws_dialer_set_tls_key_log. */
int ws_upgrader_set_tls_key_log(ws_upgrader *upgrader, const char *path, ws_failure *failure);

/* [owner] As ws_dialer_set_tls_context_hook, but it runs inside the calls that make a context: this one when there is a certificate,
 * those that set a certificate or what clients show, and ws_upgrader_reload_tls. */
int ws_upgrader_set_tls_context_hook(ws_upgrader *upgrader, ws_tls_context_fn fn, void *user, ws_free_fn free_user);

/* [any] Reads the files of certificates and keys again, also while handshakes are under way; those that begin afterwards use them. When
 * something of it is bad, all stays as it was. WS_ERR_TLS · WS_ERR_CALLBACK · WS_ERR_STATE without a certificate. */
int ws_upgrader_reload_tls(ws_upgrader *upgrader, ws_failure *failure);

/* [any] Reads the request from fd, checks it and answers: 101 and a connection, or the right status and an error. Call it on the
 * connection's own thread, so that a silent client delays nobody; after a refusal it waits up to 1 s more for the client to close,
 * so that the answer arrives. already_read are bytes that were read from fd before.
 * upgrader may be NULL: the defaults. failure may be NULL. WS_ERR_HANDSHAKE (answered with 400, 405, 414, 426, 431, 503 or 505; what
 * is no HTTP gets no answer) · WS_ERR_HOST (421) · WS_ERR_ORIGIN (403) · WS_ERR_CALLBACK refused by a callback; the failure's
 * http_status says how · WS_ERR_TIMEOUT · WS_ERR_TLS · WS_ERR_LOST · WS_ERR_IO. RFC 6455 4.2. */
WS_NODISCARD int ws_upgrader_upgrade(ws_upgrader *upgrader, int32_t fd, const void *already_read, size_t size,
                                     int64_t deadline_ns, ws_conn **conn, ws_failure *failure);

/* [any] The same in steps: request, look, then accept or refuse. Takes fd in every case. upgrader may be NULL: the defaults. */
WS_NODISCARD int ws_upgrade_new(ws_upgrader *upgrader, int32_t fd, const void *already_read, size_t size, ws_upgrade **upgrade);

/* A header field, as an HTTP server of the program's own has parsed it. */
typedef struct ws_field {
  ws_bytes name;
  ws_bytes value;
} ws_field;

/* [any] 1 when a request with these fields asks for a WebSocket: Upgrade lists websocket and Connection lists Upgrade, on whichever
 * line and in any case (RFC 6455 4.2.1). Else 0, also for wrong arguments. fields may be NULL when count is 0. */
int ws_is_websocket_upgrade(const ws_field *fields, size_t count);

/* [any] The index-th subprotocol that a request with these fields offers, the preferred one first (RFC 6455 1.9); *name points into
 * fields. WS_END when there are no more. */
int ws_subprotocols(const ws_field *fields, size_t count, size_t index, ws_bytes *name);

/* [any] As ws_upgrade_new for a program with its own HTTP server, which has read the request from fd and parsed it: method, target
 * and fields are copied, fd is not read for it, and the upgrader's certificate is not used. already_read are bytes that came behind
 * the request. Then go on with ws_upgrade_request, which checks it by the same rules. For a server that keeps the socket:
 * ws_engine_feed_parsed. */
WS_NODISCARD int ws_upgrade_new_parsed(ws_upgrader *upgrader, const char *method, const char *target, const ws_field *fields,
                                       size_t count, int32_t fd, const void *already_read, size_t size, ws_upgrade **upgrade);

/* [owner] Reads and checks the request. *target is the request target (path and query), *headers its fields; borrowed until the
 * attempt is freed; either may be NULL. On an error the client was answered. Errors as ws_upgrader_upgrade; WS_ERR_STATE when
 * called again. failure may be NULL. */
WS_NODISCARD int ws_upgrade_request(ws_upgrade *upgrade, int64_t deadline_ns, ws_bytes *target, const ws_headers **headers,
                                    ws_failure *failure);

/* [owner] What the request asks for: its path and what stands behind its ?, both as they were sent, also where its target is a whole
 * URL; and its fields. Empty before it has arrived, and fields of a bad request may be missing. All borrowed until the attempt is
 * freed; each may be NULL. */
int ws_upgrade_look(const ws_upgrade *upgrade, ws_bytes *path, ws_bytes *query, const ws_headers **headers);

/* [owner] The index-th subprotocol that the client offers, the preferred one first (RFC 6455 1.9); borrowed as above. WS_END when
 * there are no more. */
int ws_upgrade_offered_subprotocol(const ws_upgrade *upgrade, size_t index, ws_bytes *name);

/* [owner] The value of the first cookie of that name (RFC 6265 4.2), without quotes around it; borrowed as above. WS_END when there is
 * none. */
int ws_upgrade_cookie(const ws_upgrade *upgrade, const char *name, ws_bytes *value);

/* [owner] The client's end of the connection. */
int ws_upgrade_remote_address(const ws_upgrade *upgrade, ws_address *address);

/* [owner] As ws_conn_tls, once ws_upgrade_request has succeeded; borrowed until the attempt is freed. */
int ws_upgrade_tls(const ws_upgrade *upgrade, ws_bytes *version, ws_bytes *subject, ws_bytes *certificate);

/* [owner] Adds a header field to the answer, whichever it will be, behind those of ws_upgrader_add_header. WS_ERR_INVALID as
 * ws_dialer_add_header · WS_ERR_STATE after an answer. */
int ws_upgrade_add_header(ws_upgrade *upgrade, const char *name, const char *value);

/* [owner] Chooses the subprotocol in the place of ws_upgrader_add_subprotocol: one that the client offers, NULL for none. RFC 6455
 * 4.2.2. WS_ERR_INVALID one that it does not offer · WS_ERR_STATE as accept; but inside a callback it may be chosen too. */
int ws_upgrade_set_subprotocol(ws_upgrade *upgrade, const char *name);

/* [owner] Answers 101 and gives the connection. WS_ERR_STATE before ws_upgrade_request or after an answer · others as
 * ws_upgrader_upgrade. failure may be NULL. */
WS_NODISCARD int ws_upgrade_accept(ws_upgrade *upgrade, int64_t deadline_ns, ws_conn **conn, ws_failure *failure);

/* [owner] Answers with a final status, 200 to 599, and a body of at most 64 KiB (none for 204, 205, 304), and closes: a redirect, a
 * page, an error. The body is UTF-8 text unless ws_upgrade_add_header says another Content-Type. WS_ERR_STATE as accept; but inside
 * a callback it may be refused too. */
int ws_upgrade_refuse(ws_upgrade *upgrade, int32_t status, const void *body, size_t size);

/* [owner] Frees the attempt; a request that was not answered is dropped. */
int ws_upgrade_free(ws_upgrade *upgrade);

/* [any] Listens on host and port: NULL is loopback (127.0.0.1), "*" every address, else a name or numeric address, or "unix:" and a
 * path (an existing file is WS_ERR_IO, and removing it is the caller's). IPv6 addresses stand without brackets. A name is looked up
 * without a deadline. Port 0 picks one; *bound says which. *fd is the caller's to close, -1 on an error. bound may be NULL.
 * WS_ERR_RESOLVE · WS_ERR_IO (address in use, say) · WS_ERR_FDS. failure may be NULL. */
WS_NODISCARD int ws_listen(const char *host, uint16_t port, int32_t *fd, uint16_t *bound, ws_failure *failure);

/* [any] Waits for a connection and takes it from a listening descriptor; no handshake yet, and nothing that a client can delay.
 * peer may be NULL. Clients that are gone already are passed over. The listener becomes non-blocking. *fd is the caller's, -1
 * on an error. deadline_ns 0 waits for ever.
 * failure may be NULL. WS_ERR_TIMEOUT · WS_ERR_FDS no descriptor is left (waits 100 ms first, so that a loop does not spin) ·
 * WS_ERR_IO. */
WS_NODISCARD int ws_accept(int32_t listen_fd, int64_t deadline_ns, int32_t *fd, ws_address *peer, ws_failure *failure);

/* ---- In somebody else's event loop ---------------------------------------------------------------------------- */

/* A connection without a socket, a clock or a thread: the program moves the bytes and tells the time. One thread at a time:
 * every function on it is [owner]. Nothing of it calls out, but for a random source of one's own.
 *
 * The loop of a program: receive into ws_engine_buffer and say ws_engine_received (or give copies to ws_engine_feed); take events
 * with ws_engine_next_event until it gives something else than WS_OK; send what ws_engine_output shows and say ws_engine_sent; and
 * call ws_engine_tick when it is due. Pings, close frames and violations are answered in the output. When ws_engine_next_event gives
 * WS_END or an error, send what is left of the output, then shut the transport down for writing and close it.
 *
 * Output is kept until it is sent, whatever its size; a program that answers a peer stops reading while there is much of it. To a peer
 * that sends and does not read, only the latest pong is kept. Before the connection is open, 64 KiB and what one call brings are taken
 * at most; a peer that sends more ahead has failed the handshake. */
typedef struct ws_engine ws_engine;

/* What ws_engine_next_event tells. */
enum {
  WS_EVENT_NONE = 0,
  WS_EVENT_REQUEST = 1, /* server: a good request; look at ws_engine_head, then ws_engine_accept or ws_engine_refuse */
  WS_EVENT_OPEN = 2,    /* the opening handshake is complete */
  WS_EVENT_MESSAGE = 3, /* a whole message: opcode, data, size */
  WS_EVENT_PING = 4,    /* data, size; answered already (RFC 6455 5.5.2) */
  WS_EVENT_PONG = 5,    /* data, size */
  WS_EVENT_CLOSE = 6    /* code (1005: none) and reason as data, size; answered already (RFC 6455 5.5.1) */
};

/* An event. Set struct_size to sizeof(ws_event) before every call that takes one. */
typedef struct ws_event {
  uint32_t struct_size; /*  0 in: sizeof(ws_event) */
  int32_t type;         /*  4 WS_EVENT_* */
  int32_t opcode;       /*  8 WS_TEXT or WS_BINARY of a message, else 0 */
  int32_t code;         /* 12 close code, else 0 */
  const uint8_t *data;  /* 16 borrowed until the next ws_engine_buffer, _feed or _next_event */
  size_t size;          /* 24 */
  uint64_t reserved[4]; /* 32 0 */
} ws_event;             /* 64 */

/* Fills size bytes of memory with bytes that nobody can guess: 16 for a nonce, 4 for a mask key. Must not call the engine that it
 * fills them for. */
typedef void (*ws_random_fn)(void *space, size_t size, void *user) WS_NOEXCEPT;

/* What ws_engine_new_server knows of its transport. */
enum {
  WS_ENGINE_SECURE = 1,  /* the client speaks https, here or at a proxy that is trusted */
  WS_ENGINE_LOOPBACK = 2 /* it came in on a loopback address: the default Host rules apply */
};

/* [any] A client's connection; its request is in the output. dialer may be NULL: the defaults; its timeout bounds the handshake.
 * The scheme may be wss: TLS is the program's. random gives nonces and mask keys; NULL is the kernel's source, which everything but
 * a test should use. user is the source's and is never freed. failure may be NULL. WS_ERR_URL. RFC 6455 4.1. */
WS_NODISCARD int ws_engine_new_client(ws_dialer *dialer, const char *url, ws_random_fn random, void *user, ws_engine **engine,
                                      ws_failure *failure);

/* [any] A server's connection. upgrader may be NULL: the defaults. flags: WS_ENGINE_*, or 0. RFC 6455 4.2. */
WS_NODISCARD int ws_engine_new_server(ws_upgrader *upgrader, int32_t flags, ws_engine **engine);

/* Gives the reference back. */
int ws_engine_free(ws_engine *engine);

/* Memory to receive into, *room bytes of it, without a copy later; lent until ws_engine_received has been told of all of it, or the
 * next ws_engine_buffer, _feed, _next_event, _accept or _free. Then call ws_engine_received. The error that ended the connection. */
WS_NODISCARD int ws_engine_buffer(ws_engine *engine, void **space, size_t *room);

/* So many bytes were received into the memory of the last ws_engine_buffer; 0 says that the stream has ended. WS_ERR_INVALID for
 * more than is lent; then nothing was taken. */
int ws_engine_received(ws_engine *engine, size_t size);

/* Takes a copy of received bytes; size 0 says that the stream has ended. Never writes to data. The error that ended the connection. */
WS_NODISCARD int ws_engine_feed(ws_engine *engine, const void *data, size_t size);

/* Server: takes the request of a client that an HTTP server of the program's own has read and parsed, as ws_upgrade_new_parsed; then
 * the bytes that came behind it, and so on. WS_ERR_HANDSHAKE a request that HTTP does not allow; it is answered · WS_ERR_STATE bytes
 * were taken before, or a client's engine. */
WS_NODISCARD int ws_engine_feed_parsed(ws_engine *engine, const char *method, const char *target, const ws_field *fields, size_t count);

/* The next event. WS_AGAIN more bytes, or an answer to the request, are needed · WS_END the peer closed with 1000, 1001 or no code,
 * and was answered · WS_ERR_CLOSED · WS_ERR_LOST · WS_ERR_PROTOCOL · WS_ERR_TOO_BIG · WS_ERR_UTF8 · WS_ERR_HANDSHAKE · WS_ERR_HOST ·
 * WS_ERR_ORIGIN · WS_ERR_STATUS · WS_ERR_TIMEOUT by ws_engine_tick · WS_ERR_ABORTED after ws_engine_refuse. */
WS_NODISCARD int ws_engine_next_event(ws_engine *engine, ws_event *event);

/* The peer's head, from WS_EVENT_REQUEST or WS_EVENT_OPEN on, and when one that arrived whole was not good enough: target of a request
 * (empty for a response), status of a response (0 for a request), fields. All borrowed until the handle is freed; each output may be
 * NULL. WS_AGAIN before. */
int ws_engine_head(const ws_engine *engine, ws_bytes *target, int32_t *status, const ws_headers **headers);

/* Server: answers 101. WS_ERR_STATE unless WS_EVENT_REQUEST waits for its answer. */
int ws_engine_accept(ws_engine *engine);

/* Server: as ws_upgrade_add_header, while WS_EVENT_REQUEST waits for its answer. */
int ws_engine_add_header(ws_engine *engine, const char *name, const char *value);

/* Server: as ws_upgrade_set_subprotocol, while WS_EVENT_REQUEST waits for its answer. */
int ws_engine_set_subprotocol(ws_engine *engine, const char *name);

/* Server: answers as ws_upgrade_refuse does. WS_ERR_STATE as ws_engine_accept. */
int ws_engine_refuse(ws_engine *engine, int32_t status, const void *body, size_t size);

/* Queues a message (WS_TEXT, WS_BINARY, | WS_UNCOMPRESSED) as one frame, or a control frame (WS_PING, WS_PONG, WS_CLOSE) of at most
 * 125 bytes. WS_ERR_STATE before the connection is open, or while a message is open · WS_ERR_CLOSE_SENT · WS_ERR_UTF8 · the error
 * that ended the connection. */
WS_NODISCARD int ws_engine_send(ws_engine *engine, int32_t type, const void *data, size_t size);

/* Queues one frame of a message: type is WS_TEXT or WS_BINARY (| WS_UNCOMPRESSED) on the first, 0 on the others; is_final on the
 * last. Control frames may pass between. After WS_ERR_NOMEM a compressed message cannot be finished: close. WS_ERR_STATE for a
 * frame out of order; others as ws_engine_send. RFC 6455 5.4. */
WS_NODISCARD int ws_engine_send_fragment(ws_engine *engine, int32_t type, const void *data, size_t size, int32_t is_final);

/* Queues a prepared message. Errors as ws_engine_send. */
WS_NODISCARD int ws_engine_send_prepared(ws_engine *engine, ws_prepared *message);

/* Queues a close frame with a code and a reason as of ws_conn_close; an answer is awaited for 10 s. WS_OK also when one was sent
 * before. Others as ws_engine_send. */
int ws_engine_close(ws_engine *engine, uint16_t code, const void *reason, size_t size);

/* What to send next, borrowed until the next call but queries; empty when there is nothing. */
int ws_engine_output(ws_engine *engine, ws_bytes *pending);

/* So many bytes of the output were sent. WS_ERR_INVALID for more than it had. */
int ws_engine_sent(ws_engine *engine, size_t size);

/* Tells the time, in nanoseconds of any clock that only grows. *next_deadline_ns is when to tell it again at the latest, or WS_NEVER;
 * may be NULL. When the peer's head or its answer to our close frame takes too long, ws_engine_next_event gives WS_ERR_TIMEOUT. What
 * a peer may take begins with the first time that is told meanwhile: so tell it at once, and after ws_engine_close. */
int ws_engine_tick(ws_engine *engine, int64_t now_ns, int64_t *next_deadline_ns);

/* As ws_conn_set_read_limit. */
int ws_engine_set_read_limit(ws_engine *engine, uint64_t bytes);

/* As ws_conn_set_check_utf8. */
int ws_engine_set_check_utf8(ws_engine *engine, int32_t received, int32_t sent);

/* As ws_conn_set_compression. */
int ws_engine_set_compression(ws_engine *engine, int32_t on);

/* As ws_conn_set_compression_level. */
int ws_engine_set_compression_level(ws_engine *engine, int32_t level);

/* As ws_conn_set_compression_memory. */
int ws_engine_set_compression_memory(ws_engine *engine, int32_t level);

/* As ws_conn_set_compression_threshold. */
int ws_engine_set_compression_threshold(ws_engine *engine, size_t bytes);

/* As ws_conn_set_keepalive (default off), by the clock of ws_engine_tick, which sends the pings. When a peer's time is up
 * *next_deadline_ns is the time that was told: receive what is there and tell it again. Their pongs are no events. Round trips are
 * measured from one ws_engine_tick to another: tell the time after each receive to have them exact. */
int ws_engine_set_keepalive(ws_engine *engine, int64_t interval_ms, int64_t timeout_ms);

/* As ws_conn_subprotocol. */
int ws_engine_subprotocol(const ws_engine *engine, ws_bytes *name);

/* As ws_conn_extensions. */
int ws_engine_extensions(const ws_engine *engine, ws_bytes *agreed);

/* As ws_conn_close_codes. */
int ws_engine_close_codes(const ws_engine *engine, uint16_t *theirs, ws_bytes *reason, uint16_t *ours);

/* As ws_conn_statistics. Frames count as sent when they are queued, bytes when ws_engine_sent is told of them. */
int ws_engine_statistics(const ws_engine *engine, ws_statistics *statistics);

/* Why the connection ended: code WS_OK while it goes on, and after WS_END. */
int ws_engine_failure(const ws_engine *engine, ws_failure *failure);

#ifdef __cplusplus
}
#endif

#endif /* WSSWIFT_H */
