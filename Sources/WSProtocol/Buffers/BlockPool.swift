// Blocks of memory that the connections of a process share: a buffer goes back when its connection has nothing to keep in it, and
// the next one that is needed starts there. So an idle connection holds none, and a busy one asks the allocator for none.
//
// Any thread, without a lock: see shelves.c. The pool holds at most 4 MiB.
import CMemory

/// The process-wide pool of blocks whose size is a power of two from 4 to 128 KiB.
public enum BlockPool {
  /// The smallest block, in bytes.
  public static let smallest = 4096
  /// The largest block, in bytes.
  public static let largest = 131_072

  /// A block of at least `wanted` bytes, from the pool where it has one; what is beyond the largest has exactly that size.
  public static func take(_ wanted: Int) throws(OutOfMemory) -> Memory {
    var memory = Memory()
    guard let (shelf, size) = place(for: wanted) else {
      try memory.resize(to: wanted)
      return memory
    }
    guard let block = shelf.take() else {
      try memory.resize(to: size)
      return memory
    }
    memory = Memory(adopting: block, capacity: size)
    guard !Memory.failsOnPurpose() else { throw OutOfMemory() }
    return memory
  }

  /// Takes a block back. What is no block of the pool's sizes, or finds no room there, is freed.
  public static func give(_ memory: consuming Memory) {
    guard let (shelf, size) = place(for: memory.capacity), size == memory.capacity else { return }
    memory.lay(on: shelf)
  }

  /// Frees what lies in the pool.
  public static func drain() {
    var size = smallest
    while let (shelf, _) = place(for: size) {
      while let block = shelf.take() { free(block) }
      size = size &* 2
    }
  }

  /// Where blocks for so many bytes lie; nil for what is too large, or no size at all.
  private static func place(for wanted: Int) -> (shelf: Shelf, size: Int)? {
    guard wanted > 0, wanted <= largest else { return nil }
    let exponent = Int.bitWidth &- (max(wanted, smallest) &- 1).leadingZeroBitCount
    return (Shelf(number: Int32(truncatingIfNeeded: exponent &- 12)), 1 &<< exponent)
  }
}

/// A row of places for memory of one kind, shared by all threads.
struct Shelf {
  /// 0 to 5: the pool's blocks, the smallest first. 6 to 14: `DeflatePool`.
  let number: Int32

  /// Something that lies there.
  func take() -> UnsafeMutableRawPointer? { cmemory_shelf_take(number) }

  /// False: there is no room.
  func put(_ block: UnsafeMutableRawPointer) -> Bool { cmemory_shelf_put(number, block) != 0 }
}
