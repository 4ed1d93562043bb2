// What a `LoopConnection` sends: messages, control frames, and the bytes that the program puts on the wire. And its timers.
import WSProtocol
import WSTransport

/// When to give up, on the clock that the program tells.
struct LoopTimers {
  private enum Phase {
    case opening
    case open
    case closing
  }

  private var phase = Phase.opening
  private let openingTimeout: Int64
  /// Whether the current phase has been given its deadline.
  private var isStarted = false
  private var deadline = Deadline.never

  /// How long a close frame waits for its answer.
  private static let closeTimeout: Int64 = 10_000

  /// `opening`: milliseconds for the handshake, 0 for ever.
  init(opening: Int64) { openingTimeout = opening }

  mutating func open() { enter(.open) }

  mutating func close() { if phase == .open { enter(.closing) } }

  private mutating func enter(_ next: Phase) {
    phase = next
    isStarted = false
    deadline = .never
  }

  /// The deadline of the phase; the clock starts with the first time that is told in it.
  mutating func deadline(at now: Deadline) -> Deadline {
    guard !isStarted else { return deadline }
    isStarted = true
    switch phase {
    case .opening: deadline = openingTimeout > 0 ? Self.add(openingTimeout, to: now) : .never
    case .open: deadline = .never
    case .closing: deadline = Self.add(Self.closeTimeout, to: now)
    }
    return deadline
  }

  /// What has run out when the deadline of the phase has passed.
  func limit(isServer: Bool) -> TimeLimit {
    switch phase {
    case .opening, .open: TimeLimit(isServer ? .awaitingRequest : .awaitingResponse, milliseconds: openingTimeout)
    case .closing: TimeLimit(.closing, milliseconds: Self.closeTimeout, by: .library)
    }
  }

  /// `Deadline.adding` knows only the clock of the system, which is positive.
  private static func add(_ milliseconds: Int64, to now: Deadline) -> Deadline {
    let (span, tooLong) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    let (sum, tooLate) = now.nanoseconds.addingReportingOverflow(span)
    return tooLong || tooLate ? .never : Deadline(nanoseconds: sum)
  }
}

extension LoopConnection {
  /// Queues a frame of a message: `kind` on the first frame, nil on the others. `compressed`, on the first: whether the message may be
  /// compressed. `.send`; `.state` before the connection is open.
  public func send(_ kind: MessageKind?, _ bytes: ByteView, isFinal: Bool = true, compressed: Bool = true) throws(WSError) {
    try queue { () throws(SendError) in
      try engine.send(kind, bytes, isFinal: isFinal, compressed: compressed, maskKey: maskKey())
    }
  }

  /// Queues a message that was prepared for many connections. Errors as `send`.
  public func send(_ message: PreparedMessage) throws(WSError) {
    try queue { () throws(SendError) in try engine.send(message, maskKey: maskKey()) }
  }

  /// Queues a control frame of at most 125 bytes. Errors as `send`.
  public func sendControl(_ opcode: ControlOpcode, _ payload: ByteView) throws(WSError) {
    try queue { () throws(SendError) in try engine.sendControl(opcode, payload, maskKey: maskKey()) }
  }

  /// Queues a close frame; nothing happens when one was sent before, as an answer too. Errors as `send`.
  public func close(_ code: CloseCode, reason: ByteView) throws(WSError) {
    do throws(SendError) { try ClosePayload.check(code, reason: reason) } catch { throw WSError(error) }
    guard engine.closeSent == nil else { return }
    try queue { () throws(SendError) in try engine.close(code, reason: reason, maskKey: maskKey()) }
  }

  @inline(__always)
  private func queue(_ body: () throws(SendError) -> Void) throws(WSError) {
    try requireOpen()
    do throws(SendError) { try body() } catch { throw WSError(error) }
  }

  private func requireOpen() throws(WSError) {
    switch stage {
    case .opened, .open: return
    case .opening, .deciding: throw .state
    case .over(let error): throw error ?? .send(.closeSent)
    }
  }

  /// The bytes to send, borrowed until the next call: the handshake's first, then the frames'.
  public var output: ByteView { outbox.isEmpty ? engine.output : outbox.bytes }

  /// So many bytes of `output` were sent.
  public func sent(_ count: Int) {
    guard !outbox.isEmpty else {
      keepalive.sent(count)
      return engine.sent(count)
    }
    outbox.discard(count)
    if outbox.isEmpty { outbox.release() }
  }

  /// Tells the time, which only ever grows. Returns when to tell it again at the latest. An opening handshake that takes longer than
  /// the configuration allows, or a close frame without an answer for 10 s, makes `nextEvent` fail with `.timeout`.
  public func tick(now: Deadline) -> Deadline {
    if case .over = stage { return .never }
    if engine.closeSent != nil { timers.close() }
    let deadline = timers.deadline(at: now)
    if deadline.nanoseconds <= now.nanoseconds, deadline != .never {
      timeLimit = timers.limit(isServer: isServer)
      _ = fail(.timeout)
      return .never
    }
    return .earlier(deadline, keepAlive(at: now))
  }
}
