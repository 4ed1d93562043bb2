// Masking: every byte of a client's payload is XORed with one of the four bytes of the frame's key. RFC 6455 5.3.
//
// The fast path works on four 32-byte vectors a step; the slow twin is the RFC's own formula. A test holds them together on
// every size, alignment and phase.

/// XOR with a masking key.
public enum Mask {
  /// Masks or unmasks the bytes where they lie. `phase` is how many bytes of the payload came before, modulo 4; returns the
  /// phase for the bytes that follow.
  @discardableResult
  public static func apply(_ bytes: UnsafeMutableRawBufferPointer, key: UInt32, phase: Int = 0) -> Int {
    guard let base = bytes.baseAddress else { return phase & 3 }
    return apply(from: base, to: base, count: bytes.count, key: key, phase: phase)
  }

  /// Masks or unmasks `count` bytes from one place into another; the two may be the same, but not overlap otherwise.
  @discardableResult
  public static func apply(
    from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int, key: UInt32, phase: Int = 0
  ) -> Int {
    let key = rotated(key, by: phase)
    var index = 0
    if count >= 128 {
      let wide = SIMD8<UInt32>(repeating: key.littleEndian)
      while index &+ 128 <= count {
        vector(source, target, index, wide)
        vector(source, target, index &+ 32, wide)
        vector(source, target, index &+ 64, wide)
        vector(source, target, index &+ 96, wide)
        index = index &+ 128
      }
    }
    let word = (UInt64(key) | UInt64(key) &<< 32).littleEndian
    while index &+ 8 <= count {
      let masked = source.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ word
      target.storeBytes(of: masked, toByteOffset: index, as: UInt64.self)
      index = index &+ 8
    }
    oneByOne(source, target, index..<max(index, count), key)
    return (phase &+ count) & 3
  }

  /// The slow twin: RFC 6455 5.3, transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4).
  @discardableResult
  public static func applyOneByOne(_ bytes: UnsafeMutableRawBufferPointer, key: UInt32, phase: Int = 0) -> Int {
    guard let base = bytes.baseAddress else { return phase & 3 }
    oneByOne(base, base, 0..<bytes.count, rotated(key, by: phase))
    return (phase &+ bytes.count) & 3
  }

  @inline(__always)
  private static func oneByOne(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ range: Range<Int>, _ key: UInt32
  ) {
    for index in range {
      let octet = UInt8(truncatingIfNeeded: key &>> UInt32(truncatingIfNeeded: (index & 3) &* 8))
      let masked = source.load(fromByteOffset: index, as: UInt8.self) ^ octet
      target.storeBytes(of: masked, toByteOffset: index, as: UInt8.self)
    }
  }

  @inline(__always)
  private static func vector(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ offset: Int, _ key: SIMD8<UInt32>
  ) {
    let masked = source.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt32>.self) ^ key
    target.storeBytes(of: masked, toByteOffset: offset, as: SIMD8<UInt32>.self)
  }

  /// The key as it looks from `phase` bytes on.
  @inline(__always)
  private static func rotated(_ key: UInt32, by phase: Int) -> UInt32 {
    let bits = UInt32(truncatingIfNeeded: (phase & 3) &* 8)
    return key &>> bits | key &<< ((32 &- bits) & 31)
  }
}
