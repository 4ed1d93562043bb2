// A ping that waits for its pong, on any thread: whoever reads hears the pong; where nobody reads, the one who waits does.
import Synchronization
import WSProtocol
import WSTransport

extension Conn {
  /// How long `ping` waits when it is given no deadline, in milliseconds.
  private static let pingTimeout: Int64 = 20_000

  /// Sends a ping and waits for its pong. Returns how long that took, in nanoseconds; nil when the peer has closed with 1000, 1001 or no
  /// code instead. Any thread. While nobody reads it reads itself, and keeps complete messages for the next reads, up to the read
  /// limit. A pong to a later ping counts. On a non-blocking connection it fails with `.wouldBlock` until the pong is there. `.timeout`
  /// (the connection goes on); `.state` from a handler; others as `writeControl` and `read`. RFC 6455 5.5.2, 5.5.3.
  public func ping(deadline: Deadline? = nil) throws(WSError) -> UInt64? {
    try requireOwnProcess()
    guard !isReadByThisThread else { throw .state }
    let isNonblocking = stateLock.withLock { settings.isNonblocking }
    let start = Deadline.now
    let asked = stateLock.withLock { isNonblocking ? alive?.asked : nil }
    let deadline = asked?.deadline ?? deadline ?? start.adding(milliseconds: Self.pingTimeout)
    let time = TimeLimit(.pinging, until: deadline, from: asked?.start ?? start)
    do throws(WSError) {
      guard isNonblocking else {
        let number = try sendPing(within: .until(deadline, time))
        return try awaitPong(number, since: start, until: deadline)
      }
      guard let asked else {
        try startAsking(since: start, until: deadline)
        throw .wouldBlock
      }
      return try answer(to: asked)
    } catch {
      if case .wouldBlock = error { throw error }
      note(error, of: .read, time)
      throw error
    }
  }

  /// The number is given under `writeLock`, so that numbers leave in their order.
  private func sendPing(within limit: WriteLimit) throws(WSError) -> UInt64 {
    var payload: UInt64 = 0
    var number: UInt64 = 0
    try withUnsafeMutableBytes(of: &payload) { (space) throws(WSError) in
      try send(within: limit) { () throws(SendError) in
        let made = stateLock.withLock { makePing() }
        number = made.number
        space.storeBytes(of: made.payload, as: UInt64.self)
        return try sender.controlFrame(.ping, payload: ByteView(space), maskKey: maskKey())
      }
    }
    return number
  }

  /// Called with `stateLock` held.
  private func makePing() -> (number: UInt64, payload: UInt64) {
    let alive = madeAlive()
    let number = alive.pings.make()
    return (number, alive.pings.payload(of: number))
  }

  // MARK: - Waiting

  private enum Turn {
    case answered(UInt64)
    /// The peer has closed.
    case over
    /// The reading half is this thread's.
    case reading
  }

  @_optimize(size)
  private func awaitPong(_ number: UInt64, since start: Deadline, until deadline: Deadline) throws(WSError) -> UInt64? {
    while true {
      switch try turn(number, since: start, until: deadline) {
      case .answered(let span): return span
      case .over: return nil
      case .reading:
        defer { leave() }
        try readForPong(number, until: deadline)
      }
    }
  }

  private func turn(_ number: UInt64, since start: Deadline, until deadline: Deadline) throws(WSError) -> Turn {
    stateLock.lock()
    defer { stateLock.unlock() }
    while true {
      if let span = answer(to: number, since: start) { return .answered(span) }
      guard try isOpenForPing() else { return .over }
      if reading.owner == .nobody, reading.wanted == 0, !reading.isStuck {
        reading.owner = .pinger
        reading.thread = currentThread()
        return .reading
      }
      guard stateChanged.wait(stateLock, until: deadline) else { throw .timeout }
    }
  }

  /// Called with `stateLock` held.
  private func answer(to number: UInt64, since start: Deadline) -> UInt64? {
    guard let alive, alive.pings.isAnswered(number) else { return nil }
    return alive.pings.roundTrip(number) ?? UInt64(clamping: Deadline.now.nanoseconds &- start.nanoseconds)
  }

  /// Called with `stateLock` held.
  private func isOpenForPing() throws(WSError) -> Bool {
    switch reading.end {
    case .open: break
    case .ordinary: return false
    case .failed(let error): throw error
    }
    guard !transport.isAborted else { throw abortCause }
    return true
  }

  /// Reads until the pong has come, or another thread wants the half. Handlers run as in a read; complete messages are kept.
  @_optimize(size)
  private func readForPong(_ number: UInt64, until deadline: Deadline) throws(WSError) {
    let limits = ReadLimits(until: deadline, makesWay: true)
    if waiting.last != nil { return stick() }
    // What the last reader looks at must outlive this.
    do throws(ProtocolError) { try receiver.keepLent() } catch { throw failReading(.outOfMemory) }
    defer { if waiting.last == nil { receiver.endLent() } }
    do throws(WSError) {
      while try canGoOn(number) {
        if try tellHeld() { continue }
        if let arrival = try nextArrival(.whole) {
          guard case .message(let message) = try take(arrival, .message) else { continue }
          let limit = readLimit.load(ordering: .relaxed)
          waiting.append(message, limit: Int(clamping: limit == 0 ? Self.defaultReadLimit : limit))
        } else {
          // A peer that sends without pause does not hold it.
          if deadline.isPast { throw .timeout }
          try fill(within: limits)
        }
      }
    } catch {
      guard case .interrupted = error else { throw error }
    }
  }

  private func canGoOn(_ number: UInt64) throws(WSError) -> Bool {
    guard try isReadingOpen() else { return false }
    let (isDone, isWanted) = stateLock.withLock { (alive?.pings.isAnswered(number) ?? true, reading.wanted > 0) }
    guard !isDone, !isWanted else { return false }
    guard waiting.last == nil, !(receiver.isInParts && receiver.isAtData) else {
      stick()
      return false
    }
    return true
  }

  /// What comes next can only be taken by a reader.
  private func stick() { stateLock.withLock { reading.isStuck = true } }

  // MARK: - Without waiting

  /// Sends the ping whose pong the loop's reads will hear.
  private func startAsking(since start: Deadline, until deadline: Deadline) throws(WSError) {
    let number = try sendPing(within: .now)
    stateLock.withLock {
      alive?.asked = (number, start, deadline)
      waits.pong = deadline
    }
  }

  private func answer(to asked: (number: UInt64, start: Deadline, deadline: Deadline)) throws(WSError) -> UInt64? {
    stateLock.lock()
    defer { stateLock.unlock() }
    let span = answer(to: asked.number, since: asked.start)
    if span == nil {
      if case .open = reading.end, !transport.isAborted, !asked.deadline.isPast { throw .wouldBlock }
    }
    alive?.asked = nil
    waits.pong = .never
    if let span { return span }
    guard try isOpenForPing() else { return nil }
    throw .timeout
  }
}
