// The header in C++17: every type has the layout that the header draws, callbacks are noexcept, and calls link.
#include <wsswift.h>

#include <cstddef>
#include <type_traits>

static_assert(sizeof(ws_bytes) == 16 && offsetof(ws_bytes, size) == 8);

static_assert(sizeof(ws_failure) == 256 && std::is_standard_layout_v<ws_failure>);
static_assert(offsetof(ws_failure, code) == 4 && offsetof(ws_failure, who) == 8 && offsetof(ws_failure, os_errno) == 12);
static_assert(offsetof(ws_failure, tls_error) == 16 && offsetof(ws_failure, tls_verify) == 24);
static_assert(offsetof(ws_failure, http_status) == 28 && offsetof(ws_failure, close_code) == 32);
static_assert(offsetof(ws_failure, limit) == 40 && offsetof(ws_failure, text) == 48 && offsetof(ws_failure, reserved) == 208);

static_assert(sizeof(ws_address) == 128 && std::is_standard_layout_v<ws_address>);
static_assert(offsetof(ws_address, family) == 4 && offsetof(ws_address, port) == 8 && offsetof(ws_address, host) == 16);

static int on_ping(ws_conn *, const void *, size_t, void *) noexcept { return 0; }
static_assert(std::is_same_v<ws_control_fn, decltype(&on_ping)>);

// Owns a connection, as a C++ program would.
class Connection {
 public:
  explicit Connection(ws_conn *conn) : conn_(conn) {}
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;
  ~Connection() { ws_conn_free(conn_); }
  int answer_pings() { return ws_conn_set_ping_handler(conn_, on_ping, nullptr, nullptr); }

 private:
  ws_conn *conn_;
};

int main() {
  Connection none(nullptr);
  bool refused = none.answer_pings() == WS_ERR_INVALID;
  return ws_version() == WSSWIFT_VERSION && refused ? 0 : 1;
}
