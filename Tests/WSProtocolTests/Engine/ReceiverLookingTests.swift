// What comes next, told without taking it.
import Testing

@testable import WSProtocol

@Suite("Receiver: looking ahead")
struct ReceiverLookingTests {
  @Test("RFC 6455 5.2: the first byte of a frame tells data from control", arguments: [Role.client, .server])
  func firstBytes(role: Role) throws {
    for first in UInt8.min...UInt8.max {
      let receiver = TestReceiver(role)
      #expect(!receiver.isAtData)
      try receiver.feed([first])
      #expect(receiver.isAtData == (first & 0x0F < 8))
    }
  }

  @Test("inside a data frame it is at data, inside a control frame it is not")
  func insideFrames() throws {
    let receiver = TestReceiver(.server)
    try receiver.feed(Array(wire(.server, 0x89, [1, 2, 3]).dropLast()))
    #expect(try receiver.next() == nil)
    #expect(!receiver.isAtData)
    try receiver.feed([wire(.server, 0x89, [1, 2, 3]).last ?? 0])
    #expect(try receiver.next() == .ping([1, 2, 3]))
    // What an event lends is not what comes next.
    #expect(!receiver.isAtData)
    try receiver.feed(Array(wire(.server, 0x81, utf8("abc")).dropLast()))
    #expect(receiver.isAtData)
    #expect(try receiver.next() == nil)
    #expect(receiver.isAtData)
  }

  @Test("behind a lent message the next frame counts; behind a close frame nothing does")
  func behindMessages() throws {
    let receiver = TestReceiver(.client)
    try receiver.feed(wire(.client, 0x81, utf8("abc")) + wire(.client, 0x89) + wire(.client, 0x82) + wire(.client, 0x88))
    #expect(try receiver.next() == .text("abc"))
    #expect(!receiver.isAtData)
    #expect(try receiver.next() == .ping([]))
    #expect(receiver.isAtData)
    #expect(try receiver.next() == .binary([]))
    #expect(try receiver.next() == .close(1005, []))
    try receiver.feed(wire(.client, 0x81, utf8("late")))
    #expect(!receiver.isAtData)
  }
}
