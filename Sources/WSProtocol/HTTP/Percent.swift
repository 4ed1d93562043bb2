// Percent-encoding in the userinfo of a URL. RFC 3986 2.1.

/// Percent-encoded text.
enum Percent {
  /// Refuses userinfo that Basic authentication cannot carry: a bad escape, control bytes, no user, or an escaped colon in the user,
  /// which would move the border between user and password. RFC 7617 2.
  static func checkCredentials(_ userinfo: ByteView?) throws(URLError) {
    guard let userinfo else { return }
    let userEnd = userinfo.position(of: 0x3A) ?? userinfo.count
    guard userEnd > 0 else { throw .badCredentials }
    var index = 0
    while index < userinfo.count {
      guard let (byte, size) = decode(userinfo, at: index), !byte.isControl, byte != 0x3A || size == 1 || index > userEnd else {
        throw .badCredentials
      }
      index &+= size
    }
  }

  /// Adds the text with its escapes resolved. A bad escape stays as it is.
  static func appendDecoded(_ text: ByteView, to output: inout ByteQueue) throws(OutOfMemory) {
    var index = 0
    while index < text.count {
      let (byte, size) = decode(text, at: index) ?? (text[index], 1)
      try output.append(byte)
      index &+= size
    }
  }

  /// The byte that is written at the index, and in how many bytes; nil for a bad escape.
  private static func decode(_ text: ByteView, at index: Int) -> (byte: UInt8, size: Int)? {
    guard text[index] == 0x25 else { return (text[index], 1) }
    let digits = text.cut(index &+ 1, index &+ 3)
    guard digits.count == 2, let high = digits[0].hexadecimal, let low = digits[1].hexadecimal else { return nil }
    return (high &<< 4 | low, 3)
  }
}
