// How a server says no: RFC 6455 4.2.2 and 4.4, RFC 9110 15.5; nothing that a proxy could take for a switch, nothing of the peer's.
import Testing

@testable import WSProtocol

@Suite struct RefusalTests {
  private func refusal(_ error: HandshakeError) throws -> String {
    try written { (output) throws(OutOfMemory) in try ServerHandshake.writeRefusal(to: &output, error: error) }
  }

  private func refusal(_ status: Int, _ body: [UInt8]) throws -> String {
    try written { (output) throws(OutOfMemory) in
      try ServerHandshake.writeRefusal(to: &output, status: status, body: lasting(body))
    }
  }

  /// The answer as a client reads it: its head, and the body that Content-Length tells of.
  private func read(_ text: String) -> (head: SeenHead, body: String) {
    let seen = seeHeadEveryWay(.response, Array(text.utf8))
    return (seen, String(decoding: Array(text.utf8).suffix(seen.rest), as: UTF8.self))
  }

  @Test func theWhole426() throws {
    #expect(
      try refusal(.unsupportedVersion)
        == "HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 39\r\n\r\n"
        + "Sec-WebSocket-Version does not list 13\n")
  }

  @Test func everyRefusalIsAWholeResponseThatCloses() throws {
    for (error, status) in HandshakeErrorTests.statuses where status != 0 {
      let (head, body) = read(try refusal(error))
      #expect(head.isComplete && head.error == nil && head.status == status && !head.reason.isEmpty, "\(error)")
      #expect(body == error.text.description + "\n")
      #expect(head.fields.contains("Content-Length=\(body.utf8.count)"))
      #expect(head.fields.contains(status == 426 ? "Connection=close, Upgrade" : "Connection=close"))
      #expect(head.fields.contains("Upgrade=websocket") == (status == 426))
      #expect(head.fields.contains("Sec-WebSocket-Version=13") == (status == 426))
      #expect(head.fields.contains("Allow=GET") == (status == 405))
    }
  }

  @Test func whatIsNoHTTPGetsNoAnswer() throws {
    for (error, status) in HandshakeErrorTests.statuses where status == 0 { #expect(try refusal(error) == "") }
  }

  @Test(arguments: [
    (200, "OK"), (404, "Not Found"), (503, "Service Unavailable"), (300, ""), (499, ""), (599, ""), (401, "Unauthorized"),
    (302, "Found"),
  ])
  func theApplicationsOwn(status: Int, reason: String) throws {
    let (head, body) = read(try refusal(status, Array("no".utf8)))
    #expect(head.isComplete && head.status == status && head.reason == reason)
    #expect(head.fields.contains("Connection=close") && head.fields.contains("Content-Length=2") && body == "no")
  }

  @Test(arguments: [101, 103, 199, 600, 0, -1, .max, .min]) func otherStatusesBecome500(status: Int) throws {
    #expect(try refusal(status, []).hasPrefix("HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n"))
  }

  @Test(arguments: [204, 205, 304]) func someStatusesHaveNoBody(status: Int) throws {
    let (head, body) = read(try refusal(status, Array("x".utf8)))
    #expect(head.isComplete && head.status == status && body == "" && head.fields == ["Connection=close"])
  }

  @Test func fieldsOfTheApplication() throws {
    var answer = ServerAnswer()
    try answer.addHeader(name: lasting("content-type"), value: lasting("text/html"))
    try answer.addHeader(name: lasting("X-One"), value: lasting(" 1 "))
    var output = ByteQueue()
    try ServerHandshake.writeRefusal(to: &output, status: 200, body: lasting("<p>"), answer: answer)
    let (own, _) = read(string(output.bytes))
    #expect(own.fields.contains("content-type=text/html") && own.fields.contains("X-One=1"))
    #expect(!own.fields.contains { $0.hasPrefix("Content-Type") })
    output.removeAll()
    try ServerHandshake.writeRefusal(to: &output, error: .methodNotGet, answer: answer)
    let (ours, _) = read(string(output.bytes))
    #expect(ours.status == 405 && ours.fields.contains("X-One=1") && ours.fields.contains("Allow=GET"))
  }

  @Test func bodiesOfAnySize() throws {
    let (empty, none) = read(try refusal(400, []))
    #expect(empty.fields.contains("Content-Length=0") && none == "")
    var output = ByteQueue()
    try ServerHandshake.writeRefusal(to: &output, status: 400, body: lasting([UInt8](repeating: 0xFF, count: 65536)))
    #expect(Array(output.bytes).suffix(65536).allSatisfy { $0 == 0xFF })
  }
}
