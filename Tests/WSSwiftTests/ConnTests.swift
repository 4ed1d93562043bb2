// A connection as a whole: its ends, its death, and what it leaves behind.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ConnTests {
  @Test func knowsItsAddresses() throws {
    let (client, server) = try makeConns(tcp: true)
    #expect(client.address(of: .local).port == server.address(of: .remote).port)
    #expect(client.address(of: .remote).port == server.address(of: .local).port)
    #expect(client.address(of: .local).isLoopback)
    #expect(client.role == .client && server.role == .server)
  }

  @Test func keepsItsSubprotocol() throws {
    let (ours, theirs) = try socketPair()
    let conn = try makeConn(.server, over: ours, subprotocol: Array("chat.v2".utf8))
    #expect(conn.subprotocol.string == "chat.v2")
    close(theirs)
    #expect(try makeConn(.client).0.subprotocol.isEmpty)
  }

  @Test func withoutMemoryThereIsNone() throws {
    let before = openDescriptors()
    for number in 1...2 {
      let (ours, theirs) = try socketPair()
      Memory.failAllocation(number)
      #expect(fault(try makeConn(.server, over: ours, alreadyRead: [1], subprotocol: [0x61])) == .outOfMemory)
      Memory.failAllocation(0)
      close(theirs)
    }
    #expect(openDescriptors() <= before + 20)
  }

  @Test func abortEndsABlockedReaderAtOnce() throws {
    let latency = try quickest {
      let (conn, peer) = try makeConn(.client)
      let reader = Background { (conn.failureOfRead(), Deadline.now.nanoseconds) }
      #expect(!reader.isDone(after: 20))
      let start = Deadline.now.nanoseconds
      conn.abort()
      let (error, end) = try reader.value()
      #expect(error == .aborted)
      #expect(try peer.isAtEnd())
      return (end - start) / 1_000_000
    }
    #expect(latency < 50)
  }

  @Test func abortIsFinal() throws {
    let (conn, peer) = try makeConn(.server)
    try peer.send(text: "unread")
    conn.abort()
    conn.abort()
    #expect(conn.failureOfRead() == .aborted)
    #expect(fault(try conn.send("x")) == .aborted)
    #expect(fault(try conn.control(.ping)) == .aborted)
    #expect(fault(try conn.begin(1000)) == .aborted)
    #expect(fault(try conn.close(1000)) == .aborted)
    #expect(conn.failureOfRead() == .aborted)
  }

  @Test func abortFromAHandlerEndsTheRead() throws {
    let (conn, peer) = try makeConn(.client)
    conn.setPingHandler { [unowned conn] _ in
      conn.abort()
      return true
    }
    try peer.send(9)
    try peer.send(text: "behind")
    #expect(conn.failureOfRead() == .aborted)
    #expect(try peer.isAtEnd())
  }

  /// However far a connection came, its last reference closes the descriptor.
  @Test(arguments: Stage.allCases) func theLastReferenceClosesTheStream(stage: Stage) throws {
    let (ours, theirs) = try socketPair()
    let peer = RawPeer(theirs, masks: true)
    do {
      let conn = try makeConn(.server, over: ours)
      try stage.reach(conn, peer)
    }
    _ = try peer.rest()
  }

  enum Stage: CaseIterable {
    case fresh, read, kept, insideFrame, insideMessage, failed, closeSent, closed, aborted

    func reach(_ conn: Conn, _ peer: RawPeer) throws {
      switch self {
      case .fresh: break
      case .read:
        try peer.send(text: "x")
        _ = try conn.read()
      case .kept:
        try peer.send(text: "x")
        #expect(fault(try conn.read(into: .init(start: nil, count: 0))) == .noRoom(needed: 1))
      case .insideFrame: try interrupt([0x82], conn, peer)
      case .insideMessage: try interrupt(peer.frame(2, [1], isFinal: false).bytes, conn, peer)
      case .failed:
        try peer.send([0x83, 0x80])
        _ = conn.failureOfRead()
      case .closeSent: try conn.begin(1000)
      case .closed:
        try peer.send(close: 1000)
        peer.finishSending()
        try conn.close()
      case .aborted: conn.abort()
      }
    }

    private func interrupt(_ bytes: [UInt8], _ conn: Conn, _ peer: RawPeer) throws {
      try peer.send(bytes)
      conn.setReadTimeout(milliseconds: 10)
      #expect(conn.failureOfRead() == .timeout)
    }
  }

  @Test func freeingDoesNotResetTheLastBytesAway() throws {
    let (near, far) = try tcpPair()
    let peer = RawPeer(far, masks: false)
    do {
      let conn = try makeConn(.client, over: near)
      try peer.send(text: "never read")
      sleep(milliseconds: 10)
      try conn.send("last words")
    }
    #expect(try peer.frame().text == "last words")
    #expect(try peer.isAtEnd())
  }

  @Test func connectionsLeaveNoDescriptorBehind() throws {
    let before = openDescriptors()
    for round in 0..<500 {
      let (client, server) = try makeConns()
      try client.send("hello")
      #expect(try server.text() == "hello")
      switch round % 3 {
      case 0: client.abort()
      case 1: try server.begin(1000)
      default: break
      }
    }
    // Other tests run meanwhile; a leak would leave a thousand.
    #expect(openDescriptors() < before + 200)
  }
}

/// How many descriptors the process has open.
func openDescriptors() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }

@Suite struct ConnForkTests {
  /// Calls in a forked child, with the number of the first one that went wrong as exit status.
  private func inChild(_ checks: [() -> Bool]) -> Int32 {
    let child = fork()
    if child == 0 {
      alarm(10)
      for (index, check) in checks.enumerated() where !check() { _exit(Int32(index) + 1) }
      _exit(0)
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    return status & 0x7F == 0 ? status >> 8 & 0xFF : -1
  }

  /// Memory of the address sanitizer may be locked for ever in a child of a process with threads.
  private static let isAddressSanitized = dlsym(nil, "__asan_init") != nil

  @Test(.enabled(if: !isAddressSanitized)) func aChildIsToldAndTheParentGoesOn() throws {
    let (ours, theirs) = try socketPair()
    let peer = RawPeer(theirs, masks: true)
    nonisolated(unsafe) var conn: Conn? = try makeConn(.server, over: ours)
    try peer.send(text: "for the parent")
    let status = inChild([
      { conn?.failureOfRead() == .forked },
      { conn?.failureOfSend("x") == .forked },
      { conn?.failureOfClose(1000, "") == .forked },
      {
        conn?.abort()
        conn = nil
        return true
      },
    ])
    #expect(status == 0)
    #expect(try conn?.text() == "for the parent")
    try conn?.send("still here")
    #expect(try peer.frame().text == "still here")
  }
}
