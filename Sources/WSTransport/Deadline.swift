// Points in time: absolute CLOCK_MONOTONIC nanoseconds, as everywhere in the API, so that no step restarts the clock.
import CLinux

/// The moment until which something may take.
public struct Deadline: Sendable, Equatable {
  /// CLOCK_MONOTONIC, in nanoseconds.
  public let nanoseconds: Int64

  /// A deadline at this moment of CLOCK_MONOTONIC.
  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// The deadline that never comes.
  public static let never = Deadline(nanoseconds: .max)

  /// This moment.
  public static var now: Deadline {
    Deadline(nanoseconds: clinux_now())
  }

  /// This moment or up to 10 ms before it, for what happens with every message.
  public static var recently: Deadline {
    Deadline(nanoseconds: clinux_recently())
  }

  /// So many milliseconds from now; a negative number lies in the past. Saturates at `never`, and is at least 1, because 0
  /// means "the configured timeout" in C.
  public static func after(milliseconds: Int64) -> Deadline {
    now.adding(milliseconds: milliseconds)
  }

  /// So many milliseconds later, saturating as `after(milliseconds:)` does. `never` stays `never`.
  public func adding(milliseconds: Int64) -> Deadline {
    if self == .never { return .never }
    let (span, tooLong) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    let (sum, tooLate) = nanoseconds.addingReportingOverflow(span)
    if tooLong || tooLate {
      return milliseconds > 0 ? .never : Deadline(nanoseconds: 1)
    }
    return Deadline(nanoseconds: max(sum, 1))
  }

  /// Whether the moment has come.
  public var isPast: Bool {
    self != .never && nanoseconds <= clinux_now()
  }

  /// The one that comes first.
  public static func earlier(_ first: Deadline, _ second: Deadline) -> Deadline {
    first.nanoseconds <= second.nanoseconds ? first : second
  }

  /// Nanoseconds left, at least 0; -1 for `never`. Exact, so that a wait neither ends early nor spins over a fraction of a
  /// millisecond.
  public var pollTimeout: Int64 {
    if self == .never { return -1 }
    let (left, isFar) = nanoseconds.subtractingReportingOverflow(clinux_now())
    if isFar { return nanoseconds > 0 ? .max : 0 }
    return max(left, 0)
  }
}
