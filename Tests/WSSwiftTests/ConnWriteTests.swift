// Writing: whole frames, one after the other, from any thread; and what a deadline means before and inside a frame.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ConnWriteTests {
  @Test(arguments: [Role.client, .server], [0, 1, 125, 126, 65535, 65536, 200_000])
  func aMessageIsOneFrame(role: Role, size: Int) throws {
    let (conn, peer) = try makeConn(role)
    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let writer = Background { try conn.send(payload) }
    let frame = try peer.frame()
    #expect(frame.opcode == 2 && frame.isFinal && frame.payload == payload)
    #expect((frame.maskKey != nil) == (role == .client))
    try writer.value()
  }

  /// RFC 6455 5.3: a fresh key for every frame.
  @Test func masksDiffer() throws {
    let (conn, peer) = try makeConn(.client)
    var keys = Set<[UInt8]>()
    for index in 0..<200 {
      try index % 3 == 0 ? conn.control(.ping, [1]) : conn.send("same")
      keys.insert(try #require(try peer.frame().maskKey))
    }
    #expect(keys.count == 200)
  }

  @Test(arguments: [Role.client, .server]) func theLargestMessageByDefaultPasses(from role: Role) throws {
    let (client, server) = try makeConns(tcp: true)
    let (sender, receiver) = role == .client ? (client, server) : (server, client)
    var payload = [UInt8](repeating: 0x3C, count: 16 << 20)
    for index in stride(from: 0, to: payload.count, by: 4093) { payload[index] = UInt8(truncatingIfNeeded: index) }
    let message = payload
    let writer = Background { try sender.send(message) }
    let received = try #require(try receiver.read())
    #expect(isSame(message, received.bytes))
    try writer.value()
    let next = Background { try sender.send(message + [0]) }
    #expect(receiver.failureOfRead() == .violation(.messageTooBig(limit: 16 << 20)))
    receiver.abort()
    _ = try? next.value()
  }

  /// Quicker than a loop in a debug build.
  private func isSame(_ array: [UInt8], _ view: ByteView) -> Bool {
    guard array.count == view.count, let base = view.baseAddress else { return false }
    return memcmp(array, base, view.count) == 0
  }

  @Test(arguments: [Role.client, .server]) func writersAreSerialised(role: Role) throws {
    let (client, server) = try makeConns()
    let (sender, receiver) = role == .client ? (client, server) : (server, client)
    let reader = Background { try (0..<8 * 60).map { _ in try receiver.message() ?? [] } }
    try onThreads(8) { thread in
      for count in 0..<60 {
        try sender.send([UInt8(thread), UInt8(count)] + Array(repeating: UInt8(thread), count: count * 97))
      }
    }
    var next = [Int](repeating: 0, count: 8)
    for message in try reader.value() {
      let thread = Int(message[0])
      #expect(Int(message[1]) == next[thread] && message.count == 2 + next[thread] * 97)
      #expect(message.dropFirst(2).allSatisfy { $0 == message[0] })
      next[thread] += 1
    }
    #expect(next.allSatisfy { $0 == 60 })
  }

  @Test func controlFramesPassBetweenTheFramesOfOthers() throws {
    let (conn, peer) = try makeConn(.client)
    let writer = Background { for _ in 0..<50 { try conn.send([UInt8](repeating: 9, count: 150_000)) } }
    let pinger = Background { for number in 0..<50 { try conn.control(.ping, [UInt8(number)]) } }
    var pings: [UInt8] = []
    for _ in 0..<100 {
      let frame = try peer.frame()
      #expect(frame.opcode == 9 || frame.payload.count == 150_000)
      if frame.opcode == 9 { pings += frame.payload }
    }
    #expect(pings == Array(0..<50))
    try writer.value()
    try pinger.value()
  }

  @Test func whatMustNotBeSentIsRefusedAndHarmless() throws {
    let (conn, peer) = try makeConn(.client)
    #expect(fault(try conn.control(.ping, Array(repeating: 0, count: 126))) == .send(.controlTooLong))
    #expect(fault(try conn.control(.close, [3])) == .send(.badCloseCode))
    #expect(fault(try conn.control(.close, [0x03, 0xED])) == .send(.badCloseCode))
    #expect(fault(try conn.control(.close, [0x03, 0xE8, 0xFF])) == .send(.badCloseReason))
    #expect(conn.lastFailure(of: .write) == .send(.badCloseReason))
    #expect(conn.lastFailure(of: .read) == nil)
    try conn.send("fine")
    #expect(try peer.frame().text == "fine")
    #expect(conn.ourCloseCode == nil)
  }

  /// RFC 6455 5.5.1: nothing follows a close frame.
  @Test func nothingFollowsAClose() throws {
    let (conn, peer) = try makeConn(.server)
    try conn.control(.close, [0x0F, 0xA0, 0x62])
    #expect(conn.ourCloseCode == CloseCode(rawValue: 4000))
    #expect(fault(try conn.send("x")) == .send(.closeSent))
    #expect(fault(try conn.control(.ping)) == .send(.closeSent))
    #expect(fault(try conn.control(.close)) == .send(.closeSent))
    try conn.begin(1000)
    try peer.send(9, [1])
    try peer.send(text: "still heard")
    #expect(try conn.text() == "still heard")
    #expect(try peer.frame().closeCode == 4000)
    #expect(peer.isSilent())
  }

  @Test func aPeerThatIsGoneIsLostForEver() throws {
    let (conn, peer) = try makeConn(.server)
    peer.drop()
    #expect(fault(try conn.send("x")) == .lost(EPIPE))
    #expect(fault(try conn.control(.ping)) == .lost(EPIPE))
    #expect(fault(try conn.begin(1000)) == .lost(EPIPE))
    #expect(conn.lastFailure(of: .write) == .lost(EPIPE))
  }

  @Test func aClientWithoutMemoryCanTryAgain() throws {
    let (conn, peer) = try makeConn(.client)
    try conn.send("small")
    Memory.failAllocation(1)
    #expect(fault(try conn.send([UInt8](repeating: 1, count: 100_000))) == .outOfMemory)
    try conn.send("again")
    #expect(try peer.frame().text == "small")
    #expect(try peer.frame().text == "again")
  }

  /// A writer that waits behind another one has not run out of time while that one makes progress.
  @Test func aWriterWaitsBehindOneThatMakesProgress() throws {
    let (conn, peer) = try makeConn(.server)
    conn.setWriteTimeout(milliseconds: 600)
    let big = Background { try conn.send([UInt8](repeating: 1, count: 4_000_000)) }
    sleep(milliseconds: 30)
    let small = Background { try conn.send("small") }
    var received = 10
    _ = try peer.receive(10)
    while received < 4_000_010 {
      let step = min(400_000, 4_000_010 - received)
      _ = try peer.receive(step)
      received += step
      sleep(milliseconds: 100)
    }
    #expect(try peer.frame().text == "small")
    try big.value()
    try small.value()
  }
}

