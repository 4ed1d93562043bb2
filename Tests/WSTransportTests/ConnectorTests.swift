// Addresses race as RFC 8305 has it, within one deadline.
import Foundation
import Testing

@testable import WSTransport

private func address(_ text: String, _ port: UInt16) -> SocketAddress {
  var list = AddressList()
  _ = text.withCString { Resolver.systemLookup($0, port, flags: AI_NUMERICHOST, &list) }
  return list.count > 0 ? list[0] : SocketAddress()
}

private func list(_ addresses: SocketAddress...) -> AddressList {
  var result = AddressList()
  for address in addresses { result.append(address) }
  return result
}

private func race(
  _ addresses: AddressList, deadline: Deadline = generous, cancellation: Cancellation? = nil
) throws(TransportError) -> Socket {
  try Connector.connect(to: addresses, deadline: deadline, cancellation: cancellation)
}

/// A listener whose queue is full, so that connecting to it hangs.
private final class FullListener: @unchecked Sendable {
  let port: UInt16
  private let descriptor: Int32
  private var waiting: [Int32] = []

  init() throws {
    (descriptor, port) = try listen(nil)
    try #require(Glibc.listen(descriptor, 0) == 0)
    for _ in 0..<3 {
      let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
      _ = connectRaw(client, address("127.0.0.1", port))
      waiting.append(client)
    }
    usleep(20_000)
  }

  deinit {
    for client in waiting { close(client) }
    close(descriptor)
  }
}

@Suite struct ConnectorTests {
  @Test(arguments: ["127.0.0.1", "localhost"]) func connectsByNameAndNumber(name: String) throws {
    let listener = try listen(nil)
    defer { close(listener.fd) }
    let client = try connect(name, listener.port)
    #expect(client.address(of: .remote).port == listener.port)
    #expect(host(of: client.address(of: .remote)) == "127.0.0.1")
    #expect(isCloseOnExec(client.descriptor))
    var noDelay: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(client.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, &size)
    #expect(noDelay != 0)
  }

  @Test(.enabled(if: hasIPv6)) func connectsOverIPv6() throws {
    let (server, client) = try makeTCPPair(host: "::1")
    try client.sendAll("six")
    #expect(try server.receive() == "six")
    #expect(server.address(of: .remote).family == .ipv6)
    #expect(server.address(of: .remote).isLoopback)
  }

  @Test func aRefusalMovesOnAtOnce() throws {
    let listener = try listen("127.0.0.1")
    defer { close(listener.fd) }
    let milliseconds = try fastest {
      let start = Deadline.now
      _ = try race(list(address("::1", listener.port), address("127.0.0.1", listener.port)))
      return since(start)
    }
    #expect(milliseconds < 200, "without waiting for the 250 ms of the next attempt")
  }

  @Test func allRefusedIsTheLastRefusal() throws {
    let listener = try listen("127.0.0.1")
    close(listener.fd)
    #expect(failure { () throws(TransportError) in try connect("127.0.0.1", listener.port) } == .refused(ECONNREFUSED))
  }

  @Test func aSilentAddressIsOvertaken() throws {
    let silent = try FullListener()
    let listener = try listen("127.0.0.1")
    defer { close(listener.fd) }
    let start = Deadline.now
    let socket = try race(list(address("127.0.0.1", silent.port), address("127.0.0.1", listener.port)))
    #expect(socket.address(of: .remote).port == listener.port)
    #expect(since(start) >= 250_000_000)
    #expect(since(start) < 900_000_000)
  }

  @Test func oneDeadlineForAll() throws {
    let silent = try FullListener()
    let both = list(address("127.0.0.1", silent.port), address("127.0.0.1", silent.port))
    let start = Deadline.now
    #expect(failure { () throws(TransportError) in try race(both, deadline: .after(milliseconds: 300)) } == .timeout)
    #expect(since(start) >= 300_000_000)
  }

  @Test func aCancellationEndsItWithin50Milliseconds() throws {
    let silent = try FullListener()
    let target = list(address("127.0.0.1", silent.port))
    let milliseconds = try fastest {
      try timeToCancel { (cancellation) throws(TransportError) in try race(target, cancellation: cancellation) }
    }
    #expect(milliseconds < 50)
  }

  @Test func aCancellationBeforehandCounts() throws {
    let listener = try listen(nil)
    defer { close(listener.fd) }
    let cancellation = try Cancellation()
    cancellation.cancel()
    let error = failure { () throws(TransportError) in
      try connect("127.0.0.1", listener.port, cancellation: cancellation)
    }
    #expect(error == .aborted)
  }
}
