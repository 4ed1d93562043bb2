// Hosts: what is a name, what is an address, and when two of them are the same.
import Testing

@testable import WSProtocol

@Suite struct HostNameTests {
  @Test(arguments: [
    "a", "localhost", "Example.COM", "a-b.c_d", "xn--bcher-kva.example", "1a.b2", "127.0.0.1.example", "a.", "example.com.",
    "-a",
    "0x.a", "1.a",
  ])
  func names(text: String) { #expect(HostName(nameOrIPv4: lasting(text))?.kind == .name) }

  @Test(arguments: ["0.0.0.0", "127.0.0.1", "255.255.255.255", "10.20.30.40"]) func addresses(text: String) {
    #expect(HostName(nameOrIPv4: lasting(text))?.kind == .ipv4)
  }

  // What some programs read as addresses, and others not: refused.
  @Test(arguments: [
    "1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "127.0.0.0x1", "127.0.0.01", "0127.0.0.1", "127.0.0.256",
    "127.0.0.1.", "127.0.0.1.5", "example.1", "0xzz", "a.0x",
  ])
  func almostAddresses(text: String) { #expect(HostName(nameOrIPv4: lasting(text)) == nil) }

  @Test(arguments: [
    "", ".", "..", ".a", "a..b", "a..", "a b", "a%41", "b\u{FC}cher", "a@b", "a:b", "[::1]", "*.a", "a,b", "a/b", "a\\b",
  ])
  func neither(text: String) { #expect(HostName(nameOrIPv4: lasting(text)) == nil) }

  @Test(arguments: 0...255) func everyByteIsPartOfANameOrNot(number: Int) {
    let byte = UInt8(number)
    let isPart = byte.isLetter || byte.isDigit || [0x2D, 0x2E, 0x5F].contains(byte)
    #expect((HostName(nameOrIPv4: lasting([0x61, byte, 0x62])) != nil) == isPart)
    #expect((HostName(nameOrIPv4: lasting([byte, 0x62])) != nil) == (isPart && byte != 0x2E))
  }

  // RFC 1035 2.3.4: labels of 63, names of 253 bytes as text.
  @Test func lengths() {
    let label = String(repeating: "a", count: 63)
    #expect(HostName(nameOrIPv4: lasting(label)) != nil)
    #expect(HostName(nameOrIPv4: lasting(label + "a")) == nil)
    let name = "\(label).\(label).\(label)." + String(repeating: "b", count: 61)
    #expect(HostName(nameOrIPv4: lasting(name)) != nil)
    #expect(HostName(nameOrIPv4: lasting(name + ".")) != nil)
    #expect(HostName(nameOrIPv4: lasting(name + "b")) == nil)
  }

  @Test(arguments: [
    ("a", "A", true), ("a", "b", false), ("a", "a.", false), ("a.b", "b", false), ("1.2.3.4", "1.2.3.4", true),
    ("1.2.3.4", "1.2.3.5", false),
  ])
  func sameNames(left: String, right: String, isSame: Bool) throws {
    let left = try #require(HostName(nameOrIPv4: lasting(left)))
    let right = try #require(HostName(nameOrIPv4: lasting(right)))
    #expect(left.equals(right) == isSame)
  }

  @Test func sameAddressesInAllSpellings() throws {
    let one = try #require(HostName(ipv6: lasting("::1")))
    let other = try #require(HostName(ipv6: lasting("0:0:0:0:0:0:0:0001")))
    let mapped = try #require(HostName(ipv6: lasting("::ffff:127.0.0.1")))
    let plain = try #require(HostName(nameOrIPv4: lasting("127.0.0.1")))
    #expect(one.equals(other) && !one.equals(mapped) && !mapped.equals(plain))
    #expect(!mapped.isLoopback, "the list is 127/8 and ::1, nothing that is like them")
  }

  @Test(arguments: [
    ("localhost", true), ("LOCALHOST", true), ("a.b.localhost", true), ("localhost.", false), ("notlocalhost", false),
    ("localhost.evil", false),
    ("127.0.0.1", true), ("127.255.3.4", true), ("128.0.0.1", false), ("1.127.0.0", false), ("127.example", false),
  ])
  func loopback(text: String, isLoopback: Bool) {
    #expect(HostName(nameOrIPv4: lasting(text))?.isLoopback == isLoopback)
  }

  @Test(arguments: [
    ("a.b", "b", true), ("c.a.b", "b", true), ("A.B", "b", true), ("b", "b", false), ("ab", "b", false), ("xb.b", "b.b", false),
    ("a.b", "a.b", false), (".b", "b", false), ("1.2.3.4", "b", false),
  ])
  func below(text: String, parent: String, isBelow: Bool) throws {
    let parent = try #require(HostName(nameOrIPv4: lasting(parent)))
    #expect((HostName(nameOrIPv4: lasting(text))?.isBelow(parent) ?? false) == isBelow)
  }

  @Test func oneSpelling() throws {
    let name = try #require(HostName(nameOrIPv4: lasting("EXAMPLE.Com")))
    #expect(try written { (output) throws(OutOfMemory) in try name.appendCanonical(to: &output) } == "example.com")
    let address = try #require(HostName(ipv6: lasting("2001:DB8:0:0:1:0:0:1")))
    #expect(try written { (output) throws(OutOfMemory) in try address.appendCanonical(to: &output) } == "2001:db8::1:0:0:1")
  }
}
