// A message that its user writes in pieces: what is kept for the next frame, and where frames are cut. RFC 6455 5.4. How it is compressed
// stands in `Sender+Streams`.
//
// One frame where everything fits into the buffer, whatever the pieces were. Beyond that a frame leaves when bytes come for which
// there is no room, and takes them along, all but the last ones: so a message never ends with an empty frame, unless its user has
// flushed everything out before. A step counts when its frame has been sent, so that one that could not be sent can be repeated.

/// What the user of a streamed message does.
public enum StreamStep {
  /// More bytes.
  case add(ByteView)
  /// What is kept leaves now.
  case flush
  /// The message is complete.
  case end
}

/// The state of a message that is written in pieces.
struct StreamedMessage: ~Copyable {
  enum Form {
    /// Sent as it is.
    case plain
    /// To be compressed once there are so many bytes of it; until then nothing is sent.
    case undecided(threshold: Int)
    /// Compressed; what waits for the next frame is the compressor's.
    case compressed
  }

  private(set) var kind = MessageKind.binary
  /// Counts messages: who wrote an earlier one must not go on in a later one.
  private(set) var number: UInt64 = 0
  private(set) var isOpen = false
  private(set) var form = Form.plain
  /// Bytes that were compressed since the last frame.
  var compressedCount = 0
  /// Its end has been compressed.
  var isComplete = false
  /// Its user wants to end it; nothing may be added any more.
  private var isEnding = false
  /// The most bytes that are kept.
  private(set) var limit = 1
  private var kept = ByteQueue()
  private var text: UTF8Validator?

  /// Memory is taken for so many bytes at once; a larger limit is grown into.
  private static let firstRoom = 65536

  mutating func open(_ kind: MessageKind, _ form: Form, limit: Int, checksUTF8: Bool) {
    self.kind = kind
    self.form = form
    self.limit = max(limit, 1)
    number = number &+ 1
    isOpen = true
    isEnding = false
    compressedCount = 0
    isComplete = false
    text = kind == .text && checksUTF8 ? UTF8Validator() : nil
  }

  /// Throws where a user of the message of that number must not do that.
  mutating func check(_ number: UInt64, _ step: StreamStep) throws(SendError) {
    guard isOpen, number == self.number else { throw .noMessageOpen }
    switch step {
    case .add(let bytes):
      guard !isEnding else { throw .noMessageOpen }
      guard var text else { return }
      guard text.advance(bytes) else { throw .invalidUTF8 }
    case .flush: guard !isEnding else { throw .noMessageOpen }
    case .end:
      guard text?.isComplete ?? true else { throw .invalidUTF8 }
      isEnding = true
    }
  }

  /// Whether the message becomes a compressed one by this step.
  func mustCompress(_ step: StreamStep) -> Bool {
    guard case .undecided(let threshold) = form else { return false }
    switch step {
    case .add(let bytes): return bytes.count >= threshold &- kept.count || bytes.count > limit &- kept.count
    case .flush: return !kept.isEmpty
    case .end: return kept.count >= threshold
    }
  }

  /// What was kept is the compressor's now.
  mutating func compress() {
    form = .compressed
    compressedCount = kept.count
    kept.releaseToPool()
  }

  /// What is kept, borrowed until the next call.
  var bytes: ByteView { kept.bytes }

  /// Whether a frame must leave for the step.
  func needsFrame(_ step: StreamStep) -> Bool {
    switch step {
    case .add(let bytes): bytes.count > limit &- kept.count
    case .flush: !kept.isEmpty
    case .end: true
    }
  }

  /// What that frame holds, borrowed until the next call. Makes room for what stays behind.
  mutating func payload(_ step: StreamStep) throws(SendError) -> Payload {
    switch step {
    case .add(let bytes):
      let taken = taken(of: bytes.count)
      try reserve(bytes.count &- taken &- kept.count)
      return Payload(kept.bytes, bytes.cut(0, taken))
    case .flush, .end: return Payload(kept.bytes)
    }
  }

  /// The step's frame has been sent, or it needs none. When this throws nothing has changed; it does so only without a frame.
  mutating func finish(_ step: StreamStep) throws(SendError) {
    switch step {
    case .add(let bytes):
      let taken = taken(of: bytes.count)
      if needsFrame(step) { kept.removeAll() } else { try reserve(bytes.count) }
      do throws(OutOfMemory) { try kept.append(bytes.cut(from: taken)) } catch { throw .outOfMemory }
      advance(bytes)
    case .flush: kept.removeAll()
    case .end: close()
    }
  }

  /// These bytes, which were checked, are part of the message.
  mutating func advance(_ bytes: ByteView) { _ = text?.advance(bytes) }

  /// The message is over.
  mutating func close() {
    isOpen = false
    kept.releaseToPool()
  }

  /// How many of so many new bytes the next frame takes along: frames are as long as the buffer, or a multiple of it, and between one
  /// byte and a buffer of them stay.
  private func taken(of count: Int) -> Int {
    let room = limit &- kept.count
    guard count > room else { return 0 }
    // Plain % has traps, though the limit is never 0.
    let staying = (count &- room &- 1).remainderReportingOverflow(dividingBy: limit).partialValue &+ 1
    return count &- staying
  }

  private mutating func reserve(_ wanted: Int) throws(SendError) {
    let first = kept.capacity == 0 ? min(limit, Self.firstRoom) : 0
    do throws(OutOfMemory) { try kept.reserve(max(wanted, first)) } catch { throw .outOfMemory }
  }

  /// The message can never be finished. It stays open, for its user to hear why.
  mutating func release() { kept.releaseToPool() }
}
