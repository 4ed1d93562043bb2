// What each half counts, on exact bytes.
import Testing

@testable import WSProtocol

@Suite("Traffic: what has passed in one direction")
struct TrafficTests {
  @Test("events and bytes, and nothing behind a close frame", arguments: [Role.client, .server])
  func received(role: Role) throws {
    let engine = TestEngine(role)
    let bytes =
      wire(role, 0x89, [1, 2]) + wire(role, 0x01, utf8("He")) + wire(role, 0x8A, []) + wire(role, 0x80, utf8("y"))
      + wire(role, 0x82, [9, 9])
    _ = try engine.run(bytes)
    var expected = Traffic()
    expected.messages = 2
    expected.bytes = 5
    expected.wireBytes = UInt64(bytes.count)
    expected.pings = 1
    expected.pongs = 1
    #expect(engine.inner.receivedTraffic == expected)
    _ = try engine.run(wire(role, 0x88, []) + wire(role, 0x81, utf8("late")))
    #expect(engine.inner.receivedTraffic.messages == 2)
  }

  @Test("frames count when they are queued, bytes when they have left", arguments: [Role.client, .server])
  func sent(role: Role) throws {
    let engine = TestEngine(role)
    try engine.send(.text, utf8("abc"), isFinal: false)
    #expect(engine.inner.sentTraffic.messages == 0)
    try engine.send(nil, utf8("de"))
    try engine.sendControl(.ping, [1])
    #expect(engine.inner.sentTraffic.messages == 1)
    #expect(engine.inner.sentTraffic.bytes == 5)
    #expect(engine.inner.sentTraffic.pings == 1)
    #expect(engine.inner.sentTraffic.wireBytes == 0)
    let count = engine.output.count
    engine.inner.sent(3)
    #expect(engine.inner.sentTraffic.wireBytes == 3)
    engine.inner.sent(Int.max)
    #expect(engine.inner.sentTraffic.wireBytes == UInt64(count))
  }
}
