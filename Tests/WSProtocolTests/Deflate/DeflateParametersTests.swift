// Whose parameter is whose.
import Testing

@testable import WSProtocol

@Suite("RFC 7692 7.1: parameters")
struct DeflateParametersTests {
  @Test("each role has its own, and without any there is context and the largest window")
  func roles() {
    let none = DeflateParameters()
    let some = DeflateParameters(
      serverKeepsContext: false, clientKeepsContext: true, serverWindowBits: 10, clientWindowBits: 12)
    for role in [Role.client, .server] {
      #expect(none.keepsContext(role) && none.windowBits(role) == 15)
    }
    #expect(!some.keepsContext(.server) && some.keepsContext(.client))
    #expect(some.windowBits(.server) == 10 && some.windowBits(.client) == 12)
  }
}
