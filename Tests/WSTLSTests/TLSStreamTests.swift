// Bytes over TLS: every size, every way of splitting, full transports, and both directions at once.
import COpenSSL
import Foundation
import Testing
import WSTransport

@testable import WSTLS

@Suite struct TLSStreamTests {
  @Test func bytesGoBothWays() throws {
    let pair = try Pair.connected()
    try pair.client.sendAll("hello")
    #expect(try pair.server.receiveText(5) == "hello")
    try pair.server.sendAll("good day")
    #expect(try pair.client.receiveText(8) == "good day")
    #expect(String(decoding: pair.client.version, as: UTF8.self) == "TLSv1.3")
    #expect(!pair.client.isResumed)
  }

  @Test(arguments: [2, 3, 100, 16383, 16384, 16385, 16386, 32769, 65535, 65536, 65537, 200_000, 1_000_000])
  func everySizeArrivesWhole(size: Int) throws {
    let pair = try Pair.connected()
    let sent = pattern(size)
    let server = pair.server
    let arrived = Background { try server.receiveExactly(size) }
    try pair.client.sendAll(sent, split: min(14, size - 1))
    #expect(try arrived.value() == sent)
  }

  @Test(arguments: [0, 1, 13, 16383, 16384, 16385, 40000])
  func twoPiecesMakeOneStream(split: Int) throws {
    let pair = try Pair.connected()
    let sent = pattern(40000, seed: split)
    let server = pair.server
    let arrived = Background { try server.receiveExactly(40000) }
    try pair.client.sendAll(sent, split: split)
    #expect(try arrived.value() == sent)
  }

  @Test func aHeaderAndItsPayloadAreOneRecord() throws {
    let pair = try Pair.connected()
    try pair.client.sendAll(pattern(100), split: 6)
    let record = try pair.serverSocket.receive()
    // A header of five bytes, the data, its type, and sixteen bytes of authentication.
    #expect(record.count == 5 + 100 + 1 + 16)
  }

  @Test func aSmallRoomGetsARecordInParts() throws {
    let pair = try Pair.connected()
    let sent = pattern(1000)
    try pair.client.sendAll(sent)
    var arrived: [UInt8] = []
    while arrived.count < 1000 { arrived += try pair.server.receive(upTo: 7) }
    #expect(arrived == sent)
    let nothing = try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { try pair.server.tryReceive(into: $0) }
    #expect(nothing == nil)
  }

  @Test func whatOpenSSLHoldsMakesReadyAtOnce() throws {
    let pair = try Pair.connected()
    try pair.client.sendAll(pattern(10))
    try pair.client.sendAll(pattern(20))
    #expect(try pair.server.receive(upTo: 4).count == 4)
    // The rest of the first record and all of the second have left the socket.
    #expect(try pair.server.wait(for: .read, deadline: past, interruptible: false) == .read)
    #expect(pair.server.pollNeeds(for: .read) == nil)
    #expect(try pair.server.receive().count == 26)
    #expect(pair.server.pollNeeds(for: .read) == .read)
    #expect(failure { try pair.server.wait(for: .read, deadline: past, interruptible: false) } == .timeout)
  }

  @Test func theBeginningOfARecordIsNoReasonToLookAgain() throws {
    let pair = try Pair.connected()
    try pair.client.sendAll(pattern(100))
    let record = try pair.serverSocket.receive()
    let (near, far) = try socketPair()
    let relayed = try relay(pair, over: far)
    try near.sendAll(Array(record[..<50]), split: 0)
    #expect(failure { try relayed.receive(deadline: .after(milliseconds: 50)) } == .timeout)
    #expect(failure { try relayed.wait(for: .read, deadline: past, interruptible: false) } == .timeout)
    #expect(relayed.pollNeeds(for: [.read]) == .read)
    try near.sendAll(Array(record[50...]), split: 0)
    #expect(try relayed.receive() == pattern(100))
  }

  /// The server's end, with its transport replaced by another.
  private func relay(_ pair: Pair, over socket: Socket) throws -> TLSStream {
    let other = try stream(pair.server.context, over: socket)
    swap(&other.ssl, &pair.server.ssl)
    let bio = ossl_SSL_get_rbio(other.ssl)
    ossl_BIO_set_data(bio, Unmanaged.passUnretained(other).toOpaque())
    ossl_BIO_set_data(ossl_SSL_get_rbio(pair.server.ssl), Unmanaged.passUnretained(pair.server).toOpaque())
    return other
  }

  // MARK: - A full transport

