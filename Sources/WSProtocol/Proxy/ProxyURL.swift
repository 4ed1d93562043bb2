// Where a proxy is and how to speak to it: `http://user:password@host:port` and its kin.

/// How a proxy is spoken to.
public enum ProxyKind: Sendable {
  /// HTTP CONNECT over TCP. RFC 9110 9.3.6.
  case http
  /// HTTP CONNECT over TLS.
  case https
  /// SOCKS 5, the name of the host left to the proxy. RFC 1928.
  case socks5
}

/// A checked proxy URL. What it hands out is borrowed from it.
public struct ProxyURL: ~Copyable {
  /// How the proxy is spoken to.
  public let kind: ProxyKind
  /// The proxy's port: the written one, else 80 for http, 443 for https and 1080 for SOCKS.
  public let port: UInt16
  private let copy: ProxyCopy

  /// Takes a copy of the URL's parts. `host:port` alone is an http proxy, as everywhere. socks5h is the same as socks5: names are
  /// always the proxy's to resolve. A path is passed over.
  @_optimize(size)
  public init(parsing text: ByteView) throws(URLError) {
    let whole = try Self.withScheme(text)
    let parts = try URLParts(whole.bytes)
    let kind = try Self.kind(parts.scheme)
    let authority = try parts.parsedAuthority()
    try Percent.checkCredentials(parts.userinfo)
    copy = try Self.copied(authority.host, parts.userinfo, limit: kind == .socks5 ? 255 : Int.max)
    self.kind = kind
    port = authority.port ?? Self.defaultPort(kind)
  }

  /// The proxy's host in its one spelling, IPv6 without brackets.
  public var host: ByteView { copy.text.bytes.cut(0, copy.hostEnd) }

  /// True when the URL names a user.
  public var hasCredentials: Bool { copy.userEnd > copy.hostEnd }

  /// The user, percent-decoded; empty when there is none.
  public var user: ByteView { copy.text.bytes.cut(copy.hostEnd, copy.userEnd) }

  /// The password, percent-decoded; empty when there is none.
  public var password: ByteView { copy.text.bytes.cut(from: copy.userEnd) }

  /// SOCKS carries users and passwords of at most 255 bytes. RFC 1929 2.
  @_optimize(size)
  private static func copied(_ host: HostName, _ userinfo: ByteView?, limit: Int) throws(URLError) -> ProxyCopy {
    let copy: ProxyCopy
    do throws(OutOfMemory) { copy = try ProxyCopy(host, userinfo ?? .empty) } catch { throw .outOfMemory }
    guard copy.userEnd &- copy.hostEnd <= limit, copy.text.count &- copy.userEnd <= limit else { throw .badCredentials }
    return copy
  }

  @_optimize(size)
  private static func withScheme(_ text: ByteView) throws(URLError) -> ByteQueue {
    var whole = ByteQueue()
    do throws(OutOfMemory) {
      if !hasScheme(text) { try whole.append("http://") }
      try whole.append(text)
    } catch { throw .outOfMemory }
    return whole
  }

  @_optimize(size)
  private static func hasScheme(_ text: ByteView) -> Bool {
    guard let colon = text.position(of: 0x3A) else { return false }
    return text.cut(colon, colon &+ 3).equals(ByteView("://"))
  }

  @_optimize(size)
  private static func kind(_ scheme: ByteView) throws(URLError) -> ProxyKind {
    if scheme.equalsIgnoringCase(ByteView("http")) { return .http }
    if scheme.equalsIgnoringCase(ByteView("https")) { return .https }
    guard scheme.equalsIgnoringCase(ByteView("socks5")) || scheme.equalsIgnoringCase(ByteView("socks5h")) else {
      throw .badScheme
    }
    return .socks5
  }

  @_optimize(size)
  private static func defaultPort(_ kind: ProxyKind) -> UInt16 {
    switch kind {
    case .http: 80
    case .https: 443
    case .socks5: 1080
    }
  }
}

/// What is kept of a proxy URL: host, user and password, one behind the other, the latter two percent-decoded.
private struct ProxyCopy: ~Copyable {
  private(set) var text = ByteQueue()
  private(set) var hostEnd = 0
  private(set) var userEnd = 0

  @_optimize(size)
  init(_ host: HostName, _ userinfo: ByteView) throws(OutOfMemory) {
    try host.appendCanonical(to: &text)
    hostEnd = text.count
    let colon = userinfo.position(of: 0x3A) ?? userinfo.count
    try Percent.appendDecoded(userinfo.cut(0, colon), to: &text)
    userEnd = text.count
    try Percent.appendDecoded(userinfo.cut(from: colon &+ 1), to: &text)
  }
}
