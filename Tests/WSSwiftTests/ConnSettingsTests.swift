// What a program sets on a connection: handlers, limits and checks, also while another thread is inside a read.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ConnHandlerTests {
  @Test func ownHandlersReplaceTheAnswers() throws {
    let (conn, peer) = try makeConn(.client)
    let seen = Seen()
    conn.setPingHandler { seen.add("ping \($0.string)") }
    conn.setPongHandler { seen.add("pong \($0.string)") }
    conn.setCloseHandler { code, reason in seen.add("close \(code.rawValue) \(reason.string)") }
    try peer.send(9, [0x61])
    try peer.send(10, [0x62])
    try peer.send(close: 3001, "c")
    #expect(conn.failureOfRead() == .closed(CloseCode(rawValue: 3001)))
    #expect(seen.all == ["ping a", "pong b", "close 3001 c"])
    #expect(peer.isSilent())
    #expect(conn.ourCloseCode == nil)
    peer.drop()
    try conn.close()
  }

  /// What a close handler does not send, `close` does.
  @Test func closeSendsWhatTheHandlerDidNot() throws {
    let (conn, peer) = try makeConn(.server)
    conn.setCloseHandler { _, _ in true }
    try peer.send(close: 1000)
    #expect(try conn.message() == nil)
    #expect(peer.isSilent())
    let closer = Background { try conn.close(4000) }
    #expect(try peer.frame().closeCode == 4000)
    #expect(try peer.isAtEnd())
    peer.drop()
    try closer.value()
  }

  @Test func nilIsTheDefaultAgain() throws {
    let (conn, peer) = try makeConn(.server)
    conn.setPingHandler { _ in true }
    conn.setPongHandler { _ in false }
    conn.setCloseHandler { _, _ in false }
    conn.setPingHandler(nil)
    conn.setPongHandler(nil)
    conn.setCloseHandler(nil)
    try peer.send(9, [1])
    try peer.send(10, [2])
    try peer.send(close: 1001)
    #expect(try conn.message() == nil)
    #expect(try peer.frame() == Frame(opcode: 10, payload: [1]))
    #expect(try peer.frame().closeCode == 1001)
  }

  @Test(arguments: [9, 10, 8] as [UInt8]) func aHandlerThatRefusesEndsReadingForEver(opcode: UInt8) throws {
    let (conn, peer) = try makeConn(.client)
    conn.setPingHandler { _ in false }
    conn.setPongHandler { _ in false }
    conn.setCloseHandler { _, _ in false }
    try peer.send(opcode)
    try peer.send(text: "behind")
    #expect(conn.failureOfRead() == .refusedByHandler)
    #expect(conn.failureOfRead() == .refusedByHandler)
    try conn.send("writing goes on")
    #expect(try peer.frame().text == "writing goes on")
    peer.drop()
    #expect(fault(try conn.close()) == .refusedByHandler)
  }

  @Test func aHandlerMayReplaceItselfWhileItRuns() throws {
    let (conn, peer) = try makeConn(.client)
    let seen = Seen()
    let token = Token(seen)
    conn.setPingHandler { [unowned conn] payload in
      conn.setPingHandler { seen.add("second \($0.string)") }
      withExtendedLifetime(token) {}
      return seen.add("first \(payload.string)")
    }
    try peer.send(9, [0x61])
    try peer.send(9, [0x62])
    try peer.send(text: "")
    #expect(try conn.text() == "")
    #expect(seen.all == ["first a", "second b"])
  }

  @Test func aReplacedHandlerIsReleased() throws {
    let (conn, peer) = try makeConn(.client)
    let seen = Seen()
    setHandler(of: conn, Token(seen))
    #expect(seen.all.isEmpty)
    conn.setPingHandler(nil)
    #expect(seen.all == ["released"])
    withExtendedLifetime(peer) {}
  }

  private func setHandler(of conn: Conn, _ token: Token) { conn.setPingHandler { _ in token.isAlive } }

  @Test func theConnectionReleasesItsHandlers() throws {
    let seen = Seen()
    do {
      let (conn, _) = try makeConn(.client)
      setHandler(of: conn, Token(seen))
    }
    #expect(seen.all == ["released"])
  }

  @Test func handlersMaySetAndSendAnything() throws {
    let (conn, peer) = try makeConn(.server)
    conn.setPingHandler { [unowned conn] payload in
      conn.setReadLimit(3)
      conn.setReadTimeout(milliseconds: 5000)
      conn.setChecksUTF8(received: false, sent: true)
      conn.setPongHandler { _ in true }
      conn.setWriteTimeout(milliseconds: 5000)
      let sent: Void? = try? conn.writeControl(.pong, payload)
      return sent != nil && conn.failureOfSend("hi") == nil
    }
    try peer.send(9, [1])
    try peer.send(text: "four")
    #expect(conn.failureOfRead() == .violation(.messageTooBig(limit: 3)))
    #expect(try peer.frame() == Frame(opcode: 10, payload: [1]))
    #expect(try peer.frame().text == "hi")
  }

  @Test func handlersAreSetFromOtherThreads() throws {
    let (conn, peer) = try makeConn(.client)
    let reader = Background { try conn.text() }
    #expect(!reader.isDone(after: 20))
    let seen = Seen()
    conn.setPongHandler { _ in seen.add("pong") }
    try peer.send(10)
    try peer.send(text: "end")
    #expect(try reader.value() == "end")
    #expect(seen.all == ["pong"])
  }
}

