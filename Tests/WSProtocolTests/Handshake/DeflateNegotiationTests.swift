// Agreeing on compression in both roles: tables of offers and answers, good and hostile ones.
import Testing

@testable import WSProtocol

@Suite("RFC 7692 5 and 7.1: negotiation")
struct DeflateNegotiationTests {
  // MARK: - The client

  private func client(_ change: (inout ClientConfiguration) -> Void) -> ClientConfiguration {
    var configuration = ClientConfiguration()
    configuration.compresses = true
    change(&configuration)
    return configuration
  }

  private func offer(_ change: (inout ClientConfiguration) -> Void) throws -> String? {
    let configuration = client(change)
    let url = try WebSocketURL(parsing: lasting("ws://a"))
    let request = try written { (output) throws(OutOfMemory) in
      try ClientHandshake(nonce: sampleNonce).writeRequest(to: &output, url: url, configuration: configuration)
    }
    let line = request.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Extensions: ") }
    return line.map { String($0.dropFirst("Sec-WebSocket-Extensions: ".count)) }
  }

  @Test("what a client offers")
  func offers() throws {
    #expect(try offer { $0.compresses = false } == nil)
    #expect(try offer { _ in } == "permessage-deflate; client_max_window_bits")
    #expect(try offer { $0.mayLimitClientWindow = false } == "permessage-deflate")
    #expect(
      try offer { $0.deflate = DeflateParameters(serverKeepsContext: false, clientKeepsContext: false) }
        == "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits")
    #expect(
      try offer { $0.deflate = DeflateParameters(serverWindowBits: 8, clientWindowBits: 9) }
        == "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9")
  }

  /// What a client makes of the lines of an answer.
  private func read(
    _ lines: [String], _ change: (inout ClientConfiguration) -> Void = { _ in }
  ) -> Result<DeflateParameters?, HandshakeError> {
    let head = head(.response, lines.reduce(Lines.response) { $0.with("Sec-WebSocket-Extensions: \($1)") }.text)
    let configuration = client(change)
    do throws(HandshakeError) {
      return .success(try ClientHandshake(nonce: sampleNonce).check(head, configuration: configuration).deflate?.parameters)
    } catch {
      return .failure(error)
    }
  }

  private static let plain = DeflateParameters()
  private static let name = "permessage-deflate"

  @Test(
    "answers to the offer of everything",
    arguments: [
      ([], nil), ([""], nil), ([", ,"], nil), ([name], plain), ([" , permessage-deflate ,"], plain),
      ([name + "; server_no_context_takeover"], DeflateParameters(serverKeepsContext: false)),
      ([name + "; client_no_context_takeover"], DeflateParameters(clientKeepsContext: false)),
      ([name + "; server_max_window_bits=8"], DeflateParameters(serverWindowBits: 8)),
      ([name + "; server_max_window_bits=15"], plain),
      ([name + "; client_max_window_bits=8"], DeflateParameters(clientWindowBits: 8)),
      ([name + "; client_max_window_bits=15"], plain),
      (
        [name + "; client_max_window_bits=\"9\"; server_max_window_bits=10; client_no_context_takeover"],
        DeflateParameters(clientKeepsContext: false, serverWindowBits: 10, clientWindowBits: 9)
      ),
    ] as [([String], DeflateParameters?)])
  func goodAnswers(lines: [String], expected: DeflateParameters?) { #expect(read(lines) == .success(expected)) }

  @Test(
    "answers that fail the connection",
    arguments: [
      // CVE-2026-2229: a window that is none.
      ([name + "; server_max_window_bits=99"], .badDeflateParameter),
      ([name + "; server_max_window_bits=7"], .badDeflateParameter),
      ([name + "; server_max_window_bits=abc"], .badDeflateParameter),
      ([name + "; server_max_window_bits=\"\""], .badDeflateParameter),
      ([name + "; server_max_window_bits"], .badDeflateParameter),
      ([name + "; server_max_window_bits="], .badExtensions),
      ([name + "; client_max_window_bits"], .badDeflateParameter),
      ([name + "; client_max_window_bits=16"], .badDeflateParameter),
      ([name + "; server_max_window_bits=9; server_max_window_bits=9"], .deflateParameterRepeated),
      ([name + "; server_no_context_takeover; server_no_context_takeover"], .deflateParameterRepeated),
      ([name + "; server_no_context_takeover=1"], .badDeflateParameter), ([name + "; bogus=1"], .unknownDeflateParameter),
      ([name + ", " + name], .extensionRepeated), ([name, name], .extensionRepeated),
      (["x-webkit-deflate-frame"], .extensionNotOffered), ([name + ", foo"], .extensionNotOffered),
      (["foo", name], .extensionNotOffered), (["Permessage-Deflate"], .extensionNotOffered),
      (["permessage-deflate2"], .extensionNotOffered),
      ([name + "; "], .badExtensions), ([name + " junk"], .badExtensions), ([name + ", =,"], .badExtensions),
      (["\"" + name + "\""], .badExtensions),
    ] as [([String], HandshakeError)])
  func badAnswers(lines: [String], error: HandshakeError) { #expect(read(lines) == .failure(error)) }

  @Test("12: an answer to nothing fails the connection")
  func unsolicited() {
    for line in [Self.name, "foo"] {
      #expect(read([line]) { $0.compresses = false } == .failure(.extensionNotOffered))
    }
    #expect(read([""]) { $0.compresses = false } == .success(nil))
  }

  @Test("7.1.1.1, 7.1.2.1: what limits the server must come back from it")
  func askedOfTheServer() {
    func ask(_ change: @escaping (inout DeflateParameters) -> Void, _ answer: String) -> Result<
      DeflateParameters?, HandshakeError
    > {
      read([Self.name + answer]) { change(&$0.deflate) }
    }
    #expect(ask({ $0.serverKeepsContext = false }, "") == .failure(.deflateParameterMissing))
    #expect(
      ask({ $0.serverKeepsContext = false }, "; server_no_context_takeover")
        == .success(DeflateParameters(serverKeepsContext: false)))
    #expect(ask({ $0.serverWindowBits = 10 }, "") == .failure(.deflateParameterMissing))
    #expect(ask({ $0.serverWindowBits = 10 }, "; server_max_window_bits=11") == .failure(.deflateWindowTooLarge))
    for bits in 8...10 {
      #expect(
        ask({ $0.serverWindowBits = 10 }, "; server_max_window_bits=\(bits)")
          == .success(DeflateParameters(serverWindowBits: bits)))
    }
  }

  @Test("7.1.1.2, 7.1.2.2: what the client says of itself holds, whatever the answer says")
  func saidOfTheClient() {
    let alone = DeflateParameters(clientKeepsContext: false, clientWindowBits: 10)
    func say(_ answer: String) -> Result<DeflateParameters?, HandshakeError> {
      read([Self.name + answer]) { $0.deflate = alone }
    }
    #expect(say("") == .success(alone))
    #expect(say("; client_no_context_takeover; client_max_window_bits=10") == .success(alone))
    #expect(say("; client_max_window_bits=9") == .success(DeflateParameters(clientKeepsContext: false, clientWindowBits: 9)))
    #expect(say("; client_max_window_bits=11") == .failure(.deflateWindowTooLarge))
    #expect(
      read([Self.name + "; client_max_window_bits=10"]) { $0.mayLimitClientWindow = false }
        == .failure(.deflateParameterNotOffered))
  }

  // MARK: - The server

  /// What a server answers to the lines of an offer, and what it has agreed to.
  private func answer(
    _ lines: [String], _ wish: DeflateParameters, compresses: Bool = true
  ) throws -> (line: String?, parameters: DeflateParameters?) {
    var configuration = ServerConfiguration()
    configuration.compresses = compresses
    configuration.deflate = wish
    let head = head(.request, lines.reduce(Lines.request) { $0.with("Sec-WebSocket-Extensions: \($1)") }.text)
    let response = try written { (output) throws(OutOfMemory) in
      try ServerHandshake.writeAccept(to: &output, request: head, configuration: configuration)
    }
    let line = response.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Extensions: ") }
    let agreed = ServerHandshake.agreement(head, configuration: configuration).deflate
    return (line.map { String($0.dropFirst("Sec-WebSocket-Extensions: ".count)) }, agreed?.parameters)
  }

  @Test("decision 10: nothing unless asked for, and without context unless told otherwise")
  func defaults() throws {
    let standard = ServerConfiguration()
    let isOn = standard.compresses
    #expect(!isOn)
    let head = head(.request, Lines.request.with("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits").text)
    #expect(ServerHandshake.agreement(head, configuration: standard).deflate == nil)
    let (line, parameters) = try answer([Self.name + "; client_max_window_bits"], standard.deflate)
    #expect(line == "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
    #expect(parameters == DeflateParameters(serverKeepsContext: false, clientKeepsContext: false))
  }

  @Test(
    "what a server that allows everything answers",
    arguments: [
      ([name], name), ([name + "; client_max_window_bits"], name), ([name + "; client_max_window_bits=15"], name),
      ([name + "; client_max_window_bits=8"], name + "; client_max_window_bits=8"),
      ([name + "; server_no_context_takeover"], name + "; server_no_context_takeover"),
      ([name + "; client_no_context_takeover"], name + "; client_no_context_takeover"),
      ([name + "; server_max_window_bits=15"], name + "; server_max_window_bits=15"),
      ([name + "; server_max_window_bits=\"9\""], name + "; server_max_window_bits=9"),
      // Nothing that can be accepted: a window that zlib cannot compress for, and what 7.1 wants declined.
      ([name + "; server_max_window_bits=8"], nil), ([name + "; server_max_window_bits"], nil),
      ([name + "; server_max_window_bits=99"], nil), ([name + "; bogus=1"], nil), ([name + "; client_max_window_bits=7"], nil),
      ([name + "; client_no_context_takeover; client_no_context_takeover"], nil), (["x-webkit-deflate-frame"], nil),
      (["PERMESSAGE-DEFLATE"], nil), ([], nil), ([""], nil), ([","], nil),
      // The first offer that can be, on whichever line.
      ([name + "; server_max_window_bits=8, " + name], name),
      ([name + "; bogus, foo; bar=\"a,b\", " + name + "; server_max_window_bits=10"], name + "; server_max_window_bits=10"),
      (["foo", name + "; server_no_context_takeover, " + name], name + "; server_no_context_takeover"),
      ([name + "; server_max_window_bits=10, " + name], name + "; server_max_window_bits=10"),
      // RFC 6455 9.1: an element that is none ends its line.
      (["foo bar, " + name], nil), (["foo bar, " + name, name], name), ([name + ", foo bar"], name),
      ([name + "; , " + name], nil), ([name + "; server_max_window_bits=, " + name], nil),
    ] as [([String], String?)])
  func answers(lines: [String], expected: String?) throws {
    let (line, parameters) = try answer(lines, DeflateParameters())
    #expect(line == expected && (parameters == nil) == (expected == nil))
    #expect(try answer(lines, DeflateParameters(), compresses: false) == (nil, nil))
  }

  @Test("7.1.2: a server limits windows, and the client's only where that was offered", arguments: 8...15)
  func limits(bits: Int) throws {
    let wish = DeflateParameters(serverWindowBits: max(bits, 9), clientWindowBits: bits)
    let own = bits < 15 ? "; server_max_window_bits=\(max(bits, 9))" : ""
    let theirs = bits < 15 ? "; client_max_window_bits=\(bits)" : ""
    var agreed = wish
    #expect(try answer([Self.name + "; client_max_window_bits"], wish) == (Self.name + own + theirs, agreed))
    agreed.clientWindowBits = 15
    #expect(try answer([Self.name], wish) == (Self.name + own, agreed))
    agreed = DeflateParameters(serverWindowBits: min(12, max(bits, 9)), clientWindowBits: min(12, bits))
    let (_, parameters) = try answer([Self.name + "; server_max_window_bits=12; client_max_window_bits=12"], wish)
    #expect(parameters == agreed)
  }

  // MARK: - Both

  @Test("every client understands every server, and both agree on the same")
  func bothSides() throws {
    let bits = [9, 12, 15]
    for flags in 0..<32 {
      for (clientBits, serverBits) in bits.flatMap({ own in bits.map { (own, $0) } }) {
        let asked = DeflateParameters(
          serverKeepsContext: flags & 2 == 0, clientKeepsContext: flags & 4 == 0, serverWindowBits: serverBits,
          clientWindowBits: clientBits)
        let mayLimit = flags & 1 == 0
        let configure = { (configuration: inout ClientConfiguration) in
          configuration.deflate = asked
          configuration.mayLimitClientWindow = mayLimit
        }
        let offer = try #require(try offer(configure))
        let wish = DeflateParameters(
          serverKeepsContext: flags & 8 == 0, clientKeepsContext: flags & 16 == 0, serverWindowBits: 11, clientWindowBits: 10)
        let (line, parameters) = try answer([offer], wish)
        let agreed = try #require(parameters)
        let read = read([try #require(line)], configure)
        #expect(read == .success(agreed), "\(offer) -> \(line ?? "")")
      }
    }
  }
}
