// Peer text in our own texts: failures, logs. It reaches terminals and log files, so it is quoted, cut and escaped.

extension ByteQueue {
  /// Adds the text between double quotes, every byte outside 0x20-0x7E, `"` and `\` as `\xNN`, cut where 80 bytes stand between
  /// the quotes (never inside an escape); `...` behind the last quote says that it was cut.
  public mutating func appendQuoted(_ peerText: ByteView) throws(OutOfMemory) {
    try append(0x22)
    var room = 80
    var isCut = false
    for byte in peerText {
      let isPlain = byte >= 0x20 && byte <= 0x7E && byte != 0x22 && byte != 0x5C
      isCut = room < (isPlain ? 1 : 4)
      if isCut { break }
      room &-= isPlain ? 1 : 4
      if isPlain { try append(byte) } else { try appendEscaped(byte) }
    }
    try append(0x22)
    if isCut { try append("...") }
  }

  private mutating func appendEscaped(_ byte: UInt8) throws(OutOfMemory) {
    let digits = ByteView("0123456789abcdef")
    try append("\\x")
    try append(digits[Int(byte &>> 4)])
    try append(digits[Int(byte & 15)])
  }
}
