// The bytes of a handshake: sent whole, received head by head, with what comes behind kept.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct HandshakeChannelTests {
  private func makeEnds() throws -> (Socket, RawPeer) {
    let (ours, theirs) = try socketPair()
    return (try Socket(adopting: ours), RawPeer(theirs, masks: false))
  }

  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test func sendsMoreThanFitsAtOnce() throws {
    let (socket, peer) = try makeEnds()
    let channel = HandshakeChannel(socket, cancellation: nil)
    let large = [UInt8](repeating: 0x41, count: 3 << 20)
    let receiving = Background { try peer.receive(large.count) }
    try lending(large) { try channel.send($0, until: .after(milliseconds: 10_000)) }
    #expect(try receiving.value() == large)
  }

  @Test func sendingHasItsDeadline() throws {
    let (socket, peer) = try makeEnds()
    let channel = HandshakeChannel(socket, cancellation: nil)
    let large = [UInt8](repeating: 0x41, count: 3 << 20)
    #expect(fault(try lending(large) { try channel.send($0, until: .after(milliseconds: 40)) }) == .timeout)
    withExtendedLifetime(peer) {}
  }

  @Test func keepsWhatComesBehindAHead() throws {
    let (socket, peer) = try makeEnds()
    var channel = HandshakeChannel(socket, cancellation: nil)
    try lending(bytes("HTTP/1.1 1")) { try channel.prepend($0) }
    try peer.send(bytes("00 A\r\n\r\nHTTP/1.1 200 B\r\n\r\nrest"))
    for status in [100, 200] {
      var head = MessageHead(.response)
      try channel.receiveHead(&head, until: .after(milliseconds: 5000)) { .handshake(.head($0)) }
      #expect(head.status == status)
    }
    #expect(channel.received.bytes.string == "rest")
    channel.forgetReceived()
    #expect(channel.received.bytes.isEmpty)
  }

  @Test func collectsUntilThereIsEnoughOrAnEnd() throws {
    let (socket, peer) = try makeEnds()
    var channel = HandshakeChannel(socket, cancellation: nil)
    try peer.send(bytes("123"))
    channel.collect(2, until: .after(milliseconds: 5000))
    #expect(channel.received.bytes.string == "123")
    channel.collect(9, until: .after(milliseconds: 30))
    #expect(channel.received.bytes.string == "123")
    try peer.send(bytes("45"))
    peer.drop()
    channel.collect(9, until: .after(milliseconds: 5000))
    #expect(channel.received.bytes.string == "12345")
  }

  @Test func aCancellationEndsBothDirections() throws {
    let cancellation = try Cancellation()
    let (socket, peer) = try makeEnds()
    var channel = HandshakeChannel(socket, cancellation: cancellation)
    cancellation.cancel()
    #expect(fault(try lending([1]) { try channel.send($0, until: .never) }) == nil)
    var error: WSError?
    do throws(WSError) { _ = try channel.receive(until: .never) } catch let caught { error = caught }
    #expect(error == .aborted)
    withExtendedLifetime(peer) {}
  }

  @Test func withoutMemoryThereIsAnError() throws {
    let (socket, peer) = try makeEnds()
    var channel = HandshakeChannel(socket, cancellation: nil)
    try peer.send(bytes("HTTP"))
    Memory.failAllocation(1)
    var error: WSError?
    do throws(WSError) { _ = try channel.receive(until: .never) } catch let caught { error = caught }
    #expect(error == .outOfMemory)
    var head = MessageHead(.response)
    Memory.failAllocation(2)
    do throws(WSError) {
      try channel.receiveHead(&head, until: .never) { $0 == .outOfMemory ? .outOfMemory : .invalid }
    } catch let caught { error = caught }
    Memory.failAllocation(0)
    #expect(error == .outOfMemory)
  }
}
