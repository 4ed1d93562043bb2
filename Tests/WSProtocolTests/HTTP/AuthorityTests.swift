// `host[:port]`, RFC 3986 3.2.
import Testing

@testable import WSProtocol

@Suite struct AuthorityTests {
  @Test(
    arguments: [
      ("a", "a", nil), ("a:1", "a", 1), ("a:65535", "a", 65535), ("a:00080", "a", 80), ("[::1]", "::1", nil),
      ("[::1]:80", "::1", 80),
      ("1.2.3.4:5", "1.2.3.4", 5),
    ] as [(String, String, UInt16?)])
  func takesApart(text: String, host: String, port: UInt16?) throws {
    let authority = try Authority(lasting(text))
    #expect(string(authority.host.text) == host)
    #expect(authority.port == port)
  }

  @Test(
    arguments: [
      ("", .emptyHost), (":80", .emptyHost), ("[]", .emptyHost), ("[]:80", .emptyHost), ("[", .emptyHost), ("[::1", .badHost),
      ("::1", .emptyHost),
      ("1::1", .badHost), ("a::1", .badPort), ("[1.2.3.4]", .badHost), ("[::1%25a]", .badHost), ("a b", .badHost),
      ("a@b", .badHost), ("a,b", .badHost),
      ("a:", .badPort), ("a:0", .badPort), ("a:65536", .badPort), ("a:99999", .badPort), ("a:000080", .badPort),
      ("a:+1", .badPort),
      ("a:-1", .badPort), ("a:1 ", .badPort), ("a: 1", .badPort), ("a:1:2", .badPort), ("a:1a", .badPort), ("[::1]a", .badPort),
      ("[::1]:", .badPort), ("[::1]]", .badPort), ("a:18446744073709551697", .badPort),
    ] as [(String, Authority.Fault)])
  func refuses(text: String, fault: Authority.Fault) {
    #expect(thrown { () throws(Authority.Fault) in try Authority(lasting(text)) } == fault)
  }
}
