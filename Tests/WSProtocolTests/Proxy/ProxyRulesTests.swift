// Which connections go past the proxy: NO_PROXY and the environment.
import Testing

@testable import WSProtocol

@Suite struct ProxyRulesTests {
  @Test(arguments: [
    ("*", "example.com", 80, true), ("", "example.com", 80, false), (",, ,", "example.com", 80, false),
    ("example.com", "example.com", 80, true), ("example.com", "EXAMPLE.com", 80, true),
    ("example.com", "www.example.com", 80, true), ("example.com", "notexample.com", 80, false),
    ("example.com", "example.com.evil.org", 80, false), (".example.com", "www.example.com", 80, true),
    (".example.com", "example.com", 80, false), ("*.example.com", "a.b.example.com", 80, true),
    ("*.example.com", "example.com", 80, false), ("example.com:8080", "example.com", 8080, true),
    ("example.com:8080", "example.com", 80, false), (".example.com:8080", "a.example.com", 8080, true),
    ("a.org, example.com", "example.com", 80, true), ("a.org example.com", "example.com", 80, true),
    ("10.1.2.3", "10.1.2.3", 80, true), ("10.1.2.3", "10.1.2.4", 80, false), ("10.1.2.3:90", "10.1.2.3", 80, false),
    ("10.0.0.0/8", "10.200.0.1", 80, true), ("10.0.0.0/8", "11.0.0.1", 80, false), ("10.1.2.3/32", "10.1.2.3", 80, true),
    ("0.0.0.0/0", "8.8.8.8", 80, true), ("0.0.0.0/0", "example.com", 80, false), ("0.0.0.0/0", "2001:db8::1", 80, false),
    ("10.0.0.0/33", "10.0.0.0", 80, false), ("2001:db8::/32", "2001:db8:1::1", 80, true),
    ("2001:db8::/32", "2001:db9::1", 80, false), ("::/0", "::2", 80, true), ("2001:db8::1", "2001:db8:0::1", 80, true),
    ("[2001:db8::1]", "2001:db8::1", 80, true), ("[2001:db8::1]:90", "2001:db8::1", 80, false),
    ("10.0.0.0/x", "10.0.0.0", 80, false), ("/8", "10.0.0.0", 80, false), ("exa mple.com:x", "example.com", 80, false),
    ("..example.com", "a.example.com", 80, false),
  ])
  func exceptions(list: String, host: String, port: UInt16, expected: Bool) {
    #expect(ProxyRules.matches(lasting(list), host: lasting(host), port: port) == expected)
  }

  private func chosen(_ host: String, isSecure: Bool, _ change: (inout ProxyEnvironment) -> Void) -> String {
    var environment = ProxyEnvironment()
    (environment.plain, environment.secure) = (lasting("plain:1"), lasting("secure:1"))
    change(&environment)
    return string(environment.proxy(forHost: lasting(host), port: 80, isSecure: isSecure))
  }

  @Test func eachSchemeHasItsProxy() {
    #expect(chosen("example.com", isSecure: false) { _ in } == "plain:1")
    #expect(chosen("example.com", isSecure: true) { _ in } == "secure:1")
  }

  @Test func allProxyFillsTheGaps() {
    let any = lasting("any:1")
    #expect(chosen("a.org", isSecure: true) { ($0.secure, $0.any) = (.empty, any) } == "any:1")
    #expect(chosen("a.org", isSecure: false) { $0.any = any } == "plain:1")
    #expect(chosen("a.org", isSecure: true) { $0.secure = .empty } == "")
  }

  @Test(arguments: ["localhost", "a.localhost", "127.0.0.1", "127.200.0.1", "::1"])
  func thisMachineGoesDirect(host: String) { #expect(chosen(host, isSecure: false) { _ in } == "") }

  @Test func exceptionsGoDirect() {
    #expect(chosen("a.example.com", isSecure: false) { $0.exceptions = lasting("example.com") } == "")
    #expect(chosen("b.org", isSecure: false) { $0.exceptions = lasting("example.com") } == "plain:1")
  }
}
