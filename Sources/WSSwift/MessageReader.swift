// A message in parts, as it arrives: nothing is put together, so that a message of any size costs one buffer.
import WSProtocol
import WSTransport

/// The message that is being read in parts. Owned by the reading half.
struct OpenMessage {
  /// Counts the readers; those of older messages are stale.
  private(set) var number: UInt64 = 0
  /// Another message has been asked for.
  private(set) var isPassedOver = true
  /// What has arrived of it and has not been handed out.
  private(set) var rest = ByteView.empty
  /// Nothing follows `rest`.
  private(set) var isLast = true
  /// Somebody else has taken what would have followed.
  private(set) var isDropped = false

  /// A reader begins, with as much of the message as is there.
  mutating func start(_ rest: ByteView = .empty, isLast: Bool = false) -> UInt64 {
    number = number &+ 1
    isPassedOver = false
    isDropped = false
    hold(rest, isLast: isLast)
    return number
  }

  mutating func hold(_ part: ByteView, isLast: Bool) {
    rest = part
    self.isLast = isLast
  }

  mutating func handOut(_ count: Int) { rest = rest.cut(from: count) }

  /// What is left of the message is nobody's.
  mutating func passOver() { isPassedOver = true }

  /// The rest does not come any more.
  mutating func drop() { isDropped = true }

  /// Whether this is the message that the reader reads.
  func isOpen(for reader: UInt64) -> Bool { number == reader && !isPassedOver }
}

/// One message in parts, as it arrives. It is part of its connection and one of its reads: one thread at a time, until the next
/// message is asked for; later calls fail with `.state`. Control frames that come between the parts are answered.
public struct MessageReader: Sendable {
  /// Text or binary.
  public let kind: MessageKind
  /// Tells the message from the others of its connection.
  public let number: UInt64
  private let conn: Conn

  init(_ kind: MessageKind, _ conn: Conn, _ number: UInt64) {
    self.kind = kind
    self.conn = conn
    self.number = number
  }

  /// Waits for some bytes of the message and copies as many as there is room for; nil behind the last one. Text may be cut inside
  /// a character. After `.timeout` the next call goes on where this one stopped. `.closed` where the peer closes in the middle of
  /// the message, with whatever code; others as `Conn.read`. RFC 6455 5.4.
  public func read(into space: UnsafeMutableRawBufferPointer) throws(WSError) -> Int? {
    try conn.readPart(of: number, into: space)
  }

  /// The same without a copy: lends what has arrived, at least one byte, until the next read of the connection.
  public func next() throws(WSError) -> ByteView? { try conn.nextPart(of: number) }
}

extension Conn {
  /// Waits for the next data message and gives a reader for it before its bytes are there; nil when the peer has closed with 1000,
  /// 1001 or no code. What is left of the message before is passed over: control frames in it are answered, nothing of it is kept.
  /// A message that had begun to be put together, or was kept for lack of room, is read from the beginning. Errors as `read`.
  public func nextReader() throws(WSError) -> MessageReader? {
    try asReader { (limits) throws(WSError) in try startReader(within: limits) }
  }

  func startReader(within limits: ReadLimits) throws(WSError) -> MessageReader? {
    open.passOver()
    if let message = keptMessage() { return reader(of: message) }
    switch try receive(.start, within: limits) {
    case .start(let kind): return MessageReader(kind, self, open.start())
    case .message(let message): return reader(of: message)
    case .part, nil: return nil
    }
  }

  private func reader(of message: BorrowedMessage) -> MessageReader {
    MessageReader(message.kind, self, open.start(message.bytes, isLast: true))
  }

  /// What `MessageReader.read(into:)` does for the message of that number; `.state` when another one has been asked for.
  public func readPart(of number: UInt64, into space: UnsafeMutableRawBufferPointer) throws(WSError) -> Int? {
    try asReader { (limits) throws(WSError) in
      guard let part = try part(of: number, within: limits) else { return nil }
      return copy(part, to: space)
    }
  }

  /// What `MessageReader.next()` does for the message of that number; `.state` when another one has been asked for.
  public func nextPart(of number: UInt64) throws(WSError) -> ByteView? {
    try asReader { (limits) throws(WSError) in
      guard let part = try part(of: number, within: limits) else { return nil }
      open.handOut(part.count)
      return part
    }
  }

  /// What has arrived of the message and has not been handed out, at least one byte; nil at its end.
  func part(of number: UInt64, within limits: ReadLimits) throws(WSError) -> ByteView? {
    guard open.isOpen(for: number) else { throw .state }
    while open.rest.isEmpty {
      if open.isLast { return nil }
      receiver.endKept()
      guard !open.isDropped, case .part(let part, let isLast) = try receive(.part, within: limits) else {
        throw cutShort()
      }
      open.hold(part, isLast: isLast)
    }
    return open.rest
  }

  /// Hands out as much of the part as there is room for.
  func copy(_ part: ByteView, to space: UnsafeMutableRawBufferPointer) -> Int {
    let taken = part.cut(0, space.count)
    space.copyMemory(from: taken)
    open.handOut(taken.count)
    return taken.count
  }

  /// An ordinary end of the connection is none for a message that is not complete.
  private func cutShort() -> WSError {
    stateLock.withLock {
      switch reading.end {
      case .open: .state
      case .ordinary: .closed(handshake.received ?? .noStatus)
      case .failed(let error): error
      }
    }
  }
}
