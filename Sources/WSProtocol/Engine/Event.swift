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
