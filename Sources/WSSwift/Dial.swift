// One attempt to open a connection: resolve, connect, request, response, within one deadline. RFC 6455 4.1.
import WSProtocol
import WSTLS
import WSTransport

/// An attempt that can be inspected and cancelled. `run`: one thread, once. `cancel`: any thread.
public final class Dial: @unchecked Sendable {
  let dialer: Dialer
  let url: WebSocketURL
  let cancellation: Cancellation
  private var socket: Socket?
  private var isUsed = false
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
  public func use(descriptor: Int32) throws(WSError) {
    let socket: Socket
    do throws(TransportError) { socket = try Socket(adopting: descriptor) } catch { throw WSError(error) }
    guard !isUsed else { throw .state }
    self.socket = socket
  }

  /// The socket that was given, once.
  func takeSocket() -> Socket? {
    defer { socket = nil }
    return socket
  }

  /// Ends `run`, whatever it waits for, with `.aborted`; before it, as soon as it begins. Any thread.
  public func cancel() { cancellation.cancel() }

  /// The body of a refusing response, at most its first 1024 bytes; borrowed from the attempt.
  public var responseBody: ByteView { bodyBytes.bytes }

  /// Why `run` failed, with what the peer sent quoted and escaped; empty when there is no more to say than the error. Borrowed from the
  /// attempt.
  public var explanation: ByteView { explanationBytes.bytes }

  /// Carries the attempt out, once. `deadline` is the dialer's timeout unless given. Errors: `.unresolved`, `.unconnected`,
  /// `.timeout`, `.proxy`, `.tls`, `.status`, `.handshake`, `.lost`, `.aborted`, `.noDescriptors`, `.system`; `.state` when called again.
  public func run(deadline: Deadline? = nil) throws(WSError) -> Conn {
    guard !isUsed else { throw .state }
    isUsed = true
    guard !cancellation.isCancelled else { throw .aborted }
    let start = Deadline.now
    do throws(WSError) {
      return try open(until: deadline ?? dialer.configuredDeadline)
    } catch {
      if case .timeout = error {
        timeLimit = TimeLimit(step, until: deadline, from: start, orAfter: dialer.timeout)
      }
      throw error
    }
  }

  private func open(until deadline: Deadline) throws(WSError) -> Conn {
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
    step = .awaitingResponse
    do throws(WSError) {
      try receiveResponse(&channel, until: deadline)
    } catch {
      if case .lost = error, let unsent { throw unsent }
      throw error
    }
    guard response.status == 101 else { throw refuse(&channel, until: deadline) }
    let conn = try open(handshake, channel)
    conn.tls = tls.map { TLSPeer($0) }
    return conn
  }

  private func random() -> UInt64 {
    var number: UInt64 = 0
    withUnsafeMutableBytes(of: &number) { Random.fill($0) }
    return number
  }

  /// Returns the loss of the connection: a server that has left may have said why before.
  private func sendRequest(
    _ handshake: ClientHandshake, _ channel: borrowing HandshakeChannel, until deadline: Deadline
  ) throws(WSError) -> WSError? {
    var request = ByteQueue()
    do throws(OutOfMemory) {
      try handshake.writeRequest(to: &request, url: url, configuration: dialer.configuration)
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
  private func receiveResponse(_ channel: inout HandshakeChannel, until deadline: Deadline) throws(WSError) {
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
    }
    throw .handshake(.notSwitched)
  }

  /// Keeps the beginning of the body, so that the caller can see why the server refused.
  private func refuse(_ channel: inout HandshakeChannel, until deadline: Deadline) -> WSError {
    let announced = response.first(ByteView("Content-Length")).flatMap { $0.decimal }
    let wanted = min(announced ?? Self.keptBody, Self.keptBody)
    channel.collect(wanted, until: Deadline.earlier(deadline, .after(milliseconds: Self.bodyGrace)))
    do throws(OutOfMemory) { try bodyBytes.append(channel.received.bytes.cut(0, wanted)) } catch {}
    return .status(response.status)
  }

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
