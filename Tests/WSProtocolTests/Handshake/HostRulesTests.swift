// DNS rebinding: which hosts a server answers to. RFC 9110 7.4, 15.5.20.
import Testing

@testable import WSProtocol

@Suite struct HostRulesTests {
  private func check(_ host: String, allowing patterns: [String] = [], isLoopback: Bool = false) throws -> HandshakeError? {
    var configuration = ServerConfiguration()
    for pattern in patterns { try configuration.addHost(lasting(pattern)) }
    let head = head(.request, Lines.request.replacing("Host: \(host)").text)
    return thrown { () throws(HandshakeError) in
      try ServerHandshake.check(head, configuration: configuration, isSecure: false, isLoopback: isLoopback)
    }
  }

  @Test(arguments: [
    ("localhost", true), ("LocalHost:8080", true), ("app.localhost", true), ("a.b.localhost:1", true), ("127.0.0.1", true),
    ("127.1.2.3:9000", true), ("[::1]", true), ("[0:0::1]:80", true), ("example.com", false), ("evil.com:8080", false),
    ("localhost.evil.com", false), ("evillocalhost", false), ("localhost.", false), ("127.0.0.1.evil.com", false),
    ("128.0.0.1", false),
    ("192.168.0.1", false), ("0.0.0.0", false), ("[::]", false), ("[::ffff:127.0.0.1]", false), ("[::2]", false),
  ])
  func onLoopbackOnlyThisMachine(host: String, isAllowed: Bool) throws {
    #expect(try check(host, isLoopback: true) == (isAllowed ? nil : .hostNotAllowed))
    #expect(try check(host, isLoopback: false) == nil, "elsewhere every host is good")
  }

  // What is no host is 400 and not 421, on loopback too.
  @Test(arguments: ["127.1", "2130706433", "0x7f000001", "127.0.0.1, evil", "localhost@evil", "a\\b", "localhost:80:80"])
  func noHostIsNoQuestionOfTheList(host: String) throws { #expect(try check(host, isLoopback: true) == .badHostHeader) }

  @Test(arguments: [
    (["example.com"], "example.com", true), (["example.com"], "EXAMPLE.com:8080", true),
    (["example.com"], "www.example.com", false),
    (["example.com"], "example.com.evil.com", false), (["example.com"], "localhost", false),
    (["*.example.com"], "a.b.example.com", true),
    (["*.example.com"], "example.com", false), (["*.example.com"], "evilexample.com", false), (["*"], "anything.example", true),
    (["*"], "10.0.0.1:1", true), (["10.0.0.1"], "10.0.0.1:1", true), (["10.0.0.1"], "10.0.0.10", false),
    (["::1"], "[0::1]:5", true),
    (["[::1]"], "[::1]", true), (["::1"], "[::2]", false), (["a", "b"], "b", true), (["a", "b"], "c", false),
    (["*.1a"], "1.1a", true),
  ])
  func aListReplacesTheDefault(patterns: [String], host: String, isAllowed: Bool) throws {
    for isLoopback in [false, true] {
      #expect(try check(host, allowing: patterns, isLoopback: isLoopback) == (isAllowed ? nil : .hostNotAllowed))
    }
  }

  // The whole attack: the page evil.com, its name made to resolve to 127.0.0.1. Origin and Host agree.
  @Test func rebindingIsSeen() {
    let head = head(.request, Lines.request.replacing("Host: evil.com:8080").with("Origin: http://evil.com:8080").text)
    let error = thrown { () throws(HandshakeError) in
      try ServerHandshake.check(head, configuration: ServerConfiguration(), isSecure: false, isLoopback: true)
    }
    #expect(error == .hostNotAllowed)
  }
}
