// The background service: the poller's thread looks after connections whose reading half nobody uses. It answers pings, sends those of
// the keepalive and kept answers, and sees the end. It stops in front of the first data frame, and of what a handler must hear: it
// never calls out, and never waits. Pongs alone it keeps for their handler, and goes on.
import Synchronization
import WSProtocol
import WSTransport

/// What the service knows of a connection. Guarded by the connection's `stateLock`.
struct BackgroundService {
  /// Made when the service is first asked for.
  var seat: ServiceSeat?
  /// Whoever leaves the reading half next calls the service: because nothing can be done before, or because that one may have received
  /// more than it took, of which the descriptor then tells nothing any more.
  var waitsForCall = false

  /// Has the connection looked at.
  func look(at time: Deadline) { seat?.look(at: time) }
}

/// A connection in the poller's care.
class ServiceSeat: PollSeat, @unchecked Sendable {
  private var poller: Poller?
  /// Held while the service looks, so that whoever has left knows that it does not, and by those who switch.
  private let lock = Lock()
  private var isOn = false
  /// The thread that looks, so that it can tell that it holds the lock.
  private let looker = Atomic<UInt>(0)
  #if hasFeature(Embedded)
    // There are no weak references here. Whoever frees a connection has made it leave before.
    private unowned(unsafe) var conn: Conn?
  #else
    private weak var conn: Conn?
  #endif

  override init(descriptor: Int32) { super.init(descriptor: descriptor) }

  convenience init(for conn: Conn, with poller: Poller) {
    self.init(descriptor: conn.transport.pollDescriptor)
    self.poller = poller
  }

  func enter(_ conn: Conn) throws(TransportError) {
    try lock.withLock { () throws(TransportError) in
      guard !isOn else { return }
      self.conn = conn
      try poller?.add(self)
      isOn = true
    }
  }

  /// When this returns the service does not touch the connection any more.
  func leave() {
    // The last reference may be the one that the look itself holds.
    let isLooking = looker.load(ordering: .relaxed) == currentThread()
    if !isLooking { lock.lock() }
    conn = nil
    isOn = false
    poller?.remove(self)
    if !isLooking { lock.unlock() }
  }

  func look(at time: Deadline) { poller?.schedule(self, at: time) }

  override func look() -> PollWish {
    lock.withLock {
      looker.store(currentThread(), ordering: .relaxed)
      defer { looker.store(0, ordering: .relaxed) }
      return conn?.lookFromBackground() ?? PollWish()
    }
  }
}

extension Conn {
  /// How long the reading half must have been left alone before the service reads, in milliseconds.
  private static let idleGrace: Int64 = 100
  /// How often one look receives: others want their turn.
  private static let fillLimit = 16

  /// Whether one thread of the process, started for the first connection that wants it, looks after the connection while no call is in
  /// its reading half: pings are answered as long as nobody set a handler for them, those of the keepalive are sent, its timeouts
  /// judged, kept answers sent, and a close frame or the end of the stream is seen. It reads at most to the first data frame and keeps
  /// that for the next read, and the last 8 pongs for their handler. A connection that is non-blocking is left alone. Default off.
  /// `.noDescriptors`, `.outOfMemory`, `.system`.
  public func setBackground(_ on: Bool) throws(WSError) {
    try requireOwnProcess()
    guard on else { return leaveBackground() }
    do throws(TransportError) { try seatInBackground().enter(self) } catch { throw WSError(error) }
    // An abort in between has found nobody in the poller's care.
    if transport.isAborted { leaveBackground() }
  }

  private func seatInBackground() throws(TransportError) -> ServiceSeat {
    if let seat = stateLock.withLock({ background.seat }) { return seat }
    let made = ServiceSeat(for: self, with: try Poller.shared())
    return stateLock.withLock {
      let seat = background.seat ?? made
      background.seat = seat
      return seat
    }
  }

  func leaveBackground() { stateLock.withLock { background.seat }?.leave() }

