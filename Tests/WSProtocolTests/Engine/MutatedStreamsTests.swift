// Streams of good frames with a few bytes changed, in random pieces: one delivery must look like any other, memory stays
// within what was received, and nothing crashes. Fixed seeds.
import Testing

@testable import WSProtocol

private let text = utf8("a\u{E9}\u{20AC}\u{1F600}bcdefghijklmnopqrstuvwxyz0123456789")

/// Makes streams of frames as a peer would send them, and spoils some.
private struct StreamMaker {
  private var random: SmallRandom
  private let role: Role
  private var isOpen = false
  /// What is left of the payload of a compressed message that is open.
  private var compressedRest: [UInt8] = []
  private let compression: DeflateParameters?

  init(seed: UInt64, role: Role, compression: DeflateParameters? = nil) {
    random = SmallRandom(seed: seed)
    self.role = role
    self.compression = compression
  }

  mutating func stream(_ wanted: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < wanted { bytes += frame() }
    for _ in 0..<random.below(4) { spoil(&bytes) }
    return bytes
  }

  private mutating func frame() -> [UInt8] {
    switch random.below(12) {
    case 0: return wire(role, 0x89, random.bytes(random.below(126)))
    case 1: return wire(role, 0x8A, random.bytes(random.below(10)))
    case 2 where random.below(8) == 0: return wire(role, 0x88, closePayload(UInt16(1000 + random.below(20)), "r"))
    default: return dataFrame()
    }
  }

  private mutating func dataFrame() -> [UInt8] {
    let isFinal = random.below(3) > 0
    let opcode: UInt8 = isOpen ? 0 : UInt8(1 + random.below(2))
    let size = [0, 1, 5, 40, 125, 126, 300, 2000][random.below(8)]
    if !compressedRest.isEmpty || (!isOpen && compression != nil && random.below(4) > 0) {
      return compressedFrame(opcode, size, isFinal: isFinal)
    }
    isOpen = !isFinal
    let whole = (0..<size / text.count).flatMap { _ in text } + [UInt8](repeating: 0x20, count: size % text.count)
    return wire(role, (isFinal ? 0x80 : 0) | opcode, whole)
  }

  private mutating func compressedFrame(_ opcode: UInt8, _ size: Int, isFinal: Bool) -> [UInt8] {
    let first: UInt8 = isOpen ? 0 : 0x40
    if !isOpen { compressedRest = payload(size * 3) }
    let part = Array(isFinal ? compressedRest[...] : compressedRest.prefix(size / 4))
    compressedRest = Array(compressedRest.dropFirst(part.count))
    isOpen = !compressedRest.isEmpty
    return wire(role, (isOpen ? 0 : 0x80) | first | opcode, part)
  }

  /// Messages that stand alone, as every peer may send them.
  private mutating func payload(_ size: Int) -> [UInt8] {
    let message = random.below(3) == 0 ? random.bytes(size) : (0..<size / text.count).flatMap { _ in text }
    let alone = DeflateParameters(serverKeepsContext: false, clientKeepsContext: false)
    do { return try compressed(by: .client, alone, [message], level: Int32(random.below(10)))[0] } catch { return [0] }
  }

  private mutating func spoil(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    let place = random.below(bytes.count)
    switch random.below(6) {
    case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
    case 1: bytes[place] ^= 1 << UInt8(random.below(8))
    case 2: bytes.remove(at: place)
    case 3: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
    case 4: bytes.removeLast(bytes.count - place)
    default: bytes.replaceSubrange(place..., with: bytes[place...].prefix(9) + [0xFF] + bytes[place...].dropFirst(9))
    }
  }

  /// Where to cut: seldom, often, or almost everywhere.
  mutating func cuts(_ count: Int) -> [Int] {
    let largest = [3, 50, 1500][random.below(3)]
    var cuts: [Int] = []
    var position = 0
    while position < count {
      position += 1 + random.below(largest)
      cuts.append(min(position, count))
    }
    return cuts
  }
}

@Suite("Engine: mutated streams")
struct MutatedStreamsTests {
  @Test(
    "whole, in random pieces, and by every way in: the same events, error and close frame", arguments: 0..<8,
    [nil, DeflateParameters()])
  func anyDeliveryLooksTheSame(batch: Int, compression: DeflateParameters?) {
    var failures = 0
    for seed in 0..<25 {
      let role: Role = seed % 2 == 0 ? .server : .client
      var maker = StreamMaker(seed: UInt64(batch * 1000 + seed), role: role, compression: compression)
      let stream = maker.stream(1500)
      let limit: UInt64 = [0, 40, 1000, 5000][seed % 4]
      let whole = observe(role, limit: limit, compression: compression, stream)
      if case .error = whole.seen.last { failures += 1 }
      for intake in Intake.allCases {
        let cuts = maker.cuts(stream.count)
        guard observe(role, limit: limit, compression: compression, stream, cuts: cuts, by: intake) != whole else { continue }
        Issue.record("batch \(batch), seed \(seed), \(intake), cuts \(cuts)")
        return
      }
    }
    #expect((5...25).contains(failures), "streams that all pass or all fail test nothing")
  }

  @Test("memory stays within a fixed part and four times what was received", arguments: 0..<8)
  func memoryFollowsBytes(batch: Int) {
    for seed in 0..<20 {
      let role: Role = seed % 2 == 0 ? .server : .client
      var maker = StreamMaker(seed: UInt64(70_000 + batch * 1000 + seed), role: role)
      let stream = maker.stream(3000)
      let engine = TestEngine(role)
      var start = 0
      for end in maker.cuts(stream.count) {
        do throws(ProtocolError) { _ = try engine.run(Array(stream[start..<end])) } catch { break }
        engine.inner.sent(engine.output.count)
        start = end
        guard engine.inner.memoryHeld > 4096 + 4 * end else { continue }
        Issue.record("batch \(batch), seed \(seed): \(engine.inner.memoryHeld) bytes held after \(end)")
        return
      }
    }
  }

  @Test("noise: random bytes with a good first byte", arguments: [Role.client, .server])
  func noise(role: Role) {
    var random = SmallRandom(seed: 99)
    for _ in 0..<150 {
      let first: [UInt8] = [0x81, 0x82, 0x01, 0x02, 0x88, 0x89, 0x8A, 0xC1, 0xC2, 0x41]
      let stream = [first[random.below(10)], (role == .server ? 0x80 : 0) | UInt8(random.below(128))] + random.bytes(300)
      let whole = observe(role, compression: DeflateParameters(), stream)
      for intake in Intake.allCases {
        #expect(observe(role, compression: DeflateParameters(), stream, cuts: Array(1..<40), by: intake) == whole)
      }
    }
  }
}
