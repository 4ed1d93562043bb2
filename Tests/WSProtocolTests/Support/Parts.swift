// What a receiver does with some bytes when messages come in parts, put together again: it must be what it does with whole messages.
import Testing

@testable import WSProtocol

/// What a receiver tells of the bytes when they come in these chunks and messages in parts; a message is noted at its end.
func seenInParts(
  _ role: Role, limit: UInt64, compression: DeflateParameters?, _ bytes: [UInt8], cuts: [Int]
) -> [Seen] {
  let receiver = TestReceiver(role, limit: limit, compression: compression)
  receiver.inner.delivery = .parts
  var seen: [Seen] = []
  var message: (kind: MessageKind, bytes: [UInt8])?
  func note(_ arrival: Arrival) {
    switch arrival {
    case .event(let event): seen.append(Seen(event))
    case .begin(let kind):
      #expect(message == nil)
      message = (kind, [])
    case .part(let part, let isLast):
      #expect(!part.isEmpty || isLast)
      message?.bytes += Array(part)
      guard isLast, let whole = message else { return }
      seen.append(whole.kind == .text ? .text(whole.bytes) : .binary(whole.bytes))
      message = nil
    }
  }
  var start = 0
  do {
    for end in cuts + [bytes.count] where end > start {
      try receiver.feed(Array(bytes[start..<end]))
      while let arrival = try receiver.inner.advance() { note(arrival) }
      start = end
    }
  } catch {
    seen.append(.error(error))
  }
  return seen
}

/// A row: parts that are put together are what whole messages are, whatever way the bytes come.
func expectSameInParts(
  _ role: Role, limit: UInt64 = 0, compression: DeflateParameters? = nil, _ bytes: [UInt8],
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let whole = observe(role, limit: limit, compression: compression, bytes).seen
  let positions = bytes.count <= 400 ? Array(0..<bytes.count) : Array(stride(from: 0, to: bytes.count, by: 4099))
  for cuts in positions.map({ [$0] }) + [Array(stride(from: 0, to: bytes.count, by: bytes.count <= 4000 ? 1 : 977))] {
    let parts = seenInParts(role, limit: limit, compression: compression, bytes, cuts: cuts)
    guard parts != whole else { continue }
    Issue.record("cut at \(cuts.prefix(3)): \(parts) is not \(whole)", sourceLocation: sourceLocation)
    return
  }
}
