// Redirects: where they lead, and which are not followed.
import Testing

@testable import WSProtocol

@Suite struct RedirectTests {
  private func resolve(_ base: String, _ fields: String) throws -> (url: String, error: RedirectError?) {
    var head = MessageHead(.response)
    _ = try head.feed(lasting("HTTP/1.1 302 Found\r\n" + fields + "\r\n"))
    let url = try WebSocketURL(parsing: lasting(base))
    var output = ByteQueue()
    do throws(RedirectError) {
      try Redirect.resolve(head, from: url, to: &output)
    } catch {
      return ("", error)
    }
    return (string(output.bytes), nil)
  }

  @Test(arguments: [
    ("ws://a/x", "ws://b/y", "ws://b/y"), ("ws://a/x", "http://b:81/y?z", "ws://b:81/y?z"),
    ("ws://a/x", "https://b/", "wss://b/"), ("wss://a/x", "HTTPS://b", "wss://b"), ("ws://a/x", "wss://a/x", "wss://a/x"),
    ("wss://a:8443/x/y?q", "/z?r", "wss://a:8443/z?r"), ("ws://[::1]/x", "/z", "ws://[::1]/z"),
    ("ws://a/x/y?q=/1", "z", "ws://a/x/z"), ("ws://a/x/y?q", "?r", "ws://a/x/y?r"), ("ws://a", "z", "ws://a/z"),
    ("wss://a/x", "//b/y", "wss://b/y"), ("ws://a/x", "/y#top", "ws://a/y"), ("ws://u:p@a/x", "/y", "ws://a/y"),
    ("ws://a/x", "/y?u=http://c/", "ws://a/y?u=http://c/"), ("ws://a/x", "ws://u:p@b/", "ws://u:p@b/"),
  ])
  func leadsTo(base: String, location: String, expected: String) throws {
    let seen = try resolve(base, "Location: \(location)\r\n")
    #expect(seen.url == expected)
    #expect(seen.error == nil)
  }

  @Test(arguments: [
    ("wss://a/x", "Location: ws://a/x\r\n", RedirectError.downgrade),
    ("wss://a/x", "Location: http://a/x\r\n", .downgrade),
    ("ws://a/x", "", .badLocation), ("ws://a/x", "Location:\r\n", .badLocation),
    ("ws://a/x", "Location: /a\r\nLocation: /a\r\n", .badLocation),
    ("ws://a/x", "Location: ftp://b/\r\n", .badURL(.badScheme)),
    ("ws://a/x", "Location: mailto:b\r\n", .badURL(.badScheme)), ("ws://a/x", "Location: ws:b\r\n", .badURL(.badScheme)),
    ("ws://a/x", "Location: :b\r\n", .badURL(.badScheme)), ("ws://a/x", "Location: a+b://c/\r\n", .badURL(.badScheme)),
    ("ws://a/x", "Location: ws://b c/\r\n", .badURL(.space)),
    ("ws://a/x", "Location: \\\\b\\c\r\n", .badURL(.backslash)),
    ("ws://a/x", "Location: ws:///x\r\n", .badURL(.emptyHost)),
    ("ws://a/x", "Location: ws://b:0/\r\n", .badURL(.badPort)),
    ("ws://a/x", "Location: ws://u@v@b/\r\n", .badURL(.repeatedAt)),
  ])
  func isNotFollowed(base: String, fields: String, expected: RedirectError) throws {
    #expect(try resolve(base, fields).error == expected)
  }

  @Test(arguments: [300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 200, 101])
  func whichStatuses(status: Int) {
    #expect(Redirect.isRedirect(status) == [301, 302, 303, 307, 308].contains(status))
  }

  @Test(arguments: [
    ("ws://a/x", "ws://A:80/y", true), ("ws://a", "wss://a", false), ("ws://a", "ws://a:81", false),
    ("ws://a", "ws://b", false), ("ws://u:p@a", "ws://a", true), ("ws://[::1]", "ws://[0::1]", true),
  ])
  func origins(one: String, other: String, expected: Bool) throws {
    let first = try WebSocketURL(parsing: lasting(one))
    let second = try WebSocketURL(parsing: lasting(other))
    #expect(Redirect.isSameOrigin(first, second) == expected)
  }
}
