// Messages that are JSON documents: checked as RFC 8259 has them, and left as text for a library of the program's choice.
import WSProtocol
import WSTransport

extension Conn {
  /// Waits for the next data message, text or binary, and lends it when it is one JSON document; nil when the peer has closed with
  /// 1000, 1001 or no code. `.notJSON`: the message is gone, and the next read goes on behind it. Otherwise as `read`. RFC 8259.
  public func readJSON() throws(WSError) -> ByteView? {
    guard let message = try read() else { return nil }
    do throws(JSONError) {
      try JSONText.check(message.bytes)
    } catch {
      stateLock.withLock { lastReadFailure = .notJSON(error) }
      throw .notJSON(error)
    }
    return message.bytes
  }

  /// Sends one JSON document as a text message. `.refusedJSON`: it is none, and nothing was sent. Otherwise as `write(_:_:)`.
  /// RFC 8259.
  public func writeJSON(_ text: ByteView) throws(WSError) {
    try requireOwnProcess()
    do throws(JSONError) {
      try JSONText.check(text)
    } catch {
      stateLock.withLock { lastWriteFailure = .refusedJSON(error) }
      throw .refusedJSON(error)
    }
    try write(.text, text)
  }
}