  /// Somebody has left the reading half. Called with `stateLock` held.
  func resumeBackground() {
    guard background.waitsForCall else { return }
    background.waitsForCall = false
    background.look(at: .after(milliseconds: Self.idleGrace))
  }

  // MARK: - On the poller's thread

  private enum Turn {
    /// Whoever is inside calls the service.
    case away
    case later(Deadline)
    /// The half has ended.
    case over
    case ours
  }

  private enum Outcome {
    /// Nothing has arrived that was not taken.
    case drained(due: Deadline)
    /// There may be more.
    case busy
    /// What comes next is a reader's.
    case stopped
    case over
  }

  func lookFromBackground() -> PollWish {
    switch stateLock.withLock({ takeTurn() }) {
    case .away: return PollWish()
    case .later(let time): return PollWish([], until: time)
    case .over:
      _ = flushReplies()
      return wish(for: [], until: .never)
    case .ours: break
    }
    let outcome = serve()
    _ = flushReplies()
    stateLock.withLock {
      reading.owner = .nobody
      background.waitsForCall = true
      stateChanged.broadcast()
    }
    switch outcome {
    case .drained(let due): return wish(for: .read, until: due)
    case .busy: return wish(for: .read, until: .now)
    case .stopped, .over: return wish(for: [], until: .never)
    }
  }

  /// Called with `stateLock` held.
  private func takeTurn() -> Turn {
    if case .open = reading.end {} else { return .over }
    guard reading.owner == .nobody, !settings.isNonblocking else {
      background.waitsForCall = true
      return .away
    }
    // Who wants the half may also give up, and then nobody leaves it.
    let idle = reading.wanted > 0 ? .now : reading.readerLeft
    let turn = idle.adding(milliseconds: Self.idleGrace)
    guard turn == .never || turn.isPast else { return .later(turn) }
    reading.owner = .service
    reading.thread = currentThread()
    return .ours
  }

  /// With what must be sent, and what TLS needs for either.
  private func wish(for wanted: Readiness, until deadline: Deadline) -> PollWish {
    let wanted = hasReplies.load(ordering: .acquiring) ? wanted.union(.write) : wanted
    guard !wanted.isEmpty else { return PollWish([], until: deadline) }
    guard let needs = transport.pollNeeds(for: wanted) else { return PollWish([], until: .now) }
    return PollWish(needs, until: deadline)
  }

  // MARK: - Inside the reading half

  private func serve() -> Outcome {
    guard waiting.last == nil, heldControl != nil || !receiver.isAtData else { return .stopped }
    mayHaveMore = true
    defer { receiver.endLent() }
    do throws(WSError) {
      // What the last reader looks at must outlive this.
      do throws(ProtocolError) { try receiver.keepLent() } catch { throw failReading(.outOfMemory) }
      for _ in 0..<Self.fillLimit {
        guard try takeControlFrames() else { return .stopped }
        guard try isReadingOpen() else { return .over }
        if try takeWhatIsThere() { continue }
        receiver.releaseIdle()
        guard let due = try keepAlive() else { continue }
        return .drained(due: due)
      }
      return .busy
    } catch {
      return .over
    }
  }

  /// Takes what has arrived up to the first data frame. False: what comes next is a reader's.
  private func takeControlFrames() throws(WSError) -> Bool {
    guard try answerHeld() else { return false }
    while try isReadingOpen() {
      guard !receiver.isAtData else { return false }
      guard case .event(let event) = try nextArrival(.whole) else { return true }
      guard try answer(event, mayCallOut: false) else {
        if case .pong(let payload) = event, heldPongs.append(payload) { continue }
        heldControl = HeldControl(event)
        return false
      }
    }
    return true
  }

  /// The handler for which a control frame was held back may be gone.
  private func answerHeld() throws(WSError) -> Bool {
    guard let held = heldControl else { return true }
    var isAnswered = false
    try held.withEvent { (event) throws(WSError) in isAnswered = try answer(event, mayCallOut: false) }
    if isAnswered { heldControl = nil }
    return isAnswered
  }
}
