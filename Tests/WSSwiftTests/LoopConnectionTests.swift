// Connections without a socket: bytes in, events out, how long bytes are lent, and the end. What this and the tests of the handshake
// and of sending share is here too. The C programs test_engine* go further.
import Testing
import WSProtocol

@testable import WSSwift

/// What an event said, copied.
enum Told: Equatable {
  case request
  case open
  case text(String)
  case binary([UInt8])
  case ping(String)
  case pong(String)
  case close(UInt16, String)

  init(_ event: LoopEvent) {
    switch event {
    case .request: self = .request
    case .open: self = .open
    case .frame(.message(.text, let bytes)): self = .text(bytes.string)
    case .frame(.message(.binary, let bytes)): self = .binary(bytes.array)
    case .frame(.ping(let bytes)): self = .ping(bytes.string)
    case .frame(.pong(let bytes)): self = .pong(bytes.string)
    case .frame(.close(let code, let reason)): self = .close(code.rawValue, reason.string)
    }
  }
}

/// The mask of all frames, in both directions.
let loopKey: [UInt8] = [0x37, 0xfa, 0x21, 0x3d]

/// The nonce of RFC 6455 1.3, and `loopKey` for every frame.
@Sendable func sampleRandom(_ space: UnsafeMutableRawBufferPointer) {
  space.copyBytes(from: space.count == 16 ? Array("the sample nonce".utf8) : loopKey)
}

/// The answer to a client with `sampleRandom`.
func response(_ more: String...) -> [UInt8] {
  let lines = [
    "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
  ]
  return Array(((lines + more).joined(separator: "\r\n") + "\r\n\r\n").utf8)
}

extension LoopConnection {
  static func client(_ dialer: Dialer = Dialer()) throws -> LoopConnection {
    try dialer.loopConnection(ByteView("ws://localhost/"), random: sampleRandom)
  }

  static func server(_ upgrader: Upgrader = Upgrader()) -> LoopConnection {
    LoopConnection(upgrader, isSecure: false, isLoopback: false)
  }

  /// A connection whose opening handshake is over, and whose part of it has been sent.
  static func opened(_ role: Role) throws -> LoopConnection {
    let connection = role == .client ? try client() : server()
    try connection.take(role == .client ? response() : request())
    if role == .server {
      #expect(try connection.told() == [.request])
      try connection.accept()
    }
    #expect(try connection.told() == [.open])
    _ = connection.allOutput()
    return connection
  }

  func take(_ bytes: [UInt8]) throws { try lending(bytes) { try feed($0) } }

  /// A frame of the peer's arrives.
  func takeFrame(_ opcode: UInt8, _ text: String, isFinal: Bool = true) throws {
    try takeFrame(opcode, Array(text.utf8), isFinal: isFinal)
  }

  func takeFrame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) throws {
    try take(Frame(opcode: opcode, payload: payload, isFinal: isFinal, maskKey: isServer ? loopKey : nil).bytes)
  }

  /// All events that there are now.
  func told() throws -> [Told] {
    var all: [Told] = []
    while let event = try nextEvent() { all.append(Told(event)) }
    return all
  }

  /// All output that there is now; it counts as sent.
  func allOutput() -> [UInt8] {
    var all: [UInt8] = []
    while !output.isEmpty {
      all += output.array
      sent(output.count)
    }
    return all
  }

  /// The bytes of a frame of ours.
  func ours(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
    Frame(opcode: opcode, payload: payload, isFinal: isFinal, maskKey: isServer ? nil : loopKey).bytes
  }

  func ours(_ opcode: UInt8, _ text: String) -> [UInt8] { ours(opcode, Array(text.utf8)) }
}

@Suite struct LoopConnectionTests {
  @Test(arguments: [Role.server, .client]) func tellsInTheOrderOfTheWire(role: Role) throws {
    let connection = try LoopConnection.opened(role)
    try connection.takeFrame(1, "one ", isFinal: false)
    try connection.takeFrame(9, "?")
    try connection.takeFrame(0, "two")
    try connection.takeFrame(10, "!")
    try connection.takeFrame(2, [0, 255])
    #expect(try connection.told() == [.ping("?"), .text("one two"), .pong("!"), .binary([0, 255])])
    #expect(connection.allOutput() == connection.ours(10, "?"))
  }