@Suite struct ConnWriteDeadlineTests {
  @Test(arguments: [Role.client, .server]) func aTimeoutBeforeTheFirstByteCanBeRepeated(role: Role) throws {
    let (conn, peer, filling) = try makeBlockedConn(role)
    conn.setWriteTimeout(milliseconds: 30)
    for _ in 0..<3 { #expect(fault(try conn.send("one")) == .timeout) }
    #expect(fault(try conn.control(.ping, [], deadline: past)) == .timeout)
    _ = try peer.receive(filling)
    try conn.send("two")
    #expect(try peer.frame().text == "two")
  }

  @Test(arguments: [Role.client, .server]) func aTimeoutInsideAFrameBreaksWriting(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    conn.setWriteTimeout(milliseconds: 30)
    #expect(fault(try conn.send([UInt8](repeating: 0, count: 4 << 20))) == .broken)
    #expect(fault(try conn.send("x")) == .broken)
    #expect(fault(try conn.control(.ping)) == .broken)
    #expect(fault(try conn.begin(1000)) == .broken)
    try peer.send(text: "reading goes on")
    try peer.send(9, [1])
    try peer.send(text: "and on")
    #expect(try conn.text() == "reading goes on")
    #expect(try conn.text() == "and on")
  }

  @Test func theTimeoutIsForProgressAndTheDeadlineForAll() throws {
    let (conn, peer) = try makeConn(.server)
    let message = [UInt8](repeating: 0, count: 2 << 20)
    conn.setWriteTimeout(milliseconds: 1000)
    let slow = Background { for _ in 0..<8 { sleep(milliseconds: 180); _ = try peer.receive(message.count / 8) } }
    try conn.send(message)
    try slow.value()
    _ = try peer.receive(10)
    conn.setWriteDeadline(.after(milliseconds: 60))
    let taken = milliseconds { #expect(fault(try conn.send(message)) == .broken) }
    #expect(taken >= 50 && taken < 1000)
  }

  @Test func aWriteDeadlineInThePastStillSendsWhatFits() throws {
    let (conn, peer) = try makeConn(.server)
    conn.setWriteDeadline(past)
    try conn.send("fits")
    #expect(try peer.frame().text == "fits")
    conn.setWriteDeadline(nil)
    try conn.send("too")
    #expect(try peer.frame().text == "too")
  }

  @Test func waitingForAnotherWriterCountsToo() throws {
    let (conn, peer, _) = try makeBlockedConn(.client)
    let writer = Background { fault(try conn.send("first")) }
    #expect(!writer.isDone(after: 30))
    let taken = milliseconds { #expect(fault(try conn.control(.ping, [], deadline: .after(milliseconds: 40))) == .timeout) }
    #expect(taken >= 39 && taken < 1000)
    conn.abort()
    #expect(try writer.value() == .aborted)
    withExtendedLifetime(peer) {}
  }

  @Test func abortEndsABlockedWriterAtOnce() throws {
    let latency = try quickest {
      let (conn, peer, _) = try makeBlockedConn(.server)
      let writer = Background { (fault(try conn.send("first")), Deadline.now.nanoseconds) }
      let waiting = Background { fault(try conn.send("second")) }
      #expect(!writer.isDone(after: 20))
      let start = Deadline.now.nanoseconds
      conn.abort()
      let (error, end) = try writer.value()
      #expect(error == .aborted)
      #expect(try waiting.value() == .aborted)
      withExtendedLifetime(peer) {}
      return (end - start) / 1_000_000
    }
    #expect(latency < 50)
  }

  @Test func aBlockedWriterDoesNotSpin() throws {
    let (conn, peer, _) = try makeBlockedConn(.client)
    conn.setWriteTimeout(milliseconds: 1000)
    let used = try Background {
      let before = processorTime()
      #expect(fault(try conn.send("x")) == .timeout)
      return processorTime() - before
    }.value()
    #expect(used < 50)
    withExtendedLifetime(peer) {}
  }
}
