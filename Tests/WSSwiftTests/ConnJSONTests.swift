// JSON documents as messages, for Swift users. RFC 8259.
import Testing
import WSProtocol

@testable import WSSwift

@Suite struct ConnJSONTests {
  private static let document = "{\"a\":\"hello\",\"b\":[1,-2.5e3,true,null],\"é\":{}}"

  @Test func documentsThereAndBack() throws {
    let (client, server) = try makeConns()
    for text in [Self.document, "null", " [ ]\n"] {
      try client.writeJSON(text)
      #expect(try server.readJSON()?.string == text)
      try lending(Array(text.utf8)) { try server.writeJSON($0) }
      #expect(try client.readJSON()?.string == text)
    }
    try client.begin(1000)
    #expect(try server.readJSON() == nil)
  }

  /// The reference's TestPartialJSONRead.
  @Test(arguments: [Role.client, .server]) func everyProperPrefixIsRefusedAndTheConnectionGoesOn(role: Role) throws {
    let (conn, peer) = try makeConn(role)
    conn.setChecksUTF8(received: false, sent: false)
    let whole = Array(Self.document.utf8)
    for count in 0..<whole.count {
      try peer.send(1, Array(whole.prefix(count)))
      #expect(fault(try conn.readJSON()) == .notJSON(.incomplete))
    }
    #expect(conn.lastFailure(of: .read) == .notJSON(.incomplete))
    try peer.send(2, whole)
    #expect(try conn.readJSON()?.string == Self.document)
    try peer.send(close: 1001)
    #expect(try conn.readJSON() == nil)
  }

  @Test func textThatIsNoDocumentIsNotSent() throws {
    let (conn, peer) = try makeConn(.server)
    #expect(fault(try conn.writeJSON("[1 2]")) == .refusedJSON(.unexpectedByte(at: 3)))
    #expect(conn.lastFailure(of: .write) == .refusedJSON(.unexpectedByte(at: 3)))
    try conn.writeJSON("[1,2]")
    #expect(try peer.frame() == Frame(opcode: 1, payload: Array("[1,2]".utf8)))
  }
}
