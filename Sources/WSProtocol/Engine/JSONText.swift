// Whether a text is exactly one JSON document. RFC 8259. Nothing is built of it: a program that wants values has a library for
// them, and this one says beforehand that there is something to be read.
//
// No recursion: how deep a document nests is the peer's choice, and the stack is not.

/// Why a text is not one JSON document; positions are counted in bytes from 0.
public enum JSONError: Error, Equatable, Sendable {
  /// The text ends before its document does, or holds none.
  case incomplete
  /// A byte that no document can have there. RFC 8259 2.
  case unexpectedByte(at: Int)
  /// A control byte in a string, where only its escape may stand. RFC 8259 7.
  case controlByte(at: Int)
  /// A backslash that begins no escape. RFC 8259 7.
  case badEscape(at: Int)
  /// Bytes in a string that are not UTF-8. RFC 8259 8.1.
  case invalidUTF8(at: Int)
  /// Arrays and objects nested deeper than `JSONText.maximumDepth`. RFC 8259 9 allows a bound.
  case tooDeep(at: Int)
  /// Something behind the document.
  case trailingByte(at: Int)
}

/// The text of one JSON document.
public enum JSONText {
  /// How deep arrays and objects may nest.
  public static let maximumDepth = 512

  /// Passes when the text is one JSON document, with white space around it or without. Escapes of lone surrogates pass: the
  /// grammar of RFC 8259 7 allows them, and 8.2 leaves to the reader what becomes of them. A byte order mark does not (8.1).
  public static func check(_ text: ByteView) throws(JSONError) {
    var checker = JSONChecker(text)
    try checker.run()
  }
}

/// Where in the text we are, and inside of what.
private struct JSONChecker {
  private let text: ByteView
  private var position = 0
  private var depth = 0
  /// One bit a level: set for an object, clear for an array.
  private var objects = InlineArray<8, UInt64>(repeating: 0)

  init(_ text: ByteView) { self.text = text }

  mutating func run() throws(JSONError) {
    try readValue()
    while depth > 0 { try readNext() }
    skipBlank()
    guard position == text.count else { throw .trailingByte(at: position) }
  }

  // MARK: - Values

  /// Up to the end of the next value that holds no other: opens arrays and objects on the way.
  private mutating func readValue() throws(JSONError) {
    while true {
      switch try takeVisible() {
      case UInt8(ascii: "{"):
        try open(isObject: true)
        if try closes(UInt8(ascii: "}")) { return }
        try readName()
      case UInt8(ascii: "["):
        try open(isObject: false)
        if try closes(UInt8(ascii: "]")) { return }
      case let first: return try readScalar(first)
      }
    }
  }

