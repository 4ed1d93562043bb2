// Random bytes from the kernel, for mask keys and nonces: nothing weaker, and never the same twice, also after a fork.
import CLinux

/// The kernel's random source.
public enum Random {
  /// Fills the memory with unpredictable bytes. Any thread. Ends the process when the kernel has no getrandom.
  public static func fill(_ room: UnsafeMutableRawBufferPointer) {
    clinux_random(room.baseAddress, room.count)
  }
}

/// A small stock of random numbers, so that a frame does not cost a system call. One thread at a time.
public struct RandomPool: ~Copyable {
  private var words = InlineArray<64, UInt32>(repeating: 0)
  private var position = 64
  private var generation: UInt32 = 0

  /// An empty pool; the first number fills it.
  public init() {}

  /// A fresh number. A forked child starts with a new stock.
  public mutating func next() -> UInt32 {
    let current = ForkGuard.generation
    if position >= words.count || generation != current { refill(current) }
    defer { position &+= 1 }
    return words[position & 63]  // which `position` is below; said here, the compiler needs no check
  }

  @inline(never)
  private mutating func refill(_ current: UInt32) {
    withUnsafeMutableBytes(of: &words) { Random.fill($0) }
    position = 0
    generation = current
  }
}
