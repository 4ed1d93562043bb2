// Events lend their bytes: they stay as they are until the receiver's next call, whatever else happens.
import Testing

@testable import WSProtocol

@Suite("Event: borrowed bytes")
struct EventTests {
  /// The view of the next event, and what it must hold.
  private func view(_ event: Event?) throws -> ByteView {
    switch try #require(event) {
    case .message(_, let bytes), .ping(let bytes), .pong(let bytes), .close(_, let bytes): bytes
    }
  }

  @Test("a view holds until the next call, from the buffer and from an assembled message")
  func viewsHold() throws {
    let size = 5000
    let stream =
      wire(.server, 0x82, pattern(size)) + wire(.server, 0x89, pattern(125)) + wire(.server, 0x8A, pattern(3))
      + wire(.server, 0x02, pattern(2000)) + wire(.server, 0x80, pattern(size - 2000, from: 2000))
      + wire(.server, 0x88, [3, 0xE8] + utf8("the end"))
    let expected = [pattern(size), pattern(125), pattern(3), pattern(size), utf8("the end")]
    let engine = TestEngine(.server)
    try stream.lend { (bytes) throws(ProtocolError) in try engine.inner.feed(bytes) }
    for bytes in expected {
      let view = try view(try engine.inner.nextEvent(maskKey: 0))
      // Sending, other memory and questions are not the receiver's calls.
      if engine.closeSent == nil { try engine.inner.send(.binary, view, maskKey: 1) }
      engine.inner.sent(engine.output.count)
      var noise = ByteQueue()
      try noise.append(view)
      _ = engine.isFinished
      #expect(Array(view) == bytes)
    }
  }

  @Test("a view may be changed by nobody: two events in a row do not share bytes")
  func viewsDoNotOverlap() throws {
    let receiver = TestReceiver(.client)
    let stream = (0..<50).flatMap { wire(.client, 0x82, pattern(100, from: $0)) }
    try receiver.feed(stream)
    var end: UnsafeRawPointer?
    for number in 0..<50 {
      let view = try view(try receiver.advance())
      #expect(Array(view) == pattern(100, from: number))
      let start = try #require(view.baseAddress)
      if let end { #expect(start >= end) }
      end = start + view.count
    }
  }

  @Test("the bytes given to feed are copied and never written")
  func feedCopies() throws {
    let bytes = wire(.server, 0x82, pattern(300))
    let mine = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { mine.deallocate() }
    mine.copyBytes(from: bytes)
    let receiver = TestReceiver(.server)
    try receiver.inner.feed(ByteView(mine))
    #expect(Array(mine) == bytes)
    mine.initializeMemory(as: UInt8.self, repeating: 0xEE)
    #expect(Array(try view(try receiver.advance())) == pattern(300))
    #expect(mine.allSatisfy { $0 == 0xEE })
  }
}
