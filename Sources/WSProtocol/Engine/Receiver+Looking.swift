// What comes next, without taking it: for whoever may take control frames and must leave messages to somebody else.

extension Receiver {
  /// A data frame has begun, or the next byte begins one. False where nothing has arrived: `advance` then takes no message.
  public var isAtData: Bool {
    guard !isClosed, failure == nil else { return false }
    if let frame { return !frame.opcode.isControl }
    // RFC 6455 5.2: the high bit of an opcode tells control frames.
    guard let first = queue.bytes.cut(from: lentFromQueue).first else { return false }
    return first & 0x08 == 0
  }

  /// A message is being handed out in parts, or would be if its next frame were here.
  public var isInParts: Bool {
    switch message?.delivery {
    case .parts: true
    case .whole, nil: false
    }
  }
}
