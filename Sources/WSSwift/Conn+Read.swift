// The reading half: waits for bytes, takes events from the receiver, and answers control frames on the way.
import Synchronization
import WSProtocol
import WSTransport

/// What a caller of the reading half waits for; what else comes is passed over, and control frames are answered in every case.
enum Wanted {
  /// A whole message.
  case message
  /// The beginning of a message that comes in parts, or a whole one that had begun to be put together.
  case start
  /// The next part of the message that is open.
  case part
  /// Nothing but the end of the half.
  case end

  var delivery: Delivery { self == .message ? .whole : .parts }
}

/// What there was.
enum Received {
  case message(BorrowedMessage)
  case start(MessageKind)
  case part(ByteView, isLast: Bool)
}

/// How long one read may wait.
struct ReadLimits {
  let deadline: Deadline
  let isInterruptible: Bool
  let mayReceive: Bool
  /// Whether the wait ends with `.interrupted` when another thread wants the half.
  let makesWay: Bool
  /// Whether also what has been received before is left alone behind the deadline.
  let isStrict: Bool

  init(
    until deadline: Deadline, isInterruptible: Bool = false, mayReceive: Bool = true, makesWay: Bool = false,
    isStrict: Bool = false
  ) {
    self.deadline = deadline
    self.isInterruptible = isInterruptible
    self.mayReceive = mayReceive
    self.makesWay = makesWay
    self.isStrict = isStrict
  }

  /// Takes what is there and waits for nothing.
  static let now = ReadLimits(until: Deadline(nanoseconds: 1))

  /// Takes what has been received before, and asks the transport for nothing.
  static let buffered = ReadLimits(until: Deadline(nanoseconds: 1), mayReceive: false)
}

extension Conn {
  /// Waits for the next data message and lends it; nil when the peer has closed with 1000, 1001 or no code. Answers control
  /// frames on the way. After `.timeout` the next read goes on where this one stopped. RFC 6455 5, 6.2.
  public func read() throws(WSError) -> BorrowedMessage? {
    try asReader { (limits) throws(WSError) in try nextMessage(limits) }
  }

  /// The same into the caller's memory; `.noRoom` says how much it takes and keeps the message for the next read.
  public func read(into space: UnsafeMutableRawBufferPointer) throws(WSError) -> (kind: MessageKind, size: Int)? {
    try asReader { (limits) throws(WSError) in
      guard let message = try nextMessage(limits) else { return nil }
      guard message.bytes.count <= space.count else {
        kept = message
        throw .noRoom(needed: message.bytes.count)
      }
      space.copyMemory(from: message.bytes)
      return (message.kind, message.bytes.count)
    }
  }

  func asReader<R>(_ body: (ReadLimits) throws(WSError) -> R) throws(WSError) -> R {
    try requireOwnProcess()
    let now = stateLock.withLock { settings }
    let start = now.readDeadline == .never ? now.readDeadline : .now
    do throws(WSError) {
      let limits = now.isNonblocking ? .now : ReadLimits(until: now.readLimit(), isInterruptible: now.isInterruptible)
      try enter(as: .reader, until: limits.deadline)
      defer { leave() }
      let result = try body(limits)
      if now.isNonblocking { stateLock.withLock { waits.read = .never } }
      return result
    } catch {
      throw ended(error, now, start)
    }
  }

  /// What a read that gives no message says. Never inlined: `asReader` stands in seven places.
  @inline(never)
  private func ended(_ error: WSError, _ now: Settings, _ start: Deadline) -> WSError {
    let error = now.isNonblocking ? waitForRead(error) : error
    if case .wouldBlock = error { return error }
    note(error, of: .read, now.readTime(from: start))
    return error
  }

  /// What is left of a message that came in parts is passed over.
  private func nextMessage(_ limits: ReadLimits) throws(WSError) -> BorrowedMessage? {
    open.passOver()
    if let message = keptMessage() { return message }
    guard case .message(let message) = try receive(.message, within: limits) else { return nil }
    return message
  }

  /// A message that is there already, and the end of what was lent before.
  func keptMessage() -> BorrowedMessage? {
    if let message = kept {
      kept = nil
      return message
    }
    receiver.endKept()
    return waiting.next()
  }

