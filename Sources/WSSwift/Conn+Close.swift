// The closing handshake: our close frame, the peer's, and the end of the stream. RFC 6455 7.1.
import Synchronization
import WSProtocol
import WSTransport

extension Conn {
  /// How long a reader that was there when `close` began may stay away before `close` reads in its place.
  private static let readerGrace: Int64 = 200
  /// How long to wait for the end of the stream once both close frames have passed.
  static let endGrace: Int64 = 2000

  /// Sends a close frame unless one was sent, waits for the peer's and for the end of the stream. Messages that nobody reads
  /// meanwhile are dropped; a thread that reads still gets them. From a handler it only sends, as `beginClose`. The deadline is
  /// the close timeout unless given. Errors: `.timeout` (the connection has been dropped), `.send` for a code or reason that must
  /// not be sent, and the failure that ended reading before. RFC 6455 7.1.2.
  @_optimize(size)
  public func close(_ code: CloseCode = .normal, reason: ByteView = .empty, deadline: Deadline? = nil) throws(WSError) {
    try requireOwnProcess()
    try checkClose(code, reason)
    postClose(code, reason)
    guard !isReadByThisThread else { return }
    if stateLock.withLock({ settings.isNonblocking }) { return try closeStep(until: deadline) }
    let (deadline, time) = stateLock.withLock { closeLimit(deadline) }
    do throws(WSError) {
      try sendCloseNow(within: .until(deadline, time))
      try awaitClose(until: deadline)
    } catch {
      if case .timeout = error { abort() }
      note(error, of: .read, time)
      throw error
    }
  }

  /// Sends the close frame and returns at once; when output is blocked the frame is kept and leaves as soon as it can. Nothing
  /// happens when one was sent before. Errors: `.send`, or the failure that ended writing before.
  public func beginClose(_ code: CloseCode = .normal, reason: ByteView = .empty) throws(WSError) {
    try requireOwnProcess()
    try checkClose(code, reason)
    postClose(code, reason)
    if let failure = stateLock.withLock({ closeCodeSent == nil ? writingFailure : nil }) { throw failure }
  }

  private func checkClose(_ code: CloseCode, _ reason: ByteView) throws(WSError) {
    do throws(SendError) {
      try ClosePayload.check(code, reason: reason)
    } catch {
      stateLock.withLock { lastWriteFailure = .send(error) }
      throw .send(error)
    }
  }

  private func postClose(_ code: CloseCode, _ reason: ByteView) {
    guard ourCloseCode == nil else { return }
    withClosePayload(code, reason) { payload in reply(.close, payload) }
    finishSendingIfOver()
  }

  /// When a closing handshake that begins now gives up: at the caller's deadline, or after the close timeout. Called with
  /// `stateLock` held.
  func closeLimit(_ deadline: Deadline?) -> (Deadline, TimeLimit) {
    let start = Deadline.now
    let timeout = settings.closeTimeout
    let due = deadline ?? (timeout > 0 ? start.adding(milliseconds: timeout) : .never)
    return (due, TimeLimit(.closing, until: deadline, from: start, orAfter: timeout))
  }

  /// True inside a handler: what this thread would wait for, it must read itself.
  var isReadByThisThread: Bool {
    let thread = currentThread()
    return stateLock.withLock { reading.owner != .nobody && reading.thread == thread }
  }

  /// A kept close frame goes out now, behind whoever writes. What fails here, but for time, shows in the reading half.
  private func sendCloseNow(within limit: WriteLimit) throws(WSError) {
    guard ourCloseCode == nil else { return }
    do throws(WSError) {
      try sendReplies(within: limit)
    } catch {
      if case .timeout = error { throw error }
    }
  }

  // MARK: - Waiting for the peer