  /// What follows a value inside an array or object: its end, or a comma and one more value.
  private mutating func readNext() throws(JSONError) {
    let byte = try takeVisible()
    if byte == UInt8(ascii: ",") {
      if isInObject { try readName() }
      return try readValue()
    }
    guard byte == (isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { throw unexpected }
    depth = depth &- 1
  }

  /// A member's name and the colon behind it. RFC 8259 4.
  private mutating func readName() throws(JSONError) {
    guard try takeVisible() == UInt8(ascii: "\"") else { throw unexpected }
    try readString()
    guard try takeVisible() == UInt8(ascii: ":") else { throw unexpected }
  }

  private mutating func readScalar(_ first: UInt8) throws(JSONError) {
    switch first {
    case UInt8(ascii: "\""): try readString()
    case UInt8(ascii: "t"): try readRest(0x65_75_72)
    case UInt8(ascii: "f"): try readRest(0x65_73_6C_61)
    case UInt8(ascii: "n"): try readRest(0x6C_6C_75)
    default: try readNumber(first)
    }
  }

  /// The letters of true, false or null behind the first, the next one in the lowest byte.
  private mutating func readRest(_ letters: UInt32) throws(JSONError) {
    var rest = letters
    while rest != 0 {
      guard try take() == UInt8(truncatingIfNeeded: rest) else { throw unexpected }
      rest = rest &>> 8
    }
  }

  // MARK: - Numbers

  /// RFC 8259 6: no leading zeros, no leading plus, digits on both sides of the point.
  private mutating func readNumber(_ first: UInt8) throws(JSONError) {
    let digit = first == UInt8(ascii: "-") ? try take() : first
    guard digit.isDigit else { throw unexpected }
    if digit != UInt8(ascii: "0") { skipDigits() }
    if accept(UInt8(ascii: ".")) { try readDigits() }
    if accept(UInt8(ascii: "e")) || accept(UInt8(ascii: "E")) {
      if !accept(UInt8(ascii: "+")) { _ = accept(UInt8(ascii: "-")) }
      try readDigits()
    }
  }

  private mutating func readDigits() throws(JSONError) {
    guard try take().isDigit else { throw unexpected }
    skipDigits()
  }

  private mutating func skipDigits() {
    while let byte = next, byte.isDigit { position = position &+ 1 }
  }

  // MARK: - Strings

  /// A string behind its first quote. RFC 8259 7.
  private mutating func readString() throws(JSONError) {
    while true {
      skipPlain()
      switch try take() {
      case UInt8(ascii: "\""): return
      case UInt8(ascii: "\\"): try readEscape()
      case 0..<0x20: throw .controlByte(at: position &- 1)
      default: try readCharacters()
      }
    }
  }

  private mutating func readEscape() throws(JSONError) {
    let backslash = position &- 1
    switch try take() {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
      UInt8(ascii: "r"), UInt8(ascii: "t"):
      return
    case UInt8(ascii: "u"):
      for _ in 0..<4 {
        guard try take().hexadecimal != nil else { throw .badEscape(at: backslash) }
      }
    default: throw .badEscape(at: backslash)
    }
  }

  /// Characters beyond ASCII, the first byte of which was just taken.
  private mutating func readCharacters() throws(JSONError) {
    position = position &- 1
    var validator = UTF8Validator()
    while let byte = next, byte >= 0x80 {
      guard validator.step(byte) else { throw .invalidUTF8(at: position) }
      position = position &+ 1
    }
    guard validator.isComplete else { throw position == text.count ? .incomplete : .invalidUTF8(at: position) }
  }

  /// Bytes of a string that mean themselves: 8 a step, and at the end of the text one by one.
  private mutating func skipPlain() {
    guard let base = text.baseAddress else { return }
    while position &+ 8 <= text.count {
      let special = Self.special(UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
      guard special == 0 else {
        position = position &+ (special.trailingZeroBitCount &>> 3)
        return
      }
      position = position &+ 8
    }
    while let byte = next, byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
      position = position &+ 1
    }
  }

  /// Zero when none of the eight bytes is a control byte, a quote, a backslash or beyond ASCII; else the lowest bit set is the top
  /// one of the first of these. A byte less than n borrows when n is taken from it, and that shows in its top bit.
  @inline(__always)
  private static func special(_ bytes: UInt64) -> UInt64 {
    let each: UInt64 = 0x0101_0101_0101_0101
    let quotes = bytes ^ (each &* 0x22)
    let backslashes = bytes ^ (each &* 0x5C)
    let controls = (bytes &- each &* 0x20) & ~bytes
    return (controls | (quotes &- each) & ~quotes | (backslashes &- each) & ~backslashes | bytes) & (each &* 0x80)
  }

  // MARK: - Levels

  private var isInObject: Bool {
    let level = depth &- 1
    return objects[unchecked: (level &>> 6) & 7] & (1 &<< UInt64(truncatingIfNeeded: level & 63)) != 0
  }

  private mutating func open(isObject: Bool) throws(JSONError) {
    guard depth < JSONText.maximumDepth else { throw .tooDeep(at: position &- 1) }
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: depth & 63)
    let word = (depth &>> 6) & 7
    if isObject { objects[unchecked: word] |= bit } else { objects[unchecked: word] &= ~bit }
    depth = depth &+ 1
  }

  /// True when the array or object that was just opened is empty; then it is closed again.
  private mutating func closes(_ end: UInt8) throws(JSONError) -> Bool {
    skipBlank()
    guard accept(end) else { return false }
    depth = depth &- 1
    return true
  }

  // MARK: - Bytes

  private var next: UInt8? { position < text.count ? text[position] : nil }

  /// The byte that was just taken cannot stand there.
  private var unexpected: JSONError { .unexpectedByte(at: position &- 1) }

  private mutating func take() throws(JSONError) -> UInt8 {
    guard let byte = next else { throw .incomplete }
    position = position &+ 1
    return byte
  }

  private mutating func accept(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position = position &+ 1
    return true
  }

  /// The next byte that is no white space. RFC 8259 2.
  private mutating func takeVisible() throws(JSONError) -> UInt8 {
    skipBlank()
    return try take()
  }

  private mutating func skipBlank() {
    while let byte = next, byte.isBlank || byte == 0x0A || byte == 0x0D {
      position = position &+ 1
    }
  }
}
