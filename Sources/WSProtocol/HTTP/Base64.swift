// Base64 with the alphabet of RFC 4648 4, padded and without line ends: handshake keys and Basic credentials.

/// Base64, RFC 4648 4.
public enum Base64 {
  /// The size of the encoding of that many bytes, at most 2^60 of them.
  public static func encodedCount(_ count: Int) -> Int { (count &+ 2) / 3 &* 4 }

  /// Adds the encoding of the bytes.
  public static func encode(_ bytes: ByteView, to output: inout ByteQueue) throws(OutOfMemory) {
    let size = encodedCount(bytes.count)
    try output.reserve(size)
    encode(bytes, into: output.freeSpace)
    output.commit(size)
  }

  /// Writes the encoding of the bytes to `target`, as much of it as there is room for.
  static func encode(_ bytes: ByteView, into target: UnsafeMutableRawBufferPointer) {
    var written = 0
    var index = 0
    while index < bytes.count, written &+ 4 <= target.count {
      let left = bytes.count &- index
      let second = left > 1 ? bytes[index &+ 1] : 0
      let third = left > 2 ? bytes[index &+ 2] : 0
      let group = UInt32(bytes[index]) &<< 16 | UInt32(second) &<< 8 | UInt32(third)
      target[written] = symbol(group &>> 18)
      target[written &+ 1] = symbol(group &>> 12)
      target[written &+ 2] = left > 1 ? symbol(group &>> 6) : 0x3D
      target[written &+ 3] = left > 2 ? symbol(group) : 0x3D
      index &+= 3
      written &+= 4
    }
  }

  /// How many bytes the text decodes to; nil when it is not base64: whole groups of four, padding at the end only.
  public static func decodedCount(_ text: ByteView) -> Int? {
    guard text.count % 4 == 0 else { return nil }
    var symbols = text.count
    while symbols > 0, symbols &+ 2 > text.count, text[symbols &- 1] == 0x3D { symbols &-= 1 }
    for byte in text.cut(0, symbols) where value(byte) == nil { return nil }
    return text.count / 4 &* 3 &- (text.count &- symbols)
  }

  /// Adds the bytes that the text decodes to. False, and nothing is added, when it is not base64 or has bits set behind the
  /// last byte: the strict reading of RFC 4648 3.5, with one text for each run of bytes.
  public static func decode(_ text: ByteView, to output: inout ByteQueue) throws(OutOfMemory) -> Bool {
    guard let size = decodedCount(text) else { return false }
    try output.reserve(size)
    let space = output.freeSpace
    var bits: UInt32 = 0
    var held = 0
    var written = 0
    for byte in text {
      guard let symbol = value(byte) else { break }
      bits = bits &<< 6 | UInt32(symbol)
      held &+= 6
      guard held >= 8, written < size else { continue }
      held &-= 8
      space[written] = UInt8(truncatingIfNeeded: bits &>> UInt32(truncatingIfNeeded: held))
      written &+= 1
    }
    guard bits & (1 &<< UInt32(truncatingIfNeeded: held) &- 1) == 0 else { return false }
    output.commit(size)
    return true
  }

  private static func symbol(_ bits: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: bits & 63)
    if value < 26 { return 0x41 &+ value }
    if value < 52 { return 0x61 &+ (value &- 26) }
    if value < 62 { return 0x30 &+ (value &- 52) }
    return value == 62 ? 0x2B : 0x2F
  }

  private static func value(_ symbol: UInt8) -> UInt8? {
    if symbol.isDigit { return symbol &- 0x30 &+ 52 }
    if symbol.isLetter { return symbol < 0x61 ? symbol &- 0x41 : symbol &- 0x61 &+ 26 }
    if symbol == 0x2B { return 62 }
    return symbol == 0x2F ? 63 : nil
  }
}
