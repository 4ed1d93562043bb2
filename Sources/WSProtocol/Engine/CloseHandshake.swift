// The closing handshake as a value: who has closed with what, what to answer, and how it ended. RFC 6455 7.

/// How a connection ended, as its user sees it.
public enum CloseOutcome: Equatable, Sendable {
  /// The peer closed with 1000, 1001 or no code.
  case ordinary
  /// The peer closed with another code.
  case withCode(CloseCode)
  /// The stream ended without a close frame: 1006 of RFC 6455 7.4.1.
  case lost
}

/// What the peer said at the end, kept for questions afterwards.
public struct CloseHandshake: Sendable {
  /// The peer's code; nil before its close frame, `.noStatus` for one without code.
  public private(set) var received: CloseCode?
  /// How many bytes the peer's reason has.
  public private(set) var reasonCount = 0
  private var reasonBytes = InlineArray<123, UInt8>(repeating: 0)

  /// Before any close frame.
  public init() {}

  /// A close frame arrived.
  public mutating func receive(_ code: CloseCode, reason: ByteView) {
    received = code
    let reason = reason.cut(0, ClosePayload.maximumReason)
    reasonCount = 0
    for byte in reason {
      reasonBytes[unchecked: reasonCount] = byte  // at most 123, by the line above
      reasonCount = reasonCount &+ 1
    }
  }

  /// Copies the peer's reason; `space` has room for 123 bytes. Returns its size.
  public func copyReason(to space: UnsafeMutableRawBufferPointer) -> Int {
    guard space.count >= reasonCount else { return 0 }
    var index = 0
    while index < reasonCount {
      space[index] = reasonBytes[unchecked: index]  // below reasonCount, which is at most 123
      index = index &+ 1
    }
    return reasonCount
  }

  /// The code that answers a received close frame. RFC 6455 5.5.1: the endpoint "typically echos the status code it received".
  public static func answer(to code: CloseCode) -> CloseCode { code }

  /// How the stream ended, asked when nothing more can come.
  public var outcome: CloseOutcome {
    guard let received else { return .lost }
    return received.isOrdinary ? .ordinary : .withCode(received)
  }
}
