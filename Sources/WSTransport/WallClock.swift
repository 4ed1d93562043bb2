// The time of day, for what servers say in dates. Deadlines never depend on it.
import CLinux

/// CLOCK_REALTIME.
public enum WallClock {
  /// Seconds since 1970 UTC.
  public static var now: Int64 { Int64(time(nil)) }
}
