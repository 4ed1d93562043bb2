// Writing in pieces, from several places, prepared and compressed, as a Swift program does it.
import Foundation
import Testing
import WSTransport

@testable import WSProtocol
@testable import WSSwift

/// Two ends that have agreed on compression.
private func makeCompressed(keepsContext: Bool) throws -> (client: Conn, server: Conn) {
  let (near, far) = try socketPair()
  let parameters = DeflateParameters(serverKeepsContext: keepsContext, clientKeepsContext: keepsContext)
  let agreement = try #require(DeflateAgreement(offer: DeflateTerms(), wish: parameters))
  return (try makeConn(.client, over: near, deflate: agreement), try makeConn(.server, over: far, deflate: agreement))
}

extension MessageWriter {
  fileprivate func add(_ bytes: [UInt8]) throws { try lending(bytes) { try write($0) } }
}

@Suite struct MessageWriterTests {
  @Test(arguments: [Role.client, .server]) func piecesThatFitAreOneFrame(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    let writer = try conn.nextWriter(.text)
    for piece in ["one ", "", "two ", "three"] { try writer.add(Array(piece.utf8)) }
    #expect(peer.isSilent())
    try writer.close()
    let frame = try peer.frame()
    #expect(frame.opcode == 1 && frame.isFinal && frame.text == "one two three")
  }

  @Test func framesAreCutAtTheBuffer() throws {
    let (conn, peer) = try makeConn(.server)
    conn.setWriteBuffer(100)
    let writer = try conn.nextWriter(.binary)
    try writer.add([UInt8](repeating: 1, count: 250))
    try writer.add([UInt8](repeating: 1, count: 60))
    try writer.flush()
    try writer.close()
    let frames = try (0..<4).map { _ in try peer.frame() }
    #expect(frames.map(\.payload.count) == [200, 100, 10, 0])
    #expect(frames.map(\.isFinal) == [false, false, false, true])
    #expect(frames.map(\.opcode) == [2, 0, 0, 0])
  }

  @Test func oneMessageAtATime() throws {
    let (conn, peer) = try makeConn(.client)
    let writer = try conn.nextWriter(.text)
    #expect(fault(try conn.nextWriter(.text)) == .send(.messageOpen))
    #expect(conn.failureOfSend("inside") == .send(.messageOpen))
    try conn.control(.ping, [7])
    try writer.close()
    #expect(fault(try writer.close()) == .send(.noMessageOpen))
    #expect(fault(try writer.flush()) == .send(.noMessageOpen))
    try conn.send("after")
    #expect(try peer.frame().opcode == 9)
    #expect(try peer.frame().payload.isEmpty)
    #expect(try peer.frame().text == "after")
    let next = try conn.nextWriter(.binary)
    #expect(fault(try writer.flush()) == .send(.noMessageOpen))
    try next.close()
  }

  @Test func aCloseEndsIt() throws {
    let (conn, peer) = try makeConn(.server)
    let writer = try conn.nextWriter(.text)
    try writer.add([65])
    try conn.begin(1000)
    #expect(fault(try writer.flush()) == .send(.closeSent))
    #expect(fault(try writer.close()) == .send(.closeSent))
    #expect(try peer.frame().closeCode == 1000)
  }

