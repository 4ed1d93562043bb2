// What the sending half writes, the receiving half of the other end reads: sizes around every form, both roles, all cuts into
// fragments (gorilla TestFraming, with the sizes that it leaves out).
import Testing

@testable import WSProtocol

@Suite("Round trips, RFC 6455 5 and 6")
struct RoundTripTests {
  /// Cuts `count` bytes into fragments.
  enum Fragmentation: CaseIterable {
    case whole, halves, emptyAtBothEnds, thirds, sevens

    func sizes(_ count: Int) -> [Int] {
      switch self {
      case .whole: [count]
      case .halves: [count / 2, count - count / 2]
      case .emptyAtBothEnds: [0, count, 0]
      case .thirds: [count / 3, count / 3, count - 2 * (count / 3)]
      case .sevens: stride(from: 0, to: max(count, 1), by: max(7, count / 50)).map { min(max(7, count / 50), count - $0) }
      }
    }
  }

  private func send(_ bytes: [UInt8], _ kind: MessageKind, _ sizes: [Int], from engine: TestEngine) throws {
    var start = 0
    for (index, size) in sizes.enumerated() {
      let isLast = index == sizes.count - 1
      try engine.send(index == 0 ? kind : nil, Array(bytes[start..<start + size]), isFinal: isLast)
      if !isLast, index % 5 == 0 { try engine.sendControl(.pong, [UInt8(truncatingIfNeeded: index)]) }
      start += size
    }
  }

  @Test(
    "one pair of engines for all sizes and fragmentations", arguments: [Role.client, .server], [MessageKind.binary, .text])
  func allSizes(role: Role, kind: MessageKind) throws {
    let sending = TestEngine(role)
    let receiving = TestEngine(role == .client ? .server : .client, limit: 65537)
    for size in [0, 1, 2, 124, 125, 126, 127, 128, 129, 65534, 65535, 65536, 65537] {
      let bytes = kind == .text ? pattern(size).map { $0 & 0x7F } : pattern(size)
      for fragmentation in Fragmentation.allCases {
        try send(bytes, kind, fragmentation.sizes(size), from: sending)
        let stream = sending.takeOutput()
        let seen = try [0, stream.count / 2].flatMap { start in
          try receiving.run(Array(start == 0 ? stream[..<(stream.count / 2)] : stream[start...]))
        }
        #expect(seen.last == (kind == .text ? .text(bytes) : .binary(bytes)))
        #expect(seen.count == 1 + (fragmentation.sizes(size).count + 3) / 5 || size == 0)
      }
    }
    #expect(receiving.output == [])
  }
}
