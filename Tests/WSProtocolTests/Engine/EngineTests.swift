// Both halves together: automatic answers, the closing handshake from both sides, and the end of the stream. RFC 6455 5.5, 7.
import Testing

@testable import WSProtocol

private func peer(of role: Role) -> Role { role == .client ? .server : .client }

@Suite("Engine, RFC 6455 5.5 and 6: answers and sending")
struct EngineAnswerTests {
  @Test("5.5.2: a pong stands in the output before the ping's event is taken, behind what was queued")
  func pongsInOrder() throws {
    let engine = TestEngine(.server)
    try engine.send(.text, utf8("first"))
    #expect(try engine.run(wire(.server, 0x89, [1]) + wire(.server, 0x89, [2])) == [.ping([1]), .ping([2])])
    #expect(engine.output == wire(.client, 0x81, utf8("first")) + wire(.client, 0x8A, [2]))
    #expect(engine.takeOutput().count == 10)
    #expect(try engine.run(wire(.server, 0x89, [3]) + wire(.server, 0x89, [4])) == [.ping([3]), .ping([4])])
    #expect(engine.output == wire(.client, 0x8A, [3]) + wire(.client, 0x8A, [4]))
  }

  @Test("5.5.3: a peer that pings and does not read gets the latest pong, and no more memory than for that (OkHttp pongs)")
  func pingFlood() throws {
    let engine = TestEngine(.client)
    #expect(try engine.run(wire(.client, 0x89, [0])) == [.ping([0])])
    for number in 0..<500 {
      let payload = pattern(125, from: number)
      #expect(try engine.run(wire(.client, 0x89, payload)) == [.ping(payload)])
    }
    #expect(engine.output == wire(.server, 0x8A, [0]) + wire(.server, 0x8A, pattern(125, from: 499)))
    #expect(engine.inner.memoryHeld < 10_000)
  }

  @Test("5.5.3: a pong that has begun to leave is not replaced, nor one with a message behind it")
  func begunPongsStay() throws {
    let engine = TestEngine(.server)
    #expect(try engine.run(wire(.server, 0x89, [1])) == [.ping([1])])
    #expect(try engine.run(wire(.server, 0x89, [2])) == [.ping([2])])
    engine.inner.sent(4)
    #expect(try engine.run(wire(.server, 0x89, [3])) == [.ping([3])])
    #expect(engine.output == [1, 2] + wire(.client, 0x8A, [3]))
    try engine.send(.binary, [9])
    #expect(try engine.run(wire(.server, 0x89, [4])) == [.ping([4])])
    #expect(engine.output == [1, 2] + wire(.client, 0x8A, [3]) + wire(.client, 0x82, [9]) + wire(.client, 0x8A, [4]))
  }

  @Test("6.1: messages, fragments and control frames, in the order they were sent")
  func sends() throws {
    for role in [Role.client, .server] {
      let engine = TestEngine(role)
      let to = peer(of: role)
      try engine.send(.text, utf8("one"))
      try engine.send(.binary, pattern(300), isFinal: false)
      try engine.sendControl(.ping, [7])
      try engine.send(nil, pattern(2))
      let expected =
        wire(to, 0x81, utf8("one")) + wire(to, 0x02, pattern(300)) + wire(to, 0x89, [7]) + wire(to, 0x80, pattern(2))
      #expect(engine.output == expected)
      engine.inner.sent(5)
      #expect(engine.output == Array(expected.dropFirst(5)))
      engine.inner.sent(Int.max)
      engine.inner.sent(-1)
      #expect(engine.output == [])
    }
  }

  @Test("output of any size is sent in pieces, and a large buffer is given back")
  func largeOutput() throws {
    let engine = TestEngine(.client)
    try engine.send(.binary, pattern(3_000_000))
    let expected = wire(.server, 0x82, pattern(3_000_000))
    var sent: [UInt8] = []
    while !engine.output.isEmpty {
      let piece = engine.output.prefix(999_983)
      sent += piece
      engine.inner.sent(piece.count)
    }
    #expect(sent == expected)
    #expect(engine.inner.memoryHeld == 0)
  }

