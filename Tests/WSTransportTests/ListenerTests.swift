// Listening where it was asked for, and accepting without being held up by anybody.
import Foundation
import Testing

@testable import WSTransport

func listen(_ host: String?, port: UInt16 = 0) throws(TransportError) -> (fd: Int32, port: UInt16) {
  guard let host else { return try Listener.listen(host: nil, port: port) }
  return try withBytes(host) { (bytes) throws(TransportError) in try Listener.listen(host: bytes, port: port) }
}

func connect(
  _ host: String, _ port: UInt16, deadline: Deadline = generous, cancellation: Cancellation? = nil
) throws(TransportError) -> Socket {
  try withBytes(host) { (bytes) throws(TransportError) in
    let addresses = try Connector.addresses(of: bytes, port: port, deadline: deadline, cancellation: cancellation)
    return try Connector.connect(to: addresses, deadline: deadline, cancellation: cancellation)
  }
}

/// An accepted TCP connection and the client's end of it.
func makeTCPPair(host: String) throws -> (Socket, Socket) {
  let listener = try listen(host)
  defer { close(listener.fd) }
  let client = try connect(host, listener.port)
  let server = try Socket(adopting: try Listener.accept(listener.fd, deadline: generous).fd)
  return (server, client)
}

let hasIPv6 = (try? listen("::1")).map { close($0.fd) == 0 } ?? false

@Suite struct ListenerTests {
  @Test func nilIsLoopback() throws {
    let listener = try listen(nil)
    defer { close(listener.fd) }
    #expect(listener.port != 0)
    #expect(host(of: SocketAddress(of: .local, descriptor: listener.fd)) == "127.0.0.1")
    #expect(isCloseOnExec(listener.fd))
  }

  @Test func starIsEveryAddress() throws {
    let listener = try listen("*")
    defer { close(listener.fd) }
    let client = try connect("127.0.0.1", listener.port)
    let accepted = try Listener.accept(listener.fd, deadline: generous)
    defer { close(accepted.fd) }
    #expect(accepted.peer.isLoopback)
    #expect(accepted.peer.port == client.address(of: .local).port)
    #expect(isCloseOnExec(accepted.fd))
    #expect(fcntl(accepted.fd, F_GETFL) & O_NONBLOCK != 0)
    if hasIPv6 { _ = try connect("::1", listener.port) }
  }

  @Test func aTakenPortIsRefused() throws {
    let listener = try listen(nil)
    defer { close(listener.fd) }
    #expect(failure { () throws(TransportError) in try listen(nil, port: listener.port) } == .system(EADDRINUSE))
  }

  @Test func aNameIsResolved() throws {
    let listener = try listen("localhost")
    defer { close(listener.fd) }
    #expect(SocketAddress(of: .local, descriptor: listener.fd).isLoopback)
  }

  @Test func unixSockets() throws {
    let path = "/tmp/wsswift-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
    let listener = try listen("unix:" + path)
    defer {
      close(listener.fd)
      unlink(path)
    }
    #expect(listener.port == 0)
    #expect(failure { () throws(TransportError) in try listen("unix:" + path) } == .system(EADDRINUSE))
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let address = try withBytes(path) { (bytes) throws(TransportError) in try SocketAddress(path: bytes) }
    #expect(connectRaw(descriptor, address) == 0)
    let client = try Socket(adopting: descriptor)
    let server = try Socket(adopting: try Listener.accept(listener.fd, deadline: generous).fd)
    try client.sendAll("over a path")
    #expect(try server.receive() == "over a path")
    #expect(host(of: client.address(of: .remote)) == path)
    #expect(host(of: client.address(of: .local)) == "")
    #expect(client.address(of: .remote).family == .unix)
  }

  @Test func pathsThatCannotBeAreErrors() {
    let long = "unix:/" + String(repeating: "x", count: 107)
    #expect(failure { () throws(TransportError) in try listen(long) } == .system(ENAMETOOLONG))
    #expect(failure { () throws(TransportError) in try listen("unix:") } == .system(EINVAL))
  }

  @Test func acceptTimesOut() throws {
    let listener = try listen(nil)
    defer { close(listener.fd) }
    let start = Deadline.now
    #expect(acceptFailure(listener.fd, .after(milliseconds: 20)) == .timeout)
    #expect(since(start) >= 20_000_000)
    #expect(acceptFailure(listener.fd, Deadline(nanoseconds: 1)) == .timeout)
  }

  @Test func aBlockingListenerIsNotTrusted() throws {
    let listener = try listen(nil)
    defer { close(listener.fd) }
    _ = fcntl(listener.fd, F_SETFL, 0)
    #expect(acceptFailure(listener.fd, .after(milliseconds: 10)) == .timeout)
    #expect(fcntl(listener.fd, F_GETFL) & O_NONBLOCK != 0)
  }

  @Test func shuttingTheListenerDownEndsAccept() throws {
    let listener = try listen(nil)
    defer { close(listener.fd) }
    let worker = Worker { acceptFailure(listener.fd, generous) }
    usleep(10_000)
    shutdown(listener.fd, Int32(SHUT_RDWR))
    #expect(try worker.join() == .system(EINVAL))
  }

  @Test func aDescriptorThatIsNoListenerIsAnError() throws {
    let (a, b) = try makeDescriptorPair(SOCK_DGRAM)
    defer {
      close(a)
      close(b)
    }
    #expect(acceptFailure(a, generous) == .system(EOPNOTSUPP))
    #expect(acceptFailure(-1, generous) == .system(EBADF))
  }

  /// Without descriptors the loop of a server must not spin, and later connections must still be taken.
  @Test func noDescriptorsPausesAndRecovers() throws {
    let listener = try listen(nil)
    defer { close(listener.fd) }
    let client = try connect("127.0.0.1", listener.port)
    let status = inChild {
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      var none = rlimit(rlim_cur: 0, rlim_max: limit.rlim_max)
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
      let start = Deadline.now
      guard acceptFailure(listener.fd, generous) == .noDescriptors(EMFILE) else { return 1 }
      guard since(start) >= 100_000_000 else { return 2 }
      guard failure(of: { () throws(TransportError) in try Cancellation() }) == .noDescriptors(EMFILE) else { return 3 }
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      return acceptFailure(listener.fd, generous) == nil ? 0 : 4
    }
    #expect(status == 0)
    withExtendedLifetime(client) {}
  }
}

private func acceptFailure(_ descriptor: Int32, _ deadline: Deadline) -> TransportError? {
  failure { () throws(TransportError) in close(try Listener.accept(descriptor, deadline: deadline).fd) }
}

/// Connects, blocking, without the library.
func connectRaw(_ descriptor: Int32, _ address: SocketAddress) -> Int32 {
  withUnsafeBytes(of: address.storage) { bytes in
    bytes.withMemoryRebound(to: sockaddr.self) { Glibc.connect(descriptor, $0.baseAddress, address.size) }
  }
}
