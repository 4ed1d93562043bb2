// One thread for all that must be looked after while the program is busy elsewhere: it sleeps until a descriptor is ready or a time
// has come, and lets the seat in question do what it can without waiting.
import CLinux
import Synchronization

/// Looks after seats, on a thread of its own that never calls out and blocks all signals.
public final class Poller: @unchecked Sendable {
  // Everything has a value before `init` can fail: Embedded Swift leaks an object whose `init` throws half-way.
  private var epoll: Int32 = -1
  private var event: Int32 = -1
  private let generation = ForkGuard.generation
  private let isStopped = Atomic<Bool>(false)
  /// The poller of the parent process, whose thread is not in this one.
  private let inherited: Poller?

  /// The descriptors that the thread was told of; the thread's.
  private let ready = UnsafeMutablePointer<Int32>.allocate(capacity: Int(CLINUX_EPOLL_BATCH))

  // Guarded by `lock`.
  private let lock = Lock()
  private var seats = SeatTable()
  /// Until when the thread sleeps; `asleep` only.
  private var sleepsUntil = Deadline.never
  private var isAsleep = false

  // MARK: - One for each process

  /// The address of the poller of this process, or of a parent, or 0.
  private static let current = Atomic<UInt>(0)

  /// The poller of this process; made, with its thread, by the first who asks, and there for ever. Any thread; takes no lock, since a
  /// fork could leave that locked. `.noDescriptors`, `.outOfMemory`, `.system`.
  public static func shared() throws(TransportError) -> Poller {
    while true {
      let address = current.load(ordering: .acquiring)
      let found = UnsafeRawPointer(bitPattern: address).map { Unmanaged<Poller>.fromOpaque($0).takeUnretainedValue() }
      if let found, found.generation == ForkGuard.generation { return found }
      let made = try Poller(inherited: found)
      let held = Unmanaged.passRetained(made)
      let desired = UInt(bitPattern: held.toOpaque())
      if current.compareExchange(expected: address, desired: desired, ordering: .acquiringAndReleasing).exchanged {
        found?.closeInherited()
        return made
      }
      made.stop()
      held.release()
    }
  }

  private init(inherited: Poller?) throws(TransportError) {
    self.inherited = inherited
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epoll >= 0 else { throw .last }
    event = try SystemCalls.makeEvent()
    guard clinux_epoll_add_event(epoll, event) == 0 else { throw .last }
    let thread = Unmanaged.passRetained(self)
    do throws(TransportError) {
      try HelperThread.start(Poller.main, thread.toOpaque())
    } catch {
      thread.release()
      throw error
    }
  }

  private static let main: HelperThread.Main = { argument in
    guard let argument else { return nil }
    pthread_setname_np(pthread_self(), "wsswift-service")
    Unmanaged<Poller>.fromOpaque(argument).takeRetainedValue().run()
    return nil
  }

  /// Another thread was quicker to make one.
  private func stop() {
    isStopped.store(true, ordering: .releasing)
    SystemCalls.raise(event)
  }

  /// In a child: the descriptors are copies of the parent's, and nobody here waits for them.
  private func closeInherited() {
    close(epoll)
    close(event)
    epoll = -1
    event = -1
  }

  deinit {
    if epoll >= 0 { close(epoll) }
    if event >= 0 { close(event) }
    ready.deallocate()
  }

  // MARK: - Seats

  /// Takes a seat into care, and looks at it soon. Any thread. `.outOfMemory`, `.noDescriptors`, `.system`.
  public func add(_ seat: PollSeat) throws(TransportError) {
    try lock.withLock { () throws(TransportError) in
      seat.due = .now
      // What the kernel was told while the seat was here before went with it.
      seat.armed = []
      try seats.insert(seat)
      guard clinux_epoll_set(epoll, EPOLL_CTL_ADD, seat.descriptor, 0) == 0 else {
        let error = TransportError.last
        seats.remove(seat)
        throw error
      }
      wake(before: .now)
    }
  }

  /// Lets go of a seat. Any thread; a look that has begun may still go on.
  public func remove(_ seat: PollSeat) {
    lock.withLock {
      guard seat.place != nil else { return }
      _ = clinux_epoll_set(epoll, EPOLL_CTL_DEL, seat.descriptor, 0)
      seats.remove(seat)
    }
  }

  /// Has a seat looked at when the time has come, if not before. Any thread.
  public func schedule(_ seat: PollSeat, at time: Deadline) {
    lock.withLock {
      guard seat.place != nil, time.nanoseconds < seat.due.nanoseconds else { return }
      seats.set(seat, due: time)
      wake(before: time)
    }
  }

  /// Called with `lock` held.
  private func wake(before time: Deadline) {
    guard isAsleep, time.nanoseconds < sleepsUntil.nanoseconds else { return }
    isAsleep = false
    SystemCalls.raise(event)
  }

  // MARK: - On the thread

  private func run() {
    while !isStopped.load(ordering: .acquiring) {
      var count = sleep()
      while count > 0 {
        count &-= 1
        look(at: ready[count])
      }
      lookAtWhatIsDue()
    }
  }

  /// Returns how many descriptors are ready.
  private func sleep() -> Int {
    let until = lock.withLock {
      isAsleep = true
      sleepsUntil = seats.first?.due ?? .never
      return sleepsUntil
    }
    let count = clinux_epoll_wait(epoll, ready, until.epollTimeout)
    lock.withLock { isAsleep = false }
    return Int(max(count, 0))
  }

  private func look(at descriptor: Int32) {
    let seat = lock.withLock {
      let seat = seats[descriptor]
      seat?.armed = []
      return seat
    }
    if let seat { look(at: seat) }
  }

  private func lookAtWhatIsDue() {
    let now = Deadline.now
    while let seat = lock.withLock({ seats.first }), isDue(seat, at: now) { look(at: seat) }
  }

  private func isDue(_ seat: PollSeat, at now: Deadline) -> Bool {
    lock.withLock { seat.place != nil && seat.due.nanoseconds <= now.nanoseconds }
  }

  /// What others schedule while the seat looks holds beside its own wish.
  private func look(at seat: PollSeat) {
    lock.withLock { if seat.place != nil { seats.set(seat, due: .never) } }
    let wish = seat.look()
    lock.withLock {
      guard seat.place != nil else { return }
      seats.set(seat, due: .earlier(seat.due, wish.deadline))
      guard !wish.readiness.isEmpty, wish.readiness != seat.armed else { return }
      seat.armed = wish.readiness
      _ = clinux_epoll_set(epoll, EPOLL_CTL_MOD, seat.descriptor, wish.readiness.pollEvents)
    }
  }
}

extension Deadline {
  /// Milliseconds left for epoll_wait, rounded up, so that a wait does not spin over a fraction of one; -1 for `never`.
  fileprivate var epollTimeout: Int32 {
    let left = pollTimeout
    guard left > 0 else { return left < 0 ? -1 : 0 }
    return Int32(clamping: left / 1_000_000 &+ (left % 1_000_000 > 0 ? 1 : 0))
  }
}
