// What is one JSON document, and what is not and why. RFC 8259, section by section.
import Testing

@testable import WSProtocol

/// The fault of a text, nil for a document.
private func fault(_ text: [UInt8]) -> JSONError? {
  thrown { () throws(JSONError) in try text.lend { (view) throws(JSONError) in try JSONText.check(view) } }
}

private func fault(_ text: String) -> JSONError? { fault(utf8(text)) }

/// Looks at the text alone, inside an array, as a member's value, and behind white space; `expected` is told how much stands
/// before it.
private func expectFault(_ text: String, _ expected: (Int) -> JSONError, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(fault(text) == expected(0), "\(text)", sourceLocation: sourceLocation)
  #expect(fault("[" + text) == expected(1), "[\(text)", sourceLocation: sourceLocation)
  #expect(fault("{\"a\":" + text) == expected(5), "{\"a\":\(text)", sourceLocation: sourceLocation)
  #expect(fault(" \t\r\n" + text) == expected(4), "white space and \(text)", sourceLocation: sourceLocation)
}

@Suite("JSONText, RFC 8259")
struct JSONTextTests {
  /// Documents of every kind of value.
  private static let documents = [
    "null", "true", "false", "0", "-0", "12", "-7.25", "1e9", "1E+9", "0.5e-3", "\"\"", "\"text\"", "[]", "{}", "[1]",
    "[ ]", "{ }", "[1,2 , 3]", "[[],[[]],{}]", "{\"a\":1}", "{ \"a\" : [ { \"b\" : null } ] , \"a\" : \"again\" }",
    "{\"\":{\"\":{}}}", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"]", "\"é € 😀\"", "\"\u{7F}\"",
    "\"sixteen bytes of plain text and some more of it, \\u0041, é, and so on to the end\"",
  ]

  @Test("2: every kind of value is a document, alone, nested, and with white space around it")
  func documents() {
    for document in Self.documents {
      for text in [
        document, " \t\r\n\(document)\n\r\t ", "[\(document)]", "[null, \(document) ,0]", "{\"name\" : \(document)}",
      ] {
        #expect(fault(text) == nil, "\(text)")
      }
    }
  }

  @Test("2: exactly one document")
  func exactlyOne() {
    for text in ["", " ", "\t\r\n "] { #expect(fault(text) == .incomplete) }
    for document in Self.documents {
      let size = document.utf8.count
      for (more, at) in [(",", 0), ("{}", 0), (" null", 1), ("\n\"x\"", 1), ("\0", 0), ("]", 0), ("}", 0)] {
        #expect(fault(document + more) == .trailingByte(at: size + at), "\(document)\(more)")
      }
    }
  }

  @Test("2: every proper prefix of a document is incomplete, unless a number was cut")
  func prefixes() {
    for document in Self.documents where !"0123456789".contains(document.last ?? "0") {
      let whole = utf8(document)
      for count in 0..<whole.count {
        #expect(fault(Array(whole.prefix(count))) == .incomplete, "\(count) bytes of \(document)")
      }
    }
  }

  @Test("2: white space is space, tab, line feed and carriage return, nothing else")
  func whiteSpace() {
    for byte in UInt8.min...UInt8.max {
      let isWhite = [0x20, 0x09, 0x0A, 0x0D].contains(byte)
      #expect((fault([byte] + utf8("{}")) == nil) == isWhite)
      #expect((fault(utf8("[1") + [byte] + utf8(",2]")) == nil) == (isWhite || (byte >= 0x30 && byte <= 0x39)))
    }
    #expect(fault([0xEF, 0xBB, 0xBF] + utf8("{}")) == .unexpectedByte(at: 0), "a byte order mark, 8.1")
    #expect(fault([0xC2, 0xA0] + utf8("{}")) == .unexpectedByte(at: 0), "a no-break space")
  }

  @Test("3: three names in small letters")
  func names() {
    let rows: [(String, Int)] = [
      ("True", 0), ("tRue", 1), ("trux", 3), ("nul ", 3), ("nulL", 3), ("falsE", 4), ("None", 0), ("undefined", 0), ("NaN", 0),
      ("Infinity", 0), ("-Infinity", 1), ("'a'", 0), ("//", 0), ("/**/", 0), ("a", 0),
    ]
    for (text, at) in rows { expectFault(text) { .unexpectedByte(at: $0 + at) } }
    #expect(fault("nullx") == .trailingByte(at: 4))
    #expect(fault("[nullx]") == .unexpectedByte(at: 5))
  }

  @Test("4 and 5: what is missing or too much in objects and arrays")
  func structures() {
    let rows: [(String, Int)] = [
      ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3), ("[1}", 2), ("[1:2]", 2), ("[}", 1), ("}", 0), (",", 0), (":", 0),
      ("{\"a\"}", 4), ("{\"a\",1}", 4), ("{\"a\":}", 5), ("{\"a\":1,}", 7), ("{,}", 1), ("{\"a\":1]", 6), ("{1:1}", 1),
      ("{a:1}", 1), ("{\"a\":1 \"b\":2}", 7), ("{]", 1), ("{\"a\"::1}", 5), ("{\"a\":1,2}", 7), ("[[],{}}", 6),
      ("{\"a\":[}}", 6),
    ]
    for (text, at) in rows { expectFault(text) { .unexpectedByte(at: $0 + at) } }
    #expect(fault("]") == .unexpectedByte(at: 0))
  }

