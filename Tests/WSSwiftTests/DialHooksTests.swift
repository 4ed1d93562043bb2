// Cookies, redirects, steps and connecting of one's own, as a Swift program has them. What servers may say is a table in
// Tests/C/test_dial_hooks.c.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

/// What closures on the dialing thread have noted.
private final class Notes: @unchecked Sendable {
  var lines: [String] = []
}

@Suite struct DialHooksTests {
  /// Answers one client after the other; nil is a good 101, with these fields.
  private func serve(_ answers: [String?], _ fields: String...) throws -> (server: RawServer, requests: Background<[String]>) {
    let server = try RawServer()
    let requests = Background {
      var requests: [String] = []
      for answer in answers {
        let peer = try server.accept()
        var head = ""
        while !head.hasSuffix("\r\n\r\n") { head += String(decoding: try peer.receive(1), as: UTF8.self) }
        requests.append(head)
        let more = fields.joined(separator: "\r\n")
        try peer.send(Array((answer ?? (more.isEmpty ? switching(head) : switching(head, more))).utf8))
        peer.finishSending()
        _ = try? peer.rest()
      }
      return requests
    }
    return (server, requests)
  }

  private func dial(_ server: RawServer, _ dialer: Dialer) throws {
    _ = try makeDial(server.url, dialer).run(deadline: .after(milliseconds: 10_000))
  }

  @Test func cookiesComeFromEveryResponseAndGoAlong() throws {
    let (server, requests) = try serve(
      ["HTTP/1.1 404 No\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n", nil, nil], "Set-Cookie: b=2; Path=/")
    let jar = CookieJar()
    try lending(Array("c=3; Path=/".utf8)) { field in try lending(Array(server.url.utf8)) { try jar.set(field, from: $0) } }
    let dialer = Dialer()
    try dialer.setCookieJar(jar)
    #expect(throws: WSError.self) { try dial(server, dialer) }
    try dial(server, dialer)
    try dial(server, dialer)
    let cookies = try requests.value().map { header("Cookie", of: $0) }
    #expect(cookies == ["c=3", "c=3; a=1", "c=3; a=1; b=2"])
    var kept = ByteQueue()
    try lending(Array(server.url.utf8)) { try jar.write(to: &kept, for: $0) }
    #expect(kept.bytes.string == "c=3; a=1; b=2")
  }

  @Test func cookiesOfOnesOwn() throws {
    let (server, requests) = try serve([nil], "Set-Cookie: b=2")
    let notes = Notes()
    let dialer = Dialer()
    try dialer.setCookies { url, space in
      notes.lines.append(url.string)
      space.copyBytes(from: "x=y".utf8)
      return 3
    } to: {
      notes.lines.append("\($0.string) \($1.string)")
    }
    try dial(server, dialer)
    #expect(try header("Cookie", of: requests.value()[0]) == "x=y")
    #expect(notes.lines == [server.url, "\(server.url) b=2"])
  }

  @Test func redirectsAreFollowedWhereTheyMay() throws {
    let (server, requests) = try serve(["HTTP/1.1 307 There\r\nLocation: /next\r\n\r\n", nil])
    let dialer = Dialer()
    try dialer.setRedirects(1) { $0.string.hasSuffix("/next") }
    try dial(server, dialer)
    #expect(try requests.value()[1].hasPrefix("GET /next HTTP/1.1\r\n"))
    #expect(throws: WSError.self) { try Dialer().setRedirects(-1) }
  }

  @Test func aRedirectMayBeRefused() throws {
    let (server, _) = try serve(["HTTP/1.1 307 There\r\nLocation: /next\r\n\r\n"])
    let dialer = Dialer()
    try dialer.setRedirects(1) { _ in false }
    let error = #expect(throws: WSError.self) { try dial(server, dialer) }
    guard case .refusedByHandler = error else { Issue.record("\(String(describing: error))"); return }
  }

  @Test func stepsAreTold() throws {
    let (server, _) = try serve([nil])
    let notes = Notes()
    let dialer = Dialer()
    try dialer.setTracer { event, detail in notes.lines.append("\(event) \(detail.string)") }
    try dial(server, dialer)
    let place = "127.0.0.1:\(server.port)"
    #expect(
      notes.lines == ["resolving \(place)", "connecting \(place)", "connected \(place)", "sentRequest ", "firstByte ", "done "])
  }

  @Test func connectingByOneself() throws {
    let (server, requests) = try serve([nil])
    let notes = Notes()
    let dialer = Dialer()
    let port = server.port
    try dialer.setConnector { host, wanted, _ in
      notes.lines.append("\(host.string) \(wanted)")
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      let size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let failed = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
      }
      return failed == 0 ? descriptor : -errno
    }
    _ = try makeDial("ws://nobody.invalid:99/", dialer).run(deadline: .after(milliseconds: 10_000))
    #expect(notes.lines == ["nobody.invalid 99"])
    #expect(try header("Host", of: requests.value()[0]) == "nobody.invalid:99")
    let refusing = Dialer()
    try refusing.setConnector { _, _, _ in -ECONNREFUSED }
    let error = #expect(throws: WSError.self) { try makeDial("ws://nobody.invalid/", refusing).run() }
    guard case .unconnected(ECONNREFUSED) = error else { Issue.record("\(String(describing: error))"); return }
  }

  @Test func settersEndWithTheFirstUse() throws {
    let dialer = Dialer()
    _ = try makeDial("ws://target.test/", dialer)
    #expect(throws: WSError.self) { try dialer.setCookieJar(nil) }
    #expect(throws: WSError.self) { try dialer.setCookies(from: nil, to: nil) }
    #expect(throws: WSError.self) { try dialer.setRedirects(1) }
    #expect(throws: WSError.self) { try dialer.setTracer(nil) }
    #expect(throws: WSError.self) { try dialer.setConnector(nil) }
  }
}
