// Key and accept value: RFC 6455 1.3, 4.1 and 4.2.1.
import Testing

@testable import WSProtocol

@Suite struct ChallengeTests {
  @Test func exampleOfSection1_3() throws {
    #expect(
      try written { (output) throws(OutOfMemory) in try Challenge.appendKey(sampleNonce, to: &output) }
        == "dGhlIHNhbXBsZSBub25jZQ==")
    let accept = try written { (output) throws(OutOfMemory) in
      try Challenge.appendAccept(key: lasting("dGhlIHNhbXBsZSBub25jZQ=="), to: &output)
    }
    #expect(accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    #expect(Challenge.isAccept(lasting(accept), of: sampleNonce))
  }

  @Test(arguments: [
    ("dGhlIHNhbXBsZSBub25jZQ==", true), ("AAAAAAAAAAAAAAAAAAAAAA==", true), ("/////////////////////w==", true),
    ("dGhlIHNhbXBsZSBub25jZR==", true), ("", false), ("abc", false), ("dGhlIHNhbXBsZSBub25jZQ", false),
    ("dGhlIHNhbXBsZSBub25jZQ=", false), ("dGhlIHNhbXBsZSBub25jZTE=", false), ("dGhlIHNhbXBsZSBub25j", false),
    ("dGhlIHNhbXBsZSBub25jZQ==dGhl", false), ("dGhlIHNhbXBsZSBub25jZ-==", false), ("dGhlIHNhbXBsZSBub25jZQ= =", false),
    ("SGVsbG8sIHdvcmxkIQ==", false), ("=======================", false), ("dGhl,HNhbXBsZSBub25jZQ==", false),
  ])
  func keysAreTheBase64Of16Bytes(text: String, isKey: Bool) { #expect(Challenge.isKey(lasting(text)) == isKey) }

  @Test(arguments: [
    "", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo= ", "S3PPLMBITXAQ9KYGZZHZRBK+XOO=",
    "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=",
    "dGhlIHNhbXBsZSBub25jZQ==",
  ])
  func otherAcceptValuesAreRefused(text: String) { #expect(!Challenge.isAccept(lasting(text), of: sampleNonce)) }

  @Test func everyNonceHasItsOwnKey() throws {
    var random = SmallRandom(seed: 5)
    for _ in 0..<50 {
      let nonce = (random.next(), random.next())
      let key = try written { (output) throws(OutOfMemory) in try Challenge.appendKey(nonce, to: &output) }
      #expect(Challenge.isKey(lasting(key)))
      let accept = try written { (output) throws(OutOfMemory) in try Challenge.appendAccept(key: lasting(key), to: &output) }
      #expect(Challenge.isAccept(lasting(accept), of: nonce))
      #expect(!Challenge.isAccept(lasting(accept), of: (nonce.0, nonce.1 ^ 1)))
    }
  }
}
