// Frame headers, parsed into values and validated in the same breath; and written.
//
//   0                   1                   2                   3
//   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//  +-+-+-+-+-------+-+-------------+-------------------------------+
//  |F|R|R|R| opcode|M| length (7)  | extended length, 16 or 64 bit |
//  |I|S|S|S|  (4)  |A| 126: 16 bit | (when length is 126 or 127),  |
//  |N|1|2|3|       |S| 127: 64 bit | then the masking key, 32 bit  |
//  +-+-+-+-+-------+-+-------------+-------------------------------+
// RFC 6455 5.2

/// What the receiving side knows when a header arrives, and what it therefore accepts.
public struct FrameRules: Sendable {
  /// Which end we are: servers want masked frames, clients unmasked ones. RFC 6455 5.1.
  public var role: Role
  /// An extension gave RSV1 a meaning on the first frame of a message. RFC 7692 6.
  public var allowsCompressed: Bool
  /// A message has begun and is not finished. RFC 6455 5.4.
  public var messageIsOpen: Bool

  /// Rules for the next header.
  public init(role: Role, allowsCompressed: Bool = false, messageIsOpen: Bool = false) {
    self.role = role
    self.allowsCompressed = allowsCompressed
    self.messageIsOpen = messageIsOpen
  }
}

/// The header of one frame.
public struct FrameHeader: Sendable {
  /// The most bytes a header can have: 2, 8 of length, 4 of key.
  public static let maximumSize = 14

  /// The last frame of its message.
  public var isFinal: Bool
  /// RSV1: the message is compressed. RFC 7692 6.
  public var isCompressed: Bool
  /// What the frame is.
  public var opcode: Opcode
  /// The masking key as its four bytes in little-endian order, or nil when the payload is not masked. RFC 6455 5.3.
  public var maskKey: UInt32?
  /// The bytes of payload, 0 to Int.max.
  public var length: Int

  /// A header to be written.
  public init(opcode: Opcode, isFinal: Bool = true, isCompressed: Bool = false, maskKey: UInt32? = nil, length: Int) {
    self.opcode = opcode
    self.isFinal = isFinal
    self.isCompressed = isCompressed
    self.maskKey = maskKey
    self.length = length
  }

  /// The bytes that the header takes.
  public var size: Int {
    2 + (length < 126 ? 0 : length < 65536 ? 2 : 8) + (maskKey == nil ? 0 : 4)
  }

  /// Parses a header at the front of `bytes`. nil: more bytes are needed. What the first two bytes forbid is refused before the
  /// rest has arrived.
  public static func parse(_ bytes: ByteView, rules: FrameRules) throws(ProtocolError) -> FrameHeader? {
    guard bytes.count >= 2 else { return nil }
    let opcode = try checkFirstByte(bytes[0], rules: rules)
    let isFinal = bytes[0] & 0x80 != 0
    let isMasked = bytes[1] & 0x80 != 0
    let short = Int(bytes[1] & 0x7F)
    try checkControl(opcode, isFinal: isFinal, length: short)
    try checkMask(isMasked, role: rules.role)

    let lengthSize = short < 126 ? 0 : short == 126 ? 2 : 8
    let size = 2 + lengthSize + (isMasked ? 4 : 0)
    guard bytes.count >= 2 + lengthSize else { return nil }
    let length = try length(short, bytes.cut(2, 2 + lengthSize))
    guard bytes.count >= size else { return nil }
    let key = isMasked ? UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: size - 4, as: UInt32.self)) : nil
    return FrameHeader(
      opcode: opcode, isFinal: isFinal, isCompressed: bytes[0] & 0x40 != 0, maskKey: key, length: length)
  }

  /// Writes the header. `space` has at least `maximumSize` bytes; returns how many were written. Lengths take the shortest
  /// form: RFC 6455 5.2, "the minimal number of bytes MUST be used".
  @discardableResult
  public func write(to space: UnsafeMutableRawPointer) -> Int {
    let first = (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode.rawValue
    let maskBit: UInt8 = maskKey == nil ? 0 : 0x80
    space.storeBytes(of: first, as: UInt8.self)
    var size = 2
    if length < 126 {
      space.storeBytes(of: maskBit | UInt8(truncatingIfNeeded: length), toByteOffset: 1, as: UInt8.self)
    } else if length < 65536 {
      space.storeBytes(of: maskBit | 126, toByteOffset: 1, as: UInt8.self)
      space.storeBytes(of: UInt16(truncatingIfNeeded: length).bigEndian, toByteOffset: 2, as: UInt16.self)
      size = 4
    } else {
      space.storeBytes(of: maskBit | 127, toByteOffset: 1, as: UInt8.self)
      space.storeBytes(of: UInt64(truncatingIfNeeded: length).bigEndian, toByteOffset: 2, as: UInt64.self)
      size = 10
    }
    guard let maskKey else { return size }
    space.storeBytes(of: maskKey.littleEndian, toByteOffset: size, as: UInt32.self)
    return size + 4
  }

  private static func checkFirstByte(_ byte: UInt8, rules: FrameRules) throws(ProtocolError) -> Opcode {
    // RFC 6455 5.2: RSV bits "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values".
    let opcode = Opcode(rawValue: byte & 0x0F)
    let startsMessage = opcode == .text || opcode == .binary
    let allowed: UInt8 = rules.allowsCompressed && startsMessage ? 0x40 : 0
    guard byte & 0x70 & ~allowed == 0 else { throw .reservedBits }
    // "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
    guard let opcode else { throw .unknownOpcode(byte & 0x0F) }
    // RFC 6455 5.4: the fragments of one message "MUST NOT be interleaved between the fragments of another".
    if startsMessage, rules.messageIsOpen { throw .messageInsideMessage }
    if opcode == .continuation, !rules.messageIsOpen { throw .unexpectedContinuation }
    return opcode
  }

  private static func checkControl(_ opcode: Opcode, isFinal: Bool, length: Int) throws(ProtocolError) {
    // RFC 6455 5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."
    guard opcode.isControl else { return }
    guard length <= 125 else { throw .controlTooLong }
    guard isFinal else { throw .controlFragmented }
  }

  private static func checkMask(_ isMasked: Bool, role: Role) throws(ProtocolError) {
    // RFC 6455 5.1: a server closes "upon receiving a frame that is not masked", a client upon one that is.
    switch role {
    case .server: guard isMasked else { throw .unmasked }
    case .client: guard !isMasked else { throw .masked }
    }
  }

  private static func length(_ short: Int, _ extended: ByteView) throws(ProtocolError) -> Int {
    // RFC 6455 5.2: "the minimal number of bytes MUST be used", and of 64 bits "the most significant bit MUST be 0".
    switch extended.count {
    case 2:
      let length = UInt16(bigEndian: extended.loadUnaligned(as: UInt16.self))
      guard length >= 126 else { throw .lengthNotMinimal }
      return Int(length)
    case 8:
      let length = UInt64(bigEndian: extended.loadUnaligned(as: UInt64.self))
      guard length >= 65536 else { throw .lengthNotMinimal }
      guard let length = Int(exactly: length) else { throw .lengthTooLarge }
      return length
    default:
      return short
    }
  }
}