  @_optimize(size)
  private func awaitClose(until deadline: Deadline) throws(WSError) {
    let deadline = ourCloseCode == nil ? Deadline.earlier(deadline, .after(milliseconds: Self.endGrace)) : deadline
    guard try takeReadingHalf(until: deadline) else { return try endForCloser() }
    defer { leave() }
    defer { drain(until: Deadline.earlier(deadline, .after(milliseconds: Self.endGrace))) }
    if case .open = stateLock.withLock({ reading.end }) {
      try dropMessages(until: deadline)
    }
    finishSendingIfOver()
    try endForCloser()
  }

  /// Becomes the closer of the reading half. A reader that is inside, or just left, comes first: it still gets its messages.
  /// False: the half has ended, and a reader is inside.
  func takeReadingHalf(until deadline: Deadline) throws(WSError) -> Bool {
    stateLock.lock()
    defer { stateLock.unlock() }
    var hadReader = reading.owner == .reader || isBetweenReads
    while true {
      guard !transport.isAborted else { throw abortCause }
      let grace = hadReader ? reading.readerLeft.adding(milliseconds: Self.readerGrace) : .now
      switch reading.owner {
      case .nobody where isOver || grace.isPast:
        reading.owner = .closer
        reading.thread = currentThread()
        return true
      case .nobody:
        _ = stateChanged.wait(stateLock, until: Deadline.earlier(deadline, grace))
      case .reader, .closer, .pinger, .service:
        hadReader = hadReader || reading.owner == .reader
        if waitForHalf(until: deadline) { continue }
        if isOver { return false }
      }
      if deadline.isPast { throw .timeout }
    }
  }

  /// Another thread has read a moment ago, and will want more. Called with `stateLock` held.
  private var isBetweenReads: Bool {
    reading.readerLeft != .never && reading.lastReader != currentThread()
      && !reading.readerLeft.adding(milliseconds: Self.readerGrace).isPast
  }

  /// Called with `stateLock` held.
  private var isOver: Bool {
    if case .open = reading.end { return false }
    return true
  }

  /// Reads until the peer's close frame. Handlers run as in a read. A message kept for lack of room is dropped as well; one that a
  /// reader still looks at stays.
  private func dropMessages(until deadline: Deadline) throws(WSError) {
    try startDropping()
    do throws(WSError) {
      _ = try receive(.end, within: ReadLimits(until: deadline, isStrict: true))
    } catch {
      if case .timeout = error { throw error }
    }
  }

  /// Nobody gets what was on its way to a reader.
  func startDropping() throws(WSError) {
    kept = nil
    waiting.drop()
    open.drop()
    do throws(ProtocolError) { try receiver.keepLent() } catch { throw failReading(.outOfMemory) }
  }

  /// Reads the stream to its end, so that what lies unread cannot reset away our last bytes (RFC 6455 7.1.1: the server closes
  /// first). The handshake is complete, so running out of time here is no failure.
  private func drain(until deadline: Deadline) {
    guard !isDrained else { return }
    stateLock.withLock { isDrained = true }
    while !deadline.isPast, !takeRest() {
      do throws(TransportError) {
        _ = try transport.wait(for: .read, deadline: deadline, interruptible: false)
      } catch {
        break
      }
    }
    transport.finishSending()
  }

  /// Takes what has arrived, up to a bound. True: the stream is at its end, or broken.
  func takeRest() -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { scratch in
      do throws(TransportError) {
        for _ in 0..<16 {
          guard let count = try transport.tryReceive(into: scratch) else { return false }
          if count == 0 { return true }
        }
        return false
      } catch {
        return true
      }
    }
  }

  func endForCloser() throws(WSError) {
    switch stateLock.withLock({ reading.end }) {
    case .open: throw .timeout
    case .ordinary, .failed(.closed): return
    case .failed(let error): throw error
    }
  }

  // MARK: - The end of our direction

  /// RFC 6455 7.1.1: after both close frames the server closes the TCP connection first; and after a violation nothing follows our
  /// close frame. Called whenever one of these may have become true.
  func finishSendingIfOver() {
    let isOver = stateLock.withLock {
      isCloseOut && (isViolated || (role == .server && handshake.received != nil))
    }
    if isOver { transport.finishSending() }
  }
}