  @Test("5.1: what one engine sends, the other understands, and not its own kind")
  func engineToEngine() throws {
    for role in [Role.client, .server] {
      let sending = TestEngine(role)
      try sending.send(.text, utf8("hi"))
      let bytes = sending.takeOutput()
      #expect(try TestEngine(peer(of: role)).run(bytes) == [.text("hi")])
      #expect(throws: role == .client ? ProtocolError.masked : .unmasked) { try TestEngine(role).run(bytes) }
    }
  }
}

@Suite("Engine, RFC 6455 7: closing")
struct EngineCloseTests {
  @Test("7.1.2 and 7.1.3: we begin, the peer answers, and it is over")
  func weBegin() throws {
    for role in [Role.client, .server] {
      let engine = TestEngine(role)
      try engine.close(1000, utf8("done"))
      #expect(engine.takeOutput() == closeAnswer(role, 1000, "done"))
      #expect(engine.closeSent == 1000 && !engine.isFinished)
      // 5.5.1: the peer may finish what it was sending; its pings get no answer any more.
      #expect(try engine.run(wire(role, 0x81, utf8("rest")) + wire(role, 0x89, [1])) == [.text("rest"), .ping([1])])
      #expect(try engine.run(wire(role, 0x88, closePayload(1000))) == [.close(1000, [])])
      #expect(engine.isFinished && engine.outcome == .ordinary)
      #expect(engine.output == [])
    }
  }

  @Test("7.1.3: the peer begins, we echo its code and no reason")
  func peerBegins() throws {
    for role in [Role.client, .server] {
      for code: UInt16 in [1000, 1001, 1012, 3333] {
        let engine = TestEngine(role)
        #expect(try engine.run(wire(role, 0x88, closePayload(code, "why"))) == [.close(code, utf8("why"))])
        #expect(engine.output == closeAnswer(role, code))
        #expect(engine.isFinished && engine.closeSent == code && engine.closeReceived == code)
        #expect(engine.outcome == (code < 1002 ? .ordinary : .withCode(CloseCode(rawValue: code))))
      }
    }
  }

  @Test("7.1.5: a close frame without a code is answered without one, and 1005 never travels")
  func withoutCode() throws {
    let engine = TestEngine(.client)
    #expect(try engine.run(wire(.client, 0x88)) == [.close(1005, [])])
    #expect(engine.output == wire(.server, 0x88))
    #expect(engine.outcome == .ordinary && engine.closeSent == 1005)
    let other = TestEngine(.server)
    try other.close(1005, utf8("not sent"))
    #expect(other.output == wire(.client, 0x88))
  }

  @Test("5.5.1: one close frame only, whatever happens")
  func onlyOne() throws {
    let engine = TestEngine(.server)
    try engine.close(1001)
    let output = engine.output
    #expect(throws: SendError.closeSent) { try engine.close(1000) }
    #expect(throws: SendError.closeSent) { try engine.sendControl(.close, closePayload(1000)) }
    #expect(throws: SendError.closeSent) { try engine.send(.text, utf8("x")) }
    #expect(throws: SendError.closeSent) { try engine.sendControl(.ping, []) }
    // A violation after our close frame finds the door shut already.
    #expect(throws: ProtocolError.reservedBits) { try engine.run([0xF1, 0x80]) }
    #expect(throws: ProtocolError.reservedBits) { try engine.run([]) }
    #expect(engine.output == output)
  }

  @Test("7.1: both sides close at once")
  func bothAtOnce() throws {
    let engine = TestEngine(.client)
    try engine.close(1000, utf8("a"))
    #expect(try engine.run(wire(.client, 0x88, closePayload(4000, "b"))) == [.close(4000, utf8("b"))])
    #expect(engine.output == closeAnswer(.client, 1000, "a"))
    #expect(engine.isFinished && engine.closeSent == 1000 && engine.closeReceived == 4000)
  }

