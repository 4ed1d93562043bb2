// Automatic pings of a connection: when they leave, what counts as an answer, and the end of a silent peer.
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ConnKeepaliveTests {
  /// Reads until a ping has left: on a busy machine the time of one read may be over before.
  private func readUntilPinged(_ conn: Conn) {
    for _ in 0..<50 where conn.statistics.sent.pings == 0 { #expect(conn.failureOfRead() == .timeout) }
  }

  @Test(arguments: [Role.client, .server]) func aSilentPeerIsGivenUp(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    try conn.setKeepalive(intervalMilliseconds: 30, timeoutMilliseconds: 50)
    let took = milliseconds { #expect(conn.failureOfRead() == .silent(50_000_000)) }
    #expect(took >= 79)
    let ping = try peer.frame()
    #expect(ping.opcode == 9 && ping.payload.count == 8)
    let close = try peer.frame()
    #expect(close.closeCode == 1011 && close.closeReason == "the peer has not answered a ping")
    #expect(try peer.isAtEnd())
    #expect(conn.failureOfSend("x") == .silent(50_000_000))
    #expect(conn.failureOfClose(1000, "") == .silent(50_000_000))
    #expect(conn.lastFailure(of: .read) == .silent(50_000_000))
    #expect(conn.ourCloseCode == .internalError)
  }

  /// The writer that stood in the way when the connection was dropped hears of the silence too, though a close frame has been sent.
  @Test func silenceIsWhatWritersHear() throws {
    let (conn, peer) = try makeConn(.server)
    try conn.setKeepalive(intervalMilliseconds: 10, timeoutMilliseconds: 200)
    conn.setReadTimeout(milliseconds: 30)
    readUntilPinged(conn)
    #expect(try peer.frame().opcode == 9)
    try conn.begin(1000)
    #expect(conn.failureOfSend("x") == .send(.closeSent))
    conn.setReadTimeout(milliseconds: 0)
    #expect(conn.writeLock.tryLock())
    let reading = Background { conn.failureOfRead() }
    let failure = try reading.value()
    conn.writeLock.unlock()
    #expect(failure == .silent(200_000_000))
    for _ in 0..<2 { #expect(conn.failureOfSend("x") == .silent(200_000_000)) }
  }

  /// A writer that comes between the close frame that tells the peer and the end of the stream.
  @Test func silenceIsWhatWritersHearAtOnce() throws {
    let (conn, peer, transport) = try makeHookedConn(.server)
    try conn.setKeepalive(intervalMilliseconds: 10, timeoutMilliseconds: 30)
    let failure = Guarded<WSError?>(nil)
    transport.beforeAbort.withLock { $0 = { [unowned conn] in failure.withLock { $0 = conn.failureOfSend("x") } } }
    #expect(conn.failureOfRead() == .silent(30_000_000))
    #expect(failure.withLock { $0 } == .silent(30_000_000))
    #expect(conn.failureOfSend("x") == .silent(30_000_000))
    #expect(conn.ourCloseCode == .internalError)
    peer.drop()
  }

  @Test func answersKeepItGoing() throws {
    let (conn, peer) = try makeConn(.client)
    try conn.setKeepalive(intervalMilliseconds: 10, timeoutMilliseconds: 5000)
    let answering = Background {
      for _ in 0..<5 { try peer.send(10, try peer.frame().payload) }
      try peer.send(text: "done")
    }
    #expect(try conn.text() == "done")
    try answering.value()
    #expect(conn.statistics.received.pongs == 5)
    #expect(conn.statistics.roundTrip > 0 && conn.statistics.smallestRoundTrip <= conn.statistics.roundTrip)
  }

  /// What has arrived while nobody read is looked at first, also where the transport was known to be empty.
  @Test func lateAnswersCount() throws {
    let (conn, peer) = try makeConn(.server)
    try conn.setKeepalive(intervalMilliseconds: 10, timeoutMilliseconds: 60)
    conn.setReadTimeout(milliseconds: 30)
    readUntilPinged(conn)
    try peer.send(10, try peer.frame().payload)
    sleep(milliseconds: 150)
    #expect(conn.failureOfRead() == .timeout)
  }

  @Test func pingsOfOthersAreNotOurs() throws {
    let (conn, peer) = try makeConn(.server)
    let heard = Guarded<[String]>([])
    conn.setPongHandler { payload in
      heard.withLock { $0.append(payload.string) }
      return true
    }
    try conn.setKeepalive(intervalMilliseconds: 10, timeoutMilliseconds: 5000)
    let answering = Background {
      try peer.send(10, try peer.frame().payload)
      try peer.send(10, Array("foreign!".utf8))
      try peer.send(text: "done")
    }
    #expect(try conn.text() == "done")
    try answering.value()
    #expect(heard.withLock { $0 } == ["foreign!"])
  }

  @Test func aPollLoopIsToldWhen() throws {
    let (conn, peer) = try makeConn(.client)
    conn.setNonblocking(true)
    let start = Deadline.now.nanoseconds
    try conn.setKeepalive(intervalMilliseconds: 30, timeoutMilliseconds: 40)
    #expect(conn.interest().deadline.nanoseconds > start && conn.interest().deadline != .never)
    sleep(milliseconds: 40)
    #expect(conn.interest().deadline.isPast)
    try conn.service()
    #expect(try peer.frame().opcode == 9)
    sleep(milliseconds: 60)
    try conn.service()
    #expect(fault(try conn.message()) == .silent(40_000_000))
    #expect(conn.interest().deadline == .never)
    #expect(fault(try conn.service()) == .silent(40_000_000))
  }

  @Test func wrongTimesAreRefused() throws {
    let (conn, _) = try makeConns()
    #expect(fault(try conn.setKeepalive(intervalMilliseconds: -1, timeoutMilliseconds: 0)) == .invalid)
    #expect(fault(try conn.setKeepalive(intervalMilliseconds: 0, timeoutMilliseconds: -1)) == .invalid)
    #expect(fault(try conn.setKeepalive(intervalMilliseconds: .max, timeoutMilliseconds: .max)) == nil)
  }
}
