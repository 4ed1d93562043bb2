// What errno values mean, and that errno itself can be kept.
import Foundation
import Testing

@testable import WSTransport

@Suite struct SystemCallsTests {
  @Test(arguments: [
    (EPIPE, TransportError.closed(EPIPE)), (ECONNRESET, .closed(ECONNRESET)), (EMFILE, .noDescriptors(EMFILE)),
    (ENFILE, .noDescriptors(ENFILE)),
    (ENOMEM, .outOfMemory), (ENOBUFS, .outOfMemory), (ETIMEDOUT, .system(ETIMEDOUT)), (EBADF, .system(EBADF)),
  ])
  func meanings(code: Int32, meaning: TransportError) {
    #expect(TransportError(errno: code) == meaning)
  }

  @Test func errnoIsKept() {
    errno = 4711
    let saved = SavedErrno()
    close(-1)
    let changed = errno
    saved.restore()
    let restored = errno
    #expect(changed == EBADF)
    #expect(restored == 4711)
  }

  @Test func eventsAreCloseOnExecAndSticky() throws {
    let event = try SystemCalls.makeEvent()
    defer { close(event) }
    #expect(isCloseOnExec(event))
    SystemCalls.raise(event)
    for _ in 0..<2 {
      #expect(try SystemCalls.wait(event, for: POLLIN, deadline: generous) & POLLIN != 0)
    }
  }

  @Test func waitingForNoDescriptorIsAnError() {
    let error = failure { () throws(TransportError) in try SystemCalls.wait(1 << 30, for: POLLIN, deadline: generous) }
    #expect(error == .system(EBADF))
  }

  @Test func sleepsUntilItsTime() throws {
    let start = Deadline.now
    try SystemCalls.sleep(until: .after(milliseconds: 10))
    #expect(since(start) >= 10_000_000)
    let cancellation = try Cancellation()
    cancellation.cancel()
    #expect(throws: TransportError.aborted) { try SystemCalls.sleep(until: .never, cancellation: cancellation) }
  }
}
