// What a failed handshake says: to the client a status and a fixed text, to the log what was seen.
import Testing

@testable import WSProtocol

@Suite struct HandshakeErrorTests {
  /// Every case and the status that RFC 9110 and the decisions give it.
  static let statuses: [(HandshakeError, Int)] = [
    (.head(.notHTTP), 0), (.head(.tooLarge), 431), (.head(.targetTooLong), 414), (.head(.badFieldName), 400),
    (.head(.badVersion), 505),
    (.oldHTTPVersion, 400), (.outOfMemory, 503), (.upgradeMissing, 426), (.connectionMissing, 400), (.methodNotGet, 405),
    (.badTarget, 400),
    (.requestBody, 400), (.hostMissing, 400), (.hostRepeated, 400), (.badHostHeader, 400), (.hostNotAllowed, 421),
    (.versionMissing, 426),
    (.versionRepeated, 400), (.unsupportedVersion, 426), (.originMissing, 403), (.originRepeated, 403), (.badOrigin, 403),
    (.originNotAllowed, 403), (.keyMissing, 400), (.keyRepeated, 400), (.badKey, 400), (.notSwitched, 0),
    (.responseUpgradeMissing, 0),
    (.responseConnectionMissing, 0), (.acceptMissing, 0), (.acceptRepeated, 0), (.acceptMismatch, 0), (.badExtensions, 0),
    (.extensionNotOffered, 0), (.extensionRepeated, 0), (.unknownDeflateParameter, 0), (.deflateParameterRepeated, 0),
    (.badDeflateParameter, 0), (.deflateParameterMissing, 0), (.deflateParameterNotOffered, 0), (.deflateWindowTooLarge, 0),
    (.subprotocolRepeated, 0), (.subprotocolNotOffered, 0),
  ]

  @Test func everyErrorHasAStatusAndATextOfItsOwn() {
    for (error, status) in Self.statuses { #expect(error.status == status, "\(error)") }
    #expect(Set(Self.statuses.map { $0.0.text.description }).count == Self.statuses.count)
  }

  private func explain(_ error: HandshakeError, _ request: Lines) throws -> String {
    let head = head(.request, request.text)
    return try written { (output) throws(OutOfMemory) in try HandshakeError.explain(error, request: head, to: &output) }
  }

  @Test func a403NamesBothValuesAndTheCall() throws {
    let text = try explain(.originNotAllowed, Lines.request.with("Origin: https://app.example"))
    #expect(
      text
        == "Origin is not allowed (ws_upgrader_add_origin allows it): Origin \"https://app.example\", Host \"server.example.com\""
    )
  }

  @Test func a421NamesTheHostAndTheCall() throws {
    let text = try explain(.hostNotAllowed, Lines.request.replacing("Host: evil.com"))
    #expect(text == "Host is not allowed (ws_upgrader_add_host allows it): Host \"evil.com\"")
  }

  @Test func peerTextIsQuotedAndCut() throws {
    let long = String(repeating: "x", count: 500)
    let text = try explain(.badOrigin, Lines.request.with("Origin: \u{9B}\"\(long)"))
    #expect(text.contains("\"\\xc2\\x9b\\x22xxx") && text.utf8.count < 300)
    #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
  }

  @Test func othersAreTheirText() throws {
    let secret = Lines.request.with("Cookie: secret").with("Authorization: secret").starting("GET /?secret HTTP/1.1")
    for (error, _) in Self.statuses {
      let text = try explain(error, secret)
      #expect(text.hasPrefix(error.text.description))
      #expect(!text.contains("secret") && !text.contains("dGhl"))
    }
  }
}
