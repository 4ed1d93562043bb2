// SOCKS 5: how a client asks such a proxy for a connection, as bytes in and bytes out. RFC 1928, and RFC 1929 for passwords.

/// One conversation with a SOCKS 5 proxy, before the stream is the host's.
public struct SOCKS5: ~Copyable {
  private enum Stage {
    case method
    case password
    case reply
    case open
  }

  private var stage = Stage.method

  private static let version: UInt8 = 5
  private static let withoutPassword: UInt8 = 0
  private static let withPassword: UInt8 = 2

  /// A conversation that has not begun.
  @_optimize(size)
  public init() {}

  /// True when the proxy has opened the connection: what follows is the host's.
  public var isOpen: Bool { stage == .open }

  /// Adds the first bytes: the methods that we can use. RFC 1928 3.
  @_optimize(size)
  public func writeGreeting(to output: inout ByteQueue, proxy: borrowing ProxyURL) throws(OutOfMemory) {
    try output.append(Self.version)
    try output.append(proxy.hasCredentials ? 2 : 1)
    try output.append(Self.withoutPassword)
    if proxy.hasCredentials { try output.append(Self.withPassword) }
  }

  /// Takes one answer of the proxy from the front of `received`, and adds what is to be said next. False: more bytes are needed.
  /// Bytes behind the last answer stay in `received`. `host` without brackets; a name goes to the proxy as it is.
  @_optimize(size)
  public mutating func advance(
    _ received: inout ByteQueue, output: inout ByteQueue, host: ByteView, port: UInt16, proxy: borrowing ProxyURL
  ) throws(ProxyError) -> Bool {
    switch stage {
    case .method:
      guard let method = try Self.takeAnswer(&received, version: Self.version) else { return false }
      try answerMethod(method, &output, host, port, proxy)
    case .password:
      guard let status = try Self.takeAnswer(&received, version: 1) else { return false }
      guard status == 0 else { throw .authenticationFailed }
      try sendRequest(host, port, &output)
    case .reply:
      guard try Self.takeReply(&received) else { return false }
      stage = .open
    case .open: break
    }
    return true
  }

  @_optimize(size)
  private mutating func answerMethod(
    _ method: UInt8, _ output: inout ByteQueue, _ host: ByteView, _ port: UInt16, _ proxy: borrowing ProxyURL
  ) throws(ProxyError) {
    if method == Self.withoutPassword { return try sendRequest(host, port, &output) }
    guard method != 0xFF else { throw proxy.hasCredentials ? .authenticationFailed : .authenticationRequired }
    guard method == Self.withPassword, proxy.hasCredentials else { throw .badSOCKSAnswer }
    do throws(OutOfMemory) {
      try output.append(1)
      try Self.appendCounted(proxy.user, to: &output)
      try Self.appendCounted(proxy.password, to: &output)
    } catch { throw .outOfMemory }
    stage = .password
  }

  /// CONNECT to an address or a name. RFC 1928 4.
  @_optimize(size)
  private mutating func sendRequest(_ host: ByteView, _ port: UInt16, _ output: inout ByteQueue) throws(ProxyError) {
    guard host.count <= 255 else { throw .nameTooLong }
    do throws(OutOfMemory) {
      try output.append(Self.version)
      try output.append(1)
      try output.append(0)
      try Self.appendAddress(host, to: &output)
      try output.append(UInt8(truncatingIfNeeded: port &>> 8))
      try output.append(UInt8(truncatingIfNeeded: port))
    } catch { throw .outOfMemory }
    stage = .reply
  }

  /// An address as its bytes, a name with its length before it. RFC 1928 5.
  @_optimize(size)
  private static func appendAddress(_ host: ByteView, to output: inout ByteQueue) throws(OutOfMemory) {
    if let address = IPv4.parse(host) {
      try output.append(1)
      try withUnsafeBytes(of: address.bigEndian) { (bytes) throws(OutOfMemory) in try output.append(bytes) }
    } else if let address = IPv6.parse(host) {
      try output.append(4)
      try withUnsafeBytes(of: address.bigEndian) { (bytes) throws(OutOfMemory) in try output.append(bytes) }
    } else {
      try output.append(3)
      try appendCounted(host, to: &output)
    }
  }

  @_optimize(size)
  private static func appendCounted(_ bytes: ByteView, to output: inout ByteQueue) throws(OutOfMemory) {
    let bytes = bytes.cut(0, 255)
    try output.append(UInt8(truncatingIfNeeded: bytes.count))
    try output.append(bytes)
  }

  /// Two bytes: a version, and what the proxy says.
  @_optimize(size)
  private static func takeAnswer(_ received: inout ByteQueue, version: UInt8) throws(ProxyError) -> UInt8? {
    let bytes = received.bytes
    guard let first = bytes.first else { return nil }
    guard first == version else { throw version == Self.version ? .notSOCKS5 : .badSOCKSAnswer }
    guard bytes.count >= 2 else { return nil }
    let answer = bytes[1]
    received.discard(2)
    return answer
  }

  /// The reply with the address that the proxy bound, which says nothing to us. RFC 1928 6.
  @_optimize(size)
  private static func takeReply(_ received: inout ByteQueue) throws(ProxyError) -> Bool {
    let bytes = received.bytes
    guard let first = bytes.first else { return false }
    guard first == version else { throw .notSOCKS5 }
    guard bytes.count >= 2 else { return false }
    // A refusal may end there: some proxies close without the rest.
    if let refusal = ProxyError.reply(bytes[1]) { throw refusal }
    guard bytes.count >= 5 else { return false }
    let size: Int
    switch bytes[3] {
    case 1: size = 10
    case 3: size = 7 &+ Int(bytes[4])
    case 4: size = 22
    default: throw .badSOCKSAnswer
    }
    guard bytes.count >= size else { return false }
    received.discard(size)
    return true
  }
}
