// A lock that gives up at its deadline.
import Foundation
import Testing

@testable import WSTransport

@Suite struct TimedLockTests {
  @Test func timesOutWhileHeld() {
    let lock = TimedLock()
    #expect(lock.lock(until: .never))
    let start = Deadline.now
    #expect(!lock.lock(until: .after(milliseconds: 20)))
    #expect(since(start) >= 20_000_000)
    lock.unlock()
  }

  @Test func aDeadlineInThePastTakesAFreeLock() {
    let lock = TimedLock()
    #expect(lock.lock(until: Deadline(nanoseconds: -1)))
    #expect(!lock.lock(until: Deadline(nanoseconds: -1)))
    #expect(!lock.tryLock())
    lock.unlock()
    #expect(lock.tryLock())
    lock.unlock()
  }

  /// The deadline begins with the test: arguments are made long before, when many tests run.
  @Test(arguments: [false, true]) func isHandedOver(isTimed: Bool) throws {
    let deadline = isTimed ? generous : .never
    let lock = TimedLock()
    #expect(lock.tryLock())
    let worker = Worker {
      let had = lock.lock(until: deadline)
      if had { lock.unlock() }
      return had
    }
    usleep(10_000)
    lock.unlock()
    #expect(try worker.join())
  }
}
