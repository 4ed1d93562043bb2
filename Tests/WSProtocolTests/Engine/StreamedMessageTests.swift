// Messages written in pieces: what is kept, where frames are cut, and that a step without its frame can be repeated.
import Testing

@testable import WSProtocol

/// A sender with one streamed message, and the frames that it wants to send.
private final class Stream {
  var sender: Sender
  var number: UInt64 = 0
  /// First byte and payload of what was sent.
  var frames: [(first: UInt8, payload: [UInt8])] = []

  init(_ role: Role, _ kind: MessageKind = .binary, limit: Int, checksUTF8: Bool = false) throws {
    sender = Sender(role: role)
    sender.checksUTF8 = checksUTF8
    number = try sender.openStream(kind, limit: limit)
  }

  func add(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try step(.add($0)) } }

  /// Carries a step out; its frame is made twice, as when it could not be sent at first.
  func step(_ step: StreamStep) throws {
    if try sender.streamNeedsFrame(number, step) {
      _ = try sender.streamFrame(step, maskKey: 0)
      var frame = try sender.streamFrame(step, maskKey: 0)
      let first = (frame.header.isFinal ? 0x80 : 0) | frame.header.opcode.rawValue
      let space = UnsafeMutableRawBufferPointer.allocate(byteCount: max(frame.left, 14), alignment: 1)
      defer { space.deallocate() }
      let count = frame.fill(space)
      frames.append((first, Array(space[frame.header.size..<count])))
      sender.begin(frame)
    }
    try sender.finishStream(step)
  }
}

@Suite("Streamed messages, RFC 6455 5.4")
struct StreamedMessageTests {
  @Test(
    "whatever the pieces are, the frames hold them in order, all but the last are multiples of the buffer", arguments: 1...9)
  func pieces(limit: Int) throws {
    for size in 0...40 {
      for piece in 1...12 {
        let stream = try Stream(.server, limit: limit)
        let bytes = pattern(size)
        for start in stride(from: 0, to: size, by: piece) { try stream.add(Array(bytes[start..<min(start + piece, size)])) }
        try stream.step(.end)
        #expect(stream.frames.flatMap(\.payload) == bytes)
        #expect(stream.frames.dropLast().allSatisfy { $0.payload.count % limit == 0 && !$0.payload.isEmpty })
        #expect(size == 0 || !(stream.frames.last?.payload.isEmpty ?? true), "no empty frame at the end")
        #expect(stream.frames.first?.first == (stream.frames.count == 1 ? 0x82 : 0x02))
        #expect(stream.frames.count == 1 || stream.frames.last?.first == 0x80)
        if size <= limit { #expect(stream.frames.count == 1) }
      }
    }
  }

  @Test("a large piece is one frame and what stays")
  func largePiece() throws {
    let stream = try Stream(.client, limit: 1000)
    try stream.add(pattern(10))
    try stream.add(pattern(100_000))
    #expect(stream.frames.count == 1 && stream.frames.first?.payload.count == 100_000)
    try stream.step(.end)
    #expect(stream.frames.last?.payload.count == 10)
  }

  @Test("flush empties the buffer, and is nothing where it is empty")
  func flush() throws {
    let stream = try Stream(.server, .text, limit: 10)
    try stream.step(.flush)
    #expect(stream.frames.isEmpty)
    try stream.add([1, 2])
    try stream.step(.flush)
    try stream.step(.flush)
    try stream.step(.end)
    #expect(stream.frames.map(\.first) == [0x01, 0x80])
    #expect(stream.frames.map(\.payload) == [[1, 2], []])
  }

  @Test("one message at a time, and what was ended cannot go on")
  func order() throws {
    let stream = try Stream(.server, limit: 10)
    #expect(throws: SendError.messageOpen) { try stream.sender.openStream(.text, limit: 10) }
    #expect(throws: SendError.messageOpen) {
      _ = try stream.sender.dataFrame(.text, isFinal: true, payload: Payload(.empty), maskKey: 0)
    }
    #expect(throws: SendError.messageOpen) {
      _ = try stream.sender.dataFrame(nil, isFinal: true, payload: Payload(.empty), maskKey: 0)
    }
    _ = try stream.sender.controlFrame(.ping, payload: .empty, maskKey: 0)
    let first = stream.number
    try stream.step(.end)
    #expect(throws: SendError.noMessageOpen) { try stream.step(.flush) }
    stream.number = try stream.sender.openStream(.text, limit: 10)
    #expect(stream.number != first)
    #expect(throws: SendError.noMessageOpen) { _ = try stream.sender.streamNeedsFrame(first, .end) }
    _ = try stream.sender.streamNeedsFrame(stream.number, .end)
    #expect(throws: SendError.noMessageOpen) { try stream.add([1]) }
    #expect(throws: SendError.noMessageOpen) { try stream.step(.flush) }
    try stream.step(.end)
  }

  @Test("5.5.1: a close frame ends it, and its memory goes back")
  func close() throws {
    let held = Memory.blocksHeld
    let stream = try Stream(.client, limit: 100)
    try stream.add(pattern(50))
    let close = try stream.sender.controlFrame(.close, payload: .empty, maskKey: 0)
    stream.sender.begin(close)
    #expect(Memory.blocksHeld == held)
    for step in [StreamStep.add(.empty), .flush, .end] {
      #expect(throws: SendError.closeSent) { try stream.step(step) }
    }
    #expect(throws: SendError.closeSent) { _ = try stream.sender.openStream(.text, limit: 1) }
  }

  @Test("8.1: text is checked over the pieces before anything of a piece is taken")
  func text() throws {
    let stream = try Stream(.server, .text, limit: 2, checksUTF8: true)
    try stream.add([0x61, 0xE2])
    #expect(throws: SendError.invalidUTF8) { try stream.add([0x62]) }
    #expect(throws: SendError.invalidUTF8) { try stream.step(.end) }
    #expect(throws: SendError.invalidUTF8) { try stream.add([0x82, 0xAC, 0xFF, 0x61]) }
    #expect(stream.frames.isEmpty)
    try stream.add([0x82, 0xAC])
    try stream.step(.end)
    #expect(stream.frames.flatMap(\.payload) == [0x61, 0xE2, 0x82, 0xAC])
  }

  @Test("without memory nothing is taken, and the step can be repeated")
  func memory() throws {
    BlockPool.drain()
    for bytes in [pattern(10), pattern(20_000)] {
      let stream = try Stream(.server, limit: 10_000)
      Memory.failAllocation(1)
      #expect(throws: SendError.outOfMemory) { try stream.add(bytes) }
      #expect(stream.frames.isEmpty)
      try stream.add(bytes)
      try stream.step(.end)
      #expect(stream.frames.flatMap(\.payload) == bytes)
    }
  }

  @Test("between messages no memory is held")
  func idle() throws {
    let held = Memory.blocksHeld
    let stream = try Stream(.client, limit: 100_000)
    for _ in 0..<3 {
      for _ in 0..<50 { try stream.add(pattern(5000)) }
      #expect(Memory.blocksHeld == held + 1)
      try stream.step(.end)
      #expect(Memory.blocksHeld == held)
      stream.number = try stream.sender.openStream(.text, limit: 100_000)
    }
  }
}
