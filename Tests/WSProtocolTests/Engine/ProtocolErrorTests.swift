// Each violation with its close code and its words. RFC 6455 7.1.7 and 7.4.1.
import Testing

@testable import WSProtocol

@Suite("ProtocolError")
struct ProtocolErrorTests {
  private static let all: [(ProtocolError, UInt16)] = [
    (.reservedBits, 1002), (.unknownOpcode(3), 1002), (.controlTooLong, 1002), (.controlFragmented, 1002),
    (.messageInsideMessage, 1002), (.unexpectedContinuation, 1002), (.unmasked, 1002), (.masked, 1002),
    (.lengthNotMinimal, 1002),
    (.lengthTooLarge, 1002), (.closePayloadTooShort, 1002), (.badCloseCode(1005), 1002), (.badCloseReason, 1007),
    (.invalidUTF8, 1007), (.corruptDeflate, 1007), (.messageTooBig(limit: 1), 1009), (.outOfMemory, 1011),
  ]

  @Test("7.4.1: each violation has the close code of its kind")
  func closeCodes() {
    for (error, code) in Self.all {
      #expect(error.closeCode.rawValue == code)
      #expect(error.closeCode.isAllowedOnWire)
    }
  }

  @Test("5.5: the words fit a close frame, are ASCII, and differ")
  func words() {
    let texts = Self.all.map { $0.0.text.description }
    #expect(Set(texts).count == texts.count)
    for text in texts {
      #expect(!text.isEmpty && text.utf8.count <= ClosePayload.maximumReason)
      #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    }
  }
}
