// Dialing through proxies, as a Swift program does it. What proxies may answer is a table in Tests/C/test_proxy.c.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ProxyTests {
  private func head(_ peer: RawPeer) throws -> String {
    var text = ""
    while !text.hasSuffix("\r\n\r\n") { text += String(decoding: try peer.receive(1), as: UTF8.self) }
    return text
  }

  /// Dials `ws://target.test/` while a proxy plays its part, and what the server behind it was asked.
  private func dial(
    _ configure: (Dialer, RawServer) throws -> Void, proxy: @escaping @Sendable (RawPeer) throws -> Void
  ) throws -> (dial: Dial, conn: Conn?, error: WSError?) {
    let server = try RawServer()
    let dialer = Dialer()
    try configure(dialer, server)
    let dial = try makeDial("ws://target.test/", dialer)
    let serving = Background {
      let peer = try server.accept()
      try proxy(peer)
      return peer
    }
    defer { _ = try? serving.value() }
    do throws(WSError) {
      return (dial, try dial.run(deadline: .after(milliseconds: 10_000)), nil)
    } catch {
      return (dial, nil, error)
    }
  }

  private func set(_ dialer: Dialer, _ server: RawServer, _ scheme: String) throws {
    try lending(Array("\(scheme)127.0.0.1:\(server.port)".utf8)) { try dialer.setProxy($0) }
  }

  @Test func connectThenTheHandshake() throws {
    let outcome = try dial({ try set($0, $1, "http://user:word@") }) { peer in
      let request = try head(peer)
      #expect(request.hasPrefix("CONNECT target.test:80 HTTP/1.1\r\nHost: target.test:80\r\n"))
      #expect(header("Proxy-Authorization", of: request) == "Basic " + Data("user:word".utf8).base64EncodedString())
      try peer.send(Array("HTTP/1.1 200 OK\r\n\r\n".utf8))
      let asked = try head(peer)
      #expect(header("Host", of: asked) == "target.test")
      #expect(header("Proxy-Authorization", of: asked) == nil)
      try peer.send(Array(switching(asked).utf8))
    }
    #expect(outcome.conn != nil && !outcome.dial.isAtProxy)
  }

  @Test func namesAreLeftToSOCKS() throws {
    let outcome = try dial({ try set($0, $1, "socks5://") }) { peer in
      #expect(try peer.receive(3) == [5, 1, 0])
      try peer.send([5, 0])
      #expect(try peer.receive(18) == [5, 1, 0, 3, 11] + Array("target.test".utf8) + [0, 80])
      try peer.send([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
      try peer.send(Array(switching(try head(peer)).utf8))
    }
    #expect(outcome.conn != nil)
  }

  @Test func aRefusalIsTheProxys() throws {
    let outcome = try dial({ try set($0, $1, "") }) { peer in
      _ = try head(peer)
      try peer.send(Array("HTTP/1.1 502\r\n\r\n".utf8))
    }
    guard case .proxy(.refused(502)) = outcome.error else { Issue.record("\(outcome)"); return }
    #expect(outcome.dial.isAtProxy && !outcome.dial.response.isComplete)
  }

  @Test func aChooserIsAsked() throws {
    final class Asked: @unchecked Sendable { var url = "" }
    let asked = Asked()
    let outcome = try dial({ dialer, server in
      let answer = "socks5h://127.0.0.1:\(server.port)"
      try dialer.setProxy { url, space in
        asked.url = url.string
        space.copyBytes(from: answer.utf8)
        return answer.utf8.count
      }
    }) { peer in
      _ = try peer.receive(3)
      try peer.send([5, 0xFF])
    }
    guard case .proxy(.authenticationRequired) = outcome.error else { Issue.record("\(outcome)"); return }
    #expect(asked.url == "ws://target.test/")
  }

  @Test func aChooserMayRefuse() throws {
    let dialer = Dialer()
    try dialer.setProxy { _, _ in nil }
    #expect(throws: WSError.self) { try makeDial("ws://target.test/", dialer).run() }
  }

  @Test func settersEndWithTheFirstUse() throws {
    let dialer = Dialer()
    try dialer.setProxyFromEnvironment(true)
    try dialer.setProxyFromEnvironment(false)
    #expect(throws: WSError.self) { try lending(Array("ftp://x".utf8)) { try dialer.setProxy($0) } }
    _ = try makeDial("ws://target.test/", dialer)
    #expect(throws: WSError.self) { try dialer.setProxy(nil) }
    #expect(throws: WSError.self) { try dialer.setProxyFromEnvironment(true) }
  }
}
