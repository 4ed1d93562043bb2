// Messages in parts: what a reader gets, until when it is one, and what becomes of the rest of its message.
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

extension MessageReader {
  /// Everything to the end of the message, in pieces of that size.
  func all(piece: Int = 10) throws -> [UInt8] {
    let space = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 1)
    defer { space.deallocate() }
    var all: [UInt8] = []
    while let count = try read(into: space) { all += ByteView(space).cut(0, count) }
    return all
  }

  func part() throws -> [UInt8]? { try next()?.array }
}

private func hundred(_ from: Int = 0) -> [UInt8] { (from..<from + 100).map { UInt8(truncatingIfNeeded: $0) } }

@Suite struct MessageReaderTests {
  @Test(arguments: [Role.client, .server]) func readsInPieces(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    try peer.send(2, hundred(), isFinal: false)
    try peer.send(9, [7])
    try peer.send(0, hundred(100))
    try peer.send(text: "")
    try peer.send(close: 1000)
    let reader = try #require(try conn.nextReader())
    #expect(reader.kind == .binary)
    #expect(try reader.all(piece: 7) == hundred() + hundred(100))
    #expect(try reader.part() == nil)
    let empty = try #require(try conn.nextReader())
    #expect(empty.kind == .text)
    #expect(try empty.part() == nil)
    #expect(try conn.nextReader() == nil)
    #expect(try conn.nextReader() == nil)
    let pong = try peer.frame()
    #expect(pong.opcode == 10 && pong.payload == [7])
  }

  @Test func lendsWhatHasArrived() throws {
    let (conn, peer) = try makeConn(.server)
    let frame = peer.frame(1, Array("abcdef".utf8)).bytes
    try peer.send(Array(frame.dropLast(3)))
    let reader = try #require(try conn.nextReader())
    #expect(try reader.part() == Array("abc".utf8))
    conn.setReadTimeout(milliseconds: 20)
    #expect(fault(try reader.part()) == .timeout)
    try peer.send(Array(frame.suffix(3)))
    let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 2, alignment: 1)
    defer { space.deallocate() }
    #expect(try reader.read(into: space) == 2)
    #expect(ByteView(space).string == "de")
    #expect(try reader.part() == [0x66])
    #expect(try reader.part() == nil)
  }

  /// gorilla-behaviour A.3: skipping answers pings, and does not count against the next message's limit.
  @Test func anAbandonedMessageIsPassedOver() throws {
    let (conn, peer) = try makeConn(.client, limit: 10)
    for _ in 0..<2 {
      try peer.send(2, [1, 2, 3, 4], isFinal: false)
      try peer.send(9, [9])
      try peer.send(0, [5, 6, 7, 8])
      try peer.send(2, hundred().dropLast(92))
    }
    let first = try #require(try conn.nextReader())
    #expect(try first.part() == [1, 2, 3, 4])
    #expect(try conn.message() == Array(hundred().prefix(8)))
    #expect(fault(try first.part()) == .state)
    let third = try #require(try conn.nextReader())
    let fourth = try #require(try conn.nextReader())
    #expect(fault(try third.part()) == .state)
    #expect(try fourth.all() == Array(hundred().prefix(8)))
    for _ in 0..<2 { #expect(try peer.frame().payload == [9]) }
  }

  @Test func nothingIsKeptOfAnAbandonedMessage() throws {
    let (conn, peer) = try makeConn(.client, limit: 0)
    let sent = [UInt8](repeating: 1, count: 3 << 20)
    let writer = Background {
      try peer.send(2, sent, isFinal: false)
      try peer.send(0, sent)
      try peer.send(text: "next")
    }
    _ = try #require(try conn.nextReader())
    conn.setReadTimeout(milliseconds: 1)
    while true {
      let error = fault(try #require(try conn.message()) == Array("next".utf8))
      #expect(conn.receiver.memoryHeld <= 131_072)
      guard error == .timeout else { break }
    }
    try writer.value()
  }

  @Test func aMessageThatHadBegunOtherwiseIsReadFromTheBeginning() throws {
    let (conn, peer) = try makeConn(.client)
    conn.setReadDeadline(past)
    try peer.send(1, [0x61], isFinal: false)
    #expect(fault(try conn.message()) == .timeout)
    try peer.send(0, [0x62])
    let begun = try #require(try conn.nextReader())
    #expect(begun.kind == .text)
    #expect(try begun.all(piece: 1) == [0x61, 0x62])
    try peer.send(text: "kept")
    #expect(fault(try conn.read(into: UnsafeMutableRawBufferPointer(start: nil, count: 0))) == .noRoom(needed: 4))
    let kept = try #require(try conn.nextReader())
    #expect(try kept.all(piece: 3) == Array("kept".utf8))
    #expect(fault(try conn.nextReader()) == .timeout)
  }

  /// gorilla TestCloseFrameBeforeFinalMessageFrame: an ordinary close is no end of a message.
  @Test(arguments: [1000, 1001, 1005, 3000]) func aCloseInTheMiddleOfAMessageIsNoEnd(code: Int) throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(2, hundred(), isFinal: false)
    try peer.send(close: code)
    let reader = try #require(try conn.nextReader())
    #expect(try reader.part() == hundred())
    for _ in 0..<3 { #expect(fault(try reader.part()) == .closed(CloseCode(rawValue: UInt16(code)))) }
    if code == 3000 {
      #expect(fault(try conn.nextReader()) == .closed(CloseCode(rawValue: 3000)))
    } else {
      #expect(try conn.nextReader() == nil)
    }
  }

  /// gorilla TestEOFWithinFrame, TestEOFBeforeFinalFrame.
  @Test func aLostConnectionIsNoEnd() throws {
    let frame = Frame(opcode: 2, payload: [UInt8](repeating: 3, count: 64), isFinal: false).bytes
    for count in 2...frame.count {
      let (conn, peer) = try makeConn(.client)
      try peer.send(Array(frame.prefix(count)))
      peer.drop()
      let reader = try #require(try conn.nextReader())
      #expect(fault(try reader.all()) == .lost(0))
      #expect(fault(try reader.part()) == .lost(0))
      #expect(fault(try conn.nextReader()) == .lost(0))
    }
  }

  @Test func violationsInsideAMessageEndIt() throws {
    let (conn, peer) = try makeConn(.client, limit: 5)
    try peer.send(1, [0x61, 0x62, 0x63, 0x64], isFinal: false)
    try peer.send(0, [0x65, 0x66])
    let reader = try #require(try conn.nextReader())
    #expect(fault(try reader.all()) == .violation(.messageTooBig(limit: 5)))
    #expect(fault(try conn.message()) == .violation(.messageTooBig(limit: 5)))
    #expect(try peer.frame().closeCode == 1009)
  }

  @Test func whatAReaderLooksAtStaysWhileAnotherThreadCloses() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(2, hundred(), isFinal: false)
    let reader = try #require(try conn.nextReader())
    let view = try #require(try reader.next())
    let closer = Background { try conn.close(1000, within: 3000) }
    #expect(try peer.frame().closeCode == 1000)
    sleep(milliseconds: 600)
    for _ in 0..<300 { try peer.send(0, [UInt8](repeating: 0xEE, count: 125), isFinal: false) }
    try peer.send(close: 1000)
    peer.finishSending()
    try closer.value()
    #expect(view.array == hundred())
    #expect(fault(try reader.part()) == .closed(.normal))
  }

  @Test func nobodyReadsBesideAReader() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(2, [1], isFinal: false)
    let reader = try #require(try conn.nextReader())
    #expect(try reader.part() == [1])
    let waiting = Background { try reader.part() }
    #expect(!waiting.isDone(after: 50))
    #expect(fault(try reader.part()) == .state)
    #expect(fault(try conn.message()) == .state)
    try peer.send(0, [2])
    #expect(try waiting.value() == [2])
    #expect(try reader.part() == nil)
  }

  @Test func worksInsideAPollLoop() throws {
    let (conn, peer) = try makeConn(.client)
    conn.setNonblocking(true)
    #expect(fault(try conn.nextReader()) == .wouldBlock)
    try peer.send(2, [1], isFinal: false)
    let reader = try #require(try conn.nextReader())
    #expect(try reader.part() == [1])
    #expect(fault(try reader.part()) == .wouldBlock)
    try peer.send(0, [2])
    #expect(try reader.all() == [2])
  }
}

