// Messages kept for later reads: in order, whole, within their limit, and where they are while a reader looks at them.
import Testing
import WSProtocol

@testable import WSSwift

@Suite struct WaitingMessagesTests {
  /// Holds what cannot be copied.
  private final class Box {
    var messages = WaitingMessages()

    func append(_ bytes: [UInt8], _ kind: MessageKind = .binary, limit: Int = .max) {
      lending(bytes) { messages.append(BorrowedMessage(kind: kind, bytes: $0), limit: limit) }
    }

    var isEmpty: Bool { messages.isEmpty }

    func next() -> [UInt8]? { messages.next()?.bytes.array }
  }

  @Test func inTheirOrder() {
    let box = Box()
    #expect(box.isEmpty && box.next() == nil)
    for size in [3, 0, 100, 70_000, 1] { box.append([UInt8](repeating: UInt8(size & 0xFF), count: size), .text) }
    #expect(!box.isEmpty)
    for size in [3, 0, 100, 70_000, 1] {
      let message = box.messages.next()
      #expect(message?.kind == .text)
      #expect(message?.bytes.array == [UInt8](repeating: UInt8(size & 0xFF), count: size))
    }
    #expect(box.isEmpty && box.next() == nil)
  }

  /// What a reader looks at stays where it is, however many more come.
  @Test func whatIsLookedAtStays() {
    let box = Box()
    box.append([1, 2, 3])
    box.append([4])
    let first = box.messages.next()
    for number in 0..<2000 { box.append([UInt8(truncatingIfNeeded: number), 5, 6, 7]) }
    #expect(first?.bytes.array == [1, 2, 3])
    box.messages.drop()
    #expect(first?.bytes.array == [1, 2, 3])
    #expect(box.isEmpty && box.next() == nil)
  }

  @Test func beyondTheLimitTheLoanItselfIsKept() {
    let box = Box()
    let large = [UInt8](repeating: 9, count: 500)
    box.append([1], limit: 100)
    #expect(box.messages.last == nil)
    lending(large) { bytes in
      box.messages.append(BorrowedMessage(kind: .binary, bytes: bytes), limit: 100)
      #expect(box.messages.last?.bytes.baseAddress == bytes.baseAddress)
      #expect(box.next() == [1])
      #expect(box.messages.last != nil)
      #expect(box.next() == large)
      #expect(box.messages.last == nil && box.next() == nil)
    }
  }

  @Test func droppedMessagesAreGone() {
    let box = Box()
    box.append([1])
    box.append([2])
    #expect(box.next() == [1])
    box.messages.drop()
    #expect(box.next() == nil)
    box.append([3])
    #expect(box.next() == [3])
  }
}
