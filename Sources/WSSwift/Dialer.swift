// How connections are opened: a configuration that attempts share, frozen by its first use.
import WSProtocol
import WSTransport

/// The configuration of opening handshakes on the client's side. Setters: one thread, before the first use. Dialing: any thread.
public final class Dialer: @unchecked Sendable {
  let freezer = Freezer()
  private(set) var configuration = ClientConfiguration()
  private(set) var timeout: Int64 = 10_000
  private(set) var readLimit = Conn.defaultReadLimit
  let clientTLS = ClientTLS()
  var proxies = ProxySettings.none
  var cookies = CookieSettings.none
  var redirectLimit = 0
  var redirectFilter: RedirectFilter?
  var tracer: DialTracer?
  var connector: DialConnector?

  /// The defaults: 10 s in all, messages of at most 16 MiB, no subprotocols, no compression, no proxy, no
  /// cookies, no redirects.
  public init() {}

  /// Adds a request header field; both are copied. `.configuration` for a name that is no token, a value with control bytes and the
  /// fields that the handshake writes; `.state` after the first use. RFC 6455 4.1.
  @_optimize(size)
  public func addHeader(_ name: ByteView, _ value: ByteView) throws(WSError) {
    try freezer.requireOpen()
    do throws(ConfigurationError) {
      try configuration.addHeader(name: name, value: value)
    } catch {
      throw WSError(error)
    }
  }

  /// Offers a subprotocol, the preferred one first. Errors as `addHeader`. RFC 6455 4.1.
  @_optimize(size)
  public func addSubprotocol(_ name: ByteView) throws(WSError) {
    try freezer.requireOpen()
    do throws(ConfigurationError) { try configuration.addSubprotocol(name) } catch { throw WSError(error) }
  }

  /// The time for everything from name resolution to the response, in milliseconds; 0 for ever. Default 10 s.
  @_optimize(size)
  public func setTimeout(milliseconds: Int64) throws(WSError) {
    try freezer.requireOpen()
    timeout = milliseconds
  }

  /// The read limit that connections start with, in bytes; 0 for none. Default 16 MiB.
  @_optimize(size)
  public func setReadLimit(_ bytes: UInt64) throws(WSError) {
    try freezer.requireOpen()
    readLimit = bytes
  }

  /// Whether permessage-deflate is offered. Default no. `.state` after the first use. RFC 7692.
  @_optimize(size)
  public func setCompression(_ on: Bool) throws(WSError) {
    try freezer.requireOpen()
    configuration.compresses = on
  }

  /// Whether each side's messages may refer to its earlier ones, which compresses better and costs memory for as long as the connection
  /// lives. Default yes for both; a server that is asked not to must agree, or the attempt fails. RFC 7692 7.1.1.
  @_optimize(size)
  public func setContextTakeover(client: Bool, server: Bool) throws(WSError) {
    try freezer.requireOpen()
    configuration.deflate.clientKeepsContext = client
    configuration.deflate.serverKeepsContext = server
  }

  /// The binary logarithm of the largest window of each side: 9 to 15 for the client, or 0 for 15 that the server may not make smaller;
  /// 8 to 15 for the server, which must agree, or the attempt fails. Default 15 for both. `.invalid`. RFC 7692 7.1.2.
  @_optimize(size)
  public func setWindowBits(client: Int, server: Int) throws(WSError) {
    guard client == 0 || (9...15).contains(client), (8...15).contains(server) else { throw .invalid }
    try freezer.requireOpen()
    configuration.mayLimitClientWindow = client > 0
    configuration.deflate.clientWindowBits = client > 0 ? client : 15
    configuration.deflate.serverWindowBits = server
  }

  /// Opens a connection to a ws or wss URL; `deadline` is the timeout unless given. See `Dial.run` for the errors.
  @_optimize(size)
  public func dial(_ url: ByteView, deadline: Deadline? = nil) throws(WSError) -> Conn {
    try attempt(url).run(deadline: deadline)
  }

  /// An attempt that can be inspected and cancelled; `url` is copied. `.url`, `.noDescriptors`, `.outOfMemory`.
  @_optimize(size)
  public func attempt(_ url: ByteView) throws(WSError) -> Dial {
    let parsed = try WebSocketURL.parse(url)
    let cancellation: Cancellation
    do throws(TransportError) { cancellation = try Cancellation() } catch { throw WSError(error) }
    freeze()
    return Dial(self, url: parsed, cancellation: cancellation)
  }

  @_optimize(size)
  func freeze() { freezer.freeze() }

  var configuredDeadline: Deadline { timeout > 0 ? .after(milliseconds: timeout) : .never }
}

/// Keeps a shared configuration from changing under those who use it.
final class Freezer: @unchecked Sendable {
  private let lock = Lock()
  private var isFrozen = false

  @_optimize(size)
  func freeze() { lock.withLock { isFrozen = true } }

  @_optimize(size)
  @inline(never)
  func requireOpen() throws(WSError) {
    guard lock.withLock({ !isFrozen }) else { throw .state }
  }
}
