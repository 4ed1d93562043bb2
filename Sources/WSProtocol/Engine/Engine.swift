// Both halves joined, with the answers that RFC 6455 demands: pongs, close echoes and the close frame that fails a connection.
// For programs with their own transport: feed bytes, take events, take output, say what was sent.

/// A whole connection after its opening handshake, without I/O, clock or randomness. A value for one thread at a time.
public struct Engine: ~Copyable {
  private var receiver: Receiver
  private var sender: Sender
  private var pending = ByteQueue()
  /// Older output was still there when the bytes came that are being read now: the peer sends faster than it reads.
  private var isBehind = false
  /// The size of the pong at the end of `pending` that a newer one replaces; 0 for none.
  private var latePong = 0
  /// How the peer closed.
  public private(set) var handshake = CloseHandshake()
  /// The stream has ended.
  public private(set) var isAtEnd = false

  /// An engine for one end. `limit` is the largest message in bytes, 0 for none.
  public init(role: Role, limit: UInt64) {
    receiver = Receiver(role: role, limit: limit)
    sender = Sender(role: role)
  }

  /// Compression has been agreed on, before the first byte. RFC 7692.
  public mutating func agree(on parameters: DeflateParameters) {
    receiver.agree(on: parameters)
    sender.agree(on: parameters)
  }

  /// The largest message to receive, in bytes; 0 for no limit. From the next frame on.
  public var limit: UInt64 {
    get { receiver.limit }
    set { receiver.limit = newValue }
  }

  /// Whether received text is checked as UTF-8, from the next message on. RFC 6455 8.1.
  public var checksReceivedUTF8: Bool {
    get { receiver.checksUTF8 }
    set { receiver.checksUTF8 = newValue }
  }

  /// Whether sent text is checked as UTF-8, from the next message on.
  public var checksSentUTF8: Bool {
    get { sender.checksUTF8 }
    set { sender.checksUTF8 = newValue }
  }

  /// How what is sent is compressed, from the next message on.
  public var compression: CompressionSettings {
    get { sender.compression }
    set { sender.compression = newValue }
  }

  /// The code of the close frame that was sent; nil before.
  public var closeSent: CloseCode? { sender.closeSent }

  /// True when the connection is over: both close frames have passed, a violation ended it, or the stream did. Send the rest of
  /// `output`; then a server closes the transport, and a client waits for that. RFC 6455 7.1.1.
  public var isFinished: Bool {
    isAtEnd || receiver.failure != nil || (handshake.received != nil && sender.closeSent != nil)
  }

  /// What has arrived so far.
  public var receivedTraffic: Traffic { receiver.traffic }

  /// What has left so far; frames count when they are queued, bytes when they are sent.
  public var sentTraffic: Traffic { sender.traffic }

  /// The bytes of memory held for received bytes and for output, used or not.
  public var memoryHeld: Int { receiver.memoryHeld &+ pending.capacity }

  // MARK: - Bytes in

  /// Room to receive into; see `Receiver.freeSpace`.
  public mutating func freeSpace() throws(ProtocolError) -> UnsafeMutableRawBufferPointer { try receiver.freeSpace() }

  /// So many bytes of `freeSpace` were filled. 0 is the end of the stream.
  public mutating func received(_ count: Int) {
    guard count > 0 else { return isAtEnd = true }
    isBehind = !pending.isEmpty
    receiver.received(count)
  }

  /// Takes a copy of received bytes. No bytes are the end of the stream.
  public mutating func feed(_ bytes: ByteView) throws(ProtocolError) {
    guard !bytes.isEmpty else { return isAtEnd = true }
    isBehind = !pending.isEmpty
    try receiver.feed(bytes)
  }

  // MARK: - Events out

  /// The next event, or nil when more bytes are needed. Answers are put into `output` before the event is returned: a pong, the
  /// echo of a close frame, or the close frame that a violation causes. `maskKey` is a fresh key for that one answer.
  public mutating func nextEvent(maskKey: UInt32) throws(ProtocolError) -> Event? {
    // Only an echo that found no memory is still missing here: without it the connection would never be over.
    if let code = handshake.received, sender.closeSent == nil { echoClose(code, maskKey) }
    let arrival: Arrival?
    do throws(ProtocolError) {
      arrival = try receiver.advance()
    } catch {
      answerViolation(error, maskKey)
      throw error
    }
    switch arrival {
    case .event(let event):
      answer(event, maskKey)
      return event
    case .begin, .part: return nil  // messages are delivered whole
    case nil:
      receiver.releaseIdle()
      return nil
    }
  }

