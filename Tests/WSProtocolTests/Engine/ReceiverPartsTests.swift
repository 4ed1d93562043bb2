// Messages in parts: the same bytes as whole ones, lent as they arrive, and nothing is put together.
import Testing

@testable import WSProtocol

@Suite("Receiver: messages in parts")
struct ReceiverPartsTests {
  @Test("5.4: fragments, empty ones too, with control frames between them")
  func sameBytes() {
    atBothEnds { role in
      expectSameInParts(role, wire(role, 0x81) + wire(role, 0x82, [1]) + wire(role, 0x81, utf8("häl")))
      let open = wire(role, 0x01) + wire(role, 0x00, utf8("a")) + wire(role, 0x89, [7]) + wire(role, 0x00)
      expectSameInParts(role, open + wire(role, 0x80, utf8("bc")) + wire(role, 0x82, pattern(200)))
      expectSameInParts(role, open + wire(role, 0x8A) + wire(role, 0x80) + wire(role, 0x88, closePayload(1000, "x")))
      expectSameInParts(role, wire(role, 0x02, pattern(70_000)) + wire(role, 0x80, pattern(9000, from: 70_000)))
    }
  }

  @Test("8.1, 5.2, 7.4.1: the same violations, in the same place")
  func sameViolations() {
    atBothEnds { role in
      let text = wire(role, 0x01, [0x61, 0xC3])
      expectSameInParts(role, text + wire(role, 0x80, [0xA4]))
      expectSameInParts(role, text + wire(role, 0x80))
      expectSameInParts(role, text + wire(role, 0x00, [0x61]))
      expectSameInParts(role, text + wire(role, 0x81))
      expectSameInParts(role, text + wire(role, 0xC0))
      expectSameInParts(role, limit: 4, wire(role, 0x02, pattern(3)) + wire(role, 0x80, [1]))
      expectSameInParts(role, limit: 4, wire(role, 0x02, pattern(3)) + wire(role, 0x80, [1, 2]))
      expectSameInParts(role, limit: 4, wire(role, 0x82, pattern(5)))
    }
  }

  @Test("a message counts at its end, with all its bytes")
  func traffic() throws {
    let receiver = TestReceiver(.client)
    receiver.inner.delivery = .parts
    try receiver.feed(wire(.client, 0x02, pattern(10)))
    while try receiver.inner.advance() != nil {}
    #expect(receiver.inner.traffic.messages == 0)
    try receiver.feed(wire(.client, 0x80, pattern(5)))
    while try receiver.inner.advance() != nil {}
    #expect(receiver.inner.traffic.messages == 1 && receiver.inner.traffic.bytes == 15)
  }

  @Test("a gigabyte in parts costs a buffer, and parts are lent from there without a copy")
  func costsABuffer() throws {
    let receiver = TestReceiver(.client)
    receiver.inner.delivery = .parts
    try receiver.feed(header(.client, 0x82, claiming: 1 << 30))
    guard case .begin(.binary) = try receiver.inner.advance() else { throw Unexpected() }
    var total = 0
    while total < 3_000_000 {
      let space = try receiver.freeSpace()
      let start = UnsafeRawPointer(space.baseAddress)
      space.initializeMemory(as: UInt8.self, repeating: 1)
      receiver.received(space.count)
      total += space.count
      guard case .part(let part, false) = try receiver.inner.advance() else { throw Unexpected() }
      #expect(part.count == space.count && part.baseAddress == start)
      guard try receiver.inner.advance() == nil else { throw Unexpected() }
      #expect(receiver.memoryHeld <= 131_072)
    }
  }

  @Test("how messages come is looked at when one begins")
  func deliveryChanges() throws {
    let receiver = TestReceiver(.client)
    try receiver.feed(wire(.client, 0x02, [1]))
    guard try receiver.inner.advance() == nil else { throw Unexpected() }
    receiver.inner.delivery = .parts
    try receiver.feed(wire(.client, 0x80, [2]) + wire(.client, 0x02, [3]))
    #expect(try receiver.next() == .binary([1, 2]))
    guard case .begin(.binary) = try receiver.inner.advance() else { throw Unexpected() }
    receiver.inner.delivery = .whole
    guard case .part(_, false) = try receiver.inner.advance() else { throw Unexpected() }
    try receiver.feed(wire(.client, 0x80) + wire(.client, 0x82, [4]))
    guard case .part(_, true) = try receiver.inner.advance() else { throw Unexpected() }
    #expect(try receiver.next() == .binary([4]))
  }
}

@Suite("Receiver: lending")
struct ReceiverLendingTests {
  @Test("with nothing unread no memory is held; what is unread stays")
  func idleHoldsNothing() throws {
    for frame in [wire(.server, 0x82, pattern(200)), wire(.server, 0x02, pattern(5000)) + wire(.server, 0x80, [1])] {
      for delivery in [Delivery.whole, .parts] {
        let receiver = TestReceiver(.server)
        receiver.inner.delivery = delivery
        try receiver.feed(frame)
        receiver.inner.releaseIdle()
        #expect(receiver.memoryHeld > 0)
        while try receiver.inner.advance() != nil {}
        receiver.inner.releaseIdle()
        #expect(receiver.memoryHeld == 0)
        try receiver.feed(Array(frame.prefix(7)))
        receiver.inner.releaseIdle()
        #expect(receiver.memoryHeld > 0)
        try receiver.feed(Array(frame.dropFirst(7)))
        guard try receiver.inner.advance() != nil else { throw Unexpected() }
      }
    }
  }

  @Test("what was lent lives on where it is kept, while others read on")
  func keptBytes() throws {
    let stream =
      wire(.client, 0x82, pattern(100)) + wire(.client, 0x02, pattern(90)) + wire(.client, 0x80, pattern(10, from: 90))
    for skipped in 0...1 {
      let receiver = TestReceiver(.client)
      try receiver.feed(stream + wire(.client, 0x82, [9]))
      for _ in 0..<skipped { _ = try receiver.next() }
      guard case .message(_, let view) = try receiver.advance() else { throw Unexpected() }
      try receiver.inner.keepLent()
      if skipped == 0 { #expect(try receiver.next() == .binary(pattern(100))) }
      #expect(try receiver.next() == .binary([9]))
      try receiver.feed(stream + stream)
      while try receiver.next() != nil {}
      receiver.inner.releaseIdle()
      #expect(Array(view) == pattern(100))
      receiver.inner.endKept()
      #expect(receiver.memoryHeld == 0)
    }
  }
}

private struct Unexpected: Error {}
