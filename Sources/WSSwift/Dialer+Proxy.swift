// Which proxy a dialer's connections go through. Setters: one thread, before the first use, as all of a dialer's.
import WSProtocol
import WSTransport

/// Asked for the proxy of a connection. Gets the URL of the server without user and password, with a NUL behind it, and room for the URL
/// of the proxy. Says how long that is; 0: there is none; nil: refuses the attempt with `.refusedByHandler`.
public typealias ProxyChooser = (ByteView, UnsafeMutableRawBufferPointer) -> Int?

extension Dialer {
  /// Goes through this proxy: a URL of http, https, socks5 or socks5h, with `user:password@` where it wants them; copied. nil: none.
  /// Replaces what the other two calls have set. `.proxy`, `.state`.
  @_optimize(size)
  public func setProxy(_ url: ByteView?) throws(WSError) {
    try freezer.requireOpen()
    guard let url else { return proxies = .none }
    proxies = .fixed(try ProxyServer.parse(url))
  }

  /// Who chooses the proxy of each connection, inside the call that dials; nil: nobody, there is none. Replaces what the other two
  /// calls have set. `.state`.
  @_optimize(size)
  public func setProxy(from chooser: ProxyChooser?) throws(WSError) {
    try freezer.requireOpen()
    proxies = chooser.map { .asked($0) } ?? .none
  }

  /// Reads http_proxy, https_proxy, all_proxy and no_proxy, or the same in upper case, and keeps to them. Replaces what the other two
  /// calls have set; off, there is no proxy. Nothing counts in a process that has more rights than whoever started it. `.state`.
  @_optimize(size)
  public func setProxyFromEnvironment(_ on: Bool) throws(WSError) {
    try freezer.requireOpen()
    proxies = on ? .environment(try ProxyVariables.read()) : .none
  }
}

/// What a dialer knows of proxies.
enum ProxySettings {
  case none
  case fixed(ProxyServer)
  case asked(ProxyChooser)
  case environment(ProxyVariables)

  /// The most bytes of a URL that a chooser may write.
  private static let room = 4096

  /// The proxy for a connection; nil for none. Calls out.
  @_optimize(size)
  func proxy(for url: borrowing WebSocketURL) throws(WSError) -> ProxyServer? {
    switch self {
    case .none: return nil
    case .fixed(let server): return server
    case .asked(let chooser): return try Self.ask(chooser, url)
    case .environment(let variables):
      let found = variables.environment.proxy(forHost: url.host, port: url.port, isSecure: url.isSecure)
      return found.isEmpty ? nil : try ProxyServer.parse(found)
    }
  }

  @_optimize(size)
  private static func ask(_ chooser: ProxyChooser, _ url: borrowing WebSocketURL) throws(WSError) -> ProxyServer? {
    var answer = ByteQueue()
    do throws(WSError) {
      try WSSwift.ask(url, room, &answer, chooser)
    } catch {
      if case .invalid = error { throw .proxy(.badURL(.tooLong)) }
      throw error
    }
    return answer.isEmpty ? nil : try ProxyServer.parse(answer.bytes)
  }
}

/// A proxy, shared by attempts.
final class ProxyServer: @unchecked Sendable {
  let url: ProxyURL

  private init(_ url: consuming ProxyURL) { self.url = url }

  @_optimize(size)
  static func parse(_ text: ByteView) throws(WSError) -> ProxyServer {
    do throws(URLError) { return ProxyServer(try ProxyURL(parsing: text)) } catch { throw WSError(ProxyError.badURL(error)) }
  }
}

/// A copy of what the environment says about proxies.
final class ProxyVariables: @unchecked Sendable {
  private var plain = ByteQueue()
  private var secure = ByteQueue()
  private var any = ByteQueue()
  private var exceptions = ByteQueue()

  @_optimize(size)
  static func read() throws(WSError) -> ProxyVariables {
    let copy = ProxyVariables()
    // A web server hands a client's `Proxy` header to its programs under this very name.
    let isCGI = !Environment.value(of: "REQUEST_METHOD").isEmpty
    do throws(OutOfMemory) {
      try copy.plain.append(value(of: "http_proxy", or: isCGI ? "http_proxy" : "HTTP_PROXY"))
      try copy.secure.append(value(of: "https_proxy", or: "HTTPS_PROXY"))
      try copy.any.append(value(of: "all_proxy", or: "ALL_PROXY"))
      try copy.exceptions.append(value(of: "no_proxy", or: "NO_PROXY"))
    } catch {
      throw .outOfMemory
    }
    return copy
  }

  @inline(__always)
  private static func value(of name: StaticString, or other: StaticString) -> ByteView {
    let value = Environment.value(of: name)
    return value.isEmpty ? Environment.value(of: other) : value
  }

  /// Borrowed.
  var environment: ProxyEnvironment {
    var all = ProxyEnvironment()
    all.plain = plain.bytes
    all.secure = secure.bytes
    all.any = any.bytes
    all.exceptions = exceptions.bytes
    return all
  }
}
