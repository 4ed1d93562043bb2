// Compressing: bytes in, raw deflate out. RFC 7692 7.2.1.
import CZlib

/// A compressor of raw deflate. One thread at a time.
public struct Deflater: ~Copyable {
  private let stream: ZlibStream

  /// How much of what was put in must have come out.
  enum Flush {
    /// As much as suits the compressor.
    case none
    /// All of it, and `Inflater.messageTail` behind it.
    case all
  }

  /// One that has seen nothing; its memory comes from `DeflatePool` and goes back there.
  init(_ settings: DeflateSettings) throws(OutOfMemory) { stream = try DeflatePool.take(.deflating, settings) }

  deinit { DeflatePool.give(stream) }

  var settings: DeflateSettings { stream.settings }

  /// Forgets all that it has seen.
  mutating func reset() { deflateReset(stream.zlib) }

  /// Compresses the bytes to the end of `output`. After an error it is of no use until `reset`.
  mutating func deflate(_ input: ByteView, _ flush: Flush, to output: inout ByteQueue) throws(OutOfMemory) {
    var rest = input
    while rest.count > ZlibStream.mostAtOnce {
      try run(rest.cut(0, ZlibStream.mostAtOnce), Z_NO_FLUSH, to: &output)
      rest = rest.cut(from: ZlibStream.mostAtOnce)
    }
    switch flush {
    case .none: try run(rest, Z_NO_FLUSH, to: &output)
    case .all: try run(rest, Z_SYNC_FLUSH, to: &output)
    }
  }

  /// How much comes out is not assumed: as long as the room was used up there may be more.
  private mutating func run(_ input: ByteView, _ flush: Int32, to output: inout ByteQueue) throws(OutOfMemory) {
    // Room for what cannot be compressed; a large message gets more as it turns out to need it.
    var wanted = min(max(input.count &+ 64, BlockPool.smallest), BlockPool.largest)
    var rest = input
    repeat {
      try output.reserve(wanted)
      let space = output.freeSpace
      let room = min(space.count, ZlibStream.mostAtOnce)
      stream.offer(rest, space)
      let status = CZlib.deflate(stream.zlib, flush)
      // Z_BUF_ERROR says that there was nothing to do.
      guard status == Z_OK || status == Z_BUF_ERROR else { throw OutOfMemory() }
      output.commit(room &- Int(stream.zlib.pointee.avail_out))
      rest = rest.cut(from: rest.count &- Int(stream.zlib.pointee.avail_in))
      wanted = BlockPool.smallest
    } while stream.zlib.pointee.avail_out == 0
  }
}
