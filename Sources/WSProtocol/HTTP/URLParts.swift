// What all URLs share: the bytes that may stand in one, and where it is cut. RFC 3986 3.

/// Why a text is not the URL that it should be.
public enum URLError: Error, Equatable, Sendable {
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
  /// The scheme is not ws or wss, or for a proxy not http, https, socks5 or socks5h.
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

/// The text of a URL cut at its separators, borrowed from it.
struct URLParts {
  /// What stands before `://`.
  let scheme: ByteView
  /// What stands before `@`; nil when there is no `@`.
  let userinfo: ByteView?
  let authority: ByteView
  /// From the path, or the query where there is no path, to the end.
  let target: ByteView

  init(_ text: ByteView) throws(URLError) {
    try Self.checkBytes(text)
    guard let colon = text.position(of: 0x3A), text.cut(colon, colon &+ 3).equals(ByteView("://")) else { throw .badScheme }
    scheme = text.cut(0, colon)
    let start = colon &+ 3
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

  /// Refuses what programs read differently, before anything is cut.
  static func checkBytes(_ text: ByteView) throws(URLError) {
    guard text.count <= 65535 else { throw .tooLong }
    for byte in text {
      guard !byte.isControl else { throw .controlByte }
      guard byte != 0x20 else { throw .space }
      guard byte < 0x80 else { throw .notASCII }
      guard byte != 0x5C else { throw .backslash }
      guard byte != 0x23 else { throw .fragment }
    }
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
