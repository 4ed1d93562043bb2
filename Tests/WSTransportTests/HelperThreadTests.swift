// Threads of the library's own: they run what they are given, with all signals blocked, and leave the caller's signals alone.
import CLinux
import Foundation
import Testing

@testable import WSTransport

/// What the thread sees.
private final class Witness: @unchecked Sendable {
  let done = DispatchSemaphore(value: 0)
  var blocked = sigset_t()
}

@Suite struct HelperThreadTests {
  @Test func itsThreadBlocksAllSignals() throws {
    let witness = Witness()
    var before = sigset_t()
    var after = sigset_t()
    pthread_sigmask(SIG_SETMASK, nil, &before)
    try HelperThread.start(
      { argument in
        guard let argument else { return nil }
        let witness = Unmanaged<Witness>.fromOpaque(argument).takeRetainedValue()
        pthread_sigmask(SIG_SETMASK, nil, &witness.blocked)
        witness.done.signal()
        return nil
      }, Unmanaged.passRetained(witness).toOpaque())
    #expect(witness.done.wait(timeout: .now() + 10) == .success)
    for signal in [SIGTERM, SIGINT, SIGALRM, SIGUSR1, SIGCHLD] { #expect(sigismember(&witness.blocked, signal) == 1) }
    pthread_sigmask(SIG_SETMASK, nil, &after)
    #expect((1..<32).allSatisfy { sigismember(&before, $0) == sigismember(&after, $0) })
  }
}
