// RFC 7692 from the receiving end as tables of bytes to events: every way the bytes can come, whole messages and parts of them.
import Testing

@testable import WSProtocol

private let takeover = DeflateParameters()
private let noTakeover = DeflateParameters(serverKeepsContext: false, clientKeepsContext: false)
private let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
/// "Hello" as a reference to the same word in the message before. RFC 7692 7.2.3.2.
private let helloAgain: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]

/// A row, for both ends, in parts too.
private func expect(
  agreed parameters: DeflateParameters = noTakeover, limit: UInt64 = 0, _ seen: [Seen],
  sourceLocation: SourceLocation = #_sourceLocation, _ bytes: (Role) -> [UInt8]
) {
  atBothEnds { role in
    let stream = bytes(role)
    let observed = observeEveryWay(role, limit: limit, compression: parameters, stream, sourceLocation: sourceLocation)
    #expect(observed.seen == seen, sourceLocation: sourceLocation)
    expectSameInParts(role, limit: limit, compression: parameters, stream, sourceLocation: sourceLocation)
    if case .error(let error) = seen.last { #expect(observed.closeSent == error.closeCode.rawValue) }
  }
}

private func peer(of role: Role) -> Role { role == .client ? .server : .client }

@Suite("Receiver, RFC 7692: compressed messages")
struct ReceiverInflatingTests {
  @Test("7.2.3: the examples", arguments: InflaterTests.payloads)
  func examples(name: String, payload: [UInt8], message: String) {
    expect([.text(message)]) { wire($0, 0xC1, payload) }
  }

  @Test("7.2.3.1: in two fragments, RSV1 on the first only; a ping between them changes nothing (aiohttp#12988)")
  func fragments() {
    expect([.ping([1]), .text("Hello"), .binary([0xF2])]) { role in
      wire(role, 0x41, Array(hello.prefix(3))) + wire(role, 0x89, [1]) + wire(role, 0x00)
        + wire(role, 0x80, Array(hello.suffix(4))) + wire(role, 0x82, [0xF2])
    }
  }

  @Test("7.2.3.2: with context takeover a message refers to the one before; compressed and plain ones may alternate (lws#1362)")
  func sharedWindow() {
    expect(agreed: takeover, [.text("Hello"), .binary(hello), .text("Hello")]) { role in
      wire(role, 0xC1, hello) + wire(role, 0x82, hello) + wire(role, 0xC1, helloAgain)
    }
  }

  @Test("7.1.1: without context takeover it must not, and the first message never")
  func noWindow() {
    expect([.text("Hello"), .error(.corruptDeflate)]) { wire($0, 0xC1, hello) + wire($0, 0xC1, helloAgain) }
    for parameters in [takeover, noTakeover] {
      expect(agreed: parameters, [.error(.corruptDeflate)]) { wire($0, 0xC1, helloAgain) }
    }
  }

  @Test("7.1.1: each end's takeover is its own")
  func takeoverOfOneEnd() {
    for role in [Role.client, .server] {
      let parameters = DeflateParameters(serverKeepsContext: role == .client, clientKeepsContext: role == .server)
      let other = DeflateParameters(serverKeepsContext: role == .server, clientKeepsContext: role == .client)
      let bytes = wire(role, 0xC1, hello) + wire(role, 0xC1, helloAgain)
      expectEvents(role, compression: parameters, bytes, [.text("Hello"), .text("Hello")])
      expectViolation(role, compression: other, bytes, after: [.text("Hello")], .corruptDeflate, 1007)
    }
  }

  @Test("7.2.3.6: an empty message is one byte; one without payload is taken for empty too, and the window stays")
  func empty() {
    expect(agreed: takeover, [.text("Hello"), .text(""), .binary([]), .binary([]), .text(""), .text("Hello")]) { role in
      wire(role, 0xC1, hello) + wire(role, 0xC1, [0]) + wire(role, 0xC2) + wire(role, 0x42) + wire(role, 0x00)
        + wire(role, 0x80) + wire(role, 0x41) + wire(role, 0x80, [0]) + wire(role, 0xC1, helloAgain)
    }
  }

  @Test("7.2.3.4: blocks with BFINAL inside a message and at its end (Beast#923)")
  func finalBlocks() {
    let final: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
    expect(agreed: takeover, [.text("HelloHello"), .text("Hello")]) { role in
      wire(role, 0x41, final) + wire(role, 0x80, final + [0]) + wire(role, 0xC1, helloAgain)
    }
  }

  @Test("messages of all sizes, whatever the window: 8 too", arguments: 8...15)
  func windows(bits: Int) throws {
    for keeps in [true, false] {
      let parameters = DeflateParameters(
        serverKeepsContext: keeps, clientKeepsContext: keeps, serverWindowBits: bits, clientWindowBits: bits)
      let messages = [1, 300, 20_000, 20_000, 0, 70_000].map { pattern($0) }
      // Our compressor has no window of 8. Stored blocks need none, and a run refers to the byte before.
      let level: Int32 = bits == 8 ? 0 : 6
      for role in [Role.client, .server] {
        let payloads = try compressed(by: peer(of: role), parameters, messages, level: level)
        let bytes = payloads.flatMap { wire(role, 0xC2, $0) }
        let observed = observe(role, compression: parameters, bytes, cuts: Array(stride(from: 0, to: bytes.count, by: 3001)))
        #expect(observed.seen == messages.map { .binary($0) })
        expectSameInParts(role, compression: parameters, bytes)
      }
    }
  }

  @Test("8.1: text is judged after decompressing, at the first bad byte, and at the end")
  func badText() throws {
    for text: [UInt8] in [[0x61, 0xFF], [0x61, 0xC3], [0xC3, 0x28], [0xED, 0xA0, 0x80]] {
      let payload = try compressed(by: .server, noTakeover, [text])[0]
      expect([.error(.invalidUTF8)]) { wire($0, 0xC1, payload) }
      expect([.binary(text)]) { wire($0, 0xC2, payload) }
    }
    let early = try compressed(by: .server, noTakeover, [[0xFF] + pattern(40_000)])[0]
    let receiver = TestReceiver(.client, compression: noTakeover)
    #expect(throws: ProtocolError.invalidUTF8) { try receiver.run(Array(wire(.client, 0xC1, early).dropLast(50))) }
    let split = try compressed(by: .server, noTakeover, [utf8("aä€😀")])[0]
    expect([.text("aä€😀")]) { wire($0, 0xC1, split) }
  }

  @Test("what is no deflate data, or was cut, is corrupt, for ever (decisions 3)")
  func corrupt() throws {
    let rows: [[UInt8]] = [
      [0xFF], [0x07], [0x06], utf8("Hello"), Array(hello.prefix(4)), [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48],
      [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], [0x03, 0x00], hello + [0xFF],
    ]
    for payload in rows { expect([.error(.corruptDeflate)]) { wire($0, 0xC2, payload) + wire($0, 0xC2, hello) } }
    let receiver = TestReceiver(.client, compression: takeover)
    #expect(throws: ProtocolError.corruptDeflate) { try receiver.run(wire(.client, 0xC2, [0xFF])) }
    for _ in 0..<100 { #expect(throws: ProtocolError.corruptDeflate) { _ = try receiver.next() } }
    #expect(receiver.memoryHeld == 0)
  }

  @Test("traffic counts both sizes of compressed messages, and of those only")
  func traffic() throws {
    for delivery in [Delivery.whole, .parts] {
      let receiver = TestReceiver(.server, compression: noTakeover)
      receiver.inner.delivery = delivery
      let twice = wire(.server, 0x41, hello + [0, 0, 0xFF, 0xFF]) + wire(.server, 0x80, hello)
      try receiver.feed(twice + wire(.server, 0x82, pattern(50)))
      while try receiver.inner.advance() != nil {}
      let traffic = receiver.inner.traffic
      #expect(traffic.messages == 2 && traffic.bytes == 60)
      #expect(traffic.compressedBytes == 10 && traffic.deflatedBytes == 18)
    }
  }
}

@Suite("Receiver: what compressed messages may cost")
struct ReceiverInflatingCostTests {
  /// The payload of a message of so many times a mebibyte of zeros.
  private func bomb(_ mebibytes: Int) throws -> [UInt8] {
    let one = try compressed(by: .server, noTakeover, [Array(repeating: 0, count: 1 << 20)])[0]
    return Array(repeatElement(one + [0, 0, 0xFF, 0xFF], count: mebibytes - 1).joined()) + one
  }

  @Test("a deflate bomb of 1 GiB costs no more than the limit, and 1009 (decisions 4)", arguments: [16 << 20, 1 << 20, 10])
  func bombOfAGigabyte(limit: Int) throws {
    let frame = wire(.client, 0xC2, try bomb(1024))
    for delivery in [Delivery.whole, .parts] {
      let receiver = TestReceiver(.client, limit: UInt64(limit), compression: noTakeover)
      receiver.inner.delivery = delivery
      var most = 0
      #expect(throws: ProtocolError.messageTooBig(limit: UInt64(limit))) {
        for start in stride(from: 0, to: frame.count, by: 4096) {
          try frame[start..<min(start + 4096, frame.count)].withUnsafeBytes { try receiver.inner.feed($0) }
          while try receiver.inner.advance() != nil {}
          most = max(most, receiver.memoryHeld)
        }
      }
      #expect(most <= 2 * limit + 131_072)
      #expect(receiver.memoryHeld == 0)
    }
  }

  @Test("without a limit a bomb in parts costs a part")
  func bombInParts() throws {
    let receiver = TestReceiver(.client, compression: noTakeover)
    receiver.inner.delivery = .parts
    let payload = try bomb(64)
    try receiver.feed(wire(.client, 0xC2, payload))
    guard case .begin = try receiver.inner.advance() else { throw Unexpected() }
    let before = receiver.memoryHeld
    var total = 0
    while case .part(let part, let isLast) = try receiver.inner.advance() {
      total += part.count
      guard part.count <= Receiver.inflatedPart, receiver.memoryHeld <= before + Receiver.inflatedPart else {
        throw Unexpected()
      }
      #expect(isLast == (total == 64 << 20 && part.isEmpty) || isLast)
    }
    #expect(total == 64 << 20)
  }

  @Test("7.4.1: a message of exactly the limit passes, one byte more does not", arguments: [1, 5, 4096, 16_384, 70_000])
  func limitIsExact(limit: Int) throws {
    for (messages, level) in [([pattern(limit), pattern(limit)], 6), ([pattern(limit)], 0)] as [([[UInt8]], Int32)] {
      let payloads = try compressed(by: .server, noTakeover, messages, level: level)
      expect(limit: UInt64(limit), messages.map { .binary($0) }) { role in
        payloads.flatMap { wire(role, 0x42, Array($0.prefix(3))) + wire(role, 0x80, Array($0.dropFirst(3))) }
      }
    }
    let larger = try compressed(by: .server, noTakeover, [pattern(limit + 1)])[0]
    expect(limit: UInt64(limit), [.error(.messageTooBig(limit: UInt64(limit)))]) { wire($0, 0xC2, larger) }
  }

  @Test("the size on the wire is judged on the header: the limit, an eighth of it and 1 KiB")
  func wireLimit() throws {
    let error = ProtocolError.messageTooBig(limit: 8000)
    let flushes = Array(repeatElement([0, 0, 0, 0xFF, 0xFF] as [UInt8], count: 2004).joined())
    expect(limit: 8000, [.text("Hello")]) {
      wire($0, 0x41, Array(flushes.dropFirst(5))) + wire($0, 0x80, hello)
    }
    atBothEnds { role in
      expectViolation(role, limit: 8000, compression: takeover, header(role, 0xC2, claiming: 10_025), error, 1009)
      let open = wire(role, 0x42, flushes)
      expectViolation(role, limit: 8000, compression: takeover, open + header(role, 0x80, claiming: 5), error, 1009)
      let claimed = header(role, 0xC2, claiming: 1 << 63 - 1)
      expectViolation(role, limit: 8000, compression: takeover, claimed, error, 1009)
      #expect(observeEveryWay(role, limit: .max, compression: takeover, claimed) == Observation())
      #expect(observeEveryWay(role, limit: .max - 9, compression: takeover, claimed) == Observation())
    }
  }

  @Test("a header that claims a gigabyte reserves nothing", arguments: [1 << 30, 1 << 62, Int.max])
  func claimsReserveNothing(claimed: Int) throws {
    let receiver = TestReceiver(.server, compression: noTakeover)
    #expect(try receiver.run(header(.server, 0xC1, claiming: UInt64(claimed))) == [])
    _ = try receiver.freeSpace()
    #expect(receiver.memoryHeld <= 8192)
    #expect(try receiver.run(masked(hello)) == [])
    _ = try receiver.freeSpace()
    #expect(receiver.memoryHeld <= 16_384)
  }

  @Test("300,000 empty fragments of a compressed message cost nothing (CVE-2026-12151)")
  func emptyFragments() throws {
    let frames = [UInt8](repeating: 0, count: 2 * 1000)
    let receiver = TestReceiver(.client, limit: 16, compression: noTakeover)
    #expect(try receiver.run([0x42, 0x00]) == [])
    for _ in 0..<300 {
      try frames.withUnsafeBytes { try receiver.inner.feed($0) }
      guard try receiver.next() == nil else { throw Unexpected() }
    }
    #expect(receiver.memoryHeld <= 8192)
    #expect(try receiver.run(wire(.client, 0x80, hello)) == [.binary(utf8("Hello"))])
  }

  #if DEBUG || WSSWIFT_MEMORY_FAULTS
    @Test("without context takeover an idle connection holds no decompressor; with it, one")
    func idleHoldsNoDecompressor() throws {
      for (parameters, isHeld) in [(noTakeover, false), (takeover, true)] {
        let before = Memory.blocksHeld
        let receiver = TestReceiver(.client, compression: parameters)
        #expect(try receiver.run(Array(wire(.client, 0xC1, hello).dropLast())) == [])
        #expect(Memory.blocksHeld > before)
        #expect(try receiver.run([hello[6]]) == [.text("Hello")])
        receiver.inner.releaseIdle()
        #expect((Memory.blocksHeld > before) == isHeld)
        try receiver.feed(wire(.client, 0xC1, [0xFF]))
        #expect(throws: ProtocolError.corruptDeflate) { _ = try receiver.next() }
        #expect(Memory.blocksHeld == before)
      }
    }

    @Test("every allocation refused once: 1011 and the events before it, and nothing leaks")
    func refused() throws {
      let large = try compressed(by: .client, takeover, [pattern(30_000), pattern(30_000)])
      let stream = wire(.server, 0xC1, hello) + large.flatMap { wire(.server, 0xC2, $0) } + wire(.server, 0xC1, [0])
      let good = observe(.server, compression: noTakeover, Array(stream.prefix(stream.count)))
      for number in 1...100 {
        let before = Memory.blocksHeld
        Memory.failAllocation(number)
        let observed = observe(
          .server, compression: noTakeover, stream, cuts: Array(stride(from: 0, to: stream.count, by: 900)))
        let isDue = Memory.isFailureDue
        Memory.failAllocation(0)
        #expect(Memory.blocksHeld == before)
        if isDue {
          #expect(observed.seen == good.seen && number > 3)
          return
        }
        #expect(observed.seen.last == .error(.outOfMemory) || observed.seen == good.seen)
      }
      Issue.record("more than 100 allocations")
    }
  #endif
}

private struct Unexpected: Error {}
