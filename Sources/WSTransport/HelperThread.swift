// Threads of the library's own. They never call out, and signals are for the program's threads.
import CLinux

/// Starts threads that the program does not see.
enum HelperThread {
  /// What such a thread runs.
  typealias Main = @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?

  /// Runs `main` on a detached thread with all signals blocked. Without an error the argument is the thread's. `.outOfMemory`,
  /// `.system`.
  static func start(_ main: @escaping Main, _ argument: UnsafeMutableRawPointer) throws(TransportError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 256 << 10)
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let code = pthread_create(&thread, &attributes, main, argument)
    guard code == 0 else { throw TransportError(errno: code) }
  }
}
