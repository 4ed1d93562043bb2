// The message that is arriving: what it is, whether it keeps within the limit, and whether its text is text.

/// A data message between its first header and its end.
struct IncomingMessage {
  let kind: MessageKind
  let delivery: Delivery
  let isCompressed: Bool
  /// The bytes of payload that the headers have announced so far.
  private(set) var announced: UInt64 = 0
  /// The bytes that have come out of a compressed message so far.
  private var inflated: UInt64 = 0
  private let validates: Bool
  private var validator = UTF8Validator()

  /// What a compressed message may have on the wire beyond the limit and an eighth of it.
  private static let compressedMargin: UInt64 = 1024

  /// The message that begins with this header.
  init(_ header: FrameHeader, delivery: Delivery, checksUTF8: Bool) {
    kind = header.opcode == .text ? .text : .binary
    self.delivery = delivery
    isCompressed = header.isCompressed
    validates = checksUTF8 && kind == .text
  }

  /// The bytes of a message that is complete.
  var size: UInt64 { isCompressed ? inflated : announced }

  /// Judges a frame by its header, before anything is spent on it. `limit` is the largest message, 0 for none.
  mutating func announce(_ length: Int, limit: UInt64) throws(ProtocolError) {
    let claimed = UInt64(truncatingIfNeeded: length)
    let allowed = isCompressed ? Self.largestCompressed(limit) : limit
    guard limit == 0 || (announced <= allowed && claimed <= allowed &- announced) else { throw .messageTooBig(limit: limit) }
    announced = announced &+ claimed
  }

  /// The same for a message that is one frame and not compressed.
  @inline(__always)
  static func check(_ length: Int, limit: UInt64) throws(ProtocolError) {
    guard limit == 0 || UInt64(truncatingIfNeeded: length) <= limit else { throw .messageTooBig(limit: limit) }
  }

  /// Compressing makes some messages larger, but never by much: a flush behind every part of 40 bytes is within this.
  private static func largestCompressed(_ limit: UInt64) -> UInt64 {
    let (sum, overflow) = limit.addingReportingOverflow(limit / 8 &+ compressedMargin)
    return overflow ? .max : sum
  }

  /// These bytes have come out of a compressed message. What the limit allows is looked at before the limit is, so that it does not
  /// matter in which pieces they come.
  mutating func grow(_ bytes: ByteView, limit: UInt64) throws(ProtocolError) {
    try validate(bytes.cut(0, left(limit: limit) ?? bytes.count), isLast: false)
    inflated = inflated &+ UInt64(truncatingIfNeeded: bytes.count)
    guard limit == 0 || inflated <= limit else { throw .messageTooBig(limit: limit) }
  }

  /// How many bytes may still come out of it; nil: any number.
  func left(limit: UInt64) -> Int? {
    guard limit != 0 else { return nil }
    return inflated < limit ? Int(exactly: limit &- inflated) : 0
  }

  /// Looks at the next bytes of the message.
  @inline(__always)
  mutating func validate(_ bytes: ByteView, isLast: Bool) throws(ProtocolError) {
    guard validates else { return }
    guard validator.advance(bytes), !isLast || validator.isComplete else { throw .invalidUTF8 }
  }
}
