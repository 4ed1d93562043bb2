// Decompressing: raw deflate in, bytes out, never more than there is room for. RFC 7692 7.2.2.
import CZlib

/// Why bytes could not be decompressed. The inflater is of no use until `reset`.
public enum InflateError: Error, Equatable, Sendable {
  /// What came is not deflate, or refers to what was never there. RFC 1951.
  case corrupt
  /// There is no memory for the window.
  case outOfMemory
}

/// A decompressor of raw deflate. One thread at a time.
public struct Inflater: ~Copyable {
  private let stream: ZlibStream
  /// True when all that came so far ended with the end of a block. Behind the tail of a message it must: else the message was cut.
  public private(set) var isBetweenBlocks = false
  /// What went wrong behind the bytes that came out last; every later call throws it.
  public private(set) var failure: InflateError?

  /// One with an empty window of 2 to the power of 8 to 15 bytes; its memory comes from `DeflatePool` and goes back there.
  public init(windowBits: Int) throws(OutOfMemory) {
    let bits = Int32(truncatingIfNeeded: min(max(windowBits, 8), 15))
    stream = try DeflatePool.take(.inflating, DeflateSettings(windowBits: bits))
  }

  deinit { DeflatePool.give(stream) }

  /// The binary logarithm of the window.
  public var windowBits: Int { Int(stream.settings.windowBits) }

  /// What belongs behind the payload of each message. RFC 7692 7.2.2.
  public static var messageTail: ByteView { ByteView(start: czlib_message_tail(), count: 4) }

  /// Forgets the window and all that was not finished.
  public mutating func reset() {
    inflateReset(stream.zlib)
    failure = nil
  }

  /// Decompresses until the input is used up or `space` is full. When it is full there may be more to come: call again, also without
  /// input. A block that calls itself the last one ends nothing: the next one follows, and the window stays. RFC 7692 7.2.3.4. What
  /// came out before an error is given first, so that it does not matter in which pieces the input comes; see `failure`.
  public mutating func inflate(
    _ input: ByteView, into space: UnsafeMutableRawBufferPointer
  ) throws(InflateError) -> (consumed: Int, produced: Int) {
    var consumed = 0
    var produced = 0
    var isMoving = space.count > 0
    if let failure { throw failure }
    while isMoving {
      let room = UnsafeMutableRawBufferPointer(start: space.baseAddress.map { $0 + produced }, count: space.count &- produced)
      let (taken, made) = step(input.cut(from: consumed), room)
      consumed = consumed &+ taken
      produced = produced &+ made
      isMoving = failure == nil && taken &+ made > 0 && consumed < input.count && produced < space.count
    }
    if let failure, produced == 0 { throw failure }
    return (consumed, produced)
  }

  private mutating func step(
    _ input: ByteView, _ space: UnsafeMutableRawBufferPointer
  ) -> (consumed: Int, produced: Int) {
    stream.offer(input, space)
    let (given, room) = (stream.zlib.pointee.avail_in, stream.zlib.pointee.avail_out)
    switch CZlib.inflate(stream.zlib, Z_SYNC_FLUSH) {
    // A full buffer and the lack of input are no errors.
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: inflateResetKeep(stream.zlib)
    case Z_MEM_ERROR: failure = .outOfMemory
    default: failure = .corrupt
    }
    let consumed = Int(given &- stream.zlib.pointee.avail_in)
    let produced = Int(room &- stream.zlib.pointee.avail_out)
    // zlib says so in the call that gets there, and forgets it in one that gets nowhere.
    if consumed &+ produced > 0 { isBetweenBlocks = stream.zlib.pointee.data_type & 128 != 0 }
    return (consumed, produced)
  }
}
