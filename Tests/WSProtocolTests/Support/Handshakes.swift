// Heads, requests and responses written by hand for the tests of HTTP/ and Handshake/, and what the library makes of them:
// every head goes in whole, one byte at a time and cut at every position, and all ways must look the same.
import Testing

@testable import WSProtocol

/// The text's bytes, which stay until the process ends: tables hand out many views at once.
func lasting(_ text: String) -> ByteView { lasting(Array(text.utf8)) }

/// The same for bytes that are no text.
func lasting(_ bytes: [UInt8]) -> ByteView {
  let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
  copy.copyBytes(from: bytes)
  return ByteView(copy).cut(0, bytes.count)
}

/// The bytes as text; those that are no UTF-8 show as U+FFFD.
func string(_ view: ByteView?) -> String { view.map { String(decoding: $0, as: UTF8.self) } ?? "nil" }

/// What a call adds to a queue, as text.
func written<E: Error>(_ body: (inout ByteQueue) throws(E) -> Void) throws(E) -> String {
  var output = ByteQueue()
  try body(&output)
  return string(output.bytes)
}

/// The error of a call, or nil when there was none.
func thrown<R, E: Error>(_ body: () throws(E) -> R) -> E? {
  do throws(E) {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

/// All that a head says, or its error.
struct SeenHead: Equatable {
  var error: HeadError?
  var isComplete = false
  var method = ""
  var target = ""
  var status = 0
  var reason = ""
  var minorVersion = 0
  var fields: [String] = []
  /// The bytes behind the head that `feed` left alone.
  var rest = 0
}

/// What a head is made of the bytes when they come cut at these positions.
func seeHead(_ kind: MessageHead.Kind, _ bytes: [UInt8], limits: HeadLimits = HeadLimits(), cuts: [Int] = []) -> SeenHead {
  var head = MessageHead(kind, limits: limits)
  var seen = SeenHead()
  var start = 0
  for end in cuts + [bytes.count] where end > start {
    do throws(HeadError) {
      let taken = try head.feed(lasting(Array(bytes[start..<end])))
      if let taken { seen.rest += end - start - taken }
    } catch {
      #expect(seen.error == nil || seen.error == error, "the first error stays")
      seen.error = error
    }
    start = end
  }
  seen.isComplete = head.isComplete
  seen.method = string(head.method)
  seen.target = string(head.target)
  seen.status = head.status
  seen.reason = string(head.reason)
  seen.minorVersion = head.minorVersion
  for index in 0..<head.fieldCount {
    if let field = head.field(index) { seen.fields.append(string(field.name) + "=" + string(field.value)) }
  }
  return seen
}

/// The same for every way to cut the bytes; fails the test where one differs.
func seeHeadEveryWay(
  _ kind: MessageHead.Kind, _ bytes: [UInt8], limits: HeadLimits = HeadLimits(),
  sourceLocation: SourceLocation = #_sourceLocation
) -> SeenHead {
  let whole = seeHead(kind, bytes, limits: limits)
  let step = max(1, bytes.count / 300)
  let oneByOne = Array(0..<bytes.count)
  for cuts in stride(from: 0, to: bytes.count, by: step).map({ [$0] }) + [oneByOne] {
    let other = seeHead(kind, bytes, limits: limits, cuts: cuts)
    guard other != whole else { continue }
    Issue.record("cut at \(cuts.prefix(3)): \(other) is not \(whole)", sourceLocation: sourceLocation)
    return whole
  }
  return whole
}

/// A complete head from that text; records an issue where it is none.
func head(_ kind: MessageHead.Kind, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> MessageHead {
  var head = MessageHead(kind)
  let fault = thrown { () throws(HeadError) in try head.feed(lasting(text)) }
  if fault != nil || !head.isComplete {
    Issue.record("\(text) is no head: \(String(describing: fault))", sourceLocation: sourceLocation)
  }
  return head
}

/// The head of a message whose lines can be changed one by one.
struct Lines {
  var start: String
  var fields: [String]

  /// The request of RFC 6455 1.2 with only what 4.1 asks for.
  static let request = Lines(
    start: "GET /chat HTTP/1.1",
    fields: [
      "Host: server.example.com", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
    ])

  /// The response of RFC 6455 1.2 without its subprotocol.
  static let response = Lines(
    start: "HTTP/1.1 101 Switching Protocols",
    fields: ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="])

  /// Without the fields of that name.
  func without(_ name: String) -> Lines {
    Lines(start: start, fields: fields.filter { !$0.lowercased().hasPrefix(name.lowercased() + ":") })
  }

  /// With one more line.
  func with(_ line: String) -> Lines { Lines(start: start, fields: fields + [line]) }

  /// With this line in place of those of its name.
  func replacing(_ line: String) -> Lines { without(String(line.prefix { $0 != ":" })).with(line) }

  /// With another start line.
  func starting(_ line: String) -> Lines { Lines(start: line, fields: fields) }

  var text: String { ([start] + fields).map { $0 + "\r\n" }.joined() + "\r\n" }
}

/// The 16 bytes "the sample nonce" of RFC 6455 1.3.
let sampleNonce: (UInt64, UInt64) = (0x7468_6520_7361_6D70, 0x6C65_206E_6F6E_6365)
