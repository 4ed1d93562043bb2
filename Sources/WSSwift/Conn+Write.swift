// The writing half: every byte leaves through `transmit`. One frame at a time, under `writeLock`; answers to control frames pass
// between them.
import Synchronization
import WSProtocol
import WSTransport

/// How long a write may wait: until a deadline, or for so long without progress.
enum WriteLimit {
  case until(Deadline, TimeLimit)
  case idle(milliseconds: Int64)
  /// Not at all: what the transport does not take of a frame that has begun is kept.
  case now

  /// The deadline of the wait that begins now.
  var next: Deadline {
    switch self {
    case .now: Deadline(nanoseconds: 1)
    case .until(let deadline, _): deadline
    case .idle(let milliseconds): milliseconds > 0 ? .after(milliseconds: milliseconds) : .never
    }
  }

  /// What has run out when this is over; nil when nothing waits.
  var time: TimeLimit? {
    switch self {
    case .now: nil
    case .until(_, let time): time
    case .idle(let milliseconds): TimeLimit(.writing, milliseconds: milliseconds)
    }
  }
}

extension Conn {
  /// The most bytes that are masked, or gathered from parts, ahead of sending them.
  private static let chunk = 65536

  /// Sends one message as one frame. `compressed`: whether it may be compressed. `.timeout`: nothing was sent; `.broken`: it stopped
  /// inside the frame; `.send(.messageOpen)`: a message is being written in pieces. RFC 6455 5.6, 6.1.
  public func write(_ kind: MessageKind, _ bytes: ByteView, compressed: Bool = true) throws(WSError) {
    try write(kind, Payload(bytes), compressed: compressed)
  }

  /// Sends one message whose bytes lie apart, as one frame. Otherwise as `write(_:_:compressed:)` of bytes.
  public func write(_ kind: MessageKind, _ payload: Payload, compressed: Bool = true) throws(WSError) {
    let now = stateLock.withLock { settings }
    try asWriter(within: now.limit) { () throws(WSError) in
      apply(now)
      if sender.compresses(payload.count, compressed) { try waitToCompress(within: now.limit) }
      try sendFrame(within: now.limit) { () throws(SendError) in
        try sender.dataFrame(kind, isFinal: true, payload: payload, compressed: compressed, maskKey: maskKey())
      }
    }
  }

  /// Sends a message that was prepared for many connections. A control frame passes between the frames of a message. Otherwise as
  /// `write(_:_:compressed:)`.
  public func write(_ message: PreparedMessage) throws(WSError) {
    let now = stateLock.withLock { settings }
    try asWriter(within: now.limit) { () throws(WSError) in
      apply(now)
      try sendFrame(within: now.limit) { () throws(SendError) in
        try sender.preparedFrame(message, maskKey: maskKey())
      }
    }
  }

  /// Sends a control frame of at most 125 bytes; the deadline covers waiting for other writers; nil is the write timeout.
  /// RFC 6455 5.5.
  public func writeControl(_ opcode: ControlOpcode, _ payload: ByteView, deadline: Deadline? = nil) throws(WSError) {
    let configured = writeLimit()
    let limit: WriteLimit =
      if case .now = configured { .now } else { deadline.map { .until($0, TimeLimit(.writing, until: $0)) } ?? configured }
    try send(within: limit) { () throws(SendError) in
      try sender.controlFrame(opcode, payload: payload, maskKey: maskKey())
    }
  }

  /// Sends the answers that wait, behind whoever writes now.
  func sendReplies(within limit: WriteLimit) throws(WSError) {
    try send(within: limit) { () throws(SendError) in nil }
  }

  func writeLimit() -> WriteLimit { stateLock.withLock { settings.limit } }

  /// What was set counts from the message that begins now. Under `writeLock`.
  func apply(_ now: Settings) {
    sender.checksUTF8 = checksSent.load(ordering: .relaxed)
    sender.compression = now.compression
  }

  /// A fresh key for a client's frame. RFC 6455 5.3. Called under `writeLock`.
  func maskKey() -> UInt32 {
    role == .client ? maskKeys.next() : 0
  }

  /// Takes the lock, lets waiting answers out, then makes the frame and sends it.
  func send(within limit: WriteLimit, _ make: () throws(SendError) -> OutgoingFrame?) throws(WSError) {
    try asWriter(within: limit) { () throws(WSError) in try sendFrame(within: limit, make) }
  }

