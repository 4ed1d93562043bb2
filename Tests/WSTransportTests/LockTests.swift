// Locks exclude, conditions wake, and both pass typed errors and results through.
import Foundation
import Testing

@testable import WSTransport

private final class Counter: @unchecked Sendable {
  let lock = Lock()
  let changed = Condition()
  var value = 0
}

@Suite struct LockTests {
  @Test func excludes() throws {
    let counter = Counter()
    let workers = (0..<4).map { _ in
      Worker { for _ in 0..<10_000 { counter.lock.withLock { counter.value += 1 } } }
    }
    for worker in workers { try worker.join() }
    #expect(counter.value == 40_000)
  }

  @Test func passesErrorsThroughAndUnlocks() {
    let lock = Lock()
    let error = failure { () throws(TransportError) in
      try lock.withLock { () throws(TransportError) in throw .timeout }
    }
    #expect(error == .timeout)
    #expect(lock.tryLock())
    #expect(!lock.tryLock())
    lock.unlock()
  }

  @Test func aConditionWakes() throws {
    let counter = Counter()
    let worker = Worker {
      counter.lock.withLock {
        while counter.value == 0 {
          if !counter.changed.wait(counter.lock, until: generous) { return false }
        }
        return true
      }
    }
    usleep(10_000)
    counter.lock.withLock {
      counter.value = 1
      counter.changed.broadcast()
    }
    #expect(try worker.join())
  }

  @Test func aSignalWakesOneThatWaitsForEver() throws {
    let counter = Counter()
    let worker = Worker {
      counter.lock.withLock { while counter.value == 0 { _ = counter.changed.wait(counter.lock, until: .never) } }
    }
    usleep(10_000)
    counter.lock.withLock { counter.value = 1 }
    counter.changed.signal()
    try worker.join()
  }

  @Test func aConditionTimesOut() {
    let counter = Counter()
    let start = Deadline.now
    let wokenUp = counter.lock.withLock { counter.changed.wait(counter.lock, until: .after(milliseconds: 20)) }
    #expect(!wokenUp)
    #expect(since(start) >= 20_000_000)
    #expect(!counter.lock.withLock { counter.changed.wait(counter.lock, until: Deadline(nanoseconds: -1)) })
  }
}
