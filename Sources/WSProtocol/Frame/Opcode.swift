// The frame types of RFC 6455 5.2 and 11.8, and which end of a connection we are.

/// What a frame is. RFC 6455 5.2 reserves the values in between.
public enum Opcode: UInt8, Sendable {
  /// More of the message that is open. RFC 6455 5.4.
  case continuation = 0
  /// The first frame of a text message. RFC 6455 5.6.
  case text = 1
  /// The first frame of a binary message. RFC 6455 5.6.
  case binary = 2
  /// The closing handshake. RFC 6455 5.5.1.
  case close = 8
  /// Are you there? RFC 6455 5.5.2.
  case ping = 9
  /// I am here. RFC 6455 5.5.3.
  case pong = 10

  /// Control frames stand alone, are short and may pass between the frames of a message. RFC 6455 5.5.
  @inline(__always) public var isControl: Bool { rawValue & 0x8 != 0 }
}

/// What a data message is. RFC 6455 5.6.
public enum MessageKind: UInt8, Sendable {
  /// UTF-8 text.
  case text = 1
  /// Bytes.
  case binary = 2

  /// The opcode of the message's first frame.
  @inline(__always) public var opcode: Opcode { self == .text ? .text : .binary }
}

/// Which end of the connection we are. Clients mask what they send, servers do not. RFC 6455 5.1.
public enum Role: Sendable {
  /// We opened the connection.
  case client
  /// We accepted it.
  case server
}
