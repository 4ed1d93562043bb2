// A forked child is told apart, repeats no random number and leaves its parent's sockets alone.
import Foundation
import Testing

@testable import WSTransport

@Suite struct ForkGuardTests {
  @Test func aChildHasAnotherGeneration() {
    let mine = ForkGuard.generation
    #expect(inChild { ForkGuard.generation == mine ? 1 : 0 } == 0)
    #expect(ForkGuard.generation == mine)
  }

  @Test func aGrandchildHasItsOwn() {
    let mine = ForkGuard.generation
    let status = inChild {
      let child = ForkGuard.generation
      return inChild { ForkGuard.generation != child && ForkGuard.generation != mine ? 0 : 1 }
    }
    #expect(status == 0)
  }

  @Test func freeingAndAbortingInAChildLeavesTheParentsSocketAlone() throws {
    let (a, b) = try makeDescriptorPair()
    var socket: Socket? = try Socket(adopting: a)
    let peer = try Socket(adopting: b)
    try peer.sendAll("for the parent")
    let status = inChild {
      guard let inherited = socket, !inherited.belongsToThisProcess else { return 1 }
      inherited.finishSending()
      inherited.abort()
      socket = nil
      return 0
    }
    #expect(status == 0)
    #expect(try socket?.receive() == "for the parent")
    try socket?.sendAll("still open")
    #expect(try peer.receive() == "still open")
  }

  @Test func cancellingInAChildLeavesTheParentAlone() throws {
    let cancellation = try Cancellation()
    #expect(isCloseOnExec(cancellation.descriptor))
    let status = inChild {
      cancellation.cancel()
      return cancellation.isCancelled ? 0 : 1
    }
    #expect(status == 0)
    #expect(!cancellation.isCancelled)
    try SystemCalls.sleep(until: .after(milliseconds: 1), cancellation: cancellation)
  }
}
