// Compressed messages of the sending half: whole ones, and those whose frames the user makes. RFC 7692 7.2.1.
//
// What has been compressed is in the peer's window only when it was sent. So a message that was not sent after all is forgotten, with
// all that was before: the next one refers to nothing, which every decompressor understands.

extension Sender {
  /// Compression was agreed on.
  public mutating func agree(on parameters: DeflateParameters) { compressor = MessageCompressor(parameters, role: role) }

  /// Whether a message of that size will be compressed. `isWhole`: its size is known.
  public func compresses(_ size: Int, isWhole: Bool = true, _ isWanted: Bool) -> Bool {
    guard compressor != nil, compression.isOn, isWanted else { return false }
    return !isWhole || size >= compression.threshold
  }

  /// Compresses a whole message, or a part of one with all that the peer needs to decompress it. Borrowed until `finish`.
  mutating func compress(_ payload: Payload, isFirst: Bool, isFinal: Bool) throws(SendError) -> ByteView {
    if isFirst { applyCompression() }
    do throws(OutOfMemory) {
      var number = 0
      while number < payload.partCount &- 1 {
        try compressor?.add(payload.part(number))
        number = number &+ 1
      }
      // The last part is compressed by the call that ends it, which costs less than one more.
      let last = payload.part(number)
      if isFinal { try compressor?.finish(last) } else { try compressor?.flush(last) }
    } catch {
      giveUp()
      throw .outOfMemory
    }
    return compressor?.output.bytes ?? .empty
  }

  /// Settings count from the message that begins now.
  mutating func applyCompression() {
    compressor?.level = compression.level
    compressor?.memoryLevel = compression.memoryLevel
  }

  /// A frame of `dataFrame` has left, or it will not: then it is as if it had not been made.
  public mutating func finish(_ frame: OutgoingFrame, wasSent: Bool) {
    guard frame.plainCount != nil else { return }
    guard wasSent else { return giveUp() }
    compressor?.output.removeAll()
    if frame.header.isFinal { compressor?.releaseIfIdle() }
  }

  /// What has been compressed last is not sent. A message of which frames have left cannot go on then.
  mutating func giveUp() {
    compressor?.forget()
    compressor?.releaseIfIdle()
    if messageIsOpen { isStuck = true }
  }
}
