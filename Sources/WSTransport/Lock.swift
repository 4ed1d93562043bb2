// A mutex and a condition over pthread, because Embedded Swift has none. Both live in memory of their own: pthread objects
// must not move.
import CLinux

/// A mutex. Any thread; the one that locked it unlocks it.
public final class Lock: @unchecked Sendable {
  fileprivate let mutex: UnsafeMutablePointer<pthread_mutex_t>

  /// An unlocked mutex.
  public init() {
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
  }

  /// Waits for the mutex. Not recursive.
  public func lock() {
    pthread_mutex_lock(mutex)
  }

  /// Gives it back.
  public func unlock() {
    pthread_mutex_unlock(mutex)
  }

  /// Takes the mutex if it is free, and says so.
  public func tryLock() -> Bool {
    pthread_mutex_trylock(mutex) == 0
  }

  /// Runs the body with the mutex held.
  @inline(__always)
  public func withLock<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    lock()
    defer { unlock() }
    return try body()
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }
}

/// Something to wait for with a `Lock` held. Any thread.
public final class Condition: @unchecked Sendable {
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  /// A condition nobody waits for.
  public init() {
    condition = .allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  /// Gives the lock back while waiting for a signal, and takes it again. False when the deadline passed. May return without a
  /// signal, so the caller looks again. The lock must be held, and be the same one for all who wait.
  public func wait(_ lock: Lock, until deadline: Deadline) -> Bool {
    if deadline == .never { return pthread_cond_wait(condition, lock.mutex) == 0 }
    var time = clinux_timespec(max(deadline.nanoseconds, 0))
    return pthread_cond_timedwait(condition, lock.mutex, &time) == 0
  }

  /// Wakes one that waits.
  public func signal() {
    pthread_cond_signal(condition)
  }

  /// Wakes all that wait.
  public func broadcast() {
    pthread_cond_broadcast(condition)
  }

  deinit {
    pthread_cond_destroy(condition)
    condition.deallocate()
  }
}
