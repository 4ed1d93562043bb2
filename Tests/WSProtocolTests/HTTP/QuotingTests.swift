// Peer text in logs: quoted, at most 80 bytes, nothing that a terminal would obey.
import Testing

@testable import WSProtocol

@Suite struct QuotingTests {
  private func quoted(_ bytes: [UInt8]) throws(OutOfMemory) -> String {
    try written { (output) throws(OutOfMemory) in try output.appendQuoted(lasting(bytes)) }
  }

  @Test(arguments: [
    ("", "\"\""), ("abc ~", "\"abc ~\""), ("a\"b", "\"a\\x22b\""), ("a\\x41", "\"a\\x5cx41\""),
    ("\r\n\0", "\"\\x0d\\x0a\\x00\""),
    ("\u{1B}[2J", "\"\\x1b[2J\""), ("\u{FC}", "\"\\xc3\\xbc\""), ("\u{7F}", "\"\\x7f\""),
  ])
  func escapes(text: String, expected: String) throws { #expect(try quoted(Array(text.utf8)) == expected) }

  @Test func everyByteComesOutPrintable() throws {
    for byte in UInt8.min...UInt8.max {
      let text = try quoted([byte])
      #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 <= 0x7E })
    }
  }

  @Test func cutsAt80BytesAndNeverInsideAnEscape() throws {
    let eighty = String(repeating: "a", count: 80)
    #expect(try quoted(Array(eighty.utf8)) == "\"\(eighty)\"")
    #expect(try quoted(Array((eighty + "b").utf8)) == "\"\(eighty)\"...")
    #expect(try quoted([UInt8](repeating: 0, count: 20)) == "\"" + String(repeating: "\\x00", count: 20) + "\"")
    #expect(try quoted([UInt8](repeating: 0, count: 21)) == "\"" + String(repeating: "\\x00", count: 20) + "\"...")
    let long = String(repeating: "a", count: 77)
    #expect(try quoted(Array(long.utf8) + [0x00]) == "\"\(long)\"...")
    #expect(try quoted([UInt8](repeating: 0x61, count: 65536)).utf8.count == 85)
  }
}
