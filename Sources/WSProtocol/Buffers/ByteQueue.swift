// A growing run of bytes: appended at the end, taken from the front. Receive buffers, messages being assembled, heads being
// written and strings of arguments are all of this type.
import CMemory

/// Bytes in the order they came. Growing can fail; nothing else can.
public struct ByteQueue: ~Copyable {
  private var memory = Memory()
  private var head = 0
  private var tail = 0

  /// An empty queue, which holds no memory.
  public init() {}

  /// The number of bytes in the queue.
  @inline(__always) public var count: Int { tail &- head }

  /// True when there are no bytes in the queue.
  @inline(__always) public var isEmpty: Bool { head == tail }

  /// The bytes of memory held, used or not.
  public var capacity: Int { memory.capacity }

  /// The bytes in the queue, valid until the next change.
  @inline(__always) public var bytes: UnsafeRawBufferPointer {
    guard let base = memory.base else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: base + head, count: count)
  }

  /// The bytes in the queue, to be changed in place, valid until the next change of the queue.
  @inline(__always) public var mutableBytes: UnsafeMutableRawBufferPointer {
    guard let base = memory.base else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
    return UnsafeMutableRawBufferPointer(start: base + head, count: count)
  }

  /// The last bytes of the queue, to be changed in place, valid until the next change; all of them when there are fewer.
  @inline(__always) public func mutableEnd(_ wanted: Int) -> UnsafeMutableRawBufferPointer {
    guard let base = memory.base else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
    let taken = min(max(wanted, 0), count)
    return UnsafeMutableRawBufferPointer(start: base + (tail &- taken), count: taken)
  }

  /// The memory behind the last byte: fill it, then say `commit`. Valid until the next change.
  @inline(__always) public var freeSpace: UnsafeMutableRawBufferPointer {
    guard let base = memory.base else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
    return UnsafeMutableRawBufferPointer(start: base + tail, count: memory.capacity &- tail)
  }

  /// Makes `freeSpace` at least `wanted` bytes. Moves the bytes to the front only where they are fewer than were taken from
  /// there, and grows by doubling, so that appending costs its size and no more.
  public mutating func reserve(_ wanted: Int) throws(OutOfMemory) {
    guard memory.capacity &- tail < wanted else { return }
    if head >= count { compact() }
    guard memory.capacity &- tail < wanted else { return }
    let (needed, overflow) = tail.addingReportingOverflow(wanted)
    guard !overflow else { throw OutOfMemory() }
    let doubled = memory.capacity > Int.max / 2 ? needed : memory.capacity &* 2
    try grow(to: max(needed, doubled))
  }

  /// From 4 KiB on in the sizes of `BlockPool`, which is where such blocks come from, and where the smaller one goes: so a queue that
  /// grows again and again asks the allocator for nothing.
  private mutating func grow(to size: Int) throws(OutOfMemory) {
    guard size >= BlockPool.smallest, size <= BlockPool.largest else { return try memory.resize(to: size) }
    var other = try BlockPool.take(size)
    if let source = memory.base, let target = other.base { memcpy(target, source + head, count) }
    tail = count
    head = 0
    swap(&memory, &other)
    BlockPool.give(other)
  }

  /// Adds `filled` bytes that were written to `freeSpace`; more than there is room for are not counted.
  @inline(__always) public mutating func commit(_ filled: Int) {
    tail = tail &+ min(max(filled, 0), memory.capacity &- tail)
  }

  /// Adds a copy of the bytes. On an error the queue is as it was.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(OutOfMemory) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    try reserve(bytes.count)
    guard let target = freeSpace.baseAddress else { throw OutOfMemory() }
    memcpy(target, source, bytes.count)
    tail = tail &+ bytes.count
  }

  /// Adds the text's bytes.
  @inline(never)
  public mutating func append(_ text: StaticString) throws(OutOfMemory) {
    try append(UnsafeRawBufferPointer(text))
  }

  /// Adds one byte.
  @inline(never)
  public mutating func append(_ byte: UInt8) throws(OutOfMemory) {
    try reserve(1)
    freeSpace.storeBytes(of: byte, as: UInt8.self)
    tail = tail &+ 1
  }

  /// Takes bytes away from the front; more than there are empties the queue.
  @inline(__always) public mutating func discard(_ taken: Int) {
    head = head &+ min(max(taken, 0), count)
    if head == tail {
      head = 0
      tail = 0
    }
  }

  /// Takes all bytes away and keeps the memory.
  @inline(__always) public mutating func removeAll() {
    head = 0
    tail = 0
  }

  /// Takes bytes away from the end, so that `kept` remain.
  public mutating func truncate(to kept: Int) {
    tail = head &+ min(max(kept, 0), count)
  }

  /// Takes all bytes away and gives the memory back.
  public mutating func release() {
    removeAll()
    memory.release()
  }

  /// Takes all bytes away and leaves the memory to the next connection that needs some.
  public mutating func releaseToPool() {
    removeAll()
    var given = Memory()
    swap(&given, &memory)
    BlockPool.give(given)
  }

  private mutating func compact() {
    guard head > 0, let base = memory.base else { return }
    memmove(base, base + head, count)
    tail = count
    head = 0
  }
}
