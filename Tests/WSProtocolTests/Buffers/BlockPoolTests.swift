// The pool that connections share. Other tests use it at the same time, so what lies there cannot be told from here; that blocks are
// whole, have their sizes and belong to one owner at a time can.
import Foundation
import Testing

@testable import WSProtocol

@Suite("Block pool")
struct BlockPoolTests {
  @Test(
    "a block has the next power of two from 4 KiB, and beyond 128 KiB exactly what was asked for",
    arguments: [
      (0, 0), (1, 4096), (4096, 4096), (4097, 8192), (65536, 65536), (65537, 131_072), (131_072, 131_072), (131_073, 131_073),
      (1 << 20, 1 << 20),
    ])
  func sizes(wanted: Int, size: Int) throws {
    for _ in 0..<40 {
      let memory = try BlockPool.take(wanted)
      let (base, capacity) = (memory.base, memory.capacity)
      #expect(capacity == size && (base == nil) == (size == 0))
      BlockPool.give(memory)
    }
  }

  @Test("blocks of other sizes are freed, and none is lost")
  func takesBackWhatFits() throws {
    let before = Memory.blocksHeld
    for size in [0, 1, 4095, 4097, 131_073, 1 << 20] + Array(repeating: 4096, count: 40) {
      var memory = Memory()
      try memory.resize(to: size)
      BlockPool.give(memory)
    }
    BlockPool.drain()
    #expect(Memory.blocksHeld == before)
  }

  @Test("without memory nothing is taken from the pool either")
  func failsAsTheAllocatorDoes() throws {
    BlockPool.give(try BlockPool.take(4096))
    let before = Memory.blocksHeld
    Memory.failAllocation(1)
    #expect(thrown { () throws(OutOfMemory) in _ = try BlockPool.take(4096) } != nil)
    #expect(!Memory.isFailureDue && Memory.blocksHeld == before)
  }

  @Test("one owner at a time, whatever threads take and give")
  func belongsToOne() {
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for turn in 0..<2000 {
        guard let memory = try? BlockPool.take(4096), let base = memory.base else { return }
        let mark = UInt64(thread) << 32 | UInt64(turn)
        base.storeBytes(of: mark, as: UInt64.self)
        base.storeBytes(of: mark, toByteOffset: 4088, as: UInt64.self)
        if turn % 64 == 0 { usleep(1) }
        if base.load(as: UInt64.self) != mark || base.load(fromByteOffset: 4088, as: UInt64.self) != mark {
          Issue.record("thread \(thread) shares a block")
        }
        BlockPool.give(memory)
        if turn % 500 == 0 { BlockPool.drain() }
      }
    }
  }
}
