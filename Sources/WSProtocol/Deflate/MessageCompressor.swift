// Messages in, the payloads of compressed messages out. RFC 7692 7.2.1.

/// The compressor of what one end of a connection sends. One thread at a time.
public struct MessageCompressor: ~Copyable {
  private let keepsContext: Bool
  private(set) var settings: DeflateSettings
  private var deflater: Deflater?
  /// The peer's window does not hold what ours does: nothing may refer to what was before.
  private var mustForget = false
  /// A message has been begun and not been finished.
  private var isOpen = false
  /// Bytes were added that may not be in `output` yet.
  private var holdsBack = false

  /// What has been compressed and not been taken.
  public var output = ByteQueue()

  /// For what that role sends, by what was agreed. Takes no memory before the first message.
  public init(_ parameters: DeflateParameters, role: Role) {
    keepsContext = parameters.keepsContext(role)
    settings = DeflateSettings(windowBits: Int32(truncatingIfNeeded: min(max(parameters.windowBits(role), 8), 15)))
  }

  /// For messages that stand alone.
  init(_ settings: DeflateSettings) {
    keepsContext = false
    self.settings = settings
  }

  /// -2 (Huffman codes only), -1 (zlib's choice), 0 (stored) to 9 (smallest); 1 at first. Another one counts from the next message on,
  /// which then refers to nothing before it.
  public var level: Int32 {
    get { settings.level }
    set { settings.level = min(max(newValue, -2), 9) }
  }

  /// 1 (least memory) to 9; 8 at first. Counts as `level` does.
  public var memoryLevel: Int32 {
    get { settings.memoryLevel }
    set { settings.memoryLevel = min(max(newValue, 1), 9) }
  }

  // MARK: - A whole message

  /// The payload of a message, borrowed until the next call. After an error it is as if `forget` had been called.
  public mutating func compress(_ message: ByteView) throws(OutOfMemory) -> ByteView {
    output.removeAll()
    isOpen = false
    do throws(OutOfMemory) {
      try finish(message)
    } catch {
      forget()
      throw error
    }
    return output.bytes
  }

  // MARK: - A message in parts

  /// Compresses the next part of a message; what comes of it is in `output` now or later. After an error of this, `flush` or `finish`
  /// the message cannot go on: call `forget`.
  public mutating func add(_ part: ByteView) throws(OutOfMemory) {
    guard !part.isEmpty else { return }
    try deflate(part, .none)
    holdsBack = true
  }

  /// Puts all that was added, and this, into `output`, so that the peer can have it. The message goes on.
  public mutating func flush(_ part: ByteView = .empty) throws(OutOfMemory) {
    guard holdsBack || !part.isEmpty else { return }
    try deflate(part, .all)
    holdsBack = false
  }

  /// Puts the rest of the message, the last of which is this, into `output`.
  public mutating func finish(_ part: ByteView = .empty) throws(OutOfMemory) {
    if holdsBack || !part.isEmpty {
      try flush(part)
      // RFC 7692 7.2.1: the receiver puts the tail back.
      let tail = Inflater.messageTail
      let kept = output.count &- tail.count
      guard output.bytes.cut(from: kept).equals(tail) else { throw OutOfMemory() }
      output.truncate(to: kept)
    } else {
      // Nothing since the last flush, where zlib would say nothing: an empty block without its tail. RFC 7692 7.2.3.6.
      try output.reserve(BlockPool.smallest)
      try output.append(0)
    }
    isOpen = false
  }

  private mutating func deflate(_ part: ByteView, _ flush: Deflater.Flush) throws(OutOfMemory) {
    if !isOpen { try begin() }
    try deflater?.deflate(part, flush, to: &output)
  }

  // MARK: - Between messages

  /// The peer did not get what was compressed last, or got something that was not compressed here: from now on nothing refers to what
  /// was before, which every decompressor understands. Drops `output`, and a message that is open.
  public mutating func forget() {
    output.removeAll()
    isOpen = false
    holdsBack = false
    mustForget = true
  }

  /// Gives back what need not be held between messages: without context takeover all of it.
  public mutating func releaseIfIdle() {
    guard !isOpen else { return }
    if !keepsContext || mustForget { deflater = nil }
    output.releaseToPool()
  }

  private mutating func begin() throws(OutOfMemory) {
    if deflater?.settings == settings {
      if !keepsContext || mustForget { deflater?.reset() }
    } else {
      // The old one first, which may be the one that the pool gives back.
      deflater = nil
      deflater = try Deflater(settings)
    }
    mustForget = false
    isOpen = true
  }
}
