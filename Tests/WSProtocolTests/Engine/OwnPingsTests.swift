// Pings of our own: recognised by their pongs, and timed. RFC 6455 5.5.2, 5.5.3.
import Testing

@testable import WSProtocol

@Suite("Own pings, RFC 6455 5.5.3")
struct OwnPingsTests {
  private func number(_ pings: OwnPings, _ payload: UInt64) -> UInt64? {
    withUnsafeBytes(of: payload) { pings.number(in: $0) }
  }

  @Test("a pong is ours when it has the payload of a ping that was made")
  func recognised() {
    var pings = OwnPings(salt: 0x0123_4567_89AB_CDEF)
    #expect(number(pings, pings.payload(of: 1)) == nil)
    let first = pings.make()
    let second = pings.make()
    #expect(first == 1 && second == 2)
    #expect(number(pings, pings.payload(of: first)) == first)
    #expect(number(pings, pings.payload(of: second)) == second)
    #expect(number(pings, pings.payload(of: 3)) == nil)
    #expect(number(pings, pings.payload(of: 0)) == nil)
    #expect([0, 7, 9].allSatisfy { (0..<$0).map { _ in UInt8(1) }.withUnsafeBytes { pings.number(in: $0) } == nil })
  }

  @Test("a round trip is measured once, from leaving to the pong")
  func roundTrips() {
    var pings = OwnPings(salt: 9)
    let ping = pings.make()
    pings.left(ping, at: 1000)
    #expect(!pings.isAnswered(ping) && pings.roundTrip(ping) == nil)
    #expect(pings.heard(ping, at: 1250) == 250)
    #expect(pings.heard(ping, at: 9000) == nil)
    #expect(pings.isAnswered(ping) && pings.roundTrip(ping) == 250)
  }

  @Test("a pong answers the pings before its own as well; their times are not known")
  func laterPong() {
    var pings = OwnPings(salt: 9)
    let numbers = (0..<3).map { _ in pings.make() }
    for number in numbers { pings.left(number, at: Int64(number) * 100) }
    #expect(pings.heard(numbers[2], at: 450) == 150)
    #expect(pings.isAnswered(numbers[0]) && pings.roundTrip(numbers[0]) == nil)
    #expect(pings.heard(numbers[1], at: 500) == nil)
  }

  @Test("of very many pings on their way only the latest are timed")
  func manyPings() {
    var pings = OwnPings(salt: 0)
    for time in 1...100 { pings.left(pings.make(), at: Int64(time)) }
    #expect(pings.heard(50, at: 500) == nil)
    #expect(pings.isAnswered(50) && !pings.isAnswered(51))
    #expect(pings.heard(100, at: 500) == 400)
  }
}
