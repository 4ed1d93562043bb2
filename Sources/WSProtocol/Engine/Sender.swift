// The sending half: what may be sent now, and the bytes of a frame. It does no I/O, and holds no memory between messages; whoever
// holds it (a connection's write lock, an engine) moves the bytes.

/// A frame that must not be sent. Nothing has been sent, and the connection goes on.
public enum SendError: Error, Equatable, Sendable {
  /// A close frame has been sent. RFC 6455 5.5.1: "The application MUST NOT send any more data frames".
  case closeSent
  /// A control frame of more than 125 bytes. RFC 6455 5.5.
  case controlTooLong
  /// A new message while one is open. RFC 6455 5.4.
  case messageOpen
  /// A continuation with nothing to continue, or a piece of a message that has been ended. RFC 6455 5.4.
  case noMessageOpen
  /// A close code that must not travel, or a payload of one byte. RFC 6455 7.4.
  case badCloseCode
  /// A close reason that is not UTF-8. RFC 6455 5.5.1.
  case badCloseReason
  /// Text that is not UTF-8, where checking was asked for. RFC 6455 8.1.
  case invalidUTF8
  /// No memory for the frame.
  case outOfMemory
}

/// Decides what may be sent, and in which order.
public struct Sender: ~Copyable {
  /// Which end we are: clients mask.
  public let role: Role
  /// The code of the close frame that was sent, `.noStatus` for one without code; nil before.
  public private(set) var closeSent: CloseCode?
  /// Whether outgoing text is checked as UTF-8, before anything of it is sent. Looked at when a message begins.
  public var checksUTF8 = false
  /// How messages are compressed, where that was agreed on.
  public var compression = CompressionSettings()
  /// What has left so far.
  public private(set) var traffic = Traffic()
  /// The message that its user writes in pieces; see `StreamedMessage`.
  var stream = StreamedMessage()
  /// What compresses; nil where that was not agreed on. See `Sender+Compression`.
  var compressor: MessageCompressor?
  /// A message of which frames have left is not complete.
  private(set) var messageIsOpen = false
  /// That message is compressed.
  private var openIsCompressed = false
  /// That message can not be completed, because there was no memory to compress more of it.
  var isStuck = false
  /// The state of that message where it is text and checked.
  private var openText: UTF8Validator?

  /// A sender before the first frame.
  public init(role: Role) { self.role = role }

  /// A frame of a message: the first one carries the kind, the others are continuations. RFC 6455 5.4. `compressed`, which counts on
  /// the first: whether the message may be compressed. `maskKey` is fresh for every frame and used by clients only. RFC 6455 5.3.
  /// Call `finish` when the frame has left, or will not.
  public mutating func dataFrame(
    _ kind: MessageKind?, isFinal: Bool, payload: Payload, compressed: Bool = true, maskKey: UInt32
  ) throws(SendError) -> OutgoingFrame {
    try checkOrder(isFirst: kind != nil)
    let text = try check(payload, isFinal: isFinal, kind == .text && checksUTF8 ? UTF8Validator() : openText)
    let open = isFinal ? nil : text
    guard kind == nil ? openIsCompressed : compresses(payload.count, isWhole: isFinal, compressed) else {
      return frame(kind, isFinal: isFinal, payload, maskKey, openText: open)
    }
    let deflated = try compress(payload, isFirst: kind != nil, isFinal: isFinal)
    return frame(kind, isFinal: isFinal, Payload(deflated), maskKey, openText: open, plainCount: payload.count)
  }

  /// Throws unless a message may begin, or the one that is open may go on.
  func checkOrder(isFirst: Bool) throws(SendError) {
    guard closeSent == nil else { throw .closeSent }
    guard !stream.isOpen, !isFirst || !messageIsOpen else { throw .messageOpen }
    guard isFirst || messageIsOpen else { throw .noMessageOpen }
    guard !isStuck else { throw .outOfMemory }
  }

