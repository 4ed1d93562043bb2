// The sentence for each error: what was seen, what was allowed, which call changes it. Fixed words and numbers only, so that no
// secret and nothing of a peer's can stand in it.
import WSProtocol
import WSTLS
import WSTransport

extension WSError {
  /// What the error says, in English; `write` adds the numbers.
  public var text: StaticString {
    switch self {
    case .invalid: "an argument is out of its range"
    case .outOfMemory: "no memory"
    case .state: "not possible now: in use by another call, or already done"
    case .refusedByHandler: "a handler returned an error"
    case .noRoom: "the message is larger than the room given"
    case .forked: "the connection belongs to the parent process"
    case .system: "the system refused"
    case .timeout: "nothing happened in time"
    case .wouldBlock: "would block; nothing was taken"
    case .interrupted: "a signal arrived"
    case .lost: "the connection ended without a close frame"
    case .silent: "the peer has not answered a ping"
    case .broken: "a write stopped inside a frame, so nothing more can be written"
    case .aborted: "aborted or cancelled"
    case .noDescriptors: "no file descriptor left"
    case .unconnected: "no address of the host took the connection"
    case .unresolved: "the host name has no address"
    case .tls(let error): error.text
    case .proxy(let error): error.text
    case .url(let error): error.text
    case .configuration(let error): error.text
    case .violation(let error): error.text
    case .send(let error): error.text
    case .notJSON(let error), .refusedJSON(let error): error.text
    case .closed: "the peer closed with an error code"
    case .handshake(let error): error.text
    case .status: "the server answered with another status than 101"
    }
  }

  /// Writes the sentence into `space`, cut to what fits; `time` is what ran out, where that is known. Returns its size.
  @discardableResult
  public func write(to space: UnsafeMutableRawBufferPointer, after time: TimeLimit? = nil) -> Int {
    var writer = TextWriter(space)
    if case .timeout = self, let time {
      time.write(to: &writer)
    } else {
      writer.append(text)
      writeDetail(to: &writer)
    }
    if case .broken = self, let time {
      writer.append(": ")
      time.write(to: &writer)
    }
    return writer.count
  }

  @_optimize(size)
  private func writeDetail(to writer: inout TextWriter) {
    switch self {
    case .silent(let timeout): writer.append(" in ", Int(clamping: timeout / 1_000_000), " ms")
    case .noRoom(let needed): writer.append(": ", needed, " bytes are needed")
    case .lost(0): break
    case .system(let code), .unconnected(let code), .noDescriptors(let code), .lost(let code):
      writer.append(": ")
      writer.append(SystemText.ofError(code))
      writer.append(" (errno ", Int(code), ")")
    case .unresolved(let code):
      writer.append(": ")
      writer.append(SystemText.ofResolver(code))
    case .tls(let error):
      let reason = error.reason
      if !reason.isEmpty { writer.append(": ") }
      writer.append(reason)
    case .proxy(.refused(let status)): writer.append(": ", status)
    case .proxy(.badResponse(let error)):
      writer.append(": ")
      writer.append(error.text)
    case .closed(let code): writer.append(": ", Int(code.rawValue))
    case .status(let status): writer.append(": ", status)
    case .violation(.badCloseCode(let code)): writer.append(": ", Int(code))
    case .violation(.unknownOpcode(let opcode)): writer.append(": ", Int(opcode))
    case .notJSON(let error), .refusedJSON(let error): if let position = error.position { writer.append(" at byte ", position) }
    case .violation(.messageTooBig(let limit)):
      writer.append(" of ", Int(clamping: limit), " bytes")
    case .invalid, .outOfMemory, .state, .refusedByHandler, .forked, .timeout, .wouldBlock, .interrupted, .broken, .aborted,
      .proxy, .url, .configuration, .violation, .send, .handshake:
      break
    }
  }
}

extension WSError: CustomStringConvertible {
  /// The sentence as a string.
  public var description: String {
    withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { space in
      let count = write(to: space)
      return String(decoding: UnsafeRawBufferPointer(space).cut(0, count), as: UTF8.self)
    }
  }
}

/// Writes text and numbers into memory of a fixed size.
struct TextWriter {
  private let space: UnsafeMutableRawBufferPointer
  private(set) var count = 0

  init(_ space: UnsafeMutableRawBufferPointer) { self.space = space }

  mutating func append(_ text: ByteView) {
    for byte in text where count < space.count {
      space[count] = byte
      count &+= 1
    }
  }

