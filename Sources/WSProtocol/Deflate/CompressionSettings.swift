// What a program may choose about the compression of what it sends, where permessage-deflate was agreed on.

/// How messages are compressed. Looked at when a message begins.
public struct CompressionSettings: Equatable, Sendable {
  /// Whether messages are compressed at all.
  public var isOn = true
  /// -2 (Huffman codes only), -1 (zlib's choice), 0 (stored) to 9 (smallest).
  public var level: Int32 = 1
  /// How much memory zlib takes: 1 to 9.
  public var memoryLevel: Int32 = 8
  /// Messages of fewer bytes are sent as they are.
  public var threshold = 0

  /// The levels that there are.
  public static let levels: ClosedRange<Int32> = -2...9
  /// The memory levels that there are.
  public static let memoryLevels: ClosedRange<Int32> = 1...9

  /// The defaults.
  public init() {}
}