  @Test(arguments: [Role.client, .server]) func aTimeoutLeavesTheStepUndone(role: Role) throws {
    let (conn, peer, filling) = try makeBlockedConn(role)
    conn.setWriteTimeout(milliseconds: 30)
    let writer = try conn.nextWriter(.binary)
    try writer.add([1, 2, 3])
    for _ in 0..<2 { #expect(fault(try writer.flush()) == .timeout) }
    for _ in 0..<2 { #expect(fault(try writer.close()) == .timeout) }
    #expect(fault(try writer.add([4])) == .send(.noMessageOpen))
    _ = try peer.receive(filling)
    try writer.close()
    #expect(try peer.frame().payload == [1, 2, 3])
  }

  @Test func itStopsInsideAFrameForGood() throws {
    let (conn, peer) = try makeConn(.server)
    conn.setWriteTimeout(milliseconds: 30)
    let writer = try conn.nextWriter(.binary)
    #expect(fault(try writer.add([UInt8](repeating: 0, count: 4 << 20))) == .broken)
    #expect(fault(try writer.close()) == .broken)
    #expect(fault(try conn.nextWriter(.text)) == .broken)
    withExtendedLifetime(peer) {}
  }
}

@Suite struct ConnCompressionTests {
  @Test(arguments: [true, false]) func everyWayToWrite(keepsContext: Bool) throws {
    let (client, server) = try makeCompressed(keepsContext: keepsContext)
    let text = (0..<200).map { "line \($0), " }.joined()
    let prepared = try PreparedMessage.text(text)
    for (from, to) in [(client, server), (server, client)] {
      for _ in 0..<3 {
        try from.write(text)
        let (first, second) = (Array(text.utf8.prefix(100)), Array(text.utf8.dropFirst(100)))
        try lending(first) { first in
          try lending(second) { try from.write(.text, parts: [BytePart(first), BytePart($0)]) }
        }
        try from.write(prepared)
        let writer = try from.nextWriter(.text)
        try writer.add(first)
        try writer.add(second)
        try writer.close()
        for _ in 0..<4 { #expect(try to.text() == text) }
      }
      let sent = from.statistics.sent
      #expect(sent.messages == 12 && sent.compressedBytes == sent.bytes && sent.deflatedBytes < sent.bytes / 2)
      #expect(sent.deflatedBytes == to.statistics.received.deflatedBytes)
    }
  }

  @Test func settingsAreCheckedAndHold() throws {
    let (client, server) = try makeCompressed(keepsContext: true)
    #expect(fault(try client.setCompressionLevel(10)) == .invalid)
    #expect(fault(try client.setCompressionLevel(-3)) == .invalid)
    #expect(fault(try client.setCompressionMemory(0)) == .invalid)
    #expect(fault(try client.setCompressionMemory(10)) == .invalid)
    #expect(fault(try client.setCompressionThreshold(-1)) == .invalid)
    try client.setCompressionLevel(9)
    try client.setCompressionMemory(9)
    try client.setCompressionThreshold(5)
    for text in ["four", "fives"] {
      try client.send(text)
      #expect(try server.text() == text)
    }
    client.setCompression(false)
    try client.send("not this one")
    #expect(try server.text() == "not this one")
    #expect(client.statistics.sent.compressedBytes == 5)
  }

  @Test func anIdleConnectionHoldsNoOutputBuffer() throws {
    let (client, server) = try makeCompressed(keepsContext: false)
    for (from, to) in [(client, server), (server, client)] {
      try from.send([UInt8](repeating: 3, count: 50_000))
      _ = try to.message()
      let held = Memory.blocksHeld
      try from.send([UInt8](repeating: 4, count: 50_000))
      #expect(Memory.blocksHeld == held && from.outgoing.capacity == 0)
      _ = try to.message()
    }
  }

  @Test func whatFoundNoMemoryWasNotSent() throws {
    let (client, server) = try makeCompressed(keepsContext: true)
    try client.send("first")
    #expect(try server.text() == "first")
    for number in 1...3 {
      BlockPool.drain()
      Memory.failAllocation(number)
      let error = client.failureOfSend(String(repeating: "second ", count: 1000))
      Memory.failAllocation(0)
      if let error { #expect(error == .outOfMemory) } else { _ = try server.text() }
      try client.send("third")
      #expect(try server.text() == "third")
    }
  }
}

@Suite struct PreparedMessageWriteTests {
  @Test func oneForMany() throws {
    let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let prepared = try PreparedMessage.binary(bytes)
    try onThreads(6) { number in
      for index in 0..<4 {
        let (client, server) = index == 3 ? try makeConns() : try makeCompressed(keepsContext: index % 2 == 0)
        let (from, to) = number % 2 == 0 ? (client, server) : (server, client)
        let reader = Background { try to.message() }
        try from.write(prepared)
        #expect(try reader.value() == bytes)
      }
    }
  }

  @Test func controlFramesPassAndACloseCounts() throws {
    let (conn, peer) = try makeConn(.client)
    let (ping, close) = (try PreparedMessage(.ping, .empty), try lending([0x0F, 0xA0]) { try PreparedMessage(.close, $0) })
    let writer = try conn.nextWriter(.text)
    try conn.write(ping)
    #expect(fault(try conn.write(try PreparedMessage.text("inside"))) == .send(.messageOpen))
    try writer.close()
    try conn.write(close)
    #expect(conn.ourCloseCode?.rawValue == 4000)
    #expect(fault(try conn.write(ping)) == .send(.closeSent))
    #expect(try (0..<3).map { _ in try peer.frame().opcode } == [9, 1, 8])
  }
}
