// UTF-8 as RFC 3629 defines it, checked as it arrives: the first byte that cannot be right is an error, in the middle of a
// message and of a character too. RFC 6455 8.1.
//
// ASCII is skipped 32 bytes a step; the slow twin looks at every byte. A test holds them together.

/// The state between two pieces of one text.
public struct UTF8Validator: Sendable {
  /// How many continuation bytes the character that has begun still needs.
  private var needed: UInt8 = 0
  /// What the next continuation byte may be; narrower than 80...BF behind E0, ED, F0 and F4.
  private var lowest: UInt8 = 0x80
  private var highest: UInt8 = 0xBF

  /// The state before the first byte.
  public init() {}

  /// True when the bytes are UTF-8 from first to last.
  public static func isText(_ bytes: ByteView) -> Bool {
    var validator = UTF8Validator()
    return validator.advance(bytes) && validator.isComplete
  }

  /// True between characters: the text may end here.
  @inline(__always) public var isComplete: Bool { needed == 0 }

  /// Takes the next piece. False: it holds a byte that no UTF-8 text can have there.
  public mutating func advance(_ bytes: ByteView) -> Bool {
    var index = 0
    let count = bytes.count
    while index < count {
      if needed == 0 {
        index = skipASCII(bytes, from: index)
        guard index < count else { return true }
      }
      guard step(bytes[index]) else { return false }
      index = index &+ 1
    }
    return true
  }

  /// The slow twin: one byte after the other.
  public mutating func advanceOneByOne(_ bytes: ByteView) -> Bool {
    for byte in bytes {
      guard step(byte) else { return false }
    }
    return true
  }

  @inline(__always)
  private func skipASCII(_ bytes: ByteView, from start: Int) -> Int {
    guard let base = bytes.baseAddress else { return start }
    var index = start
    while index &+ 32 <= bytes.count {
      let block = base.loadUnaligned(fromByteOffset: index, as: SIMD4<UInt64>.self)
      guard (block & SIMD4(repeating: 0x8080_8080_8080_8080)) == SIMD4(repeating: 0) else { break }
      index = index &+ 32
    }
    while index < bytes.count, bytes[index] < 0x80 { index = index &+ 1 }
    return index
  }

  /// One byte.
  @inline(__always)
  mutating func step(_ byte: UInt8) -> Bool {
    guard needed == 0 else { return stepInside(byte) }
    switch byte {
    case 0x00...0x7F: return true
    case 0xC2...0xDF: return begin(1, 0x80, 0xBF)
    case 0xE0: return begin(2, 0xA0, 0xBF)  // no longer form of a shorter character
    case 0xED: return begin(2, 0x80, 0x9F)  // no surrogates
    case 0xE1...0xEF: return begin(2, 0x80, 0xBF)
    case 0xF0: return begin(3, 0x90, 0xBF)
    case 0xF1...0xF3: return begin(3, 0x80, 0xBF)
    case 0xF4: return begin(3, 0x80, 0x8F)  // nothing above U+10FFFF
    default: return false  // 80...C1 and F5...FF begin no character
    }
  }

  @inline(__always)
  private mutating func stepInside(_ byte: UInt8) -> Bool {
    guard byte >= lowest, byte <= highest else { return false }
    needed = needed &- 1
    lowest = 0x80
    highest = 0xBF
    return true
  }

  @inline(__always)
  private mutating func begin(_ following: UInt8, _ lowest: UInt8, _ highest: UInt8) -> Bool {
    needed = following
    self.lowest = lowest
    self.highest = highest
    return true
  }
}
