// What a connection needs of its byte stream: the seam between WebSocket and sockets, where TLS fits in.
import CLinux

/// What can go wrong below the protocol.
public enum TransportError: Error, Equatable {
  /// The deadline passed.
  case timeout
  /// `abort` or a cancellation, usually from another thread.
  case aborted
  /// A signal arrived during a wait that may be interrupted.
  case interrupted
  /// The peer is gone; errno (EPIPE, ECONNRESET).
  case closed(Int32)
  /// No descriptor is left; errno (EMFILE, ENFILE).
  case noDescriptors(Int32)
  /// No memory in the process or the kernel (ENOMEM, ENOBUFS).
  case outOfMemory
  /// The host name has no address; an EAI_ code of getaddrinfo.
  case unresolved(Int32)
  /// No address took the connection; errno of the last one.
  case refused(Int32)
  /// Anything else the system said; errno.
  case system(Int32)
  /// TLS failed.
  case tls(TLSError)
}

/// Directions in which a stream may be ready.
public struct Readiness: OptionSet, Sendable {
  /// One bit for each direction.
  public let rawValue: UInt8
  /// A set from its bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Receiving will not block: bytes, the end of the stream or an error are there.
  public static let read = Readiness(rawValue: 1)
  /// Sending will not block: there is room, or an error to report.
  public static let write = Readiness(rawValue: 2)

  /// The same as events of poll(2).
  public var pollEvents: Int32 {
    Int32((contains(.read) ? POLLIN : 0) | (contains(.write) ? POLLOUT : 0))
  }
}

/// The two ends of a connection.
public enum End: Sendable {
  case local
  case remote
}

/// A stream of bytes that never blocks except in `wait`.
///
/// One thread may receive while another sends; `abort` and `isAborted` are for any thread.
public protocol Transport: AnyObject, Sendable {
  /// Receives what is there into the caller's memory. nil: it would block; 0: the stream has ended (or the room is empty).
  /// Throws `.aborted`, `.closed`, `.outOfMemory`, `.system`, `.tls`.
  func tryReceive(into room: UnsafeMutableRawBufferPointer) throws(TransportError) -> Int?

  /// Sends as much as fits of two pieces, one after the other, in one system call that never raises SIGPIPE. Returns the
  /// bytes taken of both together; 0: it would block (or there was nothing to send). The bytes are borrowed for the call. When
  /// some were taken, the next call begins with the rest. Throws `.aborted`, `.closed`, `.outOfMemory`, `.system`, `.tls`.
  func trySend(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) throws(TransportError) -> Int

  /// Waits until one of the directions is ready and says which; none when a wakeup ended it. A deadline in the past looks once
  /// without blocking. Signals are ignored unless `interruptible`. Throws `.timeout`, `.aborted` (also by a cancellation),
  /// `.interrupted`, `.system`, `.tls`.
  func wait(
    for wanted: Readiness, deadline: Deadline, interruptible: Bool, wakeup: (any Waker)?
  ) throws(TransportError) -> Readiness

  /// What to poll `pollDescriptor` for, in a loop of the caller's, until one of the directions may be ready; nil when one is
  /// ready now, whatever the descriptor says. Any thread.
  func pollNeeds(for wanted: Readiness) -> Readiness?

  /// Tells the peer that nothing more will be sent; receiving goes on. An error is of no consequence.
  func finishSending()

  /// Ends the stream in both directions: waits on other threads wake up, and they and all later calls throw `.aborted`.
  /// Any thread, any number of times.
  func abort()

  /// Whether `abort` was called. Any thread.
  var isAborted: Bool { get }

  /// What to poll for this stream in a loop of the caller's. It stays ours: not to be read, written or closed.
  var pollDescriptor: Int32 { get }

  /// The address of one end, as it was when the stream was opened. Any thread.
  func address(of end: End) -> SocketAddress
}

/// Something that ends a wait from another thread.
public protocol Waker: AnyObject, Sendable {
  /// Readable when a wait is to end.
  var descriptor: Int32 { get }

  /// A wait has ended because of it. Throws what the wait is to throw.
  func endedWait() throws(TransportError)
}

extension Transport {
  /// The same with nothing to end it.
  public func wait(
    for wanted: Readiness, deadline: Deadline, interruptible: Bool
  ) throws(TransportError) -> Readiness {
    try wait(for: wanted, deadline: deadline, interruptible: interruptible, wakeup: nil)
  }
}
