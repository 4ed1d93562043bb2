// Opening connections: every step of an attempt, how each can fail, and that one deadline and one cancellation reach them all.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

/// A server whose answers are written by hand.
final class RawServer: Sendable {
  private let listener: Int32
  let port: UInt16

  init() throws { (listener, port) = try Listening.listen(host: nil, port: 0) }

  deinit { Listening.close(descriptor: listener) }

  var url: String { "ws://127.0.0.1:\(port)/path?query" }

  /// The next client.
  func accept() throws -> RawPeer {
    RawPeer(try Listening.accept(listener, deadline: .after(milliseconds: 10_000)).descriptor, masks: false)
  }
}

func header(_ name: String, of head: String) -> String? {
  head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
    .map { $0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces) }
}

/// The accept value for the key of a request.
func accept(for request: String) -> String {
  var queue = ByteQueue()
  try? lending(Array((header("Sec-WebSocket-Key", of: request) ?? "").utf8)) {
    try Challenge.appendAccept(key: $0, to: &queue)
  }
  return queue.bytes.string
}

/// A 101 for a request, with more lines.
func switching(_ request: String, _ more: String...) -> String {
  let lines = [
    "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
    "Sec-WebSocket-Accept: \(accept(for: request))",
  ]
  return (lines + more).joined(separator: "\r\n") + "\r\n\r\n"
}

func makeDial(_ url: String, _ dialer: Dialer = Dialer()) throws -> Dial {
  try lending(Array(url.utf8)) { try dialer.attempt($0) }
}

@Suite struct DialTests {
  /// Runs an attempt against a server that answers the request so.
  private func run(
    _ dialer: Dialer = Dialer(), answer: @escaping @Sendable (String) -> String, more: [UInt8] = [], end: Bool = false
  ) throws -> (dial: Dial, conn: Conn?, error: WSError?, peer: RawPeer, request: String) {
    let server = try RawServer()
    let dial = try makeDial(server.url, dialer)
    let serving = Background {
      let peer = try server.accept()
      let request = try peer.head()
      try peer.send(Array(answer(request).utf8) + more)
      if end { peer.finishSending() }
      return (peer, request)
    }
    var conn: Conn?
    let error = fault(conn = try dial.run(deadline: .after(milliseconds: 10_000)))
    let (peer, request) = try serving.value()
    return (dial, conn, error, peer, request)
  }

  @Test func opensAConnection() throws {
    let dialer = Dialer()
    try dialer.add("X-One", "1")
    try dialer.offer("chat")
    try dialer.offer("news")
    let (dial, opened, error, peer, request) = try run(
      dialer, answer: { switching($0, "Sec-WebSocket-Protocol: news", "X-Answer: yes") })
    let conn = try #require(opened)
    #expect(error == nil)
    #expect(request.hasPrefix("GET /path?query HTTP/1.1\r\n"))
    #expect(header("X-One", of: request) == "1")
    #expect(header("Sec-WebSocket-Protocol", of: request) == "chat, news")
    #expect(header("Host", of: request)?.hasPrefix("127.0.0.1:") == true)
    #expect(conn.role == .client && conn.subprotocol.string == "news")
    #expect(dial.response.status == 101)
    #expect(dial.response.first(ByteView("x-answer"))?.string == "yes")
    try conn.send("hi")
    #expect(try peer.frame().text == "hi")
  }

  /// decisions.md 14: what the server sends at once is not lost.
  @Test func bytesBehindTheResponseAreTheFirstFrames() throws {
    let early = Frame(opcode: 1, payload: Array("early".utf8)).bytes
    let (_, conn, _, peer, _) = try run(answer: { switching($0) }, more: early + early.prefix(3))
    #expect(try conn?.text() == "early")
    try peer.send(Array(early.dropFirst(3)))
    #expect(try conn?.text() == "early")
  }

  @Test func keysDiffer() throws {
    let keys = try (0..<5).map { _ in header("Sec-WebSocket-Key", of: try run(answer: { switching($0) }).request) }
    #expect(Set(keys).count == 5)
    #expect(keys.allSatisfy { $0?.count == 24 })
  }

  @Test func interimResponsesArePassedOver() throws {
    let (dial, conn, error, _, _) = try run(answer: {
      "HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + switching($0)
    })
    #expect(error == nil && conn != nil)
    #expect(dial.response.first(ByteView("X-A")) == nil)
  }

  @Test func endlessInterimResponsesAreNot() throws {
    let interim = String(repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: 40)
    #expect(try run(answer: { _ in interim }).error == .handshake(.notSwitched))
  }

