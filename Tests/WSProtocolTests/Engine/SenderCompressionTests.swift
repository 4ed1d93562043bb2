// Compressed messages as the sending half makes them: what the peer decompresses is what was sent, whatever was not sent in between.
import Testing

@testable import WSProtocol

private let forgetful = DeflateParameters(serverKeepsContext: false, clientKeepsContext: false)

@Suite("RFC 7692 6 and 7.2.1: sending compressed messages")
struct SenderCompressionTests {
  @Test("6: RSV1 on the first frame of a compressed message, never on others", arguments: [Role.client, .server])
  func rsv1(role: Role) throws {
    let sender = try CompressingSender(DeflateParameters(), role)
    try sender.send(compressible(500), kind: .text)
    try sender.send(compressible(500), kind: .text, isFinal: false)
    let ping = try sender.inner.controlFrame(.ping, payload: .empty, maskKey: 0)
    #expect(!ping.header.isCompressed)
    try sender.send(compressible(300), kind: nil, isFinal: false)
    try sender.send([], kind: nil)
    try sender.send([], kind: .binary)
    #expect(sender.frames.map(\.first) == [0xC1, 0x41, 0x00, 0x80, 0xC2])
    #expect(sender.messages == [compressible(500), compressible(500) + compressible(300), []])
    #expect(sender.frames.last?.payload == [0x00])
  }

  @Test("every size, with context and without, in both roles")
  func sizes() throws {
    for parameters in [DeflateParameters(), forgetful] {
      for role in [Role.client, .server] {
        let sender = try CompressingSender(parameters, role)
        let all = [0, 1, 2, 124, 125, 126, 127, 128, 129, 65534, 65535, 65536, 65537, 300_000]
        for size in all { try sender.send(compressible(size)) }
        #expect(sender.messages == all.map { compressible($0) })
        #expect(sender.frames.allSatisfy { $0.first == 0xC2 })
      }
    }
  }

  @Test("parts are compressed as one message")
  func parts() throws {
    let sender = try CompressingSender()
    let bytes = compressible(10_000)
    try bytes.withUnsafeBytes { all in
      let parts = [BytePart(all.cut(0, 10)), BytePart(.empty), BytePart(all.cut(10, 9000)), BytePart(all.cut(from: 9000))]
      try parts.withUnsafeBufferPointer { parts in
        let payload = try #require(Payload(parts: parts))
        let frame = try sender.inner.dataFrame(.binary, isFinal: true, payload: payload, maskKey: 0)
        try sender.leave(frame)
        sender.inner.finish(frame, wasSent: true)
      }
    }
    #expect(sender.messages == [bytes])
  }

  @Test("what was not sent is forgotten: the peer understands all that comes later", arguments: [true, false])
  func notSent(keepsContext: Bool) throws {
    let sender = try CompressingSender(DeflateParameters(serverKeepsContext: keepsContext))
    for round in 0..<20 {
      try sender.send(compressible(3000, seed: UInt64(round)))
      try sender.send(compressible(3000, seed: UInt64(100 + round)), isSent: false)
      try sender.send(compressible(3000, seed: UInt64(100 + round)))
    }
    #expect(sender.messages.count == 40)
    #expect(sender.messages.last == compressible(3000, seed: 119))
  }

  @Test("a first fragment that was not sent is forgotten; a message that has begun cannot go on without its fragment")
  func notSentFragment() throws {
    let sender = try CompressingSender()
    try sender.send(compressible(100), isFinal: false, isSent: false)
    try sender.send(compressible(200), isFinal: false)
    try sender.send(compressible(300, seed: 2), kind: nil, isSent: false)
    #expect(throws: SendError.outOfMemory) { try sender.send([1], kind: nil) }
    #expect(throws: SendError.messageOpen) { try sender.send([1]) }
    _ = try sender.inner.controlFrame(.close, payload: .empty, maskKey: 0)
  }

  @Test("a message may say no, and the connection, and its size")
  func switches() throws {
    let sender = try CompressingSender()
    try sender.send(compressible(500), compressed: false)
    sender.inner.compression.isOn = false
    try sender.send(compressible(500))
    sender.inner.compression.isOn = true
    sender.inner.compression.threshold = 100
    try sender.send(compressible(99))
    try sender.send(compressible(100))
    try sender.send(compressible(3), isFinal: false)
    sender.inner.compression.isOn = false
    try sender.send(compressible(4), kind: nil)
    #expect(sender.frames.map(\.first) == [0x82, 0x82, 0x82, 0xC2, 0x42, 0x80])
    #expect(sender.messages.map(\.count) == [500, 500, 99, 100, 7])
    let plain = CompressionlessSender()
    #expect(plain.first == 0x82, "nothing was agreed on")
  }

