// What the receiving side tells: messages and control frames, in the order of the wire.

/// Something that arrived. The bytes are borrowed from the receiver until its next call.
public enum Event {
  /// A whole data message. RFC 6455 6.2.
  case message(MessageKind, ByteView)
  /// A ping with its application data. RFC 6455 5.5.2.
  case ping(ByteView)
  /// A pong with its application data. RFC 6455 5.5.3.
  case pong(ByteView)
  /// A close frame; `CloseCode.noStatus` when it has no code. Nothing follows it. RFC 6455 5.5.1.
  case close(CloseCode, reason: ByteView)
}

/// How a receiver hands messages out.
public enum Delivery: Sendable {
  /// As one run of bytes, when the last one has arrived.
  case whole
  /// In parts, as they arrive: nothing is put together.
  case parts
}

/// What a receiver tells next: an event, or a step of a message that is delivered in parts. Control frames may come between the parts.
public enum Arrival {
  /// A control frame, or a whole message.
  case event(Event)
  /// A message has begun; its parts follow.
  case begin(MessageKind)
  /// The next bytes of the message that has begun, maybe none behind the last frame. Text may be cut inside a character.
  case part(ByteView, isLast: Bool)
}
