// The one place that reads errno and knows what its values mean.
import CLinux

extension TransportError {
  /// The meaning of an errno.
  init(errno code: Int32) {
    switch code {
    case EPIPE, ECONNRESET: self = .closed(code)
    case EMFILE, ENFILE: self = .noDescriptors(code)
    case ENOMEM, ENOBUFS: self = .outOfMemory
    default: self = .system(code)
    }
  }

  /// The meaning of the errno that the last system call left.
  static var last: TransportError {
    TransportError(errno: clinux_errno())
  }
}

/// The errno of the calling thread, kept over calls that fail on purpose, so that a call that succeeds leaves it alone.
public struct SavedErrno {
  private let value: Int32

  /// Keeps the errno of now.
  public init() {
    value = clinux_errno()
  }

  /// Puts it back.
  public func restore() {
    clinux_set_errno(value)
  }
}

enum SystemCalls {
  /// Waits until a descriptor of the set is ready. At least one `revents` is set afterwards.
  static func poll(
    _ set: UnsafeMutablePointer<pollfd>, count: Int, deadline: Deadline, interruptible: Bool
  ) throws(TransportError) {
    while true {
      let ready = clinux_poll(set, count, deadline.pollTimeout)
      if ready > 0 { return }
      if ready == 0 { throw .timeout }
      guard clinux_errno() == EINTR else { throw .last }
      if interruptible { throw .interrupted }
    }
  }

  /// Waits for events of one descriptor and returns what happened, errors and hang-ups included. A cancellation ends it with
  /// `.aborted`, a descriptor that is none with EBADF.
  static func wait(
    _ descriptor: Int32, for events: Int32, deadline: Deadline, interruptible: Bool = false, cancellation: Cancellation? = nil
  ) throws(TransportError) -> Int32 {
    let (happened, isCancelled) = try wait(
      descriptor, for: events, or: cancellation?.descriptor, deadline: deadline, interruptible: interruptible)
    if isCancelled { throw .aborted }
    return happened
  }

  /// The same, and whether the other descriptor has become readable.
  static func wait(
    _ descriptor: Int32, for events: Int32, or other: Int32?, deadline: Deadline, interruptible: Bool
  ) throws(TransportError) -> (happened: Int32, other: Bool) {
    // A negative descriptor is passed over by the kernel.
    var set = (
      pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0),
      pollfd(fd: other ?? -1, events: Int16(POLLIN), revents: 0)
    )
    try withUnsafeMutablePointer(to: &set) { (pair) throws(TransportError) in
      let first = UnsafeMutableRawPointer(pair).assumingMemoryBound(to: pollfd.self)
      try poll(first, count: other == nil ? 1 : 2, deadline: deadline, interruptible: interruptible)
    }
    if Int32(set.0.revents) & POLLNVAL != 0 { throw .system(EBADF) }
    return (Int32(set.0.revents), set.1.revents != 0)
  }

  /// Sleeps until the deadline; a cancellation ends it with `.aborted`. Polls nothing where there is nothing to poll, because
  /// the kernel refuses more entries than the process may have descriptors.
  static func sleep(until deadline: Deadline, cancellation: Cancellation? = nil) throws(TransportError) {
    var entry = pollfd(fd: cancellation?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
    do {
      try poll(&entry, count: cancellation == nil ? 0 : 1, deadline: deadline, interruptible: false)
    } catch {
      guard error == .timeout else { throw error }
      return
    }
    throw .aborted
  }

  /// An event counter that can be polled: readable after `raise`.
  static func makeEvent() throws(TransportError) -> Int32 {
    let descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw .last }
    return descriptor
  }

  /// Makes an event readable. Any thread; async-signal-safe.
  static func raise(_ event: Int32) {
    var one: UInt64 = 1
    _ = write(event, &one, MemoryLayout<UInt64>.size)
  }

  /// The value of an integer socket option, or nil and errno.
  static func option(_ name: Int32, of descriptor: Int32) -> Int32? {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
  }

  /// Sets an integer socket option. Not all sockets have all options, so an error is of no consequence.
  static func setOption(_ level: Int32, _ name: Int32, _ value: Int32, of descriptor: Int32) {
    var value = value
    _ = setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}
