// Compressed messages: unmasked where they lie in the queue and decompressed as they arrive, so that a message costs what has come
// out of it and never what it claims to hold. RFC 7692 6.2, 7.2.2.

extension Receiver {
  /// The most bytes of a message in parts that are decompressed before they are handed out.
  static let inflatedPart = 16384
  /// The room that is asked for when there is none; it doubles with the message.
  private static let inflatedRoom = 4096

  /// Some of a compressed message's frame may have arrived.
  mutating func inflate(_ header: FrameHeader, _ delivery: Delivery) throws(ProtocolError) -> Step {
    unmaskArrived(header)
    repeat {
      if delivery == .parts, assembly.count >= Self.inflatedPart { return lendInflated(isLast: false) }
      try inflateOnce(delivery)
    } while inflater?.hasMore == true
    if remaining == 0 {
      frame = nil
      if header.isFinal { return try endInflated() }
    }
    if delivery == .parts, !assembly.isEmpty { return lendInflated(isLast: false) }
    return remaining == 0 ? .again : .needMore
  }

  /// Decompresses until what has arrived is used up, or there is no room.
  private mutating func inflateOnce(_ delivery: Delivery) throws(ProtocolError) {
    let space = try roomForInflated(delivery)
    guard let (consumed, produced) = try inflater?.take(queue.bytes.cut(0, plain), into: space) else { return }
    queue.discard(consumed)
    plain = plain &- consumed
    remaining = remaining &- consumed
    assembly.commit(produced)
    try message?.grow(ByteView(start: space.baseAddress, count: produced), limit: limit)
  }

  /// At least one byte, and at most one more than the message may still have.
  private mutating func roomForInflated(_ delivery: Delivery) throws(ProtocolError) -> UnsafeMutableRawBufferPointer {
    let wanted = delivery == .parts ? Self.inflatedPart &- assembly.count : 1
    if assembly.freeSpace.count < wanted {
      do throws(OutOfMemory) { try assembly.reserve(max(wanted, Self.inflatedRoom)) } catch { throw .outOfMemory }
    }
    let space = assembly.freeSpace
    var room = delivery == .parts ? wanted : space.count
    if let left = message?.left(limit: limit), left < room { room = left &+ 1 }
    return UnsafeMutableRawBufferPointer(start: space.baseAddress, count: room)
  }

  private mutating func endInflated() throws(ProtocolError) -> Step {
    guard let kind = message?.kind, let delivery = message?.delivery else { return .again }
    try inflater?.finish()
    try message?.validate(.empty, isLast: true)
    inflater?.end()
    endMessage()
    guard delivery == .whole else { return lendInflated(isLast: true) }
    lent = .assembly
    return .arrival(.event(.message(kind, assembly.bytes)))
  }

  private mutating func lendInflated(isLast: Bool) -> Step {
    lent = .assembly
    return .arrival(.part(assembly.bytes, isLast: isLast))
  }

  /// Unmasks what has arrived of the frame, as far as that has not been done.
  private mutating func unmaskArrived(_ header: FrameHeader) {
    let arrived = min(queue.count, remaining)
    guard let key = header.maskKey, arrived > plain, let base = queue.mutableBytes.baseAddress else { return plain = arrived }
    let masked = UnsafeMutableRawBufferPointer(start: base + plain, count: arrived &- plain)
    phase = Mask.apply(masked, key: key, phase: phase)
    plain = arrived
  }
}
