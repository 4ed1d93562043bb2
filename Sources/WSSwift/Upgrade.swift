// One opening handshake on the server's side: the request, a look at it, and an answer. RFC 6455 4.2.
import WSProtocol
import WSTLS
import WSTransport

/// An attempt to upgrade one connection. One thread at a time.
public final class Upgrade: @unchecked Sendable {
  enum Stage {
    case waiting
    case receiving
    /// A question of the upgrader's is being answered about a good request.
    case asking
    /// The request is refused with the error's status, unless the application's hook gives another answer.
    case refusing
    case requested
    case answered
  }

  let upgrader: Upgrader
  private(set) var channel: HandshakeChannel
  private(set) var stage = Stage.waiting
  private var answer = ServerAnswer()
  private var source = Source.socket

  /// Where the request comes from.
  private enum Source {
    case socket
    /// It is in `request`, and the error is why it is not whole.
    case program(HeadError?)
  }

  /// The request's head, complete once it was received.
  public private(set) var request = MessageHead(.request)
  private var explanationBytes = ByteQueue()
  /// What TLS tells of the client; nil without TLS, and before `receiveRequest`.
  public private(set) var tls: TLSPeer?
  /// The time that ran out, after `.timeout`.
  public private(set) var timeLimit: TimeLimit?
  /// The status of a refusal that was sent; 0 before, and for a request that got no answer.
  public private(set) var refusedStatus = 0
  /// The caller's own, for the upgrader's questions to find it.
  public var context: UnsafeRawPointer?

  /// How long a refusal may take to leave.
  private static let refusalGrace: Int64 = 1000

  /// Cannot fail: Embedded Swift leaks an object whose `init` throws half-way.
  init(_ upgrader: Upgrader, channel: consuming HandshakeChannel) {
    self.upgrader = upgrader
    self.channel = channel
  }

  /// Why the request was refused, with what the peer sent quoted and escaped; empty when there is no more to say than the error.
  /// Borrowed from the attempt.
  public var explanation: ByteView { explanationBytes.bytes }

  /// Carries out the handshake of TLS where the upgrader has a certificate; reads and checks the request; a bad one is answered, but
  /// for a hook of the upgrader's that does it. `deadline`, for both, is the upgrader's timeout unless given. Errors: `.tls`,
  /// `.handshake`, `.timeout`, `.lost`, `.system`; `.refusedByHandler` when a question was answered with a refusal; `.state` when called again.
  @_optimize(size)
  public func receiveRequest(deadline: Deadline? = nil) throws(WSError) {
    guard case .waiting = stage else { throw .state }
    stage = .receiving
    let start = Deadline.now
    let until = deadline ?? upgrader.configuredDeadline
    var step = TimeLimit.Step.securing
    do throws(WSError) {
      switch source {
      case .socket:
        try secure(until: until)
        step = .awaitingRequest
        try channel.receiveHead(&request, until: until) { error in WSError(.head(error)) }
      case .program(let fault):
        if let fault { throw WSError(.head(fault)) }
      }
      try check()
    } catch {
      if case .timeout = error {
        timeLimit = TimeLimit(step, until: deadline, from: start, orAfter: upgrader.timeout)
      }
      fail(error)
      throw error
    }
    stage = .requested
  }

  /// Receives the request, asks the upgrader's check, and accepts: all in one. Errors as these, `.refusedByHandler` when it says no.
  @_optimize(size)
  public func run(deadline: Deadline? = nil) throws(WSError) -> Conn {
    try receiveRequest(deadline: deadline)
    if let check = upgrader.requestCheck { try ask(orRefuse: 403, check) }
    return try accept(deadline: deadline)
  }

  /// Takes a request that the program has read; what is wrong with it is told, and answered, when it is asked for.
  func take(_ parsed: ParsedRequest) {
    do throws(HeadError) {
      var text = ByteQueue()
      try parsed.write(to: &text)
      _ = try request.feed(text.bytes)
      source = .program(nil)
    } catch {
      source = .program(error)
    }
  }

  /// What was received before belongs to TLS.
  @_optimize(size)
  private func secure(until deadline: Deadline) throws(WSError) {
    guard let context = upgrader.serverTLS.current else { return }
    let stream = try WSSwift.tls { () throws(TransportError) in
      let stream = try TLSStream.make(
        context, over: channel.transport, serverName: nil, alreadyRead: channel.received.bytes)
      try stream.handshake(until: deadline, cancellation: nil)
      return stream
    }
    channel = HandshakeChannel(stream, cancellation: nil)
    tls = TLSPeer(stream)
  }

  /// Answers 101 and gives the connection. Errors: `.timeout`, `.lost`, `.system`; `.state` before the request or after an answer.
  @_optimize(size)
  public func accept(deadline: Deadline? = nil) throws(WSError) -> Conn {
    guard case .requested = stage else { throw .state }
    stage = .answered
    var response = ByteQueue()
    do throws(OutOfMemory) {
      try ServerHandshake.writeAccept(
        to: &response, request: request, configuration: upgrader.configuration, answer: answer)
    } catch {
      throw .outOfMemory
    }
    let start = Deadline.now
    do throws(WSError) {
      try channel.send(response.bytes, until: deadline ?? upgrader.configuredDeadline)
    } catch {
      if case .timeout = error {
        timeLimit = TimeLimit(.sendingResponse, until: deadline, from: start, orAfter: upgrader.timeout)
      }
      throw error
    }
    let conn = try Conn(
      transport: channel.transport, role: .server, readLimit: upgrader.readLimit,
      agreement: ServerHandshake.agreement(request, configuration: upgrader.configuration, answer: answer),
      alreadyRead: channel.received.bytes)
    conn.tls = tls
    return conn
  }

