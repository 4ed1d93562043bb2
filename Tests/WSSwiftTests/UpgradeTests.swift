// Answering handshakes: what clients send, in which pieces, and what they are told; and the order of the calls.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

/// A request that is in order, with more lines.
func request(
  host: String = "localhost", path: String = "/", key: String = "dGhlIHNhbXBsZSBub25jZQ==", _ more: String...
) -> [UInt8] {
  let lines = [
    "GET \(path) HTTP/1.1", "Host: \(host)", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: \(key)",
  ]
  return Array(((lines + more).joined(separator: "\r\n") + "\r\n\r\n").utf8)
}

/// An attempt to upgrade one end of a socket pair, and the other end.
func makeUpgrade(_ upgrader: Upgrader = Upgrader(), alreadyRead: [UInt8] = []) throws -> (Upgrade, RawPeer) {
  let (ours, theirs) = try socketPair()
  let upgrade = try lending(alreadyRead) { try upgrader.attempt(descriptor: ours, alreadyRead: $0) }
  return (upgrade, RawPeer(theirs, masks: true))
}

@Suite struct UpgradeTests {
  @Test func answersARequest() throws {
    let upgrader = Upgrader()
    try upgrader.speak("chat")
    try upgrader.add("X-Answer", "yes")
    let (upgrade, peer) = try makeUpgrade(upgrader)
    try peer.send(request(path: "/a?b", "Sec-WebSocket-Protocol: news, chat", "X-Asked: it"))
    try upgrade.receiveRequest()
    #expect(upgrade.request.target.string == "/a?b")
    #expect(upgrade.request.first(ByteView("x-asked"))?.string == "it")
    #expect(upgrade.explanation.isEmpty)
    #expect(peer.isSilent())
    let conn = try upgrade.accept()
    let head = try peer.head()
    #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
    // The example of RFC 6455 1.3.
    #expect(header("Sec-WebSocket-Accept", of: head) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    #expect(header("Sec-WebSocket-Protocol", of: head) == "chat" && conn.subprotocol.string == "chat")
    #expect(header("X-Answer", of: head) == "yes")
    try peer.send(text: "hi")
    #expect(try conn.text() == "hi")
  }