  @Test("levels and memory levels change between messages, with context too")
  func levels() throws {
    let sender = try CompressingSender()
    var sent: [[UInt8]] = []
    for level in CompressionSettings.levels {
      for memoryLevel in [Int32(1), 8, 9] {
        sender.inner.compression.level = level
        sender.inner.compression.memoryLevel = memoryLevel
        for seed in 0..<2 {
          sent.append(compressible(2000, seed: UInt64(seed)))
          try sender.send(sent[sent.count - 1])
        }
      }
    }
    #expect(sender.messages == sent)
  }

  @Test("without context nothing is held between messages; with it the context is, until nothing can be sent")
  func memory() throws {
    let sender = try CompressingSender(forgetful)
    // The peer's window comes with its first message.
    try sender.send(compressible(10))
    let idle = Memory.blocksHeld
    for _ in 0..<3 {
      try sender.send(compressible(100_000))
      #expect(Memory.blocksHeld == idle)
    }
    let other = try CompressingSender()
    try other.send([])
    let before = Memory.blocksHeld
    try other.send(compressible(1000))
    let busy = Memory.blocksHeld
    other.inner.begin(try other.inner.controlFrame(.close, payload: .empty, maskKey: 0))
    #expect(Memory.blocksHeld < busy && Memory.blocksHeld >= before)
  }

  @Test("without memory nothing was sent, the peer goes on to understand, and nothing leaks", arguments: [true, false])
  func allocationFailures(keepsContext: Bool) throws {
    let sender = try CompressingSender(DeflateParameters(serverKeepsContext: keepsContext))
    try sender.send(compressible(500))
    var failures = 0
    for number in 1...40 {
      var isRefused = false
      // Another suite may fill the pools meanwhile, and then fewer allocations are needed.
      for _ in 0..<5 where !isRefused {
        BlockPool.drain()
        DeflatePool.drain()
        Memory.failAllocation(number)
        do {
          try sender.send(compressible(200_000, seed: UInt64(number)))
        } catch {
          #expect(error as? SendError == .outOfMemory)
          isRefused = true
          try sender.send(compressible(1000, seed: UInt64(number)))
        }
      }
      guard isRefused else { break }
      failures += 1
    }
    Memory.failAllocation(0)
    #expect(failures > (keepsContext ? 0 : 2))
    try sender.send(compressible(1000))
    #expect(sender.messages.last == compressible(1000))
  }

  @Test("counters say what was compressed")
  func traffic() throws {
    let sender = try CompressingSender()
    try sender.send(compressible(10_000))
    try sender.send(compressible(500), compressed: false)
    try sender.stream(compressible(30_000), piece: 1000, limit: 2000)
    let now = sender.inner.traffic
    #expect(now.messages == 3 && now.bytes == 40_500 && now.compressedBytes == 40_000)
    let onWire = sender.frames.enumerated().filter { $0.offset != 1 }.map { $0.element.payload.count }.reduce(0, +)
    #expect(now.deflatedBytes == UInt64(onWire))
  }
}

/// The first byte of what a sender makes where nothing was agreed on.
private struct CompressionlessSender {
  let first: UInt8

  init() {
    var sender = Sender(role: .server)
    let frame = try? sender.dataFrame(.binary, isFinal: true, payload: Payload(.empty), maskKey: 0)
    first = (frame?.header.isCompressed == true ? 0xC0 : 0x80) | (frame?.header.opcode.rawValue ?? 0)
  }
}

@Suite("RFC 7692 7.2.1: compressed messages in pieces")
struct CompressedStreamTests {
  @Test("whatever the pieces and the buffer are, the peer gets the message", arguments: [Role.client, .server])
  func pieces(role: Role) throws {
    for parameters in [DeflateParameters(), forgetful] {
      let sender = try CompressingSender(parameters, role)
      var count = 0
      for size in [0, 1, 10, 1000, 70_000] {
        for piece in [1, 7, 1000, 100_000] where size / piece < 2000 {
          for limit in [1, 100, 16384] {
            try sender.stream(compressible(size, seed: UInt64(size)), piece: piece, limit: limit)
            count += 1
            #expect(sender.messages.last == compressible(size, seed: UInt64(size)))
            #expect(size == 0 || !(sender.frames.last?.payload.isEmpty ?? true), "no empty frame at the end")
          }
        }
      }
      #expect(sender.messages.count == count)
    }
  }

