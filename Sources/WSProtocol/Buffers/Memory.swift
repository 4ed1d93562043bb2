// The one place that memory of a size chosen by a peer or a caller comes from.
//
// A failed allocation of a Swift object, Array or String ends the process without a word; this one fails with an error that
// the caller turns into a close code or a status. Everything that grows with received bytes or with arguments uses it.
import CMemory

/// There is no memory for a block of bytes.
public struct OutOfMemory: Error {
  /// The error, which says all by its type.
  @inlinable public init() {}
}

/// A block of raw bytes that is freed with its owner. Its size is exactly what was asked for last.
public struct Memory: ~Copyable {
  /// The first byte, or nil while the block is empty.
  public private(set) var base: UnsafeMutableRawPointer?
  /// The number of bytes in the block.
  public private(set) var capacity: Int

  /// An empty block, which costs nothing.
  public init() {
    base = nil
    capacity = 0
  }

  /// Takes over a block that lay on a shelf.
  init(adopting block: UnsafeMutableRawPointer, capacity: Int) {
    base = block
    self.capacity = capacity
    Self.countBlocks(1)
  }

  /// Lays the block on the shelf, where there is room; then this one is empty.
  mutating func lay(on shelf: Shelf) {
    guard let block = base, shelf.put(block) else { return }
    Self.countBlocks(-1)
    base = nil
    capacity = 0
  }

  /// Changes the size, keeping the bytes that fit. On an error the block is as it was.
  public mutating func resize(to count: Int) throws(OutOfMemory) {
    guard count > 0 else { return release() }
    guard let grown = Self.reallocate(base, count) else { throw OutOfMemory() }
    base = grown
    capacity = count
  }

  /// Gives the bytes back; the block is empty afterwards.
  public mutating func release() {
    Self.free(base)
    base = nil
    capacity = 0
  }

  deinit {
    Self.free(base)
  }

  /// The block with another size, or a new one; nil, and the old one as it was, when there is none. Whoever calls this gives it back
  /// with `free`.
  static func reallocate(_ block: UnsafeMutableRawPointer?, _ count: Int) -> UnsafeMutableRawPointer? {
    guard !failsOnPurpose() else { return nil }
    let grown = realloc(block, count)
    if block == nil, grown != nil { countBlocks(1) }
    return grown
  }

  /// Gives a block of `reallocate` back.
  static func free(_ block: UnsafeMutableRawPointer?) {
    if block != nil { countBlocks(-1) }
    CMemory.free(block)
  }
}
