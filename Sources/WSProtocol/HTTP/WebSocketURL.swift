// ws:// and wss:// URLs. RFC 6455 3.
//
// What programs read differently is refused rather than guessed at: a URL that a check, a proxy and a resolver understand in
// three ways is how requests reach hosts they were not meant for.

/// Why a text is not a ws or wss URL.
public enum URLError: Error, Equatable {
  /// More than 65,535 bytes.
  case tooLong
  /// CR, LF, NUL or another control byte.
  case controlByte
  /// A space, at an end too.
  case space
  /// A byte above 0x7F: names go in their `xn--` form, everything else percent-encoded. RFC 3986 2.
  case notASCII
  /// A backslash, which some programs take for a slash.
  case backslash
  /// A fragment, which RFC 6455 3 forbids.
  case fragment
  /// The scheme is not ws or wss.
  case badScheme
  /// There are two `@` before the path.
  case repeatedAt
  /// The user or the password is badly percent-encoded, holds a control byte, or the user is empty or holds a colon. RFC 7617 2.
  case badCredentials
  /// There is no host.
  case emptyHost
  /// The host is neither a DNS name nor an IP address.
  case badHost
  /// The port is not a decimal number of 1 to 65535.
  case badPort
  /// There is no memory to keep the URL in.
  case outOfMemory

  /// What is wrong, without a byte of the URL: it may hold a password.
  public var text: StaticString {
    switch self {
    case .tooLong: "the URL is longer than 65535 bytes"
    case .controlByte: "the URL holds a control byte"
    case .space: "the URL holds a space"
    case .notASCII: "the URL holds a byte above 0x7F; percent-encode it, or write the host in its xn-- form"
    case .backslash: "the URL holds a backslash"
    case .fragment: "the URL has a fragment (#), which RFC 6455 3 forbids"
    case .badScheme: "the URL does not begin with ws:// or wss://"
    case .repeatedAt: "the URL has two @ before its path; write one of them as %40"
    case .badCredentials: "the user or password of the URL is not well-formed"
    case .emptyHost: "the URL has no host"
    case .badHost: "the host of the URL is neither a DNS name nor an IP address"
    case .badPort: "the port of the URL is not a number of 1 to 65535"
    case .outOfMemory: "no memory for the URL"
    }
  }
}

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
    try Self.checkBytes(text)
    let parts = try Parts(text)
    let authority = try parts.parsedAuthority()
    try Percent.checkCredentials(parts.userinfo)
    copy = try Self.copied(parts, authority.host)
    isSecure = parts.isSecure
    isIPv6 = authority.host.kind == .ipv6
    port = authority.port ?? Self.defaultPort(parts.isSecure)
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

  /// Adds base64 of `user:password`, percent-decoded: what follows `Basic ` in Authorization. RFC 7617 2.
  public func writeBasicCredentials(to output: inout ByteQueue) throws(OutOfMemory) {
    var plain = ByteQueue()
    try Percent.appendDecoded(copy.text.bytes.cut(from: copy.targetEnd), to: &plain)
    if plain.bytes.position(of: 0x3A) == nil { try plain.append(0x3A) }
    try Base64.encode(plain.bytes, to: &output)
  }

  private static func defaultPort(_ isSecure: Bool) -> UInt16 { isSecure ? 443 : 80 }

  private static func copied(_ parts: Parts, _ host: HostName) throws(URLError) -> URLCopy {
    do throws(OutOfMemory) { return try URLCopy(parts, host) } catch { throw .outOfMemory }
  }

  private static func checkBytes(_ text: ByteView) throws(URLError) {
    guard text.count <= 65535 else { throw .tooLong }
    for byte in text {
      guard !byte.isControl else { throw .controlByte }
      guard byte != 0x20 else { throw .space }
      guard byte < 0x80 else { throw .notASCII }
      guard byte != 0x5C else { throw .backslash }
      guard byte != 0x23 else { throw .fragment }
    }
  }
}

/// What is kept of a URL: host, target and userinfo, one behind the other.
private struct URLCopy: ~Copyable {
  private(set) var text = ByteQueue()
  private(set) var hostEnd = 0
  private(set) var targetEnd = 0

  init(_ parts: Parts, _ host: HostName) throws(OutOfMemory) {
    try host.appendCanonical(to: &text)
    hostEnd = text.count
    // An empty path is "/", also before a query. RFC 6455 3.
    if parts.target.isEmpty || parts.target[0] != 0x2F { try text.append(0x2F) }
    try text.append(parts.target)
    targetEnd = text.count
    if let userinfo = parts.userinfo { try text.append(userinfo) }
  }
}

/// The text of a URL cut at its separators. RFC 3986 3.
private struct Parts {
  let isSecure: Bool
  /// What stands before `@`; nil when there is no `@`.
  let userinfo: ByteView?
  let authority: ByteView
  /// From the path, or the query where there is no path, to the end.
  let target: ByteView

  init(_ text: ByteView) throws(URLError) {
    isSecure = text.hasPrefixIgnoringCase(ByteView("wss://"))
    guard isSecure || text.hasPrefixIgnoringCase(ByteView("ws://")) else { throw .badScheme }
    let start = isSecure ? 6 : 5
    var end = start
    while end < text.count, text[end] != 0x2F, text[end] != 0x3F { end &+= 1 }
    target = text.cut(from: end)
    let whole = text.cut(start, end)
    guard let at = whole.position(of: 0x40) else {
      userinfo = nil
      authority = whole
      return
    }
    guard whole.position(of: 0x40, from: at &+ 1) == nil else { throw .repeatedAt }
    userinfo = whole.cut(0, at)
    authority = whole.cut(from: at &+ 1)
  }

  func parsedAuthority() throws(URLError) -> Authority {
    do throws(Authority.Fault) {
      return try Authority(authority)
    } catch {
      switch error {
      case .emptyHost: throw .emptyHost
      case .badHost: throw .badHost
      case .badPort: throw .badPort
      }
    }
  }
}
