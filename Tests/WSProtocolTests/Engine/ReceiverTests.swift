// RFC 6455 sections 5, 6.2 and 8.1 as tables of bytes to events, for both ends and for every way the bytes can come.
import Testing

@testable import WSProtocol

@Suite("Receiver, RFC 6455 5.1 to 5.3: one frame")
struct ReceiverFrameTests {
  @Test("5.1: a server refuses frames that are not masked")
  func section51ClientsMustMask() {
    for first: UInt8 in [0x81, 0x82, 0x01, 0x88, 0x89, 0x8A] {
      expectViolation(.server, wire(.client, first, closePayload(1000)), .unmasked, 1002)
    }
  }

  @Test("5.1: a client refuses frames that are masked")
  func section51ServersMustNotMask() {
    for first: UInt8 in [0x81, 0x82, 0x01, 0x88, 0x89, 0x8A] {
      expectViolation(.client, wire(.server, first, closePayload(1000)), .masked, 1002)
    }
  }

  @Test("5.1: the mask bit is judged before the length has arrived")
  func section51JudgedOnTwoBytes() {
    expectViolation(.server, [0x82, 0x7F], .unmasked, 1002)
    expectViolation(.client, [0x82, 0xFF], .masked, 1002)
  }

  @Test("5.1: a continuation's mask is judged too")
  func section51Continuation() {
    expectViolation(.server, wire(.server, 0x01, utf8("a")) + wire(.client, 0x80, utf8("b")), .unmasked, 1002)
    expectViolation(.client, wire(.client, 0x01, utf8("a")) + wire(.server, 0x80, utf8("b")), .masked, 1002)
  }

  @Test("5.2: each RSV bit without an extension fails the connection", arguments: [0x40, 0x20, 0x10, 0x70, 0x50] as [UInt8])
  func section52ReservedBits(bits: UInt8) {
    atBothEnds { role in
      for opcode: UInt8 in [0x1, 0x2, 0x8, 0x9, 0xA] {
        expectViolation(role, wire(role, 0x80 | bits | opcode), .reservedBits, 1002)
      }
      let open = wire(role, 0x02, [1])
      expectViolation(role, open + wire(role, 0x80 | bits), .reservedBits, 1002)
    }
  }

  @Test("5.2 and 5.8: an unknown opcode fails the connection", arguments: [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8])
  func section52UnknownOpcodes(opcode: UInt8) {
    atBothEnds { role in
      expectViolation(role, wire(role, 0x80 | opcode, [1]), .unknownOpcode(opcode), 1002)
      expectViolation(role, wire(role, 0x01, [0x61]) + wire(role, opcode), .unknownOpcode(opcode), 1002)
    }
  }

  @Test("5.2: the length takes the fewest bytes that it needs")
  func section52MinimalLengths() {
    atBothEnds { role in
      for length: UInt64 in [0, 1, 124, 125] {
        expectViolation(role, header(role, 0x82, claiming: length, form: .sixteenBits), .lengthNotMinimal, 1002)
      }
      for length: UInt64 in [0, 125, 126, 127, 65534, 65535] {
        expectViolation(role, header(role, 0x82, claiming: length, form: .sixtyFourBits), .lengthNotMinimal, 1002)
      }
    }
  }

  @Test("5.2: lengths at the edges of every form", arguments: [0, 1, 124, 125, 126, 127, 128, 129, 65534, 65535, 65536, 65537])
  func section52LengthForms(length: Int) {
    atBothEnds { role in
      expectEvents(role, wire(role, 0x82, pattern(length)), [.binary(pattern(length))])
    }
  }

  @Test("5.2: the top bit of a 64-bit length must be 0 (CVE-2020-27813, CVE-2026-1528)")
  func section52TopBit() {
    atBothEnds { role in
      for length: UInt64 in [1 << 63, 1 << 63 + 1, .max - 3, .max] {
        expectViolation(role, header(role, 0x82, claiming: length), .lengthTooLarge, 1002)
        expectViolation(role, limit: 512, header(role, 0x82, claiming: length), .lengthTooLarge, 1002)
      }
    }
  }

  @Test("5.2: 2^63-1 bytes may be announced where there is no limit")
  func section52LargestLength() {
    atBothEnds { role in
      let bytes = header(role, 0x82, claiming: 1 << 63 - 1) + [1, 2, 3]
      let observed = observeEveryWay(role, bytes)
      #expect(observed == Observation())
    }
  }

  @Test("5.2: the masking key counts as part of the header")
  func section52KeyArrivesLate() {
    expectEvents(.server, Array(wire(.server, 0x82, []).prefix(5)), [])
    expectEvents(.server, wire(.server, 0x82, []), [.binary([])])
  }

