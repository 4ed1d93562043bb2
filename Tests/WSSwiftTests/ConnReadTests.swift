// Reading: what arrives, in which order, until when, and who may ask for it.
import Foundation
import Synchronization
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ConnReadTests {
  @Test(arguments: [Role.client, .server]) func readsMessagesInOrder(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    try peer.send(text: "one")
    try peer.send(2, [0, 255])
    try peer.send(1, [], isFinal: true)
    let first = try #require(try conn.read())
    #expect(first.kind == .text && first.bytes.string == "one")
    let second = try #require(try conn.read())
    #expect(second.kind == .binary && second.bytes.array == [0, 255])
    #expect(try conn.text() == "")
  }

  /// decisions.md 7: the receiver's state is whole after every byte.
  @Test(arguments: [Role.client, .server]) func goesOnAfterATimeoutAtEveryByte(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    conn.setReadDeadline(past)
    let long = [UInt8](repeating: 0x41, count: 130)
    let wire =
      peer.frame(1, Array("häl".utf8), isFinal: false).bytes + peer.frame(9, [7]).bytes + peer.frame(0, Array("lo".utf8)).bytes
    try expectOnlyAtLastByte(wire, Array("hällo".utf8), conn, peer)
    try expectOnlyAtLastByte(peer.frame(2, long).bytes, long, conn, peer)
    let pong = try peer.frame()
    #expect(pong.opcode == 10 && pong.payload == [7])
  }

  private func expectOnlyAtLastByte(_ wire: [UInt8], _ message: [UInt8], _ conn: Conn, _ peer: RawPeer) throws {
    for byte in wire {
      #expect(fault(try conn.message()) == .timeout)
      try peer.send([byte])
    }
    #expect(try conn.message() == message)
  }

  @Test func aTimeoutComesInTimeAndIsNoFailure() throws {
    let (conn, peer) = try makeConn(.server)
    conn.setReadTimeout(milliseconds: 30)
    let taken = milliseconds { #expect(fault(try conn.message()) == .timeout) }
    #expect(taken >= 29 && taken < 1000)
    #expect(conn.lastFailure(of: .read) == .timeout)
    try peer.send(text: "late")
    #expect(try conn.text() == "late")
  }

  @Test func bytesBehindTheHandshakeComeFirst() throws {
    let (ours, theirs) = try socketPair()
    let peer = RawPeer(theirs, masks: false)
    let early = peer.frame(1, [0x61]).bytes + peer.frame(1, [0x62]).bytes.prefix(1)
    let conn = try makeConn(.client, over: ours, alreadyRead: early)
    try peer.send([1, 0x62])
    #expect(try conn.text() == "a")
    #expect(try conn.text() == "b")
  }

  @Test func messagesBeforeTheEndOfTheStreamArrive() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(text: "last")
    try peer.send([0x81])
    peer.drop()
    #expect(try conn.text() == "last")
    #expect(fault(try conn.message()) == .lost(0))
    #expect(fault(try conn.message()) == .lost(0))
  }

  @Test func aResetConnectionIsLost() throws {
    let (near, far) = try tcpPair()
    let conn = try makeConn(.client, over: near)
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(far, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    close(far)
    #expect(fault(try conn.message()) == .lost(ECONNRESET))
    #expect(conn.closeCodeReceived == nil)
  }

  @Test func aSignalEndsAReadWhereAskedFor() throws {
    signal(SIGUSR1) { _ in }
    let (conn, peer) = try makeConn(.client)
    conn.setInterruptible(true)
    let reader = Background {
      var none = sigset_t()
      pthread_sigmask(SIG_SETMASK, &none, nil)
      return fault(try conn.message())
    }
    while !reader.isDone(after: 10) { pthread_kill(reader.thread, SIGUSR1) }
    #expect(try reader.value() == .interrupted)
    try peer.send(text: "on")
    #expect(try conn.text() == "on")
  }

  @Test func aBlockedReadDoesNotSpin() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send([0x81, 5, 0x61])
    conn.setReadTimeout(milliseconds: 1000)
    let used = try Background {
      let before = processorTime()
      _ = fault(try conn.message())
      return processorTime() - before
    }.value()
    #expect(used < 50)
  }

  @Test func aMessageStaysBorrowedWhileAnotherThreadCloses() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(text: "mine")
    let message = try #require(try conn.read())
    let closer = Background { try conn.close(1000, within: 3000) }
    // Longer than `close` waits for a reader to come back.
    #expect(try peer.frame().closeCode == 1000)
    sleep(milliseconds: 1300)
    for _ in 0..<300 { try peer.send(2, [UInt8](repeating: 0xEE, count: 125)) }
    try peer.send(close: 1000)
    peer.finishSending()
    try closer.value()
    #expect(message.bytes.string == "mine")
  }

  @Test func pingsWithoutPauseDoNotHoldARead() throws {
    let (conn, peer) = try makeConn(.client)
    conn.setPingHandler { _ in true }
    let flood = Flood(peer, peer.frame(9).bytes)
    conn.setReadTimeout(milliseconds: 100)
    let reader = Background { milliseconds { #expect(fault(try conn.message()) == .timeout) } }
    let isInTime = reader.isDone(after: 1500)
    flood.stop()
    conn.abort()
    #expect(isInTime)
    try flood.wait()
  }

  @Test func aReadMeetsItsTimeoutWhileAnotherThreadCloses() throws {
    let (conn, peer) = try makeConn(.client)
    let closer = Background { fault(try conn.close(1000, within: 2000)) }
    #expect(try peer.frame().closeCode == 1000)
    sleep(milliseconds: 50)
    conn.setReadTimeout(milliseconds: 50)
    let taken = milliseconds { #expect(fault(try conn.message()) == .timeout) }
    #expect(taken < 1000)
    #expect(try closer.value() == .timeout)
  }
}

@Suite struct ConnReadSpaceTests {
  private func read(_ conn: Conn, room: Int) throws -> [UInt8]? {
    let space = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
    defer { space.deallocate() }
    return try conn.read(into: space).map { ByteView(space).cut(0, $0.size).array }
  }

  @Test func keepsAMessageThatDoesNotFit() throws {
    let (conn, peer) = try makeConn(.server)
    try peer.send(text: "hello")
    try peer.send(text: "next")
    for room in 0..<5 { #expect(fault(try read(conn, room: room)) == .noRoom(needed: 5)) }
    #expect(try read(conn, room: 5) == Array("hello".utf8))
    #expect(fault(try read(conn, room: 3)) == .noRoom(needed: 4))
    #expect(try conn.text() == "next")
  }

  @Test func anEmptyMessageTakesNoRoom() throws {
    let (conn, peer) = try makeConn(.server)
    try peer.send(2, [])
    #expect(try conn.read(into: UnsafeMutableRawBufferPointer(start: nil, count: 0))?.size == 0)
    try peer.send(close: 1000)
    #expect(try conn.read(into: UnsafeMutableRawBufferPointer(start: nil, count: 0)) == nil)
  }

  /// It is dropped, or still whole; never memory that was given back.
  @Test func aCloseLeavesNoDanglingMessage() throws {
    let (client, server) = try makeConns()
    let sent = [UInt8](repeating: 0x5A, count: 3 << 20)
    let writer = Background { try client.send(sent) }
    #expect(fault(try read(server, room: 1)) == .noRoom(needed: sent.count))
    try writer.value()
    let peer = Background { try client.message() }
    try server.close(1000)
    #expect(try peer.value() == nil)
    let after = try server.message()
    #expect(after == sent || after == nil)
  }
}

@Suite struct ConnReaderTests {
  @Test func oneThreadReadsAtATime() throws {
    let (conn, peer) = try makeConn(.client)
    let reader = Background { try conn.text() }
    #expect(!reader.isDone(after: 50))
    #expect(fault(try conn.message()) == .state)
    try peer.send(text: "mine")
    #expect(try reader.value() == "mine")
    try peer.send(text: "again")
    #expect(try conn.text() == "again")
  }

  @Test func handlersMustNotRead() throws {
    let (conn, peer) = try makeConn(.client)
    let seen = Seen()
    conn.setPingHandler { _ in seen.add(conn.failureOfRead()) }
    conn.setPongHandler { _ in seen.add(conn.failureOfRead()) }
    conn.setCloseHandler { _, _ in seen.add(conn.failureOfRead()) }
    try peer.send(9)
    try peer.send(10)
    try peer.send(close: 1000)
    #expect(try conn.message() == nil)
    #expect(seen.all == Array(repeating: WSError.state.description, count: 3))
    conn.setCloseHandler(nil)
    conn.setPingHandler(nil)
    conn.setPongHandler(nil)
  }
}

/// Sends the same bytes again and again from a thread of its own, until it is told to stop or the connection ends.
final class Flood: Sendable {
  private let isStopped = Atomic<Bool>(false)
  private let thread: Guarded<Background<Void>?> = Guarded(nil)

  init(_ peer: RawPeer, _ bytes: [UInt8]) {
    let block = Array(repeatElement(bytes, count: 32768 / bytes.count).joined())
    thread.withLock { thread in
      thread = Background { [self] in
        while !isStopped.load(ordering: .relaxed) { do { try peer.send(block) } catch { return } }
      }
    }
  }

  func stop() { isStopped.store(true, ordering: .relaxed) }
  func wait() throws { try thread.withLock { $0 }?.value() }
}

/// What handlers saw, from any thread.
final class Seen: Sendable {
  private let lines = Guarded<[String]>([])

  var all: [String] { lines.withLock { $0 } }

  /// Notes it, and is what a handler returns that agrees.
  @discardableResult func add(_ line: String) -> Bool {
    lines.withLock { $0.append(line) }
    return true
  }

  @discardableResult func add(_ error: WSError?) -> Bool { add(error?.description ?? "") }
}
