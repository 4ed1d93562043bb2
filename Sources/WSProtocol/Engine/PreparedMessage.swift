// A message that goes to many connections: checked, copied and compressed once, and then sent by each of them as often as it likes.
//
// Each connection writes its own header and, as a client, masks with a key of its own. The compressed forms refer to nothing before
// them, so that every peer understands them, whatever it got before.
import Synchronization

/// A message for many connections. Any thread.
public final class PreparedMessage: @unchecked Sendable {
  let opcode: Opcode
  /// Whether it may be compressed.
  let mayCompress: Bool
  /// The bytes are UTF-8; known of text only.
  let isText: Bool
  private var bytes = ByteQueue()
  /// The compressed forms made so far: the last one, which knows those before it. Each stays as long as this object.
  private let compressed = Atomic<Unmanaged<CompressedForm>?>(nil)

  /// A data message of a copy of these bytes.
  public convenience init(_ kind: MessageKind, _ bytes: ByteView, compressed: Bool = true) throws(SendError) {
    var text = UTF8Validator()
    let isText = kind == .text && text.advance(bytes) && text.isComplete
    try self.init(kind.opcode, bytes, mayCompress: compressed, isText: isText)
  }

  /// A control frame of a copy of these bytes, checked as `Sender.controlFrame` does.
  public convenience init(_ opcode: ControlOpcode, _ payload: ByteView) throws(SendError) {
    try opcode.check(payload)
    try self.init(opcode.opcode, payload, mayCompress: false, isText: false)
  }

  private init(_ opcode: Opcode, _ bytes: ByteView, mayCompress: Bool, isText: Bool) throws(SendError) {
    self.opcode = opcode
    self.mayCompress = mayCompress
    self.isText = isText
    // From here on everything has a value: Embedded Swift leaks an object whose `init` throws half-way.
    do throws(OutOfMemory) { try self.bytes.append(bytes) } catch { throw .outOfMemory }
  }

  /// The bytes of the message.
  var payload: ByteView { bytes.bytes }

  /// The payload compressed with these settings. Two threads that need the same one at once may both make it; one of them is kept.
  func payload(_ settings: DeflateSettings) throws(OutOfMemory) -> ByteView {
    while true {
      let first = compressed.load(ordering: .acquiring)
      if let made = find(settings, from: first) { return made }
      let form = try CompressedForm(settings, of: payload, before: first)
      let kept = Unmanaged.passRetained(form)
      if compressed.compareExchange(expected: first, desired: kept, ordering: .acquiringAndReleasing).exchanged {
        return form.bytes.bytes
      }
      kept.release()
    }
  }

  private func find(_ settings: DeflateSettings, from first: Unmanaged<CompressedForm>?) -> ByteView? {
    var next = first
    while let form = next?.takeUnretainedValue() {
      if form.settings == settings { return form.bytes.bytes }
      next = form.before
    }
    return nil
  }

  deinit {
    var next = compressed.load(ordering: .acquiring)
    while let form = next {
      next = form.takeUnretainedValue().before
      form.release()
    }
  }
}

/// One compressed form of a prepared message.
private final class CompressedForm {
  let settings: DeflateSettings
  /// The form that was made before this one.
  let before: Unmanaged<CompressedForm>?
  private(set) var bytes = ByteQueue()

  init(_ settings: DeflateSettings, of payload: ByteView, before: Unmanaged<CompressedForm>?) throws(OutOfMemory) {
    self.settings = settings
    self.before = before
    var compressor = MessageCompressor(settings)
    try bytes.append(compressor.compress(payload))
    compressor.releaseIfIdle()
  }
}

extension Sender {
  /// A frame of a prepared message; otherwise as `dataFrame` and `controlFrame`. The message must outlive the frame.
  public mutating func preparedFrame(_ message: PreparedMessage, maskKey: UInt32) throws(SendError) -> OutgoingFrame {
    switch message.opcode {
    case .close: return try controlFrame(.close, payload: message.payload, maskKey: maskKey)
    case .ping: return try controlFrame(.ping, payload: message.payload, maskKey: maskKey)
    case .pong: return try controlFrame(.pong, payload: message.payload, maskKey: maskKey)
    case .text, .binary, .continuation: break
    }
    try checkOrder(isFirst: true)
    let kind = message.opcode == .text ? MessageKind.text : .binary
    guard kind == .binary || !checksUTF8 || message.isText else { throw .invalidUTF8 }
    guard compresses(message.payload.count, message.mayCompress) else {
      return frame(kind, isFinal: true, Payload(message.payload), maskKey)
    }
    let deflated: ByteView
    do throws(OutOfMemory) { deflated = try message.payload(preparedSettings) } catch { throw .outOfMemory }
    // The peer's window will hold what ours does not.
    compressor?.forget()
    return frame(kind, isFinal: true, Payload(deflated), maskKey, plainCount: message.payload.count)
  }

  private var preparedSettings: DeflateSettings {
    mutating get {
      applyCompression()
      return compressor?.settings ?? DeflateSettings()
    }
  }
}