  @Test("6: no leading zeros and pluses, digits on both sides of the point and behind the exponent")
  func numbers() {
    for text in ["0", "-0", "10", "1.0", "-1.05", "0e0", "0.0E-00", "123456789012345678901234567890", "1e999999", "9E+1"] {
      #expect(fault(text) == nil, "\(text)")
    }
    for text in ["-", "1.", "-0.", "1e", "1E+", "2.5e-"] { expectFault(text) { _ in .incomplete } }
    let rows: [(String, Int)] = [
      ("+1", 0), (".5", 0), ("-a", 1), ("--1", 1), ("1.e1", 2), ("1.x", 2), ("1e+-1", 3), ("1e ", 2), ("1E.5", 2), ("- 1", 1),
    ]
    for (text, at) in rows { expectFault(text) { .unexpectedByte(at: $0 + at) } }
    for text in ["01", "00", "0x10", "1_000", "1.5.5", "1e5e5", "1f", "12,5"] {
      if case .trailingByte = fault(text) { continue }
      Issue.record("\(text)")
    }
  }

  @Test("7: which bytes stand in a string as themselves")
  func stringBytes() {
    for length in [0, 1, 15, 16, 17, 40] {
      let front = utf8("\"" + String(repeating: "p", count: length))
      for byte in UInt8.min...0x7F {
        let expected: JSONError? =
          switch byte {
          case 0..<0x20: .controlByte(at: length + 1)
          case 0x22: .trailingByte(at: length + 2)
          case 0x5C: .incomplete  // it escapes the last quote
          default: nil
          }
        #expect(fault(front + [byte] + utf8("\"")) == expected, "\(byte) behind \(length)")
      }
    }
  }

  @Test("7: which bytes make an escape")
  func escapes() {
    for byte in UInt8.min...UInt8.max where byte != UInt8(ascii: "u") {
      let isEscape = utf8("\"\\/bfnrt").contains(byte)
      #expect(fault(utf8("\"\\") + [byte] + utf8("\"")) == (isEscape ? nil : .badEscape(at: 1)), "\(byte)")
    }
    for digits in ["0000", "FFFF", "abcd", "ABCD", "0019"] { #expect(fault("\"\\u\(digits)\"") == nil) }
    for digits in ["", "0", "00", "000", "000g", "g000", "00 0", "+123", "-123", "{20}", "00é"] {
      #expect(fault("\"\\u\(digits)\"") == .badEscape(at: 1), "\(digits)")
    }
    #expect(fault("\"\\U0041\"") == .badEscape(at: 1))
  }

  @Test("7 and 8.2: surrogates in escapes, in pairs and alone")
  func surrogates() {
    for text in ["\\uD834\\uDD1E", "\\ud834\\udd1e", "\\uD800", "\\uDFFF", "\\uDC00\\uD800", "\\uD800x", "\\uD800\\n"] {
      #expect(fault("\"\(text)\"") == nil, "\(text)")
    }
    #expect(fault("\"\\uD834\\uDD1\"") == .badEscape(at: 7))
  }

  @Test("8.1: strings are UTF-8")
  func encoding() {
    let rows: [([UInt8], Int)] = [
      ([0x80], 0), ([0xBF], 0), ([0xC0, 0x80], 0), ([0xC3], 1), ([0xC3, 0xC3], 1), ([0xE0, 0x80, 0x80], 1), ([0xE2, 0x82], 2),
      ([0xED, 0xA0, 0x80], 1), ([0xF0, 0x80, 0x80, 0x80], 1), ([0xF4, 0x90, 0x80, 0x80], 1), ([0xF5], 0), ([0xFF], 0),
      ([0xC3, 0xA9, 0xFE], 2),
    ]
    for (bytes, at) in rows {
      #expect(fault(utf8("[\"a") + bytes + utf8("\"]")) == .invalidUTF8(at: 3 + at), "\(bytes)")
      #expect(fault(bytes) == .unexpectedByte(at: 0), "outside of strings ASCII only")
    }
  }

  @Test("9: nesting to 512, of arrays, of objects and of both")
  func depth() {
    // What opens and closes once or twice, how often that is 512 levels, and where the 513th begins.
    let rows: [(String, String, Int, Int)] = [
      ("[", "]", 512, 512), ("{\"a\":", "}", 512, 2556), ("[{\"a\":", "}]", 256, 1532), ("{\"a\":[", "]}", 256, 1536),
    ]
    for (open, close, times, at) in rows {
      let deepest = String(repeating: open, count: times) + "1" + String(repeating: close, count: times)
      #expect(fault(deepest) == nil)
      #expect(fault("[" + deepest + "]") == .tooDeep(at: at))
    }
    #expect(fault(String(repeating: "[", count: 1_000_000)) == .tooDeep(at: 512))
    let flat = "[" + String(repeating: "[[]],{\"a\":{}},", count: 5000) + "[]]"
    #expect(fault(flat) == nil, "what is closed does not count")
  }

  @Test("one changed byte never crashes, and the position lies in the text")
  func mutations() {
    var random = SmallRandom(seed: 8259)
    let whole = utf8(Self.documents.joined(separator: ",")).reduce(into: utf8("[")) { $0.append($1) } + utf8("]")
    #expect(fault(whole) == nil)
    for _ in 0..<5000 {
      var text = whole
      text[random.below(text.count)] = UInt8(truncatingIfNeeded: random.next())
      switch fault(text) {
      case .unexpectedByte(let at), .controlByte(let at), .badEscape(let at), .invalidUTF8(let at), .tooDeep(let at),
        .trailingByte(let at):
        if at < 0 || at >= text.count { Issue.record("\(at) of \(text.count)") }
      case .incomplete, nil: break
      }
    }
  }
}
