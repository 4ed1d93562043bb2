// The text of addresses: RFC 4291 2.2 in, RFC 5952 4 out.
import Testing

@testable import WSProtocol

@Suite struct IPAddressTests {
  private func canonical(_ text: String) throws(OutOfMemory) -> String? {
    guard let address = IPv6.parse(lasting(text)) else { return nil }
    return try written { (output) throws(OutOfMemory) in try IPv6.append(address, to: &output) }
  }

  @Test(arguments: [
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("0:0:0:0:0:0:0:0", "::"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
    ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("1::8", "1::8"),
    ("FE80::ABCD", "fe80::abcd"),
    ("2001:db8::0001", "2001:db8::1"), ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
    ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("::ffff:127.0.0.1", "::ffff:7f00:1"),
    ("1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a"), ("::1.2.3.4", "::102:304"), ("0:0:1::", "0:0:1::"),
    ("1:0:0:0:0:0:0:0", "1::"),
    ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("a::b:0:0:c", "a::b:0:0:c"),
  ])
  func ipv6(text: String, expected: String) throws {
    #expect(try canonical(text) == expected)
    #expect(try canonical(expected) == expected)
  }

  @Test(arguments: [
    "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "::1:", ":1::",
    "12345::",
    "g::", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "1::2:3:4:5:6:7:8", "::1.2.3", "::1.2.3.4.5",
    "::256.0.0.1",
    "::1.2.3.4:5", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "fe80::1%eth0", "fe80::1%25eth0", "[::1]", " ::1", "::1 ", "::-1",
    "::1\0", "::01.2.3.4",
  ])
  func noIPv6(text: String) { #expect(IPv6.parse(lasting(text)) == nil) }

  @Test(
    arguments: [
      ("0.0.0.0", 0), ("1.2.3.4", 0x0102_0304), ("255.255.255.255", 0xFFFF_FFFF), ("", nil), ("1.2.3", nil), ("1.2.3.4.5", nil),
      ("1.2.3.", nil),
      (".1.2.3", nil), ("1..2.3", nil), ("01.2.3.4", nil), ("1.2.3.256", nil), ("1.2.3.0256", nil), ("1.2.3.4 ", nil),
      ("a.2.3.4", nil),
      ("-1.2.3.4", nil), ("00.0.0.0", nil),
    ] as [(String, UInt32?)])
  func ipv4(text: String, expected: UInt32?) { #expect(IPv4.parse(lasting(text)) == expected) }

  @Test func randomAddressesComeBack() throws {
    var random = SmallRandom(seed: 4)
    for _ in 0..<500 {
      var address: UInt128 = 0
      for _ in 0..<8 { address = address << 16 | UInt128(random.below(2) == 0 ? 0 : random.below(65536)) }
      let text = try written { (output) throws(OutOfMemory) in try IPv6.append(address, to: &output) }
      #expect(IPv6.parse(lasting(text)) == address)
    }
  }
}
