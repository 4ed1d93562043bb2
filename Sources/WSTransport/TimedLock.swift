// A mutex that one can wait for until a deadline: what serialises the writers of a connection.
import CLinux

/// A mutex with a deadline. Any thread; the one that locked it unlocks it.
public final class TimedLock: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  /// An unlocked mutex.
  public init() {
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
  }

  /// Waits for the mutex until the deadline and says whether it was had. A deadline in the past does not block. Not recursive.
  public func lock(until deadline: Deadline) -> Bool {
    if tryLock() { return true }
    if deadline == .never { return pthread_mutex_lock(mutex) == 0 }
    var time = clinux_timespec(max(deadline.nanoseconds, 0))
    return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &time) == 0
  }

  /// Takes the mutex if it is free, and says so.
  public func tryLock() -> Bool {
    pthread_mutex_trylock(mutex) == 0
  }

  /// Gives it back.
  public func unlock() {
    pthread_mutex_unlock(mutex)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }
}
