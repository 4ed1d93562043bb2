// Proxy URLs: what is understood, and what is refused.
import Testing

@testable import WSProtocol

/// What a proxy URL is made of.
struct ProxyParts: Equatable, Sendable {
  var kind: ProxyKind
  var host: String
  var port: UInt16
  var user: String?
  var password = ""

  init(_ kind: ProxyKind, _ host: String, _ port: UInt16, _ user: String? = nil, _ password: String = "") {
    (self.kind, self.host, self.port, self.user, self.password) = (kind, host, port, user, password)
  }

  init(_ text: String) throws(URLError) {
    let url = try ProxyURL(parsing: lasting(text))
    (kind, host, port) = (url.kind, string(url.host), url.port)
    user = url.hasCredentials ? string(url.user) : nil
    password = string(url.password)
  }
}

@Suite struct ProxyURLTests {
  @Test(arguments: [
    ("http://proxy", ProxyParts(.http, "proxy", 80)),
    ("HTTP://Proxy.Example:3128/", ProxyParts(.http, "proxy.example", 3128)),
    ("https://proxy", ProxyParts(.https, "proxy", 443)),
    ("socks5://proxy", ProxyParts(.socks5, "proxy", 1080)),
    ("socks5h://[::1]:9050", ProxyParts(.socks5, "::1", 9050)),
    ("proxy.example:3128", ProxyParts(.http, "proxy.example", 3128)),
    ("10.0.0.1", ProxyParts(.http, "10.0.0.1", 80)),
    ("user:secret@proxy:8080", ProxyParts(.http, "proxy", 8080, "user", "secret")),
    ("http://user@proxy", ProxyParts(.http, "proxy", 80, "user")),
    ("http://us%65r:p%40ss%3A@proxy", ProxyParts(.http, "proxy", 80, "user", "p@ss:")),
    ("socks5://u:p@proxy:1", ProxyParts(.socks5, "proxy", 1, "u", "p")),
  ])
  func takesApart(text: String, expected: ProxyParts) throws { #expect(try ProxyParts(text) == expected) }

  @Test(arguments: [
    ("", URLError.emptyHost), ("http://", .emptyHost), ("ftp://proxy", .badScheme), ("socks4://proxy", .badScheme),
    ("ws://proxy", .badScheme), ("http://proxy:0", .badPort), ("http://proxy:65536", .badPort), ("http://a b", .space),
    ("http://a\r\nX: y", .controlByte), ("http://ü", .notASCII), ("http://a\\b", .backslash), ("http://a#b", .fragment),
    ("http://u:p@q@proxy", .repeatedAt), ("http://:p@proxy", .badCredentials), ("http://u%0d:p@proxy", .badCredentials),
    ("http://u%3A:p@proxy", .badCredentials), ("http://127.1", .badHost),
    ("socks5://" + String(repeating: "u", count: 256) + ":p@proxy", .badCredentials),
    ("socks5://u:" + String(repeating: "p", count: 256) + "@proxy", .badCredentials),
  ])
  func refuses(text: String, expected: URLError) {
    #expect(thrown { () throws(URLError) in try ProxyParts(text) } == expected)
  }
}