  // MARK: - Events

  /// How often a read whose time is up receives what is already there.
  private static let lateFillLimit = 8

  /// Takes events until there is what the caller wants, the end (nil), or an error. The caller is inside the reading half. Behind
  /// the deadline it still takes what is there, but only so much of it: a peer that sends without pause does not hold it.
  func receive(_ wanted: Wanted, within limits: ReadLimits) throws(WSError) -> Received? {
    var lateFills = 0
    while try isReadingOpen() {
      if try tellHeld() { continue }
      if let arrival = try nextArrival(wanted.delivery) {
        if let received = try take(arrival, wanted) { return received }
        if limits.isStrict, limits.deadline.isPast { throw .timeout }
        continue
      }
      guard limits.mayReceive, lateFills < Self.lateFillLimit else { throw .timeout }
      if limits.deadline.isPast { lateFills += 1 }
      try fill(within: limits)
    }
    return nil
  }

  /// What was held back for a handler comes before what follows. False: nothing was.
  func tellHeld() throws(WSError) -> Bool {
    guard !heldPongs.isEmpty || heldControl != nil else { return false }
    // The handler of the one before may have aborted or freed the connection.
    guard !transport.isAborted else { throw failReading(.aborted) }
    guard let held = takeHeld() else { return false }
    try held.withEvent { (event) throws(WSError) in _ = try answer(event, mayCallOut: true) }
    return true
  }

  private func takeHeld() -> HeldControl? {
    if let pong = heldPongs.takeFirst() { return pong }
    defer { heldControl = nil }
    return heldControl
  }

  /// What has arrived and comes next; nil when more must be received.
  func nextArrival(_ delivery: Delivery) throws(WSError) -> Arrival? {
    // A handler may have aborted or freed the connection: nothing that has arrived may reach it any more.
    guard !transport.isAborted else { throw failReading(.aborted) }
    receiver.limit = readLimit.load(ordering: .relaxed)
    receiver.checksUTF8 = checksReceived.load(ordering: .relaxed)
    receiver.delivery = delivery
    return try advance()
  }

  /// Answers a control frame. nil: it was one, or nothing that is wanted.
  func take(_ arrival: Arrival, _ wanted: Wanted) throws(WSError) -> Received? {
    switch arrival {
    case .event(.message(let kind, let bytes)):
      return wanted == .end ? nil : .message(BorrowedMessage(kind: kind, bytes: bytes))
    case .begin(let kind): return wanted == .start ? .start(kind) : nil
    case .part(let bytes, let isLast): return wanted == .part ? .part(bytes, isLast: isLast) : nil
    case .event(let event):
      _ = try answer(event, mayCallOut: true)
      return nil
    }
  }

  /// Answers a control frame. False: there is a handler for it, which must not be called here.
  func answer(_ event: Event, mayCallOut: Bool) throws(WSError) -> Bool {
    switch event {
    case .message: true
    case .ping(let payload): try answerPing(payload, mayCallOut)
    case .pong(let payload): try hearPong(payload, mayCallOut)
    case .close(let code, let reason): try answerClose(code, reason, mayCallOut)
    }
  }

  private func advance() throws(WSError) -> Arrival? {
    defer { receivedTraffic.publish(receiver.traffic) }
    do throws(ProtocolError) {
      return try receiver.advance()
    } catch {
      throw failReading(violation: error)
    }
  }

  /// False when the half has ended in an ordinary way; another end is an error, which every call from now on returns.
  func isReadingOpen() throws(WSError) -> Bool {
    switch stateLock.withLock({ reading.end }) {
    case .open: return true
    case .ordinary: return false
    case .failed(let error): throw error
    }
  }

  private func answerPing(_ payload: ByteView, _ mayCallOut: Bool) throws(WSError) -> Bool {
    guard let handler = stateLock.withLock({ handlers.ping }) else {
      reply(.pong, payload)
      return true
    }
    guard mayCallOut else { return false }
    guard handler(payload) else { throw failReading(.refusedByHandler) }
    return true
  }

