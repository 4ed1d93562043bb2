// What a connection without a socket sends, and when it gives up on its peer.
import Testing
import WSProtocol

@testable import WSSwift

private let second: Int64 = 1_000_000_000

@Suite struct LoopConnectionSendingTests {
  @Test(arguments: [Role.server, .client]) func sendsMessagesAndFragments(role: Role) throws {
    let connection = try LoopConnection.opened(role)
    try connection.send(.text, ByteView("whole"))
    try connection.send(.binary, ByteView("a"), isFinal: false)
    #expect(throws: WSError.send(.messageOpen)) { try connection.send(.text, ByteView("x")) }
    try connection.sendControl(.ping, ByteView("p"))
    try connection.send(nil, ByteView("b"))
    #expect(throws: WSError.send(.noMessageOpen)) { try connection.send(nil, ByteView("x")) }
    let first = connection.ours(1, "whole") + connection.ours(2, [0x61], isFinal: false)
    #expect(connection.allOutput() == first + connection.ours(9, "p") + connection.ours(0, "b"))
  }

  @Test(arguments: [Role.server, .client]) func nothingBeforeItIsOpen(role: Role) throws {
    let connection = role == .client ? try LoopConnection.client() : LoopConnection.server()
    let before = connection.output.count
    #expect(throws: WSError.state) { try connection.send(.text, .empty) }
    #expect(throws: WSError.state) { try connection.sendControl(.ping, .empty) }
    #expect(throws: WSError.state) { try connection.close(.normal, reason: .empty) }
    #expect(connection.output.count == before)
  }

  /// The handshake's bytes leave before the first frame, in parts too.
  @Test func outputKeepsItsOrder() throws {
    let connection = LoopConnection.server()
    try connection.take(request())
    #expect(try connection.told() == [.request])
    try connection.accept()
    try connection.send(.text, ByteView("first"))
    var all: [UInt8] = []
    while !connection.output.isEmpty {
      let part = connection.output.prefix(3)
      all += part
      connection.sent(part.count)
    }
    #expect(all.starts(with: Array("HTTP/1.1 101 ".utf8)) && all.suffix(7) == connection.ours(1, "first")[...])
  }

  @Test func oneCloseFrame() throws {
    let connection = try LoopConnection.opened(.client)
    #expect(throws: WSError.send(.badCloseCode)) { try connection.close(.abnormal, reason: .empty) }
    #expect(throws: WSError.send(.badCloseCode)) { try connection.close(.noStatus, reason: ByteView("x")) }
    try connection.close(.goingAway, reason: ByteView("bye"))
    try connection.close(.normal, reason: .empty)
    #expect(connection.allOutput() == connection.ours(8, [0x03, 0xe9] + Array("bye".utf8)))
    #expect(throws: WSError.send(.closeSent)) { try connection.send(.text, .empty) }
    #expect(connection.ourCloseCode == .goingAway)
  }

  /// An answer to the peer's close frame is one too.
  @Test func closingBehindTheEndIsHarmless() throws {
    let connection = try LoopConnection.opened(.server)
    try connection.takeFrame(8, [0x03, 0xe8])
    _ = try connection.told()
    _ = connection.allOutput()
    try connection.close(.normal, reason: .empty)
    #expect(connection.output.isEmpty)
    #expect(throws: WSError.send(.closeSent)) { try connection.send(.text, .empty) }
  }

  @Test(arguments: [0, 5 * second, -30 * second, .max - 20 * second]) func anOpeningHandshakeHasItsTime(start: Int64) throws {
    let connection = LoopConnection.server()
    let deadline = connection.tick(now: Deadline(nanoseconds: start))
    #expect(deadline.nanoseconds == start + 10 * second)
    _ = connection.tick(now: Deadline(nanoseconds: deadline.nanoseconds - 1))
    #expect(try connection.told() == [])
    #expect(connection.tick(now: deadline) == .never)
    #expect(throws: WSError.timeout) { try connection.nextEvent() }
  }

  @Test func theDecisionHasNoDeadline() throws {
    let connection = LoopConnection.server()
    let deadline = connection.tick(now: Deadline(nanoseconds: second))
    try connection.take(request())
    #expect(try connection.told() == [.request])
    #expect(connection.tick(now: Deadline(nanoseconds: deadline.nanoseconds + second)) == .never)
    try connection.accept()
    #expect(try connection.told() == [.open])
  }

  @Test(arguments: [Role.server, .client]) func aCloseFrameWaitsTenSeconds(role: Role) throws {
    let connection = try LoopConnection.opened(role)
    #expect(connection.tick(now: Deadline(nanoseconds: second)) == .never)
    try connection.close(.normal, reason: .empty)
    let deadline = connection.tick(now: Deadline(nanoseconds: 2 * second))
    #expect(deadline.nanoseconds == 12 * second)
    try connection.takeFrame(1, "late")
    #expect(try connection.told() == [.text("late")])
    #expect(connection.tick(now: Deadline(nanoseconds: 3 * second)) == deadline)
    _ = connection.tick(now: deadline)
    #expect(throws: WSError.timeout) { try connection.nextEvent() }
    #expect(!connection.output.isEmpty)
  }
}
