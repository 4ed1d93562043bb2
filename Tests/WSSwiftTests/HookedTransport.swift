// A transport that a test can hold up at a certain point.
import WSProtocol
import WSTransport

@testable import WSSwift

/// A socket whose output may have an end, and that tells before it is dropped.
final class HookedTransport: Transport, @unchecked Sendable {
  private let socket: Socket
  /// How many bytes are taken before the output is full.
  let room = Guarded(Int.max)
  /// Runs in front of the first abort.
  let beforeAbort = Guarded<(() -> Void)?>(nil)

  init(_ socket: Socket) { self.socket = socket }

  func tryReceive(into room: UnsafeMutableRawBufferPointer) throws(TransportError) -> Int? {
    try socket.tryReceive(into: room)
  }

  func trySend(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) throws(TransportError) -> Int {
    let room = room.withLock { $0 }
    guard room < first.count else { return try socket.trySend(first, second) }
    let sent = room > 0 ? try socket.trySend(UnsafeRawBufferPointer(rebasing: first[..<room]), .empty) : 0
    self.room.withLock { $0 -= sent }
    return sent
  }

  func wait(
    for wanted: Readiness, deadline: Deadline, interruptible: Bool, wakeup: (any Waker)?
  ) throws(TransportError) -> Readiness {
    let isFull = room.withLock { $0 == 0 }
    let wanted = isFull ? wanted.subtracting(.write) : wanted
    return try socket.wait(for: wanted, deadline: deadline, interruptible: interruptible, wakeup: wakeup)
  }

  func pollNeeds(for wanted: Readiness) -> Readiness? { wanted }

  func finishSending() { socket.finishSending() }

  func abort() {
    let hook = beforeAbort.withLock { hook in
      defer { hook = nil }
      return hook
    }
    hook?()
    socket.abort()
  }

  var isAborted: Bool { socket.isAborted }

  var pollDescriptor: Int32 { socket.pollDescriptor }

  func address(of end: End) -> SocketAddress { socket.address(of: end) }
}

/// A connection over such a transport, and the raw bytes of its peer.
func makeHookedConn(_ role: Role) throws -> (Conn, RawPeer, HookedTransport) {
  let (ours, theirs) = try socketPair()
  let transport = HookedTransport(try Socket(adopting: ours))
  let conn = try Conn(
    transport: transport, role: role, readLimit: Conn.defaultReadLimit, agreement: Agreement(subprotocol: .empty, deflate: nil),
    alreadyRead: .empty)
  return (conn, RawPeer(theirs, masks: role == .server), transport)
}
