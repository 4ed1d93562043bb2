// The closing handshake: what the peer said, and how it all ended. RFC 6455 7.1.4 to 7.1.6.
import Testing

@testable import WSProtocol

@Suite("CloseHandshake, RFC 6455 7.1")
struct CloseHandshakeTests {
  /// What is known after a close frame: the testing macros copy what they look at, and the value itself cannot be copied.
  private func received(_ code: CloseCode, _ reason: [UInt8]) -> (code: CloseCode?, reason: [UInt8], outcome: CloseOutcome) {
    var handshake = CloseHandshake()
    reason.withUnsafeBytes { handshake.receive(code, reason: $0) }
    return (handshake.received, Array(handshake.reason), handshake.outcome)
  }

  @Test("7.1.5: without a close frame the connection was lost")
  func lost() {
    let handshake = CloseHandshake()
    let (received, outcome, reason) = (handshake.received, handshake.outcome, Array(handshake.reason))
    #expect(received == nil && outcome == .lost && reason == [])
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
    for (count, kept) in [(0, 0), (1, 1), (122, 122), (123, 123), (200, 123)] {
      #expect(received(.normal, pattern(count)).reason == pattern(kept))
    }
  }

  #if DEBUG || WSSWIFT_MEMORY_FAULTS
    @Test("7.1.5: without memory for the reason there is the code")
    func withoutMemory() {
      Memory.failAllocation(1)
      defer { Memory.failAllocation(0) }
      let seen = received(.internalError, pattern(10))
      #expect(seen.code == .internalError && seen.reason == [] && seen.outcome == .withCode(.internalError))
    }
  #endif

  @Test("5.5.1: the answer echoes the code")
  func answers() {
    for number: UInt16 in [1000, 1001, 1005, 1013, 4000] {
      #expect(CloseHandshake.answer(to: CloseCode(rawValue: number)).rawValue == number)
    }
  }
}
