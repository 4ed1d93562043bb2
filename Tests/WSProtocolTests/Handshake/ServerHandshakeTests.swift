// The server's half of the opening handshake: RFC 6455 4.2, the reference's order of checks with the decisions that change it,
// and what broke other servers.
import Testing

@testable import WSProtocol

@Suite struct ServerHandshakeTests {
  private func check(_ request: Lines, isSecure: Bool = false, isLoopback: Bool = false) -> HandshakeError? {
    let head = head(.request, request.text)
    return thrown { () throws(HandshakeError) in
      try ServerHandshake.check(head, configuration: ServerConfiguration(), isSecure: isSecure, isLoopback: isLoopback)
    }
  }

  @Test func acceptsWhatSection4_1AsksFor() { #expect(check(Lines.request) == nil) }

  // RFC 6455 4.2.1, items 1 to 6, each missing, repeated and wrong; hostile input, generic conditions.
  @Test(
    arguments: [
      // 1: a GET request of HTTP/1.1 or higher with a path or a URL.
      (Lines.request.starting("POST /chat HTTP/1.1"), .methodNotGet),
      (Lines.request.starting("get /chat HTTP/1.1"), .methodNotGet),
      (Lines.request.starting("HEAD /chat HTTP/1.1"), .methodNotGet),
      (Lines.request.starting("CONNECT a:80 HTTP/1.1"), .methodNotGet),
      (Lines.request.starting("GET /chat HTTP/1.0"), .oldHTTPVersion),
      (Lines.request.starting("GET * HTTP/1.1"), .badTarget), (Lines.request.starting("GET chat HTTP/1.1"), .badTarget),
      (Lines.request.starting("GET server.example.com:80 HTTP/1.1"), .badTarget),
      (Lines.request.starting("GET http://evil.example/ HTTP/1.1"), .badTarget),
      // 2: Host.
      (Lines.request.without("Host"), .hostMissing), (Lines.request.with("Host: server.example.com"), .hostRepeated),
      (Lines.request.with("host: other"), .hostRepeated), (Lines.request.replacing("Host:"), .badHostHeader),
      (Lines.request.replacing("Host: a, b"), .badHostHeader), (Lines.request.replacing("Host: a:x"), .badHostHeader),
      (Lines.request.replacing("Host: http://a"), .badHostHeader), (Lines.request.replacing("Host: u@a"), .badHostHeader),
      (Lines.request.replacing("Host: a/b"), .badHostHeader), (Lines.request.replacing("Host: 127.1"), .badHostHeader),
      // 3: Upgrade. Without it, this is a plain HTTP request.
      (Lines.request.without("Upgrade"), .upgradeMissing), (Lines.request.replacing("Upgrade: h2c"), .upgradeMissing),
      (Lines.request.replacing("Upgrade: websocket x"), .upgradeMissing),
      (Lines.request.replacing("Upgrade:"), .upgradeMissing),
      (Lines.request.without("Upgrade").without("Connection"), .upgradeMissing),
      // 4: Connection.
      (Lines.request.without("Connection"), .connectionMissing),
      (Lines.request.replacing("Connection: close"), .connectionMissing),
      (Lines.request.replacing("Connection: keep-alive"), .connectionMissing),
      // 5: the key.
      (Lines.request.without("Sec-WebSocket-Key"), .keyMissing), (Lines.request.replacing("Sec-WebSocket-Key:"), .badKey),
      (Lines.request.replacing("Sec-WebSocket-Key: abc"), .badKey),
      (Lines.request.replacing("Sec-WebSocket-Key: SGVsbG8sIHdvcmxkIQ=="), .badKey),
      (Lines.request.replacing("Sec-WebSocket-Key: not base64 of 16 byte!"), .badKey),
      (Lines.request.with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), .keyRepeated),
      // 6: the version.
      (Lines.request.without("Sec-WebSocket-Version"), .versionMissing),
      (Lines.request.replacing("Sec-WebSocket-Version:"), .unsupportedVersion),
      (Lines.request.replacing("Sec-WebSocket-Version: 8"), .unsupportedVersion),
      (Lines.request.replacing("Sec-WebSocket-Version: 0"), .unsupportedVersion),
      (Lines.request.replacing("Sec-WebSocket-Version: 130"), .unsupportedVersion),
      (Lines.request.with("Sec-WebSocket-Version: 13"), .versionRepeated),
      (Lines.request.with("Sec-WebSocket-Version: 8"), .versionRepeated),
      // GHSA-mfx4-hv73-q22v: an upgrade with a body, whose bytes become the next request.
      (Lines.request.with("Content-Length: 1"), .requestBody), (Lines.request.with("Content-Length: 00"), .requestBody),
      (Lines.request.with("Content-Length:"), .requestBody), (Lines.request.with("Content-Length: -0"), .requestBody),
      (Lines.request.with("Content-Length: 0").with("Content-Length: 0"), .requestBody),
      (Lines.request.with("Content-Length: 0, 0"), .requestBody),
      (Lines.request.with("Transfer-Encoding: chunked"), .requestBody),
      (Lines.request.with("Transfer-Encoding: identity"), .requestBody),
      (Lines.request.with("transfer-encoding:"), .requestBody),
    ] as [(Lines, HandshakeError)])
  func refuses(request: Lines, error: HandshakeError) { #expect(check(request) == error) }

  // Lists, case, and what RFC 6455 4.2.1 does not forbid.
  @Test(arguments: [
    Lines.request.replacing("Upgrade: foo, WebSocket").replacing("Connection: keep-alive, UPGRADE"),
    Lines.request.with("Upgrade: h2c").with("Connection: keep-alive"), Lines.request.replacing("sec-websocket-version: 8, 13"),
    Lines.request.replacing("HOST: SERVER.example.com:80"), Lines.request.replacing("Host: [::1]:80"),
    Lines.request.with("Content-Length: 0"), Lines.request.starting("GET http://SERVER.example.com/chat HTTP/1.1"),
    Lines.request.starting("GET ws://server.example.com:80/chat HTTP/1.1"),
    Lines.request.starting("GET http://server.example.com HTTP/1.1"),
    Lines.request.with("Sec-WebSocket-Extensions: \"junk"), Lines.request.with("Sec-WebSocket-Protocol: a b"),
    Lines.request.with("Cookie: a=b"), Lines.request.starting("GET /chat HTTP/1.2"),
    Lines.request.starting("GET //chat HTTP/1.1"),
  ])
  func accepts(request: Lines) { #expect(check(request) == nil) }

  // The order of the checks: what a request with all faults is told, when one after the other is mended.
  @Test func theFirstFaultInOrderIsTold() {
    let mending: [(HandshakeError, (Lines) -> Lines)] = [
      (.upgradeMissing, { $0.with("Upgrade: websocket") }), (.connectionMissing, { $0.with("Connection: upgrade") }),
      (.methodNotGet, { $0.starting("GET http://b/ HTTP/1.0") }), (.oldHTTPVersion, { $0.starting("GET http://b/ HTTP/1.1") }),
      (.hostMissing, { $0.with("Host: a") }), (.badTarget, { $0.starting("GET / HTTP/1.1") }),
      (.requestBody, { $0.without("Content-Length") }), (.unsupportedVersion, { $0.replacing("Sec-WebSocket-Version: 13") }),
      (.hostNotAllowed, { $0.replacing("Host: localhost") }), (.originNotAllowed, { $0.without("Origin") }),
      (.keyMissing, { $0.with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==") }),
    ]
    var request = Lines(
      start: "POST http://b/ HTTP/1.0",
      fields: ["Content-Length: 5", "Sec-WebSocket-Version: 12", "Origin: http://evil.example"])
    for (error, mend) in mending {
      #expect(check(request, isLoopback: true) == error)
      request = mend(request)
    }
    #expect(check(request, isLoopback: true) == nil)
  }

  // The reference's TestIsWebSocketUpgrade.
  @Test func bothTokensAreNeeded() {
    let plain = Lines.request.without("Upgrade").without("Connection")
    #expect(check(plain) == .upgradeMissing)
    #expect(check(plain.with("Connection: Upgrade")) == .upgradeMissing)
    #expect(check(plain.with("Upgrade: websocket")) == .connectionMissing)
    #expect(check(plain.with("Connection: uPgRaDe").with("Upgrade: WebSocket")) == nil)
  }

  private func subprotocol(_ lines: [String], speaking names: [String]) throws -> String {
    var configuration = ServerConfiguration()
    for name in names { try configuration.addSubprotocol(lasting(name)) }
    let head = head(.request, lines.reduce(Lines.request) { $0.with("Sec-WebSocket-Protocol: \($1)") }.text)
    return string(ServerHandshake.agreement(head, configuration: configuration).subprotocol)
  }

  // RFC 6455 4.2.2, item 5: the client's order, over all its lines.
  @Test(
    arguments: [
      ([], ["a"], ""), (["a"], [], ""), (["a"], ["a"], "a"), (["p1, p2"], ["p0", "p1"], "p1"), (["b, a"], ["a", "b"], "b"),
      (["b", "a"], ["a", "b"], "b"), (["x", "y, a"], ["a"], "a"), (["A"], ["a"], ""), (["ab"], ["a"], ""), (["x"], ["a"], ""),
      ([" a ,, b "], ["b"], "b"), ([""], ["a"], ""), (["a b, b", "b"], ["b"], "b"), (["a/b"], ["a"], ""),
    ] as [([String], [String], String)])
  func choosesASubprotocol(lines: [String], own: [String], chosen: String) throws {
    #expect(try subprotocol(lines, speaking: own) == chosen)
  }

  private func accept(_ request: Lines, _ configure: (inout ServerConfiguration) throws -> Void = { _ in }) throws -> String {
    var configuration = ServerConfiguration()
    try configure(&configuration)
    let head = head(.request, request.text)
    return try written { (output) throws(OutOfMemory) in
      try ServerHandshake.writeAccept(to: &output, request: head, configuration: configuration)
    }
  }

  // RFC 6455 4.2.2, item 5: all of the response, byte for byte.
  @Test func theWhole101() throws {
    let plain =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    #expect(try accept(Lines.request) == plain + "\r\n")
    let full = try accept(Lines.request.with("Sec-WebSocket-Protocol: x, chat")) { configuration in
      try configuration.addSubprotocol(lasting("chat"))
      try configuration.addHeader(name: lasting("Set-Cookie"), value: lasting("sessionID=1234"))
      try configuration.addHeader(name: lasting("Set-Cookie"), value: lasting("b=c"))
    }
    #expect(full == plain + "Sec-WebSocket-Protocol: chat\r\nSet-Cookie: sessionID=1234\r\nSet-Cookie: b=c\r\n\r\n")
  }

  @Test func theClientUnderstandsThe101() throws {
    var client = ClientConfiguration()
    try client.addSubprotocol(lasting("chat"))
    let text = try accept(Lines.request.with("Sec-WebSocket-Protocol: chat")) { try $0.addSubprotocol(lasting("chat")) }
    let response = head(.response, text)
    let agreed = try ClientHandshake(nonce: sampleNonce).check(response, configuration: client)
    #expect(string(agreed.subprotocol) == "chat" && agreed.deflate == nil)
  }

  @Test(arguments: [
    ("GET /chat HTTP/1.1", "/chat"), ("GET /a?b=c HTTP/1.1", "/a?b=c"), ("GET http://server.example.com/a?b HTTP/1.1", "/a?b"),
    ("GET http://server.example.com HTTP/1.1", "/"),
  ])
  func pathOfTheTarget(start: String, path: String) {
    let head = head(.request, Lines.request.starting(start).text)
    #expect(string(ServerHandshake.path(head)) == path)
  }

  @Test func noMemoryIsAnError() {
    let head = head(.request, Lines.request.text)
    let held = Memory.blocksHeld
    var failures = 0
    for number in 1...50 {
      var output = ByteQueue()
      Memory.failAllocation(number)
      let error = thrown { () throws(OutOfMemory) in
        try ServerHandshake.writeAccept(to: &output, request: head, configuration: ServerConfiguration())
      }
      let wasDue = Memory.isFailureDue
      Memory.failAllocation(0)
      #expect((error == nil) == wasDue)
      if wasDue { break }
      failures += 1
    }
    #expect(failures > 0 && failures < 50)
    #expect(Memory.blocksHeld == held)
  }
}
