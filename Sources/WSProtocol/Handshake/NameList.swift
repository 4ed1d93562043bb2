// Short texts of the application's in one block: subprotocols, allowed origins, allowed hosts.

/// Texts without comma, in the order they were added, kept as `a, b, c`: the way a header lists them.
struct NameList: ~Copyable {
  private var text = ByteQueue()

  /// The texts as a header lists them; empty when there are none.
  var joined: ByteView { text.bytes }

  var isEmpty: Bool { text.isEmpty }

  /// Adds a copy of a text that is not empty and holds no comma, as long as all of them fit into 64 KiB.
  mutating func append(_ name: ByteView) throws(ConfigurationError) {
    guard name.count <= 65536 &- 2, text.count <= 65536 &- 2 &- name.count else { throw .tooLarge }
    do throws(OutOfMemory) {
      try text.reserve(name.count &+ 2)
      if !text.isEmpty { try text.append(", ") }
      try text.append(name)
    } catch { throw .outOfMemory }
  }

  /// The text at `position`, which starts as 0 and moves behind it; nil at the end.
  func next(_ position: inout Int) -> ByteView? {
    guard position < text.count else { return nil }
    let end = text.bytes.position(of: 0x2C, from: position) ?? text.count
    defer { position = end &+ 2 }
    return text.bytes.cut(position, end)
  }

  /// True when the very text is there.
  func contains(_ name: ByteView) -> Bool {
    var position = 0
    while let own = next(&position) {
      if own.equals(name) { return true }
    }
    return false
  }
}