  @Test(arguments: [Role.server, .client], [1, 2, 7, 100]) func takesBytesIntoItsBuffer(role: Role, piece: Int) throws {
    let connection = try LoopConnection.opened(role)
    let frame = Frame(opcode: 1, payload: Array(repeating: 0x61, count: 300), maskKey: role == .server ? loopKey : nil).bytes
    var told: [Told] = []
    for start in stride(from: 0, to: frame.count, by: piece) {
      let part = frame[start..<min(start + piece, frame.count)]
      let space = try connection.freeSpace()
      space.copyBytes(from: part)
      #expect(connection.received(part.count))
      told += try connection.told()
    }
    #expect(told == [.text(String(repeating: "a", count: 300))])
  }

  @Test func countsNoMoreThanItLent() throws {
    let connection = try LoopConnection.opened(.server)
    #expect(!connection.received(1) && !connection.received(-1))
    let room = try connection.freeSpace().count
    #expect(!connection.received(room + 1) && !connection.received(.max))
    try connection.takeFrame(1, "fed")
    #expect(!connection.received(1))
    _ = try connection.freeSpace()
    #expect(try connection.told() == [.text("fed")])
    #expect(!connection.received(1))
  }

  /// Only an answer takes a key, so what is sent does not depend on how often we are asked for events.
  @Test func keysAreTakenForAnswersOnly() throws {
    let drawn = Guarded(0)
    let connection = try Dialer().loopConnection(ByteView("ws://localhost/")) { space in
      drawn.withLock { $0 += 1 }
      sampleRandom(space)
    }
    try connection.take(response())
    for _ in 0..<10 { _ = try connection.told() }
    #expect(drawn.withLock { $0 } == 2)
    for count in 0..<3 {
      try connection.takeFrame(1, "message")
      try connection.takeFrame(9, "ping")
      _ = try connection.told()
      #expect(drawn.withLock { $0 } == 3 + count)
    }
  }

  @Test(arguments: [Role.server, .client]) func theFirstErrorStays(role: Role) throws {
    let connection = try LoopConnection.opened(role)
    try connection.takeFrame(3, "")
    for _ in 0..<2 { #expect(throws: WSError.violation(.unknownOpcode(3))) { try connection.nextEvent() } }
    #expect(throws: WSError.violation(.unknownOpcode(3))) { try connection.freeSpace() }
    #expect(throws: WSError.violation(.unknownOpcode(3))) { try connection.takeFrame(1, "x") }
    #expect(connection.failure == .violation(.unknownOpcode(3)) && !connection.isClosed)
    #expect(connection.ourCloseCode == .protocolError)
    #expect(connection.allOutput().starts(with: [0x88]))
  }

  @Test func anOrdinaryEndStaysToo() throws {
    let connection = try LoopConnection.opened(.server)
    try connection.takeFrame(8, [0x03, 0xe8] + Array("bye".utf8))
    #expect(try connection.told() == [.close(1000, "bye")])
    #expect(connection.isClosed && connection.failure == nil)
    #expect(connection.closeCodeReceived == .normal && connection.closeReason.string == "bye")
    #expect(connection.allOutput() == connection.ours(8, [0x03, 0xe8]))
    let room = try connection.freeSpace()
    #expect(!room.isEmpty && connection.received(room.count) && connection.received(0))
    try connection.takeFrame(3, "ignored")
    #expect(try connection.told() == [] && connection.isClosed)
  }

  @Test func otherCodesAreAnError() throws {
    let connection = try LoopConnection.opened(.client)
    try connection.takeFrame(8, [0x0f, 0xa0])
    #expect(try connection.nextEvent().map(Told.init) == .close(4000, ""))
    #expect(throws: WSError.closed(CloseCode(rawValue: 4000))) { try connection.nextEvent() }
    #expect(!connection.isClosed)
  }

  @Test(arguments: [Role.server, .client]) func theStreamEndsWithoutAClose(role: Role) throws {
    let connection = try LoopConnection.opened(role)
    try connection.takeFrame(1, "whole")
    try connection.take([0x81])
    try connection.take([])
    #expect(try connection.nextEvent().map(Told.init) == .text("whole"))
    #expect(throws: WSError.lost(0)) { try connection.nextEvent() }
  }

  @Test func settingsHold() throws {
    let connection = try LoopConnection.opened(.server)
    connection.setChecksUTF8(received: false, sent: true)
    try connection.takeFrame(1, [0xff])
    #expect(try connection.nextEvent() != nil)
    #expect(throws: WSError.send(.invalidUTF8)) { try lending([0xff]) { try connection.send(.text, $0) } }
    connection.setReadLimit(3)
    try connection.takeFrame(2, "four")
    #expect(throws: WSError.violation(.messageTooBig(limit: 3))) { try connection.nextEvent() }
  }
}
