// Descriptors that were taken by a call which could not use them.
import CLinux

/// Plain descriptors, before they are sockets of ours.
public enum Descriptor {
  /// Closes a descriptor; a negative number is none.
  public static func close(_ number: Int32) {
    guard number >= 0 else { return }
    _ = CLinux.close(number)
  }
}
