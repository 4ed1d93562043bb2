// Answers to control frames: in order while output is free, the latest kept while it is blocked, and never a reader that waits for a
// writer.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ConnRepliesTests {
  /// architecture.md 8: every ping of one received batch is answered, in order.
  @Test(arguments: [Role.client, .server]) func answersABatchOfPingsInOrder(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    let batch = (0..<10).map { peer.frame(9, Array(repeating: UInt8($0), count: $0 * 13)) }
    try peer.send(batch.flatMap(\.bytes) + peer.frame(1, [0x21]).bytes)
    #expect(try conn.text() == "!")
    for ping in batch {
      let pong = try peer.frame()
      #expect(pong.opcode == 10 && pong.payload == ping.payload)
      #expect((pong.maskKey != nil) == (role == .client))
    }
  }

  @Test func answersAPingInsideAMessage() throws {
    let (conn, peer) = try makeConn(.server)
    try peer.send(1, [0x61], isFinal: false)
    try peer.send(9, [1])
    conn.setReadTimeout(milliseconds: 20)
    #expect(conn.failureOfRead() == .timeout)
    #expect(try peer.frame() == Frame(opcode: 10, payload: [1]))
    try peer.send(0, [0x62])
    #expect(try conn.text() == "ab")
  }

  /// decisions.md 20.
  @Test(arguments: [Role.client, .server]) func keepsTheLatestPongWhileOutputIsBlocked(role: Role) throws {
    let (conn, peer, filling) = try makeBlockedConn(role)
    for number in 0..<10 { try peer.send(9, [UInt8(number)]) }
    try peer.send(text: "on")
    #expect(try conn.text() == "on")
    _ = try peer.receive(filling)
    conn.setReadTimeout(milliseconds: 50)
    #expect(conn.failureOfRead() == .timeout)
    let pong = try peer.frame()
    #expect(pong.opcode == 10 && pong.payload == [9])
    #expect(peer.isSilent())
  }

  @Test func aBlockedReaderSendsTheKeptPongByItself() throws {
    let (conn, peer, filling) = try makeBlockedConn(.server)
    try peer.send(9, [5])
    let reader = Background { try conn.text() }
    sleep(milliseconds: 30)
    _ = try peer.receive(filling)
    #expect(try peer.frame() == Frame(opcode: 10, payload: [5]))
    try peer.send(text: "end")
    #expect(try reader.value() == "end")
  }

  @Test func keptAnswersDoNotSpin() throws {
    let (conn, peer, _) = try makeBlockedConn(.client)
    try peer.send(9, [5])
    conn.setReadTimeout(milliseconds: 1000)
    let used = try Background {
      let before = processorTime()
      _ = conn.failureOfRead()
      return processorTime() - before
    }.value()
    #expect(used < 50)
  }

  @Test func theReaderDoesNotWaitForAWriter() throws {
    let (conn, peer, filling) = try makeBlockedConn(.server)
    let writer = Background { try conn.send([UInt8](repeating: 1, count: 100_000)) }
    #expect(!writer.isDone(after: 30))
    for number in 0..<5 { try peer.send(9, [UInt8(number)]) }
    try peer.send(text: "quick")
    #expect(try conn.text() == "quick")
    _ = try peer.receive(filling)
    #expect(try peer.frame().payload.count == 100_000)
    #expect(try peer.frame() == Frame(opcode: 10, payload: [4]))
    try writer.value()
  }

  @Test func aKeptCloseLeavesBehindTheWriter() throws {
    let (conn, peer, filling) = try makeBlockedConn(.server)
    let writer = Background { try conn.send([UInt8](repeating: 1, count: 50_000)) }
    #expect(!writer.isDone(after: 30))
    try conn.begin(1001, "bye")
    #expect(conn.ourCloseCode == nil)
    _ = try peer.receive(filling)
    #expect(try peer.frame().payload.count == 50_000)
    let close = try peer.frame()
    #expect(close.closeCode == 1001 && close.closeReason == "bye")
    try writer.value()
    #expect(conn.ourCloseCode == .goingAway)
  }

  @Test func aKeptCloseLeavesWithTheNextRead() throws {
    let (conn, peer, filling) = try makeBlockedConn(.client)
    try conn.begin(3000)
    try conn.begin(3001)
    _ = try peer.receive(filling)
    conn.setReadTimeout(milliseconds: 30)
    #expect(conn.failureOfRead() == .timeout)
    #expect(try peer.frame().closeCode == 3000)
    #expect(peer.isSilent())
  }

  @Test func pongsOfOnesOwnAreSent() throws {
    let (conn, peer) = try makeConn(.server)
    try conn.control(.pong, [1, 2])
    try conn.control(.ping, Array(repeating: 3, count: 125))
    #expect(try peer.frame() == Frame(opcode: 10, payload: [1, 2]))
    #expect(try peer.frame() == Frame(opcode: 9, payload: Array(repeating: 3, count: 125)))
  }

  @Test func anAnswerThatCannotLeaveEndsNothingElse() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(9, [1])
    try peer.send(text: "still here")
    peer.drop()
    #expect(try conn.text() == "still here")
    #expect(conn.failureOfRead() == .lost(0))
    #expect(fault(try conn.send("x")) == .lost(EPIPE))
  }

  @Test(arguments: [Role.client, .server]) func theKeptPongIsSentFirst(role: Role) throws {
    let (conn, peer, filling) = try makeBlockedConn(role)
    try peer.send(9, [5])
    try peer.send(text: "on")
    #expect(try conn.text() == "on")
    let writer = Background { try conn.send("data") }
    #expect(!writer.isDone(after: 30))
    _ = try peer.receive(filling)
    #expect(try peer.frame().opcode == 10)
    #expect(try peer.frame().text == "data")
    try writer.value()
  }

  @Test func aViolationsCloseFrameIsNotReplaced() throws {
    let (conn, peer, filling) = try makeBlockedConn(.client)
    try peer.send([0x83, 0])
    #expect(conn.failureOfRead() == .violation(.unknownOpcode(3)))
    let closer = Background { fault(try conn.close(1000)) }
    #expect(!closer.isDone(after: 30))
    _ = try peer.receive(filling)
    #expect(try peer.frame().closeCode == 1002)
    peer.drop()
    _ = try closer.value()
  }

  @Test func aPongPassesBetweenBusyWriters() throws {
    let (conn, peer) = try makeConn(.server)
    let block = [UInt8](repeating: 1, count: 20_000)
    let writers = (0..<4).map { _ in Background { while fault(try conn.send(block)) == nil {} } }
    for _ in 0..<20 { _ = try peer.frame() }
    try peer.send(9, [1])
    let reader = Background { conn.failureOfRead() }
    var before = 0
    while before < 3000, try peer.frame().opcode != 10 { before += 1 }
    conn.abort()
    #expect(before < 3000)
    for writer in writers { _ = try? writer.value() }
    _ = try reader.value()
  }

  /// The reader sleeps when another thread's close frame finds the transport full: it must be woken to send it later.
  @Test(arguments: [Role.client, .server]) func aKeptCloseFrameLeavesWhileAReaderWaits(role: Role) throws {
    let (conn, peer, filling) = try makeBlockedConn(role)
    let reader = Background { conn.failureOfRead() }
    sleep(milliseconds: 50)
    try conn.begin(1001, "")
    sleep(milliseconds: 20)
    _ = try peer.receive(filling)
    #expect(try peer.frame().closeCode == 1001)
    conn.abort()
    _ = try reader.value()
  }

  /// The reader found the lock taken and waits for bytes alone; the writer could not send the pong behind its own frame.
  @Test func aPongThatAWriterLeftBehindLeavesWhileAReaderWaits() throws {
    let (conn, peer, filling) = try makeBlockedConn(.server)
    let writer = Background { try conn.send([UInt8](repeating: 1, count: 4000)) }
    sleep(milliseconds: 30)
    let reader = Background { conn.failureOfRead() }
    try peer.send(9, [1])
    sleep(milliseconds: 30)
    _ = try peer.receive(filling)
    #expect(try peer.frame().payload.count == 4000)
    #expect(try peer.frame().opcode == 10)
    try writer.value()
    conn.abort()
    _ = try reader.value()
  }
}