  /// The answers to our own pings are nobody else's.
  private func hearPong(_ payload: ByteView, _ mayCallOut: Bool) throws(WSError) -> Bool {
    let (isOurs, handler) = stateLock.withLock { (noteOwnPong(payload), handlers.pong) }
    guard !isOurs, let handler else { return true }
    guard mayCallOut else { return false }
    guard handler(payload) else { throw failReading(.refusedByHandler) }
    return true
  }

  private func answerClose(_ code: CloseCode, _ reason: ByteView, _ mayCallOut: Bool) throws(WSError) -> Bool {
    let handler = stateLock.withLock {
      if mayCallOut || handlers.close == nil { handshake.receive(code, reason: reason) }
      return handlers.close
    }
    if let handler {
      guard mayCallOut else { return false }
      guard handler(code, reason) else { throw failReading(.refusedByHandler) }
    } else {
      withClosePayload(CloseHandshake.answer(to: code), .empty) { payload in reply(.close, payload) }
    }
    finishSendingIfOver()
    stateLock.withLock {
      switch handshake.outcome {
      case .ordinary: reading.end = .ordinary
      case .withCode(let code): reading.end = .failed(.closed(code))
      case .lost: reading.end = .failed(.lost(0))
      }
    }
    return true
  }

  // MARK: - Bytes

  /// Receives once, waiting until the deadline. Sends kept answers when the transport takes them again, and pings that are due.
  func fill(within limits: ReadLimits) throws(WSError) {
    let wakeup = readerWakeup()
    // A peer that sends without pause lets nobody wait: what is kept would never leave.
    if hasReplies.load(ordering: .relaxed) { _ = flushReplies() }
    while try !takeWhatIsThere() {
      // Whoever waits with nothing unread holds no buffer.
      receiver.releaseIdle()
      guard let due = try keepAlive() else { return }
      if limits.makesWay, stateLock.withLock({ reading.wanted > 0 }) { throw .interrupted }
      let wanted: Readiness = flushReplies() == .blocked ? [.read, .write] : .read
      do throws(TransportError) {
        let ready = try transport.wait(
          for: wanted, deadline: .earlier(limits.deadline, due), interruptible: limits.isInterruptible, wakeup: wakeup)
        mayHaveMore = ready.contains(.read)
      } catch {
        if error == .timeout, due != .never, !limits.deadline.isPast { continue }
        throw failTransport(error)
      }
    }
  }

  /// False: there is nothing to receive now.
  func takeWhatIsThere() throws(WSError) -> Bool {
    guard mayHaveMore else { return false }
    let space: UnsafeMutableRawBufferPointer
    do throws(ProtocolError) { space = try receiver.freeSpace() } catch { throw failReading(violation: error) }
    let count: Int?
    do throws(TransportError) { count = try transport.tryReceive(into: space) } catch { throw failTransport(error) }
    guard let count else { return false }
    guard count > 0 else { throw failReading(transport.isAborted ? .aborted : .lost(0)) }
    mayHaveMore = count == space.count
    receiver.received(count)
    if isAsking.load(ordering: .relaxed) { noteSignOfLife() }
    return true
  }

  /// Where no descriptor is left the reader does without: kept answers then leave with the next write or the next bytes.
  private func readerWakeup() -> Wakeup? {
    stateLock.withLock {
      guard wakeup == nil, !settings.isNonblocking else { return wakeup }
      do throws(TransportError) { wakeup = try Wakeup() } catch {}
      return wakeup
    }
  }

  private func failTransport(_ error: TransportError) -> WSError {
    switch error {
    case .timeout, .interrupted, .outOfMemory: WSError(error)
    case .aborted, .closed, .noDescriptors, .unresolved, .refused, .system, .tls: failReading(WSError(error))
    }
  }

  // MARK: - Failing

  /// The first failure of the half stays.
  func failReading(_ error: WSError) -> WSError {
    stateLock.withLock {
      if case .open = reading.end { reading.end = .failed(error) }
      lastReadFailure = error
    }
    return error
  }

  /// RFC 6455 7.1.7: tell the peer why, then send nothing more.
  private func failReading(violation: ProtocolError) -> WSError {
    stateLock.withLock { isViolated = true }
    withClosePayload(violation.closeCode, ByteView(violation.text)) { payload in reply(.close, payload) }
    finishSendingIfOver()
    return failReading(.violation(violation))
  }
}
