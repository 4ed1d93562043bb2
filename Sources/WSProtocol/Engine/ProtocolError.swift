// What a peer can do wrong once the connection is open: one case a fault, with the close code it causes and the words that the
// peer is told. RFC 6455 7.1.7, "Fail the WebSocket Connection".

/// A violation that ends the connection.
public enum ProtocolError: Error, Equatable, Sendable {
  /// An RSV bit that no extension gave a meaning. RFC 6455 5.2.
  case reservedBits
  /// An opcode of 3 to 7 or 11 to 15. RFC 6455 5.2.
  case unknownOpcode(UInt8)
  /// A control frame of more than 125 bytes. RFC 6455 5.5.
  case controlTooLong
  /// A control frame without FIN. RFC 6455 5.5.
  case controlFragmented
  /// A new message while one is open. RFC 6455 5.4.
  case messageInsideMessage
  /// A continuation frame with no message to continue. RFC 6455 5.4.
  case unexpectedContinuation
  /// A client's frame without mask. RFC 6455 5.1.
  case unmasked
  /// A server's frame with a mask. RFC 6455 5.1.
  case masked
  /// A length in more bytes than it needs. RFC 6455 5.2.
  case lengthNotMinimal
  /// A 64-bit length with the top bit set. RFC 6455 5.2.
  case lengthTooLarge
  /// A close frame of one byte. RFC 6455 5.5.1.
  case closePayloadTooShort
  /// A close code that must not travel. RFC 6455 7.4.
  case badCloseCode(UInt16)
  /// A close reason that is not UTF-8. RFC 6455 5.5.1 and 8.1.
  case badCloseReason
  /// A text message that is not UTF-8. RFC 6455 8.1.
  case invalidUTF8
  /// A compressed message that is not deflate data, ends too early, or refers to what was never there. RFC 7692 7.2.2.
  case corruptDeflate
  /// A message beyond the read limit, which the value says. RFC 6455 7.4.1, 1009.
  case messageTooBig(limit: UInt64)
  /// No memory for the message. RFC 6455 7.4.1, 1011.
  case outOfMemory

  /// The code of the close frame that answers it.
  public var closeCode: CloseCode {
    switch self {
    case .reservedBits, .unknownOpcode, .controlTooLong, .controlFragmented, .messageInsideMessage,
      .unexpectedContinuation, .unmasked, .masked, .lengthNotMinimal, .lengthTooLarge, .closePayloadTooShort,
      .badCloseCode:
      .protocolError
    case .badCloseReason, .invalidUTF8, .corruptDeflate: .invalidPayload
    case .messageTooBig: .messageTooBig
    case .outOfMemory: .internalError
    }
  }

  /// What was seen and what is allowed: the reason of the close frame, at most 123 bytes.
  public var text: StaticString {
    switch self {
    case .reservedBits: "reserved bit set without an extension that defines it"
    case .unknownOpcode: "unknown opcode"
    case .controlTooLong: "control frame of more than 125 bytes"
    case .controlFragmented: "control frame that is not final"
    case .messageInsideMessage: "new message before the end of the last one"
    case .unexpectedContinuation: "continuation without a message to continue"
    case .unmasked: "frame from a client without a mask"
    case .masked: "frame from a server with a mask"
    case .lengthNotMinimal: "length in more bytes than it needs"
    case .lengthTooLarge: "64-bit length with the top bit set"
    case .closePayloadTooShort: "close frame of one byte"
    case .badCloseCode: "close code that must not be sent"
    case .badCloseReason: "close reason that is not UTF-8"
    case .invalidUTF8: "text that is not UTF-8"
    case .corruptDeflate: "compressed data that cannot be decompressed"
    case .messageTooBig: "message larger than the limit"
    case .outOfMemory: "no memory for the message"
    }
  }
}
