// The receiving half: bytes in, events out. It owns the receive buffer and the message being assembled, and knows nothing of
// sockets, handlers or answers.
//
// Here are the way in, the order of the frames and control frames; what becomes of messages is in Receiver+Messages, and who may
// look at which memory for how long in Receiver+Lending. Memory grows with the bytes received, never with the bytes a header claims.

/// Turns received bytes into events. A value for one thread at a time.
public struct Receiver: ~Copyable {
  /// Which end we are.
  public let role: Role
  /// The largest message, in bytes; 0 for no limit. Looked at on each frame header.
  public var limit: UInt64
  /// Whether text is checked as UTF-8 while it arrives. Looked at when a message begins.
  public var checksUTF8 = true
  /// How messages are handed out. Looked at when a message begins.
  public var delivery = Delivery.whole
  /// The first violation; it stays.
  public private(set) var failure: ProtocolError?
  /// A close frame has arrived: whatever follows is ignored. RFC 6455 5.5.1.
  public private(set) var isClosed = false
  /// What has arrived so far; a message counts when it is complete. Bytes behind a close frame do not count.
  public internal(set) var traffic = Traffic()

  /// What has come from the transport and has not been taken.
  var queue = ByteQueue()
  /// The message, as far as it is there, where it cannot be lent from `queue`.
  var assembly = ByteQueue()
  /// Bytes at the end of `assembly` that came straight from the transport and are not unmasked yet.
  var fresh = 0
  var frame: FrameHeader?
  /// How much of the current frame's payload has not been taken yet.
  var remaining = 0
  /// How much of it has been unmasked, modulo 4.
  var phase = 0
  var message: IncomingMessage?
  /// Where compression has been agreed on. RFC 7692.
  var inflater: MessageInflater?
  /// How many bytes at the front of `queue` belong to a compressed message and have been unmasked.
  var plain = 0
  var lent = Lent.nothing
  /// Memory that a user of an earlier event still looks at; see `keepLent`.
  var stillLent = ByteQueue()
  /// The room to offer next; it doubles while the transport fills it.
  private var readSize = Self.smallRead
  /// The room that `freeSpace` offered and that `received` has not used yet: nobody can have filled more.
  var offered = 0

  /// What the last event borrowed.
  enum Lent {
    case nothing
    case queue(Int)
    case assembly
  }

  enum Step {
    case arrival(Arrival)
    case again
    case needMore
  }

  /// The room that `freeSpace` offers at first.
  private static let smallRead = 4096
  /// The most room that `freeSpace` asks for ahead of what arrived: with a control frame that is not complete in front of it, it is one
  /// block of the pool, and a message of 64 KiB fits in.
  private static let largeRead = BlockPool.largest &- 256
  /// A buffer beyond this is given back as soon as its bytes have been read.
  static let keptBuffer = 1 << 20

  /// A receiver before the first byte. `limit` in bytes, 0 for none.
  public init(role: Role, limit: UInt64) {
    self.role = role
    self.limit = limit
  }

  /// Compression has been agreed on, before the first byte. Without it RSV1 is a violation. RFC 7692 6.
  public mutating func agree(on parameters: DeflateParameters) {
    inflater = MessageInflater(parameters, sender: role == .client ? .server : .client)
  }

  // MARK: - Bytes in

  /// Room for received bytes: fill it from the front, then call `received`. Ends what the last event lent. The only error is
  /// `.outOfMemory`, which fails the connection like any other.
  public mutating func freeSpace() throws(ProtocolError) -> UnsafeMutableRawBufferPointer {
    if let failure { throw failure }
    endLending()
    let space: UnsafeMutableRawBufferPointer
    do throws(OutOfMemory) {
      if takesIntoMessage {
        try assembly.reserve(min(missing, readSize))
        space = assembly.freeSpace
        offered = min(space.count, missing)
      } else {
        try queue.reserve(readSize)
        space = queue.freeSpace
        offered = space.count
      }
    } catch {
      throw fail(.outOfMemory)
    }
    return UnsafeMutableRawBufferPointer(start: space.baseAddress, count: offered)
  }

  /// So many bytes of `freeSpace` have been filled; more than it offered are not counted. Behind a close frame they are
  /// dropped.
  public mutating func received(_ count: Int) {
    let count = min(max(count, 0), offered)
    offered = offered &- count
    guard !isClosed, failure == nil else { return }
    traffic.pass(count)
    if count >= readSize { readSize = min(readSize &* 2, Self.largeRead) }
    if takesIntoMessage {
      assembly.commit(count)
      fresh = fresh &+ count
    } else {
      queue.commit(count)
    }
  }

  /// Takes a copy of received bytes; behind a close frame they are dropped. Ends what the last event lent. The only new error
  /// is `.outOfMemory`: violations come out of `advance`, in their place behind the events before them.
  public mutating func feed(_ bytes: ByteView) throws(ProtocolError) {
    if let failure { throw failure }
    endLending()
    guard !isClosed else { return }
    do throws(OutOfMemory) { try queue.append(bytes) } catch { throw fail(.outOfMemory) }
    traffic.pass(bytes.count)
  }

  // MARK: - Events out

  /// What comes next, or nil when more bytes are needed. Its bytes are lent until the next call. The first error is returned for
  /// ever.
  public mutating func advance() throws(ProtocolError) -> Arrival? {
    if let failure { throw failure }
    endLending()
    // What went straight into the message stands before what is in the queue.
    if fresh > 0 { try takeFresh() }
    while !isClosed {
      let step: Step
      do throws(ProtocolError) { step = try next() } catch { throw fail(error) }
      switch step {
      case .arrival(let arrival): return arrival
      case .again: continue
      case .needMore:
        if queue.isEmpty, queue.capacity > Self.keptBuffer { queue.release() }
        return nil
      }
    }
    queue.release()
    assembly.release()
    inflater?.release()
    return nil
  }

  private mutating func next() throws(ProtocolError) -> Step {
    guard let frame else { return try begin() }
    return frame.opcode.isControl ? try control(frame) : try data(frame)
  }

  private mutating func begin() throws(ProtocolError) -> Step {
    let rules = FrameRules(role: role, allowsCompressed: inflater != nil, messageIsOpen: message != nil)
    guard let header = try FrameHeader.parse(queue.bytes, rules: rules) else { return .needMore }
    if let message = try messageAtOnce(header) { return .arrival(.event(message)) }
    let step = header.opcode.isControl ? Step.again : try beginData(header)
    queue.discard(header.size)
    frame = header
    remaining = header.length
    phase = 0
    return step
  }

  private mutating func control(_ header: FrameHeader) throws(ProtocolError) -> Step {
    guard queue.count >= remaining else { return .needMore }
    let payload = takeWhole(header)
    switch header.opcode {
    case .ping:
      traffic.countPing()
      return .arrival(.event(.ping(payload)))
    case .pong:
      traffic.countPong()
      return .arrival(.event(.pong(payload)))
    case .close:
      let close = try ClosePayload(parsing: payload)
      isClosed = true
      return .arrival(.event(.close(close.code, reason: close.reason)))
    case .continuation, .text, .binary: return .again
    }
  }

  mutating func fail(_ error: ProtocolError) -> ProtocolError {
    failure = error
    lent = .nothing
    queue.release()
    assembly.release()
    inflater?.release()
    return error
  }
}
