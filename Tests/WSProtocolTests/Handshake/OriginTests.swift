// Cross-site WebSocket hijacking: RFC 6455 4.2.2 item 4 and 10.2, RFC 6454 4 and 7, and every trick with an Origin that is known.
import Testing

@testable import WSProtocol

@Suite struct OriginTests {
  private func check(
    _ origins: [String], host: String = "example.com", isSecure: Bool = false, allowing patterns: [String] = [],
    required: Bool = false
  ) throws -> HandshakeError? {
    var configuration = ServerConfiguration()
    for pattern in patterns { try configuration.addOrigin(lasting(pattern)) }
    configuration.originRequired = required
    let lines = origins.reduce(Lines.request.replacing("Host: \(host)")) { $0.with("Origin: \($1)") }
    let head = head(.request, lines.text)
    return thrown { () throws(HandshakeError) in
      try ServerHandshake.check(head, configuration: configuration, isSecure: isSecure, isLoopback: false)
    }
  }

  // RFC 6455 10.2: clients that are no browsers send none.
  @Test func withoutOriginItIsNoBrowser() throws {
    #expect(try check([]) == nil)
    #expect(try check([], required: true) == .originMissing)
    #expect(try check([], allowing: ["https://a"], required: true) == .originMissing)
    #expect(try check(["http://example.com"], required: true) == nil)
  }

  // The same scheme, host and port: RFC 6454 4 and 5. TestCheckSameOrigin among them.
  @Test(arguments: [
    ("http://example.com", "example.com", false), ("http://example.com", "EXAMPLE.com", false),
    ("HTTP://EXAMPLE.COM", "example.com", false),
    ("http://example.com:80", "example.com", false), ("http://example.com", "example.com:80", false),
    ("http://example.com:8080", "example.com:8080", false), ("https://example.com", "example.com", true),
    ("https://example.com:443", "example.com", true), ("https://example.com", "example.com:443", true),
    ("http://[::1]", "[::1]:80", false), ("http://[::1]:8080", "[0:0:0:0:0:0:0:1]:8080", false),
    ("http://127.0.0.1:1", "127.0.0.1:1", false),
    ("http://xn--bcher-kva.example", "XN--BCHER-KVA.example", false), ("http://a_b", "a_b", false),
  ])
  func theSameOrigin(origin: String, host: String, isSecure: Bool) throws {
    #expect(try check([origin], host: host, isSecure: isSecure) == nil)
  }

  // Other origins, however alike they look.
  @Test(arguments: [
    ("http://other.org", "example.com", false), ("http://example.com.evil.com", "example.com", false),
    ("http://evilexample.com", "example.com", false), ("http://example.co", "example.com", false),
    ("http://www.example.com", "example.com", false),
    ("http://example.com", "www.example.com", false), ("http://example.com.", "example.com", false),
    ("http://com", "example.com", false),
    ("http://example.com:81", "example.com", false), ("http://example.com", "example.com:81", false),
    ("https://example.com", "example.com", false), ("http://example.com", "example.com", true),
    ("https://example.com:80", "example.com", false), ("https://example.com:443", "example.com:443", false),
    ("https://h:443", "h", false), ("http://h:443", "h", true), ("http://h:80", "h:443", false),
    ("ws://example.com", "example.com", false),
    ("http://[::ffff:127.0.0.1]", "127.0.0.1", false), ("http://127.0.0.1", "[::ffff:127.0.0.1]", false),
    ("http://[::2]", "[::1]", false),
    ("http://127.0.0.1", "localhost", false), ("http://localhost", "127.0.0.1", false),
    ("ftp://example.com", "example.com", false),
    ("chrome-extension://example.com", "example.com", false),
  ])
  func anotherOrigin(origin: String, host: String, isSecure: Bool) throws {
    #expect(try check([origin], host: host, isSecure: isSecure) == .originNotAllowed)
  }

