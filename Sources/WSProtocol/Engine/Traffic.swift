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

  /// A whole message of so many bytes has passed; `onWire` is what it took compressed, nil where it was not.
  @inline(__always) mutating func countMessage(_ size: UInt64, onWire: UInt64?) {
    messages = messages &+ 1
    bytes = bytes &+ size
    guard let onWire else { return }
    compressedBytes = compressedBytes &+ size
    deflatedBytes = deflatedBytes &+ onWire
  }

  /// A ping has passed.
  @inline(__always) mutating func countPing() { pings = pings &+ 1 }

  /// A pong has passed.
  @inline(__always) mutating func countPong() { pongs = pongs &+ 1 }

  /// A pong that was counted does not pass after all.
  mutating func uncountPong() { pongs = pongs &- 1 }

  /// A frame has begun to leave.
  @inline(__always) mutating func count(_ frame: OutgoingFrame) {
    switch frame.header.opcode {
    case .text, .binary, .continuation:
      messages = messages &+ (frame.header.isFinal ? 1 : 0)
      let onWire = UInt64(truncatingIfNeeded: frame.header.length)
      let plain = frame.plainCount.map { UInt64(truncatingIfNeeded: $0) }
      bytes = bytes &+ (plain ?? onWire)
      guard let plain else { return }
      compressedBytes = compressedBytes &+ plain
      deflatedBytes = deflatedBytes &+ onWire
    case .ping: countPing()
    case .pong: countPong()
    case .close: return
    }
  }
}
