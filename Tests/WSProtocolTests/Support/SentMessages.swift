// A sending half and the peer that decompresses what it sends.
import Testing

@testable import WSProtocol

/// A sender with compression, and what its peer has understood.
final class CompressingSender {
  var inner: Sender
  /// First byte and payload of each frame that was sent.
  var frames: [(first: UInt8, payload: [UInt8])] = []
  /// The messages that the peer got.
  private(set) var messages: [[UInt8]] = []
  private let parameters: DeflateParameters
  private let inflater: TestInflater
  private var open: [UInt8] = []
  private var openIsCompressed = false

  init(_ parameters: DeflateParameters = DeflateParameters(), _ role: Role = .server) throws {
    self.parameters = parameters
    inner = Sender(role: role)
    inner.agree(on: parameters)
    inflater = try TestInflater(windowBits: parameters.windowBits(role))
  }

  /// Makes a frame of a message; `isSent`: whether it leaves.
  func send(
    _ bytes: [UInt8], kind: MessageKind? = .binary, isFinal: Bool = true, compressed: Bool = true, isSent: Bool = true
  ) throws {
    try bytes.withUnsafeBytes { view in
      let frame = try inner.dataFrame(
        kind, isFinal: isFinal, payload: Payload(view), compressed: compressed, maskKey: wireKeyNumber)
      if isSent { try leave(frame) }
      inner.finish(frame, wasSent: isSent)
    }
  }

  /// The frame leaves and arrives.
  func leave(_ frame: OutgoingFrame) throws {
    var frame = frame
    let space = UnsafeMutableRawBufferPointer.allocate(byteCount: max(frame.left, 14), alignment: 1)
    defer { space.deallocate() }
    let count = frame.fill(space)
    inner.begin(frame)
    var payload = Array(space[frame.header.size..<count])
    if frame.header.maskKey != nil { payload = masked(payload, wireKey) }
    frames.append((space[0], payload))
    try receive(payload, frame.header)
  }

  private func receive(_ payload: [UInt8], _ header: FrameHeader) throws {
    if header.opcode != .continuation { openIsCompressed = header.isCompressed }
    #expect(header.opcode != .continuation || !header.isCompressed)
    open += openIsCompressed ? try inflater.inflate(payload) : payload
    guard header.isFinal else { return }
    if openIsCompressed {
      open += try inflater.inflate([0x00, 0x00, 0xFF, 0xFF])
      #expect(inflater.isBetweenBlocks)
      if !parameters.keepsContext(inner.role) { inflater.reset() }
    }
    messages.append(open)
    open = []
  }

  /// What of the message that is open has arrived.
  var arrived: [UInt8] { open }

  // MARK: - Messages in pieces

  /// Carries a step out; its frame is made twice, as when it could not be sent at first.
  func step(_ number: UInt64, _ step: StreamStep) throws {
    if try inner.streamNeedsFrame(number, step) {
      _ = try inner.streamFrame(step, maskKey: wireKeyNumber)
      try leave(inner.streamFrame(step, maskKey: wireKeyNumber))
    }
    try inner.finishStream(step)
  }

  func add(_ number: UInt64, _ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try step(number, .add($0)) } }

  /// A message in pieces of that size.
  func stream(_ bytes: [UInt8], piece: Int, limit: Int, compressed: Bool = true) throws {
    let number = try inner.openStream(.text, limit: limit, compressed: compressed)
    for start in stride(from: 0, to: bytes.count, by: piece) {
      try add(number, Array(bytes[start..<min(start + piece, bytes.count)]))
    }
    try step(number, .end)
  }
}
