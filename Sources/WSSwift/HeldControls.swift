// What the background service has taken from the stream and may not tell: it waits for a thread that may call handlers.
import WSProtocol

/// A control frame that waits for a thread which may call its handler.
enum HeldControl {
  case ping(ControlPayload)
  case pong(ControlPayload)
  case close(CloseCode, ControlPayload)

  /// nil for what is no control frame.
  init?(_ event: Event) {
    switch event {
    case .message: return nil
    case .ping(let payload): self = .ping(ControlPayload(payload))
    case .pong(let payload): self = .pong(ControlPayload(payload))
    case .close(let code, let reason): self = .close(code, ControlPayload(reason))
    }
  }

  func withEvent<E: Error>(_ body: (Event) throws(E) -> Void) throws(E) {
    switch self {
    case .ping(let payload): try payload.withBytes { (bytes) throws(E) in try body(.ping(bytes)) }
    case .pong(let payload): try payload.withBytes { (bytes) throws(E) in try body(.pong(bytes)) }
    case .close(let code, let payload): try payload.withBytes { (bytes) throws(E) in try body(.close(code, reason: bytes)) }
    }
  }
}

/// The last pongs that came while only the service read, oldest first. A peer that answers pings must not stop the service, and one
/// that sends pongs without end must not fill memory; nothing is missed either, for a pong answers all pings before it. RFC 6455 5.5.3.
struct HeldPongs: ~Copyable {
  private static let limit = 8
  private var count = 0
  /// Each is its length in one byte, and its payload.
  private var frames = ByteQueue()

  var isEmpty: Bool { count == 0 }

  /// False: there is no memory.
  @_optimize(size) @inline(never)
  mutating func append(_ payload: ByteView) -> Bool {
    let size = min(payload.count, 125)
    do throws(OutOfMemory) {
      try frames.reserve(size &+ 1)
      if count == Self.limit { discardFirst() }
      try frames.append(UInt8(truncatingIfNeeded: size))
      try frames.append(payload.cut(0, size))
    } catch {
      return false
    }
    count &+= 1
    return true
  }

  /// Takes the oldest out; nil when there is none.
  @_optimize(size) @inline(never)
  mutating func takeFirst() -> HeldControl? {
    guard count > 0 else { return nil }
    let first = ControlPayload(frames.bytes.cut(1, 1 &+ Int(frames.bytes[0])))
    discardFirst()
    if count == 0 { frames.releaseToPool() }
    return .pong(first)
  }

  private mutating func discardFirst() {
    frames.discard(1 &+ Int(frames.bytes[0]))
    count &-= 1
  }
}