  private mutating func answer(_ event: Event, _ maskKey: UInt32) {
    switch event {
    case .ping(let payload): queuePong(payload, maskKey)
    case .close(let code, let reason):
      handshake.receive(code, reason: reason)
      echoClose(code, maskKey)
    case .message, .pong: break
    }
  }

  // MARK: - Sending

  /// Queues a frame of a message: `kind` on the first frame, nil on the others. `compressed`: whether the message may be compressed;
  /// the first frame says it. What is compressed in several frames reaches the peer with each of them.
  public mutating func send(
    _ kind: MessageKind?, _ payload: ByteView, isFinal: Bool = true, compressed: Bool = true, maskKey: UInt32
  ) throws(SendError) {
    try put(sender.dataFrame(kind, isFinal: isFinal, payload: Payload(payload), compressed: compressed, maskKey: maskKey))
  }

  /// Queues a prepared message.
  public mutating func send(_ message: PreparedMessage, maskKey: UInt32) throws(SendError) {
    try put(sender.preparedFrame(message, maskKey: maskKey))
  }

  /// Queues a control frame.
  public mutating func sendControl(_ opcode: ControlOpcode, _ payload: ByteView, maskKey: UInt32) throws(SendError) {
    try put(sender.controlFrame(opcode, payload: payload, maskKey: maskKey))
  }

  /// Queues a close frame with a code and a reason of at most 123 bytes, cut at a character.
  public mutating func close(_ code: CloseCode, reason: ByteView, maskKey: UInt32) throws(SendError) {
    try withClosePayload(code, reason) { (payload) throws(SendError) in
      try put(sender.controlFrame(.close, payload: payload, maskKey: maskKey))
    }
  }

  /// The bytes to send, borrowed until the next call.
  public var output: ByteView { pending.bytes }

  /// So many bytes of `output` were sent.
  public mutating func sent(_ count: Int) {
    let before = pending.count
    pending.discard(count)
    sender.passed(before &- pending.count)
    if pending.count < latePong { latePong = 0 }
    if pending.isEmpty, pending.capacity > Receiver.keptBuffer { pending.release() }
  }

  // MARK: - Answers

  private mutating func put(_ frame: OutgoingFrame) throws(SendError) {
    var frame = frame
    do throws(OutOfMemory) {
      try pending.reserve(max(frame.left, FrameHeader.maximumSize))
    } catch {
      sender.finish(frame, wasSent: false)
      throw .outOfMemory
    }
    sender.begin(frame)
    latePong = 0
    pending.commit(frame.fill(pending.freeSpace))
    sender.finish(frame, wasSent: true)
  }

  /// Every ping is answered, in order; but a peer that does not read what we send gets the answer to its latest one only, so
  /// that it cannot fill our memory. RFC 6455 5.5.3 allows that.
  private mutating func queuePong(_ payload: ByteView, _ maskKey: UInt32) {
    if latePong > 0 {
      pending.truncate(to: pending.count &- latePong)
      sender.replacePong()
    }
    let before = pending.count
    do throws(SendError) { try sendControl(.pong, payload, maskKey: maskKey) } catch {}
    latePong = isBehind ? pending.count &- before : 0
  }

  /// Answers are best effort: after a close frame the sender refuses a second one, and without memory there is no telling.
  private mutating func echoClose(_ code: CloseCode, _ maskKey: UInt32) {
    queueClose(CloseHandshake.answer(to: code), reason: .empty, maskKey)
  }

  private mutating func queueClose(_ code: CloseCode, reason: ByteView, _ maskKey: UInt32) {
    do throws(SendError) { try close(code, reason: reason, maskKey: maskKey) } catch {}
  }

  private mutating func answerViolation(_ error: ProtocolError, _ maskKey: UInt32) {
    queueClose(error.closeCode, reason: ByteView(error.text), maskKey)
  }
}

/// Lends the payload of a close frame with this code and reason.
public func withClosePayload<E: Error>(
  _ code: CloseCode, _ reason: ByteView, _ body: (ByteView) throws(E) -> Void
) throws(E) {
  var storage = InlineArray<128, UInt8>(repeating: 0)
  var span = storage.mutableSpan
  try span.withUnsafeMutableBytes { (space) throws(E) in
    let count = ClosePayload.write(code, reason: reason, to: space)
    try body(ByteView(space).cut(0, count))
  }
}
