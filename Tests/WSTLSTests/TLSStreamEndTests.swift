// How TLS connections end: properly, cut off, aborted, by a peer that breaks the rules; and what happens between two messages.
import COpenSSL
import Foundation
import Testing
import WSTransport

@testable import WSTLS

@Suite struct TLSStreamEndTests {
  @Test func aProperEndIsTheEndOfTheStream() throws {
    let pair = try Pair.connected()
    try pair.server.sendAll("last words")
    pair.server.finishSending()
    pair.server.finishSending()
    #expect(try pair.client.receiveText(10) == "last words")
    #expect(try pair.client.receive().isEmpty)
    #expect(try pair.client.receive().isEmpty)
    // The other direction goes on.
    try pair.client.sendAll("still here")
    #expect(try pair.server.receiveText(10) == "still here")
    #expect(failure { try pair.server.sendAll("no more") } == .closed(0))
  }

  @Test func aStreamThatIsCutOffIsNoEnd() throws {
    let pair = try Pair.connected()
    try pair.server.sendAll("last words")
    pair.serverSocket.finishSending()
    #expect(try pair.client.receiveText(10) == "last words")
    #expect(failure { try pair.client.receive() } == .closed(0))
    #expect(failure { try pair.client.receive() } == .closed(0))
    #expect(try pair.client.wait(for: .read, deadline: past, interruptible: false) == .read)
  }

  @Test func aStreamThatIsCutInsideARecordIsNoEnd() throws {
    let pair = try Pair.connected()
    try pair.server.sendAll(pattern(1000))
    let record = try pair.clientSocket.receive()
    let (near, far) = try socketPair()
    try near.sendAll(Array(record[..<500]), split: 0)
    near.finishSending()
    let cut = try stream(pair.client.context, over: far, name: try serverName("localhost"))
    swap(&cut.ssl, &pair.client.ssl)
    ossl_BIO_set_data(ossl_SSL_get_rbio(cut.ssl), Unmanaged.passUnretained(cut).toOpaque())
    ossl_BIO_set_data(ossl_SSL_get_rbio(pair.client.ssl), Unmanaged.passUnretained(pair.client).toOpaque())
    #expect(failure { try cut.receive() } == .closed(0))
  }

  @Test func aChangedRecordEndsTheStream() throws {
    let pair = try Pair.connected()
    try pair.clientSocket.sendAll([23, 3, 3, 0, 40] + pattern(40), split: 0)
    guard case .failed(let code) = fault(of: { try pair.server.receive() }) else {
      Issue.record("accepted")
      return
    }
    #expect(code != 0)
    #expect(String(decoding: TLSText.ofError(code), as: UTF8.self) == "decryption failed or bad record mac")
    #expect(fault { try pair.server.receive() } == .failed(code))
    #expect(fault { try pair.server.sendAll("no") } == .failed(code))
    // The client hears of it by an alert.
    guard case .failed = fault(of: { try pair.client.receive() }) else {
      Issue.record("no alert")
      return
    }
  }

  // MARK: - Abort

  @Test func abortWakesBothDirections() throws {
    let pair = try Pair.connected(buffer: 4096)
    let client = pair.client
    let reader = Background { failure { try client.receive() } }
    let writer = Background { failure { try client.sendAll(pattern(1_000_000)) } }
    #expect(!reader.isDone(after: 30))
    #expect(!writer.isDone(after: 30))
    client.abort()
    #expect(try reader.value() == .aborted)
    #expect(try writer.value() == .aborted)
    #expect(client.isAborted)
    #expect(failure { try client.receive() } == .aborted)
    #expect(failure { try client.sendAll("no") } == .aborted)
    #expect(failure { try client.wait(for: .read, deadline: past, interruptible: false) } == .aborted)
  }

  @Test func aWaitEndsAtItsDeadline() throws {
    let pair = try Pair.connected()
    let start = Deadline.now.nanoseconds
    #expect(failure { try pair.client.wait(for: .read, deadline: .after(milliseconds: 60), interruptible: false) } == .timeout)
    #expect(Deadline.now.nanoseconds - start >= 59_000_000)
  }

