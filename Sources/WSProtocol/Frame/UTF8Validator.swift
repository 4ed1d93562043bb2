// UTF-8 as RFC 3629 defines it, checked as it arrives: the first byte that cannot be right is an error, in the middle of a
// message and of a character too. RFC 6455 8.1.
//
// ASCII is skipped 32 bytes a step, other text is judged 64 bytes a step; the slow twin looks at every byte. A test holds them
// together.

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
        if index >= 3, count &- index >= Self.stride {
          guard let next = skipText(bytes, from: index) else { return false }
          index = next
          continue
        }
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

  /// How many bytes `skipText` judges at once.
  private static let stride = 64

  /// Skips text of any kind between two characters, at least one stride of it. There are three bytes in front of it, and they are good.
  /// nil: it is no UTF-8.
  private func skipText(_ bytes: ByteView, from start: Int) -> Int? {
    guard let base = bytes.baseAddress else { return start }
    var index = start
    repeat {
      let faults =
        UTF8Block(base, index).faults .| UTF8Block(base, index &+ 16).faults
        .| UTF8Block(base, index &+ 32).faults .| UTF8Block(base, index &+ 48).faults
      guard unsafeBitCast(faults, to: SIMD2<UInt64>.self) == SIMD2(repeating: 0) else { return nil }
      index = index &+ Self.stride
    } while bytes.count &- index >= Self.stride && !UTF8Block(base, index).isASCII
    // Back to where a character begins that is not complete.
    if bytes[index &- 1] >= 0xC2 { return index &- 1 }
    if bytes[index &- 2] >= 0xE0 { return index &- 2 }
    return bytes[index &- 3] >= 0xF0 ? index &- 3 : index
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

/// Sixteen bytes of a text, each beside the three in front of it: enough to judge each by itself. RFC 3629 4.
private struct UTF8Block {
  private typealias Bytes = SIMD16<UInt8>
  private let bytes: Bytes
  private let before: Bytes
  private let twoBefore: Bytes
  private let threeBefore: Bytes

  @inline(__always)
  init(_ base: UnsafeRawPointer, _ offset: Int) {
    bytes = base.loadUnaligned(fromByteOffset: offset, as: Bytes.self)
    before = base.loadUnaligned(fromByteOffset: offset &- 1, as: Bytes.self)
    twoBefore = base.loadUnaligned(fromByteOffset: offset &- 2, as: Bytes.self)
    threeBefore = base.loadUnaligned(fromByteOffset: offset &- 3, as: Bytes.self)
  }

  @inline(__always) var isASCII: Bool {
    unsafeBitCast(bytes, to: SIMD2<UInt64>.self) & SIMD2(repeating: 0x8080_8080_8080_8080) == SIMD2(repeating: 0)
  }

  /// Which bytes cannot stand where they do.
  @inline(__always) var faults: SIMDMask<SIMD16<Int8>> {
    let mustContinue = (before .>= all(0xC2)) .| (twoBefore .>= all(0xE0)) .| (threeBefore .>= all(0xF0))
    let continues = (bytes & all(0xC0)) .== all(0x80)
    let neverStands = ((bytes & all(0xFE)) .== all(0xC0)) .| (bytes .>= all(0xF5))
    return (mustContinue .^ continues) .| neverStands .| narrowFaults
  }

  /// Behind E0, ED, F0 and F4 only some of 80...BF may stand.
  @inline(__always) private var narrowFaults: SIMDMask<SIMD16<Int8>> {
    let ofThree = ((before .== all(0xE0)) .& (bytes .< all(0xA0))) .| ((before .== all(0xED)) .& (bytes .> all(0x9F)))
    let ofFour = ((before .== all(0xF0)) .& (bytes .< all(0x90))) .| ((before .== all(0xF4)) .& (bytes .> all(0x8F)))
    return ofThree .| ofFour
  }

  /// A vector to compare with: a comparison with one number is not compiled to vectors.
  @inline(__always) private func all(_ byte: UInt8) -> Bytes { Bytes(repeating: byte) }
}
