// The header fields of a message, as they were received or as they shall be sent, in order.
//
// One block holds the bytes, another one says where each name and value lies in it: two allocations, however many fields.

/// Where some bytes lie in a text. Offsets, because the text moves as it grows.
struct Piece {
  private var start: UInt32 = 0
  private var end: UInt32 = 0

  /// The place of nothing.
  init() {}

  /// The place of `part` in `whole`, which it was cut from.
  init(of part: ByteView, in whole: ByteView) {
    guard let first = part.baseAddress, let origin = whole.baseAddress else { return }
    let offset = first - origin
    start = UInt32(truncatingIfNeeded: offset)
    end = UInt32(truncatingIfNeeded: offset &+ part.count)
  }

  @inline(__always) func bytes(in whole: ByteView) -> ByteView { whole.cut(Int(start), Int(end)) }
}

/// What has header fields, in order.
public protocol FieldSource: ~Copyable {
  /// The field at the index; nil behind the last one. Borrowed.
  func field(_ index: Int) -> (name: ByteView, value: ByteView)?
}

/// Header fields and the bytes they consist of.
public struct HeaderFields: ~Copyable, FieldSource {
  private struct Entry {
    var name: Piece
    var value: Piece
  }

  /// The bytes that names and values are parts of. Whoever grows it keeps it below 4 GiB.
  var text = ByteQueue()
  private var table = ByteQueue()

  /// No fields.
  public init() {}

  /// The number of fields.
  public var count: Int { table.count / MemoryLayout<Entry>.size }

  /// The field at the index, in the order of arrival; nil behind the last one. Borrowed until the next change.
  public func field(_ index: Int) -> (name: ByteView, value: ByteView)? {
    guard index >= 0, index < count, let entries = table.bytes.baseAddress else { return nil }
    let entry = entries.loadUnaligned(fromByteOffset: index &* MemoryLayout<Entry>.size, as: Entry.self)
    return (entry.name.bytes(in: text.bytes), entry.value.bytes(in: text.bytes))
  }

  /// The value of the first field of that name, compared without case (RFC 9110 5.1). Borrowed until the next change.
  public func first(_ name: ByteView) -> ByteView? {
    var lines = FieldLines(name)
    return lines.next(in: self)
  }

  /// How many fields have that name, compared without case.
  public func count(of name: ByteView) -> Int {
    var lines = FieldLines(name)
    var found = 0
    while lines.next(in: self) != nil { found &+= 1 }
    return found
  }

  /// Adds a copy of a field.
  mutating func append(name: ByteView, value: ByteView) throws(OutOfMemory) {
    let start = text.count
    try text.append(name)
    try text.append(value)
    let middle = start &+ name.count
    try record(name: text.bytes.cut(start, middle), value: text.bytes.cut(from: middle))
  }

  /// Adds a field that is already there: name and value are parts of `text`.
  mutating func record(name: ByteView, value: ByteView) throws(OutOfMemory) {
    let entry = Entry(name: Piece(of: name, in: text.bytes), value: Piece(of: value, in: text.bytes))
    try withUnsafeBytes(of: entry) { (bytes) throws(OutOfMemory) in try table.append(bytes) }
  }
}

/// The values of all fields of one name, one after the other. Fields that are lists may come on several lines
/// (RFC 9110 5.3).
public struct FieldLines {
  private let name: ByteView
  private var index = 0

  /// All fields of that name, compared without case; the name must outlive this value.
  public init(_ name: ByteView) { self.name = name }

  /// The next value, or nil behind the last one. Borrowed from the fields.
  public mutating func next(in fields: borrowing some FieldSource & ~Copyable) -> ByteView? {
    while let field = fields.field(index) {
      index &+= 1
      if field.name.equalsIgnoringCase(name) { return field.value }
    }
    return nil
  }
}

/// The names of the fields that a handshake is about, in the spelling of RFC 6455 and RFC 9110.
enum FieldName {
  static var accept: ByteView { ByteView("Sec-WebSocket-Accept") }
  static var authorization: ByteView { ByteView("Authorization") }
  static var cookie: ByteView { ByteView("Cookie") }
  static var connection: ByteView { ByteView("Connection") }
  static var contentLength: ByteView { ByteView("Content-Length") }
  static var extensions: ByteView { ByteView("Sec-WebSocket-Extensions") }
  static var host: ByteView { ByteView("Host") }
  static var key: ByteView { ByteView("Sec-WebSocket-Key") }
  static var origin: ByteView { ByteView("Origin") }
  static var subprotocol: ByteView { ByteView("Sec-WebSocket-Protocol") }
  static var transferEncoding: ByteView { ByteView("Transfer-Encoding") }
  static var upgrade: ByteView { ByteView("Upgrade") }
  static var version: ByteView { ByteView("Sec-WebSocket-Version") }
}
