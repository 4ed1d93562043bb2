// Requests that somebody else has parsed: what they ask for, and that they read again as what they are, or not at all.
import Testing

@testable import WSProtocol

@Suite struct ParsedRequestTests {
  private func fields(_ pairs: [(String, String)]) throws -> ParsedFields {
    let parts = UnsafeMutableBufferPointer<FieldPart>.allocate(capacity: pairs.count)
    for (index, pair) in pairs.enumerated() {
      parts.initializeElement(at: index, to: FieldPart(name: lasting(pair.0), value: lasting(pair.1)))
    }
    return try #require(ParsedFields(UnsafeBufferPointer(parts)))
  }

  /// The head that a request reads as, or why it is none.
  private func head(_ method: String, _ target: String, _ pairs: [(String, String)]) throws -> Result<
    MessageHeadFacts, HeadError
  > {
    let request = ParsedRequest(method: lasting(method), target: lasting(target), fields: try fields(pairs))
    do throws(HeadError) {
      var text = ByteQueue()
      try request.write(to: &text)
      var head = MessageHead(.request)
      let used = try head.feed(text.bytes)
      #expect(used == text.count && head.isComplete)
      return .success(MessageHeadFacts(method: string(head.method), target: string(head.target), count: head.fieldCount))
    } catch { return .failure(error) }
  }

  struct MessageHeadFacts: Equatable {
    let method: String
    let target: String
    let count: Int
  }

  @Test func readsAgainAsItIs() throws {
    let facts = try head("GET", "/a?b", [("Host", "h"), ("X", " padded "), ("Empty", "")])
    #expect(facts == .success(MessageHeadFacts(method: "GET", target: "/a?b", count: 3)))
  }

  @Test(arguments: [
    ("G\r\nT", "/", "X", "y", HeadError.controlByte), ("GET", "/\n", "X", "y", .controlByte),
    ("GET", "/ HTTP/1.1\r\nX: y", "X", "y", .controlByte), ("GET", "/", "X", "y\r\nZ: a", .controlByte),
    ("GET", "/", "X\r\nZ", "y", .badFieldName), ("GET", "/", "X:", "y", .badFieldName), ("GET", "/", "", "y", .badFieldName),
    ("GET", "/", "X", "a\u{0}b", .controlByte), ("GET /a", "/b", "X", "y", .badRequestLine),
    ("GET", "/a b", "X", "y", .badRequestLine), ("", "/", "X", "y", .notHTTP), ("GET", "", "X", "y", .badRequestLine),
  ])
  func nothingBecomesSomethingElse(method: String, target: String, name: String, value: String, error: HeadError) throws {
    #expect(try head(method, target, [(name, value)]) == .failure(error))
  }

  @Test func limitsAreThoseOfAHead() throws {
    let long = String(repeating: "a", count: 20_000)
    #expect(try head("GET", "/" + long, []) == .failure(.targetTooLong))
    #expect(try head("GET", "/", [("X", long)]) == .failure(.tooLarge))
    #expect(try head("GET", "/", Array(repeating: ("X", "y"), count: 129)) == .failure(.tooManyFields))
    #expect(try head("GET", "/", Array(repeating: ("X", String(long.prefix(16_000))), count: 5)) == .failure(.tooLarge))
  }

  @Test func whatAsksForAWebSocket() throws {
    #expect(try fields([("upgrade", "h2c, WebSocket"), ("Connection", "a"), ("connection", "UPGRADE")]).isWebSocketUpgrade)
    #expect(try !fields([("Upgrade", "websocket")]).isWebSocketUpgrade)
    #expect(try !fields([("Connection", "Upgrade")]).isWebSocketUpgrade)
    #expect(try !fields([]).isWebSocketUpgrade)
  }

  @Test func subprotocols() throws {
    let some = try fields([("Sec-WebSocket-Protocol", "a, b"), ("X", "y"), ("sec-websocket-protocol", "c")])
    #expect((0...3).map { some.offeredSubprotocol($0).map { string($0) } } == ["a", "b", "c", nil])
    #expect(some.offeredSubprotocol(-1) == nil)
  }
}
