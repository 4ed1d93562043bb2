// What the tests of this module share: connections over socket pairs and loopback TCP, threads with a watchdog, and errors that can
// be compared.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

/// A test waited in vain.
enum TestFailure: Error {
  case hangs
  case endOfStream
  case noSocket(Int32)
}

/// Runs a body on a thread of its own. Whoever asks for its value waits for it, but not for ever.
final class Background<Value: Sendable>: @unchecked Sendable {
  private let finished = DispatchSemaphore(value: 0)
  private var outcome: Result<Value, any Error> = .failure(TestFailure.hangs)
  private(set) var thread = pthread_t()

  init(_ body: @escaping @Sendable () throws -> Value) {
    let started = DispatchSemaphore(value: 0)
    let thread = Thread { [self] in
      self.thread = pthread_self()
      started.signal()
      outcome = Result { try body() }
      finished.signal()
    }
    thread.start()
    started.wait()
  }

  /// What the body returned or threw; `TestFailure.hangs` when it does neither in time.
  func value(within seconds: Double = 20) throws -> Value {
    guard finished.wait(timeout: .now() + seconds) == .success else { throw TestFailure.hangs }
    finished.signal()
    return try outcome.get()
  }

  /// True once the body has ended, looked at after a moment.
  func isDone(after milliseconds: Int = 0) -> Bool {
    guard finished.wait(timeout: .now() + .milliseconds(milliseconds)) == .success else { return false }
    finished.signal()
    return true
  }
}

/// A value behind a lock that the thread sanitizer knows; it does not know `Mutex`.
final class Guarded<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private var value: Value

  init(_ value: Value) { self.value = value }

  func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}

/// Calls the body on many threads at once and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
  let threads = (0..<count).map { index in Background { try body(index) } }
  for thread in threads { try thread.value() }
}

/// The error of a call that fails; nil when it does not.
func fault<Value>(_ body: @autoclosure () throws -> Value) -> WSError? {
  do {
    _ = try body()
    return nil
  } catch {
    guard let error = error as? WSError else {
      Issue.record(error)
      return nil
    }
    return error
  }
}

extension WSError: Equatable {
  /// By case and by what it carries.
  public static func == (first: WSError, second: WSError) -> Bool { first.parts == second.parts }

  /// The case's name and what it carries, as text.
  private var parts: String {
    let mirror = Mirror(reflecting: self)
    guard let child = mirror.children.first else {
      var name = ""
      dump(self, to: &name)
      return name
    }
    return "\(child.label ?? ""): \(child.value)"
  }
}

func sleep(milliseconds: UInt32) { usleep(milliseconds * 1000) }

/// Milliseconds that a call takes.
func milliseconds(_ body: () throws -> Void) rethrows -> Int64 {
  let start = Deadline.now.nanoseconds
  try body()
  return (Deadline.now.nanoseconds - start) / 1_000_000
}

/// The best of some rounds: the machine may be busy, and one good round proves the point.
func quickest(of rounds: Int = 5, _ body: () throws -> Int64) rethrows -> Int64 {
  var best = Int64.max
  for _ in 0..<rounds where best > 25 { best = min(best, try body()) }
  return best
}

/// Milliseconds of processor time that this thread has used.
func processorTime() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

/// A deadline that has passed: look once, do not wait.
let past = Deadline(nanoseconds: 1)

/// Lends the bytes of a text or an array.
func lending<Value>(_ bytes: [UInt8], _ body: (ByteView) throws -> Value) rethrows -> Value {
  try bytes.withUnsafeBytes { try body($0) }
}

extension ByteView {
  var array: [UInt8] { Array(self) }
  var string: String { String(decoding: self, as: UTF8.self) }
}

// MARK: - Connections

func socketPair() throws -> (Int32, Int32) {
  var pair: [Int32] = [-1, -1]
  guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0 else { throw TestFailure.noSocket(errno) }
  return (pair[0], pair[1])
}

/// Two ends of a TCP connection over loopback.
func tcpPair() throws -> (Int32, Int32) {
  let (listener, port) = try Listening.listen(host: nil, port: 0)
  defer { close(listener) }
  let near = try connectTCP(port)
  return (near, try Listening.accept(listener).descriptor)
}

