// The closing handshake: what the peer said, and how it all ended. RFC 6455 7.1.4 to 7.1.6.
import Testing

@testable import WSProtocol

@Suite("CloseHandshake, RFC 6455 7.1")
struct CloseHandshakeTests {
  private func reason(of handshake: CloseHandshake, room: Int = 123) -> [UInt8] {
    let space = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
    defer { space.deallocate() }
    return Array(space.prefix(handshake.copyReason(to: space)))
  }

  private func received(_ code: CloseCode, _ reason: [UInt8]) -> CloseHandshake {
    var handshake = CloseHandshake()
    reason.withUnsafeBytes { handshake.receive(code, reason: $0) }
    return handshake
  }

  @Test("7.1.5: without a close frame the connection was lost")
  func lost() {
    let handshake = CloseHandshake()
    #expect(handshake.received == nil && handshake.outcome == .lost && handshake.reasonCount == 0)
    #expect(reason(of: handshake) == [])
  }

  @Test("7.1.4 and 7.1.5: 1000, 1001 and no code are ordinary, other codes are told")
  func outcomes() {
    for code in [CloseCode.normal, .goingAway, .noStatus] { #expect(received(code, []).outcome == .ordinary) }
    for number: UInt16 in [1002, 1003, 1007, 1011, 1014, 3000, 4999] {
      let code = CloseCode(rawValue: number)
      #expect(received(code, []).outcome == .withCode(code))
    }
  }

  @Test("7.1.6: the reason is kept whole, up to 123 bytes")
  func reasons() {
    for count in [0, 1, 122, 123] {
      let handshake = received(.normal, pattern(count))
      #expect(handshake.reasonCount == count)
      #expect(reason(of: handshake) == pattern(count))
      #expect(reason(of: handshake, room: max(0, count - 1)) == [])
    }
    #expect(reason(of: received(.normal, pattern(200))) == pattern(123))
  }

  @Test("5.5.1: the answer echoes the code")
  func answers() {
    for number: UInt16 in [1000, 1001, 1005, 1013, 4000] {
      #expect(CloseHandshake.answer(to: CloseCode(rawValue: number)).rawValue == number)
    }
  }
}
