// What a program may set on a connection: timeouts, limits, checks and handlers; and what it may ask. All of it from any
// thread.
import Synchronization
import WSProtocol
import WSTransport

/// How long calls may take.
struct Settings {
  var readTimeout: Int64 = 0
  var readDeadline = Deadline.never
  var writeTimeout: Int64 = 30_000
  var writeDeadline = Deadline.never
  var closeTimeout: Int64 = 10_000
  var writeBuffer = 16384
  var compression = CompressionSettings()
  var isInterruptible = false
  var isNonblocking = false

  /// When a read that begins now gives up.
  func readLimit() -> Deadline {
    guard readDeadline == .never, readTimeout > 0 else { return readDeadline }
    return .after(milliseconds: readTimeout)
  }

  /// What ran out when a read did that began at `start`.
  func readTime(from start: Deadline) -> TimeLimit {
    readDeadline == .never
      ? TimeLimit(.reading, milliseconds: readTimeout)
      : TimeLimit(.reading, until: readDeadline, from: start, by: .deadline)
  }

  /// The same, where calls do not wait either.
  var limit: WriteLimit { isNonblocking ? .now : writeLimit() }

  /// How long a write that begins now may wait.
  func writeLimit() -> WriteLimit {
    guard writeDeadline != .never else { return .idle(milliseconds: writeTimeout) }
    return .until(writeDeadline, TimeLimit(.writing, until: writeDeadline, by: .deadline))
  }
}

/// Who hears of control frames; nil is the default answer.
struct Handlers {
  var ping: ControlHandler?
  var pong: ControlHandler?
  var close: CloseHandler?
}

/// A ping or pong arrived, with its bytes borrowed for the call. False ends reading with `.refusedByHandler`. Runs on the thread
/// that reads, with no lock held; it may call anything but reading on the same connection.
public typealias ControlHandler = (ByteView) -> Bool

/// A close frame arrived, with its code (`.noStatus` when it has none) and its reason borrowed for the call. Otherwise as
/// `ControlHandler`.
public typealias CloseHandler = (CloseCode, ByteView) -> Bool

extension Conn {
  /// Who answers pings from the next frame on; nil sends a pong with the same bytes. RFC 6455 5.5.3.
  public func setPingHandler(_ handler: ControlHandler?) {
    exchange(handler) { (handlers, handler) in swap(&handlers.ping, &handler) }
  }

  /// Who hears of pongs from the next frame on; nil ignores them.
  public func setPongHandler(_ handler: ControlHandler?) {
    exchange(handler) { (handlers, handler) in swap(&handlers.pong, &handler) }
  }

  /// Who answers close frames from the next frame on; nil echoes the code. RFC 6455 5.5.1.
  public func setCloseHandler(_ handler: CloseHandler?) {
    exchange(handler) { (handlers, handler) in swap(&handlers.close, &handler) }
  }

  /// How long each read may wait, in milliseconds; 0 for ever, the default. Replaces a read deadline.
  public func setReadTimeout(milliseconds: Int64) {
    stateLock.withLock {
      settings.readTimeout = milliseconds
      settings.readDeadline = .never
    }
  }

  /// An absolute deadline for all reads from the next call on; nil returns to the timeout.
  public func setReadDeadline(_ deadline: Deadline?) {
    stateLock.withLock { settings.readDeadline = deadline ?? .never }
  }

  /// How long each write may go without progress, in milliseconds; 0 for ever. Default 30 s. Replaces a write deadline.
  public func setWriteTimeout(milliseconds: Int64) {
    stateLock.withLock {
      settings.writeTimeout = milliseconds
      settings.writeDeadline = .never
    }
  }

  /// An absolute deadline for all writes from the next call on; nil returns to the timeout.
  public func setWriteDeadline(_ deadline: Deadline?) {
    stateLock.withLock { settings.writeDeadline = deadline ?? .never }
  }

  /// How long `close` waits when it is given no deadline, in milliseconds; 0 for ever. Default 10 s.
  public func setCloseTimeout(milliseconds: Int64) {
    stateLock.withLock { settings.closeTimeout = milliseconds }
  }

  /// The largest message to receive, in bytes; 0 for no limit. From the next frame on.
  public func setReadLimit(_ bytes: UInt64) {
    readLimit.store(bytes, ordering: .relaxed)
  }

  /// Whether received and sent text is checked as UTF-8, from the next message on. RFC 6455 8.1.
  public func setChecksUTF8(received: Bool, sent: Bool) {
    checksReceived.store(received, ordering: .relaxed)
    checksSent.store(sent, ordering: .relaxed)
  }

  /// Whether a signal ends a blocked read with `.interrupted`. Default: it is resumed.
  public func setInterruptible(_ on: Bool) {
    stateLock.withLock { settings.isInterruptible = on }
  }

  /// The peer's close code: nil before its close frame, `.noStatus` for one without.
  public var closeCodeReceived: CloseCode? { stateLock.withLock { handshake.received } }

  /// The code of our close frame: nil before it, `.noStatus` for one without.
  public var ourCloseCode: CloseCode? { stateLock.withLock { closeCodeSent ?? closeCodeLeaving } }

  /// The peer's close reason, UTF-8, borrowed from the connection; empty before its close frame.
  public var closeReason: ByteView { stateLock.withLock { handshake.reason } }

  /// How reading ended, as one code: the peer's, `.noStatus` for a close frame without, `.abnormal` where the stream ended without a
  /// close frame. nil while it goes on, and when it ended in another way, as by a timeout, a violation or `abort`.
  public var endCode: CloseCode? {
    switch stateLock.withLock({ reading.end }) {
    case .open: nil
    case .ordinary: closeCodeReceived
    case .failed(.closed(let code)): code
    case .failed(.lost): .abnormal
    case .failed: nil
    }
  }

  /// Whether reading ended with one of these codes; see `endCode`.
  public func isClosed(with codes: [CloseCode]) -> Bool {
    endCode.map { codes.contains($0) } ?? false
  }

  /// Whether reading ended with a code, and none of those that were to be expected; see `endCode`.
  public func isClosedUnexpectedly(expected codes: [CloseCode]) -> Bool {
    endCode.map { !codes.contains($0) } ?? false
  }

  /// Why that half failed last, timeouts included; nil when it never did.
  public func lastFailure(of half: Half) -> WSError? {
    stateLock.withLock {
      switch half {
      case .read: lastReadFailure
      case .write: lastWriteFailure
      }
    }
  }

  /// The time that ran out, when the last failure of that half is `.timeout`, or `.broken` for want of time.
  public func timeLimit(of half: Half) -> TimeLimit? {
    stateLock.withLock {
      switch half {
      case .read: lastReadTime
      case .write: lastWriteTime
      }
    }
  }

  /// Keeps a failure for `lastFailure`, and the time that ran out when it is for want of time.
  func note(_ error: WSError, of half: Half, _ time: TimeLimit? = nil) {
    stateLock.withLock {
      switch half {
      case .read:
        lastReadFailure = error
        if case .timeout = error { lastReadTime = time }
      case .write:
        lastWriteFailure = error
        if case .timeout = error { lastWriteTime = time }
        if case .broken = error { lastWriteTime = brokenAfter }
      }
    }
  }

  /// The handler before is released outside the lock, because its owner's code runs then.
  private func exchange<Handler>(_ handler: Handler?, _ swapIn: (inout Handlers, inout Handler?) -> Void) {
    var handler = handler
    stateLock.withLock {
      swapIn(&handlers, &handler)
      background.look(at: .now)
    }
  }
}
