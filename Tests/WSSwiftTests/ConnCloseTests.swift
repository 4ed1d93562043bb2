// Closing: both sides of the handshake, who gets what is still on its way, and ends that come in time whatever the peer does.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ConnCloseTests {
  @Test(arguments: [Role.client, .server], [false, true]) func theOtherSideReadsTheEnd(role: Role, tcp: Bool) throws {
    let (client, server) = try makeConns(tcp: tcp)
    let (closer, reader) = role == .client ? (client, server) : (server, client)
    let other = Background {
      #expect(try reader.message() == nil)
      try reader.close(1001)
    }
    let taken = try milliseconds { try closer.close(1000, "tschüß") }
    try other.value()
    #expect(taken < 1000)
    #expect(reader.closeCodeReceived == .normal && reader.ourCloseCode == .normal)
    #expect(reader.closeReason.string == "tschüß")
    #expect(closer.closeCodeReceived == .normal && closer.ourCloseCode == .normal)
    #expect(closer.closeReason.isEmpty)
    #expect(try reader.message() == nil && closer.message() == nil)
  }

  @Test(arguments: [false, true]) func bothCloseAtOnce(tcp: Bool) throws {
    for _ in 0..<20 {
      let (client, server) = try makeConns(tcp: tcp)
      let other = Background { try server.close(1000) }
      let taken = try milliseconds { try client.close(1001) }
      try other.value()
      #expect(taken < 1000)
      #expect([1000, 1001].contains(client.closeCodeReceived?.rawValue))
    }
  }

  @Test func aCloseFrameThatCouldNotLeaveIsNone() throws {
    let (conn, peer) = try makeConn(.server)
    peer.drop()
    #expect(fault(try conn.begin(1000)) == .lost(EPIPE))
    #expect(conn.ourCloseCode == nil)
  }

  /// The reader never waits, so it must not put off what waits to leave until it does.
  @Test func aKeptCloseFrameLeavesWhileThePeerSendsOn() throws {
    let (conn, peer, transport) = try makeHookedConn(.client)
    transport.room.withLock { $0 = 0 }
    try conn.begin(1000)
    for _ in 0..<30 { try peer.send(2, [UInt8](repeating: 1, count: 3000)) }
    #expect(try conn.message() != nil)
    #expect(conn.ourCloseCode == nil)
    transport.room.withLock { $0 = Int.max }
    for _ in 0..<15 { #expect(try conn.message() != nil) }
    #expect(!peer.isSilent(for: 0))
    #expect(conn.ourCloseCode == .normal)
  }

  @Test func repeatedClosesAreHarmless() throws {
    let (conn, peer) = try makeConn(.server)
    try peer.send(close: 1000)
    peer.finishSending()
    for _ in 0..<3 { try conn.close(1000) }
    #expect(conn.ourCloseCode == .normal)
    #expect(try peer.frame().closeCode == 1000)
    #expect(try peer.isAtEnd())
  }

  @Test func manyThreadsClose() throws {
    let (conn, peer) = try makeConn(.client)
    let closers = (0..<6).map { index in Background { fault(try conn.close(UInt16(3000 + index))) } }
    let code = try peer.frame().closeCode
    try peer.send(close: code)
    peer.drop()
    for closer in closers { #expect(try closer.value() == nil) }
    #expect(conn.ourCloseCode?.rawValue == UInt16(code))
  }

  @Test func messagesThatNobodyReadsAreDropped() throws {
    let (conn, peer) = try makeConn(.client)
    for _ in 0..<100 { try peer.send(2, [UInt8](repeating: 1, count: 500)) }
    try peer.send(9, [4])
    let closer = Background { try conn.close(1000) }
    #expect(try peer.frame().closeCode == 1000)
    try peer.send(text: "more")
    try peer.send(close: 1000)
    peer.finishSending()
    try closer.value()
    #expect(try peer.isAtEnd())
    #expect(try conn.message() == nil)
  }

  /// decisions.md 11: a concurrent reader has the remaining messages first.
  @Test func aReaderGetsTheRemainingMessages() throws {
    let (conn, peer) = try makeConn(.client)
    let reader = Background {
      var count = 0
      while try conn.message() != nil { count += 1 }
      return count
    }
    #expect(!reader.isDone(after: 30))
    let closer = Background { try conn.close(1000) }
    #expect(try peer.frame().closeCode == 1000)
    for _ in 0..<200 { try peer.send(text: "late") }
    try peer.send(close: 1000)
    peer.finishSending()
    #expect(try reader.value() == 200)
    try closer.value()
  }

  @Test func aReaderBetweenTwoReadsIsWaitedFor() throws {
    let (conn, peer) = try makeConn(.server)
    try peer.send(text: "one")
    let reader = Background {
      let first = try conn.text()
      sleep(milliseconds: 100)
      return [first, try conn.text(), try conn.text()]
    }
    sleep(milliseconds: 50)
    let closer = Background { try conn.close(1000) }
    #expect(try peer.frame().closeCode == 1000)
    try peer.send(text: "two")
    try peer.send(close: 1000)
    peer.finishSending()
    #expect(try reader.value() == ["one", "two", nil])
    try closer.value()
  }

  @Test func dataBehindTheCloseFrameIsIgnored() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(peer.frame(8, [0x03, 0xE9]).bytes + peer.frame(1, [0x61]).bytes + [0x83, 0x00])
    #expect(try conn.message() == nil)
    try peer.send([0xFF, 0xFF, 0xFF])
    peer.finishSending()
    #expect(try conn.message() == nil)
    #expect(conn.closeCodeReceived == .goingAway)
    try conn.close()
    #expect(try peer.frame().closeCode == 1001)
    #expect(try peer.isAtEnd())
  }

  @Test(arguments: [1002, 1003, 1011, 1014, 3000, 4999]) func otherCodesAreAnError(code: Int) throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(close: code, "why")
    let closed = WSError.closed(CloseCode(rawValue: UInt16(code)))
    #expect(conn.failureOfRead() == closed)
    #expect(conn.failureOfRead() == closed)
    #expect(conn.closeReason.string == "why")
    #expect(try peer.frame().closeCode == code)
    peer.drop()
    try conn.close()
  }

  /// The reference's TestCloseError and TestUnexpectedCloseErrors; 0 stands for a stream that ends without a close frame.
  @Test(arguments: [(1000, 1000), (1001, 1001), (1005, 1005), (1011, 1011), (0, 1006)]) func endsAreTold(
    sent: Int, told: UInt16
  ) throws {
    let (conn, peer) = try makeConn(.server)
    #expect(conn.endCode == nil && !conn.isClosed(with: [.normal]) && !conn.isClosedUnexpectedly(expected: []))
    if sent > 0 { try peer.send(close: sent) } else { peer.finishSending() }
    _ = conn.failureOfRead()
    let code = CloseCode(rawValue: told)
    let other = CloseCode(rawValue: 4999)
    #expect(conn.endCode == code)
    #expect(conn.isClosed(with: [other, code]) && !conn.isClosed(with: [other]) && !conn.isClosed(with: []))
    #expect(!conn.isClosedUnexpectedly(expected: [other, code]) && conn.isClosedUnexpectedly(expected: [other]))
  }

  @Test func aViolationIsNoClose() throws {
    let (conn, peer) = try makeConn(.server)
    try peer.send(3)
    #expect(conn.failureOfRead() == .violation(.unknownOpcode(3)))
    #expect(conn.endCode == nil && !conn.isClosedUnexpectedly(expected: []))
  }

  @Test func aCloseWithoutCodeIsOrdinaryAndAnsweredWithout() throws {
    let (conn, peer) = try makeConn(.server)
    try peer.send(close: 1005)
    #expect(try conn.message() == nil)
    #expect(conn.closeCodeReceived == .noStatus && conn.ourCloseCode == .noStatus)
    #expect(try peer.frame().payload.isEmpty)
    #expect(try peer.isAtEnd())
  }

  @Test func whatMustNotBeSentIsRefused() throws {
    let (conn, peer) = try makeConn(.client)
    for code: UInt16 in [0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65535] {
      #expect(fault(try conn.close(code)) == .send(.badCloseCode))
      #expect(fault(try conn.begin(code)) == .send(.badCloseCode))
    }
    #expect(fault(try conn.close(1005, "reason")) == .send(.badCloseCode))
    #expect(fault(try conn.close(1000, String(repeating: "x", count: 124))) == .send(.controlTooLong))
    let bad = fault(try lending([0xC3]) { try conn.close(.normal, reason: $0) })
    #expect(bad == .send(.badCloseReason))
    #expect(peer.isSilent())
    try conn.begin(1000, String(repeating: "x", count: 123))
    #expect(try peer.frame().payload.count == 125)
  }

  /// RFC 6455 7.1.1: the server ends the stream first, the client waits for that.
  @Test func theServerEndsTheStreamFirst() throws {
    let (server, peer) = try makeConn(.server)
    try peer.send(close: 1000)
    #expect(try server.message() == nil)
    #expect(try peer.frame().closeCode == 1000)
    #expect(try peer.isAtEnd())
  }

  @Test func theClientWaitsForTheEndOfTheStream() throws {
    let (client, peer) = try makeConn(.client)
    let closer = Background { try client.close(1000) }
    #expect(try peer.frame().closeCode == 1000)
    try peer.send(close: 1000)
    #expect(!closer.isDone(after: 100))
    #expect(peer.isSilent())
    peer.finishSending()
    try closer.value(within: 1)
    #expect(try peer.isAtEnd())
  }

  @Test func theWaitForTheEndOfTheStreamIsShort() throws {
    let (client, peer) = try makeConn(.client)
    try peer.send(close: 1000)
    let taken = try milliseconds { try client.close(1000, within: 200) }
    #expect(taken >= 190 && taken < 1500)
    #expect(try peer.frame().closeCode == 1000)
    #expect(try peer.isAtEnd())
  }

  @Test func aFloodDoesNotHoldIt() throws {
    let (conn, peer) = try makeConn(.client)
    let flood = Flood(peer, peer.frame(2, [1]).bytes)
    let closer = Background { milliseconds { #expect(fault(try conn.close(1000, within: 200)) == .timeout) } }
    let isInTime = closer.isDone(after: 1500)
    flood.stop()
    conn.abort()
    #expect(isInTime)
    try flood.wait()
  }

  @Test func aServerEndsTheStreamBehindALateEcho() throws {
    let (conn, peer, filling) = try makeBlockedConn(.server)
    let writer = Background { try conn.send("last") }
    #expect(!writer.isDone(after: 20))
    try peer.send(close: 1000)
    #expect(try conn.message() == nil)
    _ = try peer.receive(filling)
    #expect(try peer.frame().text == "last")
    #expect(try peer.frame().closeCode == 1000)
    try writer.value()
    let end = Background { try peer.isAtEnd() }
    #expect(end.isDone(after: 1000))
    conn.abort()
  }

  @Test func aBlockedOutputIsFlushed() throws {
    let (conn, peer, filling) = try makeBlockedConn(.client)
    try conn.begin(4001, "kept")
    let closer = Background { try conn.close(1000) }
    #expect(!closer.isDone(after: 30))
    _ = try peer.receive(filling)
    #expect(try peer.frame().closeCode == 4001)
    try peer.send(close: 4001)
    peer.finishSending()
    try closer.value()
  }
}

@Suite struct ConnCloseTroubleTests {
  @Test(arguments: [Role.client, .server]) func aPeerThatDoesNotAnswerIsDroppedInTime(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    let taken = milliseconds { #expect(fault(try conn.close(1000, within: 100)) == .timeout) }
    #expect(taken >= 99 && taken < 1000)
    #expect(try peer.frame().closeCode == 1000)
    #expect(try peer.isAtEnd())
    #expect(conn.failureOfRead() == .aborted)
    #expect(fault(try conn.send("x")) == .send(.closeSent))
  }

  @Test func theCloseTimeoutIsTheDefault() throws {
    let (conn, peer) = try makeConn(.client)
    conn.setCloseTimeout(milliseconds: 50)
    let taken = milliseconds { #expect(fault(try conn.close(1000)) == .timeout) }
    #expect(taken >= 49 && taken < 1000)
    withExtendedLifetime(peer) {}
  }

  @Test func aPeerThatDropsIsLost() throws {
    let (conn, peer) = try makeConn(.client)
    let closer = Background { fault(try conn.close(1000)) }
    #expect(try peer.frame().closeCode == 1000)
    peer.drop()
    #expect(try closer.value() == .lost(0))
    #expect(fault(try conn.close(1000)) == .lost(0))
  }

  @Test func aReaderThatStaysIsEndedAtTheDeadline() throws {
    let (conn, peer) = try makeConn(.server)
    let reader = Background { conn.failureOfRead() }
    #expect(!reader.isDone(after: 30))
    let taken = milliseconds { #expect(fault(try conn.close(1000, within: 150)) == .timeout) }
    #expect(taken < 1000)
    #expect(try reader.value(within: 2) == .aborted)
    withExtendedLifetime(peer) {}
  }

  @Test func fromAHandlerItOnlySends() throws {
    let (conn, peer) = try makeConn(.client)
    let seen = Seen()
    conn.setPingHandler { _ in seen.add(conn.failureOfClose(3000, "enough")) }
    try peer.send(9)
    try peer.send(text: "after")
    #expect(try conn.text() == "after")
    #expect(seen.all == [""])
    let close = try peer.frame()
    #expect(close.closeCode == 3000 && close.closeReason == "enough")
    try peer.send(close: 3000)
    #expect(conn.failureOfRead() == .closed(CloseCode(rawValue: 3000)))
    conn.setPingHandler(nil)
  }

  @Test func handlersRunWhileClosing() throws {
    let (conn, peer) = try makeConn(.client)
    let seen = Seen()
    conn.setPongHandler { seen.add($0.string) }
    conn.setCloseHandler { code, reason in seen.add("\(code.rawValue) \(reason.string)") }
    try peer.send(10, [0x70])
    try peer.send(close: 1001, "off")
    peer.finishSending()
    try conn.close(1000)
    #expect(seen.all == ["p", "1001 off"])
  }

  @Test func abortEndsItAtOnce() throws {
    let latency = try quickest {
      let (conn, peer) = try makeConn(.client)
      let closer = Background { (fault(try conn.close(1000)), Deadline.now.nanoseconds) }
      _ = try peer.frame()
      let second = Background { fault(try conn.close(1000)) }
      sleep(milliseconds: 20)
      let start = Deadline.now.nanoseconds
      conn.abort()
      let (error, end) = try closer.value()
      #expect(error == .aborted)
      #expect(try second.value(within: 2) == .aborted)
      return (end - start) / 1_000_000
    }
    #expect(latency < 50)
  }

  @Test func aBlockedOutputThatStaysEndsInTime() throws {
    let (conn, peer, _) = try makeBlockedConn(.server)
    let writer = Background { fault(try conn.send("x")) }
    #expect(!writer.isDone(after: 20))
    let taken = milliseconds { #expect(fault(try conn.close(1000, within: 100)) == .timeout) }
    #expect(taken < 1000)
    #expect(try writer.value(within: 2) == .aborted)
    withExtendedLifetime(peer) {}
  }

  @Test func waitingForThePeerDoesNotSpin() throws {
    let (conn, peer) = try makeConn(.server)
    let used = try Background {
      let before = processorTime()
      _ = fault(try conn.close(1000, within: 1000))
      return processorTime() - before
    }.value()
    #expect(used < 50)
    withExtendedLifetime(peer) {}
  }

  /// The last message must arrive although the peer sent what was never read.
  @Test func unreadDataDoesNotResetTheLastMessageAway() throws {
    let (near, far) = try tcpPair()
    let peer = RawPeer(far, masks: false)
    let conn = try makeConn(.client, over: near)
    for _ in 0..<50 { try peer.send(2, [UInt8](repeating: 1, count: 3000)) }
    try conn.send([UInt8](repeating: 2, count: 100_000))
    let closer = Background { try conn.close(1000) }
    sleep(milliseconds: 30)
    try peer.send(close: 1000)
    peer.finishSending()
    try closer.value()
    #expect(try peer.frame().payload.count == 100_000)
    #expect(try peer.frame().closeCode == 1000)
  }
}
