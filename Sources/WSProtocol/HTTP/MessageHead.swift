// The head of a request or a response, taken in as its bytes arrive.
//
// Every byte is looked at when it comes and when its line is whole, never again, so that a head in a thousand pieces costs
// what it costs in one. The rules are the strict ones of RFC 9112: what two parsers could read in two ways is an error.

/// How large a head may be.
public struct HeadLimits: Sendable {
  /// The bytes of the whole head, at most 1 GiB.
  public var bytes = 65536
  /// The bytes of one line with its CR LF. A longer request line is `HeadError.targetTooLong`.
  public var line = 16384
  /// The number of header fields.
  public var fields = 128

  /// 64 KiB in all, 16 KiB a line, 128 fields.
  public init() {}
}

/// A request or response head: feed it bytes until it is complete, then look. What it hands out is borrowed from it.
public struct MessageHead: ~Copyable {
  /// Which of the two start lines a head has.
  public enum Kind: Sendable {
    /// `method target version`
    case request
    /// `version status reason`
    case response
  }

  private enum Stage {
    case startLine
    case fields
    case complete
  }

  private let kind: Kind
  private let limits: HeadLimits
  private var stage = Stage.startLine
  private var failure: HeadError?

  // The line that is being received.
  private var lineStart = 0
  private var isMethodWhole = false
  private var isAfterReturn = false

  // What has been received.

  /// The header fields.
  public private(set) var fields = HeaderFields()
  private var methodPiece = Piece()
  private var targetPiece = Piece()
  private var reasonPiece = Piece()

  /// The status of a response, 100 to 999; 0 before it is known and for a request.
  public private(set) var status = 0
  /// The x of HTTP/1.x, 0 to 9.
  public private(set) var minorVersion = 0

  /// A head of that kind, still empty.
  public init(_ kind: Kind, limits: HeadLimits = HeadLimits()) {
    self.kind = kind
    self.limits = limits
  }

  /// True when the empty line behind the last field has been taken in.
  public var isComplete: Bool { stage == .complete }

  /// The method of a request, as it was written.
  public var method: ByteView { methodPiece.bytes(in: fields.text.bytes) }

  /// The target of a request, as it was written: printable ASCII without a space.
  public var target: ByteView { targetPiece.bytes(in: fields.text.bytes) }

  /// The reason phrase of a response, often empty.
  public var reason: ByteView { reasonPiece.bytes(in: fields.text.bytes) }

  /// The number of header fields.
  public var fieldCount: Int { fields.count }

  /// The field at the index, in the order of arrival; nil behind the last one.
  public func field(_ index: Int) -> (name: ByteView, value: ByteView)? { fields.field(index) }

  /// The value of the first field of that name, compared without case; blanks around it are not part of it.
  public func first(_ name: ByteView) -> ByteView? { fields.first(name) }

  /// How many fields have that name, compared without case.
  public func count(of name: ByteView) -> Int { fields.count(of: name) }

  /// Takes bytes up to the end of the head. nil: all were taken and more is needed. Otherwise how many of these bytes
  /// belong to the head; the rest is the caller's. After an error every call gives the same error.
  public mutating func feed(_ bytes: ByteView) throws(HeadError) -> Int? {
    if let failure { throw failure }
    guard stage != .complete else { return 0 }
    do throws(HeadError) {
      return try advance(bytes)
    } catch {
      failure = error
      throw error
    }
  }

  private mutating func advance(_ bytes: ByteView) throws(HeadError) -> Int? {
    var taken = 0
    while taken < bytes.count {
      let (end, isWhole) = try scanLine(bytes, from: taken)
      try keep(bytes.cut(taken, end))
      taken = end
      guard isWhole else { continue }
      try takeLine(fields.text.bytes.cut(lineStart, fields.text.count &- 2))
      lineStart = fields.text.count
      if stage == .complete { return taken }
    }
    return nil
  }

  private mutating func keep(_ bytes: ByteView) throws(HeadError) {
    do throws(OutOfMemory) { try fields.text.append(bytes) } catch { throw .outOfMemory }
  }

  /// Looks at the bytes up to the end of the line, or of the bytes. Where the limit is reached first: an error at the first
  /// byte behind it, so that the answer does not depend on how the bytes were cut.
  private mutating func scanLine(_ bytes: ByteView, from start: Int) throws(HeadError) -> (end: Int, isWhole: Bool) {
    let held = fields.text.count
    let room = min(min(limits.bytes, 1 << 30) &- held, limits.line &- (held &- lineStart))
    let end = start &+ min(bytes.count &- start, max(room, 0))
    var position = start
    while position < end {
      let byte = bytes[position]
      if stage == .startLine { try checkStart(byte, at: held &- lineStart &+ (position &- start)) }
      position &+= 1
      if try endsLine(byte) { return (position, true) }
    }
    guard end == bytes.count else { throw stage == .startLine && kind == .request ? .targetTooLong : .tooLarge }
    return (end, false)
  }