/// Says when it is released.
final class Token: Sendable {
  private let seen: Seen
  init(_ seen: Seen) { self.seen = seen }
  var isAlive: Bool { true }
  deinit { seen.add("released") }
}

@Suite struct ConnSettingsTests {
  @Test func theLimitChangesWhileRunning() throws {
    let (conn, peer) = try makeConn(.server)
    conn.setReadLimit(4)
    try peer.send(2, [1, 2, 3, 4])
    #expect(try conn.message()?.count == 4)
    conn.setReadLimit(0)
    try peer.send(2, [UInt8](repeating: 0, count: 100_000))
    #expect(try conn.message()?.count == 100_000)
    conn.setReadLimit(3)
    try peer.send(2, [1, 2], isFinal: false)
    try peer.send(0, [3, 4])
    #expect(conn.failureOfRead() == .violation(.messageTooBig(limit: 3)))
    #expect(try peer.frame().closeCode == 1009)
  }

  @Test func theLimitChangesUnderABlockedReader() throws {
    let (conn, peer) = try makeConn(.server)
    let reader = Background { conn.failureOfRead() }
    #expect(!reader.isDone(after: 20))
    conn.setReadLimit(1)
    // The reader looks at it before it looks at the next bytes.
    try peer.send(9)
    _ = try peer.frame()
    try peer.send(2, [1, 2])
    #expect(try reader.value() == .violation(.messageTooBig(limit: 1)))
  }

  @Test func receivedTextIsCheckedUnlessTold() throws {
    let (conn, peer) = try makeConn(.client)
    conn.setChecksUTF8(received: false, sent: false)
    try peer.send(1, [0xFF])
    #expect(try conn.message() == [0xFF])
    conn.setChecksUTF8(received: true, sent: false)
    try peer.send(2, [0xFF])
    #expect(try conn.message() == [0xFF])
    try peer.send(1, [0xFF])
    #expect(conn.failureOfRead() == .violation(.invalidUTF8))
  }

  @Test(arguments: [Role.client, .server]) func sentTextIsCheckedWhenTold(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    try conn.send([0xFF], .text)
    conn.setChecksUTF8(received: true, sent: true)
    #expect(fault(try conn.send([0xE2, 0x82], .text)) == .send(.invalidUTF8))
    try conn.send([0xFF], .binary)
    try conn.send("€")
    #expect(try peer.frame().payload == [0xFF])
    #expect(try peer.frame().opcode == 2)
    #expect(try peer.frame().text == "€")
  }

  @Test func deadlinesAndTimeoutsReplaceEachOther() throws {
    let (conn, peer) = try makeConn(.client)
    conn.setReadDeadline(past)
    #expect(conn.failureOfRead() == .timeout)
    conn.setReadTimeout(milliseconds: 40)
    #expect(milliseconds { _ = conn.failureOfRead() } >= 39)
    conn.setReadDeadline(.after(milliseconds: 60))
    let start = Deadline.now.nanoseconds
    for _ in 0..<3 { #expect(conn.failureOfRead() == .timeout) }
    #expect(Deadline.now.nanoseconds - start < 1_000_000_000)
    conn.setReadDeadline(nil)
    #expect(milliseconds { _ = conn.failureOfRead() } >= 39)
    withExtendedLifetime(peer) {}
  }

  @Test func aNegativeTimeoutWaitsForEver() throws {
    let (conn, peer) = try makeConn(.client)
    conn.setReadTimeout(milliseconds: -1)
    let reader = Background { try conn.text() }
    #expect(!reader.isDone(after: 60))
    try peer.send(text: "x")
    #expect(try reader.value() == "x")
  }

  @Test func failuresAreKeptForEachHalf() throws {
    let (conn, peer) = try makeConn(.server)
    #expect(conn.lastFailure(of: .read) == nil && conn.lastFailure(of: .write) == nil)
    peer.drop()
    _ = fault(try conn.send("x"))
    #expect(conn.lastFailure(of: .write) == .lost(EPIPE) && conn.lastFailure(of: .read) == nil)
    _ = conn.failureOfRead()
    #expect(conn.lastFailure(of: .read) == .lost(0))
  }
}
