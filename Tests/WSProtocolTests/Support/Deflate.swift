// Compressed payloads there and back, in pieces of every size.
import Testing

@testable import WSProtocol

/// A decompressor with bytes as copies.
final class TestInflater {
  private var inner: Inflater

  init(windowBits: Int = 15) throws(OutOfMemory) { inner = try Inflater(windowBits: windowBits) }

  var isBetweenBlocks: Bool { inner.isBetweenBlocks }
  var windowBits: Int { inner.windowBits }

  func reset() { inner.reset() }

  /// All that comes out of the bytes, handed over in pieces and taken in pieces of these sizes.
  func inflate(_ bytes: [UInt8], piece: Int = .max, space: Int = 4096) throws(InflateError) -> [UInt8] {
    var output: [UInt8] = []
    var rest = bytes[...]
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: max(space, 1), alignment: 1)
    defer { room.deallocate() }
    let target = UnsafeMutableRawBufferPointer(rebasing: room.prefix(space))
    while true {
      let given = Array(rest.prefix(piece))
      let (consumed, produced) = try given.lend { (view) throws(InflateError) in try inner.inflate(view, into: target) }
      output += target.prefix(produced)
      rest = rest.dropFirst(consumed)
      if rest.isEmpty, produced < target.count { return output }
      if consumed == 0, produced == 0 {
        Issue.record("\(rest.count) bytes of input were refused without an error")
        return output
      }
    }
  }

  /// The message of a payload; behind it nothing may be open.
  func message(_ payload: [UInt8], piece: Int = .max, space: Int = 4096) throws(InflateError) -> [UInt8] {
    let bytes = try inflate(payload + [0x00, 0x00, 0xff, 0xff], piece: piece, space: space)
    guard isBetweenBlocks else { throw .corrupt }
    return bytes
  }
}

/// A compressor with bytes as copies.
final class TestCompressor {
  var inner: MessageCompressor

  init(_ parameters: DeflateParameters = DeflateParameters(), _ role: Role = .client) {
    inner = MessageCompressor(parameters, role: role)
  }

  func compress(_ message: [UInt8]) throws(OutOfMemory) -> [UInt8] {
    try message.lend { (view) throws(OutOfMemory) in Array(try inner.compress(view)) }
  }

  func add(_ part: [UInt8]) throws(OutOfMemory) {
    try part.lend { (view) throws(OutOfMemory) in try inner.add(view) }
  }

  /// What is in `output`, taken.
  func taken() -> [UInt8] {
    let bytes = Array(inner.output.bytes)
    inner.output.discard(bytes.count)
    return bytes
  }
}

/// Text that compresses as JSON does, different for each seed.
func compressible(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var random = SmallRandom(seed: seed)
  var bytes: [UInt8] = []
  let words = ["\"name\":", "\"value\":", "true", "false", "{\"id\":", "},", "[1,2,3]", "\"2024-05-17T\""]
  while bytes.count < count { bytes += utf8(words[random.below(words.count)]) + utf8(String(random.below(1000))) }
  return Array(bytes.prefix(count))
}
