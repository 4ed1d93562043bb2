// How opening handshakes are answered: a configuration that attempts share, frozen by its first use.
import WSProtocol
import WSTransport

/// Decides whether a page of that origin may connect. Runs inside the call that receives the request, on its thread; it may look at the
/// attempt, and answer it with `refuse`. From several threads where these share an upgrader.
public typealias OriginCheck = (_ upgrade: Upgrade, _ origin: ByteView) -> Bool

/// Decides about a request: false refuses it with 403, unless the check has answered it with `Upgrade.refuse`. It may choose a
/// subprotocol and add header fields. Otherwise as `OriginCheck`.
public typealias RequestCheck = (_ upgrade: Upgrade) -> Bool

/// Hears why a request is refused. It may give another answer with `Upgrade.refuse`, or add header fields. Otherwise as `OriginCheck`.
public typealias RefusalHook = (_ upgrade: Upgrade, _ error: WSError) -> Void

/// The configuration of opening handshakes on the server's side. Setters: one thread, before the first use. Upgrading: any thread.
public final class Upgrader: @unchecked Sendable {
  let freezer = Freezer()
  private(set) var configuration = ServerConfiguration()
  private(set) var timeout: Int64 = 10_000
  private(set) var readLimit = Conn.defaultReadLimit
  let serverTLS = ServerTLS()
  private(set) var isBehindTLS = false
  private(set) var originCheck: OriginCheck?
  private(set) var requestCheck: RequestCheck?
  private(set) var refusalHook: RefusalHook?

  /// The defaults: 10 s for the head, same origin only, local hosts only on a loopback address, messages of at most 16 MiB,
  /// no compression.
  public init() {}

  /// A subprotocol we speak; the first of the client's list that we speak is chosen. Copied. `.configuration` unless a token, or
  /// when added already; `.state` after the first use. RFC 6455 4.2.2.
  public func addSubprotocol(_ name: ByteView) throws(WSError) {
    try change { (configuration) throws(ConfigurationError) in try configuration.addSubprotocol(name) }
  }

  /// Adds a header field to every 101 response; both are copied. Errors as `addSubprotocol`.
  public func addHeader(_ name: ByteView, _ value: ByteView) throws(WSError) {
    try change { (configuration) throws(ConfigurationError) in try configuration.addHeader(name: name, value: value) }
  }

  /// Allows an origin besides the same one: `https://example.com`, `https://*.example.com`, `null` or `*`. Errors as
  /// `addSubprotocol`. RFC 6455 10.2.
  public func addOrigin(_ pattern: ByteView) throws(WSError) {
    try change { (configuration) throws(ConfigurationError) in try configuration.addOrigin(pattern) }
  }

  /// Allows a Host, without port: a name, `*.name`, an address or `*`. With the first one every request is checked. Errors as
  /// `addSubprotocol`.
  public func addHost(_ pattern: ByteView) throws(WSError) {
    try change { (configuration) throws(ConfigurationError) in try configuration.addHost(pattern) }
  }

  /// Whether a request without Origin is refused. Default no.
  public func setOriginRequired(_ on: Bool) throws(WSError) {
    try freezer.requireOpen()
    configuration.originRequired = on
  }

  /// The time for the whole request head, in milliseconds; 0 for ever. Default 10 s.
  public func setTimeout(milliseconds: Int64) throws(WSError) {
    try freezer.requireOpen()
    timeout = milliseconds
  }

  /// The read limit that connections start with, in bytes; 0 for none. Default 16 MiB.
  public func setReadLimit(_ bytes: UInt64) throws(WSError) {
    try freezer.requireOpen()
    readLimit = bytes
  }

  /// Whether an offer of permessage-deflate is accepted. Default no. `.state` after the first use. RFC 7692.
  public func setCompression(_ on: Bool) throws(WSError) {
    try freezer.requireOpen()
    configuration.compresses = on
  }

