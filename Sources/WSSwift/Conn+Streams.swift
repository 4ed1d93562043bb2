// Messages without their boundaries: all of them as one stream of bytes, or dropped.
import WSProtocol
import WSTransport

/// Where a stream over all messages stands. Owned by the reading half.
struct JoinedMessages {
  enum Place {
    case betweenMessages
    case insideMessage
    /// So many bytes of the terminator have been handed out.
    case insideTerminator(Int)
  }

  var place = Place.betweenMessages
  /// The message that the stream is in or has just left.
  var number: UInt64 = 0
}

extension Conn {
  /// Reads all messages as one stream of bytes, with the terminator behind each, behind empty ones too: waits for at least one byte,
  /// then takes what is there. Without terminator that is a plain byte stream. nil when the peer has closed with 1000, 1001 or no
  /// code; `.closed` when it does so in the middle of a message. Other reads in between pass over the rest of the message, and its
  /// terminator. Errors as `read`.
  public func readJoined(
    into space: UnsafeMutableRawBufferPointer, terminator: ByteView = .empty
  ) throws(WSError) -> Int? {
    try asReader { (limits) throws(WSError) in
      guard !space.isEmpty else { return 0 }
      guard var filled = try nextJoined(space, terminator, within: limits) else { return nil }
      while filled > 0, filled < space.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: space[filled...])
        do throws(WSError) {
          guard let more = try nextJoined(rest, terminator, within: .buffered) else { break }
          filled = filled &+ more
        } catch {
          // What ended reading comes again with the next call.
          break
        }
      }
      return filled
    }
  }

  private func nextJoined(
    _ space: UnsafeMutableRawBufferPointer, _ terminator: ByteView, within limits: ReadLimits
  ) throws(WSError) -> Int? {
    if !open.isOpen(for: joined.number) { joined.place = .betweenMessages }
    while true {
      switch joined.place {
      case .betweenMessages:
        guard try startReader(within: limits) != nil else { return nil }
        joined = JoinedMessages(place: .insideMessage, number: open.number)
      case .insideMessage:
        if let part = try part(of: joined.number, within: limits) { return copy(part, to: space) }
        joined.place = .insideTerminator(0)
      case .insideTerminator(let passed):
        let part = terminator.cut(from: passed).cut(0, space.count)
        let isWhole = passed &+ part.count >= terminator.count
        // Once all of it has gone the next one may be another.
        joined.place = isWhole ? .betweenMessages : .insideTerminator(passed &+ part.count)
        guard part.isEmpty else {
          space.copyMemory(from: part)
          return part.count
        }
      }
    }
  }

  /// Reads and drops messages until the connection ends, and answers control frames: for programs that only write. Returns when the
  /// peer has closed with 1000, 1001 or no code; another end is the error that `read` gives. Nothing is kept of what arrives.
  public func discardMessages() throws(WSError) {
    try asReader { (limits) throws(WSError) in
      open.passOver()
      kept = nil
      waiting.drop()
      receiver.endKept()
      _ = try receive(.end, within: limits)
    }
  }
}
