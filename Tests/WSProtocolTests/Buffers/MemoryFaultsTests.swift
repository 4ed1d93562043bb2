// The failing of allocations itself: which one fails, and that blocks are counted.
import Testing

@testable import WSProtocol

#if DEBUG || WSSWIFT_MEMORY_FAULTS
  @Suite("MemoryFaults")
  struct MemoryFaultsTests {
    /// Which of ten allocations fail.
    private func failures(_ number: Int) -> [Int] {
      Memory.failAllocation(number)
      defer { Memory.failAllocation(0) }
      var memory = Memory()
      var failed: [Int] = []
      for turn in 1...10 {
        do throws(OutOfMemory) { try memory.resize(to: turn * 10) } catch { failed.append(turn) }
      }
      return failed
    }

    @Test("the allocation of that number fails, once")
    func oneFails() {
      for number in 1...10 {
        #expect(failures(number) == [number])
        #expect(!Memory.isFailureDue)
      }
      #expect(failures(0) == [] && failures(11) == [] && failures(-1) == [])
    }

    @Test("blocks are counted while they are held, however they go")
    func countsBlocks() throws {
      let before = Memory.blocksHeld
      try holdTwo(before)
      #expect(Memory.blocksHeld == before)
    }

    private func holdTwo(_ before: Int) throws {
      var first = Memory()
      var second = ByteQueue()
      try first.resize(to: 10)
      try first.resize(to: 1000)
      #expect(Memory.blocksHeld == before + 1)
      try second.append(1)
      #expect(Memory.blocksHeld == before + 2)
      second.release()
      #expect(Memory.blocksHeld == before + 1)
    }
  }
#endif
