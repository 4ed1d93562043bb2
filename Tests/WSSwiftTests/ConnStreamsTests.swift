// Messages as one stream of bytes, and messages that nobody wants.
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

extension Conn {
  /// The next bytes of all messages, at most `room`; nil at the end.
  func joined(_ terminator: String = "", room: Int = 4096) throws -> String? {
    let space = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
    defer { space.deallocate() }
    let count = try lending(Array(terminator.utf8)) { try readJoined(into: space, terminator: $0) }
    return count.map { ByteView(space).cut(0, $0).string }
  }
}

@Suite struct JoinedMessagesTests {
  private func makeStream() throws -> (Conn, RawPeer) {
    let (conn, peer) = try makeConn(.server)
    try peer.send(text: "one")
    try peer.send(2, [])
    try peer.send(1, Array("tw".utf8), isFinal: false)
    try peer.send(9, [1])
    try peer.send(0, Array("o".utf8))
    return (conn, peer)
  }

  @Test(arguments: [("", "onetwo"), ("\n", "one\n\ntwo\n"), ("--", "one----two--")])
  func joinsWhateverTheRoom(terminator: String, whole: String) throws {
    for room in 1...12 {
      let (conn, peer) = try makeStream()
      try peer.send(close: 1001)
      var all = ""
      while let some = try conn.joined(terminator, room: room) {
        #expect(!some.isEmpty && some.utf8.count <= room)
        all += some
      }
      #expect(all == whole)
      #expect(try conn.joined(terminator) == nil)
    }
  }

  @Test func takesAllThatIsThereAndWaitsForOneByteOnly() throws {
    let (conn, peer) = try makeStream()
    conn.setReadTimeout(milliseconds: 30)
    #expect(try conn.joined("\n", room: 1) == "o")
    #expect(try conn.joined("\n") == "ne\n\ntwo\n")
    #expect(fault(try conn.joined("\n")) == .timeout)
    try peer.send(text: "three")
    #expect(try conn.joined("\n") == "three\n")
  }

  @Test func noRoomTakesNothing() throws {
    let (conn, _) = try makeStream()
    #expect(try conn.readJoined(into: UnsafeMutableRawBufferPointer(start: nil, count: 0)) == 0)
    #expect(try conn.joined("!", room: 3) == "one")
    #expect(try conn.readJoined(into: UnsafeMutableRawBufferPointer(start: nil, count: 0)) == 0)
    #expect(try conn.joined("!") == "!!two!")
  }

  @Test func otherReadsPassOverTheRest() throws {
    let (conn, _) = try makeStream()
    #expect(try conn.joined("\n", room: 1) == "o")
    #expect(try conn.message() == [])
    #expect(try conn.joined("\n", room: 2) == "tw")
    #expect(try conn.joined("\n", room: 1) == "o")
  }

  @Test func theEndInsideAMessageIsAnError() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(1, [0x61], isFinal: false)
    try peer.send(close: 1000)
    #expect(try conn.joined() == "a")
    for _ in 0..<2 { #expect(fault(try conn.joined()) == .closed(.normal)) }
    #expect(try conn.message() == nil)
  }
}

@Suite struct DiscardTests {
  @Test func dropsEverythingAndAnswersPings() throws {
    let (conn, peer) = try makeConn(.client, limit: 0)
    let large = [UInt8](repeating: 1, count: 5 << 20)
    let writer = Background {
      try peer.send(2, large)
      try peer.send(9, [3])
      try peer.send(text: "no")
      try peer.send(2, large, isFinal: false)
      try peer.send(0, large)
      try peer.send(close: 1000)
      return try peer.frame().payload
    }
    try conn.discardMessages()
    #expect(try writer.value() == [3])
    #expect(conn.receiver.memoryHeld <= 131_072)
    #expect(try conn.message() == nil)
  }

  @Test func givesTheEndThatReadGives() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(text: "x")
    try peer.send(close: 3000)
    #expect(fault(try conn.discardMessages()) == .closed(CloseCode(rawValue: 3000)))
    let (lost, gone) = try makeConn(.server)
    try gone.send(1, [0x61], isFinal: false)
    gone.drop()
    #expect(fault(try lost.discardMessages()) == .lost(0))
    let (bad, violator) = try makeConn(.client)
    try violator.send([0x83, 0])
    #expect(fault(try bad.discardMessages()) == .violation(.unknownOpcode(3)))
  }

  @Test func obeysTimeoutsAndPollLoops() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(text: "x")
    conn.setReadTimeout(milliseconds: 20)
    #expect(fault(try conn.discardMessages()) == .timeout)
    conn.setNonblocking(true)
    try peer.send(text: "y")
    #expect(fault(try conn.discardMessages()) == .wouldBlock)
    try peer.send(1, [0x61], isFinal: false)
    #expect(fault(try conn.discardMessages()) == .wouldBlock)
    try peer.send(0, [0x62])
    try peer.send(text: "wanted")
    #expect(try conn.text() == "wanted")
  }
}