  @Test("a message that fits is one frame; the frames of one that does not are at least as long as the buffer")
  func frames() throws {
    let sender = try CompressingSender()
    try sender.stream(compressible(3000), piece: 100, limit: 16384)
    #expect(sender.frames.map(\.first) == [0xC1])
    sender.frames = []
    var random = SmallRandom(seed: 3)
    try sender.stream(random.bytes(300_000), piece: 5000, limit: 16384)
    #expect(sender.frames.first?.first == 0x41 && sender.frames.last?.first == 0x80)
    #expect(sender.frames.dropLast().allSatisfy { $0.payload.count >= 16384 })
    #expect(sender.frames.count < 20)
  }

  @Test("after a flush the peer has all that was written")
  func flush() throws {
    let sender = try CompressingSender()
    let number = try sender.inner.openStream(.text, limit: 1000)
    var written: [UInt8] = []
    for round in 0..<30 {
      let piece = compressible(1 + round * 37, seed: UInt64(round))
      try sender.add(number, piece)
      try sender.step(number, .flush)
      written += piece
      #expect(sender.arrived == written)
      let before = sender.frames.count
      try sender.step(number, .flush)
      #expect(sender.frames.count == before, "nothing to flush")
    }
    try sender.add(number, [])
    try sender.step(number, .flush)
    try sender.step(number, .end)
    #expect(sender.messages == [written])
    try sender.send(written)
    #expect(sender.messages.last == written)
  }

  @Test("below the threshold nothing is compressed, and above it all is")
  func threshold() throws {
    let sender = try CompressingSender()
    sender.inner.compression.threshold = 100
    let rows: [(size: Int, piece: Int, first: UInt8)] = [
      (0, 1, 0x81), (99, 10, 0x81), (100, 10, 0xC1), (99, 99, 0x81), (500, 500, 0xC1),
    ]
    for row in rows {
      sender.frames = []
      try sender.stream(compressible(row.size), piece: row.piece, limit: 1000)
      #expect(sender.frames.map(\.first) == [row.first], "\(row)")
      #expect(sender.messages.last == compressible(row.size))
    }
    sender.frames = []
    try sender.stream(compressible(300), piece: 10, limit: 20)
    #expect(sender.frames.first?.first == 0xC1, "compressed, and then it fits into the buffer")
    let number = try sender.inner.openStream(.text, limit: 1000)
    try sender.add(number, compressible(5))
    sender.frames = []
    try sender.step(number, .flush)
    #expect(sender.frames.map(\.first) == [0x41])
    try sender.step(number, .end)
    try sender.stream(compressible(300), piece: 10, limit: 1000, compressed: false)
    #expect(sender.frames.last?.first == 0x81)
  }

  @Test("without memory the message is over, and where it had begun no other can follow; what came before stays understood")
  func allocationFailures() throws {
    for begins in [false, true] {
      for number in 1...12 {
        let sender = try CompressingSender(forgetful)
        try sender.send(compressible(100))
        let stream = try sender.inner.openStream(.text, limit: 100)
        if begins {
          try sender.add(stream, compressible(10))
          try sender.step(stream, .flush)
        }
        BlockPool.drain()
        DeflatePool.drain()
        Memory.failAllocation(number)
        var random = SmallRandom(seed: 4)
        let bytes = random.bytes(100_000)
        guard (try? sender.add(stream, bytes)) == nil else {
          Memory.failAllocation(0)
          continue
        }
        if begins {
          #expect(throws: SendError.outOfMemory) { try sender.step(stream, .end) }
          #expect(throws: SendError.messageOpen) { try sender.send([1]) }
        } else {
          #expect(throws: SendError.noMessageOpen) { try sender.step(stream, .end) }
          try sender.send(compressible(1000))
          #expect(sender.messages.last == compressible(1000))
        }
        _ = try sender.inner.controlFrame(.close, payload: .empty, maskKey: 0)
      }
    }
  }

  @Test("between messages in pieces nothing is held without context")
  func memory() throws {
    let sender = try CompressingSender(forgetful)
    // The peer's window comes with its first message.
    try sender.send(compressible(10))
    let idle = Memory.blocksHeld
    for limit in [10, 100_000] {
      try sender.stream(compressible(50_000), piece: 999, limit: limit)
      #expect(Memory.blocksHeld == idle)
    }
    let number = try sender.inner.openStream(.text, limit: 10)
    try sender.add(number, compressible(5000))
    sender.inner.begin(try sender.inner.controlFrame(.close, payload: .empty, maskKey: 0))
    #expect(Memory.blocksHeld == idle)
  }
}