  @Test("5.3: every frame has its own key, and any key will do")
  func section53KeyOfEachFrame() {
    for key: [UInt8] in [[0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [1, 2, 3, 4], [0x80, 0, 0, 1]] {
      let first = [0x02, 0x85] + key + masked(pattern(5), key)
      let second: [UInt8] = [0x80, 0x87] + wireKey + masked(pattern(7, from: 5))
      expectEvents(.server, first + second, [.binary(pattern(12))])
    }
  }

  @Test("5.7: the examples of the RFC")
  func section57Examples() {
    let hello: [UInt8] = [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]
    let maskedHello: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
    let fragments: [UInt8] = [0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F]
    let ping: [UInt8] = [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]
    let maskedPong: [UInt8] = [0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
    expectEvents(.client, hello, [.text("Hello")])
    expectEvents(.server, maskedHello, [.text("Hello")])
    expectEvents(.client, fragments, [.text("Hello")])
    expectEvents(.client, ping, [.ping(utf8("Hello"))], answers: maskedPong)
    expectEvents(.server, maskedPong, [.pong(utf8("Hello"))])
    expectEvents(.client, [0x82, 0x7E, 0x01, 0x00] + pattern(256), [.binary(pattern(256))])
    expectEvents(.client, [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + pattern(65536), [.binary(pattern(65536))])
  }
}

@Suite("Receiver, RFC 6455 5.4 and 6.2: messages of several frames")
struct ReceiverFragmentTests {
  @Test("5.4: fragments become one message, whatever their sizes")
  func section54Fragments() {
    atBothEnds { role in
      for sizes in [[1, 1], [0, 5], [5, 0], [3, 4, 5], [0, 0, 0], [125, 126, 127], [1, 0, 1, 0, 1], [130, 1]] {
        var bytes: [UInt8] = []
        var start = 0
        for (index, size) in sizes.enumerated() {
          let isLast = index == sizes.count - 1
          bytes += wire(role, (isLast ? 0x80 : 0) | (index == 0 ? 2 : 0), pattern(size, from: start))
          start += size
        }
        expectEvents(role, bytes, [.binary(pattern(start))])
      }
    }
  }

  @Test("5.4: control frames pass between fragments and change nothing (aiohttp#13277)")
  func section54ControlInTheMiddle() {
    let bytes =
      wire(.client, 0x01, utf8("Hel")) + wire(.client, 0x89, [1]) + wire(.client, 0x8A, [2]) + wire(.client, 0x00, utf8("lo "))
      + wire(.client, 0x89) + wire(.client, 0x80, utf8("you"))
    let pongs = wire(.server, 0x8A, [1]) + wire(.server, 0x8A)
    expectEvents(.client, bytes, [.ping([1]), .pong([2]), .ping([]), .text("Hello you")], answers: pongs)
  }

  @Test("5.4: control frames between the bytes of a character change nothing")
  func section54ControlInsideCharacter() {
    let bytes = wire(.client, 0x01, [0xE2, 0x82]) + wire(.client, 0x8A, [0xFF]) + wire(.client, 0x80, [0xAC])
    expectEvents(.client, bytes, [.pong([0xFF]), .text("\u{20AC}")])
  }

  @Test("5.4: the fragments of two messages are not interleaved")
  func section54NoNewMessageInside() {
    atBothEnds { role in
      for first: UInt8 in [0x81, 0x82, 0x01, 0x02] {
        for open: UInt8 in [0x01, 0x02] {
          expectViolation(role, wire(role, open, utf8("a")) + wire(role, first, utf8("b")), .messageInsideMessage, 1002)
        }
      }
    }
  }

  @Test("5.4: a continuation continues something")
  func section54NothingToContinue() {
    atBothEnds { role in
      for first: UInt8 in [0x80, 0x00] {
        expectViolation(role, wire(role, first, utf8("a")), .unexpectedContinuation, 1002)
        let whole = wire(role, 0x81, utf8("a"))
        expectViolation(role, whole + wire(role, first), after: [.text("a")], .unexpectedContinuation, 1002)
        let parts = wire(role, 0x01, utf8("a")) + wire(role, 0x80, utf8("b"))
        expectViolation(role, parts + wire(role, first), after: [.text("ab")], .unexpectedContinuation, 1002)
      }
    }
  }

  @Test("5.4: a ping does not end a message")
  func section54PingLeavesMessageOpen() {
    let bytes = wire(.client, 0x01) + wire(.client, 0x89) + wire(.client, 0x81)
    expectViolation(.client, bytes, after: [.ping([])], .messageInsideMessage, 1002, answers: wire(.server, 0x8A))
  }

  @Test("5.6 and 6.2: messages come one after the other, each with its kind")
  func section62Sequence() {
    atBothEnds { role in
      let bytes =
        wire(role, 0x81, utf8("one")) + wire(role, 0x82, [0xFF, 0x00]) + wire(role, 0x81) + wire(role, 0x02, [1])
        + wire(role, 0x80, [2]) + wire(role, 0x01, utf8("t")) + wire(role, 0x80, utf8("wo"))
      expectEvents(role, bytes, [.text("one"), .binary([0xFF, 0]), .text(""), .binary([1, 2]), .text("two")])
    }
  }

  @Test("6.2: a large frame between small ones, received straight into its place")
  func section62LargeFrame() {
    atBothEnds { role in
      let bytes = wire(role, 0x81, utf8("a")) + wire(role, 0x82, pattern(150_001)) + wire(role, 0x81, utf8("z"))
      expectEvents(role, bytes, [.text("a"), .binary(pattern(150_001)), .text("z")])
    }
  }
}

@Suite("Receiver, RFC 6455 5.5: control frames")
struct ReceiverControlTests {
  @Test("5.5: control frames have at most 125 bytes", arguments: [0x88, 0x89, 0x8A] as [UInt8])
  func section55Length(first: UInt8) {
    atBothEnds { role in
      for length: UInt64 in [126, 127, 65535, 65536, 1 << 63] {
        expectViolation(role, header(role, first, claiming: length), .controlTooLong, 1002)
      }
      expectViolation(role, header(role, first, claiming: 1, form: .sixteenBits), .controlTooLong, 1002)
      expectViolation(role, header(role, first, claiming: 1, form: .sixtyFourBits), .controlTooLong, 1002)
    }
  }

  @Test("5.5: control frames of 0 to 125 bytes pass whole")
  func section55EveryLength() {
    atBothEnds { role in
      for length in [0, 1, 2, 3, 4, 5, 124, 125] {
        let answer = wire(role == .client ? .server : .client, 0x8A, pattern(length))
        expectEvents(role, wire(role, 0x89, pattern(length)), [.ping(pattern(length))], answers: answer)
        expectEvents(role, wire(role, 0x8A, pattern(length)), [.pong(pattern(length))])
      }
    }
  }

  @Test("5.5: control frames are not fragmented", arguments: [0x08, 0x09, 0x0A] as [UInt8])
  func section55NotFragmented(first: UInt8) {
    atBothEnds { role in
      expectViolation(role, wire(role, first, closePayload(1000)), .controlFragmented, 1002)
      expectViolation(role, header(role, first, claiming: 126), .controlTooLong, 1002)
    }
  }

  @Test("5.5.1: a close frame has no body, or a code and a reason")
  func section551Bodies() {
    atBothEnds { role in
      let reason = String(repeating: "r", count: 123)
      let empty = wire(role == .client ? .server : .client, 0x88)
      expectEvents(role, wire(role, 0x88), [.close(1005, [])], answers: empty)
      expectEvents(role, wire(role, 0x88, closePayload(1000)), [.close(1000, [])], answers: closeAnswer(role, 1000))
      let long = wire(role, 0x88, closePayload(4999, reason))
      expectEvents(role, long, [.close(4999, utf8(reason))], answers: closeAnswer(role, 4999))
    }
  }

  @Test("5.5.1: a body of one byte is no code")
  func section551OneByte() {
    atBothEnds { role in
      expectViolation(role, wire(role, 0x88, [3]), .closePayloadTooShort, 1002)
    }
  }

  @Test("5.5.1 and 8.1: the reason is UTF-8")
  func section551ReasonIsText() {
    atBothEnds { role in
      for bad: [UInt8] in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], utf8("abc") + [0x80]] {
        expectViolation(role, wire(role, 0x88, closePayload(1000) + bad), .badCloseReason, 1007)
      }
      let good = "\u{1F600} \u{20AC}"
      let frame = wire(role, 0x88, closePayload(1001, good))
      expectEvents(role, frame, [.close(1001, utf8(good))], answers: closeAnswer(role, 1001))
    }
  }

  @Test("5.5.1: nothing is read behind a close frame")
  func section551NothingFollows() {
    atBothEnds { role in
      let close = wire(role, 0x88, closePayload(1000, "bye"))
      for rest in [wire(role, 0x81, utf8("x")), wire(role, 0x88), wire(role, 0x89, [1]), [0xFF, 0xFF, 0xFF], [0x81]] {
        expectEvents(role, close + rest, [.close(1000, utf8("bye"))], answers: closeAnswer(role, 1000))
      }
    }
  }

  @Test("5.5.1: a close frame between fragments ends the message unfinished")
  func section551InsideMessage() {
    let bytes = wire(.server, 0x02, pattern(1536)) + wire(.server, 0x88, closePayload(1000, "hello")) + wire(.server, 0x80)
    expectEvents(.server, bytes, [.close(1000, utf8("hello"))], answers: closeAnswer(.server, 1000))
  }

  @Test("5.5.2: a pong for each ping, in their order, with their bytes")
  func section552PingsInOrder() {
    atBothEnds { role in
      let payloads = (0..<10).map { pattern($0 * 13, from: $0) }
      let answers = payloads.flatMap { wire(role == .client ? .server : .client, 0x8A, $0) }
      expectEvents(role, payloads.flatMap { wire(role, 0x89, $0) }, payloads.map { .ping($0) }, answers: answers)
    }
  }

  @Test("5.5.3: a pong that nobody asked for is not answered")
  func section553UnsolicitedPong() {
    atBothEnds { role in
      expectEvents(role, wire(role, 0x8A, [9]) + wire(role, 0x81, utf8("a")), [.pong([9]), .text("a")])
    }
  }
}

@Suite("Receiver, RFC 6455 8.1: text is UTF-8")
struct ReceiverTextTests {
  private static let bad: [[UInt8]] = [
    [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
    [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5], [0xFE], [0xFF],
  ]

  @Test("8.1: bytes that are not UTF-8 fail the connection with 1007, wherever they stand")
  func section81BadText() {
    for bad in Self.bad {
      for front in [0, 1, 31, 32, 130] {
        let text = [UInt8](repeating: 0x61, count: front) + bad + utf8("tail")
        expectViolation(.client, wire(.client, 0x81, text), .invalidUTF8, 1007)
      }
      expectViolation(.server, wire(.server, 0x01, utf8("k\u{F6}")) + wire(.server, 0x00, bad), .invalidUTF8, 1007)
    }
  }

  @Test("8.1: a text that ends inside a character fails")
  func section81Unfinished() {
    for unfinished: [UInt8] in [[0xC3], [0xE2], [0xE2, 0x82], [0xF0], [0xF0, 0x9F], [0xF0, 0x9F, 0x98]] {
      atBothEnds { role in
        expectViolation(role, wire(role, 0x81, utf8("a") + unfinished), .invalidUTF8, 1007)
        expectViolation(role, wire(role, 0x01, unfinished) + wire(role, 0x80), .invalidUTF8, 1007)
        expectViolation(role, wire(role, 0x01, unfinished) + wire(role, 0x80, utf8("a")), .invalidUTF8, 1007)
      }
    }
  }

  @Test("8.1: characters may be cut anywhere by frames")
  func section81CutCharacters() {
    let text = utf8("\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\u{D7FF}\u{E000}")
    for cut in 0...text.count {
      let bytes = wire(.server, 0x01, Array(text[..<cut])) + wire(.server, 0x80, Array(text[cut...]))
      expectEvents(.server, bytes, [.text(text)])
    }
  }

  @Test("8.1: the state of one text does not reach the next one")
  func section81FreshForEachMessage() {
    let bytes = wire(.client, 0x81, utf8("\u{20AC}")) + wire(.client, 0x82, [0xE2]) + wire(.client, 0x81, utf8("ok"))
    expectEvents(.client, bytes, [.text("\u{20AC}"), .binary([0xE2]), .text("ok")])
  }

  @Test("8.1: the first bad byte fails the message, before the frame and the message have ended")
  func section81FailsFast() {
    atBothEnds { role in
      for front in [0, 1, 7, 40, 5000] {
        let text = [UInt8](repeating: 0x61, count: front) + [0xCE, 0xBA, 0xED, 0xA0]
        let frame = wire(role, 0x81, text + [0x80] + pattern(100))
        let upToBad = Array(frame.dropLast(101))
        expectViolation(role, upToBad, .invalidUTF8, 1007)
        expectEvents(role, Array(upToBad.dropLast()), [])
      }
    }
  }

  @Test("8.1: binary is not looked at, nor text when checking is off")
  func section81OnlyText() throws {
    for bad in Self.bad { expectEvents(.client, wire(.client, 0x82, bad), [.binary(bad)]) }
    let receiver = TestReceiver(.client)
    receiver.inner.checksUTF8 = false
    #expect(try receiver.run(wire(.client, 0x81, [0xFF])) == [.text([0xFF])])
  }
}
