// Token lists of RFC 9110 5.6.1, with the outcomes of the reference's tables.
import Testing

@testable import WSProtocol

@Suite struct HeaderTokensTests {
  private func has(_ lines: [String], _ token: String = "websocket") -> Bool {
    let head = head(.request, "GET / HTTP/1.1\r\n" + lines.map { "Upgrade: \($0)\r\n" }.joined() + "\r\n")
    return head.fields.hasToken(lasting(token), in: lasting("upgrade"))
  }

  @Test(arguments: [
    ("WebSocket", true), ("WEBSOCKET", true), ("websocket", true), ("websockets", false), ("x websocket", false),
    ("websocket x", false), ("other,websocket,more", true), ("other, websocket, more", true), ("other, WEBSOCKET, more", true),
    ("", false), (",", false), (",websocket", true), ("websocket,,", true), (" , ,\twebsocket\t,", true), ("websocke", false),
    ("HTTP/2.0, websocket", true), ("websocket/13", false), ("a/, websocket", false), ("/websocket", false),
    ("a=b, websocket", false),
    ("\"websocket\"", false), ("websocket;q=1", false), ("foo bar, websocket", false), ("websocket, foo bar", true),
  ])
  func findsATokenInOneLine(line: String, isThere: Bool) { #expect(has([line]) == isThere) }

  @Test func repeatedLinesAreOneList() {
    #expect(has(["h2c", "websocket"]))
    #expect(has(["bad line here", "websocket"]), "a malformed line ends with itself")
    #expect(!has([]))
  }

  @Test(
    arguments: [
      ("", []), ("foo", ["foo"]), ("foo,bar", ["foo", "bar"]), ("foo, bar", ["foo", "bar"]), (" foo, bar", ["foo", "bar"]),
      (" foo, bar ", ["foo", "bar"]), ("foo, b r, baz", ["foo"]),
    ] as [(String, [String])])
  func pullsTheElements(line: String, elements: [String]) {
    var cursor = TokenCursor(lasting(line))
    var seen: [String] = []
    while let element = cursor.next() { seen.append(string(element)) }
    #expect(seen == elements)
    #expect(cursor.isMalformed == (line == "foo, b r, baz"))
    #expect(cursor.next() == nil)
  }

  // CVE-2021-32640: a header of many blanks took quadratic time. Here each byte is passed once, so 16 MB take an instant.
  @Test func cve2021_32640_manyBlanks() {
    let blanks = lasting([UInt8](repeating: 0x20, count: 16 << 20))
    var cursor = TokenCursor(blanks)
    #expect(cursor.next() == nil)
    var bytes = [UInt8](repeating: 0x20, count: 1 << 20)
    bytes[0] = 0x61
    bytes.append(0x62)
    cursor = TokenCursor(lasting(bytes))
    #expect(cursor.next() == nil)
    #expect(cursor.isMalformed)
  }
}
