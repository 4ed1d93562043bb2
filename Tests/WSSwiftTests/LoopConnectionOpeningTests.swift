// The opening handshake of a connection without a socket: in pieces, with bytes behind the head, accepted, refused, and broken.
import Testing
import WSProtocol

@testable import WSSwift

@Suite struct LoopConnectionOpeningTests {
  @Test func aClientAsksAndOpens() throws {
    let dialer = Dialer()
    try dialer.offer("chat")
    let connection = try LoopConnection.client(dialer)
    let head = String(decoding: connection.allOutput(), as: UTF8.self)
    #expect(head.hasPrefix("GET / HTTP/1.1\r\nHost: localhost\r\n"))
    #expect(header("Sec-WebSocket-Key", of: head) == "dGhlIHNhbXBsZSBub25jZQ==")
    #expect(throws: WSError.state) { try dialer.offer("more") }
    var told: [Told] = []
    for byte in response("Sec-WebSocket-Protocol: chat") + Frame(opcode: 1, payload: [0x61]).bytes {
      try connection.take([byte])
      told += try connection.told()
    }
    #expect(told == [.open, .text("a")])
    #expect(connection.subprotocol.string == "chat" && connection.head.status == 101 && !connection.isServer)
  }

  @Test func aServerIsAskedAndAccepts() throws {
    let upgrader = Upgrader()
    try upgrader.speak("chat")
    let connection = LoopConnection.server(upgrader)
    var told: [Told] = []
    let early = Frame(opcode: 1, payload: [0x62], maskKey: loopKey).bytes
    for byte in request(path: "/a?b", "Sec-WebSocket-Protocol: x, chat") + early {
      if told.isEmpty { #expect(throws: WSError.state) { try connection.accept() } }
      try connection.take([byte])
      told += try connection.told()
    }
    #expect(told == [.request] && connection.output.isEmpty)
    #expect(connection.head.target.string == "/a?b" && connection.isServer)
    try connection.accept()
    #expect(try connection.told() == [.open, .text("b")])
    let head = String(decoding: connection.allOutput(), as: UTF8.self)
    #expect(header("Sec-WebSocket-Accept", of: head) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    #expect(connection.subprotocol.string == "chat")
    #expect(throws: WSError.state) { try connection.accept() }
  }

  @Test func aServerRefuses() throws {
    let connection = LoopConnection.server()
    try connection.take(request())
    #expect(try connection.told() == [.request])
    #expect(throws: WSError.invalid) { try connection.refuse(status: 199, body: .empty) }
    try connection.refuse(status: 403, body: ByteView("no"))
    #expect(String(decoding: connection.allOutput(), as: UTF8.self).hasPrefix("HTTP/1.1 403 Forbidden\r\n"))
    #expect(throws: WSError.aborted) { try connection.nextEvent() }
    #expect(throws: WSError.state) { try connection.refuse(status: 403, body: .empty) }
  }

  @Test func aBadRequestIsAnswered() throws {
    let connection = LoopConnection(Upgrader(), isSecure: false, isLoopback: true)
    try connection.take(request(host: "evil.example"))
    #expect(throws: WSError.handshake(.hostNotAllowed)) { try connection.nextEvent() }
    #expect(String(decoding: connection.allOutput(), as: UTF8.self).hasPrefix("HTTP/1.1 421 "))
    #expect(connection.explanation.string.contains("\"evil.example\""))
  }

  /// One call may bring much more than the limit for what is sent ahead.
  @Test func aResponseMayBringALot() throws {
    let connection = try LoopConnection.client()
    let large = [UInt8](repeating: 7, count: 200_000)
    try connection.take(response() + Frame(opcode: 2, payload: large).bytes)
    #expect(try connection.told() == [.open, .binary(large)])
  }

  @Test func aClientMaySendOnlySoMuchAhead() throws {
    let connection = LoopConnection.server()
    try connection.take(request())
    #expect(try connection.told() == [.request])
    try connection.take([UInt8](repeating: 0, count: 65536))
    #expect(throws: WSError.handshake(.head(.tooLarge))) { try connection.freeSpace() }
    #expect(String(decoding: connection.allOutput(), as: UTF8.self).hasPrefix("HTTP/1.1 431 "))
    #expect(throws: WSError.handshake(.head(.tooLarge))) { try connection.nextEvent() }
  }

  /// The room that was lent before lies in memory that is gone.
  @Test func acceptingTakesTheRoomBack() throws {
    let connection = LoopConnection.server()
    try connection.take(request())
    #expect(try connection.told() == [.request])
    _ = try connection.freeSpace()
    try connection.accept()
    #expect(!connection.received(1))
  }

  /// RFC 9110 15.2, however they are cut.
  @Test(arguments: [16, 17], [true, false]) func interimResponsesAreCounted(count: Int, apart: Bool) throws {
    let connection = try LoopConnection.client()
    let interim = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    for _ in 0..<16 {
      try connection.take(interim)
      if apart { #expect(try connection.told() == []) }
    }
    if count > 16 {
      try connection.take(interim)
      #expect(throws: WSError.handshake(.notSwitched)) { try connection.nextEvent() }
    } else {
      try connection.take(response())
      #expect(try connection.told() == [.open])
    }
  }

  @Test func anotherStatusIsAnError() throws {
    let connection = try LoopConnection.client()
    try connection.take(Array("HTTP/1.1 404 Not Found\r\nX-Why: gone\r\n\r\n".utf8))
    #expect(throws: WSError.status(404)) { try connection.nextEvent() }
    #expect(connection.head.first(ByteView("x-why"))?.string == "gone")
  }
}