  mutating func append(_ text: StaticString) { append(ByteView(text)) }

  mutating func append(_ before: StaticString, _ number: Int, _ after: StaticString = "") {
    append(before)
    append(number)
    append(after)
  }

  private mutating func append(_ number: Int) {
    if number < 0 { append("-") }
    append(magnitude: number.magnitude)
  }

  private mutating func append(magnitude: UInt) {
    if magnitude >= 10 { append(magnitude: magnitude / 10) }
    guard count < space.count else { return }
    space[count] = UInt8(truncatingIfNeeded: 0x30 &+ magnitude % 10)
    count &+= 1
  }
}

extension SendError {
  /// What was wanted and what is allowed.
  public var text: StaticString {
    switch self {
    case .closeSent: "a close frame has been sent; nothing may follow it"
    case .controlTooLong: "control frame of more than 125 bytes, or close reason of more than 123"
    case .messageOpen: "a message is open"
    case .noMessageOpen: "no message is open"
    case .badCloseCode: "close code that must not be sent; 1000 to 1003, 1007 to 1014 and 3000 to 4999 may"
    case .badCloseReason: "close reason that is not UTF-8"
    case .invalidUTF8: "text that is not UTF-8"
    case .outOfMemory: "no memory for the frame"
    }
  }
}

extension TLSError {
  /// OpenSSL's, or the system's, own words for the code; empty when there is none. They live for ever.
  var reason: ByteView {
    switch self {
    case .untrusted(let verify, _): TLSText.ofVerification(verify)
    case .failed(let code), .badCertificate(let code), .badKey(let code), .badPassword(let code), .keyMismatch(let code):
      TLSText.ofError(code)
    case .unreadable(let code): SystemText.ofError(code)
    case .missing, .unusable, .flooded, .wrongProtocol, .noCertificate: .empty
    }
  }

  /// What was seen.
  public var text: StaticString {
    switch self {
    case .missing: "wss needs OpenSSL 3 (libssl.so.3), which cannot be loaded"
    case .unusable: "wss needs OpenSSL 3; the libssl.so.3 that was loaded is not one, or lacks functions"
    case .untrusted: "the peer's certificate is not accepted"
    case .failed: "TLS failed"
    case .flooded: "the peer sends TLS records without data"
    case .wrongProtocol: "the peer wants another protocol than HTTP/1.1 (ALPN)"
    case .unreadable: "a file for TLS cannot be read"
    case .badCertificate: "there is no certificate in PEM form"
    case .badKey: "there is no private key in PEM form"
    case .badPassword: "the private key is encrypted, and its password is missing or wrong"
    case .keyMismatch: "the private key does not belong to the certificate"
    case .noCertificate: "a server needs a certificate for TLS"
    }
  }
}

extension JSONError {
  /// What was seen and what is allowed; the position follows.
  public var text: StaticString {
    switch self {
    case .incomplete: "JSON text that ends before its document does"
    case .unexpectedByte: "no JSON document: unexpected byte"
    case .controlByte: "no JSON document: control byte in a string"
    case .badEscape: "no JSON document: backslash that begins no escape"
    case .invalidUTF8: "no JSON document: string that is not UTF-8"
    case .tooDeep: "JSON document that nests deeper than 512 levels"
    case .trailingByte: "more than one JSON document"
    }
  }

  /// Where it was seen, counted from 0.
  public var position: Int? {
    switch self {
    case .incomplete: nil
    case .unexpectedByte(let at), .controlByte(let at), .badEscape(let at), .invalidUTF8(let at), .tooDeep(let at),
      .trailingByte(let at):
      at
    }
  }
}

extension ConfigurationError {
  /// What was given and what is allowed.
  public var text: StaticString {
    switch self {
    case .badName: "header name that is not a token"
    case .badValue: "header value with a control byte"
    case .reservedHeader: "header field that the handshake itself writes"
    case .badSubprotocol: "subprotocol that is not a token"
    case .duplicateSubprotocol: "subprotocol that was added before"
    case .subprotocolNotOffered: "subprotocol that the client did not offer"
    case .badOrigin: "origin that is not scheme://host[:port], scheme://*.host[:port], null or *"
    case .badHost: "host that is not a name, *.name, an address or *"
    case .tooLarge: "configuration of more than 64 KiB"
    case .outOfMemory: "no memory for the configuration"
    }
  }
}