  /// Refuses bytes that cannot stand in a head, and says whether this one ends its line. RFC 9112 2.2.
  @inline(__always) private mutating func endsLine(_ byte: UInt8) throws(HeadError) -> Bool {
    if isAfterReturn {
      guard byte == 0x0A else { throw .bareCarriageReturn }
      isAfterReturn = false
      return true
    }
    if byte >= 0x20 && byte != 0x7F || byte == 0x09 { return false }
    guard byte != 0x0A else { throw .bareLineFeed }
    guard byte == 0x0D else { throw .controlByte }
    isAfterReturn = true
    return false
  }

  /// Decides on the very first bytes whether this is HTTP at all: a client that speaks TLS to a plain port would otherwise
  /// wait for an answer until somebody's timeout.
  private mutating func checkStart(_ byte: UInt8, at index: Int) throws(HeadError) {
    switch kind {
    case .request:
      guard !isMethodWhole else { return }
      isMethodWhole = byte == 0x20 && index > 0
      guard isMethodWhole || byte.isTokenByte && index < 32 else { throw .notHTTP }
    case .response:
      let version = ByteView("HTTP/")
      guard index >= version.count || byte == version[index] else { throw .notHTTP }
    }
  }

  private mutating func takeLine(_ line: ByteView) throws(HeadError) {
    switch stage {
    case .startLine:
      switch kind {
      case .request: try takeRequestLine(line)
      case .response: try takeStatusLine(line)
      }
      stage = .fields
    case .fields:
      guard !line.isEmpty else {
        stage = .complete
        return
      }
      try takeField(line)
    case .complete: return
    }
  }

  /// `method SP target SP version`, RFC 9112 3. The method was checked byte by byte.
  private mutating func takeRequestLine(_ line: ByteView) throws(HeadError) {
    guard let methodEnd = line.position(of: 0x20),
      let targetEnd = line.position(of: 0x20, from: methodEnd &+ 1), targetEnd > methodEnd &+ 1
    else { throw .badRequestLine }
    guard let minor = try Self.minorVersion(line.cut(from: targetEnd &+ 1)) else { throw .badRequestLine }
    let target = line.cut(methodEnd &+ 1, targetEnd)
    for byte in target where byte <= 0x20 || byte >= 0x7F || byte == 0x23 { throw .badTarget }
    minorVersion = minor
    methodPiece = Piece(of: line.cut(0, methodEnd), in: fields.text.bytes)
    targetPiece = Piece(of: target, in: fields.text.bytes)
  }

  /// `version SP status [SP reason]`, RFC 9112 4. Servers that leave the reason out may leave out its space too.
  private mutating func takeStatusLine(_ line: ByteView) throws(HeadError) {
    guard let minor = try Self.minorVersion(line.cut(0, 8)), line.count >= 12, line[8] == 0x20,
      let number = line.cut(9, 12).decimal, number >= 100, line.count == 12 || line[12] == 0x20
    else { throw .badStatusLine }
    minorVersion = minor
    status = number
    reasonPiece = Piece(of: line.cut(from: 13).trimmed, in: fields.text.bytes)
  }

  /// The x of `HTTP/1.x`, nil when this is no version at all. RFC 9112 2.3.
  private static func minorVersion(_ text: ByteView) throws(HeadError) -> Int? {
    guard text.count == 8, text.cut(0, 5).equals(ByteView("HTTP/")), text[6] == 0x2E,
      let major = text.cut(5, 6).decimal, let minor = text.cut(7, 8).decimal
    else { return nil }
    guard major == 1 else { throw .badVersion }
    return minor
  }

  /// `name: value`, RFC 9112 5.
  private mutating func takeField(_ line: ByteView) throws(HeadError) {
    guard !line[0].isBlank else { throw .foldedLine }
    guard let colon = line.position(of: 0x3A) else { throw .missingColon }
    let name = line.cut(0, colon)
    guard name.isToken else {
      throw colon > 0 && name[colon &- 1].isBlank ? .spaceBeforeColon : .badFieldName
    }
    guard fields.count < limits.fields else { throw .tooManyFields }
    do throws(OutOfMemory) {
      try fields.record(name: name, value: line.cut(from: colon &+ 1).trimmed)
    } catch { throw .outOfMemory }
  }
}