  // What is not exactly scheme://host[:port] is never compared: RFC 6454 7.1.
  @Test(arguments: [
    "", "null", "NULL", "bad", "example.com", "//example.com", "http:example.com", "http:/example.com", "http:///example.com",
    "http://",
    "http://example.com/", "http://example.com/path", "http://example.com?q", "http://example.com:80/", "http://a@example.com",
    "http://a:b@example.com", "http://@example.com", "http://evil.com@example.com", "http://example.com@evil.com",
    "http://example.com:",
    "http://example.com:0", "http://example.com:65536", "http://example.com:80:80", "http://example.com:8o",
    "http://example.com, http://evil.com",
    "http://example.com http://evil.com", "http://exa mple.com", "http://ex%61mple.com", "http://b\u{FC}cher.example",
    "http://example.com\\",
    "http://example.com\\@evil.com", "http://evil.com\\.example.com", "http://[::1", "http://::1", "http://[::1]x",
    "http://[fe80::1%25lo]",
    "http://127.1", "http://0x7f.0.0.1", "http://2130706433", "1http://example.com", "ht_tp://example.com",
    "http ://example.com",
    "*", "http://*", "http://*.example.com", "file://", "http://example..com", "data:text/html,x", "about:blank",
  ])
  func whatIsNoOrigin(origin: String) throws { #expect(try check([origin]) == .badOrigin) }

  @Test func bytesAbove0x7FAreNoOrigin() {
    var bytes = Array(Lines.request.text.utf8)
    bytes.removeLast(2)
    var head = MessageHead(.request)
    _ = try? head.feed(lasting(bytes + Array("Origin: http://b".utf8) + [0xFC] + Array("cher\r\n\r\n".utf8)))
    let isComplete = head.isComplete
    #expect(isComplete)
    let error = thrown { () throws(HandshakeError) in
      try ServerHandshake.check(head, configuration: ServerConfiguration(), isSecure: false, isLoopback: false)
    }
    #expect(error == .badOrigin)
  }

  // RFC 6454 7.3: one Origin. A second line is refused even when both are good.
  @Test func aSecondLineIsRefused() throws {
    #expect(try check(["http://example.com", "http://example.com"]) == .originRepeated)
    #expect(try check(["http://evil.com", "http://example.com"]) == .originRepeated)
    #expect(try check(["http://example.com", ""], allowing: ["*"]) == .originRepeated)
  }

  @Test(arguments: [
    (["https://example.com:8443"], "https://example.com:8443", true),
    (["https://example.com:8443"], "https://example.com", false),
    (["https://example.com"], "https://example.com:443", true), (["https://example.com:443"], "HTTPS://EXAMPLE.com", true),
    (["https://example.com"], "http://example.com", false), (["https://example.com"], "https://www.example.com", false),
    (["https://*.example.com"], "https://a.example.com", true), (["https://*.example.com"], "https://a.b.EXAMPLE.com", true),
    (["https://*.example.com"], "https://example.com", false), (["https://*.example.com"], "https://evilexample.com", false),
    (["https://*.example.com"], "https://a.example.com.evil.com", false),
    (["https://*.example.com"], "http://a.example.com", false),
    (["https://*.example.com"], "https://a.example.com:8443", false),
    (["https://*.example.com:8443"], "https://a.example.com:8443", true),
    (["https://a", "https://b"], "https://b", true), (["https://a", "https://b"], "https://c", false),
    (["https://[::1]:1"], "https://[0::1]:1", true), (["https://[::1]:1"], "https://[0::2]:1", false),
    (["web+a.b-c1://d"], "web+a.b-c1://d", true), (["chrome-extension://abc"], "chrome-extension://abc", true),
    (["chrome-extension://abc"], "chrome-extension://abd", false),
    (["chrome-extension://abc"], "moz-extension://abc", false), (["https://a"], "chrome-extension://abc", false),
    (["*"], "https://anything.example", true), (["*"], "null", true), (["*"], "not an origin", true),
  ])
  func allowedOrigins(patterns: [String], origin: String, isAllowed: Bool) throws {
    #expect(try check([origin], host: "server.example", allowing: patterns) == (isAllowed ? nil : .originNotAllowed))
  }

  // `null` is what a sandboxed frame of any page sends; it and origins without host only equal themselves.
  @Test(arguments: [
    (["null"], "null", true), (["https://a"], "null", false), (["https://*.a"], "null", false), (["null"], "NULL", false),
    (["null"], "", false),
    (["file://"], "file://", true), (["file://"], "null", false), (["file://"], "file:///", false),
    (["null"], "file://", false),
  ])
  func opaqueOrigins(patterns: [String], origin: String, isAllowed: Bool) throws {
    #expect(try check([origin], allowing: patterns) == (isAllowed ? nil : .badOrigin))
  }

  @Test func theSameOriginStaysAllowedBesideAList() throws {
    #expect(try check(["http://example.com"], allowing: ["https://other.example"]) == nil)
  }
}