  @Test(arguments: [
    (5, "Content-Length: 5\r\n", "later", false), (5, "Content-Length: 5\r\n", "laterNOT", false),
    (4, "", "body", true), (1024, "", String(repeating: "x", count: 3000), false),
    (1024, "Content-Length: 3000\r\n", String(repeating: "x", count: 3000), false), (0, "Content-Length: 0\r\n", "", false),
    (2, "Content-Length: 50\r\n", "no", true), (3, "Content-Length: nonsense\r\n", "abc", true),
  ])
  func aRefusalComesWithItsBody(size: Int, field: String, body: String, end: Bool) throws {
    let (dial, conn, error, peer, _) = try run(
      answer: { _ in "HTTP/1.1 503 Busy\r\nRetry-After: 9\r\n\(field)\r\n\(body)" }, end: end)
    #expect(conn == nil && error == .status(503))
    #expect(dial.responseBody.string == body.prefix(size))
    #expect(dial.response.status == 503 && dial.response.reason.string == "Busy")
    #expect(dial.response.first(ByteView("Retry-After"))?.string == "9")
    #expect(try peer.isAtEnd())
  }

  @Test func aBodyThatDoesNotComeIsNotWaitedForLong() throws {
    let start = Deadline.now.nanoseconds
    let (_, _, error, _, _) = try run(answer: { _ in "HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\n" })
    #expect(error == .status(404))
    #expect(Deadline.now.nanoseconds - start < 3_000_000_000)
  }

  static let bad: [(HandshakeError, @Sendable (String) -> String)] = [
    (.acceptMismatch, { _ in switching("Sec-WebSocket-Key: other") }),
    (.acceptMissing, { switching($0).replacingOccurrences(of: "Sec-WebSocket-Accept", with: "X") }),
    (.acceptRepeated, { switching($0, "Sec-WebSocket-Accept: \(accept(for: $0))") }),
    (.subprotocolNotOffered, { switching($0, "Sec-WebSocket-Protocol: chat") }),
    (.extensionNotOffered, { switching($0, "Sec-WebSocket-Extensions: permessage-deflate") }),
    (.responseUpgradeMissing, { switching($0).replacingOccurrences(of: "Upgrade: websocket\r\n", with: "") }),
    (.responseConnectionMissing, { switching($0).replacingOccurrences(of: "Connection: Upgrade", with: "Connection: close") }),
    (.oldHTTPVersion, { switching($0).replacingOccurrences(of: "HTTP/1.1", with: "HTTP/1.0") }),
    (.head(.notHTTP), { _ in "SSH-2.0-OpenSSH\r\n" }),
    (.head(.badStatusLine), { _ in "HTTP/1.1 nonsense\r\n\r\n" }),
    (.head(.bareLineFeed), { _ in "HTTP/1.1 101 X\nUpgrade: websocket\n\n" }),
    (.head(.tooLarge), { _ in "HTTP/1.1 101 X\r\nA: " + String(repeating: "b", count: 70_000) }),
  ]

  @Test(arguments: bad.indices) func aBadResponseIsRefused(index: Int) throws {
    let (expected, answer) = Self.bad[index]
    let (_, conn, error, peer, _) = try run(answer: answer)
    #expect(conn == nil && error == .handshake(expected))
    _ = try? peer.rest()
  }

  @Test(arguments: ["", "HTTP/1.1 101 Switching Protocols\r\nUpgr"]) func aServerThatLeavesIsLost(answer: String) throws {
    #expect(try run(answer: { _ in answer }, end: true).error == .lost(0))
  }
}

@Suite struct DialFailureTests {
  @Test func nobodyListens() throws {
    let (listener, port) = try Listening.listen(host: nil, port: 0)
    Listening.close(descriptor: listener)
    let dial = try makeDial("ws://127.0.0.1:\(port)/")
    #expect(fault(try dial.run()) == .unconnected(ECONNREFUSED))
    #expect(fault(try dial.run()) == .state)
    #expect(dial.response.status == 0 && dial.responseBody.isEmpty)
  }

