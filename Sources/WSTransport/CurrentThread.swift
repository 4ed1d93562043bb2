// Which thread runs, so that a call inside its own callback can be told from one on another thread.
import CLinux

/// A number of the calling thread, unique among the threads that live.
@inline(__always)
public func currentThread() -> UInt {
  UInt(pthread_self())
}
