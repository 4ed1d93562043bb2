// What the peer compressed becomes plain again, message by message. RFC 7692 7.2.2.
//
// Where the peer keeps no context between messages a decompressor is there only while one is arriving.

/// The decompressor of what a peer sends.
struct MessageInflater: ~Copyable {
  private let windowBits: Int
  private let keepsContext: Bool
  private var inflater: Inflater?
  /// Something has been taken of this message.
  private var hasBegun = false
  /// The last call did not get to the end of its input: there was no room, or something is wrong behind what came out. Call again.
  private(set) var hasMore = false

  /// What was agreed, and the role of the peer.
  init(_ parameters: DeflateParameters, sender: Role) {
    windowBits = parameters.windowBits(sender)
    keepsContext = parameters.keepsContext(sender)
  }

  /// Before the first byte of a message.
  mutating func begin() throws(ProtocolError) {
    hasBegun = false
    hasMore = false
    guard inflater == nil else { return }
    do throws(OutOfMemory) { inflater = try Inflater(windowBits: windowBits) } catch { throw .outOfMemory }
  }

  /// Takes all of the input, unless `hasMore` afterwards. `space` is not empty.
  mutating func take(
    _ input: ByteView, into space: UnsafeMutableRawBufferPointer
  ) throws(ProtocolError) -> (consumed: Int, produced: Int) {
    guard hasMore || !input.isEmpty else { return (0, 0) }
    hasBegun = true
    let (consumed, produced): (Int, Int)
    do throws(InflateError) {
      (consumed, produced) = try inflater?.inflate(input, into: space) ?? (0, 0)
    } catch {
      throw error == .outOfMemory ? .outOfMemory : .corruptDeflate
    }
    hasMore = produced == space.count || consumed < input.count || inflater?.failure != nil
    guard !hasMore || consumed &+ produced > 0 else { throw .corruptDeflate }
    return (consumed, produced)
  }

  /// Behind the last byte of a message, of which everything has come out: the tail that the peer left out must be a block of its own.
  /// A message without any payload is taken for an empty one: there is nothing that a tail could complete.
  mutating func finish() throws(ProtocolError) {
    guard hasBegun else { return }
    var space: UInt64 = 0
    let produced = try withUnsafeMutableBytes(of: &space) { (space) throws(ProtocolError) in
      try take(Inflater.messageTail, into: space).produced
    }
    guard produced == 0, !hasMore, inflater?.isBetweenBlocks == true else { throw .corruptDeflate }
  }

  /// The message is complete, or will never be.
  mutating func end() {
    if !keepsContext { inflater = nil }
  }

  /// No message will come any more.
  mutating func release() { inflater = nil }
}