  @Test func aNameWithoutAddressIsUnresolved() throws {
    let dial = try makeDial("ws://nowhere.invalid/")
    let error = fault(try dial.run(deadline: .after(milliseconds: 10_000)))
    guard case .unresolved = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(arguments: [
    ("http://host/", WSError.url(.badScheme)), ("ws://host/#part", WSError.url(.fragment)), ("", WSError.url(.badScheme)),
  ])
  func aBadURLIsRefused(url: String, expected: WSError) throws {
    #expect(fault(try makeDial(url)) == expected)
  }

  @Test func aSilentServerTimesOut() throws {
    let server = try RawServer()
    let dialer = Dialer()
    try dialer.setTimeout(milliseconds: 80)
    let dial = try makeDial(server.url, dialer)
    let taken = milliseconds { #expect(fault(try dial.run()) == .timeout) }
    #expect(taken >= 79 && taken < 1000)
  }

  /// One deadline over all steps: a server that always sends a little more does not move it.
  @Test func aDrippingServerTimesOutToo() throws {
    let server = try RawServer()
    let serving = Background {
      let peer = try server.accept()
      for byte in "HTTP/1.1 101 Switching Protocols\r\n".utf8 {
        sleep(milliseconds: 20)
        try peer.send([byte])
      }
    }
    let dial = try makeDial(server.url)
    let taken = milliseconds { #expect(fault(try dial.run(deadline: .after(milliseconds: 150))) == .timeout) }
    #expect(taken >= 149 && taken < 1000)
    _ = try? serving.value()
  }

  @Test func aDeadlineInThePastIsATimeout() throws {
    let server = try RawServer()
    #expect(fault(try makeDial(server.url).run(deadline: past)) == .timeout)
  }

  enum Step: CaseIterable { case before, connect, response, interim, head }

  /// Ends an attempt from another thread while it waits, and says how long it went on.
  private func cancelLatency(_ step: Step) throws -> Int64 {
    let server = try RawServer()
    let dial = try makeDial(step == .connect ? "ws://127.0.0.1:\(try fullBacklog())/" : server.url)
    if step == .before { dial.cancel() }
    let running = Background { (fault(try dial.run()), Deadline.now.nanoseconds) }
    let peer = step == .before || step == .connect ? nil : try server.accept()
    if step == .interim { try peer?.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
    if step == .head { try peer?.send(Array("HTTP/1.1 101 Swi".utf8)) }
    sleep(milliseconds: 20)
    let start = Deadline.now.nanoseconds
    dial.cancel()
    let (error, end) = try running.value()
    #expect(error == .aborted)
    #expect(fault(try dial.run()) == .state)
    return max(0, end - start) / 1_000_000
  }

  /// A port whose queue of connections is full, so that connecting to it hangs.
  private func fullBacklog() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = bind(descriptor, address, size)
        _ = listen(descriptor, 0)
        getsockname(descriptor, address, &size)
        return UInt16(bigEndian: UnsafeRawPointer(address).load(fromByteOffset: 2, as: UInt16.self))
      }
    }
    _ = try connectTCP(port)
    return port
  }

  @Test(arguments: Step.allCases) func cancelEndsEveryStepAtOnce(step: Step) throws {
    #expect(try quickest { try cancelLatency(step) } < 50)
  }

  @Test func cancelEndsTheWaitForABody() throws {
    let server = try RawServer()
    let dial = try makeDial(server.url)
    let running = Background { fault(try dial.run()) }
    let peer = try server.accept()
    _ = try peer.head()
    try peer.send(Array("HTTP/1.1 500 X\r\nContent-Length: 10\r\n\r\nab".utf8))
    sleep(milliseconds: 20)
    dial.cancel()
    #expect(running.isDone(after: 500))
  }

  @Test func aCancellationAfterwardsLeavesTheConnectionAlone() throws {
    let (ours, theirs) = try socketPair()
    let peer = RawPeer(theirs, masks: false)
    let dial = try makeDial("ws://given/")
    try dial.use(descriptor: ours)
    let running = Background { try dial.run() }
    try peer.send(Array(switching(try peer.head()).utf8))
    let conn = try running.value()
    dial.cancel()
    try conn.send("alive")
    #expect(try peer.frame().text == "alive")
  }
}

@Suite struct DialDescriptorTests {
  @Test func aGivenDescriptorIsUsedAndTaken() throws {
    let (first, firstPeer) = try socketPair()
    let (second, secondPeer) = try socketPair()
    let dial = try makeDial("ws://example.test:8080/x")
    try dial.use(descriptor: first)
    try dial.use(descriptor: second)
    #expect(try RawPeer(firstPeer, masks: false).isAtEnd())
    let peer = RawPeer(secondPeer, masks: false)
    let running = Background { fault(try dial.run()) }
    #expect(header("Host", of: try peer.head()) == "example.test:8080")
    try peer.send(Array("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n".utf8))
    #expect(try running.value() == .status(403))
    #expect(try peer.isAtEnd())
  }

  @Test func aDescriptorTooLateIsClosed() throws {
    let dial = try makeDial("ws://nowhere.invalid/")
    dial.cancel()
    #expect(fault(try dial.run()) == .aborted)
    let (ours, theirs) = try socketPair()
    #expect(fault(try dial.use(descriptor: ours)) == .state)
    #expect(try RawPeer(theirs, masks: false).isAtEnd())
  }

  @Test func whatIsNoStreamSocketIsRefused() throws {
    var pipes: [Int32] = [0, 0]
    pipe(&pipes)
    let dial = try makeDial("ws://host/")
    #expect(fault(try dial.use(descriptor: pipes[0])) == .system(ENOTSOCK))
    #expect(hasLostItsOtherEnd(pipes[1]))
    #expect(fault(try dial.use(descriptor: -1)) == .system(EBADF))
    close(pipes[1])
  }

  @Test func failedAttemptsLeaveNoDescriptorBehind() throws {
    let (listener, port) = try Listening.listen(host: nil, port: 0)
    Listening.close(descriptor: listener)
    let before = openDescriptors()
    for _ in 0..<300 { _ = fault(try makeDial("ws://127.0.0.1:\(port)/").run()) }
    #expect(openDescriptors() < before + 200)
  }
}