  /// Adds a header field to the answer, whichever it will be; both are copied. `.configuration`; `.state` after the answer.
  @_optimize(size)
  public func addHeader(_ name: ByteView, _ value: ByteView) throws(WSError) {
    if case .answered = stage { throw .state }
    do throws(ConfigurationError) { try answer.addHeader(name: name, value: value) } catch { throw WSError(error) }
  }

  /// Chooses the subprotocol, of those that the client offers, in the place of the upgrader; empty: none. Copied. `.configuration`;
  /// `.state` unless the request is there and waits for its answer. RFC 6455 4.2.2.
  @_optimize(size)
  public func setSubprotocol(_ name: ByteView) throws(WSError) {
    switch stage {
    case .asking, .requested: break
    case .waiting, .receiving, .refusing, .answered: throw .state
    }
    do throws(ConfigurationError) { try answer.choose(subprotocol: name, of: request) } catch { throw WSError(error) }
  }

  /// Answers with a status of 200 to 599 and a body of at most 64 KiB, of UTF-8 text unless `addHeader` gave it a Content-Type, and
  /// closes. Also when one of the upgrader's questions or its hook is asked. `.invalid`, also for a body where the status can have none;
  /// `.state` as `accept`.
  @_optimize(size)
  public func refuse(status: Int, body: ByteView) throws(WSError) {
    try ServerHandshake.checkRefusal(status, body)
    switch stage {
    case .asking, .refusing, .requested: stage = .answered
    case .waiting, .receiving, .answered: throw .state
    }
    var response = ByteQueue()
    do throws(OutOfMemory) {
      try ServerHandshake.writeRefusal(to: &response, status: status, body: body, answer: answer)
    } catch {
      throw .outOfMemory
    }
    sendAndClose(response.bytes, status)
  }

  /// First the rules, then the question, so that it is asked about requests that are good otherwise, and with no access to this open.
  @_optimize(size)
  private func check() throws(WSError) {
    do throws(HandshakeError) {
      try ServerHandshake.check(
        request, configuration: upgrader.configuration, isSecure: tls != nil || upgrader.isBehindTLS,
        isLoopback: channel.transport.address(of: .local).isLoopback, judgesOrigin: upgrader.originCheck == nil)
    } catch {
      throw WSError(error)
    }
    guard let isAllowed = upgrader.originCheck, let origin = ServerHandshake.origin(request) else { return }
    try ask(orRefuse: nil) { isAllowed($0, origin) }
  }

  /// Asks the application, which may answer the request itself. No is refused with the status, or where there is none as the origin.
  @_optimize(size)
  private func ask(orRefuse status: Int?, _ question: (Upgrade) -> Bool) throws(WSError) {
    stage = .asking
    let isGood = question(self)
    guard case .asking = stage else { throw .refusedByHandler }
    stage = .requested
    guard !isGood else { return }
    guard let status else { throw .handshake(.originNotAllowed) }
    try refuse(status: status, body: .empty)
    throw .refusedByHandler
  }

  /// The end of a request that is not good: what is wrong, the application's word, and the answer.
  @_optimize(size)
  private func fail(_ error: WSError) {
    if case .handshake(let fault) = error { refuse(fault, as: error) }
    if case .outOfMemory = error { refuse(.outOfMemory, as: error) }
    stage = .answered
  }

  /// What cannot start an HTTP request gets no answer in HTTP, but the end of the connection.
  @_optimize(size)
  private func refuse(_ fault: HandshakeError, as error: WSError) {
    do throws(OutOfMemory) {
      try HandshakeError.explain(fault, request: request, to: &explanationBytes)
    } catch {
      explanationBytes.release()
    }
    stage = fault.status == 0 ? .answered : .refusing
    upgrader.refusalHook?(self, error)
    if fault.status != 0 { guard case .refusing = stage else { return } }
    var response = ByteQueue()
    do throws(OutOfMemory) { try ServerHandshake.writeRefusal(to: &response, error: fault, answer: answer) } catch { return }
    sendAndClose(response.bytes, fault.status)
  }

  /// Sends the answer and takes what the client still sends for a moment, so that the answer is not reset away.
  @_optimize(size)
  private func sendAndClose(_ bytes: ByteView, _ status: Int) {
    refusedStatus = status
    let deadline = Deadline.after(milliseconds: Self.refusalGrace)
    do throws(WSError) { try channel.send(bytes, until: deadline) } catch { return }
    channel.transport.finishSending()
    do throws(WSError) {
      while !deadline.isPast, try channel.receive(until: deadline) { channel.forgetReceived() }
    } catch {}
    channel.transport.abort()
  }
}

extension ServerHandshake {
  /// Refuses what is no answer to a request: another status than a final one, more than 64 KiB, a body that the status rules out.
  @_optimize(size)
  static func checkRefusal(_ status: Int, _ body: ByteView) throws(WSError) {
    guard (200...599).contains(status), body.count <= 65536, body.isEmpty || mayHaveBody(status) else { throw .invalid }
  }
}
