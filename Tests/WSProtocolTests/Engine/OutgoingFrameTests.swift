// Frames whose payload lies in several parts: the same bytes as of one part, copied in rooms of any size, or lent where they lie.
import Testing

@testable import WSProtocol

/// The bytes cut at these places, as parts that live as long as the call.
private func withParts<Value>(_ bytes: [UInt8], cutAt cuts: [Int], _ body: (Payload) throws -> Value) throws -> Value {
  try bytes.withUnsafeBytes { all in
    var parts: [BytePart] = []
    for (start, end) in zip([0] + cuts, cuts + [bytes.count]) { parts.append(BytePart(all.cut(start, end))) }
    return try parts.withUnsafeBufferPointer { try body(try #require(Payload(parts: $0))) }
  }
}

private func frame(_ role: Role, _ payload: Payload) throws -> OutgoingFrame {
  var sender = Sender(role: role)
  return try sender.dataFrame(.binary, isFinal: true, payload: payload, maskKey: wireKeyNumber)
}

/// What a shell sends that copies into a room of that size and then sends what is lent; and how much was lent.
private func sent(_ frame: OutgoingFrame, room: Int) throws -> (bytes: [UInt8], lent: Int) {
  var frame = frame
  var bytes: [UInt8] = []
  var lent = 0
  let space = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
  defer { space.deallocate() }
  repeat {
    let wanted = frame.countBeforeLent(room)
    let count = frame.fillBeforeLent(space)
    #expect(count == wanted)
    let more = frame.lend()
    try #require(count > 0 || !more.isEmpty)
    bytes += space.prefix(count)
    bytes += more
    lent += more.count
  } while !frame.isFinished
  #expect(frame.left == 0 && frame.lend().isEmpty)
  return (bytes, lent)
}

@Suite("OutgoingFrame: payloads in several parts")
struct OutgoingFrameTests {
  @Test("however the bytes are cut, the frame is the same", arguments: [Role.client, .server])
  func cuts(role: Role) throws {
    let receiver: Role = role == .client ? .server : .client
    for size in [0, 1, 5, 125, 126, 300] {
      let whole = wire(receiver, 0x82, pattern(size))
      for first in 0...min(size, 20) {
        for second in [first, min(first + 3, size), size] {
          try withParts(pattern(size), cutAt: [first, second, second]) { payload in
            #expect(payload.count == size)
            for room in [14, 15, 16, 64, 400] {
              let result = try sent(try frame(role, payload), room: room)
              #expect(result.bytes == whole)
            }
            var copied = try frame(role, payload)
            #expect(copied.left == whole.count)
            withUnsafeTemporaryAllocation(byteCount: 400, alignment: 1) { space in
              #expect(copied.fill(space) == whole.count && Array(space.prefix(whole.count)) == whole)
            }
            #expect(copied.isFinished)
          }
        }
      }
    }
  }

  @Test("a server lends large parts, and the last one unless it is small")
  func lending() throws {
    let bytes = pattern(100_000)
    let whole = wire(.client, 0x82, bytes)
    let rows: [([Int], Int)] = [
      ([], 100_000), ([50], 99_950), ([0, 50], 99_950), ([50, 100_000], 0), ([50, 90_000], 99_950),
      ([50, 60, 20_000, 20_010], 79_990 + 19_940), ([99_990], 99_990), ([96_001], 96_001), ([96_000], 100_000),
      ([16_383], 83_617), ([16_384], 100_000),
    ]
    for (cuts, expected) in rows {
      try withParts(bytes, cutAt: cuts) { payload in
        let result = try sent(try frame(.server, payload), room: 65550)
        #expect(result.bytes == whole)
        let last = cuts == [50, 100_000] ? 99_950 : expected
        #expect(result.lent == last, "cut at \(cuts)")
        let masked = try sent(try frame(.client, payload), room: 65550)
        #expect(masked.bytes == wire(.server, 0x82, bytes) && masked.lent == 0)
      }
    }
  }

  @Test("a small payload is copied behind its header", arguments: [0, 1, 3_999, 4_000, 4_001])
  func smallPayload(size: Int) throws {
    try withParts(pattern(size), cutAt: []) { payload in
      let result = try sent(try frame(.server, payload), room: 65550)
      #expect(result.bytes == wire(.client, 0x82, pattern(size)))
      #expect(result.lent == (size < 4_000 ? 0 : size))
    }
  }

  @Test("thousands of small parts")
  func manyParts() throws {
    let bytes = pattern(30_000)
    for role in [Role.client, .server] {
      try withParts(bytes, cutAt: Array(stride(from: 3, to: 30_000, by: 3))) { payload in
        #expect(payload.partCount == 10_000)
        let result = try sent(try frame(role, payload), room: 1000)
        #expect(result.bytes == wire(role == .client ? .server : .client, 0x82, bytes))
      }
    }
  }

  @Test("lists that cannot be are refused")
  func refused() {
    let byte = UnsafeRawPointer(bitPattern: 8)
    func payload(_ parts: [BytePart]) -> Int? { parts.withUnsafeBufferPointer { Payload(parts: $0)?.count } }
    func part(_ data: UnsafeRawPointer?, _ size: Int) -> BytePart { BytePart(ByteView(start: data, count: size)) }
    #expect(payload([]) == 0)
    #expect(payload([part(nil, 0)]) == 0)
    #expect(payload([part(byte, Int.max)]) == Int.max)
    #expect(payload([part(byte, Int.max), part(byte, 1)]) == nil)
    #expect(payload([part(byte, 1), part(byte, Int.max)]) == nil)
    let negative = withUnsafeBytes(of: (8, -1)) { $0.load(as: BytePart.self) }
    let absent = withUnsafeBytes(of: (0, 1)) { $0.load(as: BytePart.self) }
    #expect(payload([negative]) == nil)
    #expect(payload([part(byte, 2), absent]) == nil)
    #expect(Payload(.empty).part(0).isEmpty && Payload(.empty).part(1).isEmpty && Payload(.empty).part(-1).isEmpty)
  }

  @Test("text is checked over all parts, characters cut in two as well")
  func text() throws {
    var sender = Sender(role: .server)
    sender.checksUTF8 = true
    let euro: [UInt8] = [0x61, 0xE2, 0x82, 0xAC, 0x62]
    for cut in 0...5 {
      try withParts(euro, cutAt: [cut]) { payload in
        _ = try sender.dataFrame(.text, isFinal: true, payload: payload, maskKey: 0)
      }
      try withParts([0x61, 0xE2, 0x82, 0x62, 0x62], cutAt: [cut]) { payload in
        _ = #expect(throws: SendError.invalidUTF8) {
          try sender.dataFrame(.text, isFinal: true, payload: payload, maskKey: 0)
        }
      }
    }
  }
}
