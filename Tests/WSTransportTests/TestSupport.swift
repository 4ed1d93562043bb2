// Threads, sockets and forked children for the tests of this module.
import Foundation
import Testing

@testable import WSTransport

/// Runs a body on a thread of its own, to be joined once.
final class Worker<Value: Sendable>: @unchecked Sendable {
  private let started = DispatchSemaphore(value: 0)
  private let finished = DispatchSemaphore(value: 0)
  private var value: Value?
  private(set) var thread = pthread_t()

  init(_ body: @escaping @Sendable () -> Value) {
    let thread = Thread { [self] in
      self.thread = pthread_self()
      started.signal()
      value = body()
      finished.signal()
    }
    thread.start()
    started.wait()
  }

  func join() throws -> Value {
    finished.wait()
    return try #require(value)
  }
}

/// Lets signals reach the calling thread: the threads of tests inherit a mask that blocks them.
func unblockSignals() {
  var none = sigset_t()
  sigemptyset(&none)
  pthread_sigmask(SIG_SETMASK, &none, nil)
}

/// Whether the calling thread blocks a signal.
func isBlocked(_ signal: Int32) -> Bool {
  var mask = sigset_t()
  pthread_sigmask(SIG_SETMASK, nil, &mask)
  return sigismember(&mask, signal) == 1
}

/// The error that a body throws, or nil.
func failure<Value>(of body: () throws(TransportError) -> Value) -> TransportError? {
  do {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

/// Milliseconds that the quickest of some rounds took: the machine may be busy, and one good round proves the point.
func fastest(of rounds: Int = 5, _ body: () throws -> Int64) rethrows -> Int64 {
  var best = Int64.max
  for _ in 0..<rounds { best = min(best, try body()) }
  return best / 1_000_000
}

/// Nanoseconds between the cancelling of a call that waits and its end, which must tell of it.
func timeToCancel<Value: ~Copyable>(
  _ body: @escaping @Sendable (Cancellation) throws(TransportError) -> Value
) throws -> Int64 {
  let cancellation = try Cancellation()
  let worker = Worker {
    let error = failure { () throws(TransportError) in _ = try body(cancellation) }
    return (error, Deadline.now)
  }
  usleep(20_000)
  let start = Deadline.now
  cancellation.cancel()
  let (error, end) = try worker.join()
  #expect(error == .aborted)
  return end.nanoseconds - start.nanoseconds
}

/// Nanoseconds since a moment.
func since(_ start: Deadline) -> Int64 { Deadline.now.nanoseconds - start.nanoseconds }

/// A deadline that a test on a busy machine should never meet.
var generous: Deadline { .after(milliseconds: 10_000) }

/// Two connected Unix sockets.
func makePair() throws -> (Socket, Socket) {
  let (first, second) = try makeDescriptorPair()
  return (try Socket(adopting: first), try Socket(adopting: second))
}

func makeDescriptorPair(_ type: __socket_type = SOCK_STREAM) throws -> (Int32, Int32) {
  var pair: [Int32] = [-1, -1]
  try #require(socketpair(AF_UNIX, Int32(type.rawValue), 0, &pair) == 0)
  return (pair[0], pair[1])
}

extension Transport {
  /// Sends all of a text in two pieces, waiting as needed.
  func sendAll(_ text: String, deadline: Deadline = generous) throws {
    var bytes = Array(text.utf8)
    while !bytes.isEmpty {
      let sent = try bytes.withUnsafeBytes { all in
        let half = all.count / 2
        return try trySend(.init(rebasing: all[..<half]), .init(rebasing: all[half...]))
      }
      bytes.removeFirst(sent)
      if sent == 0 { _ = try wait(for: .write, deadline: deadline, interruptible: false) }
    }
  }

  /// What arrives next, "" at the end of the stream; waits as needed.
  func receive(_ count: Int = 100, deadline: Deadline = generous) throws -> String {
    var bytes = [UInt8](repeating: 0, count: count)
    while true {
      if let got = try bytes.withUnsafeMutableBytes({ try tryReceive(into: $0) }) {
        return String(decoding: bytes[..<got], as: UTF8.self)
      }
      _ = try wait(for: .read, deadline: deadline, interruptible: false)
    }
  }

  /// Sends until nothing more fits; returns how much did.
  @discardableResult
  func fill() throws -> Int {
    let block = [UInt8](repeating: 7, count: 65536)
    var total = 0
    while true {
      let sent = try block.withUnsafeBytes { try trySend($0, .init(start: nil, count: 0)) }
      if sent == 0 { return total }
      total += sent
    }
  }
}

/// Calls with the bytes of a text.
func withBytes<Value>(
  _ text: String, _ body: (UnsafeRawBufferPointer) throws(TransportError) -> Value
) throws(TransportError) -> Value {
  let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
  defer { bytes.deallocate() }
  bytes.copyBytes(from: text.utf8)
  return try body(UnsafeRawBufferPointer(bytes))
}

/// The host text of an address.
func host(of address: SocketAddress) -> String {
  var room = [UInt8](repeating: 0, count: 112)
  let count = room.withUnsafeMutableBytes { address.writeHost(into: $0) }
  return String(decoding: room[..<count], as: UTF8.self)
}

func isCloseOnExec(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0 }

/// Runs a body in a forked child and returns its exit status; -1 when it did not exit by itself.
func inChild(_ body: () -> Int32) -> Int32 {
  let child = fork()
  if child == 0 { _exit(body()) }
  var status: Int32 = 0
  while waitpid(child, &status, 0) < 0 && errno == EINTR {}
  return status & 0x7f == 0 ? (status >> 8) & 0xff : -1
}
