// CONNECT: the request, and what each answer means. RFC 9110 9.3.6.
import Testing

@testable import WSProtocol

@Suite struct HTTPConnectTests {
  private func request(_ host: String, _ port: UInt16, _ proxy: String) throws -> String {
    let proxy = try ProxyURL(parsing: lasting(proxy))
    return try written { (output) throws(OutOfMemory) in
      try HTTPConnect.writeRequest(to: &output, host: lasting(host), port: port, proxy: proxy)
    }
  }

  @Test func askForTheHostAndPort() throws {
    #expect(
      try request("example.com", 443, "http://proxy")
        == "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
    #expect(try request("::1", 80, "http://proxy") == "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n")
  }

  @Test(arguments: [
    ("http://username:password@proxy", "dXNlcm5hbWU6cGFzc3dvcmQ="),
    ("http://user@proxy", "dXNlcjo="),
    ("http://u:p%3Aq@proxy", "dTpwOnE="),
  ])
  func sendsUserAndPassword(proxy: String, credentials: String) throws {
    let text = try request("h", 1, proxy)
    #expect(text == "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nProxy-Authorization: Basic \(credentials)\r\n\r\n")
  }

  private func outcome(_ statusLine: String, _ proxy: String = "http://proxy") throws -> ProxyError? {
    var head = MessageHead(.response, limits: HTTPConnect.limits)
    _ = try head.feed(lasting(statusLine + "\r\nContent-Length: 5\r\n\r\n"))
    let proxy = try ProxyURL(parsing: lasting(proxy))
    do throws(ProxyError) { try HTTPConnect.check(head, proxy: proxy) } catch { return error }
    return nil
  }

  @Test(arguments: ["HTTP/1.1 200 OK", "HTTP/1.1 200", "HTTP/1.0 200 Connection established", "HTTP/1.1 204 x"])
  func any2xxOpensTheTunnel(line: String) throws { #expect(try outcome(line) == nil) }

  @Test(arguments: [
    ("HTTP/1.1 403", ProxyError.refused(status: 403)), ("HTTP/1.1 502 Bad Gateway", .refused(status: 502)),
    ("HTTP/1.1 301 Moved", .refused(status: 301)), ("HTTP/1.1 101 Switching Protocols", .refused(status: 101)),
    ("HTTP/1.1 407 Proxy Authentication Required", .authenticationRequired),
  ])
  func everythingElseIsRefused(line: String, expected: ProxyError) throws { #expect(try outcome(line) == expected) }

  @Test func aRefusedPasswordSaysSo() throws {
    #expect(try outcome("HTTP/1.1 407 no", "http://u:p@proxy") == .authenticationFailed)
  }

  @Test func anEndlessAnswerIsCut() {
    var head = MessageHead(.response, limits: HTTPConnect.limits)
    let line = "X: " + String(repeating: "y", count: 8000) + "\r\n"
    let error = thrown { () throws(HeadError) in
      _ = try head.feed(lasting("HTTP/1.1 200 OK\r\n"))
      for _ in 0..<10 { _ = try head.feed(lasting(line)) }
    }
    #expect(error == .tooLarge)
  }
}
