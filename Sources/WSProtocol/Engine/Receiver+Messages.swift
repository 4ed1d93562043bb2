// Data frames become messages.
//
// A whole message that is one frame inside the buffer is lent from there, without a copy. Any other is assembled once: unmasked and
// validated as it arrives, and received straight into its place where a frame is larger than the buffer. A message in parts is
// never assembled: what has arrived of it is lent from the buffer.

extension Receiver {
  /// The short way for most messages: one frame, all of which lies in the queue behind its header. nil: not such a one.
  @inline(__always)
  mutating func messageAtOnce(_ header: FrameHeader) throws(ProtocolError) -> Event? {
    let size = header.size
    guard header.isFinal, message == nil, !header.opcode.isControl, !header.isCompressed, delivery == .whole,
      header.length <= queue.count &- size
    else { return nil }
    try IncomingMessage.check(header.length, limit: limit)
    let payload = ByteView(queue.mutableBytes).cut(from: size).cut(0, header.length)
    if let key = header.maskKey { Mask.apply(UnsafeMutableRawBufferPointer(mutating: payload), key: key) }
    lent = .queue(size &+ header.length)
    let kind = header.opcode == .text ? MessageKind.text : .binary
    guard kind == .binary || !checksUTF8 || UTF8Validator.isText(payload) else { throw .invalidUTF8 }
    traffic.countMessage(UInt64(truncatingIfNeeded: header.length), onWire: nil)
    return .message(kind, payload)
  }

  /// A data frame's header has arrived.
  mutating func beginData(_ header: FrameHeader) throws(ProtocolError) -> Step {
    guard header.opcode != .continuation else {
      try message?.announce(header.length, limit: limit)
      return .again
    }
    var message = IncomingMessage(header, delivery: delivery, checksUTF8: checksUTF8)
    try message.announce(header.length, limit: limit)
    if message.isCompressed { try inflater?.begin() }
    self.message = message
    switch message.delivery {
    case .whole: return .again
    case .parts: return .arrival(.begin(message.kind))
    }
  }

  /// Some of a data frame's payload may have arrived.
  mutating func data(_ header: FrameHeader) throws(ProtocolError) -> Step {
    guard let message else { return .again }
    if message.isCompressed { return try inflate(header, message.delivery) }
    switch message.delivery {
    case .whole: return try whole(header, message.kind)
    case .parts: return try part(header)
    }
  }

  private mutating func whole(_ header: FrameHeader, _ kind: MessageKind) throws(ProtocolError) -> Step {
    if header.isFinal, assembly.isEmpty, queue.count >= remaining {
      let payload = takeWhole(header)
      try message?.validate(payload, isLast: true)
      endMessage()
      return .arrival(.event(.message(kind, payload)))
    }
    try assemble(header)
    guard remaining == 0 else { return .needMore }
    frame = nil
    guard header.isFinal else { return .again }
    try message?.validate(.empty, isLast: true)
    endMessage()
    lent = .assembly
    return .arrival(.event(.message(kind, assembly.bytes)))
  }

  /// Lends what has arrived of the frame where it lies in the queue.
  private mutating func part(_ header: FrameHeader) throws(ProtocolError) -> Step {
    let available = min(queue.count, remaining)
    guard available > 0 || remaining == 0 else { return .needMore }
    let payload = unmask(available, header)
    lent = .queue(available)
    remaining = remaining &- available
    let isLast = remaining == 0 && header.isFinal
    try message?.validate(payload, isLast: isLast)
    if remaining == 0 { frame = nil }
    if isLast { endMessage() }
    return available > 0 || isLast ? .arrival(.part(payload, isLast: isLast)) : .again
  }

  mutating func endMessage() {
    if let message { traffic.countMessage(message.size, onWire: message.isCompressed ? message.announced : nil) }
    message = nil
  }

  // MARK: - Bytes

  /// Lends the frame's whole payload where it lies in the queue, unmasked.
  mutating func takeWhole(_ header: FrameHeader) -> ByteView {
    let payload = unmask(remaining, header)
    lent = .queue(remaining)
    frame = nil
    remaining = 0
    return payload
  }

  /// Unmasks the next bytes of the frame's payload, of which so many are in the queue, where they lie.
  @inline(__always)
  private mutating func unmask(_ count: Int, _ header: FrameHeader) -> ByteView {
    let payload = UnsafeMutableRawBufferPointer(start: queue.mutableBytes.baseAddress, count: count)
    if let key = header.maskKey { phase = Mask.apply(payload, key: key, phase: phase) }
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
    try message?.validate(ByteView(start: target, count: available), isLast: false)
  }

  /// Unmasks and validates what was received straight into the message.
  mutating func takeFresh() throws(ProtocolError) {
    let part = assembly.mutableEnd(fresh)
    if let key = frame?.maskKey { phase = Mask.apply(part, key: key, phase: phase) }
    remaining = missing
    fresh = 0
    do throws(ProtocolError) { try message?.validate(ByteView(part), isLast: false) } catch { throw fail(error) }
  }

  /// A data frame has begun and everything before its missing part has been taken: the rest can come straight into the message.
  var takesIntoMessage: Bool {
    guard let frame, !frame.opcode.isControl, message?.isCompressed == false else { return false }
    return queue.isEmpty && missing > 0 && !assembly.isEmpty
  }

  /// How much of the current frame's payload has not arrived, where the queue is empty.
  var missing: Int { remaining &- fresh }
}
