// Lists of tokens in header fields: Upgrade, Connection, Sec-WebSocket-Protocol, Sec-WebSocket-Version.

/// The elements of one line `a, b, c`, each pulled once, in linear time. RFC 9110 5.6.1.
public struct TokenCursor {
  private var scanner: HeaderScanner
  /// True when the line was given up at something that is no token; the elements before it count.
  public private(set) var isMalformed = false

  /// The elements of that line, which must outlive this value.
  public init(_ line: ByteView) { scanner = HeaderScanner(line) }

  /// The next element: a token, or two of them with a slash between, as Upgrade may have (RFC 9110 7.8). Empty elements are
  /// passed over. nil at the end, and at the first element that is none of this.
  public mutating func next() -> ByteView? {
    scanner.skipSeparators()
    guard !scanner.isAtEnd else { return nil }
    let start = scanner.position
    var isToken = scanner.takeToken() != nil
    if isToken, scanner.take(0x2F) { isToken = scanner.takeToken() != nil }
    let element = scanner.taken(from: start)
    scanner.skipBlanks()
    guard isToken, scanner.isAtElementEnd else {
      isMalformed = true
      scanner.skipAll()
      return nil
    }
    return element
  }
}

extension FieldSource where Self: ~Copyable {
  /// True when a field of that name lists the token, on whichever line, compared without case.
  @inline(never) public func hasToken(_ token: ByteView, in name: ByteView) -> Bool {
    var tokens = ListCursor(name)
    while let element = tokens.next(in: self) {
      if element.equalsIgnoringCase(token) { return true }
    }
    return false
  }

  /// The element at the index of what the fields of that name list, over all their lines; nil behind the last one. Borrowed.
  @inline(never) public func listed(_ index: Int, in name: ByteView) -> ByteView? {
    var tokens = ListCursor(name)
    var left = index
    while left >= 0, let element = tokens.next(in: self) {
      if left == 0 { return element }
      left &-= 1
    }
    return nil
  }
}

/// The elements of all fields of one name, over all their lines.
struct ListCursor {
  private var lines: FieldLines
  private var tokens = TokenCursor(.empty)

  /// The name must outlive this value.
  init(_ name: ByteView) { lines = FieldLines(name) }

  /// The next element, nil behind the last one. Borrowed from the fields. Never inlined, for the library's size.
  @inline(never) mutating func next(in fields: borrowing some FieldSource & ~Copyable) -> ByteView? {
    while true {
      if let element = tokens.next() { return element }
      guard let line = lines.next(in: fields) else { return nil }
      tokens = TokenCursor(line)
    }
  }
}

/// A place in a header line, for the cursors that take it apart.
struct HeaderScanner {
  private let line: ByteView
  private(set) var position = 0

  init(_ line: ByteView) { self.line = line }

  var isAtEnd: Bool { position >= line.count }

  /// At the end of the line, or at a comma.
  var isAtElementEnd: Bool { isAtEnd || line[position] == 0x2C }

  func taken(from start: Int) -> ByteView { line.cut(start, position) }

  mutating func skipAll() { position = line.count }

  mutating func skipBlanks() {
    while position < line.count, line[position].isBlank { position &+= 1 }
  }

  /// Blanks, and commas with nothing between them.
  mutating func skipSeparators() {
    while position < line.count, line[position].isBlank || line[position] == 0x2C { position &+= 1 }
  }

  /// Takes that byte if it comes next.
  mutating func take(_ byte: UInt8) -> Bool {
    guard position < line.count, line[position] == byte else { return false }
    position &+= 1
    return true
  }

  /// Takes a token, if one comes next. RFC 9110 5.6.2.
  mutating func takeToken() -> ByteView? {
    let start = position
    while position < line.count, line[position].isTokenByte { position &+= 1 }
    return position > start ? taken(from: start) : nil
  }

  /// Takes the rest of a quoted string whose first quote was taken: what stands between the quotes, with its backslashes.
  /// nil when it does not end. RFC 9110 5.6.4.
  mutating func takeQuoted() -> ByteView? {
    let start = position
    while position < line.count {
      let byte = line[position]
      if byte == 0x22 {
        position &+= 1
        return line.cut(start, position &- 1)
      }
      position &+= byte == 0x5C ? 2 : 1
    }
    position = line.count
    return nil
  }
}
