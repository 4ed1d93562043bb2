// Gets a thread out of a wait, so that it looks again at what it waits for.
import CLinux

/// Something that a wait can be given to be woken by, any number of times.
public final class Wakeup: Waker, @unchecked Sendable {
  // Everything has a value before `init` can fail: Embedded Swift leaks an object whose `init` throws half-way.
  /// See `Waker.descriptor`.
  public private(set) var descriptor: Int32 = -1

  /// Takes a descriptor: `.noDescriptors`, `.outOfMemory`, `.system`.
  public init() throws(TransportError) {
    descriptor = try SystemCalls.makeEvent()
  }

  /// Wakes the wait that was given this, or the next one. Any thread.
  public func raise() { SystemCalls.raise(descriptor) }

  /// The next wait sleeps again.
  public func endedWait() {
    var count: UInt64 = 0
    _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }
}