  @Test func aWakeupEndsAWait() throws {
    let pair = try Pair.connected()
    let client = pair.client
    let wakeup = try Wakeup()
    let waiting = Background { try client.wait(for: .read, deadline: generous, interruptible: false, wakeup: wakeup) }
    #expect(!waiting.isDone(after: 30))
    wakeup.raise()
    #expect(try waiting.value() == [])
  }

  // MARK: - Between messages

  @Test func keysChangeInBothDirections() throws {
    let pair = try Pair.connected()
    for round in 0..<5 {
      #expect(ossl_SSL_key_update(pair.client.ssl, ossl_SSL_KEY_UPDATE_REQUESTED) == 1)
      let text = "round \(round)"
      try pair.client.sendAll(text)
      #expect(try pair.server.receiveText(7) == text)
      try pair.server.sendAll(text)
      #expect(try pair.client.receiveText(7) == text)
    }
  }

  @Test func keysChangeWhileBothDirectionsAreFull() throws {
    let pair = try Pair.connected(buffer: 8192)
    let (client, server) = (pair.client, pair.server)
    let bytes = pattern(1_000_000)
    let receiving = [client, server].map { stream in Background { try stream.receiveExactly(bytes.count) == bytes } }
    let sending = [client, server].map { stream in
      Background {
        for start in stride(from: 0, to: bytes.count, by: 50_000) {
          _ = stream.lock.withLock { ossl_SSL_key_update(stream.ssl, ossl_SSL_KEY_UPDATE_REQUESTED) }
          try stream.sendAll(Array(bytes[start..<start + 50_000]))
        }
      }
    }
    for thread in sending { try thread.value() }
    for thread in receiving { #expect(try thread.value()) }
  }

  @Test func keysAreChangedBeforeTheyAreWornOut() throws {
    let pair = try Pair.connected()
    try pair.client.sendAll("old keys")
    pair.client.recordsSent = TLSStream.recordsPerKey
    try pair.client.sendAll("new keys")
    #expect(pair.client.recordsSent == 1)
    #expect(try pair.server.receiveText(16) == "old keysnew keys")
  }

  @Test func recordsWithoutDataEndTheStreamWhenThereAreTooMany() throws {
    let pair = try Pair.connected()
    for _ in 0..<32 {
      changeKeys(pair.client)
      #expect(failure { try pair.server.receive(deadline: past) } == .timeout)
    }
    changeKeys(pair.client)
    #expect(fault { try pair.server.receive() } == .flooded)
    #expect(fault { try pair.server.receive() } == .flooded)
  }

  @Test func aFloodOfRecordsWithoutDataEndsTheStream() throws {
    let pair = try Pair.connected()
    let (client, server) = (pair.client, pair.server)
    let flood = Background {
      while !client.isAborted { self.changeKeys(client) }
    }
    let outcome = Background { fault { try server.receive() } }
    #expect(try outcome.value() == .flooded)
    client.abort()
    try flood.value()
  }

  @Test func aFewRecordsWithoutDataAreFine() throws {
    let pair = try Pair.connected()
    for _ in 0..<10 {
      for _ in 0..<30 { changeKeys(pair.client) }
      try pair.client.sendAll("data")
      #expect(try pair.server.receiveText(4) == "data")
    }
  }

  /// Sends a KeyUpdate and nothing else.
  private func changeKeys(_ stream: TLSStream) {
    stream.lock.withLock {
      guard stream.unsent.isEmpty else { return stream.flush() }
      _ = ossl_SSL_key_update(stream.ssl, ossl_SSL_KEY_UPDATE_NOT_REQUESTED)
      _ = ossl_SSL_do_handshake(stream.ssl)
    }
  }

  // MARK: - Processes

  @Test func aForkedChildLeavesTheConnectionAlone() throws {
    let pair = try Pair.connected()
    var holder: TLSStream? = pair.client
    let child = fork()
    if child == 0 {
      holder?.finishSending()
      holder = nil
      _exit(0)
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    #expect(status == 0)
    try pair.client.sendAll("still whole")
    #expect(try pair.server.receiveText(11) == "still whole")
    withExtendedLifetime(holder) {}
  }
}
