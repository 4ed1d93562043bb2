// Every first byte, every length form, every cut: RFC 6455 5.2 against an oracle that was written from the RFC alone.
import Testing

@testable import WSProtocol

@Suite("FrameHeader: parsing")
struct FrameHeaderParsingTests {
  private func parse(_ bytes: [UInt8], _ rules: FrameRules) -> Result<FrameHeader?, ProtocolError> {
    do throws(ProtocolError) {
      return .success(try bytes.lend { (view) throws(ProtocolError) in try FrameHeader.parse(view, rules: rules) })
    } catch {
      return .failure(error)
    }
  }

  /// What RFC 6455 5.2, 5.4, 5.5 and RFC 7692 6 say of a first byte and a 7-bit length, in the order of the bits.
  private func fault(_ first: UInt8, _ length: UInt8, _ rules: FrameRules) -> ProtocolError? {
    let bits = String(first, radix: 2)
    let flags = Array(String(repeating: "0", count: 8 - bits.count) + bits)
    let number = Int(first) % 16
    let isMessageStart = number == 1 || number == 2
    if flags[1] == "1", !(rules.allowsCompressed && isMessageStart) { return .reservedBits }
    if flags[2] == "1" || flags[3] == "1" { return .reservedBits }
    if (3...7).contains(number) || number > 10 { return .unknownOpcode(UInt8(number)) }
    if isMessageStart, rules.messageIsOpen { return .messageInsideMessage }
    if number == 0, !rules.messageIsOpen { return .unexpectedContinuation }
    guard number >= 8 else { return nil }
    if length > 125 { return .controlTooLong }
    return flags[0] == "0" ? .controlFragmented : nil
  }

  @Test("5.2: all 256 first bytes, for both ends, with and without an open message and RSV1")
  func allFirstBytes() {
    for first in UInt8.min...UInt8.max {
      for (role, mask) in [(Role.server, UInt8(0x80)), (.client, 0)] {
        for choice in 0..<4 {
          let rules = FrameRules(role: role, allowsCompressed: choice & 1 != 0, messageIsOpen: choice & 2 != 0)
          for length: UInt8 in [0, 1, 125, 126, 127] {
            let expected = fault(first, length, rules)
            // The first two bytes alone decide; a wrong mask bit is the last thing that they can have wrong.
            let short = parse([first, length | mask], rules)
            let wrong = parse([first, length | (mask ^ 0x80)], rules)
            guard failure(short) == expected, failure(wrong) == expected ?? (role == .server ? .unmasked : .masked) else {
              Issue.record(
                "first byte \(first), length \(length), \(rules): \(short), \(wrong), not \(String(describing: expected))")
              return
            }
          }
        }
      }
    }
  }

  private func failure(_ result: Result<FrameHeader?, ProtocolError>) -> ProtocolError? {
    if case .failure(let error) = result { error } else { nil }
  }

  @Test("5.2: fields of a good header, cut before each of its bytes")
  func fieldsAndCuts() throws {
    for role in [Role.server, .client] {
      for length: UInt64 in [0, 1, 125, 126, 127, 65535, 65536, 1 << 32, 1 << 63 - 1] {
        for first: UInt8 in [0x82, 0x02, 0x81, 0xC1] {
          let rules = FrameRules(role: role, allowsCompressed: true)
          let bytes = header(role, first, claiming: length)
          for count in 0..<bytes.count {
            guard case .success(nil) = parse(Array(bytes.prefix(count)), rules) else {
              Issue.record("cut at \(count) of \(bytes)")
              return
            }
          }
          let parsed = try #require(try parse(bytes + [0xAA, 0xBB], rules).get())
          #expect(parsed.size == bytes.count)
          #expect(parsed.length == Int(length))
          #expect(parsed.isFinal == (first & 0x80 != 0))
          #expect(parsed.isCompressed == (first & 0x40 != 0))
          #expect(parsed.opcode.rawValue == first & 0x0F)
          #expect(parsed.maskKey == (role == .server ? wireKeyNumber : nil))
        }
      }
    }
  }

  @Test("5.2: lengths that are not minimal, or have the top bit, are refused as soon as the length is there")
  func badLengths() {
    let rules = FrameRules(role: .server)
    for length: UInt64 in [0, 1, 125] {
      #expect(failure(parse([0x82] + lengthBytes(length, isMasked: true, form: .sixteenBits), rules)) == .lengthNotMinimal)
    }
    for length: UInt64 in [0, 125, 126, 127, 65535] {
      #expect(failure(parse([0x82] + lengthBytes(length, isMasked: true, form: .sixtyFourBits), rules)) == .lengthNotMinimal)
    }
    for length: UInt64 in [1 << 63, 1 << 63 + 5, .max - 3, .max] {
      #expect(failure(parse([0x82] + lengthBytes(length, isMasked: true), rules)) == .lengthTooLarge)
    }
  }
}

@Suite("FrameHeader: writing")
struct FrameHeaderWritingTests {
  private func written(_ header: FrameHeader) -> [UInt8] {
    let space = UnsafeMutableRawBufferPointer.allocate(byteCount: FrameHeader.maximumSize + 2, alignment: 1)
    defer { space.deallocate() }
    space.initializeMemory(as: UInt8.self, repeating: 0x5A)
    guard let base = space.baseAddress else { return [] }
    let count = header.write(to: base)
    #expect(count == header.size)
    #expect(space.dropFirst(count).allSatisfy { $0 == 0x5A })
    return Array(space.prefix(count))
  }

  @Test("5.2: the shortest form of every length, with and without mask")
  func shortestForms() {
    for length in [0, 1, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537, 1 << 40, Int.max] {
      for (first, opcode, isFinal, isCompressed): (UInt8, Opcode, Bool, Bool) in [
        (0x82, .binary, true, false), (0x01, .text, false, false), (0xC1, .text, true, true),
        (0x00, .continuation, false, false),
      ] {
        let plain = FrameHeader(opcode: opcode, isFinal: isFinal, isCompressed: isCompressed, length: length)
        #expect(written(plain) == header(.client, first, claiming: UInt64(length)))
        let masked = FrameHeader(
          opcode: opcode, isFinal: isFinal, isCompressed: isCompressed, maskKey: wireKeyNumber, length: length)
        #expect(written(masked) == header(.server, first, claiming: UInt64(length)))
      }
    }
  }

  @Test("what is written parses back")
  func parsesBack() throws {
    var random = SmallRandom(seed: 5)
    for _ in 0..<500 {
      let key = random.below(2) == 0 ? nil : UInt32(truncatingIfNeeded: random.next())
      let length = Int(truncatingIfNeeded: random.next() >> UInt64(1 + random.below(63)))
      let header = FrameHeader(opcode: .binary, isFinal: random.below(2) == 0, maskKey: key, length: length)
      let rules = FrameRules(role: key == nil ? .client : .server)
      let parsed = try #require(
        try written(header).lend { (view) throws(ProtocolError) in try FrameHeader.parse(view, rules: rules) })
      #expect(parsed.length == length && parsed.maskKey == key && parsed.isFinal == header.isFinal)
    }
  }
}