@Suite struct ConnIdleTests {
  /// architecture.md 11: an idle connection holds no buffer.
  @Test(arguments: [Role.client, .server]) func anIdleConnectionHoldsNoBuffer(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    conn.setReadTimeout(milliseconds: 10)
    for size in [20, 5000, 200_000] {
      for isFinal in [true, false] {
        let sent = [UInt8](repeating: 5, count: size)
        let writer = Background {
          try peer.send(2, sent, isFinal: isFinal)
          if !isFinal { try peer.send(0, sent) }
        }
        conn.setReadTimeout(milliseconds: 10_000)
        #expect(try conn.message()?.count == (isFinal ? size : 2 * size))
        try writer.value()
        conn.setReadTimeout(milliseconds: 10)
        #expect(fault(try conn.message()) == .timeout)
        #expect(conn.receiver.memoryHeld == 0)
      }
    }
  }

  @Test func readersAndPollLoopsHoldNoBufferEither() throws {
    let (conn, peer) = try makeConn(.client)
    try peer.send(2, hundred(), isFinal: false)
    let reader = try #require(try conn.nextReader())
    #expect(try reader.part() == hundred())
    conn.setNonblocking(true)
    #expect(fault(try reader.part()) == .wouldBlock)
    #expect(conn.receiver.memoryHeld == 0)
    try peer.send(0, [1])
    #expect(try reader.part() == [1])
    #expect(fault(try conn.message()) == .wouldBlock)
    #expect(conn.receiver.memoryHeld == 0)
  }
}
