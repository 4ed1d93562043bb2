// Listening descriptors and the connections that arrive on them. Both stay plain descriptors: they are the caller's.
import CLinux

/// Opens and serves listening sockets.
public enum Listener {
  /// Listens on a host, borrowed for the call: nil is 127.0.0.1, "*" every address (IPv6 and IPv4 with one socket where the
  /// machine has IPv6), "unix:" and a path a Unix socket (an existing file is EADDRINUSE; removing it is the caller's), else
  /// a numeric address, or a name, which is looked up without a deadline. Port 0 picks one. Returns the descriptor, which is the caller's to close, is close-on-exec and does not block, and the port (0 for a Unix socket).
  /// Throws `.unresolved`, `.noDescriptors`, `.outOfMemory`, `.system`.
  public static func listen(
    host: UnsafeRawBufferPointer?, port: UInt16
  ) throws(TransportError) -> (fd: Int32, port: UInt16) {
    guard let host else { return try open(.ipv4(INADDR_LOOPBACK, port: port)) }
    if host.count == 1 && host[0] == UInt8(ascii: "*") { return try listenEverywhere(port) }
    if let path = path(of: host) { return try open(SocketAddress(path: path)) }
    let addresses = try Resolver.resolve(host: host, port: port, deadline: .never, cancellation: nil)
    return try openFirst(of: addresses)
  }

  private static func path(of host: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    let prefix: StaticString = "unix:"
    let size = prefix.utf8CodeUnitCount
    guard let base = host.baseAddress, host.count >= size, memcmp(base, prefix.utf8Start, size) == 0 else { return nil }
    return UnsafeRawBufferPointer(rebasing: host[size...])
  }

  private static func listenEverywhere(_ port: UInt16) throws(TransportError) -> (fd: Int32, port: UInt16) {
    do {
      return try open(.anyIPv6(port: port), bothFamilies: true)
    } catch {
      // A machine, or a container, without IPv6.
      guard error == .system(EAFNOSUPPORT) || error == .system(EADDRNOTAVAIL) else { throw error }
      return try open(.ipv4(INADDR_ANY, port: port))
    }
  }

  private static func openFirst(of addresses: AddressList) throws(TransportError) -> (fd: Int32, port: UInt16) {
    var failure = TransportError.unresolved(EAI_NONAME)
    var index = 0
    while index < addresses.count {
      do {
        return try open(addresses[index])
      } catch {
        failure = error
        index &+= 1
      }
    }
    throw failure
  }

  private static func open(
    _ address: SocketAddress, bothFamilies: Bool = false
  ) throws(TransportError) -> (fd: Int32, port: UInt16) {
    let descriptor = clinux_stream_socket(Int32(address.storage.ss_family))
    guard descriptor >= 0 else { throw .last }
    SystemCalls.setOption(SOL_SOCKET, SO_REUSEADDR, 1, of: descriptor)
    if bothFamilies { SystemCalls.setOption(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0, of: descriptor) }
    var storage = address.storage
    guard clinux_bind(descriptor, &storage, address.size) == 0, CLinux.listen(descriptor, 4096) == 0 else {
      let failure = TransportError.last
      close(descriptor)
      throw failure
    }
    return (descriptor, SocketAddress(of: .local, descriptor: descriptor).port)
  }

  /// Waits for a connection and takes it: close-on-exec, non-blocking, the caller's to close. Any number of threads may call
  /// it on one listener. A blocking listener becomes non-blocking (O_NONBLOCK on the file description), because a client that
  /// leaves between poll and accept would hold us beyond the deadline. Clients that are gone already are passed over.
  /// Throws `.timeout`, `.noDescriptors` and `.outOfMemory` (after 100 ms, so that a loop does not spin while the client
  /// waits in the queue), `.system` (EINVAL once the listener was shut down).
  public static func accept(
    _ listenDescriptor: Int32, deadline: Deadline
  ) throws(TransportError) -> (fd: Int32, peer: SocketAddress) {
    guard clinux_set_nonblocking(listenDescriptor) == 0 else { throw .last }
    while true {
      var peer = SocketAddress()
      peer.size = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let descriptor = clinux_accept(listenDescriptor, &peer.storage, &peer.size)
      if descriptor >= 0 { return (descriptor, peer) }
      switch judge(clinux_errno()) {
      case .wait: _ = try SystemCalls.wait(listenDescriptor, for: POLLIN, deadline: deadline)
      case .passOver: continue
      case .fail(let error): throw pausing(error, deadline)
      }
    }
  }

  private enum Verdict {
    case wait
    case passOver
    case fail(TransportError)
  }

  /// Linux hands over errors of the connection that was to be taken; they concern nobody else (accept(2)).
  private static func judge(_ code: Int32) -> Verdict {
    switch code {
    case EAGAIN: .wait
    case EINTR, ECONNABORTED, EPROTO, ENOPROTOOPT, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENONET, EPERM: .passOver
    default: .fail(TransportError(errno: code))
    }
  }

  /// Rests before a shortage is reported.
  private static func pausing(_ error: TransportError, _ deadline: Deadline) -> TransportError {
    switch error {
    case .noDescriptors, .outOfMemory:
      try? SystemCalls.sleep(until: .earlier(deadline, .after(milliseconds: 100)))
    case .timeout, .aborted, .interrupted, .closed, .unresolved, .refused, .system, .tls:
      break
    }
    return error
  }
}
