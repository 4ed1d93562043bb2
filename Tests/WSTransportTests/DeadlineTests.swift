// Deadlines saturate instead of overflowing, and say exactly what is left.
import Testing

@testable import WSTransport

@Suite struct DeadlineTests {
  @Test func neverIsNotPast() {
    #expect(!Deadline.never.isPast)
    #expect(Deadline.never.pollTimeout == -1)
    #expect(Deadline.never.adding(milliseconds: -5) == .never)
  }

  @Test func saturates() {
    #expect(Deadline.after(milliseconds: .max) == .never)
    #expect(Deadline.after(milliseconds: .min).nanoseconds == 1)
    #expect(Deadline(nanoseconds: .max - 1).adding(milliseconds: 1) == .never)
    #expect(Deadline(nanoseconds: .min).pollTimeout == 0)
    #expect(Deadline(nanoseconds: .min).isPast)
  }

  @Test func isAtLeastOne() {
    // 0 means "the configured timeout" at the C face.
    #expect(Deadline(nanoseconds: 1_000_000).adding(milliseconds: -1).nanoseconds == 1)
  }

  @Test func recentlyIsHardlyBeforeNow() {
    let before = Deadline.now.nanoseconds
    let recently = Deadline.recently.nanoseconds
    #expect(recently <= Deadline.now.nanoseconds && recently > before - 50_000_000)
  }

  @Test func countsDown() {
    let soon = Deadline.after(milliseconds: 50)
    #expect(soon.pollTimeout > 0 && soon.pollTimeout <= 50_000_000)
    #expect(!soon.isPast)
    #expect(Deadline.after(milliseconds: -50).isPast)
    #expect(Deadline.after(milliseconds: -50).pollTimeout == 0)
  }

  @Test func earlierIsTheSmaller() {
    let first = Deadline(nanoseconds: 5)
    #expect(Deadline.earlier(first, .never) == first)
    #expect(Deadline.earlier(.never, first) == first)
  }
}
