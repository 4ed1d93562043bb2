// One frame on its way out: its header, where its payload lies, and how far it has been copied or lent.
import CMemory

/// One frame on its way out. The payload is the caller's.
public struct OutgoingFrame {
  /// What stands in front of the payload.
  public let header: FrameHeader
  /// The state of the text that this frame leaves open, where outgoing text is checked.
  let openText: UTF8Validator?
  /// The bytes of a compressed message that the payload stands for; nil where it is not compressed.
  let plainCount: Int?
  private var headerIsWritten = false
  private var cursor: PayloadCursor

  /// A part of at least so many bytes is not worth copying; see `lend`.
  private static let lentPart = 16384
  /// Nor are so many bytes at the end. Fewer are: a system call for two pieces costs more than copying one behind the other.
  private static let lentEnd = 4000

  init(header: FrameHeader, payload: Payload, openText: UTF8Validator? = nil, plainCount: Int? = nil) {
    self.header = header
    self.openText = openText
    self.plainCount = plainCount
    cursor = PayloadCursor(payload)
  }

  /// The bytes to send, unmasked.
  public var payload: Payload { cursor.payload }

  /// The payload of a control frame.
  public var controlPayload: ByteView { payload.part(0) }

  /// True when all bytes have been written by `fill` or lent.
  public var isFinished: Bool { headerIsWritten && cursor.left == 0 }

  /// How many bytes `fill` will write still.
  public var left: Int {
    let (sum, overflow) = cursor.left.addingReportingOverflow(headerIsWritten ? 0 : header.size)
    return overflow ? Int.max : sum
  }

  /// Writes the next bytes of the frame, header first and masked where the header says so. `space` has at least
  /// `FrameHeader.maximumSize` bytes; returns how many were written.
  public mutating func fill(_ space: UnsafeMutableRawBufferPointer) -> Int { fill(space, lending: false) }

  /// The same, but stops in front of what `lend` gives.
  public mutating func fillBeforeLent(_ space: UnsafeMutableRawBufferPointer) -> Int { fill(space, lending: true) }

  private mutating func fill(_ space: UnsafeMutableRawBufferPointer, lending: Bool) -> Int {
    guard let target = space.baseAddress, space.count >= FrameHeader.maximumSize else { return 0 }
    var written = 0
    if !headerIsWritten {
      written = header.write(to: target)
      headerIsWritten = true
    }
    while written < space.count, !(lending && canLend), let source = cursor.rest.baseAddress {
      let count = min(space.count &- written, cursor.rest.count)
      copy(source, to: target + written, count)
      cursor.pass(count)
      written = written &+ count
    }
    return written
  }

  private func copy(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, _ count: Int) {
    if let key = header.maskKey {
      Mask.apply(from: source, to: target, count: count, key: key, phase: cursor.passed & 3)
    } else {
      memcpy(target, source, count)
    }
  }

  /// The next bytes of a frame without a mask that may be sent from where they lie: the rest of its last part, unless it is small, or
  /// of a large one. They count as written; none where bytes must be copied first.
  public mutating func lend() -> ByteView {
    guard headerIsWritten, canLend else { return .empty }
    let lent = cursor.rest
    cursor.pass(lent.count)
    return lent
  }

  private var canLend: Bool {
    let size = cursor.rest.count
    return header.maskKey == nil && size >= (size == cursor.left ? Self.lentEnd : Self.lentPart)
  }

  /// How many bytes `fillBeforeLent` writes if it is given the room, but not much more than `most`.
  public func countBeforeLent(_ most: Int) -> Int {
    var count = headerIsWritten ? 0 : header.size
    guard header.maskKey == nil else { return min(left, most) }
    var ahead = self
    while count < most, ahead.cursor.left > 0, !ahead.canLend {
      count = count &+ ahead.cursor.rest.count
      ahead.cursor.pass(ahead.cursor.rest.count)
    }
    return min(count, most)
  }
}
