// What an application may do itself while a connection is opened. Setters: one thread, before the first use, as all of a dialer's.
import WSProtocol
import WSTransport

/// Opens a connection to a host, which has a NUL behind it, and a port. Gives a connected stream socket, which is taken, or a negated
/// errno: `.unconnected`.
public typealias DialConnector = (ByteView, UInt16, Deadline) -> Int32

/// Gets the URL that a redirect leads to, with a NUL behind it. False refuses it with `.refusedByHandler`.
public typealias RedirectFilter = (ByteView) -> Bool

/// Told of each step of an attempt, with a detail that has a NUL behind it and is borrowed for the call.
public typealias DialTracer = (DialEvent, ByteView) -> Void

/// What happens while a connection is opened.
public enum DialEvent: Sendable {
  /// A name is looked up: `host:port`.
  case resolving
  /// Its addresses are tried: `host:port`.
  case connecting
  /// One of them took the connection: its address.
  case connected
  /// A proxy is asked for the way: `host:port` of the server.
  case proxying
  /// TLS begins: the host of its other end.
  case securing
  /// TLS is there: its version.
  case secured
  /// The request has left.
  case sentRequest
  /// The first bytes of a response are there.
  case firstByte
  /// An interim response (1xx) came: its status.
  case interim
  /// A redirect is followed: `host:port`.
  case redirected
  /// The attempt has ended: nothing, or why it failed.
  case done
}

extension Dialer {
  /// The jar from which cookies go along and into which those of every response go; nil: none. A Cookie field that was added goes before
  /// it. Replaces one's own cookies. `.state`. RFC 6265bis.
  @_optimize(size)
  public func setCookieJar(_ jar: CookieJar?) throws(WSError) {
    try freezer.requireOpen()
    cookies = jar.map { .jar($0) } ?? .none
  }

  /// Where cookies come from and go to instead of a jar, inside the call that dials; each may be nil. `.state`.
  @_optimize(size)
  public func setCookies(from source: CookieSource?, to sink: CookieSink?) throws(WSError) {
    try freezer.requireOpen()
    cookies = .own(source, sink)
  }

  /// How many redirects (301, 302, 303, 307, 308) are followed, each to a URL that `filter`, unless nil, agrees with. Default 0. Never
  /// from wss to ws; beyond the first URL's scheme, host and port our header fields, user and password, server name and certificate
  /// stay behind. `.invalid` for a negative number, `.state`. RFC 9110 15.4.
  @_optimize(size)
  public func setRedirects(_ limit: Int, if filter: RedirectFilter? = nil) throws(WSError) {
    guard limit >= 0 else { throw .invalid }
    try freezer.requireOpen()
    redirectLimit = limit
    redirectFilter = filter
  }

  /// Who is told of each step, inside the call that dials; nil: nobody. `.state`.
  @_optimize(size)
  public func setTracer(_ tracer: DialTracer?) throws(WSError) {
    try freezer.requireOpen()
    self.tracer = tracer
  }

  /// Who opens the connections to servers and proxies instead of resolving and connecting, inside the call that dials; nil: nobody. A
  /// cancellation is heard behind it. `.state`.
  @_optimize(size)
  public func setConnector(_ connector: DialConnector?) throws(WSError) {
    try freezer.requireOpen()
    self.connector = connector
  }
}

extension Dial {
  /// Tells the tracer, if there is one. Without memory it is not told.
  @inline(never)
  @_optimize(size)
  func trace(_ event: DialEvent, _ detail: ByteView = .empty, port: UInt16? = nil) {
    guard let tracer = dialer.tracer else { return }
    var text = ByteQueue()
    do throws(OutOfMemory) {
      try text.append(detail)
      if let port {
        try text.append(0x3A)
        try text.appendDecimal(Int(port))
      }
      try text.append(0)
    } catch {
      return
    }
    tracer(event, text.withoutLast)
  }

  @_optimize(size)
  func traceEnd(_ error: WSError?) {
    guard dialer.tracer != nil else { return }
    var text = ByteQueue()
    do throws(OutOfMemory) { try text.reserve(256) } catch { return }
    if let error { text.commit(error.write(to: text.freeSpace, after: timeLimit)) }
    trace(.done, text.bytes)
  }

  @_optimize(size)
  func traceInterim() {
    guard dialer.tracer != nil else { return }
    var text = ByteQueue()
    do throws(OutOfMemory) { try text.appendDecimal(response.status) } catch { return }
    trace(.interim, text.bytes)
  }

  @_optimize(size)
  func traceConnected(_ socket: Socket) {
    guard dialer.tracer != nil else { return }
    var text = ByteQueue()
    do throws(OutOfMemory) { try text.reserve(128) } catch { return }
    let address = socket.address(of: .remote)
    text.commit(address.writeHost(into: text.freeSpace))
    trace(.connected, text.bytes, port: address.port)
  }
}
