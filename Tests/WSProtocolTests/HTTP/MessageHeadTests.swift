// RFC 9112 2 to 5, read strictly; RFC 6455 4.1 and 4.2.1 rest on it.
import Testing

@testable import WSProtocol

/// One row: a head that must be refused with this error.
struct FaultyHead: Sendable, CustomTestStringConvertible {
  var text: String
  var error: HeadError
  var testDescription: String { text.debugDescription }

  init(_ text: String, _ error: HeadError) {
    self.text = text
    self.error = error
  }
}

@Suite struct MessageHeadTests {
  @Test func takesTheRequestOfRFC6455Section1_2() {
    let text =
      "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n"
      + "Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n"
    let seen = seeHeadEveryWay(.request, Array(text.utf8))
    #expect(
      seen
        == SeenHead(
          isComplete: true, method: "GET", target: "/chat", minorVersion: 1,
          fields: [
            "Host=server.example.com", "Upgrade=websocket", "Connection=Upgrade", "Sec-WebSocket-Key=dGhlIHNhbXBsZSBub25jZQ==",
            "Origin=http://example.com", "Sec-WebSocket-Protocol=chat, superchat", "Sec-WebSocket-Version=13",
          ]))
  }

  @Test func takesAResponse() {
    let seen = seeHeadEveryWay(.response, Array("HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n".utf8))
    #expect(
      seen == SeenHead(isComplete: true, status: 101, reason: "Switching Protocols", minorVersion: 1, fields: ["A=b"]))
  }

  @Test(arguments: [
    ("HTTP/1.1 403\r\n\r\n", 403, "", 1), ("HTTP/1.1 403 \r\n\r\n", 403, "", 1), ("HTTP/1.0 200 O K\r\n\r\n", 200, "O K", 0),
    ("HTTP/1.1 999 \u{E9}\r\n\r\n", 999, "\u{E9}", 1), ("HTTP/1.9 100 Continue\r\n\r\n", 100, "Continue", 9),
  ])
  func takesStatusLinesWithAndWithoutReason(text: String, status: Int, reason: String, minor: Int) {
    let seen = seeHeadEveryWay(.response, Array(text.utf8))
    #expect(seen == SeenHead(isComplete: true, status: status, reason: reason, minorVersion: minor))
  }

  @Test(arguments: [
    ("a:b", "a=b"), ("a: b", "a=b"), ("a:\t b \t", "a=b"), ("a:", "a="), ("a:  ", "a="), ("a: b c", "a=b c"),
    ("a: b\tc", "a=b\tc"),
    ("a: :", "a=:"), ("!#$%&'*+-.^_`|~09azAZ: x", "!#$%&'*+-.^_`|~09azAZ=x"), ("a: \u{FC}", "a=\u{FC}"),
  ])
  func takesFields(line: String, field: String) {
    #expect(seeHeadEveryWay(.request, Array("GET / HTTP/1.1\r\n\(line)\r\n\r\n".utf8)).fields == [field])
  }

  @Test func valuesMayHoldEveryByteThatIsNoControl() {
    let value = Array<UInt8>(0x21...0x7E) + Array(0x80...0xFF)
    let bytes = Array("GET / HTTP/1.1\r\na: ".utf8) + value + Array("\r\n\r\n".utf8)
    var head = MessageHead(.request)
    let taken = try? head.feed(lasting(bytes))
    #expect(taken == bytes.count)
    #expect(head.first(lasting("A")).map(Array.init) == value)
  }

  // Bytes behind the head belong to the first frames (porting hazard 27; libnostr-z#134).
  @Test(arguments: [MessageHead.Kind.request, .response])
  func leavesTheBytesBehindTheHeadAlone(kind: MessageHead.Kind) {
    let start = kind == .request ? "GET / HTTP/1.1" : "HTTP/1.1 101 "
    let head = Array("\(start)\r\nA: b\r\n\r\n".utf8)
    let seen = seeHeadEveryWay(kind, head + [0x81, 0x00, 0x0D, 0x0A])
    #expect(seen.isComplete && seen.error == nil && seen.rest == 4)
  }

  @Test func afterTheEndNothingIsTaken() throws {
    var head = head(.request, "GET / HTTP/1.1\r\n\r\n")
    let taken = try head.feed(lasting("GET"))
    #expect(taken == 0)
    #expect(head.fieldCount == 0)
  }

  @Test func beforeTheFirstByteThereIsNothing() throws {
    var head = MessageHead(.request)
    let taken = try head.feed(.empty)
    #expect(taken == nil)
    let seen = seeHead(.request, [])
    #expect(seen == SeenHead())
  }

  @Test(arguments: [
    FaultyHead("GET /\r\n", .badRequestLine), FaultyHead("GET / \r\n", .badRequestLine),
    FaultyHead("GET  HTTP/1.1\r\n", .badRequestLine),
    FaultyHead("GET  / HTTP/1.1\r\n", .badRequestLine), FaultyHead("GET /  HTTP/1.1\r\n", .badRequestLine),
    FaultyHead("GET / HTTP/1.1 \r\n", .badRequestLine), FaultyHead("GET / x HTTP/1.1\r\n", .badRequestLine),
    FaultyHead("GET / HTTP/1\r\n", .badRequestLine), FaultyHead("GET / HTTP/11\r\n", .badRequestLine),
    FaultyHead("GET / HTTP/1.10\r\n", .badRequestLine), FaultyHead("GET / http/1.1\r\n", .badRequestLine),
    FaultyHead("GET / HTTP/x.1\r\n", .badRequestLine), FaultyHead("GET / HTTP/1.x\r\n", .badRequestLine),
    FaultyHead("GET / HTTP/1,1\r\n", .badRequestLine), FaultyHead("GET / HTTPS/1.1\r\n", .badRequestLine),
    FaultyHead("GET / HTTP/2.0\r\n", .badVersion), FaultyHead("PRI * HTTP/2.0\r\n", .badVersion),
    FaultyHead("GET / HTTP/0.9\r\n", .badVersion),
    FaultyHead("GET /\u{FC} HTTP/1.1\r\n", .badTarget), FaultyHead("GET /a#b HTTP/1.1\r\n", .badTarget),
    FaultyHead("GET /\ta HTTP/1.1\r\n", .badTarget),
  ])
  func refusesRequestLines(_ row: FaultyHead) {
    #expect(seeHeadEveryWay(.request, Array(row.text.utf8)).error == row.error)
  }

  @Test(arguments: [
    FaultyHead("HTTP/1.1\r\n", .badStatusLine), FaultyHead("HTTP/1.1 \r\n", .badStatusLine),
    FaultyHead("HTTP/1.1 20\r\n", .badStatusLine),
    FaultyHead("HTTP/1.1 099 x\r\n", .badStatusLine), FaultyHead("HTTP/1.1 +10 x\r\n", .badStatusLine),
    FaultyHead("HTTP/1.1 2000\r\n", .badStatusLine), FaultyHead("HTTP/1.1 200x\r\n", .badStatusLine),
    FaultyHead("HTTP/1.1  200 x\r\n", .badStatusLine), FaultyHead("HTTP/1.1\t200 x\r\n", .badStatusLine),
    FaultyHead("HTTP/2.0 200 x\r\n", .badVersion), FaultyHead("HTTP/2 200\r\n", .badStatusLine),
    FaultyHead("ICY 200 OK\r\n", .notHTTP), FaultyHead("http/1.1 200 OK\r\n", .notHTTP),
    FaultyHead("\r\nHTTP/1.1 200 OK\r\n", .notHTTP),
  ])
  func refusesStatusLines(_ row: FaultyHead) {
    #expect(seeHeadEveryWay(.response, Array(row.text.utf8)).error == row.error)
  }

  @Test(arguments: [
    FaultyHead("a b\r\n", .missingColon), FaultyHead("ab\r\n", .missingColon), FaultyHead(": b\r\n", .badFieldName),
    FaultyHead("a : b\r\n", .spaceBeforeColon), FaultyHead("a\t: b\r\n", .spaceBeforeColon),
    FaultyHead("a b: c\r\n", .badFieldName),
    FaultyHead("a/: c\r\n", .badFieldName), FaultyHead("\u{FC}: c\r\n", .badFieldName),
    FaultyHead("a: b\r\n c\r\n", .foldedLine),
    FaultyHead("a: b\r\n\tc\r\n", .foldedLine), FaultyHead(" a: b\r\n", .foldedLine),
    FaultyHead("a: b\nc: d\r\n", .bareLineFeed),
    FaultyHead("\n", .bareLineFeed), FaultyHead("a: b\rc: d\r\n", .bareCarriageReturn),
    FaultyHead("a: b\r\r\n", .bareCarriageReturn),
    FaultyHead("a: \0\r\n", .controlByte), FaultyHead("\0a: b\r\n", .controlByte), FaultyHead("a: \u{1B}[2J\r\n", .controlByte),
    FaultyHead("a: \u{7F}\r\n", .controlByte),
  ])
  func refusesFields(_ row: FaultyHead) {
    let seen = seeHeadEveryWay(.request, Array(("GET / HTTP/1.1\r\n" + row.text + "\r\n").utf8))
    #expect(seen.error == row.error)
    #expect(!seen.isComplete)
  }

  /// The injection matrix: every byte there is, in each place of a head.
  @Test(arguments: 0...255) func everyByteInEveryPlace(number: Int) {
    let byte = UInt8(number)
    func error(_ before: String, _ after: String) -> HeadError? {
      seeHeadEveryWay(.request, Array(before.utf8) + [byte] + Array(after.utf8)).error
    }
    let lineFault: HeadError? =
      switch byte {
      case 0x0A: .bareLineFeed
      case 0x0D: .bareCarriageReturn
      case 0x09: nil
      default: byte.isControl ? .controlByte : nil
      }
    #expect(error("GET / HTTP/1.1\r\na: b", "c\r\n\r\n") == lineFault, "in a value")
    let isName = byte.isTokenByte || byte == 0x3A
    #expect(error("GET / HTTP/1.1\r\na", "c: b\r\n\r\n") == lineFault ?? (isName ? nil : .badFieldName), "in a name")
    let isTarget = byte > 0x20 && byte < 0x7F && byte != 0x23
    let targetFault = lineFault ?? (byte == 0x20 ? .badRequestLine : isTarget ? nil : .badTarget)
    #expect(error("GET /", "x HTTP/1.1\r\n\r\n") == targetFault, "in the target")
    #expect(
      error("G", "T / HTTP/1.1\r\n\r\n") == (byte.isTokenByte ? nil : byte == 0x20 ? .badRequestLine : .notHTTP),
      "in the method")
  }

  // Garbage on the plain port: neither peer waits for the other one (hostile input, generic conditions).
  @Test(arguments: [0x16, 0x80, 0x00, 0x20, 0x0D, 0x0A, 0xFF, 0x22] as [UInt8])
  func firstByteDecidesThatItIsNoHTTP(byte: UInt8) {
    #expect(seeHead(.request, [byte]).error == .notHTTP)
    #expect(seeHead(.response, [byte]).error == .notHTTP)
    #expect(HeadError.notHTTP.status == 0)
  }

  @Test func aMethodIsShort() {
    let longest = String(repeating: "M", count: 32)
    #expect(seeHeadEveryWay(.request, Array("\(longest) / HTTP/1.1\r\n\r\n".utf8)).method == longest)
    #expect(seeHeadEveryWay(.request, Array("\(longest)M / HTTP/1.1\r\n\r\n".utf8)).error == .notHTTP)
  }

  // CVE-2023-43669: 20 MB of header in small reads. The limit ends it after 64 KiB, and no byte is read twice meanwhile.
  @Test func cve2023_43669_endlessHead() {
    var head = MessageHead(.request)
    var fed = 0
    var error = thrown { () throws(HeadError) in try head.feed(lasting("GET / HTTP/1.1\r\n")) }
    let line = lasting("a: " + String(repeating: "b", count: 995) + "\r\n")
    while error == nil, fed < 20_000_000 {
      for byte in 0..<line.count where error == nil {
        error = thrown { () throws(HeadError) in try head.feed(line.cut(byte, byte + 1)) }
        fed += 1
      }
    }
    #expect(error == .tooLarge)
    #expect(fed == 65536 - 16 + 1)
  }

  // CVE-2024-37890: 2000 headers.
  @Test func cve2024_37890_twoThousandFields() {
    let fields = (0..<2000).map { "a\($0): b\r\n" }.joined()
    #expect(seeHead(.request, Array("GET / HTTP/1.1\r\n\(fields)Upgrade: websocket\r\n\r\n".utf8)).error == .tooManyFields)
  }

  @Test func limitsAreExact() {
    var limits = HeadLimits()
    limits.fields = 2
    limits.line = 20
    limits.bytes = 60
    func error(_ text: String, _ kind: MessageHead.Kind = .request) -> HeadError? {
      seeHeadEveryWay(kind, Array(text.utf8), limits: limits).error
    }
    #expect(error("GET /234 HTTP/1.1\r\n\r\n") == nil)
    #expect(error("GET /2345 HTTP/1.1\r\n\r\n") == nil)
    #expect(error("GET /23456 HTTP/1.1\r\n\r\n") == .targetTooLong)
    #expect(error("HTTP/1.1 200 23456\r\n\r\n", .response) == nil)
    #expect(error("HTTP/1.1 200 234567\r\n\r\n", .response) == .tooLarge)
    #expect(error("GET / HTTP/1.1\r\na: 456789012345678\r\n\r\n") == nil)
    #expect(error("GET / HTTP/1.1\r\na: 4567890123456789\r\n\r\n") == .tooLarge)
    #expect(error("GET / HTTP/1.1\r\na:\r\nb:\r\n\r\n") == nil)
    #expect(error("GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\n\r\n") == .tooManyFields)
    limits.fields = 9
    #expect(error("GET / HTTP/1.1\r\na: 456789012345678\r\nb: 456789012345678\r\nc:\r\n\r\n") == .tooLarge)
    limits.bytes = 62
    #expect(error("GET / HTTP/1.1\r\na: 456789012345678\r\nb: 456789012345678\r\nc:\r\n\r\n") == nil)
  }

  @Test func strangeLimitsAreNoTrap() {
    var limits = HeadLimits()
    limits.bytes = .max
    limits.line = .max
    limits.fields = .max
    #expect(seeHeadEveryWay(.request, Array("GET / HTTP/1.1\r\na: b\r\n\r\n".utf8), limits: limits).isComplete)
    limits.bytes = .min
    limits.line = .min
    #expect(seeHeadEveryWay(.request, Array("GET".utf8), limits: limits).error == .targetTooLong)
  }

  /// Random bytes and randomly damaged heads: only an error may come of them, and the same one however they are cut.
  @Test func damagedHeadsNeverDependOnTheCuts() {
    var random = SmallRandom(seed: 2)
    let good = Array(Lines.request.with("Origin: http://example.com").text.utf8)
    for _ in 0..<300 {
      var bytes = good
      for _ in 0...random.below(3) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
      let whole = seeHead(.request, bytes)
      let cuts = (0..<random.below(20)).map { _ in random.below(bytes.count) }.sorted()
      #expect(seeHead(.request, bytes, cuts: cuts) == whole)
      #expect(seeHead(.request, bytes, cuts: Array(0..<bytes.count)) == whole)
    }
  }

  @Test func noMemoryIsAnError() {
    let text = lasting(Lines.request.text)
    let held = Memory.blocksHeld
    for number in 1...100 {
      var head = MessageHead(.request)
      Memory.failAllocation(number)
      let error = thrown { () throws(HeadError) in try head.feed(text) }
      let wasDue = Memory.isFailureDue
      Memory.failAllocation(0)
      guard !wasDue else {
        #expect(error == nil && number > 2)
        break
      }
      #expect(error == .outOfMemory)
    }
    #expect(Memory.blocksHeld == held)
  }
}
