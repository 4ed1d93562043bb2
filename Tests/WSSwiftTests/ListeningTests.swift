// Listening and accepting through the module's own door: addresses, deadlines and errors in its terms.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ListeningTests {
  private func listen(_ host: String?, _ port: UInt16 = 0) throws -> (descriptor: Int32, port: UInt16) {
    guard let host else { return try Listening.listen(host: nil, port: port) }
    return try lending(Array(host.utf8)) { try Listening.listen(host: $0, port: port) }
  }

  @Test(arguments: [nil, "*", "127.0.0.1", "localhost"]) func picksAPort(host: String?) throws {
    let (descriptor, port) = try listen(host)
    defer { Listening.close(descriptor: descriptor) }
    #expect(port > 0)
    let client = RawPeer(try connectTCP(port), masks: true)
    let (accepted, peer) = try Listening.accept(descriptor)
    #expect(peer.port > 0)
    Listening.close(descriptor: accepted)
    #expect(try client.isAtEnd())
  }

  @Test func errorsAreOurs() throws {
    let (descriptor, port) = try listen(nil)
    #expect(fault(try listen(nil, port)) == .system(EADDRINUSE))
    #expect(fault(try Listening.accept(descriptor, deadline: past)) == .timeout)
    let taken = milliseconds {
      #expect(fault(try Listening.accept(descriptor, deadline: .after(milliseconds: 40))) == .timeout)
    }
    #expect(taken >= 39 && taken < 1000)
    Listening.close(descriptor: descriptor)
    #expect(fault(try Listening.accept(descriptor)) == .system(EBADF))
    guard case .unresolved = fault(try listen("nowhere.invalid")) else {
      Issue.record("a name without address is unresolved")
      return
    }
  }

  @Test func closingNothingIsHarmless() { Listening.close(descriptor: -1) }
}
