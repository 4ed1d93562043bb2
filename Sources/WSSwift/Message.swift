// Messages, URLs and header fields as Swift values, for programs that prefer copies to borrowed bytes. Copies are Swift strings and
// arrays: a message of the read limit's size must fit into memory.
import WSProtocol
import WSTransport

/// Borrowed bytes; whoever hands them out says how long they live.
public typealias ByteView = WSProtocol.ByteView

/// One run of bytes among several that travel as one message.
public typealias BytePart = WSProtocol.BytePart

/// Borrowed bytes in one or several parts.
public typealias Payload = WSProtocol.Payload

/// A message that goes to many connections: checked, copied and compressed once. Any thread.
public typealias PreparedMessage = WSProtocol.PreparedMessage

/// A data message, copied.
public enum Message: Equatable, Sendable {
  /// Text. Bytes that are no UTF-8 have been refused, or, where checking is off, are repaired.
  case text(String)
  /// Bytes.
  case binary([UInt8])
}

extension Conn {
  /// Waits for the next data message; nil when the peer has closed with 1000, 1001 or no code. Otherwise as `read`.
  public func readMessage() throws(WSError) -> Message? {
    guard let message = try read() else { return nil }
    switch message.kind {
    case .text: return .text(String(decoding: message.bytes, as: UTF8.self))
    case .binary: return .binary(Array(message.bytes))
    }
  }

  /// Sends a text message. Errors as `write(_:_:)`.
  public func write(_ text: String) throws(WSError) {
    try withBytes(of: text) { (bytes) throws(WSError) in try write(.text, bytes) }
  }

  /// Sends a binary message. Errors as `write(_:_:)`.
  public func write(_ bytes: [UInt8]) throws(WSError) {
    try bytes.span.withUnsafeBytes { (bytes) throws(WSError) in try write(.binary, bytes) }
  }

  /// Sends a message whose bytes lie apart. `.invalid`: together they are more than memory has. Other errors as `write(_:_:)`.
  public func write(_ kind: MessageKind, parts: [BytePart]) throws(WSError) {
    try parts.span.withUnsafeBufferPointer { (parts) throws(WSError) in
      guard let payload = Payload(parts: parts) else { throw .invalid }
      try write(kind, payload)
    }
  }

  /// Sends a text message that is one JSON document. Errors as `writeJSON(_:)` with bytes.
  public func writeJSON(_ text: String) throws(WSError) {
    try withBytes(of: text) { (bytes) throws(WSError) in try writeJSON(bytes) }
  }

  /// The closing handshake with a reason of at most 123 bytes. Otherwise as `close(_:reason:deadline:)` with bytes.
  public func close(_ code: CloseCode, reason: String, deadline: Deadline? = nil) throws(WSError) {
    try withBytes(of: reason) { (bytes) throws(WSError) in try close(code, reason: bytes, deadline: deadline) }
  }
}

extension PreparedMessage {
  /// A text message for many connections. `.outOfMemory`.
  public static func text(_ text: String) throws(WSError) -> PreparedMessage {
    try withBytes(of: text) { (bytes) throws(WSError) in try make(.text, bytes) }
  }

  /// A binary message for many connections. `.outOfMemory`.
  public static func binary(_ bytes: [UInt8]) throws(WSError) -> PreparedMessage {
    try bytes.span.withUnsafeBytes { (bytes) throws(WSError) in try make(.binary, bytes) }
  }

  private static func make(_ kind: MessageKind, _ bytes: ByteView) throws(WSError) -> PreparedMessage {
    do throws(SendError) { return try PreparedMessage(kind, bytes) } catch { throw WSError(error) }
  }
}

extension Dialer {
  /// Opens a connection to a ws URL. Otherwise as `dial(_:deadline:)` with bytes.
  public func dial(_ url: String, deadline: Deadline? = nil) throws(WSError) -> Conn {
    try withBytes(of: url) { (bytes) throws(WSError) in try dial(bytes, deadline: deadline) }
  }

  /// Adds a request header field. Otherwise as `addHeader` with bytes.
  public func addHeader(_ name: String, _ value: String) throws(WSError) {
    try withBytes(of: name) { (name) throws(WSError) in
      try withBytes(of: value) { (value) throws(WSError) in try addHeader(name, value) }
    }
  }

  /// Offers a subprotocol. Otherwise as `addSubprotocol` with bytes.
  public func addSubprotocol(_ name: String) throws(WSError) {
    try withBytes(of: name) { (name) throws(WSError) in try addSubprotocol(name) }
  }
}

extension Upgrader {
  /// A subprotocol we speak. Otherwise as `addSubprotocol` with bytes.
  public func addSubprotocol(_ name: String) throws(WSError) {
    try withBytes(of: name) { (name) throws(WSError) in try addSubprotocol(name) }
  }

  /// Adds a header field to every 101 response. Otherwise as `addHeader` with bytes.
  public func addHeader(_ name: String, _ value: String) throws(WSError) {
    try withBytes(of: name) { (name) throws(WSError) in
      try withBytes(of: value) { (value) throws(WSError) in try addHeader(name, value) }
    }
  }

  /// Allows an origin. Otherwise as `addOrigin` with bytes.
  public func addOrigin(_ pattern: String) throws(WSError) {
    try withBytes(of: pattern) { (pattern) throws(WSError) in try addOrigin(pattern) }
  }

  /// Allows a Host. Otherwise as `addHost` with bytes.
  public func addHost(_ pattern: String) throws(WSError) {
    try withBytes(of: pattern) { (pattern) throws(WSError) in try addHost(pattern) }
  }
}

extension Listening {
  /// Listens on a host and a port. Otherwise as `listen(host:port:)` with bytes.
  public static func listen(host: String, port: UInt16) throws(WSError) -> (descriptor: Int32, port: UInt16) {
    try withBytes(of: host) { (host) throws(WSError) in try listen(host: host, port: port) }
  }
}

/// Lends a string's UTF-8. The standard library's own function passes no typed errors on.
func withBytes<R>(of text: String, _ body: (ByteView) throws(WSError) -> R) throws(WSError) -> R {
  try Array(text.utf8).span.withUnsafeBytes { (bytes) throws(WSError) in try body(bytes) }
}