@Suite struct ConnViolationTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let error: ProtocolError
    let code: Int
    let bytes: [UInt8]
    var role = Role.client
    var testDescription: String { "\(error)" }
  }

  static let cases = [
    Case(error: .reservedBits, code: 1002, bytes: [0xC1, 0]),
    Case(error: .reservedBits, code: 1002, bytes: [0x99, 0]),
    Case(error: .unknownOpcode(3), code: 1002, bytes: [0x83, 0]),
    Case(error: .unknownOpcode(15), code: 1002, bytes: [0x8F, 0]),
    Case(error: .controlTooLong, code: 1002, bytes: [0x89, 126]),
    Case(error: .controlFragmented, code: 1002, bytes: [0x09, 0]),
    Case(error: .messageInsideMessage, code: 1002, bytes: [0x01, 0, 0x81, 0]),
    Case(error: .unexpectedContinuation, code: 1002, bytes: [0x80, 0]),
    Case(error: .unmasked, code: 1002, bytes: [0x81, 0], role: .server),
    Case(error: .masked, code: 1002, bytes: [0x81, 0x80]),
    Case(error: .lengthNotMinimal, code: 1002, bytes: [0x82, 126, 0, 125]),
    Case(error: .lengthNotMinimal, code: 1002, bytes: [0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255]),
    Case(error: .lengthTooLarge, code: 1002, bytes: [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    Case(error: .closePayloadTooShort, code: 1002, bytes: [0x88, 1, 3]),
    Case(error: .badCloseCode(1005), code: 1002, bytes: [0x88, 2, 0x03, 0xED]),
    Case(error: .badCloseReason, code: 1007, bytes: [0x88, 3, 0x03, 0xE8, 0xFF]),
    Case(error: .invalidUTF8, code: 1007, bytes: [0x81, 1, 0xC0]),
    Case(error: .invalidUTF8, code: 1007, bytes: [0x81, 1, 0xE2]),
    Case(error: .invalidUTF8, code: 1007, bytes: [0x01, 100, 0x61, 0xFF]),
    Case(error: .messageTooBig(limit: 1000), code: 1009, bytes: [0x82, 126, 0x03, 0xE9]),
    Case(error: .messageTooBig(limit: 1000), code: 1009, bytes: [0x82, 127, 0x7F, 255, 255, 255, 255, 255, 255, 255]),
  ]

  @Test(arguments: cases) func theFirstViolationIsToldAndStays(_ test: Case) throws {
    let (conn, peer) = try makeConn(test.role, limit: 1000)
    try peer.send(peer.frame(1, [0x6F, 0x6B]).bytes + test.bytes)
    #expect(try conn.text() == "ok")
    for _ in 0..<3 { #expect(conn.failureOfRead() == .violation(test.error)) }
    let close = try peer.frame()
    #expect(close.opcode == 8 && close.closeCode == test.code && close.closeReason == "\(test.error.text)")
    #expect(try peer.isAtEnd())
    #expect(conn.lastFailure(of: .read) == .violation(test.error))
    #expect(conn.ourCloseCode?.rawValue == UInt16(test.code))
    #expect(fault(try conn.send("late")) == .send(.closeSent))
    peer.drop()
    #expect(fault(try conn.close(1000)) == .violation(test.error))
  }

  /// With no room for the close frame, it is kept for whoever sends next.
  @Test func aViolationIsToldOnceOutputIsFree() throws {
    let (conn, peer, filling) = try makeBlockedConn(.client)
    try peer.send([0x83, 0])
    #expect(conn.failureOfRead() == .violation(.unknownOpcode(3)))
    _ = try peer.receive(filling)
    let closer = Background { fault(try conn.close(1000)) }
    #expect(try peer.frame().closeCode == 1002)
    #expect(try peer.isAtEnd())
    peer.drop()
    #expect(try closer.value() == .violation(.unknownOpcode(3)))
  }
}
