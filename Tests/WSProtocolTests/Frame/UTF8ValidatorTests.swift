// RFC 3629 by three witnesses: the fast path, the slow twin, and Swift's own encoder and validator as oracles.
import Testing

@testable import WSProtocol

@Suite("UTF8Validator, RFC 6455 8.1")
struct UTF8ValidatorTests {
  /// The bytes with which a character can begin, without its last byte: from the encodings of all characters, by 64.
  private static let openings: Set<[UInt8]> = {
    var found: Set<[UInt8]> = []
    for number in stride(from: UInt32(0x80), to: 0x110000, by: 64) {
      guard let scalar = Unicode.Scalar(number) else { continue }
      let bytes = Array(UTF8.encode(scalar).map { Array($0) } ?? [])
      for count in 1..<bytes.count { found.insert(Array(bytes.prefix(count))) }
    }
    return found
  }()

  /// How many bytes can be taken before the first one that no text can have there: RFC 3629 by search.
  private func firstFault(_ bytes: [UInt8]) -> Int? {
    var open: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      let next = open + [byte]
      if Self.openings.contains(next) {
        open = next
      } else if String(validating: next, as: UTF8.self) != nil {
        open = []
      } else {
        return index
      }
    }
    return nil
  }

  private func firstFault(_ bytes: [UInt8], by advance: (inout UTF8Validator, ByteView) -> Bool) -> Int? {
    var validator = UTF8Validator()
    return bytes.withUnsafeBytes { view in
      (0..<view.count).first { !advance(&validator, view.cut($0, $0 + 1)) }
    }
  }

  private func verdict(_ bytes: [UInt8]) -> Bool {
    var validator = UTF8Validator()
    return bytes.withUnsafeBytes { validator.advance($0) } && validator.isComplete
  }

  /// All ways to look at the bytes, against the oracles.
  private func agree(_ bytes: [UInt8]) -> Bool {
    let fault = firstFault(bytes)
    return verdict(bytes) == (String(validating: bytes, as: UTF8.self) != nil)
      && firstFault(bytes) { $0.advance($1) } == fault && firstFault(bytes) { $0.advanceOneByOne($1) } == fault
  }

  @Test("8.1: every lead byte, and every pair of bytes, accepted or refused at the exact byte")
  func allPairs() {
    for first in UInt8.min...UInt8.max {
      #expect(agree([first]))
      for second in UInt8.min...UInt8.max {
        var validator = UTF8Validator()
        let passes = [first, second].withUnsafeBytes { validator.advance($0) }
        let starts = { (byte: UInt8) in byte < 0x80 || Self.openings.contains([byte]) }
        let isPair =
          Self.openings.contains([first, second]) || ((0xC2...0xDF).contains(first) && (0x80...0xBF).contains(second))
        guard passes == (first < 0x80 ? starts(second) : isPair) else {
          Issue.record("\(first) \(second)")
          return
        }
      }
    }
  }

  @Test("8.1: boundaries of three and four bytes: overlong, surrogates, beyond U+10FFFF, missing and wrong bytes")
  func boundaries() {
    let edges: [UInt8] = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
    for first in UInt8(0xE0)...0xF8 {
      for second in edges {
        for third: UInt8 in [0x7F, 0x80, 0xBF, 0xC0] {
          for fourth: UInt8 in [0x61, 0x80, 0xBF, 0xC2] {
            guard agree([first, second, third, fourth]) else {
              Issue.record("\(first) \(second) \(third) \(fourth)")
              return
            }
          }
        }
      }
    }
  }

  @Test("8.1: the first and last characters of every length pass, whole and cut in every place")
  func edgeCharacters() throws {
    for number: UInt32 in [
      0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0xFFFFF, 0x10FFFF,
    ] {
      let bytes = Array(String(try #require(Unicode.Scalar(number))).utf8)
      #expect(verdict(bytes))
      for cut in 1..<max(1, bytes.count) {
        var validator = UTF8Validator()
        #expect(bytes[..<cut].withUnsafeBytes { validator.advance($0) })
        #expect(!validator.isComplete)
        #expect(bytes[cut...].withUnsafeBytes { validator.advance($0) })
        #expect(validator.isComplete)
      }
    }
  }

  @Test("8.1: fast and slow agree on sizes 0 to 1024, alignments 0 to 7 and a start inside a character")
  func fastAgrees() {
    var random = SmallRandom(seed: 11)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1200, alignment: 64)
    defer { memory.deallocate() }
    for size in 0...1024 {
      for alignment in 0..<8 {
        let bytes = Self.sample(size, flaw: random.below(3) == 0, &random)
        let part = UnsafeMutableRawBufferPointer(rebasing: memory[alignment..<alignment + size])
        part.copyBytes(from: bytes)
        var fast = UTF8Validator()
        var slow = UTF8Validator()
        let phase = random.below(4)
        let opening = ByteView(Self.character).cut(0, phase)
        #expect(fast.advance(opening) && slow.advanceOneByOne(opening))
        let result = fast.advance(ByteView(part))
        guard result == slow.advanceOneByOne(ByteView(part)), !result || fast.isComplete == slow.isComplete else {
          Issue.record("size \(size), alignment \(alignment), phase \(phase): \(bytes)")
          return
        }
      }
    }
  }

  private static let character: StaticString = "\u{1F600}"

  @Test("8.1: the exact first bad byte, behind ASCII of every length around the block size")
  func failsAtTheByte() {
    for front in 0...100 {
      for bad: [UInt8] in [[0x80], [0xC3, 0x28], [0xE2, 0x82, 0x41], [0xED, 0xA0], [0xF4, 0x90], [0xFF]] {
        let bytes = [UInt8](repeating: 0x61, count: front) + bad
        let last = bytes.count - 1
        var validator = UTF8Validator()
        #expect(bytes[..<last].withUnsafeBytes { validator.advance($0) })
        #expect(!bytes[last...].withUnsafeBytes { validator.advance($0) })
        #expect(!verdict(bytes + [UInt8](repeating: 0x61, count: 64)))
      }
    }
  }

  private static let edges: [UInt8] = [
    0, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1,
    0xF3, 0xF4, 0xF5, 0xFF,
  ]

  @Test("8.1: fast and slow agree on a byte in every place of a text without ASCII", arguments: ["é", "語", "😀", "é語😀ü"])
  func everyPlaceInText(_ characters: String) {
    let text = utf8(String(repeating: characters, count: 168 / characters.utf8.count))
    #expect(verdict(text))
    for place in text.indices {
      for byte in Self.edges {
        var changed = text
        changed[place] = byte
        var slow = UTF8Validator()
        guard verdict(changed) == (changed.withUnsafeBytes { slow.advanceOneByOne($0) } && slow.isComplete) else {
          Issue.record("\(byte) at \(place)")
          return
        }
      }
    }
  }

  @Test("8.1: fast and slow agree on boundaries of three and four bytes across the blocks of a long text")
  func boundariesInText() {
    let text = utf8(String(repeating: "é", count: 120))
    for (first, third) in (UInt8(0xDF)...0xF8).flatMap({ first in [UInt8(0x7F), 0x80, 0xBF, 0xC2].map { (first, $0) } }) {
      for second: UInt8 in [0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0] {
        for place in stride(from: 56, through: 84, by: 2) {
          for count in 1...4 {
            let bytes = text[..<place] + [first, second, third, 0x80].prefix(count) + text[place...]
            var slow = UTF8Validator()
            guard verdict(Array(bytes)) == (bytes.withUnsafeBytes { slow.advanceOneByOne($0) } && slow.isComplete) else {
              Issue.record("\(first) \(second) \(third), \(count) of them at \(place)")
              return
            }
          }
        }
      }
    }
  }

  /// Text with characters of all lengths, ASCII runs among them, cut to the size; a flaw is one random byte somewhere.
  private static func sample(_ size: Int, flaw: Bool, _ random: inout SmallRandom) -> [UInt8] {
    let pieces = ["abcdefghijklmnopqrstuvwxyz0123456789 ABCDEFGHIJ", "\u{E9}", "\u{20AC}", "\u{1F600}", "\u{10FFFF}", "x"].map {
      utf8($0)
    }
    var bytes: [UInt8] = []
    while bytes.count < size { bytes += pieces[random.below(pieces.count)] }
    bytes.removeLast(bytes.count - size)
    if flaw, size > 0 { bytes[random.below(size)] = UInt8(truncatingIfNeeded: random.next()) }
    return bytes
  }

  @Test("8.1: isText says what the validator says")
  func isText() {
    #expect(UTF8Validator.isText(.empty))
    #expect(utf8("\u{20AC}").withUnsafeBytes { UTF8Validator.isText($0) })
    #expect(![0xE2, 0x82].withUnsafeBytes { (bytes: ByteView) in UTF8Validator.isText(bytes) })
  }
}
