// A connected stream socket as a transport: non-blocking calls, and waits that another thread can end.
import CLinux
import Synchronization

/// A connected stream socket (TCP or Unix). Owns its descriptor, which stays open until the last reference is gone: abort does
/// not close it, so that its number cannot become somebody else's under a thread that still waits.
public final class Socket: Transport, @unchecked Sendable {
  // Whoever shares the file description can clear O_NONBLOCK, so every call asks not to block by itself too.
  // Everything has a value before `init` can fail: Embedded Swift leaks an object whose `init` throws half-way.
  private(set) var descriptor: Int32 = -1
  private let generation = ForkGuard.generation
  private let aborted = Atomic<Bool>(false)
  private var local = SocketAddress()
  private var remote = SocketAddress()

  /// Takes the descriptor in every case: what is no stream socket is closed. Sets O_NONBLOCK on the file description, and
  /// TCP_NODELAY. `.system(EBADF)`, `.system(ENOTSOCK)`, `.system(EPROTOTYPE)` for what is no stream socket.
  public init(adopting descriptor: Int32) throws(TransportError) {
    if let problem = Socket.prepare(descriptor) {
      if problem != .system(EBADF) { close(descriptor) }
      throw problem
    }
    self.descriptor = descriptor
    local = SocketAddress(of: .local, descriptor: descriptor)
    remote = SocketAddress(of: .remote, descriptor: descriptor)
  }

  private static func prepare(_ descriptor: Int32) -> TransportError? {
    guard let type = SystemCalls.option(SO_TYPE, of: descriptor) else { return .last }
    guard clinux_is_stream(type) != 0 else { return .system(EPROTOTYPE) }
    guard clinux_set_nonblocking(descriptor) == 0 else { return .last }
    // Messages are written whole, so waiting for more to send only costs time. Unix sockets know no such option.
    SystemCalls.setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1, of: descriptor)
    return nil
  }

  /// False in a forked child for a socket that its parent opened: then only freeing it is safe, and touches nothing.
  public var belongsToThisProcess: Bool {
    generation == ForkGuard.generation
  }

  /// See `Transport.tryReceive(into:)`.
  public func tryReceive(into room: UnsafeMutableRawBufferPointer) throws(TransportError) -> Int? {
    try checkNotAborted()
    while true {
      let count = recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
      if count > 0 { return count }
      if count == 0 {
        // Our own abort looks like the peer's end of stream.
        try checkNotAborted()
        return 0
      }
      if try mustRetryAfterError() { continue }
      return nil
    }
  }

  /// See `Transport.trySend(_:_:)`.
  public func trySend(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) throws(TransportError) -> Int {
    try checkNotAborted()
    while true {
      let count = clinux_send(descriptor, first.baseAddress, first.count, second.baseAddress, second.count)
      if count >= 0 { return count }
      if try mustRetryAfterError() { continue }
      return 0
    }
  }

  /// Judges a failed call: true to repeat it, false when it would have blocked.
  private func mustRetryAfterError() throws(TransportError) -> Bool {
    let code = clinux_errno()
    if code == EAGAIN { return false }
    if code == EINTR { return true }
    try checkNotAborted()
    throw TransportError(errno: code)
  }

  private func checkNotAborted() throws(TransportError) {
    if isAborted { throw .aborted }
  }

  /// See `Transport.wait(for:deadline:interruptible:wakeup:)`.
  public func wait(
    for wanted: Readiness, deadline: Deadline, interruptible: Bool, wakeup: (any Waker)?
  ) throws(TransportError) -> Readiness {
    try checkNotAborted()
    let (happened, isWoken) = try SystemCalls.wait(
      descriptor, for: wanted.pollEvents, or: wakeup?.descriptor, deadline: deadline, interruptible: interruptible)
    if isWoken { try wakeup?.endedWait() }
    return try readiness(happened, wanted)
  }

  private func readiness(_ happened: Int32, _ wanted: Readiness) throws(TransportError) -> Readiness {
    try checkNotAborted()
    // After an error or hang-up the next call says what it was, in either direction.
    if happened & (POLLERR | POLLHUP) != 0 { return wanted }
    var ready: Readiness = []
    if happened & POLLIN != 0 { ready.insert(.read) }
    if happened & POLLOUT != 0 { ready.insert(.write) }
    return ready
  }

  /// See `Transport.pollDescriptor`.
  public var pollDescriptor: Int32 { descriptor }

  /// See `Transport.pollNeeds(for:)`.
  public func pollNeeds(for wanted: Readiness) -> Readiness? { wanted }

  /// See `Transport.finishSending()`. Does nothing in a forked child.
  public func finishSending() {
    if belongsToThisProcess { shutdown(descriptor, Int32(SHUT_WR)) }
  }

  /// See `Transport.abort()`. In a forked child it ends the child's use only.
  public func abort() {
    // The flag first: whoever wakes up must find it.
    aborted.store(true, ordering: .sequentiallyConsistent)
    if belongsToThisProcess { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  /// See `Transport.isAborted`.
  public var isAborted: Bool {
    aborted.load(ordering: .acquiring)
  }

  /// See `Transport.address(of:)`.
  public func address(of end: End) -> SocketAddress {
    switch end {
    case .local: local
    case .remote: remote
    }
  }

  deinit {
    // A child's copy shares the stream with its parent: reading would steal, shutting down would end it.
    guard descriptor >= 0 else { return }
    if belongsToThisProcess { drain() }
    close(descriptor)
  }

  /// Takes what has been received and not read, because closing over it would reset the connection and take our last bytes,
  /// still on their way, along. Bounded, so that a peer that keeps sending cannot hold us.
  private func drain() {
    var room = InlineArray<4096, UInt8>(repeating: 0)
    withUnsafeMutableBytes(of: &room) { bytes in
      for _ in 0..<16 {
        guard recv(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT)) > 0 else { return }
      }
    }
  }
}
