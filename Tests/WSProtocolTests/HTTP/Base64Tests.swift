// Base64 with the examples of RFC 4648 10.
import Testing

@testable import WSProtocol

@Suite struct Base64Tests {
  private func encoded(_ bytes: [UInt8]) throws(OutOfMemory) -> String {
    try written { (output) throws(OutOfMemory) in try Base64.encode(lasting(bytes), to: &output) }
  }

  private func decoded(_ text: String) throws(OutOfMemory) -> [UInt8]? {
    var output = ByteQueue()
    let isGood = try Base64.decode(lasting(text), to: &output)
    #expect(isGood || output.isEmpty)
    return isGood ? Array(output.bytes) : nil
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
    ("the sample nonce", "dGhlIHNhbXBsZSBub25jZQ=="),
  ])
  func examples(plain: String, text: String) throws {
    #expect(try encoded(Array(plain.utf8)) == text)
    #expect(try decoded(text) == Array(plain.utf8))
    #expect(Base64.encodedCount(plain.utf8.count) == text.utf8.count)
    #expect(Base64.decodedCount(lasting(text)) == plain.utf8.count)
  }

  @Test func everySymbol() throws {
    let bytes = (0..<48).map { index -> UInt8 in
      let symbols = (0..<4).map { UInt32(index / 3 * 4 + $0) }
      let group = symbols[0] << 18 | symbols[1] << 12 | symbols[2] << 6 | symbols[3]
      return UInt8(truncatingIfNeeded: group >> UInt32(16 - index % 3 * 8))
    }
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    #expect(try encoded(bytes) == alphabet)
    #expect(try decoded(alphabet) == bytes)
  }

  @Test(arguments: [
    "A", "AA", "AAA", "A===", "====", "=", "AA=A", "A=AA", "=AAA", "AAAA=", "AAAA====", "AA==AAAA", "Zm9\n", "Zm 9", " Zm9v",
    "Zm9v\n",
    "Zm9-", "Zm9_", "Zm9\0", "Zm9\u{FC}", "AAA=AAA=",
  ])
  func refusesWhatIsNoBase64(text: String) throws {
    #expect(try decoded(text) == nil)
    #expect(Base64.decodedCount(lasting(text)) == nil)
  }

  // RFC 4648 3.5: bits behind the last byte.
  @Test(arguments: ["Zh==", "Zm9=", "//==", "//9="]) func refusesStrayBits(text: String) throws {
    #expect(try decoded(text) == nil)
  }

  @Test func roundTripsOfAllSizes() throws {
    var random = SmallRandom(seed: 3)
    for size in 0...100 {
      let bytes = random.bytes(size)
      #expect(try decoded(try encoded(bytes)) == bytes)
    }
  }

  @Test(arguments: 0...255) func everyByteIsASymbolOrNot(number: Int) {
    let byte = UInt8(number)
    let isSymbol = byte.isLetter || byte.isDigit || byte == 0x2B || byte == 0x2F
    #expect((Base64.decodedCount(lasting([0x41, byte, 0x41, 0x41])) == 3) == isSymbol)
  }
}