  /// The same under `writeLock`.
  private func sendFrame(
    within limit: WriteLimit, _ make: () throws(SendError) -> OutgoingFrame?
  ) throws(WSError) {
    try clearTheWay(within: limit)
    guard let frame = try allowed(make) else { return }
    do throws(WSError) {
      try transmit(frame, within: limit)
    } catch {
      sender.finish(frame, wasSent: false)
      throw error
    }
    sender.finish(frame, wasSent: true)
  }

  /// A call that must not wait does not compress what would then be refused, and cost the context.
  private func waitToCompress(within limit: WriteLimit) throws(WSError) {
    guard case .now = limit else { return }
    try clearTheWay(within: limit)
    do throws(TransportError) {
      _ = try transport.wait(for: .write, deadline: limit.next, interruptible: false)
    } catch {
      throw error == .timeout ? .wouldBlock : failWriting(WSError(error))
    }
  }

  /// Runs the body under `writeLock`, unless writing has failed for good, and keeps the failure of it.
  func asWriter<R>(within limit: WriteLimit, _ body: () throws(WSError) -> R) throws(WSError) -> R {
    try requireOwnProcess()
    do throws(WSError) {
      try lockForWriting(within: limit)
      defer {
        unlockWriter()
        flushOrHandOver()
      }
      if let writeFailure { throw writeFailure }
      return try body()
    } catch {
      if case .wouldBlock = error { throw error }
      note(error, of: .write, limit.time)
      throw error
    }
  }

  /// Gives `writeLock` back; what is idle holds no memory.
  func unlockWriter() {
    sentTraffic.publish(sender.traffic)
    if outgoing.isEmpty { outgoing.releaseToPool() }
    writeLock.unlock()
  }

  /// Sends what must go before a new frame. Under `writeLock`.
  func clearTheWay(within limit: WriteLimit) throws(WSError) {
    try transmitReplies(within: limit)
    guard outgoing.isEmpty else { throw .wouldBlock }
  }

  /// What the sender says, as an error of the connection.
  func allowed<R>(_ body: () throws(SendError) -> R) throws(WSError) -> R {
    do throws(SendError) { return try body() } catch { throw refusal(error) }
  }

  /// A silent peer was told so by a close frame: what the writer is to hear is why.
  @_optimize(size) @inline(never)
  private func refusal(_ error: SendError) -> WSError {
    let cause = stateLock.withLock { abortCause }
    guard case .silent = cause else { return WSError(error) }
    return failWriting(cause)
  }

  /// Waits for the writer before us; as long as that one makes progress, time without progress does not run out.
  private func lockForWriting(within limit: WriteLimit) throws(WSError) {
    while true {
      let before = progress.load(ordering: .relaxed)
      // Asking the clock costs more than the lock: only where there is something to wait for.
      if writeLock.tryLock() || writeLock.lock(until: limit.next) { return }
      switch limit {
      case .now: throw .wouldBlock
      case .idle where progress.load(ordering: .relaxed) != before: continue
      case .idle, .until: throw transport.isAborted ? stateLock.withLock { abortCause } : .timeout
      }
    }
  }

  // MARK: - Under writeLock

  /// Sends the whole frame, waiting where the transport is full.
  func transmit(_ frame: OutgoingFrame, within limit: WriteLimit) throws(WSError) {
    var frame = frame
    var isFirst = true
    repeat {
      var lent = ByteView.empty
      do throws(OutOfMemory) { lent = try prepare(&frame) } catch { throw isFirst ? .outOfMemory : failWriting(.broken) }
      if isFirst { announce(frame) }
      while !outgoing.isEmpty || !lent.isEmpty {
        let sent = try pushOrWait(lent, within: limit, isFirst ? frame : nil)
        if isFirst, sent > 0 {
          begin(frame)
          isFirst = false
        }
        // Of a frame that has not begun nothing is kept: where the transport had room again after all, the next round begins it.
        if sent == 0, !isFirst, case .now = limit { return try keepRest(of: &frame, lent) }
        let beyond = sent &- min(sent, outgoing.count)
        outgoing.discard(sent)
        lent = lent.cut(from: beyond)
      }
    } while !frame.isFinished
    end(frame)
  }

