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
public struct CloseHandshake: ~Copyable {
  /// The peer's code; nil before its close frame, `.noStatus` for one without code.
  public private(set) var received: CloseCode?
  private var reasonBytes = ByteQueue()

  /// Before any close frame.
  public init() {}

  /// The peer's reason, UTF-8 of at most 123 bytes; borrowed until this value is gone.
  public var reason: ByteView { reasonBytes.bytes }

  /// A close frame arrived. Without memory for its reason the code must do.
  public mutating func receive(_ code: CloseCode, reason: ByteView) {
    received = code
    reasonBytes.removeAll()
    do throws(OutOfMemory) { try reasonBytes.append(reason.cut(0, ClosePayload.maximumReason)) } catch {}
  }

  /// The code that answers a received close frame. RFC 6455 5.5.1: the endpoint "typically echos the status code it received".
  public static func answer(to code: CloseCode) -> CloseCode { code }

  /// How the stream ended, asked when nothing more can come.
  public var outcome: CloseOutcome {
    guard let received else { return .lost }
    return received.isOrdinary ? .ordinary : .withCode(received)
  }
}
