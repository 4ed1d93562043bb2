// What a program chooses for one answer: checked when it is chosen, and then in the 101.
import Testing

@testable import WSProtocol

@Suite struct ServerAnswerTests {
  private static let request =
    "GET /a?b HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c, x/y\r\n\r\n"

  /// Why a choice is refused; nil: it is not.
  private func fault(_ name: String, _ answer: inout ServerAnswer) -> ConfigurationError? {
    let head = head(.request, Self.request)
    do throws(ConfigurationError) {
      try answer.choose(subprotocol: lasting(name), of: head)
      return nil
    } catch { return error }
  }

  @Test func onlyWhatIsOffered() {
    var answer = ServerAnswer()
    #expect(answer.subprotocol == nil)
    #expect(fault("d", &answer) == .subprotocolNotOffered)
    #expect(fault("A", &answer) == .subprotocolNotOffered)
    #expect(fault("a, b", &answer) == .badSubprotocol)
    #expect(fault("x/y", &answer) == .badSubprotocol)
    #expect(fault("a\r\nX: y", &answer) == .badSubprotocol)
    #expect(answer.subprotocol == nil)
    for name in ["c", "a", ""] {
      #expect(fault(name, &answer) == nil)
      #expect(answer.subprotocol.map { string($0) } == name)
    }
  }

  @Test func theChoiceReplacesTheConfigurations() throws {
    var configuration = ServerConfiguration()
    try configuration.addSubprotocol(lasting("b"))
    try configuration.addHeader(name: lasting("Server"), value: lasting("s"))
    let head = head(.request, Self.request)
    var answer = ServerAnswer()
    try answer.addHeader(name: lasting("X-One"), value: lasting("1"))
    for (choice, line) in [("c", "Sec-WebSocket-Protocol: c\r\n"), ("", "")] {
      try answer.choose(subprotocol: lasting(choice), of: head)
      var output = ByteQueue()
      try ServerHandshake.writeAccept(to: &output, request: head, configuration: configuration, answer: answer)
      #expect(string(output.bytes).hasSuffix("xOo=\r\n\(line)Server: s\r\nX-One: 1\r\n\r\n"))
      #expect(string(ServerHandshake.agreement(head, configuration: configuration, answer: answer).subprotocol) == choice)
    }
  }

  @Test func fieldsAreCheckedAsInAConfiguration() {
    var answer = ServerAnswer()
    for (name, value, wanted) in [
      ("Upgrade", "x", ConfigurationError.reservedHeader), ("a b", "x", .badName), ("X", "a\nb", .badValue),
      ("Content-Length", "1", .reservedHeader),
    ] {
      do throws(ConfigurationError) {
        try answer.addHeader(name: lasting(name), value: lasting(value))
        Issue.record("\(name) was taken")
      } catch { #expect(error == wanted) }
    }
    #expect(answer.headers.count == 0)
  }

  @Test func cookies() {
    let head = head(.request, "GET / HTTP/1.1\r\nCookie: a=b;c = d ; q=\"\"; a=z\r\nX: y\r\nCookie: e=f=g\r\n\r\n")
    for (name, value) in [("a", "b"), ("c", "d"), ("q", ""), ("e", "f=g"), ("X", nil), ("", nil)] as [(String, String?)] {
      #expect(RequestCookies.value(of: lasting(name), in: head).map { string($0) } == value)
    }
  }
}