  /// What a stopped answer left behind must go first.
  func drainOutgoing(within limit: WriteLimit) throws(WSError) {
    guard !outgoing.isEmpty else { return }
    while !outgoing.isEmpty {
      let sent = try pushOrWait(.empty, within: limit, isResidue: true)
      outgoing.discard(sent)
      if sent > 0 { outputMoved() }
    }
    endResidue()
  }

  /// Puts the next bytes of the frame into `outgoing`, and gives what may follow them from where it lies.
  private func prepare(_ frame: inout OutgoingFrame) throws(OutOfMemory) -> ByteView {
    let wanted = max(frame.countBeforeLent(Self.chunk &+ FrameHeader.maximumSize), FrameHeader.maximumSize)
    try outgoing.reserve(max(wanted, BlockPool.smallest))
    let space = UnsafeMutableRawBufferPointer(start: outgoing.freeSpace.baseAddress, count: wanted)
    outgoing.commit(frame.fillBeforeLent(space))
    return frame.lend()
  }

  /// Sends some of `outgoing` and then `payload`; waits when the transport takes nothing. The first byte of a frame decides what
  /// a timeout means: before it (`unbegun`) nothing has happened, behind it the stream is broken.
  private func pushOrWait(
    _ payload: ByteView, within limit: WriteLimit, _ unbegun: OutgoingFrame? = nil, isResidue: Bool = false
  ) throws(WSError) -> Int {
    do throws(TransportError) {
      let sent = try put(outgoing.bytes, payload)
      if sent == 0 {
        if case .now = limit, unbegun == nil, !isResidue { return 0 }
        let interruptible = unbegun != nil && stateLock.withLock { settings.isInterruptible }
        _ = try transport.wait(for: .write, deadline: limit.next, interruptible: interruptible)
      }
      return sent
    } catch {
      if let unbegun { retract(unbegun) }
      guard error == .timeout || error == .interrupted || error == .outOfMemory else { throw failWriting(WSError(error)) }
      let reported: WSError = if case .now = limit { .wouldBlock } else { WSError(error) }
      if isResidue { throw reported }
      guard unbegun != nil else { throw failWriting(.broken, after: error == .timeout ? limit.time : nil) }
      outgoing.removeAll()
      throw reported
    }
  }

  /// Sends what the transport takes now, and counts it.
  func put(_ first: ByteView, _ second: ByteView) throws(TransportError) -> Int {
    let sent = try transport.trySend(first, second)
    if sent > 0 { progress.wrappingAdd(1, ordering: .relaxed) }
    sender.passed(sent)
    return sent
  }

  /// The frame's first byte is about to leave.
  func announce(_ frame: OutgoingFrame) {
    guard frame.header.opcode == .close, let close = try? ClosePayload(parsing: frame.controlPayload) else { return }
    stateLock.withLock { closeCodeLeaving = close.code }
  }

  /// The frame's first byte has left.
  func begin(_ frame: OutgoingFrame) {
    sender.begin(frame)
    switch frame.header.opcode {
    case .text, .binary, .continuation, .pong: return
    case .ping: stateLock.withLock { notePing(frame.controlPayload) }
    case .close:
      let code = sender.closeSent
      stateLock.withLock { closeCodeSent = code }
    }
  }

  /// The frame's last byte has left.
  func end(_ frame: OutgoingFrame) {
    guard frame.header.opcode == .close else { return }
    stateLock.withLock { isCloseOut = true }
    finishSendingIfOver()
  }

  /// The rest of a stopped answer has left. Nothing follows a close frame, so if one was begun, this was it.
  func endResidue() {
    guard sender.closeSent != nil else { return }
    stateLock.withLock { isCloseOut = true }
    finishSendingIfOver()
  }

  /// The frame's first byte has not left after all.
  func retract(_ frame: OutgoingFrame) {
    guard frame.header.opcode == .close else { return }
    stateLock.withLock { closeCodeLeaving = nil }
  }

  /// The first failure of the half stays.
  func failWriting(_ error: WSError, after time: TimeLimit? = nil) -> WSError {
    let error = transport.isAborted ? stateLock.withLock { abortCause } : error
    if writeFailure == nil {
      writeFailure = error
      stateLock.withLock {
        writingFailure = error
        brokenAfter = time
      }
      note(error, of: .write)
    }
    outgoing.removeAll()
    sender.fail()
    return error
  }
}
