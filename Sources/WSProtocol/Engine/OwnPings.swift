// Pings of our own: told from the application's by their payload, so that their pongs are recognised and timed. RFC 6455 5.5.3: a pong
// has "identical Application data", and a peer that got several pings may answer the last one only.

/// Pings that the library makes, numbered from 1, and what is known of their answers. Times are nanoseconds.
public struct OwnPings: Sendable {
  /// The size of their payload.
  public static let size = 8
  private struct Times {
    var number: UInt64 = 0
    var left: Int64 = 0
    var back: Int64 = 0
  }

  private let salt: UInt64
  private var made: UInt64 = 0
  private var answered: UInt64 = 0
  /// The latest ones, each at its number modulo 8.
  private var times = InlineArray<8, Times>(repeating: Times())

  /// `salt`: a random number, so that no payload of somebody else's looks like ours.
  public init(salt: UInt64) { self.salt = salt }

  /// The number of the next ping.
  public mutating func make() -> UInt64 {
    made = made &+ 1
    return made
  }

  /// The payload of a ping, in its wire order.
  public func payload(of number: UInt64) -> UInt64 { number ^ salt }

  /// The number of the ping that has this payload; nil for one that is not ours.
  public func number(in payload: ByteView) -> UInt64? {
    guard payload.count == Self.size else { return nil }
    let number = payload.loadUnaligned(as: UInt64.self) ^ salt
    return number >= 1 && number <= made ? number : nil
  }

  /// A ping has left.
  public mutating func left(_ number: UInt64, at now: Int64) {
    withSlot(number) { $0 = Times(number: number, left: now) }
  }

  /// Its pong is here. Returns how long that took; nil when an answer is here already, or when it is too long ago.
  public mutating func heard(_ number: UInt64, at now: Int64) -> UInt64? {
    guard number > answered else { return nil }
    answered = number
    var span: UInt64?
    withSlot(number) { slot in
      guard slot.number == number, slot.left > 0 else { return }
      slot.back = now
      span = Self.span(slot)
    }
    return span
  }

  /// Whether this ping, or one after it, has been answered.
  public func isAnswered(_ number: UInt64) -> Bool { number <= answered }

  /// How long the answer to this very ping took, as far as it is remembered.
  public func roundTrip(_ number: UInt64) -> UInt64? {
    let slot = times[Self.index(number)]
    return slot.number == number && slot.back > 0 ? Self.span(slot) : nil
  }

  private static func span(_ slot: Times) -> UInt64 {
    let (span, isLong) = slot.back.subtractingReportingOverflow(slot.left)
    return isLong ? 0 : UInt64(clamping: span)
  }

  private static func index(_ number: UInt64) -> Int { Int(truncatingIfNeeded: number & 7) }

  private mutating func withSlot(_ number: UInt64, _ change: (inout Times) -> Void) {
    change(&times[Self.index(number)])
  }
}
