// What may be sent, in which order, and the bytes of it. RFC 6455 5.3, 5.4, 5.5, 6.1 and 7.4.
import Testing

@testable import WSProtocol

/// A sender whose payloads live as long as it.
private final class TestSender {
  var inner: Sender
  private var blocks: [UnsafeMutableRawBufferPointer] = []

  init(_ role: Role) { inner = Sender(role: role) }

  deinit { for block in blocks { block.deallocate() } }

  private func keep(_ bytes: [UInt8]) -> ByteView {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    block.copyBytes(from: bytes)
    blocks.append(block)
    return ByteView(block)
  }

  func data(_ kind: MessageKind?, _ payload: [UInt8] = [], isFinal: Bool = true) throws(SendError) -> OutgoingFrame {
    try inner.dataFrame(kind, isFinal: isFinal, payload: Payload(keep(payload)), maskKey: wireKeyNumber)
  }

  func control(_ opcode: ControlOpcode, _ payload: [UInt8] = []) throws(SendError) -> OutgoingFrame {
    try inner.controlFrame(opcode, payload: keep(payload), maskKey: wireKeyNumber)
  }

  func begin(_ frame: OutgoingFrame) { inner.begin(frame) }
}

/// The bytes of a frame, taken in pieces of that size.
private func bytes(of frame: OutgoingFrame, room: Int = 1 << 20) -> [UInt8] {
  var frame = frame
  var all: [UInt8] = []
  let space = UnsafeMutableRawBufferPointer.allocate(byteCount: room + 1, alignment: 1)
  defer { space.deallocate() }
  while !frame.isFinished {
    space[room] = 0xA5
    let count = frame.fill(UnsafeMutableRawBufferPointer(rebasing: space[..<room]))
    guard count > 0, count <= room, space[room] == 0xA5 else { break }
    all += space.prefix(count)
  }
  #expect(frame.fill(UnsafeMutableRawBufferPointer(rebasing: space[..<room])) == 0)
  return all
}

@Suite("Sender, RFC 6455 6.1: the bytes of a frame")
struct SenderFrameTests {
  @Test("6.1: one frame for each size, first byte, length and payload", arguments: [Role.client, .server])
  func frames(role: Role) throws {
    let sender = TestSender(role)
    let receiver: Role = role == .client ? .server : .client
    for size in [0, 1, 2, 124, 125, 126, 127, 128, 129, 65534, 65535, 65536, 65537] {
      #expect(bytes(of: try sender.data(.text, pattern(size))) == wire(receiver, 0x81, pattern(size)))
      #expect(bytes(of: try sender.data(.binary, pattern(size), isFinal: false)) == wire(receiver, 0x02, pattern(size)))
      if size <= 125 {
        #expect(bytes(of: try sender.control(.ping, pattern(size))) == wire(receiver, 0x89, pattern(size)))
        #expect(bytes(of: try sender.control(.pong, pattern(size))) == wire(receiver, 0x8A, pattern(size)))
      }
    }
    #expect(bytes(of: try sender.control(.close, closePayload(1000, "x"))) == wire(receiver, 0x88, closePayload(1000, "x")))
    #expect(bytes(of: try sender.control(.close)) == wire(receiver, 0x88))
  }

  @Test("5.1 and 5.3: clients mask with the key that they are given, servers never mask")
  func masks() throws {
    for key: UInt32 in [0, 1, 0xFFFF_FFFF, wireKeyNumber] {
      let payload = pattern(9)
      try payload.withUnsafeBytes { view in
        let client = try TestSender(.client).inner.dataFrame(.binary, isFinal: true, payload: Payload(view), maskKey: key)
        let octets = (0..<4).map { UInt8(truncatingIfNeeded: key >> (8 * UInt32($0))) }
        #expect(bytes(of: client) == [0x82, 0x89] + octets + masked(payload, octets))
        let server = try TestSender(.server).inner.dataFrame(.binary, isFinal: true, payload: Payload(view), maskKey: key)
        #expect(server.header.maskKey == nil)
        #expect(bytes(of: server) == [0x82, 0x09] + payload)
      }
      #expect(payload == pattern(9), "the caller's bytes stay as they are")
    }
  }

