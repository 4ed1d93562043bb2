// Addresses as text, and which of them are this machine.
import Foundation
import Testing

@testable import WSTransport

@Suite struct SocketAddressTests {
  private func parse(_ text: String) throws -> SocketAddress {
    var list = AddressList()
    try #require(Resolver.systemLookup(text, 4711, flags: AI_NUMERICHOST, &list) == 0)
    return list[0]
  }

  @Test(arguments: ["127.0.0.1", "127.255.1.2", "::1", "::ffff:127.0.0.1", "::ffff:127.9.9.9"])
  func loopback(text: String) throws {
    let address = try parse(text)
    #expect(address.isLoopback)
    #expect(host(of: address) == text)
    #expect(address.port == 4711)
  }

  @Test(arguments: ["128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:128.0.0.1", "::127.0.0.1", "fe80::1", "1::1", "::1:0:1"])
  func notLoopback(text: String) throws {
    #expect(!(try parse(text).isLoopback))
  }

  @Test func nothingIsEmpty() {
    let nothing = SocketAddress()
    #expect(nothing.family == .none)
    #expect(nothing.port == 0)
    #expect(!nothing.isLoopback)
    #expect(host(of: nothing) == "")
  }

  @Test func tooLittleRoomWritesNothing() throws {
    var room = [UInt8](repeating: 1, count: 8)
    let address = try parse("127.0.0.1")
    #expect(room.withUnsafeMutableBytes { address.writeHost(into: $0) } == 0)
    #expect(room == [UInt8](repeating: 1, count: 8))
  }

  @Test func aPathOfFullLengthNeedsNoNUL() {
    var raw = sockaddr_un()
    raw.sun_family = sa_family_t(AF_UNIX)
    _ = withUnsafeMutableBytes(of: &raw.sun_path) { $0.initializeMemory(as: UInt8.self, repeating: UInt8(ascii: "p")) }
    let address = SocketAddress(copying: &raw, size: socklen_t(MemoryLayout<sockaddr_un>.size))
    #expect(host(of: address) == String(repeating: "p", count: 108))
  }

  @Test func abstractNamesStartWithAt() {
    var raw = sockaddr_un()
    raw.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &raw.sun_path) { bytes in
      bytes[1] = UInt8(ascii: "a")
      bytes[2] = UInt8(ascii: "b")
    }
    #expect(host(of: SocketAddress(copying: &raw, size: 5)) == "@ab")
  }
}
