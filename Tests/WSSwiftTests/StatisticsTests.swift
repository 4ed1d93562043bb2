// The counters of connections, asked while they are at work.
import Testing
import WSProtocol

@testable import WSSwift

@Suite struct StatisticsTests {
  @Test(arguments: [Role.client, .server]) func countsBothDirections(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    #expect(conn.statistics == Statistics())
    try peer.send(9, [1, 2, 3])
    try peer.send(text: "hello")
    #expect(try conn.text() == "hello")
    try conn.send("you")
    let now = conn.statistics
    #expect(now.received.messages == 1 && now.received.bytes == 5 && now.received.pings == 1)
    #expect(now.sent.messages == 1 && now.sent.bytes == 3 && now.sent.pongs == 1)
    let mask: UInt64 = role == .client ? 4 : 0
    #expect(now.received.wireBytes == 2 * (6 - mask) + 8)
    #expect(now.sent.wireBytes == 2 * (2 + mask) + 6)
  }

  @Test func aMessageOnItsWayShowsInTheBytes() throws {
    let (conn, peer) = try makeConn(.client)
    conn.setReadTimeout(milliseconds: 30)
    try peer.send([0x82, 126, 0x10, 0] + [UInt8](repeating: 7, count: 1000))
    #expect(conn.failureOfRead() == .timeout)
    #expect(conn.statistics.received.wireBytes == 1004)
    #expect(conn.statistics.received.messages == 0)
  }
}
