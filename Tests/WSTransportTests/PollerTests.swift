// The thread that looks after descriptors while the program is busy: it looks when something is ready or due, and not otherwise.
import CLinux
import Foundation
import Synchronization
import Testing

@testable import WSTransport

/// A seat that counts, and wishes what it is told to.
private final class CountingSeat: PollSeat, @unchecked Sendable {
  private let lock = NSLock()
  private var looks = 0
  private var wish: @Sendable (Int) -> PollWish

  init(_ descriptor: Int32, _ wish: @escaping @Sendable (Int) -> PollWish) {
    self.wish = wish
    super.init(descriptor: descriptor)
  }

  override func look() -> PollWish {
    lock.withLock {
      looks += 1
      return wish(looks)
    }
  }

  var count: Int { lock.withLock { looks } }

  /// Waits until so many looks have been taken, and a little longer.
  func settles(at wanted: Int) -> Bool {
    for _ in 0..<500 where count < wanted { usleep(2000) }
    usleep(20_000)
    return count == wanted
  }
}

@Suite struct PollerTests {
  private func makePair() -> (Int32, Int32) {
    var pair: [Int32] = [-1, -1]
    socketpair(AF_UNIX, Int32(1), 0, &pair)
    return (pair[0], pair[1])
  }

  @Test func aSeatIsLookedAtWhenItComesAndWhenItIsReady() throws {
    let (near, far) = makePair()
    let seat = CountingSeat(near) { _ in PollWish(.read) }
    let poller = try Poller.shared()
    try poller.add(seat)
    #expect(seat.settles(at: 1))
    var byte: UInt8 = 1
    #expect(write(far, &byte, 1) == 1)
    for _ in 0..<500 where seat.count < 3 { usleep(2000) }
    // Nobody takes the byte, so it is ready again each time.
    #expect(seat.count >= 3)
    poller.remove(seat)
    usleep(20_000)
    let after = seat.count
    #expect(seat.settles(at: after))
    close(near)
    close(far)
  }

  @Test func aSeatWithoutAWishIsLeftAlone() throws {
    let (near, far) = makePair()
    let seat = CountingSeat(near) { _ in PollWish() }
    let poller = try Poller.shared()
    try poller.add(seat)
    #expect(seat.settles(at: 1))
    var byte: UInt8 = 1
    #expect(write(far, &byte, 1) == 1)
    #expect(seat.settles(at: 1))
    poller.schedule(seat, at: .now)
    #expect(seat.settles(at: 2))
    poller.remove(seat)
    close(near)
    close(far)
  }

  @Test func timesAreKeptInOrder() throws {
    let order = NSLock()
    nonisolated(unsafe) var seen: [Int] = []
    let start = Deadline.now
    let pairs = (0..<20).map { _ in makePair() }
    let poller = try Poller.shared()
    let seats = (0..<20).map { index in
      let time = start.adding(milliseconds: Int64(60 + (index * 7) % 20 * 10))
      return CountingSeat(pairs[index].0) { look in
        guard look > 1 else { return PollWish([], until: time) }
        order.withLock { seen.append(index * 7 % 20) }
        #expect(time.isPast)
        return PollWish()
      }
    }
    for seat in seats { try poller.add(seat) }
    #expect(seats.allSatisfy { $0.settles(at: 2) })
    #expect(order.withLock { seen } == Array(0..<20))
    for seat in seats { poller.remove(seat) }
    for (near, far) in pairs {
      close(near)
      close(far)
    }
  }

  @Test func anEarlierTimeEndsTheSleep() throws {
    let (near, far) = makePair()
    let seat = CountingSeat(near) { _ in PollWish([], until: .after(milliseconds: 60_000)) }
    let poller = try Poller.shared()
    try poller.add(seat)
    #expect(seat.settles(at: 1))
    poller.schedule(seat, at: .after(milliseconds: 30))
    #expect(seat.settles(at: 2))
    poller.schedule(seat, at: .after(milliseconds: 90_000))
    #expect(seat.settles(at: 2))
    poller.remove(seat)
    poller.remove(seat)
    poller.schedule(seat, at: .now)
    #expect(seat.settles(at: 2))
    close(near)
    close(far)
  }

  @Test func whatCannotBePolledIsAnError() throws {
    let poller = try Poller.shared()
    let file = open("/dev/null", O_RDONLY)
    #expect(throws: TransportError.system(EPERM)) { try poller.add(CountingSeat(file) { _ in PollWish() }) }
    close(file)
    #expect(throws: TransportError.self) { try poller.add(CountingSeat(1 << 20) { _ in PollWish() }) }
  }

  @Test func thereIsOne() throws {
    let pollers = Mutex<[ObjectIdentifier]>([])
    DispatchQueue.concurrentPerform(iterations: 16) { _ in
      if let poller = try? Poller.shared() { pollers.withLock { $0.append(ObjectIdentifier(poller)) } }
    }
    #expect(Set(pollers.withLock { $0 }).count == 1)
    #expect(pollers.withLock { $0 }.count == 16)
  }

  /// Seats come and go on many threads while their descriptors are busy.
  @Test func comingAndGoing() throws {
    let poller = try Poller.shared()
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for round in 0..<200 {
        let (near, far) = makePair()
        let seat = CountingSeat(near) { _ in PollWish([.read, .write], until: .now) }
        try? poller.add(seat)
        if round % 3 == 0 { usleep(200) }
        poller.schedule(seat, at: .after(milliseconds: 1))
        poller.remove(seat)
        close(near)
        close(far)
      }
    }
  }
}
