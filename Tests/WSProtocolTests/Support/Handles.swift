// Classes around the engine's values: the testing macros copy what they look at, and a value that owns memory cannot be copied.
@testable import WSProtocol

/// A receiver with events as copies.
final class TestReceiver {
  var inner: Receiver

  init(_ role: Role, limit: UInt64 = 0, compression: DeflateParameters? = nil) {
    inner = Receiver(role: role, limit: limit)
    if let compression { inner.agree(on: compression) }
  }

  var memoryHeld: Int { inner.memoryHeld }
  var isInsideMessage: Bool { inner.isInsideMessage }
  var isClosed: Bool { inner.isClosed }
  var isAtData: Bool { inner.isAtData }
  var failure: ProtocolError? { inner.failure }

  func feed(_ bytes: [UInt8]) throws(ProtocolError) {
    try bytes.lend { (view) throws(ProtocolError) in try inner.feed(view) }
  }

  func freeSpace() throws(ProtocolError) -> UnsafeMutableRawBufferPointer { try inner.freeSpace() }

  func received(_ count: Int) { inner.received(count) }

  /// The next event, lent; nil also where a message comes in parts.
  func advance() throws(ProtocolError) -> Event? {
    guard case .event(let event) = try inner.advance() else { return nil }
    return event
  }

  /// The next event, copied.
  func next() throws(ProtocolError) -> Seen? { try advance().map(Seen.init) }

  /// Feeds, and takes all events.
  func run(_ bytes: [UInt8]) throws(ProtocolError) -> [Seen] {
    try feed(bytes)
    var seen: [Seen] = []
    while let event = try next() { seen.append(event) }
    return seen
  }
}

/// An engine with events as copies.
final class TestEngine {
  var inner: Engine

  init(_ role: Role, limit: UInt64 = 0) { inner = Engine(role: role, limit: limit) }

  var closeSent: UInt16? { inner.closeSent?.rawValue }
  var isFinished: Bool { inner.isFinished }
  var isAtEnd: Bool { inner.isAtEnd }
  var outcome: CloseOutcome { inner.handshake.outcome }
  var closeReceived: UInt16? { inner.handshake.received?.rawValue }
  var output: [UInt8] { Array(inner.output) }

  /// Feeds, and takes all events.
  func run(_ bytes: [UInt8]) throws(ProtocolError) -> [Seen] {
    if !bytes.isEmpty { try bytes.lend { (view) throws(ProtocolError) in try inner.feed(view) } }
    var seen: [Seen] = []
    while let event = try inner.nextEvent(maskKey: wireKeyNumber) { seen.append(Seen(event)) }
    return seen
  }

  func end() throws(ProtocolError) { try inner.feed(.empty) }

  func send(_ kind: MessageKind?, _ payload: [UInt8], isFinal: Bool = true) throws(SendError) {
    try payload.lend { (view) throws(SendError) in try inner.send(kind, view, isFinal: isFinal, maskKey: wireKeyNumber) }
  }

  func sendControl(_ opcode: ControlOpcode, _ payload: [UInt8]) throws(SendError) {
    try payload.lend { (view) throws(SendError) in try inner.sendControl(opcode, view, maskKey: wireKeyNumber) }
  }

  func close(_ code: UInt16, _ reason: [UInt8] = []) throws(SendError) {
    try reason.lend { (view) throws(SendError) in
      try inner.close(CloseCode(rawValue: code), reason: view, maskKey: wireKeyNumber)
    }
  }

  /// All output, taken.
  func takeOutput() -> [UInt8] {
    let bytes = output
    inner.sent(bytes.count)
    return bytes
  }
}

/// A queue with its bytes as copies.
final class TestQueue {
  var inner = ByteQueue()

  var count: Int { inner.count }
  var isEmpty: Bool { inner.isEmpty }
  var capacity: Int { inner.capacity }
  var bytes: [UInt8] { Array(inner.bytes) }
  var room: Int { inner.freeSpace.count }

  func append(_ bytes: [UInt8]) throws(OutOfMemory) {
    try bytes.lend { (view) throws(OutOfMemory) in try inner.append(view) }
  }
}
