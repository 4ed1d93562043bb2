// Connects to a host by name: all its addresses within one deadline, the first that answers wins (RFC 8305).
import CLinux

/// Opens TCP connections.
public enum Connector {
  /// The addresses of a host, a name or a numeric address (IPv6 without brackets), borrowed for the call. A cancellation ends it.
  /// Throws `.unresolved`, `.timeout`, `.aborted`, `.noDescriptors`, `.outOfMemory`, `.system`.
  @_optimize(size)
  public static func addresses(
    of host: UnsafeRawBufferPointer, port: UInt16, deadline: Deadline, cancellation: Cancellation?
  ) throws(TransportError) -> AddressList {
    try Resolver.resolve(host: host, port: port, deadline: deadline, cancellation: cancellation)
  }

  /// Connects to the first of these addresses that answers. The second one is tried when the first has not answered after 250 ms,
  /// or at once when it refused. One deadline for all; a cancellation ends it.
  /// Throws `.refused`, `.timeout`, `.aborted`, `.noDescriptors`, `.outOfMemory`, `.system`.
  @_optimize(size)
  public static func connect(
    to addresses: AddressList, deadline: Deadline, cancellation: Cancellation?
  ) throws(TransportError) -> Socket {
    var race = ConnectRace(addresses.interleaved())
    while true {
      if let cancellation, cancellation.isCancelled { throw .aborted }
      race.startIfDue()
      if let winner = race.takeWinner() {
        let socket = try Socket(adopting: winner)
        // A port of the ephemeral range can connect to itself when nobody listens there.
        if !socket.address(of: .local).isSame(as: socket.address(of: .remote)) { return socket }
        race.fail(ECONNREFUSED)
      }
      if race.isOver { throw race.failure }
      try race.wait(deadline: deadline, cancellation: cancellation)
    }
  }
}

/// Attempts to connect that run side by side. Closes all but the winner.
private struct ConnectRace: ~Copyable {
  /// RFC 8305 section 5: the recommended Connection Attempt Delay.
  private static let stagger: Int64 = 250

  private let addresses: AddressList
  private var next = 0
  private var nextStart = Deadline(nanoseconds: 0)
  private var lastError: Int32 = ECONNREFUSED
  private var winner: Int32 = -1
  // One entry for each address, in order; -1 for attempts that failed or have not begun. The last one is the cancellation.
  private var set = InlineArray<17, pollfd>(repeating: pollfd(fd: -1, events: Int16(POLLOUT), revents: 0))
  private var running = 0

  init(_ addresses: AddressList) {
    self.addresses = addresses
  }

  /// Whether every address has failed.
  var isOver: Bool { running == 0 && next == addresses.count && winner < 0 }

  /// Why, once it is over.
  var failure: TransportError {
    let failure = TransportError(errno: lastError)
    return switch failure {
    case .noDescriptors, .outOfMemory: failure
    case .timeout, .aborted, .interrupted, .closed, .unresolved, .refused, .system, .tls: .refused(lastError)
    }
  }

  /// Notes a failed attempt; the next address need not wait.
  @_optimize(size)
  mutating func fail(_ code: Int32) {
    lastError = code
    nextStart = Deadline(nanoseconds: 0)
  }

  /// Starts attempts until one is under way, when it is time for one.
  @_optimize(size)
  mutating func startIfDue() {
    while winner < 0, next < addresses.count, nextStart.isPast {
      start(addresses[next], at: next)
      next &+= 1
    }
  }

  @_optimize(size)
  private mutating func start(_ address: SocketAddress, at index: Int) {
    let descriptor = clinux_stream_socket(Int32(address.storage.ss_family))
    guard descriptor >= 0 else { return fail(clinux_errno()) }
    var storage = address.storage
    if clinux_connect(descriptor, &storage, address.size) == 0 {
      winner = descriptor
      return
    }
    let code = clinux_errno()
    guard code == EINPROGRESS || code == EINTR else {
      close(descriptor)
      return fail(code)
    }
    set[index & (AddressList.capacity - 1)].fd = descriptor
    running &+= 1
    nextStart = .after(milliseconds: Self.stagger)
  }

  /// Waits until an attempt has a result or the next one is due.
  @_optimize(size)
  mutating func wait(deadline: Deadline, cancellation: Cancellation?) throws(TransportError) {
    let start = next < addresses.count && winner < 0 ? nextStart : .never
    guard !start.isPast else { return }
    set[AddressList.capacity].fd = cancellation?.descriptor ?? -1
    set[AddressList.capacity].events = Int16(POLLIN)
    do {
      try poll(until: .earlier(deadline, start))
    } catch {
      guard error == .timeout, start != .never, !deadline.isPast else { throw error }
      return
    }
    if set[AddressList.capacity].revents != 0 { throw .aborted }
    for index in 0..<AddressList.capacity where set[index].fd >= 0 && set[index].revents != 0 { judge(index) }
  }

  @_optimize(size)
  private mutating func poll(until deadline: Deadline) throws(TransportError) {
    try withUnsafeMutablePointer(to: &set) { (pointer) throws(TransportError) in
      let first = UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: pollfd.self)
      try SystemCalls.poll(first, count: AddressList.capacity + 1, deadline: deadline, interruptible: false)
    }
  }

  /// Looks how an attempt ended. A second one that succeeded in the same moment stays in the set and is closed with it.
  @_optimize(size)
  private mutating func judge(_ index: Int) {
    let code = SystemCalls.option(SO_ERROR, of: set[index].fd) ?? clinux_errno()
    if code == 0 && winner >= 0 { return }
    if code == 0 {
      winner = set[index].fd
    } else {
      close(set[index].fd)
      fail(code)
    }
    set[index].fd = -1
    running &-= 1
  }

  /// The descriptor that is connected, if any; the caller's from then on.
  @_optimize(size)
  mutating func takeWinner() -> Int32? {
    guard winner >= 0 else { return nil }
    defer { winner = -1 }
    return winner
  }

  deinit {
    for index in 0..<AddressList.capacity where set[index].fd >= 0 { close(set[index].fd) }
    if winner >= 0 { close(winner) }
  }
}
