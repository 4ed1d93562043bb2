// ws:// and wss:// URLs. RFC 6455 3.
//
// What programs read differently is refused rather than guessed at: a URL that a check, a proxy and a resolver understand in
// three ways is how requests reach hosts they were not meant for.

/// A checked ws or wss URL. What it hands out is borrowed from it.
public struct WebSocketURL: ~Copyable {
  private let copy: URLCopy

  /// True for wss.
  public let isSecure: Bool
  /// True when the host is an IPv6 address.
  public let isIPv6: Bool
  /// The port: the written one, or 80 for ws and 443 for wss.
  public let port: UInt16

  /// Takes a copy of the URL's parts.
  public init(parsing text: ByteView) throws(URLError) {
    let parts = try URLParts(text)
    let isSecure = try Self.isSecure(parts.scheme)
    let authority = try parts.parsedAuthority()
    try Percent.checkCredentials(parts.userinfo)
    copy = try Self.copied(parts, authority.host)
    self.isSecure = isSecure
    isIPv6 = authority.host.kind == .ipv6
    port = authority.port ?? Self.defaultPort(isSecure)
  }

  /// The host in its one spelling: lower case, IPv6 without brackets. For resolving, certificates and comparing alike.
  public var host: ByteView { copy.text.bytes.cut(0, copy.hostEnd) }

  /// Path and query as they were written; "/" when there is no path.
  public var target: ByteView { copy.text.bytes.cut(copy.hostEnd, copy.targetEnd) }

  /// True when the URL names a user.
  public var hasCredentials: Bool { copy.text.count > copy.targetEnd }

  /// Adds the value of the Host header: IPv6 in brackets, the port only when it is not the scheme's own. RFC 6455 4.1.
  public func writeHost(to output: inout ByteQueue) throws(OutOfMemory) {
    if isIPv6 { try output.append(0x5B) }
    try output.append(host)
    if isIPv6 { try output.append(0x5D) }
    guard port != Self.defaultPort(isSecure) else { return }
    try output.append(0x3A)
    try output.appendDecimal(Int(port))
  }

  /// Adds the URL without user and password.
  public func write(to output: inout ByteQueue) throws(OutOfMemory) {
    try output.append(isSecure ? "wss://" : "ws://")
    try writeHost(to: &output)
    try output.append(target)
  }

  /// Adds base64 of `user:password`, percent-decoded: what follows `Basic ` in Authorization. RFC 7617 2.
  public func writeBasicCredentials(to output: inout ByteQueue) throws(OutOfMemory) {
    var plain = ByteQueue()
    try Percent.appendDecoded(copy.text.bytes.cut(from: copy.targetEnd), to: &plain)
    if plain.bytes.position(of: 0x3A) == nil { try plain.append(0x3A) }
    try Base64.encode(plain.bytes, to: &output)
  }

  private static func defaultPort(_ isSecure: Bool) -> UInt16 { isSecure ? 443 : 80 }

  private static func copied(_ parts: URLParts, _ host: HostName) throws(URLError) -> URLCopy {
    do throws(OutOfMemory) { return try URLCopy(parts, host) } catch { throw .outOfMemory }
  }

  private static func isSecure(_ scheme: ByteView) throws(URLError) -> Bool {
    if scheme.equalsIgnoringCase(ByteView("wss")) { return true }
    guard scheme.equalsIgnoringCase(ByteView("ws")) else { throw .badScheme }
    return false
  }
}

/// What is kept of a URL: host, target and userinfo, one behind the other.
private struct URLCopy: ~Copyable {
  private(set) var text = ByteQueue()
  private(set) var hostEnd = 0
  private(set) var targetEnd = 0

  init(_ parts: URLParts, _ host: HostName) throws(OutOfMemory) {
    try host.appendCanonical(to: &text)
    hostEnd = text.count
    // An empty path is "/", also before a query. RFC 6455 3.
    if parts.target.isEmpty || parts.target[0] != 0x2F { try text.append(0x2F) }
    try text.append(parts.target)
    targetEnd = text.count
    if let userinfo = parts.userinfo { try text.append(userinfo) }
  }
}