  @Test("fill in rooms of every size gives the same bytes as one large room", arguments: [Role.client, .server])
  func everyRoom(role: Role) throws {
    let sender = TestSender(role)
    for size in [0, 1, 3, 100, 126, 400] {
      let frame = try sender.data(.binary, pattern(size))
      let whole = bytes(of: frame)
      for room in FrameHeader.maximumSize...(size + 20) { #expect(bytes(of: frame, room: room) == whole) }
    }
    let large = try sender.data(.binary, pattern(70_000))
    for room in [14, 15, 16, 17, 4096, 65536, 70_013, 70_014] { #expect(bytes(of: large, room: room) == bytes(of: large)) }
  }

  @Test("a room smaller than a header takes nothing and loses nothing")
  func smallRoom() throws {
    let sender = TestSender(.client)
    var frame = try sender.data(.text, utf8("a"))
    let space = UnsafeMutableRawBufferPointer.allocate(byteCount: FrameHeader.maximumSize - 1, alignment: 1)
    defer { space.deallocate() }
    #expect(frame.fill(space) == 0)
    #expect(frame.fill(UnsafeMutableRawBufferPointer(start: nil, count: 0)) == 0)
    #expect(!frame.isFinished)
    #expect(bytes(of: frame) == wire(.server, 0x81, utf8("a")))
  }
}

@Suite("Sender, RFC 6455 5.4, 5.5 and 7.4: order and refusals")
struct SenderOrderTests {
  @Test("5.4: a message is one first frame and continuations")
  func fragments() throws {
    let sender = TestSender(.server)
    let first = try sender.data(.text, utf8("a"), isFinal: false)
    #expect(first.header.opcode == .text && !first.header.isFinal)
    sender.begin(first)
    #expect(throws: SendError.messageOpen) { try sender.data(.text, utf8("b")) }
    #expect(throws: SendError.messageOpen) { try sender.data(.binary, [], isFinal: false) }
    let middle = try sender.data(nil, utf8("b"), isFinal: false)
    #expect(middle.header.opcode == .continuation && !middle.header.isFinal)
    sender.begin(middle)
    let last = try sender.data(nil)
    #expect(last.header.opcode == .continuation && last.header.isFinal)
    sender.begin(last)
    #expect(throws: SendError.noMessageOpen) { try sender.data(nil) }
    sender.begin(try sender.data(.binary))
    #expect(throws: SendError.noMessageOpen) { try sender.data(nil, isFinal: false) }
  }

  @Test("a frame counts when it begins, not when it is made")
  func countsWhenBegun() throws {
    let sender = TestSender(.client)
    _ = try sender.data(.text, utf8("never sent"), isFinal: false)
    _ = try sender.control(.close, closePayload(1000))
    #expect(sender.inner.closeSent == nil)
    #expect(throws: SendError.noMessageOpen) { try sender.data(nil) }
    sender.begin(try sender.data(.text, utf8("sent")))
    sender.begin(try sender.control(.close, closePayload(1001)))
    #expect(sender.inner.closeSent == .goingAway)
  }

  @Test("5.4: control frames pass inside a message and leave it open")
  func controlInsideMessage() throws {
    let sender = TestSender(.server)
    sender.begin(try sender.data(.binary, [1], isFinal: false))
    sender.begin(try sender.control(.ping, [2]))
    sender.begin(try sender.control(.pong, [3]))
    sender.begin(try sender.data(nil, [4]))
    #expect(throws: SendError.noMessageOpen) { try sender.data(nil) }
  }

  @Test("5.5: control frames of at most 125 bytes")
  func controlLength() throws {
    let sender = TestSender(.server)
    for opcode in [ControlOpcode.ping, .pong, .close] {
      #expect(throws: SendError.controlTooLong) { try sender.control(opcode, closePayload(1000) + pattern(124)) }
    }
    #expect(try sender.control(.ping, pattern(125)).payload.count == 125)
    #expect(try sender.control(.close, closePayload(1000, String(repeating: "x", count: 123))).payload.count == 125)
  }

  @Test("5.5.1: after a close frame nothing is sent, not even a second one")
  func nothingAfterClose() throws {
    for payload in [[], closePayload(1000), closePayload(4000, "x")] {
      let sender = TestSender(.client)
      sender.begin(try sender.data(.text, utf8("a"), isFinal: false))
      sender.begin(try sender.control(.close, payload))
      #expect(sender.inner.closeSent?.rawValue == (payload.isEmpty ? 1005 : payload.count == 2 ? 1000 : 4000))
      #expect(throws: SendError.closeSent) { try sender.data(nil) }
      #expect(throws: SendError.closeSent) { try sender.data(.text) }
      for opcode in [ControlOpcode.ping, .pong, .close] {
        #expect(throws: SendError.closeSent) { try sender.control(opcode, closePayload(1000)) }
      }
    }
  }

  @Test("7.4: close payloads that must not travel are refused")
  func closePayloads() {
    let sender = TestSender(.server)
    let rows: [([UInt8], SendError)] = [
      ([3], .badCloseCode), (closePayload(0), .badCloseCode), (closePayload(1005), .badCloseCode),
      (closePayload(1006), .badCloseCode), (closePayload(1015), .badCloseCode), (closePayload(5000), .badCloseCode),
      (closePayload(1000) + [0xC0], .badCloseReason), (closePayload(1000) + [0xE2, 0x82], .badCloseReason),
    ]
    for (payload, error) in rows { #expect(throws: error) { try sender.control(.close, payload) } }
    #expect(sender.inner.closeSent == nil)
  }

  @Test("8.1: text is checked where that was asked for, in one frame and across frames")
  func checksText() throws {
    let sender = TestSender(.server)
    sender.begin(try sender.data(.text, [0xFF]))
    sender.inner.checksUTF8 = true
    #expect(throws: SendError.invalidUTF8) { try sender.data(.text, [0xFF]) }
    #expect(throws: SendError.invalidUTF8) { try sender.data(.text, [0xE2, 0x82]) }
    #expect(throws: SendError.invalidUTF8) { try sender.data(.text, [0xE2, 0x41], isFinal: false) }
    sender.begin(try sender.data(.binary, [0xFF]))

    sender.begin(try sender.data(.text, utf8("a") + [0xE2], isFinal: false))
    #expect(throws: SendError.invalidUTF8) { try sender.data(nil, utf8("b"), isFinal: false) }
    #expect(throws: SendError.invalidUTF8) { try sender.data(nil, [0x82]) }
    sender.begin(try sender.control(.ping, [0xFF]))
    sender.begin(try sender.data(nil, [0x82], isFinal: false))
    sender.begin(try sender.data(nil, [0xAC]))
    sender.begin(try sender.data(.binary, [0xFF], isFinal: false))
    sender.begin(try sender.data(nil, [0xFF]))
  }

  @Test("a refused frame changes nothing")
  func refusalsChangeNothing() throws {
    let sender = TestSender(.server)
    #expect(throws: SendError.noMessageOpen) { try sender.data(nil) }
    #expect(throws: SendError.badCloseCode) { try sender.control(.close, [1]) }
    sender.begin(try sender.data(.text, utf8("a"), isFinal: false))
    #expect(throws: SendError.messageOpen) { try sender.data(.binary) }
    #expect(throws: SendError.controlTooLong) { try sender.control(.ping, pattern(126)) }
    sender.begin(try sender.data(nil, utf8("b")))
    sender.begin(try sender.data(.binary))
  }
}
