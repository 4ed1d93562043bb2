// One attempt to open a connection: resolve, connect, request, response, within one deadline. RFC 6455 4.1.
import WSProtocol
import WSTLS
import WSTransport

/// An attempt that can be inspected and cancelled. `run`: one thread, once. `cancel`: any thread.
public final class Dial: @unchecked Sendable {
  let dialer: Dialer
  /// Where the attempt goes, after redirects.
  var url: WebSocketURL
  let cancellation: Cancellation
  private var socket: Socket?
  private var isUsed = false
  /// Whether a socket was given.
  private(set) var hadSocket = false
  /// Redirects that were followed.
  var redirects = 0
  /// Whether a redirect has led to another scheme, host or port than the application wrote.
  var isElsewhere = false
  var step = TimeLimit.Step.resolving
  /// Whether `run` stopped on the way to a proxy, not to the server.
  public internal(set) var isAtProxy = false
  /// The time that ran out, after `run` failed with `.timeout`.
  public private(set) var timeLimit: TimeLimit?

  /// The response's head, complete once one was received.
  public private(set) var response = MessageHead(.response)
  private var bodyBytes = ByteQueue()
  var explanationBytes = ByteQueue()

  /// The most bytes of a refusing response's body that are kept.
  private static let keptBody = 1024
  /// How long to wait for such a body when its length is not said.
  private static let bodyGrace: Int64 = 1000
  /// The most interim responses (1xx) before the final one.
  static let interimLimit = 16

  /// Cannot fail: Embedded Swift leaks an object whose `init` throws half-way.
  init(_ dialer: Dialer, url: consuming WebSocketURL, cancellation: Cancellation) {
    self.dialer = dialer
    self.url = url
    self.cancellation = cancellation
  }

  /// Performs the handshake over this connected stream socket instead of resolving and connecting. Takes it in every case.
  @_optimize(size)
  public func use(descriptor: Int32) throws(WSError) {
    let socket: Socket
    do throws(TransportError) { socket = try Socket(adopting: descriptor) } catch { throw WSError(error) }
    guard !isUsed else { throw .state }
    self.socket = socket
    hadSocket = true
  }

  /// The socket that was given, once.
  @_optimize(size)
  func takeSocket() -> Socket? {
    defer { socket = nil }
    return socket
  }

  /// Ends `run`, whatever it waits for, with `.aborted`; before it, as soon as it begins. Any thread.
  @_optimize(size)
  public func cancel() { cancellation.cancel() }

  /// The body of a refusing response, at most its first 1024 bytes; borrowed from the attempt.
  public var responseBody: ByteView { bodyBytes.bytes }

  /// Why `run` failed, with what the peer sent quoted and escaped; empty when there is no more to say than the error. Borrowed from the
  /// attempt.
  public var explanation: ByteView { explanationBytes.bytes }

  /// Carries the attempt out, once. `deadline` is the dialer's timeout unless given. Errors: `.unresolved`, `.unconnected`,
  /// `.timeout`, `.proxy`, `.tls`, `.status`, `.handshake`, `.lost`, `.aborted`, `.noDescriptors`, `.system`; `.state` when called again.
  @_optimize(size)
  public func run(deadline: Deadline? = nil) throws(WSError) -> Conn {
    guard !isUsed else { throw .state }
    isUsed = true
    guard !cancellation.isCancelled else { throw .aborted }
    let start = Deadline.now
    do throws(WSError) {
      let until = deadline ?? dialer.configuredDeadline
      var conn = try open(until: until)
      while conn == nil { conn = try open(until: until) }
      traceEnd(nil)
      guard let conn else { throw .state }
      return conn
    } catch {
      if case .timeout = error {
        timeLimit = TimeLimit(step, until: deadline, from: start, orAfter: dialer.timeout)
      }
      traceEnd(error)
      throw error
    }
  }

