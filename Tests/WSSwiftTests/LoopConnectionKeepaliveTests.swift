// Automatic pings of a connection without a clock: the program tells the time. The C program test_keepalive goes further.
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct LoopConnectionKeepaliveTests {
  private func at(_ milliseconds: Int64) -> Deadline { Deadline(nanoseconds: milliseconds * 1_000_000) }

  /// Takes the ping out of the output and gives its payload.
  private func ping(of connection: LoopConnection) -> [UInt8] {
    let output = connection.output.array
    connection.sent(output.count)
    let isMasked = output.count > 1 && output[1] & 0x80 != 0
    #expect(output.first == 0x89 && output.count == (isMasked ? 14 : 10))
    let payload = Array(output.suffix(8))
    return isMasked ? Frame.mask(payload, Array(output[2..<6])) : payload
  }

  private func feed(_ connection: LoopConnection, _ opcode: UInt8, _ payload: [UInt8]) throws {
    try lending(Frame(opcode: opcode, payload: payload, maskKey: connection.isServer ? loopKey : nil).bytes) {
      try connection.feed($0)
    }
  }

  @Test(arguments: [Role.client, .server]) func pingsAndRoundTrips(role: Role) throws {
    let connection = try LoopConnection.opened(role)
    try connection.setKeepalive(intervalMilliseconds: 20, timeoutMilliseconds: 7)
    #expect(connection.tick(now: at(0)) == at(20))
    #expect(connection.output.isEmpty)
    #expect(connection.tick(now: at(20)) == at(27))
    try feed(connection, 10, ping(of: connection))
    #expect(try connection.nextEvent() == nil)
    #expect(connection.tick(now: at(23)) == at(40))
    #expect(connection.statistics.roundTrip == 3_000_000)
    #expect(connection.tick(now: at(40)) == at(47))
    try feed(connection, 10, ping(of: connection))
    #expect(try connection.nextEvent() == nil)
    _ = connection.tick(now: at(45))
    #expect(connection.statistics.roundTrip == 5_000_000 && connection.statistics.smallestRoundTrip == 3_000_000)
  }

  @Test func aSilentPeerIsGivenUpAtTheSecondTick() throws {
    let connection = try LoopConnection.opened(.server)
    try connection.setKeepalive(intervalMilliseconds: 20, timeoutMilliseconds: 7)
    _ = connection.tick(now: at(0))
    _ = connection.tick(now: at(20))
    #expect(connection.tick(now: at(30)) == at(30))
    #expect(connection.tick(now: at(31)) == .never)
    #expect(connection.failure == .silent(7_000_000))
    #expect(fault(try connection.nextEvent()) == .silent(7_000_000))
    #expect(connection.ourCloseCode == .internalError)
  }

  @Test func itBeginsWithTheOpenConnection() throws {
    let connection = LoopConnection.server()
    try connection.setKeepalive(intervalMilliseconds: 20, timeoutMilliseconds: 7)
    #expect(connection.tick(now: at(0)) == at(10_000))
    #expect(connection.tick(now: at(9000)) == at(10_000))
    #expect(connection.output.isEmpty)
    #expect(fault(try connection.setKeepalive(intervalMilliseconds: -1, timeoutMilliseconds: 7)) == .invalid)
  }
}
