// The few files that the library opens by itself.
import CLinux

/// Looks at files.
public enum Files {
  /// Why a path, NUL-terminated, is no directory that can be listed: an errno; nil when it is one.
  public static func problem(withDirectory path: UnsafePointer<CChar>) -> Int32? {
    let descriptor = clinux_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return clinux_errno() }
    close(descriptor)
    return nil
  }
}

/// A file to which lines are added and that nobody else may read: for secrets.
public final class PrivateLog: @unchecked Sendable {
  private let descriptor: Int32

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Opens the file at a path, NUL-terminated, or makes it, for its owner alone (0600, also when it was there before). Links,
  /// files of other users and what is no regular file are refused. Throws `.system`, `.noDescriptors`, `.outOfMemory`.
  public static func open(_ path: UnsafePointer<CChar>) throws(TransportError) -> PrivateLog {
    // O_NONBLOCK, because opening a pipe that nobody reads would wait.
    let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
    let descriptor = clinux_open(path, flags, 0o600)
    guard descriptor >= 0 else { throw .last }
    let log = PrivateLog(descriptor)
    guard clinux_is_ours_alone(descriptor) != 0 else { throw .system(EINVAL) }
    guard fchmod(descriptor, 0o600) == 0 else { throw .last }
    return log
  }

  /// Adds a line, as one write, so that lines of several threads and processes do not mix. What cannot be written is lost. Any thread.
  public func add(_ line: UnsafeRawBufferPointer) {
    clinux_write_line(descriptor, line.baseAddress, line.count)
  }

  deinit { close(descriptor) }
}
