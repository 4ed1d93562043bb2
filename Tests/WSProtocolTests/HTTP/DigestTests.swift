// SHA-1 with the examples of FIPS 180 and RFC 3174 7.3.
import Testing

@testable import WSProtocol

@Suite struct DigestTests {
  private func hexadecimal(_ digest: SHA1.Digest) -> String {
    (0..<20).map { index in
      let text = String(digest[index], radix: 16)
      return text.count == 1 ? "0" + text : text
    }.joined()
  }

  private func digest(_ text: String, times: Int = 1) -> String {
    var digest = SHA1()
    for _ in 0..<times { digest.update(lasting(text)) }
    return hexadecimal(digest.finish())
  }

  @Test(arguments: [
    ("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu", 1,
      "a49b2446a02c645bf419f995b67091253a04a259"
    ),
    (String(repeating: "a", count: 1000), 1000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
    ("0123456701234567012345670123456701234567012345670123456701234567", 10, "dea356a2cddd90c7a7ecedc5ebb563934f460452"),
  ])
  func examples(text: String, times: Int, expected: String) { #expect(digest(text, times: times) == expected) }

  @Test func partsDoNotMatter() {
    let bytes = SmallRandomBytes(count: 200)
    for size in 0...200 {
      var whole = SHA1()
      whole.update(bytes.view.cut(0, size))
      var parts = SHA1()
      for index in 0..<size { parts.update(bytes.view.cut(index, index + 1)) }
      #expect(hexadecimal(whole.finish()) == hexadecimal(parts.finish()))
    }
  }

  private struct SmallRandomBytes {
    let view: ByteView

    init(count: Int) {
      var random = SmallRandom(seed: 1)
      view = lasting(random.bytes(count))
    }
  }
}
