// Request targets: RFC 9112 3.2, RFC 6455 4.2.1 item 1.
import Testing

@testable import WSProtocol

@Suite struct RequestTargetTests {
  private func isGood(_ target: String, host: String, isSecure: Bool = false) throws -> Bool {
    RequestTarget.isGood(lasting(target), host: try Authority(lasting(host)), isSecure: isSecure)
  }

  @Test(arguments: [
    ("/", "a", false, true), ("/b?c", "a", false, true), ("//b", "a", false, true), ("", "a", false, false),
    ("*", "a", false, false),
    ("b", "a", false, false), ("?b", "a", false, false), ("a:80", "a", false, false), ("http://a/", "a", false, true),
    ("HTTP://A:80/b", "a", false, true), ("http://a", "a:80", false, true), ("ws://a/", "a", false, true),
    ("wss://a/", "a", true, true),
    ("https://a/", "a:443", true, true), ("https://a/", "a", false, false), ("http://a/", "a", true, false),
    ("http://b/", "a", false, false),
    ("http://a:81/", "a", false, false), ("http://u@a/", "a", false, false), ("http:///b", "a", false, false),
    ("http://a?b", "a", false, false),
    ("http://a.evil/", "a", false, false), ("ftp://a/", "a", false, false), ("http:/a", "a", false, false),
    ("http://[::1]/", "[0::1]", false, true),
    ("https", "a", false, false), ("http://", "a", false, false),
  ])
  func targets(target: String, host: String, isSecure: Bool, isExpected: Bool) throws {
    #expect(try isGood(target, host: host, isSecure: isSecure) == isExpected)
  }

  @Test(arguments: [("/", "/"), ("/a?b", "/a?b"), ("http://a", "/"), ("http://a/", "/"), ("ws://a/b?c", "/b?c"), ("*", "*")])
  func paths(target: String, path: String) { #expect(string(RequestTarget.path(lasting(target))) == path) }
}
