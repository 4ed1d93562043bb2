// The tools over borrowed bytes, at their edges.
import Testing

@testable import WSProtocol

@Suite("Bytes")
struct BytesTests {
  @Test("cut takes what there is, and nothing from outside")
  func cuts() {
    let bytes = pattern(20)
    bytes.withUnsafeBytes { view in
      for start in -3...23 {
        for end in [-1, 0, 1, 5, 19, 20, 21, Int.max] {
          let from = max(0, min(start, 20))
          let expected = start >= 0 && start < min(end, 20) ? Array(bytes[from..<min(end, 20)]) : []
          #expect(Array(view.cut(start, end)) == expected)
        }
      }
      #expect(Array(view.cut(from: 15)) == Array(bytes[15...]))
      #expect(view.cut(Int.max, Int.min).isEmpty && view.cut(Int.min, Int.max).isEmpty)
    }
    #expect(ByteView.empty.cut(0, 5).isEmpty && ByteView.empty.count == 0)
  }

  @Test("the first position of a byte from a place on")
  func positions() {
    utf8("a:b:c").withUnsafeBytes { view in
      #expect(view.position(of: 0x3A) == 1)
      #expect(view.position(of: 0x3A, from: 2) == 3)
      #expect(view.position(of: 0x3A, from: 4) == nil)
      #expect(view.position(of: 0x3A, from: -7) == 1)
      #expect(view.position(of: 0x3A, from: Int.max) == nil)
    }
  }

  @Test("equal bytes, with and without case, where only A to Z have case")
  func equality() {
    let rows: [(String, String, exact: Bool, folded: Bool)] = [
      ("", "", true, true), ("abc", "abc", true, true), ("abc", "ABC", false, true), ("abc", "abd", false, false),
      ("abc", "abcd", false, false), ("@", "`", false, false), ("[", "{", false, false), ("Z", "z", false, true),
      ("\u{E9}", "\u{C9}", false, false),
    ]
    for (left, right, exact, folded) in rows {
      utf8(left).withUnsafeBytes { left in
        utf8(right).withUnsafeBytes { right in
          #expect(left.equals(right) == exact)
          #expect(left.equalsIgnoringCase(right) == folded)
        }
      }
    }
  }

  @Test("spaces and tabs are cut at both ends, other bytes are not")
  func trimming() {
    for (text, trimmed) in [
      ("", ""), (" \t ", ""), (" a b\t", "a b"), ("a", "a"), ("\r\na\n", "\r\na\n"), ("\u{A0}a", "\u{A0}a"),
    ] {
      utf8(text).withUnsafeBytes { #expect(Array($0.trimmed) == utf8(trimmed)) }
    }
    #expect(ByteView.empty.trimmed.isEmpty)
  }

  @Test("prefixes, suffixes, tokens and small numbers")
  func words() {
    utf8("WebSocket").withUnsafeBytes { view in
      #expect(view.hasPrefixIgnoringCase(ByteView("webs")) && !view.hasPrefixIgnoringCase(ByteView("ebs")))
      #expect(view.hasSuffixIgnoringCase(ByteView("SOCKET")) && !view.hasSuffixIgnoringCase(ByteView("socke")))
      #expect(view.hasPrefixIgnoringCase(.empty) && view.hasSuffixIgnoringCase(.empty))
      #expect(!view.hasPrefixIgnoringCase(ByteView("websockets")) && !view.hasSuffixIgnoringCase(ByteView("awebsocket")))
    }
    for (text, isToken, number): (String, Bool, Int?) in [
      ("", false, nil), ("0", true, 0), ("007", true, 7), ("999999999", true, 999_999_999), ("1000000000", true, nil),
      ("-1", true, nil), ("1 ", false, nil), ("a,b", false, nil), ("chat", true, nil), ("\u{E9}", false, nil),
    ] {
      utf8(text).withUnsafeBytes { #expect($0.isToken == isToken && $0.decimal == number) }
    }
  }

  @Test("9110 5.6.2: token bytes, digits and blanks, over all 256")
  func classes() {
    let tokens = Set(utf8("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
    for byte in UInt8.min...UInt8.max {
      #expect(byte.isTokenByte == tokens.contains(byte))
      #expect(byte.isDigit == utf8("0123456789").contains(byte))
      #expect(byte.isControl == (byte < 32 || byte == 127))
      let character = Character(UnicodeScalar(byte))
      #expect(byte.isLetter == (byte < 0x80 && character.isLetter))
      #expect(byte.hexadecimal.map(Int.init) == (byte < 0x80 ? character.hexDigitValue : nil))
      #expect(byte.isBlank == (byte == 9 || byte == 32))
      #expect(byte.asciiLowercased == utf8(String(UnicodeScalar(byte)).lowercased()).first || byte >= 0x80)
    }
  }

  @Test("the bytes of a literal")
  func literals() {
    #expect(Array(ByteView("wss" as StaticString)) == utf8("wss"))
    #expect(ByteView("" as StaticString).isEmpty)
  }
}
