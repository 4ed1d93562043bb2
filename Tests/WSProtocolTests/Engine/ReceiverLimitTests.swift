// How much a peer can cost: limits are exact and judged on headers, memory follows the bytes received, time their number.
import Testing

@testable import WSProtocol

@Suite("Receiver: limits")
struct ReceiverLimitTests {
  @Test(
    "7.4.1: a message of the limit passes, one byte more is refused on its header", arguments: [1, 125, 126, 512, 65536, 70000])
  func limitIsExact(limit: Int) {
    atBothEnds { role in
      let exact = wire(role, 0x82, pattern(limit))
      expectEvents(role, limit: UInt64(limit), exact, [.binary(pattern(limit))])
      let tooMuch = header(role, 0x82, claiming: UInt64(limit) + 1)
      expectViolation(role, limit: UInt64(limit), tooMuch, .messageTooBig(limit: UInt64(limit)), 1009)
    }
  }

  @Test("7.4.1: fragments add up, and control frames do not count (TestReadLimit)")
  func fragmentsAddUp() {
    atBothEnds { role in
      let open = wire(role, 0x02, pattern(510)) + wire(role, 0x8A, pattern(125))
      let exact = open + wire(role, 0x80, pattern(2, from: 510))
      expectEvents(role, limit: 512, exact, [.pong(pattern(125)), .binary(pattern(512))])
      let tooMuch = open + header(role, 0x00, claiming: 3)
      expectViolation(role, limit: 512, tooMuch, after: [.pong(pattern(125))], .messageTooBig(limit: 512), 1009)
    }
  }

  @Test("a fragment that would overflow the sum is refused (gorilla TestReadLimit, overflow)")
  func sumDoesNotOverflow() {
    atBothEnds { role in
      let first = wire(role, 0x02, [1])
      let largest = first + header(role, 0x00, claiming: 1 << 63 - 1)
      expectViolation(role, limit: 1, largest, .messageTooBig(limit: 1), 1009)
      expectViolation(role, limit: .max, first + header(role, 0x00, claiming: 1 << 63), .lengthTooLarge, 1002)
      expectViolation(role, limit: 1, first + header(role, 0x00, claiming: 1 << 63), .lengthTooLarge, 1002)
      #expect(observeEveryWay(role, largest) == Observation())
      #expect(observeEveryWay(role, limit: .max, largest) == Observation())
    }
  }

  @Test("the counter starts fresh at each message")
  func counterStartsFresh() {
    let one = wire(.server, 0x01, pattern(4).map { $0 & 0x7F }) + wire(.server, 0x80, pattern(4).map { $0 & 0x7F })
    let text = Seen.text((pattern(4) + pattern(4)).map { $0 & 0x7F })
    expectEvents(.server, limit: 8, one + one + one, [text, text, text])
  }

  @Test("an empty message passes the smallest limit, and empty fragments too")
  func emptyPasses() {
    let bytes = wire(.client, 0x82) + wire(.client, 0x02) + wire(.client, 0x00, [7]) + wire(.client, 0x80)
    expectEvents(.client, limit: 1, bytes, [.binary([]), .binary([7])])
  }

  @Test("a limit lowered or raised in the middle of a message counts from the next header")
  func limitChanges() throws {
    let receiver = TestReceiver(.client)
    let frame = wire(.client, 0x02, pattern(100))
    #expect(try receiver.run(Array(frame.prefix(50))) == [])
    receiver.inner.limit = 10
    #expect(try receiver.run(Array(frame.dropFirst(50))) == [])
    #expect(throws: ProtocolError.messageTooBig(limit: 10)) { try receiver.run(wire(.client, 0x00)) }

    let other = TestReceiver(.client, limit: 100)
    #expect(try other.run(frame) == [])
    other.inner.limit = 101
    #expect(try other.run(wire(.client, 0x80, [1])) == [.binary(pattern(100) + [1])])
  }
}

