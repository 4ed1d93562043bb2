// Decompressing, with the examples of RFC 7692 and what a hostile peer may send.
import Testing

@testable import WSProtocol

@Suite("RFC 7692 7.2.2: decompressing")
struct InflaterTests {
  private static let hello: [UInt8] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]

  /// The payloads of RFC 7692 7.2.3, and what a peer may make of "Hello" besides.
  static let payloads: [(name: String, payload: [UInt8], message: String)] = [
    ("7.2.3.1: one block", hello, "Hello"),
    ("7.2.3.3: a block without compression", [0x00, 0x05, 0x00, 0xfa, 0xff] + utf8("Hello") + [0x00], "Hello"),
    ("7.2.3.4: a block with BFINAL", [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], "Hello"),
    ("7.2.3.5: two blocks", [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00], "Hello"),
    ("7.2.3.6: an empty message", [0x00], ""),
    (
      "two blocks with BFINAL, then one without", [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00] + [0x03, 0x00] + hello,
      "HelloHello"
    ),
    ("fifty empty blocks with BFINAL", Array(repeating: [0x03, 0x00], count: 50).flatMap { $0 } + hello, "Hello"),
    ("twenty flushes", Array(repeating: [0x00, 0x00, 0x00, 0xff, 0xff], count: 20).flatMap { $0 } + hello, "Hello"),
  ]

  @Test("payloads, in pieces of every size and into room of every size", arguments: payloads)
  func examples(name: String, payload: [UInt8], message: String) throws {
    for piece in [1, 2, 3, .max] {
      for space in [1, 2, 5, 4096] {
        let inflater = try TestInflater()
        let inflated = try inflater.message(payload, piece: piece, space: space)
        #expect(inflated == utf8(message), "\(name): pieces of \(piece) into \(space)")
      }
    }
  }

  @Test("7.2.3.2: the second message refers to the first; after a reset it is corrupt")
  func sharedWindow() throws {
    let inflater = try TestInflater()
    for payload in [Self.hello, [0xf2, 0x00, 0x11, 0x00, 0x00]] {
      let message = try inflater.message(payload)
      #expect(message == utf8("Hello"))
    }
    inflater.reset()
    #expect(throws: InflateError.corrupt) { try inflater.message([0xf2, 0x00, 0x11, 0x00, 0x00]) }
    inflater.reset()
    let again = try inflater.message(Self.hello)
    #expect(again == utf8("Hello"))
  }

  @Test("7.2.3.4: behind a block with BFINAL the window is still there")
  func windowSurvivesFinalBlock() throws {
    let inflater = try TestInflater()
    let first = try inflater.message([0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00])
    let second = try inflater.message([0xf2, 0x00, 0x11, 0x00, 0x00])
    #expect(first == utf8("Hello") && second == utf8("Hello"))
  }

  @Test(
    "what is not deflate, or was cut, is corrupt",
    arguments: [
      [0xff, 0xff], [0x06], [0x07, 0x00], [0x00, 0x05, 0x00, 0xfa, 0xfe],  // a block of type 3, and a length that is none
      [0xf2, 0x48, 0xcd], [], [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65],  // no end
      [0xf2, 0x00, 0x11, 0x00, 0x00],  // refers to a message that was never there
      [0x03, 0x00],  // ends with a block that has BFINAL, without the byte that 7.2.3.4 wants
    ] as [[UInt8]])
  func corrupt(payload: [UInt8]) throws {
    for piece in [1, .max] {
      let inflater = try TestInflater()
      #expect(throws: InflateError.corrupt) { try inflater.message(payload, piece: piece) }
    }
  }

  @Test("a bomb comes out in pieces of the room that there is, and no faster")
  func bomb() throws {
    let size = 100 << 20
    let compressor = TestCompressor()
    compressor.inner.level = 9
    let part = [UInt8](repeating: 0, count: 1 << 20)
    var payload: [UInt8] = []
    for _ in 0..<(size >> 20) {
      try compressor.add(part)
      payload += compressor.taken()
    }
    try compressor.inner.finish()
    payload += compressor.taken()
    #expect(payload.count < 120_000)

    var inflater = try Inflater(windowBits: 15)
    var total = 0
    var rest = payload[...]
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1000, alignment: 1)
    defer { room.deallocate() }
    while total < 5_000_000 {
      let (consumed, produced) = try Array(rest).lend { (view) throws(InflateError) in try inflater.inflate(view, into: room) }
      #expect(produced == 1000)
      total += produced
      rest = rest.dropFirst(consumed)
    }
    #expect(rest.count > 80_000, "the input is not read ahead of the room")
  }

  @Test("windows of 8 to 15 bits, and what is beyond them means the nearest", arguments: 6...17)
  func windows(bits: Int) throws {
    let inflater = try TestInflater(windowBits: bits)
    #expect(inflater.windowBits == min(max(bits, 8), 15))
    let message = try inflater.message(Self.hello)
    #expect(message == utf8("Hello"))
  }

  @Test("whatever comes: an error or some bytes, and never more than there is room for", arguments: 0..<20)
  func mutations(seed: Int) throws {
    var random = SmallRandom(seed: UInt64(seed))
    let payload = try TestCompressor().compress(compressible(3000, seed: UInt64(seed)))
    for round in 0..<200 {
      var bytes = round % 4 == 0 ? random.bytes(random.below(300)) : payload
      for _ in 0..<(1 + random.below(4)) where !bytes.isEmpty {
        bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      let inflater = try TestInflater(windowBits: 8 + random.below(8))
      _ = try? inflater.message(bytes, piece: 1 + random.below(400), space: 1 + random.below(5000))
      inflater.reset()
      let message = try inflater.message(Self.hello)
      #expect(message == utf8("Hello"))
    }
  }

  @Test("no room: nothing happens")
  func noRoom() throws {
    var inflater = try Inflater(windowBits: 15)
    let nothing = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    let (consumed, produced) = try Self.hello.lend { (view) throws(InflateError) in try inflater.inflate(view, into: nothing) }
    #expect(consumed == 0 && produced == 0)
  }
}
