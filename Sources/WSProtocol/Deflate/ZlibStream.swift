// The state of one zlib stream: where it lies, and where zlib takes its memory from.
import CMemory
import CZlib

/// How a stream is made. Decompressing needs the window bits only.
struct DeflateSettings: Equatable {
  /// The binary logarithm of the window, 8 to 15. zlib has no compressor with 8: then it uses Huffman codes only, which refer to nothing.
  var windowBits: Int32 = 15
  /// -2 (Huffman codes only), -1 (zlib's choice), 0 (stored) to 9 (smallest).
  var level: Int32 = 1
  /// 1 to 9.
  var memoryLevel: Int32 = 8
}

/// A zlib stream and what we know of it, in one block that never moves: zlib keeps its address. Whoever takes one gives it back.
struct ZlibStream {
  enum Purpose {
    case inflating
    case deflating
  }

  private struct Block {
    // First, so that the block's address is the stream's.
    var zlib = z_stream()
    let purpose: Purpose
    var settings: DeflateSettings
    /// The blocks of memory that zlib holds for the stream.
    var count = 0
  }

  /// What zlib's counters of 32 bits can say at once.
  static let mostAtOnce = 1 << 30

  private let block: UnsafeMutablePointer<Block>

  /// A stream with nothing in it.
  init(_ purpose: Purpose, _ settings: DeflateSettings) throws(OutOfMemory) {
    guard let memory = Memory.reallocate(nil, MemoryLayout<Block>.size) else { throw OutOfMemory() }
    block = memory.bindMemory(to: Block.self, capacity: 1)
    block.initialize(to: Block(purpose: purpose, settings: settings))
    zlib.pointee.opaque = memory
    zlib.pointee.zalloc = { stream, items, size in
      stream.flatMap { ZlibStream(at: $0).allocate(Int(items), Int(size)) }
    }
    zlib.pointee.zfree = { stream, memory in
      if let stream { ZlibStream(at: stream).free(memory) }
    }
    guard start() == Z_OK else {
      Memory.free(memory)
      throw OutOfMemory()
    }
  }

  /// The one at this address.
  init(at address: UnsafeMutableRawPointer) { block = address.assumingMemoryBound(to: Block.self) }

  /// Where it lies.
  var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(block) }

  /// The stream for zlib's functions.
  @inline(__always) var zlib: UnsafeMutablePointer<z_stream> { address.assumingMemoryBound(to: z_stream.self) }

  var purpose: Purpose { block.pointee.purpose }
  var settings: DeflateSettings { block.pointee.settings }

  /// The blocks of memory that it consists of.
  var blocksHeld: Int { block.pointee.count &+ 1 }

  private func start() -> Int32 {
    switch purpose {
    case .inflating: return czlib_inflate_init(zlib, settings.windowBits)
    case .deflating:
      let isHuffmanOnly = settings.level == -2 || settings.windowBits == 8
      let level = isHuffmanOnly ? Z_DEFAULT_COMPRESSION : settings.level
      let strategy = isHuffmanOnly ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY
      return czlib_deflate_init(zlib, level, max(settings.windowBits, 9), settings.memoryLevel, strategy)
    }
  }

  /// Makes it as good as new. False: with other settings than it can have.
  func reset(_ wanted: DeflateSettings) -> Bool {
    switch purpose {
    case .inflating:
      block.pointee.settings = wanted
      return inflateReset2(zlib, 0 &- wanted.windowBits) == Z_OK
    case .deflating: return wanted == settings && deflateReset(zlib) == Z_OK
    }
  }

  /// Gives all its memory back.
  func free() {
    switch purpose {
    case .inflating: inflateEnd(zlib)
    case .deflating: deflateEnd(zlib)
    }
    Memory.free(address)
  }

  /// Hands zlib the bytes and the room of its next call, at most `mostAtOnce` of each. It looks at them in that call only.
  @inline(__always)
  func offer(_ input: ByteView, _ space: UnsafeMutableRawBufferPointer) {
    zlib.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?.assumingMemoryBound(to: UInt8.self)
    zlib.pointee.avail_in = UInt32(truncatingIfNeeded: min(input.count, Self.mostAtOnce))
    zlib.pointee.next_out = space.baseAddress?.assumingMemoryBound(to: UInt8.self)
    zlib.pointee.avail_out = UInt32(truncatingIfNeeded: min(space.count, Self.mostAtOnce))
  }

  private func allocate(_ items: Int, _ size: Int) -> UnsafeMutableRawPointer? {
    let (bytes, overflow) = items.multipliedReportingOverflow(by: size)
    guard !overflow, bytes > 0, let memory = Memory.reallocate(nil, bytes) else { return nil }
    block.pointee.count &+= 1
    return memory
  }

  private func free(_ memory: UnsafeMutableRawPointer?) {
    guard memory != nil else { return }
    block.pointee.count &-= 1
    Memory.free(memory)
  }
}
