// The bytes of a frame or a message as its sender has them: one run, or several that lie apart and travel as one.

/// One run of bytes among several, laid out as C's ws_bytes. The bytes are the caller's.
public struct BytePart {
  /// The first byte; nil only when `size` is 0.
  public let data: UnsafeRawPointer?
  /// The number of bytes.
  public let size: Int

  /// A part that lends the bytes.
  public init(_ bytes: ByteView) {
    data = bytes.baseAddress
    size = bytes.count
  }

  /// False for a size without bytes.
  var isSound: Bool { size >= 0 && (data != nil || size == 0) }

  var bytes: ByteView { ByteView(start: data, count: size) }
}

/// Borrowed bytes in one or several parts; whoever made it says how long they live.
public struct Payload {
  /// The number of bytes of all parts together.
  public let count: Int
  private let first: ByteView
  private let second: ByteView
  private let parts: UnsafeBufferPointer<BytePart>

  /// A payload of one part, or of two.
  @inline(__always) public init(_ first: ByteView, _ second: ByteView = .empty) {
    // No two runs of bytes that exist have more than a number can say.
    count = first.count &+ second.count
    self.first = first
    self.second = second
    parts = UnsafeBufferPointer(start: nil, count: 0)
  }

  /// A payload of several parts, whose list is borrowed as well. nil when a part has a size and no bytes, or all together are more
  /// than a number can say.
  public init?(parts: UnsafeBufferPointer<BytePart>) {
    var total = 0
    for part in parts {
      guard part.isSound else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(part.size)
      guard !overflow else { return nil }
      total = sum
    }
    count = total
    first = .empty
    second = .empty
    self.parts = parts
  }

  /// True when there are no bytes.
  @inline(__always) public var isEmpty: Bool { count == 0 }

  /// The number of parts, empty ones too.
  @inline(__always) public var partCount: Int { parts.isEmpty ? (second.isEmpty ? 1 : 2) : parts.count }

  /// A part by its number; nothing behind the last one.
  @inline(__always) public func part(_ number: Int) -> ByteView {
    guard !parts.isEmpty else { return number == 0 ? first : number == 1 ? second : .empty }
    return number >= 0 && number < parts.count ? parts[number].bytes : .empty
  }
}

/// Walks over a payload's bytes.
struct PayloadCursor {
  let payload: Payload
  private var number = 0
  private var offset = 0
  /// The bytes passed so far.
  private(set) var passed = 0

  init(_ payload: Payload) {
    self.payload = payload
    skipFinishedParts()
  }

  /// The bytes that have not been passed.
  var left: Int { payload.count &- passed }

  /// The bytes of the current part that have not been passed: some, unless at the end.
  var rest: ByteView { payload.part(number).cut(from: offset) }

  /// Passes bytes of `rest`, at most all of it.
  mutating func pass(_ count: Int) {
    offset = offset &+ count
    passed = passed &+ count
    skipFinishedParts()
  }

  /// `rest` is never empty before the end, so that whoever copies it gets on.
  private mutating func skipFinishedParts() {
    while number < payload.partCount, offset >= payload.part(number).count {
      number = number &+ 1
      offset = 0
    }
  }
}
