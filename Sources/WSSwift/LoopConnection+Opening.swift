// The opening handshake of a `LoopConnection`: the peer's head, its check, and the answer. RFC 6455 4.
import WSProtocol
import WSTransport

/// Which side of the handshake we are on, and by which rules.
enum LoopOpening {
  case client(Dialer, ClientHandshake)
  case server(Upgrader, isSecure: Bool, isLoopback: Bool)

  /// 16 bytes that nobody can guess.
  static func nonce(_ random: LoopConnection.RandomSource?) -> (UInt64, UInt64) {
    var nonce: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &nonce) { space in
      if let random { random(space) } else { Random.fill(space) }
    }
    return nonce
  }
}

extension Dialer {
  /// A connection for a program with its own transport; the request is ready in its `output`. wss URLs are fine: the program does
  /// TLS. `random` is the kernel's source unless given, for tests that want the same bytes twice. `.url`, `.outOfMemory`.
  public func loopConnection(
    _ url: ByteView, random: LoopConnection.RandomSource? = nil
  ) throws(WSError) -> LoopConnection {
    let parsed = try parse(url)
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
      try ServerHandshake.writeAccept(to: &outbox, request: head, configuration: upgrader.configuration)
      try subprotocolBytes.append(ServerHandshake.subprotocol(head, configuration: upgrader.configuration))
    } catch {
      throw fail(.outOfMemory)
    }
    try open()
  }

  /// Answers with a status of 300 to 599 and a text body of at most 64 KiB; the connection is over: send `output`, then close.
  /// `.invalid`; `.state` as `accept`.
  public func refuse(status: Int, body: ByteView) throws(WSError) {
    guard (300...599).contains(status), body.count <= 65536 else { throw .invalid }
    guard case .deciding = stage else { throw .state }
    do throws(OutOfMemory) {
      try ServerHandshake.writeRefusal(to: &outbox, status: status, body: body)
    } catch {
      throw fail(.outOfMemory)
    }
    stage = .over(.aborted)
  }

  /// The most interim responses (1xx) before the final one. RFC 9110 15.2.
  private static let interimLimit = 16

  /// Takes what has arrived of the peer's head.
  func readHead() throws(WSError) -> LoopEvent? {
    for _ in 0...Self.interimLimit {
      guard try headIsComplete() else { return nil }
      switch opening {
      case .client(let dialer, let handshake):
        if ClientHandshake.isInterim(head.status) {
          head = MessageHead(.response)
          continue
        }
        try responseArrived(dialer, handshake)
        return try nextEvent()
      case .server(let upgrader, let isSecure, let isLoopback):
        try requestArrived(upgrader, isSecure, isLoopback)
        return .request
      }
    }
    throw fail(.handshake(.notSwitched))
  }

  private func headIsComplete() throws(WSError) -> Bool {
    let used: Int?
    do throws(HeadError) {
      used = try head.feed(inbox.bytes)
    } catch {
      throw refuse(error == .outOfMemory ? .outOfMemory : .head(error))
    }
    guard let used else {
      inbox.removeAll()
      if isAtEnd { throw fail(.lost) }
      return false
    }
    inbox.discard(used)
    return true
  }

  private func requestArrived(_ upgrader: Upgrader, _ isSecure: Bool, _ isLoopback: Bool) throws(WSError) {
    do throws(HandshakeError) {
      try ServerHandshake.check(head, configuration: upgrader.configuration, isSecure: isSecure, isLoopback: isLoopback)
    } catch {
      throw refuse(error)
    }
    stage = .deciding
  }

  private func responseArrived(_ dialer: Dialer, _ handshake: ClientHandshake) throws(WSError) {
    guard head.status == 101 else { throw fail(.status(head.status)) }
    do throws(HandshakeError) {
      let name = try handshake.check(head, configuration: dialer.configuration)
      do throws(OutOfMemory) { try subprotocolBytes.append(name) } catch { throw .outOfMemory }
    } catch {
      throw fail(.handshake(error))
    }
    try open()
  }

  /// What came behind the head belongs to the first frames.
  private func open() throws(WSError) {
    stage = .opened
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
  private func refuse(_ error: HandshakeError) -> WSError {
    if case .server = opening {
      do throws(OutOfMemory) {
        try ServerHandshake.writeRefusal(to: &outbox, error: error)
        try HandshakeError.explain(error, request: head, to: &explanationBytes)
      } catch {
        explanationBytes.release()
      }
    }
    return fail(error == .outOfMemory ? .outOfMemory : .handshake(error))
  }
}
