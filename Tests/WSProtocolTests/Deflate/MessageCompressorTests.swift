// Compressing messages: what comes out is decompressed again, and looked at where the RFC says how it ends.
import Testing

@testable import WSProtocol

@Suite("RFC 7692 7.2.1: compressing")
struct MessageCompressorTests {
  static let sizes = [1, 2, 5, 100, 1024, 4095, 4096, 4097, 65535, 65536, 65537, 300_000]

  @Test("every level and memory level: messages come back, with and without context", arguments: -2...9)
  func levels(level: Int32) throws {
    for (keepsContext, memoryLevel) in [(true, 8), (false, 8), (true, 1), (false, 9)] as [(Bool, Int32)] {
      let compressor = TestCompressor(DeflateParameters(clientKeepsContext: keepsContext))
      compressor.inner.level = level
      compressor.inner.memoryLevel = memoryLevel
      let inflater = try TestInflater()
      for size in Self.sizes {
        let message = compressible(size, seed: UInt64(size))
        let payload = try compressor.compress(message)
        if !keepsContext { inflater.reset() }
        let inflated = try inflater.message(payload)
        #expect(inflated == message, "level \(level), memory \(memoryLevel), \(size) bytes")
        compressor.inner.releaseIfIdle()
      }
    }
  }

  @Test("random bytes come back too, which compression makes larger")
  func incompressible() throws {
    var random = SmallRandom(seed: 7)
    let compressor = TestCompressor()
    let inflater = try TestInflater()
    for size in Self.sizes + [1 << 20] {
      let message = random.bytes(size)
      let payload = try compressor.compress(message)
      let inflated = try inflater.message(payload)
      #expect(inflated == message && payload.count < size + size / 1000 + 20)
    }
  }

  @Test("7.2.3.6: an empty message is one byte, as often as there is one")
  func empty() throws {
    let compressor = TestCompressor()
    let inflater = try TestInflater()
    for text in ["", "", "a", "", "a", "a", ""] {
      let payload = try compressor.compress(utf8(text))
      #expect(!text.isEmpty || payload == [0x00])
      let inflated = try inflater.message(payload)
      #expect(inflated == utf8(text))
    }
  }

  @Test("7.2.1: no payload ends with the tail")
  func tailIsStripped() throws {
    let compressor = TestCompressor()
    for size in Self.sizes {
      let payload = try compressor.compress(compressible(size))
      #expect(payload.suffix(4) != [0x00, 0x00, 0xff, 0xff])
    }
  }

  @Test("7.1.1: with context the second message refers to the first, without it does not")
  func contextTakeover() throws {
    let message = compressible(2000)
    let keeping = TestCompressor(DeflateParameters(clientKeepsContext: true, clientWindowBits: 15))
    let forgetting = TestCompressor(DeflateParameters(clientKeepsContext: false))
    let first = try keeping.compress(message)
    let second = try keeping.compress(message)
    #expect(second.count < first.count / 10)
    let alone = try forgetting.compress(message)
    let aloneAgain = try forgetting.compress(message)
    #expect(alone == aloneAgain)
    let inflated = try TestInflater().message(aloneAgain)
    #expect(inflated == message)
  }

  @Test("7.1.2: what is agreed for a role holds for what it sends", arguments: 8...15)
  func windowBits(bits: Int) throws {
    for role in [Role.client, .server] {
      let parameters = DeflateParameters(
        serverWindowBits: role == .server ? bits : 15, clientWindowBits: role == .client ? bits : 15)
      let compressor = TestCompressor(parameters, role)
      compressor.inner.level = 9
      let inflater = try TestInflater(windowBits: bits)
      // A repetition that lies further back than a small window.
      let part = SmallRandom.bytes(seed: 3, 6000)
      for message in [part + part, part, compressible(100_000)] {
        let payload = try compressor.compress(message)
        let inflated = try inflater.message(payload, space: 100)
        #expect(inflated == message)
      }
    }
  }

