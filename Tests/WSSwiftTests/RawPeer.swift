// The other end of a connection as plain bytes, written and read by hand: what a test says about the wire does not depend on the
// code under test.
import Foundation

/// One frame of RFC 6455 5.2, unmasked.
struct Frame: Equatable, CustomStringConvertible {
  var opcode: UInt8
  var payload: [UInt8]
  var isFinal = true
  var maskKey: [UInt8]?

  var text: String { String(decoding: payload, as: UTF8.self) }

  /// Of a close frame; 1005 without a code.
  var closeCode: Int { payload.count < 2 ? 1005 : Int(payload[0]) << 8 | Int(payload[1]) }
  var closeReason: String { String(decoding: payload.dropFirst(2), as: UTF8.self) }
  var description: String { "frame \(opcode) of \(payload.count) bytes: \(payload.prefix(40))" }

  var bytes: [UInt8] {
    var bytes = [opcode | (isFinal ? 0x80 : 0)]
    let marked: UInt8 = maskKey == nil ? 0 : 0x80
    switch payload.count {
    case ..<126: bytes.append(UInt8(payload.count) | marked)
    case ..<65536: bytes += [126 | marked] + Self.bigEndian(payload.count, bytes: 2)
    default: bytes += [127 | marked] + Self.bigEndian(payload.count, bytes: 8)
    }
    guard let maskKey else { return bytes + payload }
    return bytes + maskKey + Self.mask(payload, maskKey)
  }

  static func bigEndian(_ number: Int, bytes: Int) -> [UInt8] {
    (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }

  static func mask(_ payload: [UInt8], _ key: [UInt8]) -> [UInt8] {
    var masked = payload
    masked.withUnsafeMutableBufferPointer { bytes in
      for index in 0..<bytes.count { bytes[index] ^= key[index & 3] }
    }
    return masked
  }
}

/// A descriptor, and frames read from it and written to it.
final class RawPeer: @unchecked Sendable {
  private(set) var descriptor: Int32
  let masks: Bool
  private var held: ArraySlice<UInt8> = []

  init(_ descriptor: Int32, masks: Bool) {
    self.descriptor = descriptor
    self.masks = masks
  }

  deinit { drop() }

  /// Closes the descriptor.
  func drop() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }

  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  // MARK: - Sending

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { all in
        Foundation.send(descriptor, all.baseAddress.map { $0 + sent }, all.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else {
        guard errno == EAGAIN || errno == EINTR else { throw TestFailure.endOfStream }
        try wait(POLLOUT)
        continue
      }
      sent += count
    }
  }

  func send(_ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true) throws {
    try send(frame(opcode, payload, isFinal: isFinal).bytes)
  }

  func send(text: String) throws { try send(1, Array(text.utf8)) }

  func send(close code: Int, _ reason: String = "") throws {
    try send(8, code == 1005 ? [] : Frame.bigEndian(code, bytes: 2) + Array(reason.utf8))
  }

  /// A frame as this end sends it.
  func frame(_ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true) -> Frame {
    Frame(opcode: opcode, payload: payload, isFinal: isFinal, maskKey: masks ? [1, 2, 3, 0xF4] : nil)
  }

  // MARK: - Receiving

  private func wait(_ events: Int32, milliseconds: Int32 = 15_000) throws {
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    guard poll(&entry, 1, milliseconds) > 0 else { throw TestFailure.hangs }
  }

  /// Receives once. False: the end of the stream.
  private func receiveMore() throws -> Bool {
    try wait(POLLIN)
    var room = [UInt8](repeating: 0, count: 65536)
    let count = recv(descriptor, &room, room.count, 0)
    guard count > 0 else { return false }
    held += room[..<count]
    return true
  }

  /// Receives and forgets what is there.
  func skip() {
    var room = [UInt8](repeating: 0, count: 65536)
    _ = recv(descriptor, &room, room.count, Int32(MSG_DONTWAIT))
  }

  func receive(_ count: Int) throws -> [UInt8] {
    while held.count < count { guard try receiveMore() else { throw TestFailure.endOfStream } }
    defer { held = held.dropFirst(count) }
    return Array(held.prefix(count))
  }

  /// The next frame.
  func frame() throws -> Frame {
    let start = try receive(2)
    var length = Int(start[1] & 0x7F)
    if length == 126 { length = try receive(2).reduce(0) { $0 << 8 | Int($1) } }
    if length == 127 { length = try receive(8).reduce(0) { $0 << 8 | Int($1) } }
    let key = start[1] & 0x80 == 0 ? nil : try receive(4)
    let payload = try receive(length)
    return Frame(
      opcode: start[0] & 0x7F, payload: key.map { Frame.mask(payload, $0) } ?? payload, isFinal: start[0] & 0x80 != 0,
      maskKey: key)
  }

  /// Everything up to the end of the stream.
  func rest() throws -> [UInt8] {
    while try receiveMore() {}
    defer { held = [] }
    return Array(held)
  }

  /// Whether the stream ends here, with nothing before its end.
  func isAtEnd() throws -> Bool { try rest().isEmpty }

  /// True when nothing is there to be read for a while.
  func isSilent(for milliseconds: Int32 = 30) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return held.isEmpty && poll(&entry, 1, milliseconds) == 0
  }

  /// Receives up to the empty line of an HTTP head.
  func head() throws -> String {
    let end: [UInt8] = [13, 10, 13, 10]
    var head: [UInt8] = []
    while !head.suffix(4).elementsEqual(end) { head += try receive(1) }
    return String(decoding: head, as: UTF8.self)
  }
}
