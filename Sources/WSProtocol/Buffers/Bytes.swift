// Small tools over borrowed bytes that the parsers share: comparing without case, cutting, trimming.

/// Borrowed bytes; whoever hands them out says how long they live.
public typealias ByteView = UnsafeRawBufferPointer

extension UnsafeRawBufferPointer {
  /// No bytes.
  @inline(__always) public static var empty: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  /// The text's own bytes; they live for ever. Never inlined, because each copy would bring a trap of its own.
  @inline(never) public init(_ text: StaticString) {
    // A single scalar can be stored in place of a pointer; no text of ours is, and asking keeps a trap out.
    guard text.hasPointerRepresentation else {
      self = .empty
      return
    }
    self.init(start: text.utf8Start, count: text.utf8CodeUnitCount)
  }

  /// The part from `start` up to but not including `end`, cut to what there is.
  @inline(__always) public func cut(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
    guard let baseAddress, start >= 0, start < end, start < count else { return .empty }
    return UnsafeRawBufferPointer(start: baseAddress + start, count: Swift.min(end, count) &- start)
  }

  /// The part from `start` to the end.
  @inline(__always) public func cut(from start: Int) -> UnsafeRawBufferPointer { cut(start, count) }

  /// Where the byte first stands at or behind `start`.
  public func position(of byte: UInt8, from start: Int = 0) -> Int? {
    var index = Swift.max(start, 0)
    while index < count {
      if self[index] == byte { return index }
      index = index &+ 1
    }
    return nil
  }

  /// True when the bytes are the same.
  public func equals(_ other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    var index = 0
    while index < count, self[index] == other[index] { index &+= 1 }
    return index == count
  }

  /// True when the bytes are the same but for the case of A to Z. RFC 9110 5.1 compares names so.
  public func equalsIgnoringCase(_ other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    var index = 0
    while index < count, self[index].asciiLowercased == other[index].asciiLowercased { index &+= 1 }
    return index == count
  }

  /// Without the spaces and tabs at both ends: OWS of RFC 9110 5.6.3.
  public var trimmed: UnsafeRawBufferPointer {
    var start = 0
    var end = count
    while start < end, self[start].isBlank { start = start &+ 1 }
    while end > start, self[end &- 1].isBlank { end = end &- 1 }
    return cut(start, end)
  }

  /// True when the bytes begin with the prefix, but for the case of A to Z.
  public func hasPrefixIgnoringCase(_ prefix: UnsafeRawBufferPointer) -> Bool {
    count >= prefix.count && cut(0, prefix.count).equalsIgnoringCase(prefix)
  }

  /// True when the bytes end with the suffix, but for the case of A to Z.
  public func hasSuffixIgnoringCase(_ suffix: UnsafeRawBufferPointer) -> Bool {
    count >= suffix.count && cut(from: count - suffix.count).equalsIgnoringCase(suffix)
  }

  /// True when the bytes are a token of RFC 9110 5.6.2: at least one byte, and token bytes only.
  public var isToken: Bool {
    for byte in self where !byte.isTokenByte { return false }
    return !isEmpty
  }

  /// The number that 1 to 9 decimal digits say; nil for anything else.
  public var decimal: Int? {
    guard count > 0, count <= 9 else { return nil }
    var number = 0
    for byte in self {
      guard byte.isDigit else { return nil }
      number = number &* 10 &+ Int(byte &- 0x30)
    }
    return number
  }
}

extension UInt8 {
  /// The byte, with A to Z as a to z.
  @inline(__always) public var asciiLowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }

  /// A space or a tab.
  @inline(__always) public var isBlank: Bool { self == 0x20 || self == 0x09 }

  /// 0 to 9.
  @inline(__always) public var isDigit: Bool { self >= 0x30 && self <= 0x39 }

  /// A to Z and a to z.
  @inline(__always) public var isLetter: Bool { asciiLowercased >= 0x61 && asciiLowercased <= 0x7A }

  /// What the byte says as a hexadecimal digit, or nil when it is none.
  public var hexadecimal: UInt8? {
    if isDigit { return self &- 0x30 }
    let letter = asciiLowercased
    return letter >= 0x61 && letter <= 0x66 ? letter &- 0x57 : nil
  }

  /// A control byte of ASCII: 0 to 0x1F, and 0x7F.
  @inline(__always) public var isControl: Bool { self < 0x20 || self == 0x7F }

  /// tchar of RFC 9110 5.6.2: what names, methods and subprotocols are made of.
  public var isTokenByte: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
    case 0...0x20, 0x22, 0x28, 0x29, 0x2C, 0x2F, 0x3A...0x40, 0x5B...0x5D, 0x7B, 0x7D, 0x7F...0xFF: false
    default: false
    }
  }
}
