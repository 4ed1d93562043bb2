// What an application may set, and the injection matrix of every text that it sets.
import Testing

@testable import WSProtocol

@Suite struct HandshakeConfigurationTests {
  private static func clientError(_ name: [UInt8], _ value: [UInt8]) -> ConfigurationError? {
    var configuration = ClientConfiguration()
    do throws(ConfigurationError) {
      try configuration.addHeader(name: lasting(name), value: lasting(value))
      return nil
    } catch {
      #expect(configuration.headers.count == 0 && configuration.host.isEmpty)
      return error
    }
  }

  private static func serverError(_ body: (inout ServerConfiguration) throws(ConfigurationError) -> Void) -> ConfigurationError?
  {
    var configuration = ServerConfiguration()
    do throws(ConfigurationError) {
      try body(&configuration)
      return nil
    } catch {
      return error
    }
  }

  private static func headerErrors(_ name: String, _ value: String) -> [ConfigurationError?] {
    [
      clientError(Array(name.utf8), Array(value.utf8)),
      serverError { (configuration) throws(ConfigurationError) in
        try configuration.addHeader(name: lasting(name), value: lasting(value))
      },
    ]
  }

  // The reference refuses these in one spelling only (porting hazard 26).
  @Test(arguments: [
    "Upgrade", "upgrade", "UPGRADE", "Connection", "cOnNeCtIoN", "Sec-WebSocket-Key", "Sec-Websocket-Key",
    "sec-websocket-version",
    "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Sec-WebSocket-Accept", "Sec-WebSocket-Anything", "Content-Length",
    "content-length", "Transfer-Encoding", "TE", "Trailer", "Expect", "Keep-Alive", "HTTP2-Settings", "Proxy-Connection",
    "Proxy-Authorization",
  ])
  func reservedHeaders(name: String) { #expect(Self.headerErrors(name, "x") == [.reservedHeader, .reservedHeader]) }

  @Test(arguments: [
    "Origin", "Cookie", "Set-Cookie", "User-Agent", "Authorization", "X-Upgrade", "Upgrade-", "Sec-WebSocket", "Server",
  ])
  func otherHeaders(name: String) { #expect(Self.headerErrors(name, "x") == [nil, nil]) }

  @Test(arguments: ["", " ", "a b", "a:", ":", "a\r\nb", "a\0", "\u{FC}", "a ", " a", "\"a\""]) func badNames(name: String) {
    #expect(Self.headerErrors(name, "x") == [.badName, .badName])
  }

  @Test(arguments: 0...255) func everyByteInNameAndValue(number: Int) {
    let byte = UInt8(number)
    #expect(Self.clientError([0x61, byte, 0x62], [0x78]) == (byte.isTokenByte ? nil : .badName))
    let isBad = byte.isControl && byte != 0x09
    #expect(Self.clientError([0x61], [0x78, byte, 0x79]) == (isBad ? .badValue : nil))
    #expect(Self.clientError([0x61], [byte]) == (isBad ? .badValue : nil))
  }

  @Test func blanksAroundAValueAreDropped() throws {
    var configuration = ClientConfiguration()
    try configuration.addHeader(name: lasting("A"), value: lasting(" \tb c\t "))
    try configuration.addHeader(name: lasting("E"), value: lasting("  "))
    #expect(
      try written { (output) throws(OutOfMemory) in try output.appendFields(configuration.headers) } == "A: b c\r\nE: \r\n")
  }

  @Test(
    arguments: [
      ("a", nil), ("a:80", nil), ("[::1]:80", nil), (" a ", nil), ("", .badHost), ("a b", .badHost), ("a\r\nX: y", .badHost),
      ("a,b", .badHost),
      ("http://a", .badHost), ("a/", .badHost), ("u@a", .badHost), ("a:0", .badHost),
    ] as [(String, ConfigurationError?)])
  func hostHeader(value: String, error: ConfigurationError?) {
    for name in ["Host", "HOST", "host"] { #expect(Self.clientError(Array(name.utf8), Array(value.utf8)) == error) }
  }

  @Test func headersHaveLimits() throws {
    var configuration = ClientConfiguration()
    let value = lasting([UInt8](repeating: 0x62, count: 65536 - 1))
    try configuration.addHeader(name: lasting("a"), value: value)
    #expect(Self.add(&configuration, "b") == .tooLarge)
    var many = ClientConfiguration()
    for _ in 0..<128 { try many.addHeader(name: lasting("a"), value: lasting("b")) }
    #expect(Self.add(&many, "a") == .tooLarge)
    #expect(Self.clientError([0x61], [UInt8](repeating: 0x62, count: 65536)) == .tooLarge)
  }

  private static func add(_ configuration: inout ClientConfiguration, _ name: String) -> ConfigurationError? {
    do throws(ConfigurationError) {
      try configuration.addHeader(name: lasting(name), value: lasting("b"))
      return nil
    } catch {
      return error
    }
  }

  // RFC 6455 4.1, item 10: tokens, and each once.
  @Test func subprotocolsAreTokens() {
    for number in 0...255 {
      let byte = UInt8(number)
      let error = Self.serverError { (configuration) throws(ConfigurationError) in
        try configuration.addSubprotocol(lasting([0x61, byte, 0x62]))
      }
      #expect(error == (byte.isTokenByte ? nil : .badSubprotocol))
    }
    #expect(
      Self.serverError { (configuration) throws(ConfigurationError) in try configuration.addSubprotocol(.empty) }
        == .badSubprotocol)
  }

  @Test func subprotocolsComeOnce() {
    let twice = Self.serverError { (configuration) throws(ConfigurationError) in
      for name in ["a", "A", "ab", "a"] { try configuration.addSubprotocol(lasting(name)) }
    }
    #expect(twice == .duplicateSubprotocol)
    var client = ClientConfiguration()
    let error = { () throws(ConfigurationError) -> Void in
      try client.addSubprotocol(lasting("chat"))
      try client.addSubprotocol(lasting("chat"))
    }
    #expect(thrown(error) == .duplicateSubprotocol)
  }

  @Test(arguments: [
    "http://a", "https://example.com:8443", "https://*.example.com", "https://*.example.com:8443", "HTTPS://Example.COM",
    "https://[::1]:1",
    "http://127.0.0.1", "null", "*", "chrome-extension://abcdefghijklmnop",
    "moz-extension://1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    "file://", "https://xn--bcher-kva.example",
  ])
  func originPatterns(text: String) { #expect(Self.originError(Array(text.utf8)) == nil) }

  @Test(arguments: [
    "", "a", "example.com", "https://", "https:///", "https://a/", "https://a/b", "https://a?b", "https://a#b", "https://u@a",
    "https://a b",
    "https://a,https://b", "https://*", "https://*.", "https://*.1.2.3.4", "https://*.[::1]", "https://a.*.b", "https://*a",
    "https://a:*",
    "https://a:0", "https://a:65536", "https://127.1", "*.a", "**", "NULL", "null ", "1http://a", "://a", "http:/a",
    "https://b\u{FC}cher.de",
    "https://a\r\n", "ht tp://a", "https://a\0",
  ])
  func noOriginPatterns(text: String) {
    #expect(Self.originError(Array(text.utf8)) == .badOrigin)
  }

  private static func originError(_ bytes: [UInt8]) -> ConfigurationError? {
    serverError { (configuration) throws(ConfigurationError) in try configuration.addOrigin(lasting(bytes)) }
  }

  @Test(arguments: 0...255) func everyByteInOriginAndHost(number: Int) {
    let byte = UInt8(number)
    let isPart = byte.isLetter || byte.isDigit || [0x2D, 0x2E, 0x5F].contains(byte)
    #expect(Self.originError(Array("http://a".utf8) + [byte] + Array("b".utf8)) == (isPart ? nil : .badOrigin))
    let host = Self.serverError { (configuration) throws(ConfigurationError) in
      try configuration.addHost(lasting([0x78, byte, 0x79]))
    }
    #expect(host == (isPart ? nil : .badHost))
  }

  @Test(
    arguments: [
      ("example.com", nil), ("*.example.com", nil), ("127.0.0.1", nil), ("::1", nil), ("[::1]", nil), ("*", nil),
      ("localhost", nil),
      ("", .badHost), ("a:80", .badHost), ("[::1]:80", .badHost), ("[::1", .badHost), ("::1]", .badHost), ("*.", .badHost),
      ("*.*", .badHost),
      ("*.1.2.3.4", .badHost), ("*.::1", .badHost), ("a*", .badHost), ("http://a", .badHost), ("a b", .badHost),
      ("a,b", .badHost),
      ("127.1", .badHost), (":", .badHost), ("[", .badHost), ("]", .badHost), ("[]", .badHost), ("*.[::1]", .badHost),
    ] as [(String, ConfigurationError?)])
  func hostPatterns(text: String, error: ConfigurationError?) {
    #expect(
      Self.serverError { (configuration) throws(ConfigurationError) in try configuration.addHost(lasting(text)) } == error)
  }

  @Test func noMemoryIsAnError() {
    let held = Memory.blocksHeld
    for number in 1...50 {
      Memory.failAllocation(number)
      let error = Self.serverError { (configuration) throws(ConfigurationError) in
        try configuration.addHeader(name: lasting("a"), value: lasting("b"))
        try configuration.addSubprotocol(lasting("a"))
        try configuration.addOrigin(lasting("http://a"))
        try configuration.addHost(lasting("a"))
      }
      let wasDue = Memory.isFailureDue
      Memory.failAllocation(0)
      guard !wasDue else {
        #expect(error == nil && number > 4)
        break
      }
      #expect(error == .outOfMemory)
    }
    #expect(Memory.blocksHeld == held)
  }
}
