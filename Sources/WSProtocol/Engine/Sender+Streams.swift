// Steps of messages that are written in pieces, plain or compressed. The shell asks whether a step needs a frame, sends it, and then
// lets the step count: one that could not be sent has changed nothing and can be repeated.
//
// What is compressed cannot be taken back. So the frame of a compressed message holds what steps before brought, and leaves before the
// new bytes are compressed.

extension Sender {
  /// Begins a message that is written in pieces, of which about `limit` bytes are kept. Returns its number.
  public mutating func openStream(_ kind: MessageKind, limit: Int, compressed: Bool = true) throws(SendError) -> UInt64 {
    try checkOrder(isFirst: true)
    let compresses = compresses(0, isWhole: false, compressed)
    stream.open(
      kind, compresses ? .undecided(threshold: compression.threshold) : .plain, limit: limit, checksUTF8: checksUTF8)
    return stream.number
  }

  /// Whether a frame must leave for the step. `.noMessageOpen`: the message of that number is over.
  public mutating func streamNeedsFrame(_ number: UInt64, _ step: StreamStep) throws(SendError) -> Bool {
    try stream.check(number, step)
    guard closeSent == nil else { throw .closeSent }
    guard !isStuck else { throw .outOfMemory }
    if stream.mustCompress(step) { try compressKept() }
    guard case .compressed = stream.form else { return stream.needsFrame(step) }
    switch step {
    case .add(let bytes): return mustLeave(before: bytes)
    case .flush: return stream.compressedCount > 0
    case .end: return true
    }
  }

  /// As much has been compressed as is kept, and more comes.
  private mutating func mustLeave(before bytes: ByteView) -> Bool {
    let waiting = compressor?.output.count ?? 0
    return !bytes.isEmpty && waiting >= stream.limit
  }

  /// That frame. Its bytes are borrowed until `finishStream`, which is to follow when it has been sent.
  public mutating func streamFrame(_ step: StreamStep, maskKey: UInt32) throws(SendError) -> OutgoingFrame {
    var isFinal = false
    if case .end = step { isFinal = true }
    guard case .compressed = stream.form else {
      return frame(stream.kind, isFinal: isFinal, try stream.payload(step), maskKey)
    }
    do throws(OutOfMemory) {
      switch step {
      case .add: break
      case .flush: try compressor?.flush()
      case .end: if !stream.isComplete { try compressor?.finish() }
      }
    } catch {
      throw giveUpStream()
    }
    if isFinal { stream.isComplete = true }
    let payload = Payload(compressor?.output.bytes ?? .empty)
    return frame(stream.kind, isFinal: isFinal, payload, maskKey, plainCount: stream.compressedCount)
  }

  /// The step's frame has been sent, or it needs none: the step counts. Throws `.outOfMemory`: of a plain message nothing has changed;
  /// a compressed one is over, and where frames of it have left no other can follow.
  public mutating func finishStream(_ step: StreamStep) throws(SendError) {
    guard case .compressed = stream.form else { return try stream.finish(step) }
    switch step {
    case .add(let bytes):
      if mustLeave(before: bytes) { clearCompressed() }
      do throws(OutOfMemory) { try compressor?.add(bytes) } catch { throw giveUpStream() }
      stream.compressedCount = stream.compressedCount &+ bytes.count
      stream.advance(bytes)
    case .flush: clearCompressed()
    case .end:
      compressor?.output.removeAll()
      compressor?.releaseIfIdle()
      stream.close()
    }
  }

  /// What was compressed has left.
  private mutating func clearCompressed() {
    compressor?.output.removeAll()
    stream.compressedCount = 0
  }

  /// The message is large enough to be compressed.
  private mutating func compressKept() throws(SendError) {
    applyCompression()
    do throws(OutOfMemory) { try compressor?.add(stream.bytes) } catch { throw giveUpStream() }
    stream.compress()
  }

  /// There is no memory to compress more of the message.
  private mutating func giveUpStream() -> SendError {
    giveUp()
    if !isStuck { stream.close() }
    return .outOfMemory
  }
}
