// The receiving half: bytes in, events out. It owns the receive buffer and the message being assembled, and knows nothing of
// sockets, handlers or answers.
//
// A message that is one frame inside the buffer is lent from there, without a copy. Any other is assembled once: unmasked and
// validated as it arrives, and received straight into its place where a frame is larger than the buffer. Memory grows with the
// bytes received, never with the bytes a header claims.

/// Turns received bytes into events. A value for one thread at a time.
public struct Receiver: ~Copyable {
  /// Which end we are.
  public let role: Role
  /// The largest message, in bytes; 0 for no limit. Looked at on each frame header.
  public var limit: UInt64
  /// Whether text is checked as UTF-8 while it arrives. Looked at when a message begins.
  public var checksUTF8 = true
  /// Whether RSV1 on the first frame of a message has been negotiated. RFC 7692 6.
  public var allowsCompressed = false
  /// The first violation; it stays.
  public private(set) var failure: ProtocolError?
  /// A close frame has arrived: whatever follows is ignored. RFC 6455 5.5.1.
  public private(set) var isClosed = false
  /// What has arrived so far. Bytes behind a close frame do not count.
  public private(set) var traffic = Traffic()

  private var queue = ByteQueue()
  private var assembly = ByteQueue()
  /// Bytes at the end of `assembly` that came straight from the transport and are not unmasked yet.
  private var fresh = 0
  private var frame: FrameHeader?
  /// How much of the current frame's payload has not been taken yet.
  private var remaining = 0
  private var phase = 0
  private var message: MessageKind?
  private var validator = UTF8Validator()
  private var validates = false
  private var lent = Lent.nothing
  /// The room to offer next; it doubles while the transport fills it.
  private var readSize = Self.smallRead
  /// Memory that a user of an earlier event still looks at; see `keepLent`.
  private var stillLent = ByteQueue()
  /// The room that `freeSpace` offered and that `received` has not used yet: nobody can have filled more.
  private var offered = 0

  /// What the last event borrowed.
  private enum Lent {
    case nothing
    case queue(Int)
    case assembly
  }

  private enum Step {
    case event(Event)
    case again
    case needMore
  }

  /// The room that `freeSpace` offers at first.
  private static let smallRead = 4096
  /// The most room that `freeSpace` asks for ahead of what arrived.
  private static let largeRead = 65536
  /// A buffer beyond this is given back as soon as its bytes have been read.
  static let keptBuffer = 1 << 20

  /// A receiver before the first byte. `limit` in bytes, 0 for none.
  public init(role: Role, limit: UInt64) {
    self.role = role
    self.limit = limit
  }

  /// True in the middle of a frame or of a message: the stream must not end here.
  public var isInsideMessage: Bool {
    guard !isClosed else { return false }
    return message != nil || frame != nil || queue.count > lentFromQueue
  }

  /// The bytes of memory held for received bytes, used or not.
  public var memoryHeld: Int { queue.capacity &+ assembly.capacity }

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

  /// The next event, or nil when more bytes are needed. Its bytes are lent until the next call. The first error is returned for
  /// ever.
  public mutating func advance() throws(ProtocolError) -> Event? {
    if let failure { throw failure }
    endLending()
    // What went straight into the message stands before what is in the queue.
    if fresh > 0 { try takeFresh() }
    while !isClosed {
      let step: Step
      do throws(ProtocolError) { step = try next() } catch { throw fail(error) }
      switch step {
      case .event(let event):
        traffic.count(event)
        return event
      case .again: continue
      case .needMore:
        if queue.isEmpty, queue.capacity > Self.keptBuffer { queue.release() }
        return nil
      }
    }
    queue.release()
    assembly.release()
    return nil
  }

  private mutating func next() throws(ProtocolError) -> Step {
    guard let frame else { return try begin() }
    return frame.opcode.isControl ? try control(frame) : try data(frame)
  }

  private mutating func begin() throws(ProtocolError) -> Step {
    let rules = FrameRules(role: role, allowsCompressed: allowsCompressed, messageIsOpen: message != nil)
    guard let header = try FrameHeader.parse(queue.bytes, rules: rules) else { return .needMore }
    if !header.opcode.isControl { try beginData(header) }
    queue.discard(header.size)
    frame = header
    remaining = header.length
    phase = 0
    return .again
  }

  private mutating func beginData(_ header: FrameHeader) throws(ProtocolError) {
    let held = UInt64(truncatingIfNeeded: assembly.count)
    let claimed = UInt64(truncatingIfNeeded: header.length)
    guard limit == 0 || (held <= limit && claimed <= limit - held) else { throw .messageTooBig(limit: limit) }
    guard header.opcode != .continuation else { return }
    message = header.opcode == .text ? .text : .binary
    validates = header.opcode == .text && checksUTF8
    validator = UTF8Validator()
  }

