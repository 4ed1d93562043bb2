// Which web pages may connect: the defence against cross-site WebSocket hijacking. Browsers send cookies with a handshake to any
// server, from any page, and tell the page's origin; no same-origin policy holds them back (RFC 6455 10.2).

/// An Origin of exactly the form `scheme://host[:port]` (RFC 6454 7.1), or the pattern for one. Borrowed from its text.
struct Origin {
  private let scheme: ByteView
  private let host: HostName
  /// The written port or the scheme's own; 0 when neither is known.
  private let port: UInt16
  /// A pattern for the names below the host.
  private let isWildcard: Bool

  /// nil for everything else: a path, userinfo, a list, `null`.
  @_optimize(size)
  init?(_ text: ByteView) { self.init(text, isPattern: false) }

  @_optimize(size)
  private init?(_ text: ByteView, isPattern: Bool) {
    guard let schemeEnd = Self.schemeEnd(text) else { return nil }
    scheme = text.cut(0, schemeEnd)
    let rest = text.cut(from: schemeEnd &+ 3)
    let parent = isPattern ? HostRules.wildcard(rest) : nil
    isWildcard = parent != nil
    guard let authority = try? Authority(parent ?? rest), !isWildcard || authority.host.kind == .name else { return nil }
    host = authority.host
    port = authority.port ?? Self.defaultPort(scheme)
  }

  /// True for what may be allowed: `scheme://host[:port]`; `scheme://*.host[:port]`, the names below the host but not itself;
  /// `null` and `scheme://`, which only equal themselves; `*`, everything.
  @_optimize(size)
  static func isPattern(_ text: ByteView) -> Bool {
    isAny(text) || isOpaque(text) || Origin(text, isPattern: true) != nil
  }

  /// Decides about a request. Without Origin it does not come from a browser. `host` is the request's Host, `isSecure` whether the
  /// client speaks https as it sees it.
  @_optimize(size)
  static func check(
    _ request: borrowing MessageHead, host: Authority, configuration: borrowing ServerConfiguration, isSecure: Bool
  ) throws(HandshakeError) {
    guard let text = try only(request, configuration: configuration) else { return }
    let origin = Origin(text)
    if let origin, origin.isSame(as: host, isSecure: isSecure) { return }
    var position = 0
    while let pattern = configuration.origins.next(&position) {
      if isAny(pattern) || isOpaque(pattern) && pattern.equals(text) { return }
      if let origin, let allowed = Origin(pattern, isPattern: true), origin.matches(allowed) { return }
    }
    throw origin == nil ? .badOrigin : .originNotAllowed
  }

  /// The one Origin of a request; nil for a request that may do without.
  @_optimize(size)
  static func only(
    _ request: borrowing MessageHead, configuration: borrowing ServerConfiguration
  ) throws(HandshakeError) -> ByteView? {
    guard let text = request.first(FieldName.origin) else {
      guard !configuration.originRequired else { throw .originMissing }
      return nil
    }
    guard request.count(of: FieldName.origin) == 1 else { throw .originRepeated }
    return text
  }

  @_optimize(size)
  private func isSame(as server: Authority, isSecure: Bool) -> Bool {
    scheme.equalsIgnoringCase(isSecure ? ByteView("https") : ByteView("http"))
      && host.equals(server.host) && port == server.port ?? (isSecure ? 443 : 80)
  }

  @_optimize(size)
  private func matches(_ pattern: Origin) -> Bool {
    scheme.equalsIgnoringCase(pattern.scheme) && port == pattern.port
      && (pattern.isWildcard ? host.isBelow(pattern.host) : host.equals(pattern.host))
  }

  @_optimize(size)
  private static func isAny(_ text: ByteView) -> Bool { text.equals(ByteView("*")) }

  /// What has no host by nature: null, and the bare scheme of some browser's own pages. http and https always have one.
  @_optimize(size)
  private static func isOpaque(_ text: ByteView) -> Bool {
    if text.equals(ByteView("null")) { return true }
    guard let end = schemeEnd(text) else { return false }
    return end &+ 3 == text.count && defaultPort(text.cut(0, end)) == 0
  }

  /// Where the scheme ends and `://` begins. RFC 3986 3.1.
  @_optimize(size)
  private static func schemeEnd(_ text: ByteView) -> Int? {
    guard let end = text.position(of: 0x3A), end > 0, text[0].isLetter,
      text.cut(end, end &+ 3).equals(ByteView("://"))
    else { return nil }
    for byte in text.cut(0, end) where !(byte.isLetter || byte.isDigit || byte == 0x2B || byte == 0x2D || byte == 0x2E) {
      return nil
    }
    return end
  }

  @_optimize(size)
  private static func defaultPort(_ scheme: ByteView) -> UInt16 {
    if scheme.equalsIgnoringCase(ByteView("https")) { return 443 }
    return scheme.equalsIgnoringCase(ByteView("http")) ? 80 : 0
  }
}
