// A socket never blocks outside wait, and wait ends by readiness, deadline, abort, cancellation or, if asked, a signal.
import Foundation
import Synchronization
import Testing

@testable import WSTransport

@Suite struct SocketTests {
  @Test func carriesBothPiecesInOrder() throws {
    let (a, b) = try makePair()
    try a.sendAll("hello, world")
    #expect(try b.receive() == "hello, world")
  }

  @Test func reportsThatItWouldBlock() throws {
    let (a, b) = try makePair()
    var room = [UInt8](repeating: 0, count: 10)
    #expect(try room.withUnsafeMutableBytes { try a.tryReceive(into: $0) } == nil)
    try a.fill()
    #expect(
      failure { () throws(TransportError) in
        try a.wait(for: .write, deadline: .after(milliseconds: 20), interruptible: false)
      } == .timeout)
    _ = try b.receive(1 << 20)
    #expect(try a.wait(for: [.read, .write], deadline: generous, interruptible: false) == .write)
  }

  @Test func halfCloseLeavesTheOtherDirectionOpen() throws {
    let (a, b) = try makePair()
    try a.sendAll("last")
    a.finishSending()
    #expect(try b.receive() == "last")
    #expect(try b.receive() == "")
    try b.sendAll("answer")
    #expect(try a.receive() == "answer")
  }

  @Test func aPeerThatIsGoneIsClosedWithoutSIGPIPE() throws {
    let (a, b) = try makeDescriptorPair()
    let socket = try Socket(adopting: a)
    close(b)
    // The default action of SIGPIPE would end this process.
    signal(SIGPIPE, SIG_DFL)
    #expect(failure { () throws(TransportError) in try send("x", over: socket) } == .closed(EPIPE))
  }

  private func send(_ text: String, over socket: Socket) throws(TransportError) -> Int {
    try withBytes(text) { (bytes) throws(TransportError) in try socket.trySend(bytes, bytes) }
  }

  @Test func aDeadlineInThePastLooksOnce() throws {
    let (a, b) = try makePair()
    let past = Deadline(nanoseconds: 1)
    let start = Deadline.now
    #expect(failure { () throws(TransportError) in try a.wait(for: .read, deadline: past, interruptible: false) } == .timeout)
    #expect(since(start) < 1_000_000_000)
    try b.sendAll("x")
    #expect(try a.wait(for: .read, deadline: past, interruptible: false) == .read)
  }

  @Test func aTimeoutIsNeitherEarlyNorEndless() throws {
    let (a, b) = try makePair()
    let start = Deadline.now
    let error = failure { () throws(TransportError) in
      try a.wait(for: .read, deadline: .after(milliseconds: 30), interruptible: false)
    }
    #expect(error == .timeout)
    #expect(since(start) >= 30_000_000)
    withExtendedLifetime(b) {}
  }
}

@Suite struct SocketAbortTests {
  /// How long a wait on another thread goes on after an abort.
  private func abortLatency(_ socket: Socket, _ wanted: Readiness) throws -> Int64 {
    let worker = Worker {
      let error = failure { () throws(TransportError) in
        try socket.wait(for: wanted, deadline: generous, interruptible: false)
      }
      return (error, Deadline.now)
    }
    usleep(20_000)
    let start = Deadline.now
    socket.abort()
    let (error, end) = try worker.join()
    #expect(error == .aborted)
    return end.nanoseconds - start.nanoseconds
  }

  @Test func wakesAReader() throws {
    let milliseconds = try fastest {
      let (a, b) = try makePair()
      defer { withExtendedLifetime(b) {} }
      return try abortLatency(a, .read)
    }
    #expect(milliseconds < 50)
  }

  @Test func wakesAWriterOnTCP() throws {
    let milliseconds = try fastest {
      let (a, b) = try makeTCPPair(host: "127.0.0.1")
      defer { withExtendedLifetime(b) {} }
      try a.fill()
      return try abortLatency(a, .write)
    }
    #expect(milliseconds < 50)
  }

  @Test func isSticky() throws {
    let (a, b) = try makePair()
    try b.sendAll("unread")
    a.abort()
    a.abort()
    #expect(a.isAborted)
    var room = [UInt8](repeating: 0, count: 10)
    #expect(throws: TransportError.aborted) { try room.withUnsafeMutableBytes { try a.tryReceive(into: $0) } }
    #expect(throws: TransportError.aborted) { try a.sendAll("x") }
    #expect(throws: TransportError.aborted) { try a.wait(for: .read, deadline: generous, interruptible: false) }
    #expect(try b.receive() == "")
  }

