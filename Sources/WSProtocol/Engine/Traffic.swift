// What has passed in one direction, as plain numbers: each half counts its own.

/// What has passed in one direction since the connection was opened. The opening handshake does not count.
public struct Traffic: Equatable, Sendable {
  /// Whole data messages.
  public var messages: UInt64 = 0
  /// The payload of data messages, as the application sees it.
  public var bytes: UInt64 = 0
  /// The part of `bytes` that travelled compressed. RFC 7692.
  public var compressedBytes: UInt64 = 0
  /// The size that `compressedBytes` had on the wire.
  public var deflatedBytes: UInt64 = 0
  /// All bytes of frames: payload, headers and control frames.
  public var wireBytes: UInt64 = 0
  /// Ping frames. RFC 6455 5.5.2.
  public var pings: UInt64 = 0
  /// Pong frames. RFC 6455 5.5.3.
  public var pongs: UInt64 = 0

  /// Before the first frame.
  public init() {}

  /// So many bytes have passed.
  @inline(__always) mutating func pass(_ count: Int) {
    wireBytes = wireBytes &+ UInt64(truncatingIfNeeded: count)
  }

  /// An event has arrived.
  @inline(__always) mutating func count(_ event: Event) {
    switch event {
    case .message(_, let payload):
      messages = messages &+ 1
      bytes = bytes &+ UInt64(truncatingIfNeeded: payload.count)
    case .ping: pings = pings &+ 1
    case .pong: pongs = pongs &+ 1
    case .close: return
    }
  }

  /// A frame has begun to leave.
  @inline(__always) mutating func count(_ frame: FrameHeader) {
    switch frame.opcode {
    case .text, .binary, .continuation:
      messages = messages &+ (frame.isFinal ? 1 : 0)
      bytes = bytes &+ UInt64(truncatingIfNeeded: frame.length)
    case .ping: pings = pings &+ 1
    case .pong: pongs = pongs &+ 1
    case .close: return
    }
  }
}
