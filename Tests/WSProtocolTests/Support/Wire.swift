// Frames written by hand for the tests, byte by byte as RFC 6455 5.2 draws them, so that the encoder under test is not its
// own witness; and small conversions.
import WSProtocol

/// Text as bytes.
func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A payload of which every byte tells where it stands.
func pattern(_ count: Int, from start: Int = 0) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ start) &* 7 &+ ($0 &+ start) >> 8) }
}

/// The key that `wire` masks with, first byte first, and the same as the library's integer.
let wireKey: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
let wireKeyNumber: UInt32 = 0x3D21_FA37

/// RFC 6455 5.3, as it is written there.
func masked(_ payload: [UInt8], _ key: [UInt8] = wireKey) -> [UInt8] {
  payload.enumerated().map { $0.element ^ key[$0.offset % 4] }
}

/// The three forms of a length. RFC 6455 5.2.
enum LengthForm {
  case shortest
  case sixteenBits
  case sixtyFourBits
}

/// The bytes of a header behind the first one.
func lengthBytes(_ length: UInt64, isMasked: Bool, form: LengthForm = .shortest) -> [UInt8] {
  let bit: UInt8 = isMasked ? 0x80 : 0
  let bigEndian = (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * UInt64($0))) }
  switch form {
  case .shortest:
    if length < 126 { return [bit | UInt8(length)] }
    return lengthBytes(length, isMasked: isMasked, form: length < 65536 ? .sixteenBits : .sixtyFourBits)
  case .sixteenBits: return [bit | 126] + bigEndian.suffix(2)
  case .sixtyFourBits: return [bit | 127] + bigEndian
  }
}

/// A frame as that end receives it: masked for a server, plain for a client.
func wire(_ receiver: Role, _ first: UInt8, _ payload: [UInt8] = [], form: LengthForm = .shortest) -> [UInt8] {
  header(receiver, first, claiming: UInt64(payload.count), form: form) + (receiver == .server ? masked(payload) : payload)
}

/// A frame's header alone, with whatever length it claims.
func header(_ receiver: Role, _ first: UInt8, claiming length: UInt64, form: LengthForm = .shortest) -> [UInt8] {
  let key = receiver == .server ? wireKey : []
  return [first] + lengthBytes(length, isMasked: receiver == .server, form: form) + key
}

/// A close payload.
func closePayload(_ code: UInt16, _ reason: String = "") -> [UInt8] {
  [UInt8(code >> 8), UInt8(code & 0xFF)] + utf8(reason)
}

/// The close frame that an engine of that role sends, masked with `wireKey` where it is a client.
func closeAnswer(_ role: Role, _ code: UInt16, _ reason: String = "") -> [UInt8] {
  wire(role == .client ? .server : .client, 0x88, closePayload(code, reason))
}

extension [UInt8] {
  /// Lends the bytes to a call with a typed error.
  func lend<R, E: Error>(_ body: (ByteView) throws(E) -> R) throws(E) -> R {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    defer { copy.deallocate() }
    copy.copyBytes(from: self)
    return try body(ByteView(copy))
  }
}