  private func check(_ payload: Payload, isFinal: Bool, _ text: UTF8Validator?) throws(SendError) -> UTF8Validator? {
    guard var text else { return nil }
    var number = 0
    while number < payload.partCount {
      guard text.advance(payload.part(number)) else { throw .invalidUTF8 }
      number = number &+ 1
    }
    guard !isFinal || text.isComplete else { throw .invalidUTF8 }
    return text
  }

  /// A ping, pong or close frame; a close payload is checked by RFC 6455 7.4.
  public func controlFrame(_ opcode: ControlOpcode, payload: ByteView, maskKey: UInt32) throws(SendError) -> OutgoingFrame {
    try opcode.check(payload)
    guard closeSent == nil else { throw .closeSent }
    let header = header(opcode.opcode, payload.count, maskKey)
    return OutgoingFrame(header: header, payload: Payload(payload))
  }

  /// A frame of the message that is open, or the first one of a message of that kind. `plainCount`: the bytes that a compressed payload
  /// stands for.
  func frame(
    _ kind: MessageKind?, isFinal: Bool, _ payload: Payload, _ maskKey: UInt32, openText: UTF8Validator? = nil,
    plainCount: Int? = nil
  ) -> OutgoingFrame {
    let opcode = messageIsOpen ? .continuation : kind?.opcode ?? .continuation
    // RFC 7692 6: RSV1 stands on the first frame of a compressed message, and on no other.
    let isCompressed = plainCount != nil && !messageIsOpen
    let header = header(opcode, isFinal: isFinal, isCompressed: isCompressed, payload.count, maskKey)
    return OutgoingFrame(header: header, payload: payload, openText: openText, plainCount: plainCount)
  }

  /// The first byte of the frame has left: from now on it counts.
  public mutating func begin(_ frame: OutgoingFrame) {
    traffic.count(frame)
    switch frame.header.opcode {
    case .text, .binary, .continuation:
      if !messageIsOpen { openIsCompressed = frame.header.isCompressed }
      messageIsOpen = !frame.header.isFinal
      openText = frame.openText
    case .close:
      closeSent = (try? ClosePayload(parsing: frame.controlPayload))?.code ?? .noStatus
      fail()
    case .ping, .pong: break
    }
  }

  /// So many bytes have left.
  public mutating func passed(_ count: Int) { traffic.pass(count) }

  /// A pong that has begun is not sent after all: a newer one takes its place.
  mutating func replacePong() { traffic.uncountPong() }

  /// No data can be sent any more: gives back what is held for it.
  public mutating func fail() {
    stream.release()
    compressor?.forget()
    compressor?.releaseIfIdle()
  }

  private func header(
    _ opcode: Opcode, isFinal: Bool = true, isCompressed: Bool = false, _ length: Int, _ maskKey: UInt32
  ) -> FrameHeader {
    let key = role == .client ? maskKey : nil
    return FrameHeader(opcode: opcode, isFinal: isFinal, isCompressed: isCompressed, maskKey: key, length: length)
  }
}

/// The control frames, as an argument. RFC 6455 5.5.
public enum ControlOpcode: UInt8, Sendable {
  /// The closing handshake.
  case close = 8
  /// Are you there?
  case ping = 9
  /// I am here.
  case pong = 10

  /// The frame's opcode.
  public var opcode: Opcode {
    switch self {
    case .close: .close
    case .ping: .ping
    case .pong: .pong
    }
  }
  /// Throws unless a frame with this payload may be sent: at most 125 bytes, and of a close frame what RFC 6455 7.4 allows.
  func check(_ payload: ByteView) throws(SendError) {
    guard payload.count <= 125 else { throw .controlTooLong }
    guard self == .close else { return }
    do throws(ProtocolError) {
      _ = try ClosePayload(parsing: payload)
    } catch {
      if case .badCloseReason = error { throw .badCloseReason }
      throw .badCloseCode
    }
  }
}
