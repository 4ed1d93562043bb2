// SHA-1, which the opening handshake is made with (RFC 6455 1.3). It proves that a server speaks WebSocket and protects nothing;
// use it for nothing else.

/// SHA-1 of bytes that come in parts. FIPS 180-4 6.1.
public struct SHA1 {
  /// The 20 bytes of a digest.
  public typealias Digest = InlineArray<20, UInt8>

  private var state: InlineArray<5, UInt32> = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
  private var block = InlineArray<16, UInt32>(repeating: 0)
  private var count: UInt64 = 0

  /// The digest of nothing, so far.
  public init() {}

  /// Adds bytes to what is digested.
  public mutating func update(_ bytes: ByteView) {
    for byte in bytes { absorb(byte) }
  }

  /// The digest of everything that was added. Consumes the state: begin anew for the next one.
  public consuming func finish() -> Digest {
    let bits = count &* 8
    absorb(0x80)
    while count & 63 != 56 { absorb(0) }
    for shift in stride(from: 56, through: 0, by: -8) { absorb(UInt8(truncatingIfNeeded: bits &>> UInt64(shift))) }
    var digest = Digest(repeating: 0)
    for index in 0..<20 {
      digest[index] = UInt8(truncatingIfNeeded: state[index &>> 2] &>> UInt32(24 &- 8 &* (index & 3)))
    }
    return digest
  }

  private mutating func absorb(_ byte: UInt8) {
    let word = Int(truncatingIfNeeded: count &>> 2) & 15
    block[word] = block[word] &<< 8 | UInt32(byte)
    count &+= 1
    if count & 63 == 0 { compress() }
  }

  private mutating func compress() {
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for round in 0..<80 {
      if round >= 16 { extend(round) }
      let (mixed, constant) = Self.mix(round, b, c, d)
      let next = Self.rotate(a, 5) &+ mixed &+ e &+ constant &+ block[round & 15]
      (a, b, c, d, e) = (next, a, Self.rotate(b, 30), c, d)
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
  }

  /// The message schedule, kept in the sixteen words of the block.
  private mutating func extend(_ round: Int) {
    let mixed = block[(round &- 3) & 15] ^ block[(round &- 8) & 15] ^ block[(round &- 14) & 15] ^ block[round & 15]
    block[round & 15] = Self.rotate(mixed, 1)
  }

  private static func mix(_ round: Int, _ b: UInt32, _ c: UInt32, _ d: UInt32) -> (mixed: UInt32, constant: UInt32) {
    if round < 20 { return ((b & c) | (~b & d), 0x5A82_7999) }
    if round < 40 { return (b ^ c ^ d, 0x6ED9_EBA1) }
    if round < 60 { return ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC) }
    return (b ^ c ^ d, 0xCA62_C1D6)
  }

  @inline(__always) private static func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 {
    word &<< bits | word &>> (32 &- bits)
  }
}
