// Cookies: what is kept, for whom, how long, and in which order it goes back. RFC 6265bis.
import Testing

@testable import WSProtocol

/// A store and its clock, as a program uses them.
private struct Jar: ~Copyable {
  var store = CookieStore()
  var now: Int64 = 1_000_000

  mutating func set(_ field: String, _ url: String = "ws://a.example/") throws {
    let url = try WebSocketURL(parsing: lasting(url))
    try store.set(lasting(field), host: url.host, target: url.target, isSecure: url.isSecure, now: now)
  }

  func sent(_ url: String = "ws://a.example/") throws -> String {
    let url = try WebSocketURL(parsing: lasting(url))
    return try written { (output) throws(OutOfMemory) in
      try store.write(to: &output, host: url.host, target: url.target, isSecure: url.isSecure, now: now)
    }
  }
}

@Suite struct CookieStoreTests {
  @Test(arguments: [
    ("a=1", "a=1"), ("a=1; HttpOnly; SameSite=Lax", "a=1"), (" a = 1 ;", "a=1"), ("a=", "a="), ("=1", "1"), ("1", "1"),
    ("a=b=c", "a=b=c"), ("a=\"x y\"", "a=\"x y\""), ("", ""), ("=", ""), (";", ""), ("a=1\u{1}", ""), ("a\u{7F}=1", ""),
    ("a=1\t2", "a=1\t2"), ("a=1; Secure", ""), ("a=1; Domain=a.example", "a=1"), ("a=1; Domain=.EXAMPLE", "a=1"),
    ("a=1; Domain=b.example", ""), ("a=1; Domain=xa.example", ""), ("a=1; Domain=", "a=1"),
    ("a=1; Domain=example; Domain=b.example", ""), ("a=1; Path=/", "a=1"), ("a=1; Path=/x", ""), ("a=1; Path=x", "a=1"),
    ("a=1; Max-Age=1", "a=1"), ("a=1; Max-Age=0", ""), ("a=1; Max-Age=-1", ""), ("a=1; Max-Age=x", "a=1"),
    ("a=1; Max-Age=99999999999999999999", "a=1"), ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", ""),
    ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=9", "a=1"), ("a=1; Expires=never", "a=1"),
    ("__Host-a=1; Secure; Path=/", ""), ("__Secure-a=1", ""), ("__Host-a=1", ""),
  ])
  func overPlain(field: String, expected: String) throws {
    var jar = Jar()
    try jar.set(field)
    #expect(try jar.sent() == expected)
  }

  @Test(arguments: [
    ("a=1; Secure", "a=1"), ("__Secure-a=1; Secure", "__Secure-a=1"), ("__secure-a=1", ""),
    ("__Host-a=1; Secure; Path=/", "__Host-a=1"), ("__Host-a=1; Secure", ""), ("__Host-a=1; Secure; Path=/x", ""),
    ("__Host-a=1; Secure; Path=/; Domain=a.example", ""), ("__Host-a=1; Path=/", ""), ("=__Host-a=1; Secure; Path=/", ""),
  ])
  func overTLS(field: String, expected: String) throws {
    var jar = Jar()
    try jar.set(field, "wss://a.example/")
    #expect(try jar.sent("wss://a.example/") == expected)
  }

  @Test func aCookieGoesBackToItsOwnHostOnly() throws {
    var jar = Jar()
    try jar.set("a=1; Domain=example")
    #expect(try jar.sent("ws://A.example:8080/x") == "a=1")
    #expect(try jar.sent("ws://example/") == "")
    #expect(try jar.sent("ws://b.a.example/") == "")
  }

  @Test func aSecureCookieStaysSecret() throws {
    var jar = Jar()
    try jar.set("a=1; Secure", "wss://a.example/")
    #expect(try jar.sent() == "")
    try jar.set("a=evil")
    #expect(try jar.sent("wss://a.example/") == "a=1")
    try jar.set("a=evil; Path=/x")
    #expect(try jar.sent("wss://a.example/x") == "a=1")
  }

  @Test(arguments: [
    ("/x", "/x", true), ("/x", "/x/y", true), ("/x", "/xy", false), ("/x/", "/x/y", true), ("/x/", "/x", false),
    ("/", "/x?q", true), ("/x", "/x?q", true), ("/x", "/", false),
  ])
  func paths(path: String, target: String, expected: Bool) throws {
    var jar = Jar()
    try jar.set("a=1; Path=\(path)")
    #expect(try jar.sent("ws://a.example\(target)") == (expected ? "a=1" : ""))
  }

  @Test(arguments: [("/", "/"), ("/x", "/"), ("/x/", "/x"), ("/x/y", "/x"), ("/x/y?q=/z/", "/x")])
  func theDefaultPathIsTheDirectory(target: String, directory: String) throws {
    var jar = Jar()
    try jar.set("a=1", "ws://a.example\(target)")
    #expect(try jar.sent("ws://a.example\(directory)") == "a=1")
    let atRoot = try jar.sent("ws://a.example/")
    #expect(atRoot == (directory == "/" ? "a=1" : ""))
  }

  @Test func longerPathsFirstThenOlderOnes() throws {
    var jar = Jar()
    for field in ["a=1", "b=2; Path=/x", "c=3", "d=4; Path=/x/y"] { try jar.set(field) }
    #expect(try jar.sent("ws://a.example/x/y") == "d=4; b=2; a=1; c=3")
    try jar.set("a=5")
    #expect(try jar.sent() == "a=5; c=3", "a changed cookie keeps its place")
  }

  @Test func cookiesEnd() throws {
    var jar = Jar()
    try jar.set("a=1; Max-Age=10")
    try jar.set("b=2; Max-Age=99999999")
    jar.now += 9
    #expect(try jar.sent() == "a=1; b=2")
    jar.now += 1
    #expect(try jar.sent() == "b=2")
    jar.now += 400 * 86400
    #expect(try jar.sent() == "", "no cookie lives longer than 400 days")
    try jar.set("c=3")
    #expect(jar.store.count == 1)
  }

  @Test func settingToThePastRemoves() throws {
    var jar = Jar()
    try jar.set("a=1")
    try jar.set("a=1; Max-Age=0")
    #expect(try jar.sent() == "")
    #expect(jar.store.count == 0)
  }

  @Test func largeCookiesAreRefused() throws {
    var jar = Jar()
    try jar.set("a=" + String(repeating: "x", count: 4095))
    #expect(jar.store.count == 1)
    try jar.set("b=" + String(repeating: "x", count: 4096))
    #expect(jar.store.count == 1)
  }

  @Test func oneHostHasFiftyAndAllHaveAThousand() throws {
    var jar = Jar()
    for number in 0..<60 { try jar.set("c\(number)=1") }
    #expect(jar.store.count == 50)
    #expect(try jar.sent().hasPrefix("c10=1; c11=1"), "the oldest went")
    for host in 0..<30 {
      for number in 0..<40 { try jar.set("c\(number)=1", "ws://h\(host).example/") }
    }
    #expect(jar.store.count == 1000)
    #expect(try jar.sent() == "")
    #expect(try jar.sent("ws://h29.example/").hasPrefix("c0=1; c1=1"))
  }

  @Test func expiredOnesMakeRoomFirst() throws {
    var jar = Jar()
    try jar.set("old=1")
    for number in 0..<49 { try jar.set("c\(number)=1; Max-Age=5") }
    jar.now += 5
    try jar.set("new=1")
    #expect(try jar.sent() == "old=1; new=1")
  }
}
