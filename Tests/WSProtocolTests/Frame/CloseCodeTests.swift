// All close codes, and the payload of close frames. RFC 6455 5.5.1 and 7.4.
import Testing

@testable import WSProtocol

@Suite("CloseCode, RFC 6455 7.4")
struct CloseCodeTests {
  /// 7.4.1, 7.4.2 and the registry: what a frame may carry.
  private static let onWire: Set<UInt16> = {
    var codes: Set<UInt16> = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
    for code in UInt16(3000)...4999 { codes.insert(code) }
    return codes
  }()

  @Test("7.4: all 65,536 codes, as codes, received, and sent")
  func allCodes() {
    let sender = Sender(role: .server)
    for number in UInt16.min...UInt16.max {
      let isAllowed = Self.onWire.contains(number)
      let payload = closePayload(number)
      let received = payload.withUnsafeBytes { bytes in
        do throws(ProtocolError) { return try ClosePayload(parsing: bytes).code.rawValue == number } catch {
          return error != .badCloseCode(number)
        }
      }
      let sent = payload.withUnsafeBytes { bytes in
        do throws(SendError) { return try sender.controlFrame(.close, payload: bytes, maskKey: 0).payload.count == 2 } catch {
          return error != .badCloseCode
        }
      }
      guard CloseCode(rawValue: number).isAllowedOnWire == isAllowed, received == isAllowed, sent == isAllowed else {
        Issue.record("code \(number)")
        return
      }
    }
  }

  @Test("7.4.1: the named codes have their numbers; 1000, 1001 and none are an ordinary end")
  func names() {
    let named: [(CloseCode, UInt16)] = [
      (.normal, 1000), (.goingAway, 1001), (.protocolError, 1002), (.unsupportedData, 1003), (.noStatus, 1005),
      (.abnormal, 1006), (.invalidPayload, 1007), (.policyViolation, 1008), (.messageTooBig, 1009),
      (.mandatoryExtension, 1010), (.internalError, 1011), (.serviceRestart, 1012), (.tryAgainLater, 1013),
      (.badGateway, 1014), (.tlsHandshake, 1015),
    ]
    for (code, number) in named {
      #expect(code.rawValue == number)
      #expect(code.isOrdinary == [1000, 1001, 1005].contains(number))
    }
  }

  @Test("7.4: every code has a text, and those with a meaning one of their own")
  func texts() {
    let meaningful = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015].map(text)
    #expect(Set(meaningful + ["registered", "private use", "unknown"]).count == meaningful.count + 3)
    for number in [3000, 3999] { #expect(text(number) == "registered") }
    for number in [4000, 4999] { #expect(text(number) == "private use") }
    for number in [0, 999, 1004, 1016, 2999, 5000, 65535] { #expect(text(number) == "unknown") }
  }

  private func text(_ number: Int) -> String { "\(CloseCode(rawValue: UInt16(number)).text)" }

  @Test(
    "7.4.1: 1005, 1006 and 1015 never travel, in neither direction",
    arguments: [1004, 1005, 1006, 1015, 0, 999, 2999, 5000] as [UInt16])
  func neverOnWire(code: UInt16) {
    atBothEnds { role in
      expectViolation(role, wire(role, 0x88, closePayload(code, "r")), .badCloseCode(code), 1002)
    }
  }
}

@Suite("ClosePayload, RFC 6455 5.5.1")
struct ClosePayloadTests {
  private func written(_ code: UInt16, _ reason: [UInt8], room: Int = 125) -> [UInt8] {
    let space = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
    defer { space.deallocate() }
    let count = reason.withUnsafeBytes { ClosePayload.write(CloseCode(rawValue: code), reason: $0, to: space) }
    return Array(space.prefix(count))
  }

  @Test("5.5.1: a code in network order, then the reason")
  func writes() {
    #expect(written(1000, []) == [0x03, 0xE8])
    #expect(written(4321, utf8("why")) == [0x10, 0xE1] + utf8("why"))
    #expect(written(1005, utf8("why")) == [])
    #expect(written(1000, utf8("why"), room: 124) == [])
  }

  @Test("5.5: a reason beyond 123 bytes is cut at a character")
  func cutsAtCharacter() {
    for (character, width) in [("a", 1), ("\u{E9}", 2), ("\u{20AC}", 3), ("\u{1F600}", 4)] {
      for front in 0..<5 {
        for total in 119...130 {
          let text = utf8(String(repeating: "b", count: front) + String(repeating: character, count: total))
          let kept = Array(written(1000, text).dropFirst(2))
          let fits = min(text.count, front + (123 - front) / width * width)
          #expect(kept == Array(text.prefix(fits)))
        }
      }
    }
  }

  @Test("5.5.1: a long reason that is not UTF-8 is no empty reason")
  func badReasonIsNotCutAway() throws {
    for byte: UInt8 in [0x80, 0xBF] {
      let engine = TestEngine(.server)
      #expect(throws: SendError.badCloseReason) { try engine.close(1000, [UInt8](repeating: byte, count: 200)) }
      #expect(engine.closeSent == nil)
      #expect(engine.output == [])
    }
  }

  @Test("5.5.1: what is written parses back")
  func parsesBack() throws {
    for (code, reason) in [
      (UInt16(1000), ""), (1001, "going"), (3000, "\u{1F600}"), (4999, String(repeating: "x", count: 123)),
    ] {
      try written(code, utf8(reason)).lend { (view) throws(ProtocolError) in
        let payload = try ClosePayload(parsing: view)
        #expect(payload.code.rawValue == code && Array(payload.reason) == utf8(reason))
      }
    }
    let none = try ClosePayload(parsing: .empty)
    #expect(none.code == .noStatus && none.reason.isEmpty)
  }

  @Test("5.5.1: one byte, bad codes and bad reasons, each with its own error")
  func refuses() {
    let rows: [([UInt8], ProtocolError)] = [
      ([3], .closePayloadTooShort), (closePayload(1005), .badCloseCode(1005)), (closePayload(1000) + [0xC3], .badCloseReason),
      (closePayload(999) + [0xFF], .badCloseCode(999)),
      (closePayload(1000) + utf8(String(repeating: "x", count: 124)), .controlTooLong),
    ]
    for (bytes, error) in rows {
      #expect(throws: error) { try bytes.lend { (view) throws(ProtocolError) in _ = try ClosePayload(parsing: view) } }
    }
  }

  @Test("5.5.1 and 7.4: what may be sent: a code that may travel, or none and no reason; a reason that fits and is UTF-8")
  func mayBeSent() {
    let rows: [(UInt16, [UInt8], SendError?)] = [
      (1000, [], nil), (1005, [], nil), (4999, utf8(String(repeating: "x", count: 123)), nil),
      (1005, utf8("x"), .badCloseCode), (1006, [], .badCloseCode), (1004, [], .badCloseCode), (5000, [], .badCloseCode),
      (1000, utf8(String(repeating: "x", count: 124)), .controlTooLong), (1000, [0xFF], .badCloseReason),
      (1000, [0xC3], .badCloseReason),
    ]
    for (code, reason, expected) in rows {
      let error = thrown { () throws(SendError) in
        try reason.lend { (view) throws(SendError) in try ClosePayload.check(CloseCode(rawValue: code), reason: view) }
      }
      #expect(error == expected, "\(code) \(reason.count)")
    }
  }
}
