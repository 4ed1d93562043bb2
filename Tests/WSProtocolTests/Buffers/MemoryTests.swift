// The block that everything else is made of.
import Testing

@testable import WSProtocol

@Suite("Memory")
struct MemoryTests {
  @Test("a block has exactly the size asked for last, and keeps the bytes that fit")
  func resizes() throws {
    var memory = Memory()
    try memory.resize(to: 100)
    UnsafeMutableRawBufferPointer(start: memory.base, count: 100).copyBytes(from: pattern(100))
    for size in [1000, 50] {
      try memory.resize(to: size)
      let capacity = memory.capacity
      let kept = Array(UnsafeRawBufferPointer(start: memory.base, count: min(size, 100)))
      #expect(capacity == size && kept == pattern(min(size, 100)))
    }
    try memory.resize(to: 0)
    let (base, capacity) = (memory.base, memory.capacity)
    #expect(base == nil && capacity == 0)
  }

  @Test("a size that nobody has fails, and the block stays")
  func fails() throws {
    var memory = Memory()
    try memory.resize(to: 8)
    let before = memory.base
    for size in [Int.max, 1 << 60] {
      do throws(OutOfMemory) {
        try memory.resize(to: size)
        Issue.record("there is no memory of \(size) bytes")
      } catch {}
      let (base, capacity) = (memory.base, memory.capacity)
      #expect(base == before && capacity == 8)
    }
    memory.release()
    memory.release()
    try memory.resize(to: -1)
    let base = memory.base
    #expect(base == nil)
  }
}