func connectTCP(_ port: UInt16) throws -> Int32 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  let connected = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  guard connected == 0 else { throw TestFailure.noSocket(errno) }
  return descriptor
}

func makeConn(
  _ role: Role, over descriptor: Int32, limit: UInt64 = Conn.defaultReadLimit, alreadyRead: [UInt8] = [],
  subprotocol: [UInt8] = [], deflate: DeflateAgreement? = nil
) throws -> Conn {
  let socket = try Socket(adopting: descriptor)
  return try lending(alreadyRead) { alreadyRead in
    try lending(subprotocol) { subprotocol in
      let agreement = Agreement(subprotocol: subprotocol, deflate: deflate)
      return try Conn(transport: socket, role: role, readLimit: limit, agreement: agreement, alreadyRead: alreadyRead)
    }
  }
}

/// A connection and the raw bytes of its peer.
func makeConn(_ role: Role, limit: UInt64 = Conn.defaultReadLimit) throws -> (Conn, RawPeer) {
  let (ours, theirs) = try socketPair()
  return (try makeConn(role, over: ours, limit: limit), RawPeer(theirs, masks: role == .server))
}

/// A connection whose output is full, and how many bytes the peer must read before ours come.
func makeBlockedConn(_ role: Role) throws -> (conn: Conn, peer: RawPeer, filling: Int) {
  let (ours, theirs) = try socketPair()
  var small: Int32 = 4096
  setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &small, 4)
  let block = [UInt8](repeating: 0x77, count: 1024)
  var filling = 0
  while true {
    let sent = send(ours, block, block.count, Int32(MSG_DONTWAIT))
    guard sent > 0 else { break }
    filling += sent
  }
  return (try makeConn(role, over: ours), RawPeer(theirs, masks: role == .server), filling)
}

/// A client and a server of ours, over a socket pair or TCP.
func makeConns(tcp: Bool = false) throws -> (client: Conn, server: Conn) {
  let (near, far) = try tcp ? tcpPair() : socketPair()
  return (try makeConn(.client, over: near), try makeConn(.server, over: far))
}

extension Conn {
  func send(_ text: String) throws(WSError) { try send(Array(text.utf8), .text) }

  func send(_ bytes: [UInt8], _ kind: MessageKind = .binary) throws(WSError) {
    try typed { try lending(bytes) { try write(kind, $0) } }
  }

  func control(_ opcode: ControlOpcode, _ payload: [UInt8] = [], deadline: Deadline? = nil) throws(WSError) {
    try typed { try lending(payload) { try writeControl(opcode, $0, deadline: deadline) } }
  }

  func close(_ code: UInt16, _ reason: String = "", within milliseconds: Int64? = nil) throws(WSError) {
    let deadline = milliseconds.map { Deadline.after(milliseconds: $0) }
    try typed { try lending(Array(reason.utf8)) { try close(CloseCode(rawValue: code), reason: $0, deadline: deadline) } }
  }

  func begin(_ code: UInt16, _ reason: String = "") throws(WSError) {
    try typed { try lending(Array(reason.utf8)) { try beginClose(CloseCode(rawValue: code), reason: $0) } }
  }

  private func typed(_ body: () throws -> Void) throws(WSError) {
    do { try body() } catch { throw error as? WSError ?? .invalid }
  }

  /// The next message as an array, nil at the ordinary end.
  func message() throws(WSError) -> [UInt8]? { try read()?.bytes.array }

  /// The next message as text.
  func text() throws(WSError) -> String? { try read()?.bytes.string }

  /// The error of a read; nil when there was none.
  func failureOfRead() -> WSError? { fault(try message()) }

  /// The error of a message sent; nil when there was none.
  func failureOfSend(_ text: String) -> WSError? { fault(try send(text)) }

  /// The error of a close; nil when there was none.
  func failureOfClose(_ code: UInt16, _ reason: String) -> WSError? { fault(try close(code, reason)) }
}

/// True when the other end of this pipe is closed. Its number says nothing: another test may have it by now.
func hasLostItsOtherEnd(_ pipe: Int32) -> Bool {
  var state = pollfd(fd: pipe, events: 0, revents: 0)
  return poll(&state, 1, 1000) == 1 && Int32(state.revents) & (POLLERR | POLLHUP) != 0
}
