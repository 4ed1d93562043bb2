// Answers that a program chooses: header fields and a subprotocol of one answer, and the upgrader's questions.
import Testing
import WSProtocol

@testable import WSSwift

@Suite struct UpgradeAnswerTests {
  private let asking = request(path: "/a?b", "Origin: https://other.example", "Cookie: c=d", "Sec-WebSocket-Protocol: a, b")

  /// What the upgrader makes of the request, and the head of its answer.
  private func answer(_ upgrader: Upgrader, _ bytes: [UInt8]) throws -> (WSError?, String, Upgrade) {
    let (upgrade, peer) = try makeUpgrade(upgrader)
    try peer.send(bytes)
    peer.finishSending()
    var conn: Conn?
    let error = fault(conn = try upgrade.run())
    let head = try peer.head()
    withExtendedLifetime(conn) {}
    return (error, head, upgrade)
  }

  @Test func theRequestCanBeRead() throws {
    let (upgrade, peer) = try makeUpgrade()
    try peer.send(request(path: "/a?b", "Cookie: c=d", "Sec-WebSocket-Protocol: a, b"))
    try upgrade.receiveRequest()
    #expect(upgrade.path.string == "/a" && upgrade.query.string == "b")
    #expect(upgrade.cookie(ByteView("c"))?.string == "d" && upgrade.cookie(ByteView("x")) == nil)
    #expect(upgrade.offeredSubprotocol(1)?.string == "b" && upgrade.offeredSubprotocol(2) == nil)
    try upgrade.setSubprotocol(ByteView("b"))
    #expect(fault(try upgrade.setSubprotocol(ByteView("x"))) == .configuration(.subprotocolNotOffered))
    try upgrade.addHeader(ByteView("X-One"), ByteView("1"))
    let conn = try upgrade.accept()
    let head = try peer.head()
    #expect(conn.subprotocol.string == "b" && header("X-One", of: head) == "1")
    #expect(fault(try upgrade.addHeader(ByteView("X"), ByteView("y"))) == .state)
  }

  @Test func theOriginCheckDecides() throws {
    for isAllowed in [false, true] {
      let upgrader = Upgrader()
      try upgrader.setOriginCheck { _, origin in origin.string == "https://other.example" && isAllowed }
      let (error, head, upgrade) = try answer(upgrader, asking)
      #expect(error == (isAllowed ? nil : .handshake(.originNotAllowed)))
      #expect(head.hasPrefix(isAllowed ? "HTTP/1.1 101 " : "HTTP/1.1 403 ") && upgrade.refusedStatus == (isAllowed ? 0 : 403))
    }
  }

  @Test func theRequestCheckDecides() throws {
    let upgrader = Upgrader()
    try upgrader.setOriginCheck { _, _ in true }
    try upgrader.setRequestCheck { upgrade in upgrade.query.string == "b" }
    #expect(try answer(upgrader, asking).0 == nil)
    let (error, head, _) = try answer(upgrader, request(path: "/a?c"))
    #expect(error == .refusedByHandler && head.hasPrefix("HTTP/1.1 403 "))
    #expect(fault(try upgrader.setRequestCheck(nil)) == .state)
  }

  @Test func theRefusalHookAnswers() throws {
    let upgrader = Upgrader()
    try upgrader.setRefusalHook { upgrade, error in
      #expect(error == .handshake(.originNotAllowed))
      #expect(fault(try upgrade.refuse(status: 404, body: .empty)) == nil)
    }
    let (error, head, upgrade) = try answer(upgrader, asking)
    #expect(error == .handshake(.originNotAllowed) && head.hasPrefix("HTTP/1.1 404 ") && upgrade.refusedStatus == 404)
  }

  @Test func behindTLSTheSameOriginIsHTTPS() throws {
    let upgrader = Upgrader()
    try upgrader.setBehindTLS(true)
    #expect(try answer(upgrader, request("Origin: https://localhost")).0 == nil)
    #expect(try answer(upgrader, request("Origin: http://localhost")).0 == .handshake(.originNotAllowed))
  }
}
