// What stays and what ends: the first error, the close frame, the end of the stream, and calls in an odd order.
import Testing

@testable import WSProtocol

@Suite("Receiver: after the end, and misuse")
struct ReceiverStateTests {
  @Test("the first error is returned for ever, and its memory is given back")
  func errorsStay() throws {
    let faults: [(ProtocolError, [UInt8])] = [
      (.reservedBits, wire(.server, 0xC1)), (.unmasked, wire(.client, 0x81)),
      (.messageTooBig(limit: 9), wire(.server, 0x82, pattern(10))),
      (.invalidUTF8, wire(.server, 0x81, [0xFF])), (.badCloseCode(1006), wire(.server, 0x88, closePayload(1006))),
    ]
    for (error, bytes) in faults {
      let receiver = TestReceiver(.server, limit: 9)
      try receiver.feed(wire(.server, 0x01, utf8("abc")) + wire(.server, 0x80) + bytes)
      #expect(try receiver.next() == .text("abc"))
      for _ in 0..<1100 {
        #expect(throws: error) { _ = try receiver.advance() }
      }
      #expect(throws: error) { try receiver.feed(wire(.server, 0x81, utf8("late"))) }
      #expect(throws: error) { _ = try receiver.freeSpace() }
      receiver.received(10)
      #expect(throws: error) { _ = try receiver.advance() }
      #expect(receiver.failure == error)
      #expect(receiver.memoryHeld == 0)
    }
  }

  @Test("5.5.1: bytes behind a close frame are not even stored")
  func closedStoresNothing() throws {
    let receiver = TestReceiver(.client)
    try receiver.feed(wire(.client, 0x88, closePayload(1001, "x")))
    #expect(try receiver.next() == .close(1001, utf8("x")))
    #expect(receiver.isClosed)
    #expect(!receiver.isInsideMessage)
    for _ in 0..<100 { try receiver.feed(pattern(1000)) }
    #expect(receiver.memoryHeld < 1000)
    for _ in 0..<100 {
      try receiver.feed(pattern(1000))
      let space = try receiver.freeSpace()
      receiver.received(space.count)
      #expect(try receiver.next() == nil)
    }
    #expect(receiver.memoryHeld == 0)
    #expect(receiver.failure == nil)
  }

  @Test("7.1.5: cut anywhere, a message is unfinished; between messages it is not (TestEOFWithinFrame)")
  func endWithinFrame() throws {
    let whole = wire(.server, 0x02, pattern(64)) + wire(.server, 0x89, [1]) + wire(.server, 0x80, pattern(64))
    for count in 0...whole.count {
      let receiver = TestReceiver(.server)
      try receiver.feed(Array(whole.prefix(count)))
      while let event = try receiver.advance() {
        if case .message = event { #expect(!receiver.isInsideMessage, "lent bytes are not unfinished ones") }
      }
      #expect(receiver.isInsideMessage == (count > 0 && count < whole.count))
    }
  }

  @Test("received believes no count beyond the room that was offered")
  func receivedIsClamped() throws {
    for odd in [Int.max, Int.min, -1, 100_000] {
      let receiver = TestReceiver(.server)
      receiver.received(odd)
      #expect(try receiver.next() == nil)
      #expect(!receiver.isInsideMessage)
      // Inside a message that is received straight into its place.
      let frame = wire(.server, 0x82, pattern(40))
      try receiver.feed(Array(frame.prefix(10)))
      #expect(try receiver.next() == nil)
      receiver.received(odd)
      #expect(try receiver.next() == nil)
      let space = try receiver.freeSpace()
      #expect(space.count == frame.count - 10)
      space.copyBytes(from: frame.dropFirst(10))
      receiver.received(space.count)
      receiver.received(odd)
      #expect(try receiver.next() == .binary(pattern(40)))
      #expect(try receiver.next() == nil)
    }
  }

  @Test("room that was offered is void after any other call")
  func offersEnd() throws {
    let receiver = TestReceiver(.client)
    _ = try receiver.freeSpace()
    #expect(try receiver.next() == nil)
    receiver.received(100)
    try receiver.feed([0x82, 0x01])
    receiver.received(100)
    try receiver.feed([0x07])
    #expect(try receiver.next() == .binary([7]))
  }

  @Test("no bytes and no room change nothing")
  func nothingIsNothing() throws {
    let receiver = TestReceiver(.client)
    for byte in wire(.client, 0x82, pattern(30)) {
      try receiver.feed([])
      _ = try receiver.freeSpace()
      receiver.received(0)
      try receiver.feed([byte])
    }
    #expect(try receiver.next() == .binary(pattern(30)))
  }

  @Test("RFC 7692 6: where RSV1 is negotiated, it marks the first frame of a message and nothing else")
  func negotiatedBit() throws {
    let refused: [[UInt8]] = [
      wire(.client, 0xC0), wire(.client, 0xC9), wire(.client, 0xCA), wire(.client, 0xC8), wire(.client, 0xF1),
      wire(.client, 0xD2),
      wire(.client, 0x41, [0]) + wire(.client, 0xC0, [2]),
    ]
    for bytes in refused {
      let receiver = TestReceiver(.client)
      receiver.inner.agree(on: DeflateParameters())
      try receiver.feed(bytes)
      #expect(throws: ProtocolError.reservedBits) { _ = try receiver.advance() }
    }
    let receiver = TestReceiver(.client)
    receiver.inner.agree(on: DeflateParameters())
    try receiver.feed(wire(.client, 0xC2, [0]) + wire(.client, 0x82, [2]))
    #expect(try receiver.next() == .binary([]))
    #expect(try receiver.next() == .binary([2]))
  }
}
