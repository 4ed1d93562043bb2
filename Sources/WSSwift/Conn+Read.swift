// The reading half: waits for bytes, takes events from the receiver, and answers control frames on the way.
import Synchronization
import WSProtocol
import WSTransport

/// Who is inside the reading half, and how it ended. Guarded by the connection's `stateLock`.
struct ReadingState {
  enum Owner {
    case nobody
    /// A thread that wants messages.
    case reader
    /// A thread that closes and drops them.
    case closer
  }

  enum End {
    case open
    /// The closing handshake is complete with 1000, 1001 or no code.
    case ordinary
    case failed(WSError)
  }

  var owner = Owner.nobody
  var thread: UInt = 0
  var end = End.open
  /// When the last reader left; `close` gives it a moment to come back.
  var readerLeft = Deadline.never
}

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

  init(until deadline: Deadline, isInterruptible: Bool = false, mayReceive: Bool = true) {
    self.deadline = deadline
    self.isInterruptible = isInterruptible
    self.mayReceive = mayReceive
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
      let error = now.isNonblocking ? waitForRead(error) : error
      if case .wouldBlock = error { throw error }
      note(error, of: .read, now.readTime(from: start))
      throw error
    }
  }

  /// What is left of a message that came in parts is passed over.
  private func nextMessage(_ limits: ReadLimits) throws(WSError) -> BorrowedMessage? {
    open.passOver()
    if let message = kept {
      kept = nil
      return message
    }
    receiver.endKept()
    guard case .message(let message) = try receive(.message, within: limits) else { return nil }
    return message
  }

  // MARK: - One thread at a time

  /// Takes the reading half. A second reader is an error; one that meets a closer waits for it to finish.
  func enter(as owner: ReadingState.Owner, until deadline: Deadline) throws(WSError) {
    let thread = currentThread()
    stateLock.lock()
    defer { stateLock.unlock() }
    while true {
      switch reading.owner {
      case .nobody:
        reading.owner = owner
        reading.thread = thread
        return
      case .reader: throw .state
      case .closer:
        guard reading.thread != thread else { throw .state }
        guard stateChanged.wait(stateLock, until: deadline) else { throw .timeout }
      }
    }
  }

  func leave() {
    stateLock.withLock {
      if reading.owner == .reader { reading.readerLeft = .recently }
      reading.owner = .nobody
      stateChanged.broadcast()
    }
  }

  // MARK: - Events

  /// How often a read whose time is up receives what is already there.
  private static let lateFillLimit = 8

  /// Takes events until there is what the caller wants, the end (nil), or an error. The caller is inside the reading half. Behind
  /// the deadline it still takes what is there, but only so much of it: a peer that sends without pause does not hold it.
  func receive(_ wanted: Wanted, within limits: ReadLimits) throws(WSError) -> Received? {
    var lateFills = 0
    while try isReadingOpen() {
      // A handler may have aborted or freed the connection: nothing that has arrived may reach it any more.
      guard !transport.isAborted else { throw failReading(.aborted) }
      receiver.limit = readLimit.load(ordering: .relaxed)
      receiver.checksUTF8 = checksReceived.load(ordering: .relaxed)
      receiver.delivery = wanted.delivery
      if let arrival = try advance() {
        if let received = try take(arrival, wanted) { return received }
        continue
      }
      guard limits.mayReceive, lateFills < Self.lateFillLimit else { throw .timeout }
      if limits.deadline.isPast { lateFills += 1 }
      try fill(within: limits)
    }
    return nil
  }

  /// Answers a control frame. nil: it was one, or nothing that is wanted.
  private func take(_ arrival: Arrival, _ wanted: Wanted) throws(WSError) -> Received? {
    switch arrival {
    case .event(.message(let kind, let bytes)):
      return wanted == .end ? nil : .message(BorrowedMessage(kind: kind, bytes: bytes))
    case .begin(let kind): return wanted == .start ? .start(kind) : nil
    case .part(let bytes, let isLast): return wanted == .part ? .part(bytes, isLast: isLast) : nil
    case .event(.ping(let payload)): try answerPing(payload)
    case .event(.pong(let payload)): try hearPong(payload)
    case .event(.close(let code, let reason)): try answerClose(code, reason)
    }
    return nil
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
  private func isReadingOpen() throws(WSError) -> Bool {
    switch stateLock.withLock({ reading.end }) {
    case .open: return true
    case .ordinary: return false
    case .failed(let error): throw error
    }
  }

  private func answerPing(_ payload: ByteView) throws(WSError) {
    guard let handler = stateLock.withLock({ handlers.ping }) else { return reply(.pong, payload) }
    guard handler(payload) else { throw failReading(.refusedByHandler) }
  }

  private func hearPong(_ payload: ByteView) throws(WSError) {
    guard let handler = stateLock.withLock({ handlers.pong }) else { return }
    guard handler(payload) else { throw failReading(.refusedByHandler) }
  }

  private func answerClose(_ code: CloseCode, _ reason: ByteView) throws(WSError) {
    let handler = stateLock.withLock {
      handshake.receive(code, reason: reason)
      return handlers.close
    }
    if let handler {
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
  }

  // MARK: - Bytes

  /// Receives once, waiting until the deadline. Sends kept answers when the transport takes them again.
  private func fill(within limits: ReadLimits) throws(WSError) {
    let wakeup = readerWakeup()
    while try !takeWhatIsThere() {
      // Whoever waits with nothing unread holds no buffer.
      receiver.releaseIdle()
      let wanted: Readiness = flushReplies() == .blocked ? [.read, .write] : .read
      do throws(TransportError) {
        let ready = try transport.wait(
          for: wanted, deadline: limits.deadline, interruptible: limits.isInterruptible, wakeup: wakeup)
        mayHaveMore = ready.contains(.read)
      } catch {
        throw failTransport(error)
      }
    }
  }

  /// False: there is nothing to receive now.
  private func takeWhatIsThere() throws(WSError) -> Bool {
    guard mayHaveMore else { return false }
    let space: UnsafeMutableRawBufferPointer
    do throws(ProtocolError) { space = try receiver.freeSpace() } catch { throw failReading(violation: error) }
    let count: Int?
    do throws(TransportError) { count = try transport.tryReceive(into: space) } catch { throw failTransport(error) }
    guard let count else { return false }
    guard count > 0 else { throw failReading(transport.isAborted ? .aborted : .lost(0)) }
    mayHaveMore = count == space.count
    receiver.received(count)
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