  /// Whether each side's messages may refer to its earlier ones, which compresses better and costs memory for as long as the connection
  /// lives: some 260 KiB for what the server sends, some 40 KiB for what it receives. Default no for both. RFC 7692 7.1.1.
  public func setContextTakeover(client: Bool, server: Bool) throws(WSError) {
    try freezer.requireOpen()
    configuration.deflate.clientKeepsContext = client
    configuration.deflate.serverKeepsContext = server
  }

  /// The binary logarithm of the largest window of each side: 8 to 15 for clients, which counts where they say that it may be limited;
  /// 9 to 15 for the server. Default 15 for both. `.invalid`. RFC 7692 7.1.2.
  public func setWindowBits(client: Int, server: Int) throws(WSError) {
    guard (8...15).contains(client), (9...15).contains(server) else { throw .invalid }
    try freezer.requireOpen()
    configuration.deflate.clientWindowBits = client
    configuration.deflate.serverWindowBits = server
  }

  /// Whether the clients speak https to a proxy in front of us, which takes TLS off: then the same origin is one of https. Default no.
  /// `.state` after the first use.
  public func setBehindTLS(_ on: Bool) throws(WSError) {
    try freezer.requireOpen()
    isBehindTLS = on
  }

  /// Who decides about the Origin of requests that are good otherwise, in the place of the same origin and those allowed; nil: these.
  /// `.state` after the first use. RFC 6455 10.2.
  public func setOriginCheck(_ check: OriginCheck?) throws(WSError) {
    try freezer.requireOpen()
    originCheck = check
  }

  /// Who decides about good requests in `upgrade` and `Upgrade.run`; nil: nobody. `.state` after the first use.
  public func setRequestCheck(_ check: RequestCheck?) throws(WSError) {
    try freezer.requireOpen()
    requestCheck = check
  }

  /// Who hears of requests that are refused by the rules, before the answer; nil: nobody. `.state` after the first use.
  public func setRefusalHook(_ hook: RefusalHook?) throws(WSError) {
    try freezer.requireOpen()
    refusalHook = hook
  }

  /// Reads the request, checks it and answers. Takes the descriptor in every case. See `Upgrade` for the errors.
  public func upgrade(
    descriptor: Int32, alreadyRead: ByteView = .empty, deadline: Deadline? = nil
  ) throws(WSError) -> Conn {
    try attempt(descriptor: descriptor, alreadyRead: alreadyRead).run(deadline: deadline)
  }

  /// The same in steps. Takes the descriptor in every case; `alreadyRead` are bytes that were read from it before, copied. `.system`
  /// for what is no stream socket, `.outOfMemory`.
  public func attempt(descriptor: Int32, alreadyRead: ByteView = .empty) throws(WSError) -> Upgrade {
    let socket: Socket
    do throws(TransportError) { socket = try Socket(adopting: descriptor) } catch { throw WSError(error) }
    var channel = HandshakeChannel(socket, cancellation: nil)
    try channel.prepend(alreadyRead)
    freeze()
    return Upgrade(self, channel: channel)
  }

  /// The same for a request that an HTTP server of the program's own has read from the descriptor and parsed, copied; nothing of it is
  /// read again, and the certificate is not used. `alreadyRead` are bytes that came behind it.
  public func attempt(
    descriptor: Int32, parsed request: ParsedRequest, alreadyRead: ByteView = .empty
  ) throws(WSError) -> Upgrade {
    let upgrade = try attempt(descriptor: descriptor, alreadyRead: alreadyRead)
    upgrade.take(request)
    return upgrade
  }

  func freeze() { freezer.freeze() }

  var configuredDeadline: Deadline { timeout > 0 ? .after(milliseconds: timeout) : .never }

  private func change(_ body: (inout ServerConfiguration) throws(ConfigurationError) -> Void) throws(WSError) {
    try freezer.requireOpen()
    do throws(ConfigurationError) { try body(&configuration) } catch { throw WSError(error) }
  }
}