  @Test(arguments: [1, 7, 60]) func takesARequestInPieces(size: Int) throws {
    let bytes = request() + Frame(opcode: 1, payload: [0x61], maskKey: [1, 2, 3, 4]).bytes
    let (upgrade, peer) = try makeUpgrade(alreadyRead: Array(bytes.prefix(size)))
    let sender = Background {
      var rest = bytes.dropFirst(size)
      while !rest.isEmpty {
        try peer.send(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
    }
    try upgrade.receiveRequest()
    try sender.value()
    #expect(try upgrade.accept().text() == "a")
  }

  /// The application may have read more than the request.
  @Test func bytesReadBeforeAreKept() throws {
    let frames = (0..<3).flatMap { Frame(opcode: 1, payload: [0x61 + UInt8($0)], maskKey: [9, 9, 9, 9]).bytes }
    let (upgrade, peer) = try makeUpgrade(alreadyRead: request() + frames.prefix(10))
    try upgrade.receiveRequest(deadline: past)
    try peer.send(Array(frames.dropFirst(10)))
    let conn = try upgrade.accept()
    #expect(try [conn.text(), conn.text(), conn.text()] == ["a", "b", "c"])
  }

  @Test func aSilentClientTimesOut() throws {
    let upgrader = Upgrader()
    try upgrader.setTimeout(milliseconds: 60)
    let (upgrade, peer) = try makeUpgrade(upgrader)
    let taken = milliseconds { #expect(fault(try upgrade.receiveRequest()) == .timeout) }
    #expect(taken >= 59 && taken < 1000)
    #expect(fault(try upgrade.accept()) == .state)
    withExtendedLifetime(peer) {}
  }

  @Test func aDrippingClientTimesOutToo() throws {
    let (upgrade, peer) = try makeUpgrade()
    let sender = Background {
      for byte in request().prefix(25) {
        sleep(milliseconds: 20)
        try peer.send([byte])
      }
    }
    let taken = milliseconds { #expect(fault(try upgrade.receiveRequest(deadline: .after(milliseconds: 150))) == .timeout) }
    #expect(taken >= 149 && taken < 1000)
    _ = try? sender.value()
  }

  @Test func aClientThatLeavesIsLost() throws {
    let (upgrade, peer) = try makeUpgrade()
    try peer.send(Array(request().prefix(30)))
    peer.drop()
    #expect(fault(try upgrade.receiveRequest()) == .lost(0))
    #expect(fault(try upgrade.receiveRequest()) == .state)
  }

  @Test func aClientThatLeavesBeforeTheAnswerIsLost() throws {
    let (upgrade, peer) = try makeUpgrade()
    try peer.send(request())
    try upgrade.receiveRequest()
    peer.drop()
    #expect(fault(try upgrade.accept()) == .lost(EPIPE))
  }

  @Test func callsComeInOrderAndOnce() throws {
    let (upgrade, peer) = try makeUpgrade()
    #expect(fault(try upgrade.accept()) == .state)
    #expect(fault(try upgrade.refuse(status: 403, body: .empty)) == .state)
    try peer.send(request())
    try upgrade.receiveRequest()
    #expect(fault(try upgrade.receiveRequest()) == .state)
    let conn = try upgrade.accept()
    #expect(fault(try upgrade.accept()) == .state)
    #expect(fault(try upgrade.refuse(status: 403, body: .empty)) == .state)
    _ = try peer.head()
    try conn.send("still open")
    #expect(try peer.frame().text == "still open")
  }

  @Test func anAttemptThatIsFreedClosesTheStream() throws {
    let (ours, theirs) = try socketPair()
    let peer = RawPeer(theirs, masks: true)
    try peer.send(request())
    do {
      let upgrade = try Upgrader().attempt(descriptor: ours)
      try upgrade.receiveRequest()
    }
    #expect(try peer.isAtEnd())
  }

  @Test func whatIsNoStreamSocketIsRefusedAndClosed() throws {
    var pipes: [Int32] = [0, 0]
    pipe(&pipes)
    #expect(fault(try Upgrader().attempt(descriptor: pipes[1])) == .system(ENOTSOCK))
    #expect(hasLostItsOtherEnd(pipes[0]))
    close(pipes[0])
  }

  @Test func withoutMemoryTheRequestIsAnsweredWith503() throws {
    let (upgrade, peer) = try makeUpgrade()
    try peer.send(request())
    let answer = Background {
      let rest = try peer.rest()
      peer.drop()
      return String(decoding: rest, as: UTF8.self)
    }
    Memory.failAllocation(2)
    let error = fault(try upgrade.receiveRequest())
    Memory.failAllocation(0)
    #expect(error == .outOfMemory)
    #expect(answer.isDone(after: 300))
    if answer.isDone() { #expect(try answer.value().hasPrefix("HTTP/1.1 503 ")) }
  }

  /// After a refusal a client that sends without pause is heard for a moment only.
  @Test func aFloodBehindARefusalDoesNotHoldIt() throws {
    let (upgrade, peer) = try makeUpgrade()
    try peer.send(Array("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
    let flood = Flood(peer, [0])
    let refusal = Background { milliseconds { #expect(fault(try upgrade.receiveRequest()) == .handshake(.upgradeMissing)) } }
    #expect(try refusal.value() < 3000)
    flood.stop()
    try flood.wait()
  }
}

@Suite struct UpgradeRefusalTests {
  private func refusal(_ bytes: [UInt8], _ upgrader: Upgrader = Upgrader()) throws -> (WSError?, String, Upgrade) {
    let (upgrade, peer) = try makeUpgrade(upgrader)
    try peer.send(bytes)
    let answer = Background {
      let rest = try peer.rest()
      peer.drop()
      return String(decoding: rest, as: UTF8.self)
    }
    let error = fault(try upgrade.receiveRequest())
    return (error, try answer.value(), upgrade)
  }

  private func text(_ lines: String...) -> [UInt8] { Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) }

  @Test func badRequestsAreToldWhy() throws {
    let long = String(repeating: "x", count: 20_000)
    let cases: [([UInt8], HandshakeError, Int)] = [
      (text("GET / HTTP/1.1", "Host: localhost"), .upgradeMissing, 426),
      (text("POST / HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: upgrade"), .methodNotGet, 405),
      (request(key: "short"), .badKey, 400),
      (request(more: "Content-Length: 5"), .requestBody, 400),
      (request(more: "Host: again"), .hostRepeated, 400),
      (request(more: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), .keyRepeated, 400),
      (request(path: "/" + long), .head(.targetTooLong), 414),
      (request(more: "X: " + long), .head(.tooLarge), 431),
      (request(more: "X: a\u{1}"), .head(.controlByte), 400),
      (text("GET / HTTP/2.0", "Host: localhost"), .head(.badVersion), 505),
    ]
    for (bytes, expected, status) in cases {
      let (error, answer, upgrade) = try refusal(bytes)
      #expect(error == .handshake(expected))
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
      #expect(header("Connection", of: answer)?.hasPrefix("close") == true)
      #expect(answer.hasSuffix("\r\n\r\n\(expected.text)\n"))
      #expect(fault(try upgrade.accept()) == .state)
    }
  }

  private func request(path: String = "/", key: String = "dGhlIHNhbXBsZSBub25jZQ==", more: String = "X: 1") -> [UInt8] {
    WSSwiftTests.request(path: path, key: key, more)
  }

  @Test func anOldVersionIsToldTheRightOne() throws {
    let old = String(decoding: request(), as: UTF8.self).replacingOccurrences(of: "Version: 13", with: "Version: 8")
    let (error, answer, _) = try refusal(Array(old.utf8))
    #expect(error == .handshake(.unsupportedVersion))
    #expect(answer.hasPrefix("HTTP/1.1 426 ") && header("Sec-WebSocket-Version", of: answer) == "13")
    #expect(header("Upgrade", of: answer) == "websocket")
  }

  @Test func whatIsNotHTTPGetsNoAnswer() throws {
    let (error, answer, _) = try refusal([0x16, 0x03, 0x01, 0x02, 0x00])
    #expect(error == .handshake(.head(.notHTTP)) && answer.isEmpty)
  }

  @Test func theApplicationMayRefuse() throws {
    let (upgrade, peer) = try makeUpgrade()
    try peer.send(request())
    try upgrade.receiveRequest()
    for status in [0, 101, 103, 199, 600, -1] { #expect(fault(try upgrade.refuse(status: status, body: .empty)) == .invalid) }
    let large = [UInt8](repeating: 0x61, count: 65537)
    #expect(fault(try lending(large) { try upgrade.refuse(status: 403, body: $0) }) == .invalid)
    let answer = Background {
      let rest = try peer.rest()
      peer.drop()
      return String(decoding: rest, as: UTF8.self)
    }
    try upgrade.refuse(status: 403, body: ByteView("not you"))
    let text = try answer.value()
    #expect(text.hasPrefix("HTTP/1.1 403 Forbidden\r\n") && text.hasSuffix("\r\n\r\nnot you"))
    #expect(header("Content-Length", of: text) == "7")
    #expect(fault(try upgrade.accept()) == .state)
  }

  /// A client that goes on sending must not have the answer reset away, nor hold us.
  @Test func aClientThatKeepsSendingStillGetsTheAnswer() throws {
    let (near, far) = try tcpPair()
    let peer = RawPeer(near, masks: true)
    let upgrade = try Upgrader().attempt(descriptor: far)
    try peer.send(text("GET / HTTP/1.1", "Host: localhost"))
    let flood = Background { for _ in 0..<100 { try? peer.send([UInt8](repeating: 0x61, count: 10_000)) } }
    let taken = milliseconds { #expect(fault(try upgrade.receiveRequest()) == .handshake(.upgradeMissing)) }
    #expect(taken < 3000)
    try flood.value()
    #expect(try peer.head().hasPrefix("HTTP/1.1 426 "))
  }

  @Test(arguments: [
    ("https://evil.example", HandshakeError.originNotAllowed), ("http://localhost.evil", .originNotAllowed),
    ("null", .badOrigin),
    ("http://localhost, http://localhost", .badOrigin), ("http://localhost/path", .badOrigin),
  ])
  func foreignOriginsAreRefused(origin: String, expected: HandshakeError) throws {
    let (error, answer, upgrade) = try refusal(request(more: "Origin: \(origin)"))
    #expect(error == .handshake(expected))
    #expect(answer.hasPrefix("HTTP/1.1 403 ") && !answer.contains("evil"))
    #expect(upgrade.explanation.string.contains(origin.prefix(8)))
  }
}
