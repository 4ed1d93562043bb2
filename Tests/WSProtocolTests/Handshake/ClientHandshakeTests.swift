// The client's half of the opening handshake: RFC 6455 4.1, its two lists in their order.
import Testing

@testable import WSProtocol

@Suite struct ClientHandshakeTests {
  private func request(
    _ url: String, _ configure: (inout ClientConfiguration) throws -> Void = { _ in }
  ) throws -> String {
    let url = try WebSocketURL(parsing: lasting(url))
    var configuration = ClientConfiguration()
    try configure(&configuration)
    let handshake = ClientHandshake(nonce: sampleNonce)
    return try written { (output) throws(OutOfMemory) in
      try handshake.writeRequest(to: &output, url: url, configuration: configuration)
    }
  }

  /// What `check` says: the subprotocol, or the error.
  private func check(_ response: Lines, offering subprotocols: [String] = []) throws -> Result<String, HandshakeError> {
    var configuration = ClientConfiguration()
    for name in subprotocols { try configuration.addSubprotocol(lasting(name)) }
    let head = head(.response, response.text)
    do throws(HandshakeError) {
      let agreed = try ClientHandshake(nonce: sampleNonce).check(head, configuration: configuration)
      return .success(string(agreed.subprotocol))
    } catch {
      return .failure(error)
    }
  }

  // RFC 6455 4.1, items 1 to 9 of the request: all of it, byte for byte, and no User-Agent.
  @Test func theWholeRequest() throws {
    #expect(
      try request("ws://server.example.com/chat")
        == "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
  }