@Suite("Receiver: memory and time follow the bytes received")
struct ReceiverCostTests {
  @Test("a header that claims a lot reserves nothing (Java-WebSocket#1507)", arguments: [1 << 30, 1 << 62, Int.max])
  func claimsReserveNothing(claimed: Int) throws {
    for first: UInt8 in [0x82, 0x02, 0x81] {
      let receiver = TestReceiver(.server)
      #expect(try receiver.run(header(.server, first, claiming: UInt64(claimed))) == [])
      _ = try receiver.freeSpace()
      #expect(receiver.memoryHeld <= 8192)
      #expect(try receiver.run(masked([0x61])) == [])
      _ = try receiver.freeSpace()
      #expect(receiver.memoryHeld <= 16384)
    }
  }

  @Test("a claimed gigabyte that comes in pieces costs at most twice what came, and 128 KiB")
  func piecesOfALargeFrame() throws {
    let receiver = TestReceiver(.client)
    #expect(try receiver.run(header(.client, 0x82, claiming: 1 << 30)) == [])
    var total = 0
    while total < 3_000_000 {
      let space = try receiver.freeSpace()
      space.initializeMemory(as: UInt8.self, repeating: 1)
      receiver.received(space.count)
      total += space.count
      #expect(try receiver.next() == nil)
      #expect(receiver.memoryHeld <= 2 * total + 131_072)
    }
  }

  @Test("65,536 fragments of 64 bytes cost their bytes and no more (Autobahn 9.3.1, ws#2331)")
  func manyFragments() throws {
    let part = pattern(64).map { $0 & 0x7F }
    let frame = wire(.client, 0x00, part)
    let receiver = TestReceiver(.client, limit: 1 << 22)
    #expect(try receiver.run(wire(.client, 0x01, part)) == [])
    for _ in 1..<65535 {
      try frame.withUnsafeBytes { try receiver.inner.feed($0) }
      guard try receiver.next() == nil else { throw Unexpected() }
    }
    #expect(receiver.memoryHeld <= 2 * (1 << 22) + 8192)
    let last = wire(.client, 0x80, part)
    try last.withUnsafeBytes { try receiver.inner.feed($0) }
    guard case .message(.text, let bytes) = try receiver.advance() else { throw Unexpected() }
    #expect(bytes.count == 1 << 22)
    for index in stride(from: 0, to: bytes.count, by: 997) where bytes[index] != part[index & 63] { throw Unexpected() }
    #expect(try receiver.next() == nil)
    #expect(receiver.memoryHeld <= 8192)
  }

  @Test("300,000 empty fragments cost nothing (CVE-2026-12151)")
  func emptyFragments() throws {
    let frames = [UInt8](repeating: 0, count: 2 * 1000)
    let receiver = TestReceiver(.client, limit: 16)
    #expect(try receiver.run([0x02, 0x00]) == [])
    for _ in 0..<300 {
      try frames.withUnsafeBytes { try receiver.inner.feed($0) }
      guard try receiver.next() == nil else { throw Unexpected() }
    }
    #expect(receiver.memoryHeld <= 4096)
    #expect(try receiver.run([0x80, 0x01, 0x05]) == [.binary([5])])
  }

  @Test("a large buffer is given back when its bytes have been read")
  func largeBuffersGoBack() throws {
    let receiver = TestReceiver(.client)
    for _ in 0..<2 {
      let large = wire(.client, 0x82, pattern(3_000_000))
      #expect(try receiver.run(large).count == 1)
      #expect(receiver.memoryHeld <= 1 << 20)
      #expect(try receiver.run(Array(large.prefix(2_000_000))) == [])
      #expect(try receiver.run(Array(large.suffix(large.count - 2_000_000))).count == 1)
      #expect(receiver.memoryHeld <= 1 << 20)
    }
  }

  @Test("many small messages in one piece are taken in linear time, without moving the rest each time")
  func manySmallMessages() throws {
    var bytes: [UInt8] = []
    for _ in 0..<50_000 { bytes += [0x82, 0x01, 0x2A] }
    let receiver = TestReceiver(.client)
    try receiver.feed(bytes)
    var count = 0
    while case .message = try receiver.advance() {
      count += 1
      // One more byte each time: the queue must not be moved to the front for it.
      try [UInt8(0x8A)].withUnsafeBytes { try receiver.inner.feed($0) }
      try [UInt8(0x00)].withUnsafeBytes { try receiver.inner.feed($0) }
    }
    #expect(count == 50_000)
  }
}

private struct Unexpected: Error {}
