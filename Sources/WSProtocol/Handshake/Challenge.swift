// The question and answer of the opening handshake: Sec-WebSocket-Key and Sec-WebSocket-Accept. RFC 6455 1.3.

/// Sec-WebSocket-Key and Sec-WebSocket-Accept.
public enum Challenge {
  /// Adds the key for 16 random bytes: the bytes of the first number, most significant first, then those of the second.
  /// RFC 6455 4.1.
  public static func appendKey(_ nonce: (UInt64, UInt64), to output: inout ByteQueue) throws(OutOfMemory) {
    let bytes = (nonce.0.bigEndian, nonce.1.bigEndian)
    try withUnsafeBytes(of: bytes) { (bytes) throws(OutOfMemory) in try Base64.encode(bytes, to: &output) }
  }

  /// True for the base64 of exactly 16 bytes. RFC 6455 4.2.1. The four bits that the last symbol has too many may be set: some
  /// clients make keys of random symbols, and nothing depends on those bits.
  public static func isKey(_ text: ByteView) -> Bool { Base64.decodedCount(text) == 16 }

  /// Adds the accept value that belongs to the key. RFC 6455 4.2.2.
  public static func appendAccept(key: ByteView, to output: inout ByteQueue) throws(OutOfMemory) {
    let digest = digest(key)
    try withUnsafeBytes(of: digest) { (bytes) throws(OutOfMemory) in try Base64.encode(bytes, to: &output) }
  }

  /// True when this is the accept value that belongs to the nonce's key. RFC 6455 4.1.
  public static func isAccept(_ text: ByteView, of nonce: (UInt64, UInt64)) -> Bool {
    var key = InlineArray<24, UInt8>(repeating: 0)
    let bytes = (nonce.0.bigEndian, nonce.1.bigEndian)
    withUnsafeBytes(of: bytes) { bytes in withUnsafeMutableBytes(of: &key) { Base64.encode(bytes, into: $0) } }
    var accept = InlineArray<28, UInt8>(repeating: 0)
    let digest = withUnsafeBytes(of: key) { Self.digest($0) }
    withUnsafeBytes(of: digest) { bytes in withUnsafeMutableBytes(of: &accept) { Base64.encode(bytes, into: $0) } }
    return withUnsafeBytes(of: accept) { $0.equals(text) }
  }

  private static func digest(_ key: ByteView) -> SHA1.Digest {
    var digest = SHA1()
    digest.update(key)
    digest.update(ByteView("258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
    return digest.finish()
  }
}
