// Header fields: looking up, in order, by name without case. RFC 9110 5.1, 5.3.
import Testing

@testable import WSProtocol

@Suite struct HeaderFieldsTests {
  private static let text = "GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nEmpty:\r\nX-A: 3\r\n\r\n"

  @Test func fieldsComeInOrder() {
    let head = head(.request, Self.text)
    #expect(head.fieldCount == 5)
    #expect(string(head.field(2)?.name) == "x-a")
    #expect(string(head.field(2)?.value) == "2")
    #expect(string(head.field(3)?.value) == "")
  }

  @Test(arguments: [-1, 5, 6, .max, .min]) func thereIsNoFieldOutside(index: Int) {
    let head = head(.request, Self.text)
    #expect(head.field(index) == nil)
  }

  @Test func namesAreComparedWithoutCase() {
    let head = head(.request, Self.text)
    #expect(string(head.first(lasting("X-a"))) == "1")
    #expect(head.count(of: lasting("x-A")) == 3)
    #expect(head.first(lasting("X-AB")) == nil)
    #expect(head.first(lasting("X-")) == nil)
    #expect(head.first(.empty) == nil)
    #expect(head.count(of: lasting("none")) == 0)
  }

  @Test func anEmptyValueIsThere() {
    let head = head(.request, Self.text)
    #expect(head.first(lasting("empty"))?.count == 0)
  }

  @Test func linesOfOneNameComeOneAfterTheOther() {
    let head = head(.request, Self.text)
    var lines = FieldLines(lasting("X-A"))
    var values: [String] = []
    while let line = lines.next(in: head.fields) { values.append(string(line)) }
    #expect(values == ["1", "2", "3"])
    #expect(lines.next(in: head.fields) == nil)
  }

  // util_test's table for folding: only A to Z are folded.
  @Test(arguments: [
    ("WebSocket", "websocket", true), ("websocket", "WebSocket", true), ("\u{D6}yster", "\u{F6}yster", false),
    ("WebSocket", "WetSocket", false), ("[", "{", false), ("@", "`", false), ("", "", true), ("a", "", false),
  ])
  func onlyASCIILettersFold(left: String, right: String, isEqual: Bool) {
    #expect(lasting(left).equalsIgnoringCase(lasting(right)) == isEqual)
  }
}
