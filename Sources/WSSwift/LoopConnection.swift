// A connection for somebody else's event loop: opening handshake, messages and timers, without a socket or a thread. The program
// moves the bytes and tells the time; everything that the protocol demands happens in between.
import WSProtocol
import WSTransport

/// What a `LoopConnection` tells, in the order of the wire. Bytes are borrowed until the next call that takes bytes in.
public enum LoopEvent {
  /// Server: the request is there and good. Look at `head`, then `accept` or `refuse`.
  case request
  /// The opening handshake is complete.
  case open
  /// Something arrived on the open connection; pings and close frames have been answered.
  case frame(Event)
}

/// A WebSocket connection as a machine of bytes. One thread at a time, any thread.
public final class LoopConnection: @unchecked Sendable {
  enum Stage {
    /// Waiting for the peer's head.
    case opening
    /// Server: waiting for the program's answer.
    case deciding
    /// The handshake is complete, and that has not been told yet.
    case opened
    case open
    /// nil: the peer has closed with 1000, 1001 or no code.
    case over(WSError?)
  }

  let opening: LoopOpening
  var stage = Stage.opening
  /// The peer's head: a request for servers, a response for clients. Complete once `request` or `open` has been told.
  public internal(set) var head: MessageHead
  /// What the program chose for the answer to the request.
  var answer = ServerAnswer()
  /// What was received before the connection is open and has not been taken yet.
  var inbox = ByteQueue()
  /// Handshake bytes to send.
  var outbox = ByteQueue()
  var engine: Engine
  var timers: LoopTimers
  /// The time that ran out, after `.timeout`.
  public internal(set) var timeLimit: TimeLimit?
  var keepalive = LoopKeepalive()
  var subprotocolBytes = ByteQueue()
  var extensionBytes = ByteQueue()
  /// What was agreed about compression; nil: none, or not yet. RFC 7692.
  public internal(set) var deflate: DeflateParameters?
  var explanationBytes = ByteQueue()
  var isAtEnd = false
  /// Interim responses passed over so far.
  var interimCount = 0
  /// The room that `freeSpace` gave and that has not been filled yet.
  var offered = 0
  /// A key for the next answer, kept until one is made, so that what is sent does not depend on how often we were asked.
  private var answerKey: UInt32?
  private var keys = RandomPool()
  private let random: RandomSource?

  /// Fills memory with random bytes, for keys and nonces.
  public typealias RandomSource = (UnsafeMutableRawBufferPointer) -> Void

  /// No more is taken ahead of an open connection than this and what one call brings.
  private static let aheadLimit = 65536

  /// A client's connection; the request goes into `output`. `random` is the kernel's source unless given.
  init(_ dialer: Dialer, handshake: ClientHandshake, random: RandomSource?) {
    self.random = random
    opening = .client(dialer, handshake)
    head = MessageHead(.response)
    engine = Engine(role: .client, limit: dialer.readLimit)
    timers = LoopTimers(opening: dialer.timeout)
  }

  /// A server's connection. `isSecure`: the client speaks https. `isLoopback`: it came in on a loopback address, so that the
  /// upgrader's default Host rules apply.
  public init(_ upgrader: Upgrader, isSecure: Bool, isLoopback: Bool) {
    upgrader.freeze()
    random = nil
    opening = .server(upgrader, isSecure: isSecure, isLoopback: isLoopback)
    head = MessageHead(.request)
    engine = Engine(role: .server, limit: upgrader.readLimit)
    timers = LoopTimers(opening: upgrader.timeout)
  }

  // MARK: - Bytes in

  /// Room for received bytes; fill it from the front, then call `received`, with no call between that takes bytes in, gives an
  /// event or accepts. Ends what the last event lent.
  public func freeSpace() throws(WSError) -> UnsafeMutableRawBufferPointer {
    if let failure { throw failure }
    let space = try isOpen ? frameSpace() : inboxSpace()
    offered = space.count
    return space
  }

  private func frameSpace() throws(WSError) -> UnsafeMutableRawBufferPointer {
    do throws(ProtocolError) { return try engine.freeSpace() } catch { throw fail(.violation(error)) }
  }

  private func inboxSpace() throws(WSError) -> UnsafeMutableRawBufferPointer {
    if isClosed { inbox.removeAll() }
    try checkAhead()
    do throws(OutOfMemory) { try inbox.reserve(4096) } catch { throw fail(.outOfMemory) }
    return inbox.freeSpace
  }

  /// So many bytes of `freeSpace` were filled. 0 is the end of the stream. False: there was not so much room.
  public func received(_ count: Int) -> Bool {
    guard count >= 0, count <= offered else { return false }
    offered = offered &- count
    if count == 0 { isAtEnd = true }
    if count > 0 { keepalive.received() }
    if isOpen { engine.received(count) } else if !isClosed { inbox.commit(count) }
    return true
  }

