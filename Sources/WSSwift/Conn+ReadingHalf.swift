// Who is inside the reading half of a connection: one thread at a time, and how it passes from one to the next.
import WSProtocol
import WSTransport

/// Who is inside the reading half, and how it ended. Guarded by the connection's `stateLock`.
struct ReadingState {
  enum Owner {
    case nobody
    /// A thread that wants messages.
    case reader
    /// A thread that closes and drops them.
    case closer
    /// A thread that waits for a pong, and leaves as soon as another one wants the half.
    case pinger
    /// The thread of the background service, for a moment.
    case service
  }

  enum End {
    case open
    /// The closing handshake is complete with 1000, 1001 or no code.
    case ordinary
    case failed(WSError)
  }

  var owner = Owner.nobody
  var thread: UInt = 0
  var end = End.open
  /// When the last reader left; `close` gives it a moment to come back.
  var readerLeft = Deadline.never
  /// The thread that it was.
  var lastReader: UInt = 0
  /// How many threads want the half from somebody who makes way.
  var wanted = 0
  /// Only a reader can go on: what comes next can neither be kept nor dropped.
  var isStuck = false
}

extension Conn {
  /// Takes the reading half. A second reader is an error; one that meets somebody else waits for the half.
  func enter(as owner: ReadingState.Owner, until deadline: Deadline) throws(WSError) {
    let thread = currentThread()
    stateLock.lock()
    defer { stateLock.unlock() }
    while true {
      switch reading.owner {
      case .nobody:
        reading.owner = owner
        reading.thread = thread
        return
      case .reader: throw .state
      case .closer, .pinger, .service:
        guard reading.thread != thread else { throw .state }
        guard waitForHalf(until: deadline) else { throw .timeout }
      }
    }
  }

  /// Waits until something has changed about who reads; who makes way is asked to. False when the deadline has passed. Called with
  /// `stateLock` held.
  func waitForHalf(until deadline: Deadline) -> Bool {
    switch reading.owner {
    case .nobody, .reader, .closer: return stateChanged.wait(stateLock, until: deadline)
    // It never waits, so neither does anybody for long.
    case .service: return stateChanged.wait(stateLock, until: .never)
    case .pinger:
      reading.wanted &+= 1
      defer {
        reading.wanted &-= 1
        // Whoever made way may wait for this one, which may have given up.
        stateChanged.broadcast()
      }
      wakeup?.raise()
      return stateChanged.wait(stateLock, until: deadline)
    }
  }

  func leave() {
    stateLock.withLock {
      if reading.owner == .reader {
        reading.readerLeft = .recently
        reading.lastReader = reading.thread
        reading.isStuck = false
      }
      reading.owner = .nobody
      stateChanged.broadcast()
      resumeBackground()
    }
  }
}