  /// nil: there is a redirect to follow.
  @_optimize(size)
  private func open(until deadline: Deadline) throws(WSError) -> Conn? {
    var channel = try route(until: deadline)
    var tls: TLSStream?
    if url.isSecure {
      let secured = try secure(channel, host: url.host, port: url.port, isProxy: false, until: deadline)
      channel = HandshakeChannel(secured, cancellation: cancellation)
      tls = secured
    }
    let handshake = ClientHandshake(nonce: (random(), random()))
    step = .sendingRequest
    let unsent = try sendRequest(handshake, channel, until: deadline)
    trace(.sentRequest)
    step = .awaitingResponse
    do throws(WSError) {
      try receiveResponse(&channel, until: deadline)
    } catch {
      if case .lost = error, let unsent { throw unsent }
      // TLS 1.3: a server may refuse our certificate once its part of the handshake is done.
      if case .tls(let fault) = error, let tls { explain(.tls(fault), tlsHost(url.host, isProxy: false), tls) }
      throw error
    }
    try dialer.cookies.take(response, from: url)
    guard response.status == 101 else {
      guard try follow() else { throw refuse(&channel, until: deadline) }
      return nil
    }
    let conn = try open(handshake, channel)
    conn.tls = tls.map { TLSPeer($0) }
    return conn
  }

  @_optimize(size)
  private func random() -> UInt64 {
    var number: UInt64 = 0
    withUnsafeMutableBytes(of: &number) { Random.fill($0) }
    return number
  }

  /// Returns the loss of the connection: a server that has left may have said why before.
  @_optimize(size)
  private func sendRequest(
    _ handshake: ClientHandshake, _ channel: borrowing HandshakeChannel, until deadline: Deadline
  ) throws(WSError) -> WSError? {
    var request = ByteQueue()
    var cookies = ByteQueue()
    try dialer.cookies.write(to: &cookies, for: url)
    do throws(OutOfMemory) {
      try handshake.writeRequest(
        to: &request, url: url, configuration: dialer.configuration, cookies: cookies.bytes, isElsewhere: isElsewhere)
    } catch {
      throw .outOfMemory
    }
    do throws(WSError) {
      try channel.send(request.bytes, until: deadline)
      return nil
    } catch {
      guard case .lost = error else { throw error }
      return error
    }
  }

  /// RFC 9110 15.2: interim responses may come before the final one.
  @_optimize(size)
  private func receiveResponse(_ channel: inout HandshakeChannel, until deadline: Deadline) throws(WSError) {
    if channel.received.isEmpty {
      guard try channel.receive(until: deadline) else { throw .lost(0) }
    }
    trace(.firstByte)
    for _ in 0..<Self.interimLimit {
      var head = MessageHead(.response)
      do throws(WSError) {
        try channel.receiveHead(&head, until: deadline) { error in
          WSError(.head(error))
        }
      } catch {
        // What was understood of a broken head is the status at most.
        if case .handshake = error { response = head }
        throw error
      }
      let isInterim = ClientHandshake.isInterim(head.status)
      response = head
      if !isInterim { return }
      traceInterim()
    }
    throw .handshake(.notSwitched)
  }

  /// Keeps the beginning of the body, so that the caller can see why the server refused.
  @_optimize(size)
  private func refuse(_ channel: inout HandshakeChannel, until deadline: Deadline) -> WSError {
    let announced = response.first(ByteView("Content-Length")).flatMap { $0.decimal }
    let wanted = min(announced ?? Self.keptBody, Self.keptBody)
    channel.collect(wanted, until: Deadline.earlier(deadline, .after(milliseconds: Self.bodyGrace)))
    do throws(OutOfMemory) { try bodyBytes.append(channel.received.bytes.cut(0, wanted)) } catch {}
    return .status(response.status)
  }

  @_optimize(size)
  private func open(_ handshake: ClientHandshake, _ channel: borrowing HandshakeChannel) throws(WSError) -> Conn {
    let agreement: Agreement
    do throws(HandshakeError) {
      agreement = try handshake.check(response, configuration: dialer.configuration)
    } catch {
      throw WSError(error)
    }
    return try Conn(
      transport: channel.transport, role: .client, readLimit: dialer.readLimit, agreement: agreement,
      alreadyRead: channel.received.bytes)
  }
}
