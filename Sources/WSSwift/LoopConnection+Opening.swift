// The opening handshake of a `LoopConnection`: the peer's head, its check, and the answer. RFC 6455 4.
import WSProtocol
import WSTransport

/// Which side of the handshake we are on, and by which rules.
enum LoopOpening {
  case client(Dialer, ClientHandshake)
  case server(Upgrader, isSecure: Bool, isLoopback: Bool)

  /// 16 bytes that nobody can guess, in the order in which the source gave them.
  static func nonce(_ random: LoopConnection.RandomSource?) -> (UInt64, UInt64) {
    var nonce: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &nonce) { space in
      if let random { random(space) } else { Random.fill(space) }
    }
    return (UInt64(bigEndian: nonce.0), UInt64(bigEndian: nonce.1))
  }
}

extension Dialer {
  /// A connection for a program with its own transport; the request is ready in its `output`. wss URLs are fine: the program does
  /// TLS. `random` is the kernel's source unless given, for tests that want the same bytes twice. `.url`, `.outOfMemory`.
  public func loopConnection(
    _ url: ByteView, random: LoopConnection.RandomSource? = nil
  ) throws(WSError) -> LoopConnection {
    let parsed = try WebSocketURL.parse(url)
    let handshake = ClientHandshake(nonce: LoopOpening.nonce(random))
    let connection = LoopConnection(self, handshake: handshake, random: random)
    do throws(OutOfMemory) {
      try handshake.writeRequest(to: &connection.outbox, url: parsed, configuration: configuration)
    } catch {
      throw .outOfMemory
    }
    freeze()
    return connection
  }
}

extension LoopConnection {
  /// Answers the request with 101 and opens the connection. `.state` unless `request` was the last event. RFC 6455 4.2.2.
  public func accept() throws(WSError) {
    guard case .deciding = stage, case .server(let upgrader, _, _) = opening else { throw .state }
    do throws(OutOfMemory) {
      try ServerHandshake.writeAccept(
        to: &outbox, request: head, configuration: upgrader.configuration, answer: answer)
      try note(ServerHandshake.agreement(head, configuration: upgrader.configuration, answer: answer))
    } catch {
      throw failUnanswered()
    }
    try open()
  }

  /// Takes the request of a client that an HTTP server of the program's own has read and parsed, in the place of its bytes. Copied.
  /// `.handshake` for one that no HTTP server should have let through; `.state` when there is a request already.
  public func feed(_ request: ParsedRequest) throws(WSError) {
    guard case .opening = stage, isServer, inbox.isEmpty else { throw .state }
    var text = ByteQueue()
    do throws(HeadError) { try request.write(to: &text) } catch { throw refuse(HandshakeError(error)) }
    try feed(text.bytes)
  }

  /// As `Upgrade.addHeader`, for the answer to the request. `.configuration`; `.state` as `accept`.
  public func addHeader(_ name: ByteView, _ value: ByteView) throws(WSError) {
    guard case .deciding = stage else { throw .state }
    do throws(ConfigurationError) { try answer.addHeader(name: name, value: value) } catch { throw WSError(error) }
  }

  /// As `Upgrade.setSubprotocol`. `.configuration`; `.state` as `accept`. RFC 6455 4.2.2.
  public func setSubprotocol(_ name: ByteView) throws(WSError) {
    guard case .deciding = stage else { throw .state }
    do throws(ConfigurationError) { try answer.choose(subprotocol: name, of: head) } catch { throw WSError(error) }
  }

  /// Answers with a status and a body as `Upgrade.refuse`; the connection is over: send `output`, then close. `.invalid`; `.state` as
  /// `accept`.
  public func refuse(status: Int, body: ByteView) throws(WSError) {
    try ServerHandshake.checkRefusal(status, body)
    guard case .deciding = stage else { throw .state }
    do throws(OutOfMemory) {
      try ServerHandshake.writeRefusal(to: &outbox, status: status, body: body, answer: answer)
    } catch {
      throw failUnanswered()
    }
    stage = .over(.aborted)
  }

  /// Half an answer is worse than none.
  private func failUnanswered() -> WSError {
    outbox.release()
    return fail(.outOfMemory)
  }

  /// The most interim responses (1xx) before the final one. RFC 9110 15.2.
  private static let interimLimit = 16

  /// Takes what has arrived of the peer's head.
  func readHead() throws(WSError) -> LoopEvent? {
    while try headIsComplete() {
      switch opening {
      case .client(let dialer, let handshake):
        if ClientHandshake.isInterim(head.status) {
          try passOverHead()
          continue
        }
        try responseArrived(dialer, handshake)
        return try nextEvent()
      case .server(let upgrader, let isSecure, let isLoopback):
        try requestArrived(upgrader, isSecure, isLoopback)
        return .request
      }
    }
    return nil
  }

  private func passOverHead() throws(WSError) {
    guard interimCount < Self.interimLimit else { throw fail(.handshake(.notSwitched)) }
    interimCount &+= 1
    head = MessageHead(.response)
  }

  private func headIsComplete() throws(WSError) -> Bool {
    let used: Int?
    do throws(HeadError) {
      used = try head.feed(inbox.bytes)
    } catch {
      throw refuse(HandshakeError(error))
    }
    guard let used else {
      inbox.removeAll()
      if isAtEnd { throw fail(.lost(0)) }
      return false
    }
    inbox.discard(used)
    return true
  }

  private func requestArrived(_ upgrader: Upgrader, _ isSecure: Bool, _ isLoopback: Bool) throws(WSError) {
    do throws(HandshakeError) {
      try ServerHandshake.check(
        head, configuration: upgrader.configuration, isSecure: isSecure || upgrader.isBehindTLS, isLoopback: isLoopback)
    } catch {
      throw refuse(error)
    }
    stage = .deciding
    // How long the decision takes is the program's affair.
    timers.open()
  }

  private func responseArrived(_ dialer: Dialer, _ handshake: ClientHandshake) throws(WSError) {
    guard head.status == 101 else { throw fail(.status(head.status)) }
    do throws(HandshakeError) {
      let agreement = try handshake.check(head, configuration: dialer.configuration)
      do throws(OutOfMemory) { try note(agreement) } catch { throw .outOfMemory }
    } catch {
      throw fail(WSError(error))
    }
    try open()
  }

  private func note(_ agreement: Agreement) throws(OutOfMemory) {
    try subprotocolBytes.append(agreement.subprotocol)
    try agreement.deflate?.write(to: &extensionBytes)
    deflate = agreement.deflate?.parameters
    if let deflate { engine.agree(on: deflate) }
  }

  /// What came behind the head belongs to the first frames.
  private func open() throws(WSError) {
    stage = .opened
    // The room that was given lies in the inbox.
    offered = 0
    timers.open()
    do throws(ProtocolError) {
      if !inbox.isEmpty { try engine.feed(inbox.bytes) }
    } catch {
      throw fail(.violation(error))
    }
    inbox.release()
    if isAtEnd { engine.received(0) }
  }

  /// The answer to a bad request goes into `output`.
  func refuse(_ error: HandshakeError) -> WSError {
    if isServer {
      do throws(OutOfMemory) { try ServerHandshake.writeRefusal(to: &outbox, error: error) } catch { outbox.release() }
      do throws(OutOfMemory) {
        try HandshakeError.explain(error, request: head, to: &explanationBytes)
      } catch {
        explanationBytes.release()
      }
    }
    return fail(WSError(error))
  }
}