  @Test("a message in parts, flushed between some of them, comes out in order and whole")
  func parts() throws {
    for keepsContext in [true, false] {
      let compressor = TestCompressor(DeflateParameters(clientKeepsContext: keepsContext))
      let inflater = try TestInflater()
      for count in [0, 1, 2, 7] {
        var payload: [UInt8] = []
        var message: [UInt8] = []
        for index in 0..<count {
          let part = compressible(index * 3000, seed: UInt64(index))
          message += part
          try compressor.add(part)
          if index % 3 == 1 {
            try compressor.inner.flush()
            try compressor.inner.flush()
            payload += compressor.taken()
            if keepsContext { continue }
            let soFar = try TestInflater().inflate(payload)
            #expect(soFar == message, "what was flushed can be had")
          }
        }
        try compressor.inner.finish()
        payload += compressor.taken()
        if !keepsContext { inflater.reset() }
        let inflated = try inflater.message(payload)
        #expect(inflated == message, "\(count) parts")
      }
    }
  }

  @Test("a flush right before the end: one byte ends the message")
  func flushBeforeEnd() throws {
    let compressor = TestCompressor()
    try compressor.add(utf8("Hello"))
    try compressor.inner.flush()
    let flushed = compressor.taken()
    #expect(flushed.suffix(4) == [0x00, 0x00, 0xff, 0xff])
    try compressor.inner.finish()
    let rest = compressor.taken()
    #expect(rest == [0x00])
    let inflated = try TestInflater().message(flushed + rest)
    #expect(inflated == utf8("Hello"))
  }

  @Test("forget: the next message is understood without the one before, and with it")
  func forget() throws {
    let message = compressible(3000)
    let compressor = TestCompressor()
    let witness = try TestInflater()
    let first = try compressor.compress(message)
    let seen = try witness.message(first)
    #expect(seen == message)
    compressor.inner.forget()
    let payload = try compressor.compress(message)
    for inflater in [try TestInflater(), witness] {
      let inflated = try inflater.message(payload)
      #expect(inflated == message)
    }
    // In the middle of a message, too.
    try compressor.add(message)
    compressor.inner.forget()
    let next = try compressor.compress(utf8("next"))
    let inflated = try TestInflater().message(next)
    #expect(inflated == utf8("next"))
  }

  @Test("another level counts from the next message on, and every decompressor follows")
  func levelChanges() throws {
    let compressor = TestCompressor()
    let inflater = try TestInflater()
    for (level, memory) in [(1, 8), (9, 8), (9, 1), (0, 8), (-2, 8), (-1, 9), (100, 100), (-100, -100)] as [(Int32, Int32)] {
      compressor.inner.level = level
      compressor.inner.memoryLevel = memory
      #expect(compressor.inner.level == min(max(level, -2), 9) && compressor.inner.memoryLevel == min(max(memory, 1), 9))
      let message = compressible(5000)
      let inflated = try inflater.message(try compressor.compress(message))
      #expect(inflated == message)
    }
    compressor.inner.level = 1
    try compressor.add(compressible(5000))
    compressor.inner.level = 0
    try compressor.add(compressible(5000))
    try compressor.inner.finish()
    #expect(compressor.taken().count < 8000, "the message that is open keeps its level")
  }

  @Test("nothing is held between messages without context, and what must be with it")
  func releasing() throws {
    let before = Memory.blocksHeld
    let forgetting = TestCompressor(DeflateParameters(serverKeepsContext: false), .server)
    _ = try forgetting.compress(compressible(10_000))
    #expect(Memory.blocksHeld > before)
    forgetting.inner.releaseIfIdle()
    #expect(Memory.blocksHeld == before)

    let keeping = TestCompressor()
    let inflater = try TestInflater()
    let held = Memory.blocksHeld
    for _ in 0..<2 {
      let inflated = try inflater.message(try keeping.compress(compressible(10_000)))
      #expect(inflated == compressible(10_000))
      keeping.inner.releaseIfIdle()
      #expect(Memory.blocksHeld > held && keeping.inner.output.capacity == 0)
    }
    try keeping.add([1])
    keeping.inner.releaseIfIdle()
    try keeping.inner.finish()
    let inflated = try inflater.message(keeping.taken())
    #expect(inflated == [1], "not in the middle of a message")
  }
}

extension SmallRandom {
  fileprivate static func bytes(seed: UInt64, _ count: Int) -> [UInt8] {
    var random = SmallRandom(seed: seed)
    return random.bytes(count)
  }
}
