// What waits for a thread that may call handlers: control frames as they came, and the last pongs within their bound.
import Testing
import WSProtocol

@testable import WSSwift

@Suite struct HeldControlsTests {
  private func taken(_ pongs: inout HeldPongs) -> [[UInt8]] {
    var all: [[UInt8]] = []
    while let payload = first(&pongs) { all.append(payload) }
    return all
  }

  private func first(_ pongs: inout HeldPongs) -> [UInt8]? {
    guard case .pong(let payload) = pongs.takeFirst() else { return nil }
    return payload.withBytes { $0.array }
  }

  @Test(arguments: [0, 1, 7, 8, 9, 30]) func theLastEightInTheirOrder(count: Int) {
    var pongs = HeldPongs()
    for _ in 0..<3 {
      let sent = (0..<count).map { number in [UInt8](repeating: UInt8(number), count: (number * 37) % 126) }
      for payload in sent { #expect(lending(payload) { pongs.append($0) }) }
      #expect(taken(&pongs) == Array(sent.suffix(8)))
      #expect(first(&pongs) == nil)
    }
  }

  /// Taken and given in turn, as a reader and the service do.
  @Test func beyondAnyOneBlock() {
    var pongs = HeldPongs()
    var expected: [[UInt8]] = []
    for number in 0..<5000 {
      let payload = [UInt8](repeating: UInt8(number & 0xFF), count: number % 126)
      #expect(lending(payload) { pongs.append($0) })
      expected = (expected + [payload]).suffix(8)
      if number % 3 == 0 { #expect(first(&pongs) == expected.removeFirst()) }
    }
    #expect(taken(&pongs) == expected)
  }

  /// The service stops in front of that pong, as if none could be kept.
  @Test func withoutMemoryNothingIsLost() {
    var pongs = HeldPongs()
    Memory.failAllocation(1)
    let wasKept = lending([1]) { pongs.append($0) }
    Memory.failAllocation(0)
    #expect(!wasKept && pongs.isEmpty)
    #expect(lending([2]) { pongs.append($0) })
    #expect(taken(&pongs) == [[2]])
  }

  @Test func whatIsNoControlFrameIsNotHeld() {
    #expect(HeldControl(.message(.text, ByteView.empty)) == nil)
    #expect(HeldControl(.close(.normal, reason: ByteView.empty)) != nil)
  }
}
