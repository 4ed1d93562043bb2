// Tells a forked child from its parent, so that a child neither repeats random bytes nor touches its parent's connections.
import CLinux
import Synchronization

/// Counts the forks that led to this process.
public enum ForkGuard {
  private static let count = Atomic<UInt32>(0)
  private static let isWatching = Atomic<Bool>(false)

  /// A number that differs between a process and its forked children, from the first time that anybody asks for it. Costs
  /// two loads; getpid would cost a system call. Any thread.
  public static var generation: UInt32 {
    if !isWatching.load(ordering: .acquiring) { watch() }
    return count.load(ordering: .relaxed)
  }

  /// Two threads that get here at once both register; a child is then counted twice, which is as good as once. Where there is
  /// no memory to register, the next call tries again.
  @inline(never)
  private static func watch() {
    // The handler must not be the first to touch the counter: its set-up may be behind a lock that a fork leaves locked.
    _ = count.load(ordering: .relaxed)
    let failure = pthread_atfork(nil, nil) { ForkGuard.count.wrappingAdd(1, ordering: .relaxed) }
    isWatching.store(failure == 0, ordering: .releasing)
  }
}
