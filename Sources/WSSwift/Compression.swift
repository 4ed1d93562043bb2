// What a program may choose about the compression of what it sends, the same for every kind of connection.
import WSProtocol
import WSTransport

/// How what is sent is compressed.
public typealias CompressionSettings = WSProtocol.CompressionSettings

/// A connection on which the compression of what is sent can be chosen. Without effect where compression was not agreed on. RFC 7692.
public protocol ChoosesCompression: AnyObject {
  /// Changes what holds from the next message on.
  func changeCompression(_ change: (inout CompressionSettings) -> Void)
}

extension ChoosesCompression {
  /// Whether messages are compressed, from the next one on. Default yes.
  public func setCompression(_ on: Bool) { changeCompression { $0.isOn = on } }

  /// How hard to compress: -2 (Huffman codes only), -1 (zlib's choice), 0 (stored) to 9 (smallest). Default 1. `.invalid`.
  public func setCompressionLevel(_ level: Int32) throws(WSError) {
    guard CompressionSettings.levels.contains(level) else { throw .invalid }
    changeCompression { $0.level = level }
  }

  /// How much memory compressing takes: 1 to 9, 2^(level + 9) bytes and four times the window. Default 8. `.invalid`.
  public func setCompressionMemory(_ level: Int32) throws(WSError) {
    guard CompressionSettings.memoryLevels.contains(level) else { throw .invalid }
    changeCompression { $0.memoryLevel = level }
  }

  /// Messages of fewer bytes are not compressed. Default 0. `.invalid` below 0.
  public func setCompressionThreshold(_ bytes: Int) throws(WSError) {
    guard bytes >= 0 else { throw .invalid }
    changeCompression { $0.threshold = bytes }
  }
}

extension Conn: ChoosesCompression {
  /// Changes what holds from the next message on. Any thread.
  public func changeCompression(_ change: (inout CompressionSettings) -> Void) {
    stateLock.withLock { change(&settings.compression) }
  }
}

extension LoopConnection: ChoosesCompression {
  /// Changes what holds from the next message on.
  public func changeCompression(_ change: (inout CompressionSettings) -> Void) { change(&engine.compression) }
}
