// The environment of the process, as far as a library may believe it.
import CLinux

/// Variables that whoever started the process has set.
public enum Environment {
  /// The value of a variable; empty when it is not set, and in a process that has more rights than whoever started it (setuid, say).
  /// Borrowed until the process changes its environment, which no other thread may do meanwhile.
  @inline(__always)
  public static func value(of name: StaticString) -> UnsafeRawBufferPointer {
    // String literals are NUL-terminated.
    let name = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    guard let value = secure_getenv(name) else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: value, count: strlen(value))
  }
}
