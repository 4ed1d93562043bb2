// Messages that came while somebody waited for a pong and nobody read: kept, in their order, for the next reads.
import WSProtocol

/// Whole messages, up to a limit. Owned by the reading half.
struct WaitingMessages: ~Copyable {
  /// Each message behind its size and its kind.
  private var records = ByteQueue()
  /// The bytes at the front of `records` that a reader looks at.
  private var handedOut = 0
  /// Memory of messages that a reader may still look at, from before more came.
  private var stillLent = ByteQueue()
  /// One that the receiver still lends, behind all others: nothing more can be received before it has been read.
  private(set) var last: BorrowedMessage?

  private struct Head {
    let size: Int
    let kind: MessageKind
  }

  /// True when there is nothing to read.
  var isEmpty: Bool { records.count == handedOut && last == nil }

  /// Takes a message that the receiver lends: a copy, or, where that would be beyond the limit, the loan itself.
  mutating func append(_ message: BorrowedMessage, limit: Int) {
    let size = MemoryLayout<Head>.size
    let (total, overflow) = (records.count &- handedOut).addingReportingOverflow(message.bytes.count &+ size)
    guard !overflow, total <= limit, copy(message) else { return last = message }
  }

  /// False: no memory.
  private mutating func copy(_ message: BorrowedMessage) -> Bool {
    do throws(OutOfMemory) {
      try keepHandedOut()
      let head = Head(size: message.bytes.count, kind: message.kind)
      try records.reserve(MemoryLayout<Head>.size &+ message.bytes.count)
      records.freeSpace.baseAddress?.storeBytes(of: head, as: Head.self)
      records.commit(MemoryLayout<Head>.size)
      try records.append(message.bytes)
      return true
    } catch {
      return false
    }
  }

  /// Adding may move the memory, so what a reader looks at stays behind.
  private mutating func keepHandedOut() throws(OutOfMemory) {
    guard handedOut > 0 else { return }
    var rest = ByteQueue()
    try rest.append(records.bytes.cut(from: handedOut))
    swap(&records, &rest)
    swap(&stillLent, &rest)
    handedOut = 0
  }

  /// The next message, lent until this is called again.
  mutating func next() -> BorrowedMessage? {
    stillLent.release()
    records.discard(handedOut)
    handedOut = 0
    guard records.count >= MemoryLayout<Head>.size, let start = records.bytes.baseAddress else {
      records.release()
      defer { last = nil }
      return last
    }
    let head = start.loadUnaligned(as: Head.self)
    let bytes = records.bytes.cut(from: MemoryLayout<Head>.size).cut(0, head.size)
    handedOut = MemoryLayout<Head>.size &+ bytes.count
    return BorrowedMessage(kind: head.kind, bytes: bytes)
  }

  /// Forgets what has not been handed out. What a reader looks at stays.
  mutating func drop() {
    records.truncate(to: handedOut)
    last = nil
  }
}
