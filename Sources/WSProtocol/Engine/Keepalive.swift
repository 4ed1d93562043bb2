// Whether the peer is still there: when to ping it, and when it has been silent for too long. It knows no clock and sends nothing: it is
// told the time and what happened, and says what to do.

/// The rules of an automatic ping. Times are nanoseconds of any clock that only grows.
public struct Keepalive: Sendable {
  /// What is due.
  public enum Due: Equatable, Sendable {
    /// Nothing yet.
    case nothing
    /// A ping. It is taken to be on its way from now on.
    case ping
    /// Nothing came from the peer in time behind the last ping.
    case lost
  }

  private enum State {
    /// Nothing is asked of the peer.
    case quiet
    /// A ping waits to leave.
    case asking
    /// A ping has left, and nothing has come since.
    case waiting
  }

  /// How often to ping, 0 for never.
  public private(set) var interval: Int64 = 0
  /// How long the peer may stay silent behind a ping, 0 for ever.
  public private(set) var timeout: Int64 = 0
  private var state = State.quiet
  private var nextPing = Int64.max
  private var giveUp = Int64.max

  /// Off.
  public init() {}

  /// Whether pings are sent at all.
  public var isOn: Bool { interval > 0 }

  /// Whether a sign of life would make a difference.
  public var isAsking: Bool {
    switch state {
    case .quiet: false
    case .asking, .waiting: true
    }
  }

  /// Begins anew, with the first ping after an interval.
  public mutating func set(interval: Int64, timeout: Int64, now: Int64) {
    self.interval = max(interval, 0)
    self.timeout = max(timeout, 0)
    state = .quiet
    giveUp = .max
    nextPing = interval > 0 ? Self.add(interval, to: now) : .max
  }

  /// When something is due next; `Int64.max` for never.
  public var next: Int64 { isAsking ? giveUp : nextPing }

  /// What is due now. `isDrained`: everything that has arrived has been looked at; before, no peer is given up.
  public mutating func due(at now: Int64, isDrained: Bool) -> Due {
    switch state {
    case .quiet:
      guard now >= nextPing, isOn else { return .nothing }
      nextPing = Self.add(interval, to: now)
      if timeout > 0 {
        state = .asking
        startWaiting(now)
      }
      return .ping
    case .asking, .waiting:
      return isDrained && now >= giveUp ? .lost : .nothing
    }
  }

  /// Our output has moved: as long as the ping itself has not left, that too shows that the peer is there.
  public mutating func moved(at now: Int64) {
    if case .asking = state { startWaiting(now) }
  }

  /// The ping has left.
  public mutating func left(at now: Int64) {
    guard case .asking = state else { return }
    state = .waiting
    startWaiting(now)
  }

  /// Bytes have come from the peer: its pong or anything else. A pong may stand behind a large message.
  public mutating func heard() {
    state = .quiet
    giveUp = .max
  }

  private mutating func startWaiting(_ now: Int64) {
    giveUp = Self.add(timeout, to: now)
  }

  private static func add(_ span: Int64, to time: Int64) -> Int64 {
    let (sum, tooLate) = time.addingReportingOverflow(span)
    return tooLate ? .max : sum
  }
}
