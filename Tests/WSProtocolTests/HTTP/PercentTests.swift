// Percent-encoding, RFC 3986 2.1, where Basic credentials need it.
import Testing

@testable import WSProtocol

@Suite struct PercentTests {
  @Test(arguments: [
    ("", ""), ("abc", "abc"), ("%41%62%7a", "Abz"), ("%2f%2F", "//"), ("%25", "%"), ("%2541", "%41"), ("%", "%"), ("%4", "%4"),
    ("%zz", "%zz"),
    ("a%", "a%"), ("%%41", "%A"), ("+", "+"),
  ])
  func decodes(text: String, expected: String) throws {
    #expect(try written { (output) throws(OutOfMemory) in try Percent.appendDecoded(lasting(text), to: &output) } == expected)
  }

  @Test(arguments: [
    ("u", true), ("u:", true), ("u:p:q", true), ("u:p%3Aq", true), ("u%40:p%40", true), ("%FC:%FC", true), ("u:%C3%BC", true),
    ("", false), (":", false), (":p", false), ("u%3A", false), ("%3A:p", false), ("u%", false), ("u:%", false), ("u:%4", false),
    ("u%1f:p", false), ("u:%7F", false), ("u%0a", false), ("u:%00", false),
  ])
  func checksCredentials(userinfo: String, isGood: Bool) {
    #expect((thrown { () throws(URLError) in try Percent.checkCredentials(lasting(userinfo)) } == nil) == isGood)
  }

  @Test func nothingIsNoFault() {
    #expect(thrown { () throws(URLError) in try Percent.checkCredentials(nil) } == nil)
  }
}
