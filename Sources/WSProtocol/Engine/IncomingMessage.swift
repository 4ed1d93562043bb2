// The message that is arriving: what it is, whether it keeps within the limit, and whether its text is text.

/// A data message between its first header and its end.
struct IncomingMessage {
  let kind: MessageKind
  let delivery: Delivery
  /// The bytes of payload that the headers have announced so far.
  private(set) var announced: UInt64 = 0
  private let validates: Bool
  private var validator = UTF8Validator()

  /// The message that begins with this header.
  init(_ header: FrameHeader, delivery: Delivery, checksUTF8: Bool) {
    kind = header.opcode == .text ? .text : .binary
    self.delivery = delivery
    validates = checksUTF8 && kind == .text
  }

  /// Judges a frame by its header, before anything is spent on it. `limit` is the largest message, 0 for none.
  mutating func announce(_ length: Int, limit: UInt64) throws(ProtocolError) {
    let claimed = UInt64(truncatingIfNeeded: length)
    guard limit == 0 || (announced <= limit && claimed <= limit &- announced) else { throw .messageTooBig(limit: limit) }
    announced = announced &+ claimed
  }

  /// Looks at the next bytes of the message.
  @inline(__always)
  mutating func validate(_ bytes: ByteView, isLast: Bool) throws(ProtocolError) {
    guard validates else { return }
    guard validator.advance(bytes), !isLast || validator.isComplete else { throw .invalidUTF8 }
  }
}