  @Test func aCancellationEndsAWait() throws {
    let (a, b) = try makePair()
    let cancellation = try Cancellation()
    #expect(!cancellation.isCancelled)
    let worker = Worker {
      failure { () throws(TransportError) in
        try a.wait(for: .read, deadline: generous, interruptible: false, wakeup: cancellation)
      }
    }
    usleep(10_000)
    cancellation.cancel()
    #expect(try worker.join() == .aborted)
    // It is sticky, and the socket itself is still of use.
    #expect(throws: TransportError.aborted) {
      try a.wait(for: .read, deadline: generous, interruptible: false, wakeup: cancellation)
    }
    try b.sendAll("x")
    #expect(try a.receive() == "x")
  }
}

@Suite(.serialized) struct SocketSignalTests {
  /// A thread that waits, and is hit by signals until it is through.
  private func waitUnderFire(interruptible: Bool) throws -> (TransportError?, Int64) {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in }
    sigaction(SIGUSR1, &action, nil)
    let (a, b) = try makePair()
    let done = Flag()
    let worker = Worker {
      unblockSignals()
      let start = Deadline.now
      let error = failure { () throws(TransportError) in
        try a.wait(for: .read, deadline: .after(milliseconds: 200), interruptible: interruptible)
      }
      let time = since(start)
      done.raise()
      // The thread must be there as long as signals are sent to it.
      usleep(20_000)
      return (error, time)
    }
    while !done.isRaised {
      pthread_kill(worker.thread, SIGUSR1)
      usleep(2_000)
    }
    defer { withExtendedLifetime(b) {} }
    return try worker.join()
  }

  @Test func signalsDoNotEndAWait() throws {
    let (error, time) = try waitUnderFire(interruptible: false)
    #expect(error == .timeout)
    #expect(time >= 200_000_000)
  }

  @Test func signalsEndAnInterruptibleWait() throws {
    let (error, _) = try waitUnderFire(interruptible: true)
    #expect(error == .interrupted)
  }

  private final class Flag: Sendable {
    private let value = Atomic(false)
    var isRaised: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
  }
}

@Suite struct SocketOwnershipTests {
  private func adoptionFailure(_ descriptor: Int32) -> TransportError? {
    failure { () throws(TransportError) in try Socket(adopting: descriptor) }
  }

  @Test func refusesWhatIsNoDescriptor() {
    #expect(adoptionFailure(-1) == .system(EBADF))
  }

  @Test func closesWhatIsNoSocket() throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    #expect(adoptionFailure(ends[1]) == .system(ENOTSOCK))
    var byte: UInt8 = 0
    #expect(read(ends[0], &byte, 1) == 0, "the writing end is closed")
    close(ends[0])
  }

  @Test func closesWhatIsNoStream() throws {
    let (a, b) = try makeDescriptorPair(SOCK_DGRAM)
    #expect(adoptionFailure(a) == .system(EPROTOTYPE))
    #expect(Glibc.send(b, "x", 1, 0) == -1)
    close(b)
  }

  @Test func closesWithTheLastReference() throws {
    let (a, b) = try makeDescriptorPair()
    var socket: Socket? = try Socket(adopting: a)
    #expect(fcntl(a, F_GETFL) & O_NONBLOCK != 0)
    let peer = try Socket(adopting: b)
    #expect(socket?.isAborted == false)
    socket = nil
    #expect(try peer.receive() == "")
  }

  /// More is on its way than the client's side has room for, so a reset would take the rest along.
  @Test func unreadBytesDoNotResetTheLastOnes() throws {
    // No other reference to the server's socket: it must be freed before the client reads.
    var (server, client): (Socket?, Socket) = try makeTCPPair(host: "127.0.0.1")
    try client.sendAll(String(repeating: "unread", count: 1000))
    _ = try server?.wait(for: .read, deadline: generous, interruptible: false)
    let sent = try #require(try server?.fill())
    server = nil
    usleep(20_000)
    var received = 0
    while case let text = try client.receive(65536), text != "" { received += text.utf8.count }
    #expect(received == sent)
  }
}