  // RFC 6455 4.1, items 8, 10 and 12: Origin, subprotocols and other fields when they are wanted.
  @Test func subprotocolsAndHeaders() throws {
    let text = try request("ws://a:81/b?c=d") { configuration in
      try configuration.addSubprotocol(lasting("chat"))
      try configuration.addSubprotocol(lasting("superchat"))
      try configuration.addHeader(name: lasting("Origin"), value: lasting("http://example.com"))
      try configuration.addHeader(name: lasting("X"), value: lasting("1"))
      try configuration.addHeader(name: lasting("X"), value: lasting("2"))
    }
    #expect(text.hasPrefix("GET /b?c=d HTTP/1.1\r\nHost: a:81\r\n"))
    #expect(
      text.hasSuffix(
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, superchat\r\nOrigin: http://example.com\r\nX: 1\r\nX: 2\r\n\r\n"
      ))
  }

  // RFC 6455 4.1, item 4, with the reference's TestHost.
  @Test(arguments: [
    ("ws://[::1]:8080/", "[::1]:8080"), ("wss://a", "a"), ("ws://A:80", "a"), ("wss://a:80", "a:80"), ("ws://a:443", "a:443"),
  ])
  func hostOfTheURL(url: String, host: String) throws { #expect(try request(url).contains("\r\nHost: \(host)\r\n")) }

  @Test func aHostHeaderReplacesTheURLs() throws {
    let text = try request("ws://a:81/") { configuration in
      try configuration.addHeader(name: lasting("host"), value: lasting("first.example"))
      try configuration.addHeader(name: lasting("HOST"), value: lasting("Other.example:82"))
    }
    #expect(text.hasPrefix("GET / HTTP/1.1\r\nHost: Other.example:82\r\nUpgrade"))
    #expect(text.split(separator: "\r\n").filter { $0.lowercased().hasPrefix("host:") }.count == 1)
  }

  @Test func basicAuthentication() throws {
    #expect(
      try request("ws://username:password@a/").hasSuffix("\r\nAuthorization: Basic dXNlcm5hbWU6cGFzc3dvcmQ=\r\n\r\n"))
    let own = try request("ws://u:p@a/") { configuration in
      try configuration.addHeader(name: lasting("authorization"), value: lasting("Bearer x"))
    }
    #expect(own.hasSuffix("\r\nauthorization: Bearer x\r\n\r\n") && !own.contains("Basic"))
    #expect(try !request("ws://u:p@a/").contains("@"))
  }

  @Test func theServerUnderstandsTheRequest() throws {
    let text = try request("ws://a:81/b") { try $0.addSubprotocol(lasting("chat")) }
    let head = head(.request, text)
    let error = thrown { () throws(HandshakeError) in
      try ServerHandshake.check(head, configuration: ServerConfiguration(), isSecure: false, isLoopback: false)
    }
    #expect(error == nil)
  }

  @Test func acceptsTheResponseOfSection1_2() throws {
    #expect(try check(Lines.response) == .success(""))
    #expect(try check(Lines.response.with("Sec-WebSocket-Protocol: chat"), offering: ["x", "chat"]) == .success("chat"))
  }

  // RFC 6455 4.1, items 1 to 6 of the response, each missing, repeated and wrong.
  @Test(
    arguments: [
      (Lines.response.starting("HTTP/1.1 200 OK"), .notSwitched), (Lines.response.starting("HTTP/1.1 301 x"), .notSwitched),
      (Lines.response.starting("HTTP/1.1 401 x"), .notSwitched), (Lines.response.starting("HTTP/1.1 100 x"), .notSwitched),
      (Lines.response.starting("HTTP/1.0 101 x"), .oldHTTPVersion),
      (Lines.response.without("Upgrade"), .responseUpgradeMissing),
      (Lines.response.replacing("Upgrade: h2c"), .responseUpgradeMissing),
      (Lines.response.replacing("Upgrade: websockets"), .responseUpgradeMissing),
      (Lines.response.without("Connection"), .responseConnectionMissing),
      (Lines.response.replacing("Connection: close"), .responseConnectionMissing),
      (Lines.response.without("Sec-WebSocket-Accept"), .acceptMissing),
      (Lines.response.replacing("Sec-WebSocket-Accept:"), .acceptMismatch),
      (Lines.response.replacing("Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ=="), .acceptMismatch),
      (Lines.response.replacing("Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO="), .acceptMismatch),
      (Lines.response.replacing("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, x"), .acceptMismatch),
      (Lines.response.with("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), .acceptRepeated),
      (Lines.response.with("Sec-WebSocket-Extensions: permessage-deflate"), .extensionNotOffered),
      (Lines.response.with("Sec-WebSocket-Extensions: x-unknown; a=1"), .extensionNotOffered),
      (Lines.response.with("Sec-WebSocket-Extensions:").with("Sec-WebSocket-Extensions: x"), .extensionNotOffered),
      (Lines.response.with("Sec-WebSocket-Extensions: ;"), .badExtensions),
      // CVE-2026-2229: window bits that crash; without an offer they are all the same.
      (Lines.response.with("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99"), .extensionNotOffered),
      (Lines.response.with("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits="), .badExtensions),
    ] as [(Lines, HandshakeError)])
  func refusesResponses(response: Lines, error: HandshakeError) throws { #expect(try check(response) == .failure(error)) }

  // The reference's TestDialExtraTokensInRespHeaders, and the case of RFC 6455 4.1, items 2 and 3.
  @Test(arguments: [
    Lines.response.replacing("Upgrade: foo, websocket").replacing("Connection: upgrade, keep-alive"),
    Lines.response.replacing("UPGRADE: WebSocket").replacing("connection: UPGRADE"),
    Lines.response.with("Upgrade: foo").with("Connection: keep-alive"),
    Lines.response.replacing("sec-websocket-accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t"),
    Lines.response.starting("HTTP/1.1 101"), Lines.response.with("Sec-WebSocket-Extensions:"),
    Lines.response.with("Content-Length: 0"),
  ])
  func acceptsResponses(response: Lines) throws { #expect(try check(response) == .success("")) }

  // RFC 6455 4.1, item 6 (websockets#1010): only what was offered, and one of it.
  @Test(
    arguments: [
      (["chat"], ["Sec-WebSocket-Protocol: other"], .subprotocolNotOffered),
      ([], ["Sec-WebSocket-Protocol: chat"], .subprotocolNotOffered),
      (["chat"], ["Sec-WebSocket-Protocol: CHAT"], .subprotocolNotOffered),
      (["chat"], ["Sec-WebSocket-Protocol:"], .subprotocolNotOffered),
      (["a", "b"], ["Sec-WebSocket-Protocol: a, b"], .subprotocolNotOffered),
      (["a", "b"], ["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b"], .subprotocolRepeated),
      (["a"], ["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a"], .subprotocolRepeated),
    ] as [([String], [String], HandshakeError)])
  func refusesSubprotocols(offered: [String], lines: [String], error: HandshakeError) throws {
    let response = lines.reduce(Lines.response) { $0.with($1) }
    #expect(try check(response, offering: offered) == .failure(error))
  }

  @Test func noAnswerToAnOfferIsFine() throws { #expect(try check(Lines.response, offering: ["chat"]) == .success("")) }

  // Porting hazard 27: 100, 102 and 103 before the 101 are passed over.
  @Test(arguments: [(99, false), (100, true), (101, false), (102, true), (103, true), (199, true), (200, false), (0, false)])
  func interimResponses(status: Int, isInterim: Bool) { #expect(ClientHandshake.isInterim(status) == isInterim) }

  @Test func noMemoryIsAnError() throws {
    let held = Memory.blocksHeld
    var failures = 0
    for number in 1...50 {
      let url = try WebSocketURL(parsing: lasting("ws://user:password@example.com/"))
      let configuration = ClientConfiguration()
      Memory.failAllocation(number)
      var output = ByteQueue()
      let error = thrown { () throws(OutOfMemory) in
        try ClientHandshake(nonce: sampleNonce).writeRequest(to: &output, url: url, configuration: configuration)
      }
      let wasDue = Memory.isFailureDue
      Memory.failAllocation(0)
      #expect((error == nil) == wasDue)
      if wasDue { break }
      failures += 1
    }
    #expect(failures > 2 && failures < 50)
    #expect(Memory.blocksHeld == held)
  }
}