  @Test func aFullTransportTakesWhatFitsAndGoesOn() throws {
    let pair = try Pair.connected(buffer: 4096)
    let sent = pattern(300_000)
    var taken = 0
    while taken < sent.count {
      let more = try sent.withUnsafeBytes { try pair.client.trySend(empty, .init(rebasing: $0[taken...])) }
      if more == 0 { break }
      taken += more
    }
    #expect(taken > 0 && taken < sent.count)
    #expect(failure { try pair.client.wait(for: .write, deadline: past, interruptible: false) } == .timeout)
    let server = pair.server
    let arrived = Background { try server.receiveExactly(sent.count) }
    try pair.client.sendAll(Array(sent[taken...]))
    #expect(try arrived.value() == sent)
  }

  @Test func whoeverSendsComesAgainUntilAllHasLeft() throws {
    let pair = try Pair.connected(buffer: 4096)
    try fill(pair.clientSocket)
    // The record waits in the stream; the last byte is not taken before it has left.
    let message = pattern(100)
    let first = try message.withUnsafeBytes { try pair.client.trySend($0, empty) }
    #expect(first == 99)
    let again = try message.withUnsafeBytes { try pair.client.trySend(.init(rebasing: $0[99...]), empty) }
    #expect(again == 0)
    #expect(pair.client.pollNeeds(for: .read) == [.read, .write])
    #expect(try pair.serverSocket.receive().count > 0)
    _ = try pair.client.wait(for: .write, deadline: generous, interruptible: false)
    #expect(pair.client.pollNeeds(for: .read) == .read)
    let last = try message.withUnsafeBytes { all in
      try pair.client.trySend(.init(rebasing: all[99...]), .init(rebasing: all[..<10]))
    }
    #expect(last == 11)
  }

  @Test func aReaderSendsWhatWasKept() throws {
    let pair = try Pair.connected(buffer: 4096)
    let filling = try fill(pair.clientSocket)
    let message = pattern(100)
    #expect(try message.withUnsafeBytes { try pair.client.trySend($0, empty) } == 99)
    let client = pair.client
    let reader = Background { try client.receive() }
    #expect(try pair.serverSocket.receiveExactly(filling).count == filling)
    #expect(try pair.server.receive() == message)
    try pair.server.sendAll("seen")
    #expect(try reader.value() == Array("seen".utf8))
  }

  /// Fills the plain socket under a stream, as if records that nobody reads lay in it. Returns how much it took.
  @discardableResult
  private func fill(_ socket: Socket) throws -> Int {
    let block = [UInt8](repeating: 0, count: 512)
    var total = 0
    while true {
      let sent = try block.withUnsafeBytes { try socket.trySend($0, empty) }
      guard sent > 0 else { return total }
      total += sent
    }
  }

  // MARK: - Two threads

  @Test func aBlockedReadHoldsUpNoWrite() throws {
    let pair = try Pair.connected()
    let client = pair.client
    let reader = Background { try client.receiveText(3) }
    #expect(!reader.isDone(after: 50))
    try pair.client.sendAll("ping")
    #expect(try pair.server.receiveText(4) == "ping")
    try pair.server.sendAll("end")
    #expect(try reader.value() == "end")
  }

  @Test func bothDirectionsAtOnce() throws {
    let pair = try Pair.connected(buffer: 8192)
    let (client, server) = (pair.client, pair.server)
    let up = pattern(3_000_000)
    let down = pattern(3_000_000, seed: 9)
    let threads = [
      Background {
        try client.sendAll(up); return true
      },
      Background {
        try server.sendAll(down); return true
      },
      Background { try client.receiveExactly(down.count) == down },
      Background { try server.receiveExactly(up.count) == up },
    ]
    for thread in threads { #expect(try thread.value()) }
  }

  @Test func manyConnectionsOfOneContextAtOnce() throws {
    let client = try TLSContext.client(trust: try trust("ca.pem"))
    let server = try TLSContext.server(identity: try identity())
    let threads = (0..<8).map { index in
      Background {
        for round in 0..<10 {
          let pair = try Pair(client: client, server: server)
          try pair.connect()
          let sent = pattern(20000, seed: index * 100 + round)
          try pair.client.sendAll(sent)
          guard try pair.server.receiveExactly(20000) == sent else { return false }
        }
        return true
      }
    }
    for thread in threads { #expect(try thread.value(within: 60)) }
  }

  // MARK: - TLS over TLS

  @Test func tlsRunsOverTLS() throws {
    let outer = try Pair.connected(buffer: 8192)
    let client = try TLSContext.client(trust: try trust("ca.pem"))
    let inner = try stream(client, over: outer.client, name: try serverName("localhost"))
    let innerServer = try stream(try .server(identity: try identity()), over: outer.server)
    let other = Background { try innerServer.handshake(until: generous, cancellation: nil) }
    try inner.handshake(until: generous, cancellation: nil)
    try other.value()
    let sent = pattern(300_000)
    let arrived = Background { try innerServer.receiveExactly(sent.count) }
    try inner.sendAll(sent)
    #expect(try arrived.value() == sent)
    innerServer.finishSending()
    #expect(try inner.receive().isEmpty)
  }
}