  /// Takes a copy of received bytes. No bytes are the end of the stream.
  public func feed(_ bytes: ByteView) throws(WSError) {
    offered = 0
    if let failure { throw failure }
    if bytes.isEmpty { isAtEnd = true } else { keepalive.received() }
    guard !isClosed else { return }
    if isOpen {
      do throws(ProtocolError) { return try engine.feed(bytes) } catch { throw fail(.violation(error)) }
    }
    try checkAhead()
    do throws(OutOfMemory) { try inbox.append(bytes) } catch { throw fail(.outOfMemory) }
  }

  /// One call may bring a response and a large message behind it, so what one call brings does not count.
  private func checkAhead() throws(WSError) {
    guard inbox.count < Self.aheadLimit else { throw refuse(.head(.tooLarge)) }
  }

  private var isOpen: Bool {
    switch stage {
    case .open, .opened: true
    case .opening, .deciding, .over: false
    }
  }

  // MARK: - Events out

  /// True when the peer has closed with 1000, 1001 or no code: send what is in `output`, then close the transport.
  public var isClosed: Bool {
    if case .over(nil) = stage { return true }
    return false
  }

  /// The next event; nil when more bytes, or an answer to the request, are needed, or when `isClosed`. After an error `output` may
  /// hold the answer that the peer is due: send it, then close. The first error is returned for ever.
  public func nextEvent() throws(WSError) -> LoopEvent? {
    offered = 0
    switch stage {
    case .opening: return try readHead()
    case .deciding: return nil
    case .opened:
      stage = .open
      return .open
    case .open: return try nextFrame()
    case .over(let error):
      if let error { throw error }
      return nil
    }
  }

  private func nextFrame() throws(WSError) -> LoopEvent? {
    let key = answerKey ?? maskKey()
    answerKey = key
    do throws(ProtocolError) {
      while let event = try engine.nextEvent(maskKey: key) {
        if keepalive.hear(event) { continue }
        note(event)
        return .frame(event)
      }
    } catch {
      throw fail(.violation(error))
    }
    switch engine.handshake.outcome {
    case .ordinary: stage = .over(nil)
    case .withCode(let code): throw fail(.closed(code))
    case .lost: if isAtEnd { throw fail(.lost(0)) }
    }
    return nil
  }

  private func note(_ event: Event) {
    switch event {
    case .message, .pong: return
    case .ping, .close: answerKey = nil
    }
  }

  /// The first end stays, an ordinary one too.
  func fail(_ error: WSError) -> WSError {
    if case .over(let first) = stage { return first ?? error }
    stage = .over(error)
    return error
  }

  /// A fresh key for one frame. RFC 6455 5.3.
  func maskKey() -> UInt32 {
    if isServer { return 0 }
    guard let random else { return keys.next() }
    var key: UInt32 = 0
    withUnsafeMutableBytes(of: &key) { random($0) }
    return key
  }

  /// What nobody can guess, for servers too.
  func randomNumber() -> UInt64 {
    var number: UInt64 = 0
    withUnsafeMutableBytes(of: &number) { space in
      if let random { random(space) } else { Random.fill(space) }
    }
    return number
  }

  // MARK: - Settings and questions

  /// Which side of the handshake this is.
  public var isServer: Bool {
    switch opening {
    case .client: false
    case .server: true
    }
  }

  /// The largest message to receive, in bytes; 0 for no limit.
  public func setReadLimit(_ bytes: UInt64) { engine.limit = bytes }

  /// Whether received and sent text is checked as UTF-8, from the next message on.
  public func setChecksUTF8(received: Bool, sent: Bool) {
    engine.checksReceivedUTF8 = received
    engine.checksSentUTF8 = sent
  }

  /// The subprotocol agreed on, empty when none; borrowed from the connection.
  public var subprotocol: ByteView { subprotocolBytes.bytes }

  /// The extensions agreed on, as the server's Sec-WebSocket-Extensions says them, empty when none; borrowed from the connection.
  public var extensions: ByteView { extensionBytes.bytes }

  /// Why the request was refused, with what the peer sent quoted and escaped; empty when the error says it all. Borrowed.
  public var explanation: ByteView { explanationBytes.bytes }

  /// The peer's close code; nil before its close frame.
  public var closeCodeReceived: CloseCode? { engine.handshake.received }

  /// The peer's close reason; borrowed from the connection.
  public var closeReason: ByteView { engine.handshake.reason }

  /// The code of our close frame; nil before it.
  public var ourCloseCode: CloseCode? { engine.closeSent }

  /// The error that ended the connection; nil while it goes on, and after an ordinary close.
  public var failure: WSError? {
    if case .over(let error) = stage { return error }
    return nil
  }
}
