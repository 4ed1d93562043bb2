// Version, features, the clock, and the texts of results.
import CWSSwift
import WSProtocol
import WSSwift
import WSTLS
import WSTransport

@_cdecl("ws_version") @implementation
public func ws_version() -> UInt32 {
  UInt32(WSSWIFT_VERSION_MAJOR) << 16 | UInt32(WSSWIFT_VERSION_MINOR) << 8 | UInt32(WSSWIFT_VERSION_PATCH)
}

@_cdecl("ws_version_string") @implementation
public func ws_version_string() -> UnsafePointer<CChar>? {
  cString("0.1.0")
}

@_cdecl("ws_has") @implementation
public func ws_has(_ feature: Int32) -> Int32 {
  switch Int(feature) {
  case WS_FEATURE_DEFLATE: 1
  case WS_FEATURE_TLS: hasTLS ? 1 : 0
  default: 0
  }
}

@_cdecl("ws_now") @implementation
public func ws_now() -> Int64 {
  Deadline.now.nanoseconds
}

@_cdecl("ws_in_ms") @implementation
public func ws_in_ms(_ ms: Int64) -> Int64 {
  Deadline.after(milliseconds: ms).nanoseconds
}

@_cdecl("ws_is_fatal") @implementation
public func ws_is_fatal(_ code: Int32) -> Int32 {
  guard code < 0 else { return 0 }
  switch ws_error(rawValue: code) {
  case WS_ERR_INVALID, WS_ERR_STATE, WS_ERR_ROOM, WS_ERR_TIMEOUT, WS_ERR_FDS, WS_ERR_JSON: return 0
  default: return 1
  }
}

@_cdecl("ws_strerror") @implementation
public func ws_strerror(_ code: Int32) -> UnsafePointer<CChar>? {
  cString(code < 0 ? errorText(ws_error(rawValue: code)) : outcomeText(code))
}

private func outcomeText(_ code: Int32) -> StaticString {
  switch Int(code) {
  case Int(WS_OK): "ok"
  case WS_END: "the connection was closed properly"
  case WS_AGAIN: "would block; nothing was taken"
  case WS_INTR: "interrupted by a signal"
  default: "unknown outcome"
  }
}

private func errorText(_ code: ws_error) -> StaticString {
  switch code {
  case WS_ERR_INVALID: "an argument is wrong"
  case WS_ERR_NOMEM: "no memory"
  case WS_ERR_STATE: "not possible now"
  case WS_ERR_CALLBACK: "a callback returned an error"
  case WS_ERR_ROOM: "the message is larger than the room given"
  case WS_ERR_FORKED: "the handle belongs to the parent process"
  case WS_ERR_IO: "the system refused"
  case WS_ERR_TIMEOUT: "nothing happened in time"
  case WS_ERR_LOST: "the connection ended without a close frame"
  case WS_ERR_BROKEN: "a write stopped inside a frame"
  case WS_ERR_ABORTED: "aborted or cancelled"
  case WS_ERR_FDS: "no file descriptor left"
  case WS_ERR_CONNECT: "no address of the host took the connection"
  case WS_ERR_KEEPALIVE: "the peer has not answered a ping in time"
  case WS_ERR_RESOLVE: "the host name has no address"
  case WS_ERR_PROXY: "the proxy did not open the way"
  case WS_ERR_TLS: "TLS failed, or OpenSSL is not there"
  case WS_ERR_URL: "not a ws or wss URL"
  case WS_ERR_PROTOCOL: "the peer broke the protocol"
  case WS_ERR_TOO_BIG: "a message beyond the read limit"
  case WS_ERR_UTF8: "text that is not UTF-8"
  case WS_ERR_DEFLATE: "a message that cannot be decompressed"
  case WS_ERR_CLOSE_SENT: "a close frame has been sent"
  case WS_ERR_CLOSED: "the peer closed with an error code"
  case WS_ERR_JSON: "not one JSON document"
  case WS_ERR_HANDSHAKE: "the peer's opening handshake is wrong"
  case WS_ERR_ORIGIN: "the request's Origin is not allowed"
  case WS_ERR_STATUS: "the server answered with another status than 101"
  case WS_ERR_HOST: "the request's Host is not allowed"
  default: "unknown error"
  }
}

/// A text that lives for ever, for C. String literals are NUL-terminated.
func cString(_ text: StaticString) -> UnsafePointer<CChar>? {
  ByteView(text).baseAddress?.assumingMemoryBound(to: CChar.self)
}
