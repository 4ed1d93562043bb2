// The text of IP addresses, read strictly and written in one way.

/// IPv4 addresses as text.
enum IPv4 {
  /// Four decimals of 0 to 255 without leading zeros, which some programs read as octal.
  static func parse(_ text: ByteView) -> UInt32? {
    var address: UInt32 = 0
    var start = 0
    for part in 0..<4 {
      let end = part == 3 ? text.count : text.position(of: 0x2E, from: start) ?? text.count
      let digits = text.cut(start, end)
      guard digits.count <= 3, let number = digits.decimal, number <= 255, digits.count == 1 || digits[0] != 0x30 else {
        return nil
      }
      address = address &<< 8 | UInt32(truncatingIfNeeded: number)
      start = end &+ 1
    }
    return address
  }
}

/// IPv6 addresses as text.
enum IPv6 {
  /// The address, or nil when the text is none. RFC 4291 2.2, all three forms; no zone.
  static func parse(_ text: ByteView) -> UInt128? {
    var groups = Groups()
    var rest = text
    if rest.cut(0, 2).equals(ByteView("::")) {
      groups.gap = 0
      rest = rest.cut(from: 2)
    }
    while !rest.isEmpty {
      let end = rest.position(of: 0x3A) ?? rest.count
      guard groups.add(rest.cut(0, end), isLast: end == rest.count) else { return nil }
      guard end < rest.count else { break }
      rest = rest.cut(from: end &+ 1)
      // A colon ends the text only as the second one of a gap.
      guard !rest.isEmpty else { return nil }
      guard rest[0] == 0x3A else { continue }
      guard groups.gap == nil else { return nil }
      groups.gap = groups.count
      rest = rest.cut(from: 1)
    }
    return groups.address
  }

  /// The groups read so far; those before the gap and those behind it stand together.
  private struct Groups {
    private var value: UInt128 = 0
    private(set) var count = 0
    /// How many groups stand before `::`.
    var gap: Int?

    mutating func add(_ text: ByteView, isLast: Bool) -> Bool {
      if isLast, text.position(of: 0x2E) != nil {
        guard let tail = IPv4.parse(text) else { return false }
        return push(UInt128(tail), bits: 32)
      }
      guard text.count >= 1, text.count <= 4 else { return false }
      var group: UInt128 = 0
      for byte in text {
        guard let digit = byte.hexadecimal else { return false }
        group = group &<< 4 | UInt128(digit)
      }
      return push(group, bits: 16)
    }

    private mutating func push(_ group: UInt128, bits: Int) -> Bool {
      guard count &+ bits / 16 <= 8 else { return false }
      value = value << bits | group
      count &+= bits / 16
      return true
    }

    /// The address. A gap stands for at least one group of zeros.
    var address: UInt128? {
      guard let gap else { return count == 8 ? value : nil }
      guard count < 8 else { return nil }
      let behind = 16 &* (count &- gap)
      let tail = value & ((1 << behind) &- 1)
      return (value >> behind) << (16 &* (8 &- gap)) | tail
    }
  }

  /// Adds the address as RFC 5952 4 has it: lower case, no leading zeros, the first longest run of zero groups as `::`.
  static func append(_ address: UInt128, to output: inout ByteQueue) throws(OutOfMemory) {
    let gap = longestRunOfZeros(address)
    var index = 0
    while index < 8 {
      if index == gap.start, gap.length > 1 {
        try output.append("::")
        index &+= gap.length
        continue
      }
      if index > 0, index != gap.start &+ gap.length || gap.length < 2 { try output.append(0x3A) }
      try appendGroup(group(address, index), to: &output)
      index &+= 1
    }
  }

  private static func group(_ address: UInt128, _ index: Int) -> UInt16 {
    UInt16(truncatingIfNeeded: address >> (112 &- 16 &* index))
  }

  private static func longestRunOfZeros(_ address: UInt128) -> (start: Int, length: Int) {
    var best = (start: 0, length: 0)
    var length = 0
    for index in 0..<8 {
      length = group(address, index) == 0 ? length &+ 1 : 0
      if length > best.length { best = (index &+ 1 &- length, length) }
    }
    return best
  }

  private static func appendGroup(_ group: UInt16, to output: inout ByteQueue) throws(OutOfMemory) {
    var isStarted = false
    for shift in stride(from: 12, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: group >> shift & 15)
      isStarted = isStarted || digit != 0 || shift == 0
      if isStarted { try output.append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit) }
    }
  }
}
