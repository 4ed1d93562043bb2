// The background service: what it does while nobody reads, where it stops, and that a connection may be dropped under it.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ConnBackgroundTests {
  private func makeServed(_ role: Role) throws -> (Conn, RawPeer) {
    let (conn, peer) = try makeConn(role)
    try conn.setBackground(true)
    return (conn, peer)
  }

  @Test(arguments: [Role.client, .server]) func pingsAreAnswered(role: Role) throws {
    let (conn, peer) = try makeServed(role)
    for number: UInt8 in 0..<20 {
      try peer.send(9, [number])
      #expect(try peer.frame().payload == [number])
    }
    try peer.send(text: "m")
    #expect(try conn.text() == "m")
    try peer.send(9, [99])
    #expect(try peer.frame().payload == [99])
  }

  @Test func dataWaitsForAReader() throws {
    let (conn, peer) = try makeServed(.server)
    try peer.send(9, [1])
    try peer.send(text: "data")
    try peer.send(9, [2])
    #expect(try peer.frame().payload == [1])
    #expect(peer.isSilent(for: 150))
    #expect(try conn.text() == "data")
    #expect(try peer.frame().payload == [2])
  }

  /// A reader comes when the service has found nothing and before it sleeps again. The ping that it receives beside its message lies
  /// in our memory, of which the descriptor says nothing: so the reader must call.
  @Test func whatAReaderLeavesBehindIsSeen() throws {
    let (conn, peer) = try makeConn(.server)
    let seat = CountingSeat(descriptor: conn.transport.pollDescriptor)
    conn.stateLock.withLock { conn.background.seat = seat }
    #expect(conn.lookFromBackground().readiness == .read)
    try peer.send(text: "m")
    try peer.send(9, [1])
    #expect(try conn.text() == "m")
    #expect(seat.calls.withLock { $0 } == 1)
    sleep(milliseconds: 120)
    #expect(conn.lookFromBackground().readiness == .read)
    #expect(try peer.frame().payload == [1])
    #expect(seat.calls.withLock { $0 } == 1)
  }

  /// It makes way for a reader that has not come yet, and looks again by itself: that one's time may be up before.
  @Test func whoOnlyWantsToReadNeedNotCall() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(9, [1])
    conn.stateLock.withLock { conn.reading.wanted = 1 }
    let wish = conn.lookFromBackground()
    #expect(wish.readiness.isEmpty && wish.deadline != .never)
    #expect(peer.isSilent(for: 1))
    conn.stateLock.withLock { conn.reading.wanted = 0 }
    #expect(conn.lookFromBackground().readiness == .read)
    #expect(try peer.frame().payload == [1])
  }

  @Test func theEndIsSeen() throws {
    let (conn, peer) = try makeServed(.client)
    try peer.send(close: 4002, "why")
    #expect(try peer.frame().closeCode == 4002)
    #expect(conn.closeReason.string == "why")
    #expect(conn.failureOfSend("x") == .send(.closeSent))
    #expect(conn.failureOfRead() == .closed(CloseCode(rawValue: 4002)))
  }

  @Test func handlersAreLeftToReaders() throws {
    let (conn, peer) = try makeServed(.client)
    let heard = Guarded<[String]>([])
    conn.setPingHandler { payload in
      heard.withLock { $0.append(payload.string) }
      return true
    }
    try peer.send(9, Array("one".utf8))
    try peer.send(9, Array("two".utf8))
    sleep(milliseconds: 50)
    #expect(heard.withLock { $0.isEmpty })
    try peer.send(text: "m")
    #expect(try conn.text() == "m")
    #expect(heard.withLock { $0 } == ["one", "two"])
  }

  @Test func aSilentPeerIsGivenUp() throws {
    let (conn, peer) = try makeServed(.server)
    try conn.setKeepalive(intervalMilliseconds: 20, timeoutMilliseconds: 30)
    #expect(try peer.frame().opcode == 9)
    #expect(try peer.frame().closeCode == 1011)
    #expect(try peer.isAtEnd())
    #expect(conn.failureOfRead() == .silent(30_000_000))
  }

  /// An idle connection holds no buffer, and one with unread data one.
  @Test func littleMemoryIsHeld() throws {
    let (conn, peer) = try makeServed(.server)
    try peer.send(9, [1])
    #expect(try peer.frame().payload == [1])
    for _ in 0..<500 where conn.receiver.memoryHeld != 0 { sleep(milliseconds: 10) }
    #expect(conn.receiver.memoryHeld == 0)
    let flood = Background { try peer.send(2, [UInt8](repeating: 7, count: 5_000_000)) }
    #expect(!flood.isDone(after: 100))
    #expect(conn.receiver.memoryHeld <= 1 << 17)
    #expect(try conn.message()?.count == 5_000_000)
    try flood.value()
  }

  /// Nobody says a word: the last reference goes while the service is at work.
  @Test func aConnectionMayBeDropped() throws {
    for round in 0..<200 {
      var conn: Conn?
      let peer: RawPeer
      (conn, peer) = try makeServed(round % 2 == 0 ? .client : .server)
      let pinging = Background { try? { while true { try peer.send(9, [1, 2, 3]) } }() }
      if round % 3 == 0 { usleep(UInt32.random(in: 0..<1000)) }
      #expect(conn != nil)
      weak var gone = conn
      conn = nil
      _ = try pinging.value()
      for _ in 0..<1000 where gone != nil { usleep(100) }
      #expect(gone == nil)
    }
  }

  /// What the kernel was asked to tell before it was switched off is forgotten.
  @Test func itHearsAgainWhenItIsSwitchedOnAgain() throws {
    let (conn, peer) = try makeServed(.server)
    for number: UInt8 in 0..<3 {
      sleep(milliseconds: 50)
      try peer.send(9, [number])
      #expect(!peer.isSilent(for: 5000))
      #expect(try peer.frame().payload == [number])
      sleep(milliseconds: 50)
      try conn.setBackground(false)
      try conn.setBackground(true)
    }
  }

  @Test func itIsSwitchedOnAndOff() throws {
    let (conn, peer) = try makeServed(.client)
    try onThreads(4) { _ in
      for round in 0..<50 { try conn.setBackground(round % 2 == 0) }
    }
    try conn.setBackground(false)
    try peer.send(9)
    #expect(peer.isSilent(for: 50))
    try conn.setBackground(true)
    #expect(try peer.frame().opcode == 10)
    conn.abort()
    try conn.setBackground(true)
  }
}

/// Hears how often the service is called.
private final class CountingSeat: ServiceSeat, @unchecked Sendable {
  let calls = Guarded(0)

  override func look(at time: Deadline) { calls.withLock { $0 += 1 } }
}