  private mutating func control(_ header: FrameHeader) throws(ProtocolError) -> Step {
    guard queue.count >= remaining else { return .needMore }
    let payload = takeWhole(header)
    switch header.opcode {
    case .ping: return .event(.ping(payload))
    case .pong: return .event(.pong(payload))
    case .close:
      let close = try ClosePayload(parsing: payload)
      isClosed = true
      return .event(.close(close.code, reason: close.reason))
    case .continuation, .text, .binary: return .again
    }
  }

  private mutating func data(_ header: FrameHeader) throws(ProtocolError) -> Step {
    if header.isFinal, assembly.isEmpty, queue.count >= remaining, let message {
      let payload = takeWhole(header)
      try validate(payload, isLast: true)
      self.message = nil
      return .event(.message(message, payload))
    }
    try assemble(header)
    guard remaining == 0 else { return .needMore }
    frame = nil
    guard header.isFinal, let message else { return .again }
    try validate(.empty, isLast: true)
    self.message = nil
    lent = .assembly
    return .event(.message(message, assembly.bytes))
  }

  /// Lends the frame's whole payload where it lies in the queue, unmasked.
  private mutating func takeWhole(_ header: FrameHeader) -> ByteView {
    let payload = UnsafeMutableRawBufferPointer(start: queue.mutableBytes.baseAddress, count: remaining)
    if let key = header.maskKey { Mask.apply(payload, key: key) }
    lent = .queue(remaining)
    frame = nil
    remaining = 0
    return ByteView(payload)
  }

  /// Moves what has arrived of the frame from the queue into the message.
  private mutating func assemble(_ header: FrameHeader) throws(ProtocolError) {
    let available = min(queue.count, remaining)
    guard available > 0, let source = queue.bytes.baseAddress else { return }
    do throws(OutOfMemory) { try assembly.reserve(available) } catch { throw .outOfMemory }
    guard let target = assembly.freeSpace.baseAddress else { throw .outOfMemory }
    phase = Mask.apply(from: source, to: target, count: available, key: header.maskKey ?? 0, phase: phase)
    assembly.commit(available)
    queue.discard(available)
    remaining = remaining &- available
    try validate(ByteView(start: target, count: available), isLast: false)
  }

  /// Unmasks and validates what was received straight into the message.
  private mutating func takeFresh() throws(ProtocolError) {
    let part = assembly.mutableEnd(fresh)
    if let key = frame?.maskKey { phase = Mask.apply(part, key: key, phase: phase) }
    remaining = missing
    fresh = 0
    do throws(ProtocolError) { try validate(ByteView(part), isLast: false) } catch { throw fail(error) }
  }

  private mutating func validate(_ bytes: ByteView, isLast: Bool) throws(ProtocolError) {
    guard validates else { return }
    guard validator.advance(bytes), !isLast || validator.isComplete else { throw .invalidUTF8 }
  }

  // MARK: - State

  /// Lets what the last event lent live on until `endKept`, while somebody else goes on reading. The only error is `.outOfMemory`.
  public mutating func keepLent() throws(ProtocolError) {
    switch lent {
    case .nothing: return
    case .queue(let count):
      var rest = ByteQueue()
      do throws(OutOfMemory) { try rest.append(queue.bytes.cut(from: count)) } catch { throw fail(.outOfMemory) }
      swap(&queue, &rest)
      swap(&stillLent, &rest)
    case .assembly:
      swap(&stillLent, &assembly)
      assembly.release()
    }
    lent = .nothing
  }

  /// The user of what `keepLent` kept has come back.
  public mutating func endKept() { stillLent.release() }

  /// A data frame has begun and everything before its missing part has been taken: the rest can come straight into the message.
  private var takesIntoMessage: Bool {
    guard let frame, !frame.opcode.isControl else { return false }
    return queue.isEmpty && missing > 0 && !assembly.isEmpty
  }

  /// How much of the current frame's payload has not arrived, where the queue is empty.
  private var missing: Int { remaining &- fresh }

  private var lentFromQueue: Int {
    switch lent {
    case .queue(let count): count
    case .nothing, .assembly: 0
    }
  }

  /// The caller has asked for something new: what was lent and what was offered is ours again.
  private mutating func endLending() {
    offered = 0
    switch lent {
    case .nothing: return
    case .queue(let count): queue.discard(count)
    case .assembly:
      assembly.removeAll()
      if assembly.capacity > Self.keptBuffer { assembly.release() }
    }
    lent = .nothing
  }

  private mutating func fail(_ error: ProtocolError) -> ProtocolError {
    failure = error
    lent = .nothing
    queue.release()
    assembly.release()
    return error
  }
}
