// Close codes and the payload of close frames. RFC 6455 5.5.1 and 7.4.

/// Why a connection is closed. RFC 6455 7.4.
public struct CloseCode: RawRepresentable, Equatable, Sendable {
  /// The number on the wire.
  public let rawValue: UInt16

  /// The code of that number, whether it may be used or not.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// 1000: done.
  public static let normal = CloseCode(rawValue: 1000)
  /// 1001: the server goes down, or the browser leaves the page.
  public static let goingAway = CloseCode(rawValue: 1001)
  /// 1002: the peer broke the protocol.
  public static let protocolError = CloseCode(rawValue: 1002)
  /// 1003: data of a kind that we do not take.
  public static let unsupportedData = CloseCode(rawValue: 1003)
  /// 1005: a close frame without a code. Never on the wire.
  public static let noStatus = CloseCode(rawValue: 1005)
  /// 1006: the connection ended without a close frame. Never on the wire.
  public static let abnormal = CloseCode(rawValue: 1006)
  /// 1007: data that does not fit its type, such as text that is not UTF-8.
  public static let invalidPayload = CloseCode(rawValue: 1007)
  /// 1008: a message against a rule of ours that no other code names.
  public static let policyViolation = CloseCode(rawValue: 1008)
  /// 1009: a message too big for us.
  public static let messageTooBig = CloseCode(rawValue: 1009)
  /// 1010: the server did not agree to an extension that the client needs.
  public static let mandatoryExtension = CloseCode(rawValue: 1010)
  /// 1011: we cannot go on.
  public static let internalError = CloseCode(rawValue: 1011)
  /// 1012: the service starts anew; come back.
  public static let serviceRestart = CloseCode(rawValue: 1012)
  /// 1013: overloaded; come back later.
  public static let tryAgainLater = CloseCode(rawValue: 1013)
  /// 1014: a gateway had no good answer from behind it.
  public static let badGateway = CloseCode(rawValue: 1014)
  /// 1015: TLS failed. Never on the wire.
  public static let tlsHandshake = CloseCode(rawValue: 1015)

  /// True when the code may stand in a close frame, received or sent. RFC 6455 7.4.2 and the registry of 11.7: 1004 is
  /// reserved, 1005, 1006 and 1015 never travel, 1016 to 2999 are unassigned, 3000 to 4999 are free for use.
  public var isAllowedOnWire: Bool {
    switch rawValue {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }

  /// What the code means, in a few words for logs.
  public var text: StaticString {
    switch rawValue {
    case 1000: "normal closure"
    case 1001: "going away"
    case 1002: "protocol error"
    case 1003: "unsupported data"
    case 1005: "no status received"
    case 1006: "abnormal closure"
    case 1007: "invalid payload data"
    case 1008: "policy violation"
    case 1009: "message too big"
    case 1010: "mandatory extension missing"
    case 1011: "internal error"
    case 1012: "service restart"
    case 1013: "try again later"
    case 1014: "bad gateway"
    case 1015: "TLS handshake failure"
    case 3000...3999: "registered"
    case 4000...4999: "private use"
    default: "unknown"
    }
  }

  /// True for the codes of an ordinary end: 1000, 1001, or none.
  public var isOrdinary: Bool {
    self == .normal || self == .goingAway || self == .noStatus
  }
}

/// The payload of a close frame: nothing, or a code and a reason.
public struct ClosePayload {
  /// The most bytes of a reason: a control frame's 125 without the code. RFC 6455 5.5.
  public static let maximumReason = 123

  /// `CloseCode.noStatus` when there is no payload.
  public let code: CloseCode
  /// UTF-8, borrowed from the payload.
  public let reason: ByteView

  /// Parses a received payload.
  public init(parsing payload: ByteView) throws(ProtocolError) {
    guard !payload.isEmpty else {
      code = .noStatus
      reason = .empty
      return
    }
    // RFC 6455 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
    guard payload.count >= 2 else { throw .closePayloadTooShort }
    guard payload.count <= Self.maximumReason &+ 2 else { throw .controlTooLong }
    code = CloseCode(rawValue: UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self)))
    reason = payload.cut(from: 2)
    guard code.isAllowedOnWire else { throw .badCloseCode(code.rawValue) }
    guard UTF8Validator.isText(reason) else { throw .badCloseReason }
  }

  /// Passes when a close frame with this code and reason may be sent: `.noStatus` stands for none, and then there is no reason.
  /// RFC 6455 5.5.1 and 7.4.
  public static func check(_ code: CloseCode, reason: ByteView) throws(SendError) {
    guard code == .noStatus ? reason.isEmpty : code.isAllowedOnWire else { throw .badCloseCode }
    guard reason.count <= maximumReason else { throw .controlTooLong }
    guard UTF8Validator.isText(reason) else { throw .badCloseReason }
  }

  /// Writes a payload of at most 125 bytes: nothing for `.noStatus`, else the code and as much of the reason as fits, cut at a
  /// character. `space` has 125 bytes. Returns how many were written.
  public static func write(_ code: CloseCode, reason: ByteView, to space: UnsafeMutableRawBufferPointer) -> Int {
    guard code != .noStatus, space.count >= 125 else { return 0 }
    space.storeBytes(of: code.rawValue.bigEndian, as: UInt16.self)
    let fitting = cutAtCharacter(reason)
    var end = 2
    for byte in fitting {
      space[end] = byte
      end = end &+ 1
    }
    return end
  }

  private static func cutAtCharacter(_ reason: ByteView) -> ByteView {
    guard reason.count > maximumReason else { return reason }
    // At most three bytes back; where no character begins there, the bytes are not UTF-8 and are refused as they are.
    var end = maximumReason
    while end > maximumReason - 4 {
      if reason[end] & 0xC0 != 0x80 { return reason.cut(0, end) }
      end = end &- 1
    }
    return reason.cut(0, maximumReason)
  }
}
