// Bytes that wait: what the transport did not take of our records, and what was received before TLS began.
import COpenSSL

/// A row of bytes that grows at its end and shrinks at its beginning. Holds no memory while it is empty.
struct Backlog: ~Copyable {
  private var memory: UnsafeMutableRawPointer?
  private var start = 0
  private var end = 0
  private var capacity = 0

  var isEmpty: Bool { start == end }

  /// What waits, borrowed until the next change.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: memory.map { UnsafeRawPointer($0) + start }, count: end &- start)
  }

  /// Adds a copy. False without memory; then nothing was added.
  mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let source = bytes.baseAddress, !bytes.isEmpty else { return true }
    guard reserve(bytes.count), let memory else { return false }
    memcpy(memory + end, source, bytes.count)
    end &+= bytes.count
    return true
  }

  /// Drops bytes at the beginning.
  mutating func discard(_ count: Int) {
    start &+= min(count, end &- start)
    guard start == end else { return }
    free(memory)
    memory = nil
    start = 0
    end = 0
    capacity = 0
  }

  /// Takes bytes out, as many as there is room for.
  mutating func take(into room: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(room.count, end &- start)
    guard count > 0, let target = room.baseAddress, let source = bytes.baseAddress else { return 0 }
    memcpy(target, source, count)
    discard(count)
    return count
  }

  private mutating func reserve(_ more: Int) -> Bool {
    guard more > capacity &- end else { return true }
    let (wanted, isTooMuch) = end.addingReportingOverflow(more)
    guard !isTooMuch, let grown = realloc(memory, max(wanted, 4096)) else { return false }
    memory = grown
    capacity = max(wanted, 4096)
    return true
  }

  deinit { free(memory) }
}
