// A switch that ends waits on other threads, whatever they wait for.
import CLinux
import Synchronization

/// A sticky cancellation that can be polled beside descriptors.
public final class Cancellation: Waker, @unchecked Sendable {
  // Everything has a value before `init` can fail: Embedded Swift leaks an object whose `init` throws half-way.
  /// Readable for ever once cancelled.
  public private(set) var descriptor: Int32 = -1
  private let generation = ForkGuard.generation
  private let cancelled = Atomic<Bool>(false)

  /// A cancellation that has not happened. Takes a descriptor: `.noDescriptors`, `.outOfMemory`, `.system`.
  public init() throws(TransportError) {
    descriptor = try SystemCalls.makeEvent()
  }

  /// Ends all waits that were given this cancellation, now and later. Any thread. In a forked child it only sets the flag: the
  /// descriptor is its parent's too.
  public func cancel() {
    cancelled.store(true, ordering: .releasing)
    if generation == ForkGuard.generation { SystemCalls.raise(descriptor) }
  }

  /// Whether `cancel` was called. Any thread.
  public var isCancelled: Bool {
    cancelled.load(ordering: .acquiring)
  }

  /// Throws `.aborted`.
  public func endedWait() throws(TransportError) {
    throw .aborted
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }
}
