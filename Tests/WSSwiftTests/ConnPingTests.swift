// A ping that waits for its pong, whoever reads meanwhile.
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ConnPingTests {
  /// Answers so many pings, each after a while.
  private func answer(_ peer: RawPeer, _ count: Int, after milliseconds: UInt32 = 0) -> Background<Void> {
    Background {
      for _ in 0..<count {
        let frame = try peer.frame()
        sleep(milliseconds: milliseconds)
        try peer.send(10, frame.payload)
      }
    }
  }

  @Test(arguments: [Role.client, .server]) func itReadsWhereNobodyDoes(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    let answering = answer(peer, 1, after: 20)
    let span = try #require(try conn.ping())
    #expect(span >= 20_000_000 && conn.statistics.roundTrip == span)
    try answering.value()
  }

  @Test func itWaitsWhereSomebodyReads() throws {
    let (conn, peer) = try makeConn(.server)
    let reader = Background { try conn.text() }
    #expect(!reader.isDone(after: 30))
    let answering = answer(peer, 3)
    for _ in 0..<3 { #expect(try conn.ping() != nil) }
    try answering.value()
    try peer.send(text: "for the reader")
    #expect(try reader.value() == "for the reader")
  }

  /// A reader has asked it to make way, and its time is up when it may come: then nobody but the ping is there to read.
  @Test func aReaderThatGivesUpLetsItGoOn() throws {
    let (conn, peer) = try makeConn(.client)
    conn.setReadTimeout(milliseconds: 300)
    conn.stateLock.withLock { conn.reading.owner = .pinger }
    let reader = Background { conn.failureOfRead() }
    while conn.stateLock.withLock({ conn.reading.wanted == 0 }) { sleep(milliseconds: 1) }
    conn.stateLock.withLock { conn.reading.owner = .nobody }
    let answering = answer(peer, 1)
    let pinging = Background { try conn.ping(deadline: .after(milliseconds: 5000)) }
    #expect(try reader.value() == .timeout)
    #expect(try pinging.value() != nil)
    try answering.value()
  }

  @Test func messagesAreKeptInOrder() throws {
    let (conn, peer) = try makeConn(.client)
    let answering = Background {
      let frame = try peer.frame()
      for number in 0..<100 { try peer.send(text: "message \(number)") }
      try peer.send(1, Array("in ".utf8), isFinal: false)
      try peer.send(10, frame.payload)
      try peer.send(0, Array("pieces".utf8))
    }
    #expect(try conn.ping() != nil)
    try answering.value()
    for number in 0..<100 { #expect(try conn.text() == "message \(number)") }
    #expect(try conn.text() == "in pieces")
  }

  /// A message that is read in parts is a reader's alone: the ping waits for one.
  @Test func aMessageInPartsIsLeftToItsReader() throws {
    let (conn, peer) = try makeConn(.server)
    try peer.send(2, [1, 2], isFinal: false)
    let reader = try #require(try conn.nextReader())
    #expect(try reader.next()?.array == [1, 2])
    let pinging = Background { try conn.ping() }
    let frame = try peer.frame()
    try peer.send(0, [3], isFinal: false)
    try peer.send(10, frame.payload)
    #expect(!pinging.isDone(after: 50))
    #expect(try reader.next()?.array == [3])
    try peer.send(0, [4])
    #expect(try reader.next()?.array == [4])
    #expect(try pinging.value() != nil)
    #expect(try reader.next() == nil)
  }

  @Test func aReaderTakesOver() throws {
    let (conn, peer) = try makeConn(.client)
    let pinging = Background { try conn.ping() }
    let frame = try peer.frame()
    let reader = Background { try conn.text() }
    #expect(!reader.isDone(after: 30))
    try peer.send(text: "quickly")
    #expect(try reader.value() == "quickly")
    #expect(!pinging.isDone(after: 30))
    try peer.send(10, frame.payload)
    #expect(try pinging.value() != nil)
  }

  @Test func theEndIsNoPong() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(close: 1000)
    #expect(try conn.ping() == nil)
    let (other, lost) = try makeConn(.server)
    lost.finishSending()
    #expect(fault(try other.ping()) == .lost(0))
  }

  @Test func itsTimeIsTold() throws {
    let (conn, peer) = try makeConn(.client)
    #expect(fault(try conn.ping(deadline: .after(milliseconds: 20))) == .timeout)
    #expect(conn.timeLimit(of: .read)?.step == .pinging)
    #expect(fault(try conn.ping(deadline: past)) == .timeout)
    peer.drop()
  }

  private func failureOfPing(_ conn: Conn) -> WSError? { fault(try conn.ping()) }

  @Test func fromAHandlerItIsRefused() throws {
    let (conn, peer) = try makeConn(.client)
    let seen = Guarded<WSError?>(nil)
    conn.setPingHandler { [self] _ in
      seen.withLock { $0 = failureOfPing(conn) }
      return true
    }
    try peer.send(9)
    try peer.send(text: "m")
    #expect(try conn.text() == "m")
    #expect(seen.withLock { $0 } == .state)
  }
}
