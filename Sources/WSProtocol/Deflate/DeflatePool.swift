// zlib's state that nobody uses. Without context takeover it is taken when a message begins and given back when it ends, so that an idle
// connection holds none, and no message waits for the allocator. Any thread, without a lock: see shelves.c.
import CMemory
import CZlib

/// The process-wide pool behind `Inflater` and the compressors: at most 16 decompressors, and 16 compressors of each window size.
public enum DeflatePool {
  /// Frees what lies in the pool.
  public static func drain() {
    drain(.inflating, DeflateSettings())
    for windowBits: Int32 in 8...15 { drain(.deflating, DeflateSettings(windowBits: windowBits)) }
  }

  private static func drain(_ purpose: ZlibStream.Purpose, _ settings: DeflateSettings) {
    while let stream = takeUsed(purpose, settings) { stream.free() }
  }

  /// A stream as good as new.
  static func take(_ purpose: ZlibStream.Purpose, _ settings: DeflateSettings) throws(OutOfMemory) -> ZlibStream {
    guard let used = takeUsed(purpose, settings) else { return try ZlibStream(purpose, settings) }
    guard !Memory.failsOnPurpose() else {
      give(used)
      throw OutOfMemory()
    }
    if used.reset(settings) { return used }
    used.free()
    return try ZlibStream(purpose, settings)
  }

  /// Takes a stream back; what finds no room is freed.
  static func give(_ stream: ZlibStream) {
    let blocks = stream.blocksHeld
    guard shelf(stream.purpose, stream.settings).put(stream.address) else { return stream.free() }
    Memory.countBlocks(0 &- blocks)
  }

  private static func takeUsed(_ purpose: ZlibStream.Purpose, _ settings: DeflateSettings) -> ZlibStream? {
    guard let address = shelf(purpose, settings).take() else { return nil }
    let stream = ZlibStream(at: address)
    Memory.countBlocks(stream.blocksHeld)
    return stream
  }

  private static func shelf(_ purpose: ZlibStream.Purpose, _ settings: DeflateSettings) -> Shelf {
    switch purpose {
    case .inflating: Shelf(number: 14)
    case .deflating: Shelf(number: settings.windowBits &- 2)
    }
  }
}
