// The sentence of every error: there is one, its number is right, and it fits whatever room it is given.
import Foundation
import Testing
import WSProtocol

@testable import WSSwift

@Suite struct FailureTextTests {
  static let plain: [WSError] = [
    .invalid, .outOfMemory, .state, .refusedByHandler, .forked, .timeout, .interrupted, .lost(0), .broken, .aborted,
  ]

  static let sends: [SendError] = [
    .closeSent, .controlTooLong, .messageOpen, .noMessageOpen, .badCloseCode, .badCloseReason, .invalidUTF8, .outOfMemory,
  ]

  static let configurations: [ConfigurationError] = [
    .badName, .badValue, .reservedHeader, .badSubprotocol, .duplicateSubprotocol, .badOrigin, .badHost, .tooLarge, .outOfMemory,
  ]

  static let numbered: [(WSError, String)] = [
    (.noRoom(needed: 70000), "the message is larger than the room given: 70000 bytes are needed"),
    (.system(13), "the system refused: Permission denied (errno 13)"),
    (.system(98765), "the system refused:  (errno 98765)"),
    (.unconnected(111), "no address of the host took the connection: Connection refused (errno 111)"),
    (.unresolved(-2), "the host name has no address: Name or service not known"),
    (.lost(104), "the connection ended without a close frame: Connection reset by peer (errno 104)"),
    (.noDescriptors(24), "no file descriptor left: Too many open files (errno 24)"),
    (.closed(CloseCode(rawValue: 1011)), "the peer closed with an error code: 1011"),
    (.notJSON(.incomplete), "JSON text that ends before its document does"),
    (.notJSON(.controlByte(at: 3)), "no JSON document: control byte in a string at byte 3"),
    (.notJSON(.badEscape(at: 4)), "no JSON document: backslash that begins no escape at byte 4"),
    (.notJSON(.invalidUTF8(at: 5)), "no JSON document: string that is not UTF-8 at byte 5"),
    (.refusedJSON(.unexpectedByte(at: 0)), "no JSON document: unexpected byte at byte 0"),
    (.refusedJSON(.tooDeep(at: 512)), "JSON document that nests deeper than 512 levels at byte 512"),
    (.refusedJSON(.trailingByte(at: .max)), "more than one JSON document at byte 9223372036854775807"),
    (.status(404), "the server answered with another status than 101: 404"),
    (.violation(.badCloseCode(1005)), "close code that must not be sent: 1005"),
    (.violation(.unknownOpcode(0)), "unknown opcode: 0"),
    (
      .violation(.messageTooBig(limit: 1 << 24)),
      "message larger than the limit of 16777216 bytes"
    ),
    (
      .violation(.messageTooBig(limit: .max)),
      "message larger than the limit of 9223372036854775807 bytes"
    ),
    (.noRoom(needed: .min), "the message is larger than the room given: -9223372036854775808 bytes are needed"),
  ]

  private var everything: [WSError] {
    Self.plain + Self.sends.map { .send($0) } + Self.configurations.map { .configuration($0) } + Self.numbered.map(\.0)
      + [.url(.emptyHost), .handshake(.badKey), .handshake(.head(.notHTTP)), .violation(.masked)]
  }

  @Test func plainErrorsAreTheirText() {
    for error in Self.plain + Self.sends.map({ .send($0) }) + Self.configurations.map({ .configuration($0) }) {
      #expect(error.description == "\(error.text)" && !error.description.isEmpty)
    }
  }

  @Test func sentencesDiffer() {
    let texts = Self.plain.map(\.description) + Self.sends.map { "\($0.text)" } + Self.configurations.map { "\($0.text)" }
    #expect(Set(texts).count == texts.count)
  }

  @Test func detailsEndTheSentence() {
    for (error, sentence) in Self.numbered { #expect(error.description == sentence) }
  }

  @Test func layersSayTheirOwn() {
    #expect(WSError.url(.emptyHost).description == "\(URLError.emptyHost.text)")
    #expect(WSError.handshake(.badKey).description == "\(HandshakeError.badKey.text)")
    #expect(WSError.violation(.masked).description == "\(ProtocolError.masked.text)")
  }

  /// A failure's text in C has 160 bytes with its NUL.
  @Test func everySentenceFitsAFailure() {
    for error in everything { #expect(error.description.utf8.count < 160, "\(error)") }
  }

  @Test func sentencesAreCutToTheRoom() {
    for error in everything {
      let whole = Array(error.description.utf8)
      for room in 0...whole.count + 3 {
        var space = [UInt8](repeating: 0xAA, count: room + 4)
        let count = space.withUnsafeMutableBytes { error.write(to: UnsafeMutableRawBufferPointer(rebasing: $0[..<room])) }
        #expect(count == min(room, whole.count) && space.prefix(count).elementsEqual(whole.prefix(count)))
        #expect(space.dropFirst(count).allSatisfy { $0 == 0xAA })
      }
    }
  }
}
