// A connection inside somebody else's poll loop: nothing waits, the loop is told what to poll for and until when, and calls
// `service` when that happens.
import Synchronization
import WSProtocol
import WSTransport

/// What a non-blocking connection waits for, and until when. Guarded by the connection's `stateLock`.
struct LoopWaits {
  /// When the next message must be there.
  var read = Deadline.never
  /// When kept output must have moved on.
  var write = Deadline.never
  /// When the closing handshake must be complete.
  var close = Deadline.never
  /// How long that was.
  var closeTime: TimeLimit?
  /// When the peer must have ended the stream behind it.
  var end = Deadline.never
  /// When the answer to `ping` must be there.
  var pong = Deadline.never
  /// In the past when something that makes no descriptor readable may be there to read.
  var received = Deadline.never

  var first: Deadline {
    let calls = Deadline.earlier(Deadline.earlier(read, write), Deadline.earlier(close, end))
    return .earlier(calls, .earlier(pong, received))
  }
}

extension Conn {
  /// Whether calls wait. Off: a read without a message, a close without its answer, and a write that the transport does not take
  /// fail with `.wouldBlock`, and nothing was taken; a write that has begun is kept whole. Timeouts and deadlines go on to hold:
  /// `interest` tells when the next is due.
  public func setNonblocking(_ on: Bool) {
    stateLock.withLock {
      settings.isNonblocking = on
      if on, mayHoldArrivals { waits.received = ReadLimits.now.deadline }
      background.look(at: .now)
    }
  }

  /// Something that has been received may wait for a read, or somebody is about to receive it. Called with `stateLock` held.
  private var mayHoldArrivals: Bool {
    reading.owner != .nobody || background.seat != nil || kept != nil || !open.isPassedOver || !waiting.isEmpty
      || receiver.isInsideMessage
  }

  /// What to poll for, and until when. The descriptor stays the connection's: not to be read, written or closed.
  public func interest() -> (descriptor: Int32, readiness: Readiness, deadline: Deadline) {
    let due = stateLock.withLock { Deadline.earlier(waits.first, nextPing) }
    let wanted: Readiness = hasReplies.load(ordering: .acquiring) ? [.read, .write] : .read
    // What TLS holds already makes no descriptor readable.
    guard let polled = transport.pollNeeds(for: wanted) else {
      return (transport.pollDescriptor, wanted, Deadline(nanoseconds: 1))
    }
    return (transport.pollDescriptor, polled, due)
  }

  /// Sends what is kept, and fails what is due: `.timeout` for a closing handshake, which is dropped then, and `.broken` for output
  /// that does not move. A read that is due fails by itself.
  public func service() throws(WSError) {
    try requireOwnProcess()
    guard !transport.isAborted else { throw stateLock.withLock({ abortCause }) }
    _ = pingIfDue()
    _ = flushReplies()
    let (now, failure) = stateLock.withLock {
      // The call that waits for it finds out by itself.
      if waits.pong.isPast { waits.pong = .never }
      return (waits, writingFailure)
    }
    if now.write.isPast { throw breakOutput() }
    if now.close.isPast { throw giveUpClosing() }
    if let failure { throw failure }
  }

  // MARK: - Reading

  /// A read found nothing: when it is due decides what that means.
  func waitForRead(_ error: WSError) -> WSError {
    guard case .timeout = error else { return error }
    return stateLock.withLock {
      waits.received = .never
      if waits.read == .never { waits.read = settings.readLimit() }
      guard waits.read.isPast else { return .wouldBlock }
      waits.read = .never
      return .timeout
    }
  }

  // MARK: - Writing, under `writeLock`

  /// The frame has begun and the transport is full: its rest waits behind `outgoing`, and leaves by `flushReplies`.
  func keepRest(of frame: inout OutgoingFrame, _ lent: ByteView) throws(WSError) {
    do throws(OutOfMemory) {
      try outgoing.append(lent)
      try outgoing.reserve(max(frame.left, FrameHeader.maximumSize))
      outgoing.commit(frame.fill(outgoing.freeSpace))
    } catch {
      throw failWriting(.broken)
    }
    stateLock.withLock { hasReplies.store(true, ordering: .relaxed) }
    outputMoved()
  }

  /// Kept output has come nearer to its end.
  func outputMoved() {
    let isEmpty = outgoing.isEmpty
    stateLock.withLock { waits.write = isEmpty ? .never : settings.writeLimit().next }
  }

  private func breakOutput() -> WSError {
    guard writeLock.tryLock() else { return .wouldBlock }
    defer { writeLock.unlock() }
    let limit = stateLock.withLock {
      waits.write = .never
      return settings.writeLimit()
    }
    return writeFailure ?? failWriting(.broken, after: limit.time)
  }

  // MARK: - Closing

  /// One step of the closing handshake: as far as it goes without waiting, else `.wouldBlock`. The first step sets the time.
  func closeStep(until deadline: Deadline?) throws(WSError) {
    let due = stateLock.withLock {
      if waits.close == .never, !isCloseComplete { (waits.close, waits.closeTime) = closeLimit(deadline) }
      return waits.close
    }
    do throws(WSError) {
      guard try takeReadingHalf(until: ReadLimits.now.deadline) else { return try endForCloser() }
    } catch {
      guard case .timeout = error else { throw error }
      throw due.isPast ? giveUpClosing() : .wouldBlock
    }
    defer { leave() }
    if case .open = stateLock.withLock({ reading.end }), try !dropWhatIsThere() {
      throw due.isPast ? giveUpClosing() : .wouldBlock
    }
    if flushReplies() != .done, !due.isPast { throw .wouldBlock }
    try endStep()
    try endForCloser()
  }

  /// The closing handshake took too long.
  private func giveUpClosing() -> WSError {
    abort()
    note(.timeout, of: .read, stateLock.withLock { waits.closeTime })
    return .timeout
  }

  /// Drops what has arrived, up to a bound. False: the peer's close frame is not there yet.
  private func dropWhatIsThere() throws(WSError) -> Bool {
    stateLock.withLock { waits.read = .never }
    try startDropping()
    do throws(WSError) {
      _ = try receive(.end, within: .now)
    } catch {
      if case .timeout = error { return false }
    }
    return true
  }

  /// Called with `stateLock` held.
  private var isCloseComplete: Bool { isDrained || handshake.received != nil }

  /// Both close frames have passed: the peer has a moment to end the stream.
  private func endStep() throws(WSError) {
    guard !isDrained else { return }
    let due = stateLock.withLock {
      waits.close = .never
      if waits.end == .never { waits.end = .after(milliseconds: Self.endGrace) }
      return waits.end
    }
    guard takeRest() || due.isPast else { throw .wouldBlock }
    stateLock.withLock {
      isDrained = true
      waits.end = .never
    }
    transport.finishSending()
  }
}
