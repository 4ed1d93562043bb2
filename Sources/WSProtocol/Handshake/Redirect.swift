// Where a redirected handshake goes, if it may go there at all. RFC 9110 15.4, RFC 3986 5.2; RFC 6455 4.1 allows clients to follow.

/// Why a redirect is not followed.
public enum RedirectError: Error, Equatable, Sendable {
  /// There is no Location, or more than one. RFC 9110 10.2.2.
  case badLocation
  /// The Location is not a URL of ws, wss, http or https.
  case badURL(URLError)
  /// It leads from wss to ws.
  case downgrade
  /// There were as many as are allowed.
  case tooMany
  /// The application's own callback said no.
  case vetoed
  /// No memory.
  case outOfMemory

  /// What was seen and what is allowed.
  public var text: StaticString {
    switch self {
    case .badLocation: "a redirect needs exactly one Location"
    case .badURL(let error): error.text
    case .downgrade: "a redirect must not lead from wss to ws"
    case .tooMany: "more redirects than are allowed"
    case .vetoed: "the redirect was refused by the application"
    case .outOfMemory: "no memory for the redirect"
    }
  }
}

/// Redirects of the opening handshake.
public enum Redirect {
  /// True for the statuses that name another place: 301, 302, 303, 307 and 308.
  @_optimize(size)
  public static func isRedirect(_ status: Int) -> Bool {
    switch status {
    case 301, 302, 303, 307, 308: true
    default: false
    }
  }

  /// Adds the URL that a response leads to, seen from the URL that was asked: ws for http, wss for https. User and password go
  /// along only where both the new URL is of the same origin and writes its own.
  @_optimize(size)
  public static func resolve(
    _ response: borrowing MessageHead, from base: borrowing WebSocketURL, to output: inout ByteQueue
  ) throws(RedirectError) {
    guard let location = response.first(ByteView("Location")), !location.isEmpty,
      response.count(of: ByteView("Location")) == 1
    else { throw .badLocation }
    do throws(URLError) { try URLParts.checkBytes(withoutFragment(location)) } catch { throw .badURL(error) }
    guard !isOtherScheme(location) else { throw .badURL(.badScheme) }
    do throws(OutOfMemory) { try write(withoutFragment(location), base, &output) } catch { throw .outOfMemory }
    let next: WebSocketURL
    do throws(URLError) { next = try WebSocketURL(parsing: output.bytes) } catch { throw .badURL(error) }
    guard next.isSecure || !base.isSecure else { throw .downgrade }
  }

  /// Same scheme, host and port: what is meant for one is safe with the other. RFC 6454 5.
  @_optimize(size)
  public static func isSameOrigin(_ one: borrowing WebSocketURL, _ other: borrowing WebSocketURL) -> Bool {
    one.isSecure == other.isSecure && one.port == other.port && one.host.equals(other.host)
  }

  /// Whether it is a URL of a kind that names no server, like `mailto:`: the first segment of a reference has no colon. RFC 3986 4.2.
  @_optimize(size)
  private static func isOtherScheme(_ location: ByteView) -> Bool {
    for byte in location {
      if byte == 0x3A { return behindScheme(location) == nil }
      if byte == 0x2F || byte == 0x3F || byte == 0x23 { return false }
    }
    return false
  }

  /// A fragment says nothing to the server.
  @_optimize(size)
  private static func withoutFragment(_ location: ByteView) -> ByteView {
    location.cut(0, location.position(of: 0x23) ?? location.count)
  }

  @_optimize(size)
  private static func write(
    _ location: ByteView, _ base: borrowing WebSocketURL, _ output: inout ByteQueue
  ) throws(OutOfMemory) {
    if let rest = behindScheme(location) { return try output.append(rest.scheme, "://", rest.rest) }
    try output.append(base.isSecure ? "wss:" : "ws:")
    if location.cut(0, 2).equals(ByteView("//")) { return try output.append(location) }
    try output.append("//")
    try base.writeHost(to: &output)
    try writeTarget(location, base.target, &output)
  }

  /// The scheme of a whole URL as a WebSocket one, and what stands behind it; nil for a reference. Other schemes stay, to be refused.
  @_optimize(size)
  private static func behindScheme(_ location: ByteView) -> (scheme: ByteView, rest: ByteView)? {
    guard let colon = location.position(of: 0x3A), location.cut(colon, colon &+ 3).equals(ByteView("://")) else { return nil }
    let scheme = location.cut(0, colon)
    for byte in scheme where !byte.isLetter && !byte.isDigit { return nil }
    let rest = location.cut(from: colon &+ 3)
    if scheme.equalsIgnoringCase(ByteView("http")) { return (ByteView("ws"), rest) }
    return (scheme.equalsIgnoringCase(ByteView("https")) ? ByteView("wss") : scheme, rest)
  }

  /// A path from the root, a query, or a path beside the last one. Dots in it are the server's to resolve.
  @_optimize(size)
  private static func writeTarget(_ reference: ByteView, _ target: ByteView, _ output: inout ByteQueue) throws(OutOfMemory) {
    let pathEnd = target.position(of: 0x3F) ?? target.count
    switch reference.first {
    case 0x2F: break
    case 0x3F, nil: try output.append(target.cut(0, pathEnd))
    default:
      var slash = pathEnd
      while slash > 0, target[slash &- 1] != 0x2F { slash &-= 1 }
      try output.append(target.cut(0, slash))
    }
    try output.append(reference)
  }
}

extension ByteQueue {
  @_optimize(size)
  fileprivate mutating func append(_ first: ByteView, _ between: StaticString, _ second: ByteView) throws(OutOfMemory) {
    try append(first)
    try append(between)
    try append(second)
  }
}
