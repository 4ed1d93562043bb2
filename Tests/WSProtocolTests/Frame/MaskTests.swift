// The fast masks against the RFC's formula: every size, alignment and phase (gorilla TestMaskBytes).
import Testing

@testable import WSProtocol

@Suite("Mask")
struct MaskTests {
  private static let largest = 1024

  /// Memory with a border on both sides that must stay as it is.
  private final class Bordered {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: MaskTests.largest + 128, alignment: 64)

    deinit { memory.deallocate() }

    func fill(_ bytes: ArraySlice<UInt8>, at offset: Int) -> UnsafeMutableRawBufferPointer {
      memory.initializeMemory(as: UInt8.self, repeating: 0xA5)
      let part = UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + bytes.count])
      part.copyBytes(from: bytes)
      return part
    }

    func bordersHold(_ part: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
      memory[offset - 1] == 0xA5 && memory[offset + part.count] == 0xA5
    }
  }

  @Test("5.3: the formula of the RFC, written out, for the slow twin")
  func slowTwin() {
    for phase in 0..<8 {
      let turned = (0..<4).map { wireKey[($0 + phase) % 4] }
      let bordered = Bordered()
      let part = bordered.fill(pattern(100)[...], at: 3)
      #expect(Mask.applyOneByOne(part, key: wireKeyNumber, phase: phase) == (phase + 100) % 4)
      #expect(Array(part) == masked(pattern(100), turned))
    }
  }

  @Test("5.3: fast and slow agree on sizes 0 to 1024, alignments 0 to 7, phases 0 to 3", arguments: 0..<4)
  func fastAgrees(phase: Int) {
    let bordered = Bordered()
    let source = pattern(Self.largest)
    let expected = masked(source, (0..<4).map { wireKey[($0 + phase) % 4] })
    for size in 0...Self.largest {
      for alignment in 0..<8 {
        let part = bordered.fill(source[..<size], at: 64 + alignment)
        let next = Mask.apply(part, key: wireKeyNumber, phase: phase)
        guard next == (phase + size) % 4, Array(part) == Array(expected[..<size]),
          bordered.bordersHold(part, at: 64 + alignment)
        else {
          Issue.record("size \(size), alignment \(alignment), phase \(phase)")
          return
        }
      }
    }
  }

  @Test("5.3: from one place into another, each with its alignment")
  func copying() throws {
    let from = Bordered()
    let to = Bordered()
    let source = pattern(Self.largest)
    let zeros = [UInt8](repeating: 0, count: Self.largest)
    for size in [0, 1, 7, 8, 9, 31, 32, 33, 127, 128, 129, 255, 256, 300, 1024] {
      for alignment in 0..<8 {
        for other in 0..<8 {
          let start = try #require(from.fill(source[..<size], at: 64 + alignment).baseAddress)
          let part = to.fill(zeros[..<size], at: 64 + other)
          let target = try #require(part.baseAddress)
          Mask.apply(from: start, to: target, count: size, key: wireKeyNumber, phase: alignment & 3)
          let key = (0..<4).map { wireKey[($0 + alignment) % 4] }
          guard Array(part) == masked(Array(source[..<size]), key), to.bordersHold(part, at: 64 + other) else {
            Issue.record("size \(size), alignments \(alignment) and \(other)")
            return
          }
        }
      }
    }
  }

  @Test("5.3: the phase goes on from piece to piece, and pieces of nothing keep it")
  func pieces() {
    var random = SmallRandom(seed: 7)
    for _ in 0..<50 {
      let bordered = Bordered()
      let part = bordered.fill(pattern(Self.largest)[...], at: 64)
      var phase = 0
      var start = 0
      while start < part.count {
        let count = min(random.below(40), part.count - start)
        phase = Mask.apply(
          UnsafeMutableRawBufferPointer(rebasing: part[start..<start + count]), key: wireKeyNumber, phase: phase)
        start += count
      }
      #expect(Array(part) == masked(pattern(Self.largest)))
    }
  }

  @Test("odd arguments change nothing: no memory, a negative count, any phase")
  func oddArguments() throws {
    #expect(Mask.apply(UnsafeMutableRawBufferPointer(start: nil, count: 0), key: 1, phase: 3) == 3)
    #expect(Mask.applyOneByOne(UnsafeMutableRawBufferPointer(start: nil, count: 0), key: 1, phase: 7) == 3)
    let bordered = Bordered()
    let part = bordered.fill([1, 2, 3], at: 64)
    let start = try #require(part.baseAddress)
    Mask.apply(from: start, to: start, count: -200, key: wireKeyNumber)
    #expect(Array(part) == [1, 2, 3])
    for phase in [Int.min, -1, 4, Int.max] {
      let turned = (0..<4).map { wireKey[($0 + (phase & 3)) % 4] }
      let part = bordered.fill([1, 2, 3], at: 64)
      Mask.apply(part, key: wireKeyNumber, phase: phase)
      #expect(Array(part) == masked([1, 2, 3], turned))
    }
  }
}
