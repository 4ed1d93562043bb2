// Keeping a connection alive: pings of our own, what comes back, and what becomes of a peer that is silent for too long.
import Synchronization
import WSProtocol
import WSTransport

/// What is known of the peer's being there; made when it is first asked for. Guarded by the connection's `stateLock`.
final class Alive {
  var keepalive = Keepalive()
  var pings: OwnPings
  /// Where sending stood when it was last looked at.
  private var progress: UInt64 = 0
  /// The ping that a non-blocking connection waits for, and until when.
  var asked: (number: UInt64, start: Deadline, deadline: Deadline)?

  init() {
    var salt: UInt64 = 0
    withUnsafeMutableBytes(of: &salt) { Random.fill($0) }
    pings = OwnPings(salt: salt)
  }

  func payload(of number: UInt64) -> ControlPayload {
    withUnsafeBytes(of: pings.payload(of: number)) { ControlPayload($0) }
  }

  /// Output that moves shows that the peer is there, as long as it has not got the ping itself.
  func noteProgress(_ now: UInt64, at time: Int64) {
    if progress != now { keepalive.moved(at: time) }
    progress = now
  }
}

extension Conn {
  /// Pings the peer at this interval, and gives it up when nothing at all has come from it for the timeout behind a ping: it is told 1011,
  /// and reading fails with `.silent`. In milliseconds; an interval of 0 is off, the default, and a timeout of 0 is never. A peer is
  /// judged only when everything that has arrived has been looked at. Pings leave inside reads, `service` and the background service.
  public func setKeepalive(intervalMilliseconds interval: Int64, timeoutMilliseconds timeout: Int64) throws(WSError) {
    guard interval >= 0, timeout >= 0 else { throw .invalid }
    stateLock.withLock {
      let now = Deadline.now
      madeAlive().keepalive.set(
        interval: now.span(milliseconds: interval), timeout: now.span(milliseconds: timeout), now: now.nanoseconds)
      keepsAlive.store(interval > 0, ordering: .relaxed)
      isAsking.store(false, ordering: .relaxed)
      // Whoever waits learns of the new times.
      wakeup?.raise()
      background.look(at: .now)
    }
  }

  /// Called with `stateLock` held.
  func madeAlive() -> Alive {
    if let alive { return alive }
    let made = Alive()
    alive = made
    return made
  }

  // MARK: - What comes and goes; called with `stateLock` held

  /// When the keepalive has something to do.
  var nextPing: Deadline {
    guard let alive, case .open = reading.end else { return .never }
    return Deadline(nanoseconds: alive.keepalive.next)
  }

  /// The number of a ping of ours with this payload.
  func ownPing(in payload: ByteView) -> UInt64? { alive?.pings.number(in: payload) }

  /// A ping has left.
  func notePing(_ payload: ByteView) {
    guard let alive, let number = alive.pings.number(in: payload) else { return }
    let now = Deadline.now.nanoseconds
    alive.pings.left(number, at: now)
    alive.keepalive.left(at: now)
  }

  /// A pong has come. True: it answers one of our pings.
  func noteOwnPong(_ payload: ByteView) -> Bool {
    guard let alive, let number = alive.pings.number(in: payload) else { return false }
    if let span = alive.pings.heard(number, at: Deadline.now.nanoseconds) { roundTrips.publish(span) }
    stateChanged.broadcast()
    return true
  }

  // MARK: - In the reading half

  /// Bytes have come while a ping is on its way.
  func noteSignOfLife() {
    stateLock.withLock {
      alive?.keepalive.heard()
      isAsking.store(false, ordering: .relaxed)
    }
  }

  /// Called when there is nothing to receive: keeps a ping that is due, and gives a peer up. Returns when to look again; nil when
  /// there was something to receive after all.
  func keepAlive() throws(WSError) -> Deadline? {
    let due = pingIfDue()
    guard due.isPast else { return due }
    // Nobody is given up before everything that has arrived has been looked at.
    mayHaveMore = true
    if try takeWhatIsThere() { return nil }
    let (isLost, timeout) = stateLock.withLock {
      guard let alive else { return (false, Int64(0)) }
      return (alive.keepalive.due(at: Deadline.now.nanoseconds, isDrained: true) == .lost, alive.keepalive.timeout)
    }
    if isLost { throw failSilent(timeout) }
    return pingIfDue()
  }

  /// Keeps a ping that is due; it leaves with the next answers. Returns when to look again.
  func pingIfDue() -> Deadline {
    guard keepsAlive.load(ordering: .relaxed) else { return .never }
    return stateLock.withLock {
      guard let alive, case .open = reading.end else { return .never }
      let now = Deadline.now.nanoseconds
      alive.noteProgress(progress.load(ordering: .relaxed), at: now)
      if alive.keepalive.due(at: now, isDrained: false) == .ping {
        isAsking.store(alive.keepalive.isAsking, ordering: .relaxed)
        replies.ping = alive.pings.make()
        hasReplies.store(true, ordering: .relaxed)
      }
      return nextPing
    }
  }

  /// The peer is told, in case that it hears, and the connection is dropped.
  private func failSilent(_ timeout: Int64) -> WSError {
    // The failure first: a writer that the close frame refuses must find why it was sent.
    let error = failReading(.silent(timeout))
    withClosePayload(.internalError, ByteView(error.text)) { payload in reply(.close, payload) }
    stateLock.withLock { isDrained = true }
    transport.abort()
    // A writer that holds the lock finds out by itself.
    if writeLock.tryLock() {
      _ = failWriting(error)
      unlockWriter()
    }
    return error
  }

  /// Why nothing can be done on a transport that was aborted. Called with `stateLock` held.
  var abortCause: WSError {
    if case .failed(.silent(let timeout)) = reading.end { return .silent(timeout) }
    return .aborted
  }
}

extension Deadline {
  /// So many milliseconds in nanoseconds, at most as many as are left of the clock.
  fileprivate func span(milliseconds: Int64) -> Int64 {
    let end = adding(milliseconds: milliseconds)
    return end == .never ? .max : end.nanoseconds &- nanoseconds
  }
}
