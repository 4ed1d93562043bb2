// Messages prepared once and sent by many: the same frames as of messages sent directly, made once, and harmless to what a connection
// has compressed before.
import Testing

@testable import WSProtocol

private func prepare(_ bytes: [UInt8], _ kind: MessageKind = .binary, compressed: Bool = true) throws -> PreparedMessage {
  try bytes.withUnsafeBytes { try PreparedMessage(kind, $0, compressed: compressed) }
}

extension CompressingSender {
  fileprivate func send(_ message: PreparedMessage, isSent: Bool = true) throws {
    let frame = try inner.preparedFrame(message, maskKey: wireKeyNumber)
    if isSent { try leave(frame) }
    inner.finish(frame, wasSent: isSent)
  }
}

@Suite("Prepared messages")
struct PreparedMessageTests {
  @Test("the frames are those of a message that is sent directly", arguments: [Role.client, .server])
  func sameFrames(role: Role) throws {
    let alone = DeflateParameters(serverKeepsContext: false, clientKeepsContext: false)
    for level in [Int32(-2), -1, 0, 1, 9] {
      for size in [0, 1, 125, 126, 70_000] {
        let (direct, prepared) = (try CompressingSender(alone, role), try CompressingSender(alone, role))
        direct.inner.compression.level = level
        prepared.inner.compression.level = level
        for (kind, compressed) in [(MessageKind.text, true), (.binary, true), (.binary, false)] {
          try direct.send(compressible(size), kind: kind, compressed: compressed)
          try prepared.send(prepare(compressible(size), kind, compressed: compressed))
        }
        #expect(direct.frames.map(\.first) == prepared.frames.map(\.first))
        #expect(direct.frames.map(\.payload) == prepared.frames.map(\.payload))
        #expect(prepared.inner.traffic == direct.inner.traffic)
      }
    }
  }

  @Test("settings of the connection hold: its switch and its threshold")
  func settings() throws {
    let message = try prepare(compressible(100))
    let sender = try CompressingSender()
    try sender.send(message)
    sender.inner.compression.threshold = 101
    try sender.send(message)
    sender.inner.compression.threshold = 100
    sender.inner.compression.isOn = false
    try sender.send(message)
    var plain = Sender(role: .server)
    #expect(try !plain.preparedFrame(message, maskKey: 0).header.isCompressed)
    #expect(sender.frames.map(\.first) == [0xC2, 0x82, 0x82])
  }

  @Test("between messages that refer to each other it is understood, sent or not", arguments: [true, false])
  func context(isSent: Bool) throws {
    let sender = try CompressingSender()
    var expected: [[UInt8]] = []
    for round in 0..<10 {
      let (own, shared) = (compressible(2000, seed: 1), compressible(2000, seed: UInt64(2 + round % 3)))
      try sender.send(own)
      try sender.send(prepare(shared), isSent: isSent)
      try sender.send(own)
      expected += isSent ? [own, shared, own] : [own, own]
    }
    #expect(sender.messages == expected)
  }

  @Test("each form is made once, and all go with the message")
  func madeOnce() throws {
    let held = Memory.blocksHeld
    do {
      let message = try prepare(compressible(5000))
      for bits in [9, 15] {
        for level in [Int32(1), 6] {
          for memoryLevel in [Int32(8), 9] {
            for isFirst in [true, false] {
              let sender = try CompressingSender(DeflateParameters(serverWindowBits: bits))
              sender.inner.compression.level = level
              sender.inner.compression.memoryLevel = memoryLevel
              let before = Memory.blocksHeld
              if !isFirst { Memory.failAllocation(1) }
              let frame = try sender.inner.preparedFrame(message, maskKey: 0)
              #expect(Memory.isFailureDue == !isFirst, "nothing is made a second time")
              Memory.failAllocation(0)
              #expect(Memory.blocksHeld == before + (isFirst ? 1 : 0))
              try sender.leave(frame)
              #expect(sender.messages == [compressible(5000)])
            }
          }
        }
      }
    }
    #expect(Memory.blocksHeld == held)
  }

  @Test("without memory there is no form, and the next call makes it")
  func memory() throws {
    var failures = 0
    for number in 1...20 {
      BlockPool.drain()
      DeflatePool.drain()
      let held = Memory.blocksHeld
      Memory.failAllocation(number)
      do {
        let message = try prepare(compressible(100_000))
        let sender = try CompressingSender()
        do {
          try sender.send(message)
        } catch {
          failures += 1
          try sender.send(message)
        }
        #expect(sender.messages == [compressible(100_000)])
      } catch {
        failures += 1
      }
      Memory.failAllocation(0)
      #expect(Memory.blocksHeld == held)
    }
    #expect(failures > 4)
  }

  @Test("5.4: not inside another message; control frames are")
  func order() throws {
    let sender = try CompressingSender()
    let data = try prepare([1])
    let ping = try PreparedMessage(.ping, .empty)
    try sender.send([1], isFinal: false)
    #expect(throws: SendError.messageOpen) { try sender.send(data) }
    try sender.send(ping)
    try sender.send([2], kind: nil)
    let number = try sender.inner.openStream(.text, limit: 10)
    #expect(throws: SendError.messageOpen) { try sender.send(data) }
    try sender.send(ping)
    try sender.step(number, .end)
    try sender.send(try closePayload(1000).withUnsafeBytes { try PreparedMessage(.close, $0) })
    #expect(sender.inner.closeSent == .normal)
    #expect(throws: SendError.closeSent) { try sender.send(data) }
    #expect(throws: SendError.closeSent) { try sender.send(ping) }
  }

  @Test("what must not be sent is refused when it is prepared; text when it is sent, where that is checked")
  func refusals() throws {
    func control(_ opcode: ControlOpcode, _ bytes: [UInt8]) throws {
      _ = try bytes.withUnsafeBytes { try PreparedMessage(opcode, $0) }
    }
    for opcode in [ControlOpcode.ping, .pong, .close] {
      #expect(throws: SendError.controlTooLong) { try control(opcode, closePayload(1000) + pattern(124)) }
    }
    #expect(throws: SendError.badCloseCode) { try control(.close, [3]) }
    #expect(throws: SendError.badCloseCode) { try control(.close, closePayload(1005)) }
    #expect(throws: SendError.badCloseReason) { try control(.close, closePayload(1000) + [0xFF]) }
    let bad = try prepare([0x61, 0xE2], .text)
    var sender = Sender(role: .server)
    _ = try sender.preparedFrame(bad, maskKey: 0)
    sender.checksUTF8 = true
    #expect(throws: SendError.invalidUTF8) { _ = try sender.preparedFrame(bad, maskKey: 0) }
    _ = try sender.preparedFrame(prepare([0xFF]), maskKey: 0)
    _ = try sender.preparedFrame(prepare(utf8("a\u{20AC}"), .text), maskKey: 0)
  }
}
