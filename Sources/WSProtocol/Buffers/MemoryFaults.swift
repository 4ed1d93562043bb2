// Failing allocations on purpose, for tests: the n-th block that a thread asks `Memory` for is refused. It is there in
// debug builds and where WSSWIFT_MEMORY_FAULTS is defined, never in the library that ships.
#if DEBUG || WSSWIFT_MEMORY_FAULTS
  import CMemory

  extension Memory {
    /// Makes the allocation of that number, counted from 1 and from now, fail on this thread; 0 takes it back. Growing a
    /// block counts. One failure, then memory is there again.
    public static func failAllocation(_ number: Int) {
      cmemory_faults_of_this_thread().pointee.countdown = number
    }

    /// True while the failure that was asked for has not happened.
    public static var isFailureDue: Bool { cmemory_faults_of_this_thread().pointee.countdown > 0 }

    /// The blocks that this thread took and has not given back: for tests that nothing leaks. A block that another thread
    /// frees counts as this thread's for ever.
    public static var blocksHeld: Int { cmemory_faults_of_this_thread().pointee.blocks }

    /// Counts one allocation; true when it is the one that fails.
    static func failsOnPurpose() -> Bool {
      let faults = cmemory_faults_of_this_thread()
      guard faults.pointee.countdown > 0 else { return false }
      faults.pointee.countdown -= 1
      return faults.pointee.countdown == 0
    }

    static func countBlocks(_ change: Int) { cmemory_faults_of_this_thread().pointee.blocks += change }
  }
#else
  extension Memory {
    @inline(__always) static func failsOnPurpose() -> Bool { false }
    @inline(__always) static func countBlocks(_ change: Int) {}
  }
#endif
