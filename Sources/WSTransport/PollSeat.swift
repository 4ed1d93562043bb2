// What a poller looks after, and where it keeps it: by descriptor, and by time.
import CLinux

/// What somebody in a seat waits for.
public struct PollWish {
  /// The directions to look for; none for a descriptor that is of no interest now.
  public var readiness: Readiness
  /// When to look at the latest.
  public var deadline: Deadline

  /// A wish; by default for nothing.
  public init(_ readiness: Readiness = [], until deadline: Deadline = .never) {
    self.readiness = readiness
    self.deadline = deadline
  }
}

/// A descriptor in the care of a poller. Subclasses say what to do when it is ready or its time has come.
open class PollSeat: @unchecked Sendable {
  let descriptor: Int32

  // Guarded by the poller's lock.
  var due = Deadline.never
  /// Where the seat stands in the order of time; nil when no poller has it.
  var place: Int?
  /// What the kernel has been asked to tell.
  var armed: Readiness = []

  /// A seat in nobody's care yet. The descriptor stays the caller's, open until the seat has been removed.
  public init(descriptor: Int32) { self.descriptor = descriptor }

  /// The descriptor is ready, or the time has come, or neither: look, do what can be done without waiting, and say what to look for
  /// next. On the poller's thread, which all seats share.
  open func look() -> PollWish { PollWish() }
}

/// The seats of a poller. Room is made when a seat comes, so that nothing later can fail.
struct SeatTable: ~Copyable {
  private typealias Seat = Unmanaged<PollSeat>

  /// Each seat at the number of its descriptor.
  private var seats: UnsafeMutablePointer<Seat?>?
  private var room = 0
  /// A binary heap: no seat is due later than the two at twice its place, plus one and two.
  private var heap: UnsafeMutablePointer<Seat>?
  private var heapRoom = 0
  private var count = 0

  /// The seat of a descriptor.
  subscript(descriptor: Int32) -> PollSeat? {
    let index = Int(descriptor)
    guard index >= 0, index < room else { return nil }
    return seats?[index]?.takeUnretainedValue()
  }

  /// The seat that is due first.
  var first: PollSeat? { count > 0 ? heap?[0].takeUnretainedValue() : nil }

  /// Holds the seat until it is removed. `.outOfMemory`.
  mutating func insert(_ seat: PollSeat) throws(TransportError) {
    try makeRoom(for: Int(seat.descriptor))
    let held = Unmanaged.passRetained(seat)
    seats?[Int(seat.descriptor)] = held
    heap?[count] = held
    seat.place = count
    count &+= 1
    settle(seat)
  }

  /// Lets go of a seat that is there.
  mutating func remove(_ seat: PollSeat) {
    guard let place = seat.place, let heap else { return }
    count &-= 1
    if place < count {
      put(heap[count], at: place)
      settle(heap[place].takeUnretainedValue())
    }
    seat.place = nil
    seats?[Int(seat.descriptor)] = nil
    Unmanaged.passUnretained(seat).release()
  }

  /// Changes when a seat that is there is due.
  mutating func set(_ seat: PollSeat, due: Deadline) {
    seat.due = due
    settle(seat)
  }

  private mutating func makeRoom(for descriptor: Int) throws(TransportError) {
    if descriptor >= room {
      let wanted = max(64, (descriptor &+ 1) &* 2)
      guard let grown = realloc(seats, wanted &* MemoryLayout<Seat?>.stride) else { throw .outOfMemory }
      let slots = grown.assumingMemoryBound(to: Seat?.self)
      var slot = room
      while slot < wanted {
        (slots + slot).initialize(to: nil)
        slot &+= 1
      }
      seats = slots
      room = wanted
    }
    if count >= heapRoom {
      let wanted = max(64, heapRoom &* 2)
      guard let grown = realloc(heap, wanted &* MemoryLayout<Seat>.stride) else { throw .outOfMemory }
      heap = grown.assumingMemoryBound(to: Seat.self)
      heapRoom = wanted
    }
  }

  /// Moves a seat to where its time stands.
  private func settle(_ seat: PollSeat) {
    guard let heap, var place = seat.place else { return }
    let moving = heap[place]
    while place > 0, heap[(place &- 1) / 2].due.nanoseconds > moving.due.nanoseconds {
      put(heap[(place &- 1) / 2], at: place)
      place = (place &- 1) / 2
    }
    while let child = earlierChild(of: place), heap[child].due.nanoseconds < moving.due.nanoseconds {
      put(heap[child], at: place)
      place = child
    }
    put(moving, at: place)
  }

  private func earlierChild(of place: Int) -> Int? {
    let left = place &* 2 &+ 1
    guard let heap, left < count else { return nil }
    guard left &+ 1 < count else { return left }
    return heap[left &+ 1].due.nanoseconds < heap[left].due.nanoseconds ? left &+ 1 : left
  }

  private func put(_ seat: Seat, at place: Int) {
    heap?[place] = seat
    seat._withUnsafeGuaranteedRef { $0.place = place }
  }

  deinit {
    free(seats)
    free(heap)
  }
}

extension Unmanaged<PollSeat> {
  fileprivate var due: Deadline { _withUnsafeGuaranteedRef { $0.due } }
}
