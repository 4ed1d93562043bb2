// A connection inside somebody else's poll loop: nothing waits, nothing is lost, and the loop is told what to wait for.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ConnLoopTests {
  private func makeLoopConn(_ role: Role) throws -> (Conn, RawPeer) {
    let (conn, peer) = try makeConn(role)
    conn.setNonblocking(true)
    return (conn, peer)
  }

  @Test(arguments: [Role.client, .server]) func aReadTakesWhatIsThere(role: Role) throws {
    let (conn, peer) = try makeLoopConn(role)
    #expect(fault(try conn.message()) == .wouldBlock)
    #expect(conn.interest().readiness == .read && conn.interest().deadline == .never)
    try peer.send(text: "one")
    try peer.send(9, [7])
    try peer.send(text: "two")
    #expect(try conn.text() == "one")
    #expect(try conn.text() == "two")
    #expect(fault(try conn.message()) == .wouldBlock)
    #expect(try peer.frame().opcode == 10)
    #expect(conn.lastFailure(of: .read) == nil)
  }

  /// The whole of every message that was taken arrives; of one that was not, not a byte.
  @Test(arguments: [Role.client, .server]) func aWriteIsTakenWholeOrNotAtAll(role: Role) throws {
    let (conn, peer) = try makeLoopConn(role)
    var taken = 0
    while fault(try conn.send([UInt8](repeating: UInt8(truncatingIfNeeded: taken), count: 40_000))) == nil { taken += 1 }
    #expect(taken > 1)
    #expect(conn.interest().readiness == [.read, .write])
    #expect(conn.interest().deadline != .never)
    let reader = Background { [taken] in try (0..<taken).map { _ in try peer.frame().payload } }
    while !reader.isDone(after: 1) { try conn.service() }
    for (number, payload) in try reader.value().enumerated() {
      #expect(payload == [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 40_000))
    }
    try conn.service()
    #expect(peer.isSilent())
    #expect(conn.interest().readiness == .read && conn.interest().deadline == .never)
  }

  @Test func aPongWaitsBehindKeptOutput() throws {
    let (conn, peer) = try makeLoopConn(.server)
    var taken = 0
    while fault(try conn.send([UInt8](repeating: 1, count: 40_000))) == nil { taken += 1 }
    try peer.send(9, [1])
    try peer.send(9, [2])
    #expect(fault(try conn.message()) == .wouldBlock)
    let reader = Background { [taken] in try (0...taken).map { _ in try peer.frame() } }
    while !reader.isDone(after: 1) { try conn.service() }
    #expect(try reader.value().last?.opcode == 10)
    #expect(try reader.value().last?.payload == [2])
  }

  @Test func outputThatDoesNotMoveIsBroken() throws {
    let (conn, peer) = try makeLoopConn(.client)
    conn.setWriteTimeout(milliseconds: 40)
    while fault(try conn.send([UInt8](repeating: 1, count: 40_000))) == nil {}
    sleep(milliseconds: 80)
    #expect(conn.interest().deadline.isPast)
    #expect(fault(try conn.service()) == .broken)
    #expect(fault(try conn.send("x")) == .broken)
    peer.drop()
  }

  /// What the transport takes after all is a write's as well to send: its time is then not up.
  @Test func outputThatAnotherWriteSentIsNotLate() throws {
    let (conn, peer) = try makeLoopConn(.client)
    conn.setWriteTimeout(milliseconds: 400)
    while fault(try conn.send([UInt8](repeating: 1, count: 40_000))) == nil {}
    #expect(conn.interest().deadline != .never)
    while !peer.isSilent(for: 10) { peer.skip() }
    try conn.send("x")
    #expect(conn.interest().readiness == .read && conn.interest().deadline == .never)
    sleep(milliseconds: 500)
    try conn.service()
    try conn.send("y")
  }

  @Test func anAnswerThatDoesNotMoveIsBroken() throws {
    let (conn, peer, transport) = try makeHookedConn(.server)
    conn.setNonblocking(true)
    conn.setWriteTimeout(milliseconds: 40)
    transport.room.withLock { $0 = 1 }
    try peer.send(9, [1, 2, 3])
    #expect(fault(try conn.message()) == .wouldBlock)
    #expect(conn.interest().deadline != .never)
    sleep(milliseconds: 80)
    #expect(fault(try conn.service()) == .broken)
  }

  @Test func theFirstFailureOfOutputStays() throws {
    let (conn, peer) = try makeLoopConn(.client)
    conn.setWriteTimeout(milliseconds: 60)
    while fault(try conn.send([UInt8](repeating: 1, count: 40_000))) == nil {}
    peer.drop()
    let first = fault(try conn.service())
    #expect(first != nil && first != .broken)
    sleep(milliseconds: 100)
    for _ in 0..<2 { #expect(fault(try conn.service()) == first) }
  }

  /// No descriptor tells of it: the loop is told to read.
  @Test func whatWasReceivedBeforeIsSeen() throws {
    let (ours, theirs) = try socketPair()
    let peer = RawPeer(theirs, masks: true)
    let first = peer.frame(1, Array("first".utf8)).bytes
    let conn = try makeConn(.server, over: ours, alreadyRead: first + first)
    #expect(try conn.text() == "first")
    conn.setNonblocking(true)
    #expect(conn.interest().deadline.isPast)
    #expect(try conn.text() == "first")
    #expect(fault(try conn.message()) == .wouldBlock)
    #expect(conn.interest().deadline == .never)
  }

  @Test func aReadTimeoutBeginsWithTheFirstVainRead() throws {
    let (conn, peer) = try makeLoopConn(.client)
    conn.setReadTimeout(milliseconds: 40)
    #expect(conn.interest().deadline == .never)
    #expect(fault(try conn.message()) == .wouldBlock)
    #expect(conn.interest().deadline != .never)
    sleep(milliseconds: 60)
    #expect(fault(try conn.message()) == .timeout)
    try peer.send(text: "late")
    #expect(try conn.text() == "late")
    #expect(conn.interest().deadline == .never)
  }

  @Test(arguments: [Role.client, .server]) func aCloseGoesOnInSteps(role: Role) throws {
    let (conn, peer) = try makeLoopConn(role)
    #expect(fault(try conn.close(4000)) == .wouldBlock)
    #expect(try peer.frame().closeCode == 4000)
    for _ in 0..<50 { try peer.send(2, [1]) }
    #expect(fault(try conn.close(4000)) == .wouldBlock)
    try peer.send(close: 4000)
    #expect(fault(try conn.close(4000)) == .wouldBlock)
    peer.finishSending()
    #expect(fault(try conn.close(4000)) == nil)
    #expect(conn.interest().deadline == .never)
    #expect(try peer.isAtEnd())
  }

  /// What has been received already makes no descriptor readable: the loop is told to come back at once.
  @Test func manyDroppedMessagesDoNotStallAClose() throws {
    let (conn, peer) = try makeLoopConn(.server)
    try peer.send((0..<3000).flatMap { _ in peer.frame(2).bytes } + peer.frame(8, [0x03, 0xE8]).bytes)
    peer.finishSending()
    var steps = 0
    while fault(try conn.close(1000)) == .wouldBlock, steps < 100 {
      steps += 1
      let (descriptor, _, deadline) = conn.interest()
      var readable = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      #expect(deadline.isPast || poll(&readable, 1, 1000) == 1)
    }
    #expect(steps < 100)
    #expect(conn.closeCodeReceived == .normal)
  }

  @Test func aCloseWithoutAnswerIsDropped() throws {
    let (conn, peer) = try makeLoopConn(.client)
    #expect(fault(try conn.close(1000, within: 40)) == .wouldBlock)
    sleep(milliseconds: 60)
    #expect(fault(try conn.service()) == .timeout)
    #expect(fault(try conn.message()) == .aborted)
    peer.drop()
  }
}
