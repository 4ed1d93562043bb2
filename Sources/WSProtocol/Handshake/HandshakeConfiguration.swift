// What an application sets before handshakes: extra header fields, subprotocols, who may connect. Everything is checked when
// it is set, so that nothing has to be checked when it is sent.

/// Why a setting was refused. The configuration is as it was before.
public enum ConfigurationError: Error, Equatable {
  /// The name of a header field is not a token. RFC 9110 5.1.
  case badName
  /// The value of a header field holds a control byte: CR, LF, NUL, DEL and the like. RFC 9110 5.5.
  case badValue
  /// The field is one that the handshake writes itself, or that is about the connection and not the message. RFC 9110 7.6.1.
  case reservedHeader
  /// The subprotocol is not a token. RFC 6455 4.1.
  case badSubprotocol
  /// The subprotocol is there already. RFC 6455 4.1.
  case duplicateSubprotocol
  /// The subprotocol is none that the client offered. RFC 6455 4.2.2.
  case subprotocolNotOffered
  /// The origin is none of `scheme://host[:port]`, `scheme://*.host[:port]`, `null` and `*`.
  case badOrigin
  /// The host is none of a name, an address, `*.name` and `*`; for the Host header: not `host[:port]`.
  case badHost
  /// More than 64 KiB or 128 header fields.
  case tooLarge
  /// There is no memory for it.
  case outOfMemory
}

/// What a client's requests say besides the handshake itself.
public struct ClientConfiguration: ~Copyable {
  var headers = HeaderFields()
  var subprotocols = NameList()
  /// What stands in Host instead of the URL's host; empty: nothing.
  var host = ByteQueue()

  /// Whether permessage-deflate is offered. RFC 7692.
  public var compresses = false
  /// What is offered at most: contexts that may be kept, windows that may be used. Its own window is 9 to 15.
  public var deflate = DeflateParameters()
  /// Whether the server may limit our window.
  public var mayLimitClientWindow = true

  /// Nothing.
  public init() {}

  /// Adds a copy of a request header field. Blanks around the value are dropped. Host, as `host[:port]`, replaces the URL's in the
  /// request, and nowhere else; the last one counts.
  public mutating func addHeader(name: ByteView, value: ByteView) throws(ConfigurationError) {
    guard name.equalsIgnoringCase(FieldName.host) else { return try headers.appendChecked(name: name, value: value) }
    let value = value.trimmed
    guard (try? Authority(value)) != nil else { throw .badHost }
    do throws(OutOfMemory) {
      try host.reserve(value.count)
      host.removeAll()
      try host.append(value)
    } catch { throw .outOfMemory }
  }

  /// Offers a copy of a subprotocol, the preferred one first. RFC 6455 1.9.
  public mutating func addSubprotocol(_ name: ByteView) throws(ConfigurationError) {
    try subprotocols.appendSubprotocol(name)
  }
}

/// Which requests a server accepts, and what its 101 says besides the handshake itself.
public struct ServerConfiguration: ~Copyable {
  var headers = HeaderFields()
  var subprotocols = NameList()
  var origins = NameList()
  var hosts = NameList()

  /// Whether a request without Origin, which no browser sends, is refused.
  public var originRequired = false
  /// Whether an offer of permessage-deflate is accepted. RFC 7692.
  public var compresses = false
  /// What is accepted at most. Its own window is 9 to 15. No context is kept unless asked for: the memory is the server's.
  public var deflate = DeflateParameters(serverKeepsContext: false, clientKeepsContext: false)

  /// The same origin only, and on loopback the names of this machine only.
  public init() {}

  /// Adds a copy of a header field to every 101. Blanks around the value are dropped.
  public mutating func addHeader(name: ByteView, value: ByteView) throws(ConfigurationError) {
    try headers.appendChecked(name: name, value: value)
  }

  /// Adds a copy of a subprotocol that this server speaks.
  public mutating func addSubprotocol(_ name: ByteView) throws(ConfigurationError) {
    try subprotocols.appendSubprotocol(name)
  }

  /// Allows an origin besides the same one; `Origin` says what a pattern may be.
  public mutating func addOrigin(_ pattern: ByteView) throws(ConfigurationError) {
    guard Origin.isPattern(pattern) else { throw .badOrigin }
    try origins.append(pattern)
  }

  /// Allows a host; `HostRules` says what a pattern may be. With the first one, the default for loopback is gone.
  public mutating func addHost(_ pattern: ByteView) throws(ConfigurationError) {
    guard HostRules.isPattern(pattern) else { throw .badHost }
    try hosts.append(pattern)
  }
}

extension NameList {
  fileprivate mutating func appendSubprotocol(_ name: ByteView) throws(ConfigurationError) {
    guard name.isToken else { throw .badSubprotocol }
    guard !contains(name) else { throw .duplicateSubprotocol }
    try append(name)
  }
}

extension HeaderFields {
  /// Adds a copy of a field of the application's.
  mutating func appendChecked(name: ByteView, value: ByteView) throws(ConfigurationError) {
    guard name.isToken else { throw .badName }
    guard !Self.isReserved(name) else { throw .reservedHeader }
    let value = value.trimmed
    for byte in value where byte.isControl && byte != 0x09 { throw .badValue }
    guard count < 128, name.count <= 65536, value.count <= 65536, text.count &+ name.count &+ value.count <= 65536 else {
      throw .tooLarge
    }
    do throws(OutOfMemory) { try append(name: name, value: value) } catch { throw .outOfMemory }
  }

  /// The library alone writes the handshake, the framing and what is about this one connection.
  private static func isReserved(_ name: ByteView) -> Bool {
    name.hasPrefixIgnoringCase(ByteView("Sec-WebSocket-"))
      || name.equalsIgnoringCase(FieldName.upgrade)
      || name.equalsIgnoringCase(FieldName.connection)
      || name.equalsIgnoringCase(FieldName.contentLength)
      || name.equalsIgnoringCase(FieldName.transferEncoding)
      || name.equalsIgnoringCase(ByteView("TE"))
      || name.equalsIgnoringCase(ByteView("Trailer"))
      || name.equalsIgnoringCase(ByteView("Expect"))
      || name.equalsIgnoringCase(ByteView("Keep-Alive"))
      || name.equalsIgnoringCase(ByteView("HTTP2-Settings"))
      || name.hasPrefixIgnoringCase(ByteView("Proxy-"))
  }
}
