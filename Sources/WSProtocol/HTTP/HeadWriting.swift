// Writing heads: what requests and responses share.

extension ByteQueue {
  /// Adds `name: value` and the end of the line. Both were checked before: nothing here looks for CR and LF.
  mutating func appendField(_ name: ByteView, _ value: ByteView) throws(OutOfMemory) {
    try append(name)
    try append(": ")
    try append(value)
    try appendLineEnd()
  }

  /// Adds every field, a line each.
  @_optimize(size)
  mutating func appendFields(_ fields: borrowing HeaderFields) throws(OutOfMemory) {
    var index = 0
    while let field = fields.field(index) {
      try appendField(field.name, field.value)
      index &+= 1
    }
  }

  /// Adds CR LF.
  mutating func appendLineEnd() throws(OutOfMemory) { try append("\r\n") }

  /// Adds the number in decimal; a negative one as 0.
  public mutating func appendDecimal(_ number: Int) throws(OutOfMemory) {
    if number > 9 { try appendDecimal(number / 10) }
    try append(0x30 &+ UInt8(truncatingIfNeeded: max(number, 0) % 10))
  }
}
