// Sec-WebSocket-Extensions, RFC 6455 9.1, with the outcomes of the reference's table.
import Testing

@testable import WSProtocol

/// A line and how it is taken apart: each extension as its name and its parameters.
struct ExtensionRow: Sendable, CustomTestStringConvertible {
  var line: String
  var elements: [[String]]
  var isMalformed: Bool
  var testDescription: String { line.debugDescription }

  init(_ line: String, _ elements: [[String]], isMalformed: Bool = false) {
    self.line = line
    self.elements = elements
    self.isMalformed = isMalformed
  }
}

@Suite struct ExtensionListTests {
  private func parse(_ line: String) throws(OutOfMemory) -> (elements: [[String]], isMalformed: Bool) {
    var cursor = ExtensionCursor(lasting(line))
    var elements: [[String]] = []
    while let element = cursor.next() {
      var seen = [string(element.name)]
      var parameters = ExtensionParameters(element)
      while let parameter = parameters.next() {
        let value = try written { (output) throws(OutOfMemory) in try parameter.appendValue(to: &output) }
        seen.append(string(parameter.name) + (parameter.rawValue == nil ? "" : "=" + value))
      }
      elements.append(seen)
    }
    return (elements, cursor.isMalformed)
  }

  @Test(arguments: [
    ExtensionRow("", []),
    ExtensionRow("foo", [["foo"]]),
    ExtensionRow("foo, bar; baz=2", [["foo"], ["bar", "baz=2"]]),
    ExtensionRow("foo; bar=\"b,a;z\"", [["foo", "bar=b,a;z"]]),
    ExtensionRow("foo , bar; baz = 2", [["foo"], ["bar", "baz=2"]]),
    ExtensionRow("foo, bar; baz=2 junk", [["foo"]], isMalformed: true),
    ExtensionRow("foo junk, bar; baz=2 junk", [], isMalformed: true),
    ExtensionRow(
      "mux; max-channels=4; flow-control, deflate-stream", [["mux", "max-channels=4", "flow-control"], ["deflate-stream"]]),
    ExtensionRow("permessage-foo; x=\"10\"", [["permessage-foo", "x=10"]]),
    ExtensionRow("permessage-foo; use_y, permessage-foo", [["permessage-foo", "use_y"], ["permessage-foo"]]),
    ExtensionRow(
      "permessage-deflate; client_max_window_bits; server_max_window_bits=10 , permessage-deflate; client_max_window_bits",
      [
        ["permessage-deflate", "client_max_window_bits", "server_max_window_bits=10"],
        ["permessage-deflate", "client_max_window_bits"],
      ]),
    ExtensionRow(
      "permessage-deflate; server_no_context_takeover; client_max_window_bits=15",
      [["permessage-deflate", "server_no_context_takeover", "client_max_window_bits=15"]]),
    ExtensionRow("foo; bar=\"q\\\"u\\\\o\\te\"", [["foo", "bar=q\"u\\ote"]]),
    ExtensionRow("foo; bar=\"\"", [["foo", "bar="]]),
    ExtensionRow("foo; a=1; a=2", [["foo", "a=1", "a=2"]]),
    ExtensionRow(" ,, foo\t;\ta\t=\t1\t,,", [["foo", "a=1"]]),
    ExtensionRow("foo;", [], isMalformed: true), ExtensionRow("foo; a=", [], isMalformed: true),
    ExtensionRow("foo; =1", [], isMalformed: true), ExtensionRow("foo; a=\"1", [], isMalformed: true),
    ExtensionRow("foo; a=\"1\\\"", [], isMalformed: true), ExtensionRow("foo; a=\"1\\", [], isMalformed: true),
    ExtensionRow("foo; a==1", [], isMalformed: true), ExtensionRow("a, foo; ;b, c", [["a"]], isMalformed: true),
    ExtensionRow("=", [], isMalformed: true), ExtensionRow("\"foo\"", [], isMalformed: true),
    ExtensionRow("foo/1", [], isMalformed: true), ExtensionRow("\u{FC}", [], isMalformed: true),
  ])
  func takesLinesApart(_ row: ExtensionRow) throws {
    let seen = try parse(row.line)
    #expect(seen.elements == row.elements)
    #expect(seen.isMalformed == row.isMalformed)
  }

  @Test func endsAfterAFault() {
    var cursor = ExtensionCursor(lasting("a b, c"))
    #expect(cursor.next() == nil)
    #expect(cursor.next() == nil)
  }

  /// Every prefix of a good line and every single damaged byte: no trap, no endless loop.
  @Test func damagedLines() throws {
    let good = Array("foo; bar=\"b\\\"a\"; c=1, d; e".utf8)
    for end in 0...good.count { _ = try parse(String(decoding: good[..<end], as: UTF8.self)) }
    for place in good.indices {
      for byte in [0x00, 0x09, 0x20, 0x22, 0x2C, 0x3B, 0x3D, 0x5C, 0x7F, 0xFF] as [UInt8] {
        var bytes = good
        bytes[place] = byte
        var cursor = ExtensionCursor(lasting(bytes))
        var count = 0
        while cursor.next() != nil { count += 1 }
        #expect(count <= 4)
      }
    }
  }
}
