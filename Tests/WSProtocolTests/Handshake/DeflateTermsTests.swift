// The parameters of permessage-deflate as text: which ones are good, and what the others are told.
import Testing

@testable import WSProtocol

@Suite("RFC 7692 7.1: parameters as text")
struct DeflateTermsTests {
  private func terms(_ parameters: String, _ kind: DeflateTerms.Kind) throws -> Result<DeflateTerms, HandshakeError> {
    var cursor = ExtensionCursor(lasting("permessage-deflate" + parameters))
    let next = cursor.next()
    let element = try #require(next)
    do throws(HandshakeError) { return .success(try DeflateTerms(element, kind)) } catch { return .failure(error) }
  }

  private static func terms(
    server: Bool = true, client: Bool = true, serverWindow: DeflateTerms.Window = .absent,
    clientWindow: DeflateTerms.Window = .absent
  ) -> DeflateTerms {
    var terms = DeflateTerms()
    terms.serverKeepsContext = server
    terms.clientKeepsContext = client
    terms.serverWindow = serverWindow
    terms.clientWindow = clientWindow
    return terms
  }

  /// What is good in an offer and in an answer alike.
  static let good: [(String, DeflateTerms)] = [
    ("", terms()), ("; server_no_context_takeover", terms(server: false)),
    (" ;\tclient_no_context_takeover ", terms(client: false)),
    ("; client_no_context_takeover; server_no_context_takeover", terms(server: false, client: false)),
    ("; server_max_window_bits=8", terms(serverWindow: .bits(8))),
    ("; server_max_window_bits = 9", terms(serverWindow: .bits(9))),
    ("; server_max_window_bits=15", terms(serverWindow: .bits(15))),
    ("; server_max_window_bits=\"10\"", terms(serverWindow: .bits(10))),
    ("; server_max_window_bits=\"\\1\\2\"", terms(serverWindow: .bits(12))),
    ("; client_max_window_bits=8", terms(clientWindow: .bits(8))),
    (
      "; server_max_window_bits=11; client_max_window_bits=13; server_no_context_takeover; client_no_context_takeover",
      terms(server: false, client: false, serverWindow: .bits(11), clientWindow: .bits(13))
    ),
  ]

  @Test("good ones, in offers and in answers", arguments: good)
  func accepts(text: String, expected: DeflateTerms) throws {
    #expect(try terms(text, .offer) == .success(expected))
    #expect(try terms(text, .answer) == .success(expected))
  }

  @Test("7.1.2.2: client_max_window_bits without a value belongs in an offer only")
  func openWindow() throws {
    #expect(try terms("; client_max_window_bits", .offer) == .success(Self.terms(clientWindow: .open)))
    #expect(try terms("; client_max_window_bits", .answer) == .failure(.badDeflateParameter))
  }

  @Test(
    "bad ones, in offers and in answers",
    arguments: [
      ("; unknown", .unknownDeflateParameter), ("; unknown=1", .unknownDeflateParameter),
      ("; Server_no_context_takeover", .unknownDeflateParameter), ("; server_no_context_takeove", .unknownDeflateParameter),
      ("; server_no_context_takeover=1", .badDeflateParameter), ("; server_no_context_takeover=\"\"", .badDeflateParameter),
      ("; client_no_context_takeover=true", .badDeflateParameter), ("; server_max_window_bits", .badDeflateParameter),
      ("; server_max_window_bits=\"\"", .badDeflateParameter), ("; server_max_window_bits=7", .badDeflateParameter),
      ("; server_max_window_bits=16", .badDeflateParameter), ("; server_max_window_bits=99", .badDeflateParameter),
      ("; server_max_window_bits=0", .badDeflateParameter), ("; server_max_window_bits=08", .badDeflateParameter),
      ("; server_max_window_bits=015", .badDeflateParameter), ("; server_max_window_bits=10.", .badDeflateParameter),
      ("; server_max_window_bits=+9", .badDeflateParameter), ("; server_max_window_bits=-9", .badDeflateParameter),
      ("; server_max_window_bits=abc", .badDeflateParameter), ("; server_max_window_bits=0x9", .badDeflateParameter),
      ("; server_max_window_bits=\" 9\"", .badDeflateParameter), ("; server_max_window_bits=100", .badDeflateParameter),
      ("; server_max_window_bits=18446744073709551624", .badDeflateParameter),
      ("; client_max_window_bits=7", .badDeflateParameter), ("; client_max_window_bits=16", .badDeflateParameter),
      ("; client_max_window_bits=\"\"", .badDeflateParameter), ("; client_max_window_bits=x", .badDeflateParameter),
      ("; server_no_context_takeover; server_no_context_takeover", .deflateParameterRepeated),
      ("; client_no_context_takeover; client_no_context_takeover", .deflateParameterRepeated),
      ("; server_max_window_bits=10; server_max_window_bits=10", .deflateParameterRepeated),
      ("; client_max_window_bits=10; client_max_window_bits=11", .deflateParameterRepeated),
    ] as [(String, HandshakeError)])
  func refuses(text: String, error: HandshakeError) throws {
    #expect(try terms(text, .offer) == .failure(error))
    #expect(try terms(text, .answer) == .failure(error))
  }

  @Test("what is written is read again")
  func writes() throws {
    for (_, expected) in Self.good {
      let text = try written { (output) throws(OutOfMemory) in try expected.write(to: &output) }
      #expect(try terms(String(text.dropFirst("permessage-deflate".count)), .answer) == .success(expected))
    }
  }
}
