// ws and wss URLs: RFC 6455 3 and 4.1, and what is refused because programs read it differently.
import Testing

@testable import WSProtocol

/// What a URL is made of.
struct URLParts: Sendable, Equatable {
  var isSecure: Bool
  var host: String
  var isIPv6: Bool
  var port: UInt16
  var target: String
  var header: String
  var credentials: String?

  init(isSecure: Bool = false, _ host: String, _ port: UInt16, _ target: String = "/", header: String) {
    (self.isSecure, self.host, self.port, self.target, self.header) = (isSecure, host, port, target, header)
    isIPv6 = host.contains(":")
  }

  init(_ text: String) throws {
    let url = try WebSocketURL(parsing: lasting(text))
    isSecure = url.isSecure
    host = string(url.host)
    isIPv6 = url.isIPv6
    port = url.port
    target = string(url.target)
    header = try written { (output) throws(OutOfMemory) in try url.writeHost(to: &output) }
    if url.hasCredentials {
      credentials = try written { (output) throws(OutOfMemory) in try url.writeBasicCredentials(to: &output) }
    }
  }
}

@Suite struct WebSocketURLTests {
  @Test(arguments: [
    ("ws://example.com", URLParts("example.com", 80, header: "example.com")),
    ("ws://example.com/", URLParts("example.com", 80, header: "example.com")),
    ("wss://example.com", URLParts(isSecure: true, "example.com", 443, header: "example.com")),
    ("WsS://EXAMPLE.com:443/A?b", URLParts(isSecure: true, "example.com", 443, "/A?b", header: "example.com")),
    ("ws://example.com:80/", URLParts("example.com", 80, header: "example.com")),
    ("ws://example.com:443/", URLParts("example.com", 443, header: "example.com:443")),
    ("wss://example.com:80/", URLParts(isSecure: true, "example.com", 80, header: "example.com:80")),
    ("ws://a:65535/a/b?x=y&z=%20", URLParts("a", 65535, "/a/b?x=y&z=%20", header: "a:65535")),
    ("ws://a?x=y", URLParts("a", 80, "/?x=y", header: "a")),
    ("ws://a/?", URLParts("a", 80, "/?", header: "a")),
    ("ws://a?", URLParts("a", 80, "/?", header: "a")),
    ("ws://a//b/../c", URLParts("a", 80, "//b/../c", header: "a")),
    ("ws://a/b@c:d@e", URLParts("a", 80, "/b@c:d@e", header: "a")),
    ("ws://a?b@c", URLParts("a", 80, "/?b@c", header: "a")),
    ("ws://a/%zz\"<>^`{|}", URLParts("a", 80, "/%zz\"<>^`{|}", header: "a")),
    ("ws://[::1]", URLParts("::1", 80, header: "[::1]")),
    ("wss://[2001:DB8:0::1]:8443/x", URLParts(isSecure: true, "2001:db8::1", 8443, "/x", header: "[2001:db8::1]:8443")),
    ("ws://127.0.0.1:8080", URLParts("127.0.0.1", 8080, header: "127.0.0.1:8080")),
    ("ws://Example.COM./", URLParts("example.com.", 80, header: "example.com.")),
  ])
  func takesApart(text: String, expected: URLParts) throws { #expect(try URLParts(text) == expected) }

  @Test(
    arguments: [
      ("", .badScheme), ("ws", .badScheme), ("ws:", .badScheme), ("ws:/a", .badScheme), ("http://a", .badScheme),
      ("https://a/", .badScheme),
      ("//a", .badScheme), ("a", .badScheme), ("ws//a", .badScheme), ("wsx://a", .badScheme), ("ws:a//", .badScheme),
      ("ws://", .emptyHost), ("ws:///x", .emptyHost), ("ws://?x", .emptyHost), ("ws://:80", .emptyHost),
      ("ws://u@", .emptyHost),
      ("ws://u@:80/", .emptyHost), ("ws://[]", .emptyHost),
      ("ws://a/#b", .fragment), ("ws://a#", .fragment), ("ws://a?#b", .fragment), ("ws://#@a", .fragment),
      ("ws://a\\b", .backslash), ("ws://a/b\\c", .backslash), ("ws:\\\\a", .backslash),
      ("ws://evil.com\\@good.com", .backslash),
      ("ws://a@b@c/", .repeatedAt), ("ws://a:b@c:d@e", .repeatedAt), ("ws://@@a", .repeatedAt),
      ("ws://a:0", .badPort), ("ws://a:65536", .badPort), ("ws://a:", .badPort), ("ws://a:8o", .badPort),
      ("ws://a:80:80", .badPort),
      ("ws://a:-1", .badPort), ("ws://a:+80", .badPort), ("ws://[::1]80", .badPort), ("ws://::1", .emptyHost),
      ("ws://1::1", .badHost), ("ws://a::1", .badPort),
      ("ws://[::1", .badHost), ("ws://[a]", .badHost), ("ws://[fe80::1%25lo]", .badHost), ("ws://127.1", .badHost),
      ("ws://2130706433", .badHost),
      ("ws://0x7f000001", .badHost), ("ws://0177.0.0.1", .badHost), ("ws://a..b", .badHost), ("ws://.a", .badHost),
      ("ws://a%41", .badHost),
      ("ws://a,b", .badHost), ("ws://*", .badHost), ("ws://a;b", .badHost),
      ("ws://@a", .badCredentials), ("ws://:pw@a", .badCredentials), ("ws://u%@a", .badCredentials),
      ("ws://u%4@a", .badCredentials),
      ("ws://u%zz@a", .badCredentials), ("ws://u%3Ax:p@a", .badCredentials), ("ws://u%0D%0A@a", .badCredentials),
      ("ws://u:p%00@a", .badCredentials), ("ws://u:p%7f@a", .badCredentials),
      (" ws://a", .space), ("ws://a ", .space), ("ws://a/b c", .space), ("ws://a\t", .controlByte),
      ("ws://a\r\nHost: b", .controlByte),
      ("ws://b\u{FC}cher.example", .notASCII), ("ws://a/\u{FC}", .notASCII),
    ] as [(String, URLError)])
  func refuses(text: String, error: URLError) { #expect(Self.error(Array(text.utf8)) == error) }

  private static func error(_ bytes: [UInt8]) -> URLError? {
    do throws(URLError) {
      _ = try WebSocketURL(parsing: lasting(bytes))
      return nil
    } catch {
      return error
    }
  }

  /// The injection matrix: every byte there is, in each part of a URL.
  @Test(arguments: 0...255) func everyByteInEveryPart(number: Int) {
    let byte = UInt8(number)
    func error(_ before: String, _ after: String) -> URLError? {
      Self.error(Array(before.utf8) + [byte] + Array(after.utf8))
    }
    let anywhere: URLError? =
      switch byte {
      case 0x20: .space
      case 0x5C: .backslash
      case 0x23: .fragment
      case 0x80...0xFF: .notASCII
      default: byte.isControl ? .controlByte : nil
      }
    #expect(error("ws://a/b", "c") == anywhere, "in the path")
    #expect(error("ws://a/?b", "c") == anywhere, "in the query")
    #expect(error("", "ws://a") == anywhere ?? .badScheme, "in the scheme")
    if let anywhere {
      #expect(error("ws://a", "b/") == anywhere, "in the host")
      #expect(error("ws://u", "v@a/") == anywhere, "in the user")
      #expect(error("ws://u:p", "q@a/") == anywhere, "in the password")
      #expect(error("ws://a:8", "0/") == anywhere, "in the port")
    } else if !byte.isLetter, !byte.isDigit, ![0x2D, 0x2E, 0x2F, 0x3A, 0x3F, 0x40, 0x5F].contains(byte) {
      #expect(error("ws://a", "b/") == .badHost, "in the host")
      #expect(error("ws://a:8", "0/") == .badPort, "in the port")
    }
  }

  @Test func lengthIsLimited() {
    let start = Array("ws://a/".utf8)
    #expect(Self.error(start + [UInt8](repeating: 0x62, count: 65535 - start.count)) == nil)
    #expect(Self.error(start + [UInt8](repeating: 0x62, count: 65536 - start.count)) == .tooLong)
  }

  // RFC 7617 2; the reference's proxy test has username:password.
  @Test(arguments: [
    ("ws://username:password@a", "dXNlcm5hbWU6cGFzc3dvcmQ="), ("ws://Aladdin:open%20sesame@a/", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
    ("ws://user@a", "dXNlcjo="), ("ws://user:@a", "dXNlcjo="), ("ws://u:a:b@a", "dTphOmI="), ("ws://u:%3a%40@a", "dTo6QA=="),
    ("ws://test:123%C2%A3@a", "dGVzdDoxMjPCow=="),
  ])
  func credentials(text: String, expected: String) throws {
    var parts = URLParts("a", 80, header: "a")
    parts.credentials = expected
    #expect(try URLParts(text) == parts)
  }

  @Test func everyErrorHasATextOfItsOwn() {
    let errors: [URLError] = [
      .tooLong, .controlByte, .space, .notASCII, .backslash, .fragment, .badScheme, .repeatedAt, .badCredentials, .emptyHost,
      .badHost,
      .badPort, .outOfMemory,
    ]
    #expect(Set(errors.map { $0.text.description }).count == errors.count)
  }

  @Test func noMemoryIsAnError() {
    let held = Memory.blocksHeld
    for number in 1...50 {
      Memory.failAllocation(number)
      let error = Self.error(Array("ws://u:p@[2001:db8::1]:81/a".utf8))
      let wasDue = Memory.isFailureDue
      Memory.failAllocation(0)
      guard !wasDue else {
        #expect(error == nil && number > 1)
        break
      }
      #expect(error == .outOfMemory)
    }
    #expect(Memory.blocksHeld == held)
  }
}
