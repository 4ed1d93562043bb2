// Whether the peer of a `LoopConnection` is still there, by the clock that the program tells.
import WSProtocol
import WSTransport

/// The pings of a connection without a clock.
struct LoopKeepalive {
  private var keepalive = Keepalive()
  private var pings: OwnPings?
  /// What was set and waits for the first time that is told.
  private var wanted: (interval: Int64, timeout: Int64)?
  /// The bytes of output up to the end of the last ping, its own included.
  private var ahead = 0
  private var hasMoved = false
  /// A ping that was answered since the last time that was told.
  private var answered: UInt64?
  /// The peer's time was up when the time was told last: the program has had a turn to receive since.
  private var isOverdue = false
  private(set) var roundTrip: UInt64 = 0
  private(set) var smallestRoundTrip: UInt64 = 0

  /// In nanoseconds.
  mutating func set(interval: Int64, timeout: Int64) { wanted = (interval, timeout) }

  var timeout: Int64 { keepalive.timeout }

  // MARK: - What happens between the times

  mutating func received() {
    keepalive.heard()
    isOverdue = false
  }

  mutating func sent(_ count: Int) {
    hasMoved = hasMoved || count > 0
    ahead = max(ahead &- count, 0)
  }

  /// True for the answer to a ping of ours.
  mutating func hear(_ event: Event) -> Bool {
    guard case .pong(let payload) = event, let number = pings?.number(in: payload) else { return false }
    answered = number
    return true
  }

  // MARK: - When the time is told

  /// What is due; a ping has the payload of `nextPayload`.
  mutating func due(at now: Int64) -> Keepalive.Due {
    if let wanted {
      keepalive.set(interval: wanted.interval, timeout: wanted.timeout, now: now)
      self.wanted = nil
    }
    if let answered, let span = pings?.heard(answered, at: now) { note(span) }
    answered = nil
    // What has left altogether did so when it was queued, as far as can be known.
    if hasMoved, ahead > 0 { keepalive.moved(at: now) }
    hasMoved = false
    let due = keepalive.due(at: now, isDrained: isOverdue)
    isOverdue = keepalive.isAsking && keepalive.next <= now
    return due
  }

  /// When to tell the time again.
  func next(_ now: Int64) -> Deadline { Deadline(nanoseconds: max(keepalive.next, now)) }

  /// A ping's payload. `salt` gives a random number.
  mutating func nextPayload(at now: Int64, salt: () -> UInt64) -> UInt64 {
    var pings = self.pings ?? OwnPings(salt: salt())
    let number = pings.make()
    pings.left(number, at: now)
    self.pings = pings
    return pings.payload(of: number)
  }

  /// So many bytes of output wait, the ping at their end.
  mutating func queued(_ output: Int) { ahead = output }

  private mutating func note(_ span: UInt64) {
    roundTrip = span
    smallestRoundTrip = smallestRoundTrip == 0 ? span : min(smallestRoundTrip, span)
  }
}

extension LoopConnection {
  /// Pings the peer at this interval and gives it up when nothing at all has come for the timeout behind a ping: it is told 1011, and
  /// `nextEvent` fails with `.silent`. In milliseconds; an interval of 0 is off, the default, and a timeout of 0 is never. The time is
  /// what `tick` tells. The answers to these pings are no events.
  public func setKeepalive(intervalMilliseconds interval: Int64, timeoutMilliseconds timeout: Int64) throws(WSError) {
    guard interval >= 0, timeout >= 0 else { throw .invalid }
    keepalive.set(interval: Self.nanoseconds(interval), timeout: Self.nanoseconds(timeout))
  }

  private static func nanoseconds(_ milliseconds: Int64) -> Int64 {
    let (span, tooLong) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    return tooLong ? .max : span
  }

  /// Does what is due on an open connection. Returns when to look again.
  func keepAlive(at now: Deadline) -> Deadline {
    switch stage {
    case .opened, .open: break
    case .opening, .deciding, .over: return .never
    }
    // From here on the timer of the closing handshake counts.
    guard engine.closeSent == nil else { return .never }
    switch keepalive.due(at: now.nanoseconds) {
    case .nothing: break
    case .ping: queuePing(at: now)
    case .lost:
      let error = WSError.silent(keepalive.timeout)
      do throws(SendError) {
        try engine.close(.internalError, reason: ByteView(error.text), maskKey: maskKey())
      } catch {}
      _ = fail(error)
      return .never
    }
    return keepalive.next(now.nanoseconds)
  }

  private func queuePing(at now: Deadline) {
    let payload = keepalive.nextPayload(at: now.nanoseconds, salt: randomNumber)
    withUnsafeBytes(of: payload) { bytes in
      do throws(SendError) { try engine.sendControl(.ping, bytes, maskKey: maskKey()) } catch {}
    }
    keepalive.queued(engine.output.count)
  }
}