  @Test("7.4: close codes and reasons that must not travel are refused, and the connection goes on")
  func refusedCodes() throws {
    let engine = TestEngine(.server)
    for code: UInt16 in [0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65535] {
      #expect(throws: SendError.badCloseCode) { try engine.close(code, utf8("r")) }
    }
    #expect(throws: SendError.badCloseReason) { try engine.close(1000, [0xFF]) }
    #expect(engine.output == [] && engine.closeSent == nil)
    try engine.close(1000, utf8(String(repeating: "\u{20AC}", count: 100)))
    #expect(engine.output == closeAnswer(.server, 1000, String(repeating: "\u{20AC}", count: 41)))
  }

  @Test("7.1.7: a violation fails the connection with one close frame of its code and words")
  func violations() throws {
    let rows: [(ProtocolError, UInt16, [UInt8])] = [
      (.unknownOpcode(7), 1002, wire(.server, 0x87)), (.invalidUTF8, 1007, wire(.server, 0x81, [0xFF])),
      (.messageTooBig(limit: 64), 1009, header(.server, 0x82, claiming: 65)),
    ]
    for (error, code, bytes) in rows {
      let engine = TestEngine(.server, limit: 64)
      try engine.send(.text, utf8("echo"))
      let before = engine.output
      for _ in 0..<3 { #expect(throws: error) { try engine.run(bytes) } }
      #expect(engine.output == before + closeAnswer(.server, code, error.text.description))
      #expect(engine.isFinished && engine.closeSent == code)
      #expect(engine.outcome == .lost)
      #expect(throws: SendError.closeSent) { try engine.send(.text, utf8("late")) }
    }
  }

  @Test("7.1.7: answers to good earlier frames leave before the close frame that fails the connection")
  func answersBeforeFailure() {
    let bytes = wire(.server, 0x89, [1]) + wire(.server, 0x81, utf8("ok")) + wire(.server, 0x89, [2]) + wire(.server, 0x83)
    expectViolation(
      .server, bytes, after: [.ping([1]), .text("ok"), .ping([2])], .unknownOpcode(3), 1002,
      answers: wire(.client, 0x8A, [1]) + wire(.client, 0x8A, [2]))
  }
}

@Suite("Engine, RFC 6455 7.1.4 and 7.1.5: the end of the stream")
struct EngineEndTests {
  @Test("7.1.5: a stream that ends without a close frame is lost, wherever it is cut (TestEOFWithinFrame)")
  func lostEverywhere() throws {
    let stream = wire(.server, 0x02, pattern(64)) + wire(.server, 0x80, pattern(64))
    for count in 0..<stream.count {
      let engine = TestEngine(.server)
      #expect(try engine.run(Array(stream.prefix(count))) == [])
      #expect(!engine.isFinished)
      try engine.end()
      #expect(engine.isAtEnd && engine.isFinished && engine.outcome == .lost)
      #expect(try engine.run([]) == [])
      #expect(engine.output == [] && engine.closeSent == nil)
    }
  }

  @Test("7.1.4: events that came before the end are still taken, and the close code with them")
  func eventsBeforeTheEnd() throws {
    let engine = TestEngine(.client)
    try (wire(.client, 0x81, utf8("last")) + wire(.client, 0x88, closePayload(1000))).lend { (view) throws(ProtocolError) in
      try engine.inner.feed(view)
    }
    engine.inner.received(0)
    #expect(engine.isFinished)
    #expect(try engine.run([]) == [.text("last"), .close(1000, [])])
    #expect(engine.outcome == .ordinary)
    #expect(engine.output == closeAnswer(.client, 1000))
  }

  @Test("7.1.1: what we still had to send can be sent after the end of what we read")
  func outputAfterEnd() throws {
    let engine = TestEngine(.server)
    try engine.end()
    try engine.send(.text, utf8("bye"))
    try engine.close(1001)
    #expect(engine.output == wire(.client, 0x81, utf8("bye")) + closeAnswer(.server, 1001))
  }
}
