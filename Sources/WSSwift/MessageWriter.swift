// Writing a message in pieces, whose size need not be known when it begins.
import WSProtocol
import WSTransport

/// A message that is being written in pieces. Any thread; what several threads write is in the order in which they get there.
///
/// While it is open other messages are refused with `.send(.messageOpen)`, control frames pass. It holds the connection until `close`,
/// which alone ends it, also when nothing more is to be said. After `.timeout` and `.wouldBlock` nothing was taken and the call may be
/// repeated, of `close` only `close` itself. Of a compressed message what `write` brings may leave with a later call; after `.outOfMemory`
/// it is over.
public struct MessageWriter: Sendable {
  /// Tells the message from the others of its connection.
  public let number: UInt64
  private let conn: Conn

  /// The message of that number; when it has been ended, or never was, every call fails.
  public init(_ conn: Conn, number: UInt64) {
    self.conn = conn
    self.number = number
  }

  /// Adds bytes. They leave when the write buffer is full; then the call sends one frame at most. `.send(.noMessageOpen)` when the
  /// message has been ended; others as `Conn.write`. RFC 6455 5.4.
  public func write(_ bytes: ByteView) throws(WSError) { try conn.step(number, .add(bytes)) }

  /// Sends what is in the buffer now, as a frame that is not the last; nothing where it is empty. Errors as `write`.
  public func flush() throws(WSError) { try conn.step(number, .flush) }

  /// Ends the message with its last frame: the only one, where everything fitted into the buffer. Errors as `write`.
  public func close() throws(WSError) { try conn.step(number, .end) }
}

extension Conn {
  /// Begins a message that is written in pieces. `compressed`: whether it may be compressed. `.send(.messageOpen)` while another one
  /// is open, others as `write`. RFC 6455 5.4.
  public func nextWriter(_ kind: MessageKind, compressed: Bool = true) throws(WSError) -> MessageWriter {
    let now = stateLock.withLock { settings }
    return try asWriter(within: now.limit) { () throws(WSError) in
      apply(now)
      let number = try allowed { () throws(SendError) in
        try sender.openStream(kind, limit: now.writeBuffer, compressed: compressed)
      }
      return MessageWriter(self, number: number)
    }
  }

  fileprivate func step(_ number: UInt64, _ step: StreamStep) throws(WSError) {
    let limit = writeLimit()
    try asWriter(within: limit) { () throws(WSError) in
      if try allowed({ () throws(SendError) in try sender.streamNeedsFrame(number, step) }) {
        try clearTheWay(within: limit)
        try transmit(allowed { () throws(SendError) in try sender.streamFrame(step, maskKey: maskKey()) }, within: limit)
      }
      try allowed { () throws(SendError) in try sender.finishStream(step) }
    }
  }

  /// The most bytes of a streamed message that are kept for its next frame, from the next message on; at least 1. Default 16 KiB.
  public func setWriteBuffer(_ bytes: Int) {
    stateLock.withLock { settings.writeBuffer = max(bytes, 1) }
  }
}
