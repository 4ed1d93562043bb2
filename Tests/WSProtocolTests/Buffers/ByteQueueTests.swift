// The queue against an array that does the same, and its edges.
import Testing

@testable import WSProtocol

@Suite("ByteQueue")
struct ByteQueueTests {
  @Test("an empty queue holds no memory and lends nothing")
  func empty() {
    let queue = TestQueue()
    #expect(queue.count == 0 && queue.isEmpty && queue.capacity == 0 && queue.room == 0)
    #expect(queue.bytes == [])
    #expect(queue.inner.mutableBytes.isEmpty && queue.inner.mutableEnd(3).isEmpty)
    queue.inner.discard(5)
    queue.inner.truncate(to: 5)
    queue.inner.commit(5)
    queue.inner.release()
    #expect(queue.isEmpty && queue.capacity == 0)
  }

  @Test("bytes come out in the order they went in, by every way in and out")
  func againstArray() throws {
    var random = SmallRandom(seed: 3)
    let queue = TestQueue()
    var model: [UInt8] = []
    for _ in 0..<6000 {
      switch random.below(9) {
      case 0, 1:
        let bytes = random.bytes(random.below(60))
        try queue.append(bytes)
        model += bytes
      case 2:
        try queue.inner.append(0x42)
        model.append(0x42)
      case 3:
        try queue.inner.append("text" as StaticString)
        model += utf8("text")
      case 4:
        let bytes = random.bytes(random.below(40))
        try queue.inner.reserve(bytes.count)
        queue.inner.freeSpace.copyBytes(from: bytes)
        queue.inner.commit(bytes.count)
        model += bytes
      case 5, 6:
        let count = random.below(50)
        queue.inner.discard(count)
        model.removeFirst(min(count, model.count))
      case 7:
        let kept = random.below(300)
        queue.inner.truncate(to: kept)
        model.removeLast(max(0, model.count - kept))
      default:
        let end = queue.inner.mutableEnd(random.below(20))
        for index in 0..<end.count {
          end[index] ^= 0xFF
          model[model.count - end.count + index] ^= 0xFF
        }
      }
      guard queue.bytes == model, queue.capacity <= 8192 else {
        Issue.record("\(queue.bytes) in \(queue.capacity) is not \(model)")
        return
      }
    }
    queue.inner.removeAll()
    #expect(queue.isEmpty && queue.capacity > 0)
    queue.inner.release()
    #expect(queue.capacity == 0)
  }

  @Test("counts beyond what there is, and below zero, are cut")
  func oddCounts() throws {
    let queue = TestQueue()
    try queue.append(pattern(10))
    for count in [Int.min, -1] {
      queue.inner.discard(count)
      queue.inner.commit(count)
      try queue.inner.reserve(count)
      #expect(queue.inner.mutableEnd(count).isEmpty)
      #expect(queue.bytes == pattern(10))
    }
    queue.inner.commit(Int.max)
    #expect(queue.count == queue.capacity)
    queue.inner.truncate(to: Int.max)
    #expect(queue.count == queue.capacity)
    #expect(queue.inner.mutableEnd(Int.max).count == queue.count)
    queue.inner.truncate(to: -1)
    #expect(queue.isEmpty)
    try queue.append(pattern(10))
    queue.inner.discard(Int.max)
    #expect(queue.isEmpty)
  }

  @Test("room that nobody has fails with an error and leaves the queue as it was")
  func tooMuch() throws {
    let queue = TestQueue()
    try queue.append(pattern(10))
    for wanted in [Int.max, Int.max - 10, Int.max / 2, 1 << 60] {
      #expect(throws: OutOfMemory.self) { try queue.inner.reserve(wanted) }
      #expect(queue.bytes == pattern(10))
    }
  }

  @Test("appending costs its size: capacity at most doubles, and small pieces taken do not move the rest")
  func growth() throws {
    let queue = TestQueue()
    for count in 1...20_000 {
      try queue.inner.append(UInt8(truncatingIfNeeded: count))
      if queue.capacity > 2 * count { Issue.record("\(queue.capacity) for \(count)") }
    }
    // A million bytes in line, one in and one out: they must not be moved each time.
    try queue.append([UInt8](repeating: 1, count: 1_000_000))
    var moves = 0
    for _ in 0..<20_000 {
      queue.inner.discard(1)
      let before = queue.inner.bytes.baseAddress
      try queue.inner.append(2)
      if queue.inner.bytes.baseAddress != before { moves += 1 }
    }
    #expect(moves <= 2)
    #expect(queue.count == 1_020_000)
    #expect(queue.capacity <= 4_200_000)
  }

  @Test("a queue that is emptied as it is filled does not grow")
  func steady() throws {
    let queue = TestQueue()
    for _ in 0..<2000 {
      try queue.append(pattern(100))
      queue.inner.discard(97)
      if queue.count > 50 { queue.inner.discard(queue.count) }
    }
    #expect(queue.capacity <= 512)
  }
}
