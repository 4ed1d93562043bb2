// The target of a request: a path, or a whole URL as clients write it to proxies. RFC 9112 3.2.

/// The target of a request.
enum RequestTarget {
  /// True for a path, and for a URL that names the same host and port as Host. A URL that names another one would mean one
  /// host to whoever checks Host and another one to whoever reads the target.
  static func isGood(_ target: ByteView, host: Authority, isSecure: Bool) -> Bool {
    if isPath(target) { return true }
    guard let url = Absolute(target), let named = try? Authority(url.authority) else { return false }
    return named.host.equals(host.host)
      && (named.port ?? port(url.isSecure)) == (host.port ?? port(isSecure))
  }

  /// Path and query of a good target. Borrowed from it.
  static func path(_ target: ByteView) -> ByteView {
    guard !isPath(target), let url = Absolute(target) else { return target }
    return url.path.isEmpty ? ByteView("/") : url.path
  }

  private static func isPath(_ target: ByteView) -> Bool { target.cut(0, 1).equals(ByteView("/")) }

  private static func port(_ isSecure: Bool) -> UInt16 { isSecure ? 443 : 80 }

  /// `scheme://authority/path`. A query without a path is left out: nobody writes it.
  private struct Absolute {
    let isSecure: Bool
    let authority: ByteView
    let path: ByteView

    init?(_ target: ByteView) {
      isSecure = target.hasPrefixIgnoringCase(ByteView("https://")) || target.hasPrefixIgnoringCase(ByteView("wss://"))
      let isPlain = target.hasPrefixIgnoringCase(ByteView("http://")) || target.hasPrefixIgnoringCase(ByteView("ws://"))
      guard isSecure || isPlain, let colon = target.position(of: 0x3A) else { return nil }
      let start = colon &+ 3
      let end = target.position(of: 0x2F, from: start) ?? target.count
      authority = target.cut(start, end)
      path = target.cut(from: end)
    }
  }
}
