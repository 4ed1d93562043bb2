// The server's configuration, and the opening handshake of our client with our server, end to end over TCP.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

extension Upgrader {
  func speak(_ name: String) throws { try lending(Array(name.utf8)) { try addSubprotocol($0) } }
  func allow(origin: String) throws { try lending(Array(origin.utf8)) { try addOrigin($0) } }
  func allow(host: String) throws { try lending(Array(host.utf8)) { try addHost($0) } }

  func add(_ name: String, _ value: String) throws {
    try lending(Array(name.utf8)) { name in try lending(Array(value.utf8)) { try addHeader(name, $0) } }
  }
}

@Suite struct UpgraderTests {
  /// Our client and our server over loopback, with what the client says about itself.
  private func meet(_ upgrader: Upgrader, _ fields: [(String, String)] = []) throws -> (WSError?, WSError?) {
    let (listener, port) = try Listening.listen(host: nil, port: 0)
    defer { Listening.close(descriptor: listener) }
    let serving = Background {
      var conn: Conn?
      let error = fault(conn = try upgrader.upgrade(descriptor: try Listening.accept(listener).descriptor))
      return (error, conn)
    }
    let dialer = Dialer()
    for (name, value) in fields { try dialer.add(name, value) }
    var client: Conn?
    let error = fault(client = try makeDial("ws://127.0.0.1:\(port)/", dialer).run())
    let (refused, server) = try serving.value()
    if let client, let server {
      try client.send("ping")
      #expect(try server.text() == "ping")
    }
    return (error, refused)
  }

  @Test func ourClientMeetsOurServer() throws {
    let (client, server) = try meet(Upgrader())
    #expect(client == nil && server == nil)
  }

  @Test func compressionIsAgreedOnAndUsed() throws {
    let (listener, port) = try Listening.listen(host: nil, port: 0)
    defer { Listening.close(descriptor: listener) }
    let upgrader = Upgrader()
    try upgrader.setCompression(true)
    try upgrader.setWindowBits(client: 10, server: 12)
    try upgrader.setContextTakeover(client: true, server: false)
    let serving = Background { try upgrader.upgrade(descriptor: try Listening.accept(listener).descriptor) }
    let dialer = Dialer()
    try dialer.setCompression(true)
    let client = try makeDial("ws://127.0.0.1:\(port)/", dialer).run()
    let server = try serving.value()
    let agreed = DeflateParameters(serverKeepsContext: false, serverWindowBits: 12, clientWindowBits: 10)
    for conn in [client, server] {
      #expect(conn.deflate == agreed)
      #expect(
        String(decoding: conn.extensions, as: UTF8.self)
          == "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits=10")
    }
    let text = String(repeating: "one message and the same again ", count: 100)
    for (from, to) in [(client, server), (server, client), (client, server)] {
      try from.send(text)
      #expect(try to.text() == text)
    }
    #expect(client.statistics.sent.deflatedBytes < 500 && server.statistics.received.compressedBytes == 6200)
  }

  @Test func takesOnlyWindowsThatThereAre() throws {
    let upgrader = Upgrader()
    for (client, server) in [(7, 15), (0, 15), (16, 15), (15, 8), (15, 0), (15, 16)] {
      #expect(fault(try upgrader.setWindowBits(client: client, server: server)) == .invalid)
    }
    for (client, server) in [(8, 9), (15, 15)] { try upgrader.setWindowBits(client: client, server: server) }
  }

  @Test func hostsOfOtherMachinesAreRefusedOnLoopback() throws {
    for host in ["localhost:80", "a.localhost", "127.9.9.9", "[::1]:7"] {
      #expect(try meet(Upgrader(), [("Host", host)]) == (nil, nil))
    }
    let (client, server) = try meet(Upgrader(), [("Host", "rebound.example")])
    #expect(client == .status(421) && server == .handshake(.hostNotAllowed))
  }

  @Test func allowedHostsReplaceTheDefault() throws {
    let upgrader = Upgrader()
    try upgrader.allow(host: "*.example.com")
    #expect(try meet(upgrader, [("Host", "a.example.com")]) == (nil, nil))
    #expect(try meet(upgrader, [("Host", "localhost")]).0 == .status(421))
  }

  @Test func originsAreThoseOfTheHostOrAllowed() throws {
    let upgrader = Upgrader()
    try upgrader.allow(origin: "https://*.example.com")
    let host = ("Host", "localhost:8080")
    #expect(try meet(upgrader, [host, ("Origin", "http://localhost:8080")]) == (nil, nil))
    #expect(try meet(upgrader, [host, ("Origin", "https://a.example.com")]) == (nil, nil))
    #expect(try meet(upgrader, [host, ("Origin", "https://localhost:8080")]).1 == .handshake(.originNotAllowed))
    #expect(try meet(upgrader, [host, ("Origin", "https://example.com")]).0 == .status(403))
  }

  @Test func anOriginMayBeRequired() throws {
    let upgrader = Upgrader()
    try upgrader.setOriginRequired(true)
    let (client, server) = try meet(upgrader)
    #expect(client == .status(403) && server == .handshake(.originMissing))
  }

  @Test func refusesWhatMustNotBeSent() throws {
    let upgrader = Upgrader()
    #expect(fault(try upgrader.speak("a b")) == .configuration(.badSubprotocol))
    #expect(fault(try upgrader.add("Connection", "x")) == .configuration(.reservedHeader))
    #expect(fault(try upgrader.allow(origin: "example.com")) == .configuration(.badOrigin))
    #expect(fault(try upgrader.allow(host: "http://x")) == .configuration(.badHost))
    try upgrader.speak("a")
    #expect(fault(try upgrader.speak("a")) == .configuration(.duplicateSubprotocol))
    Memory.failAllocation(1)
    #expect(fault(try upgrader.allow(host: "x")) == .outOfMemory)
  }

  @Test func isFrozenByItsFirstUse() throws {
    let upgrader = Upgrader()
    let (_, peer) = try makeUpgrade(upgrader)
    #expect(fault(try upgrader.speak("a")) == .state)
    #expect(fault(try upgrader.add("A", "1")) == .state)
    #expect(fault(try upgrader.allow(origin: "*")) == .state)
    #expect(fault(try upgrader.allow(host: "*")) == .state)
    #expect(fault(try upgrader.setOriginRequired(true)) == .state)
    #expect(fault(try upgrader.setTimeout(milliseconds: 1)) == .state)
    #expect(fault(try upgrader.setReadLimit(1)) == .state)
    withExtendedLifetime(peer) {}
  }

  @Test func connectionsStartWithItsLimit() throws {
    let upgrader = Upgrader()
    try upgrader.setReadLimit(2)
    let (upgrade, peer) = try makeUpgrade(upgrader, alreadyRead: request())
    try upgrade.receiveRequest()
    try peer.send(text: "abc")
    #expect(try upgrade.accept().failureOfRead() == .violation(.messageTooBig(limit: 2)))
  }

  /// issue: with 100 silent clients a good one is served within 50 ms.
  @Test func silentClientsDelayNobody() throws {
    let (listener, port) = try Listening.listen(host: nil, port: 0)
    defer { Listening.close(descriptor: listener) }
    let upgrader = Upgrader()
    let silent = try (0..<100).map { _ in
      let client = RawPeer(try connectTCP(port), masks: true)
      let accepted = try Listening.accept(listener).descriptor
      return (client, Background { fault(try upgrader.upgrade(descriptor: accepted, deadline: .after(milliseconds: 8000))) })
    }
    let latency = try quickest {
      let serving = Background { try upgrader.upgrade(descriptor: try Listening.accept(listener).descriptor) }
      let taken = try milliseconds { _ = try makeDial("ws://localhost:\(port)/").run() }
      _ = try serving.value()
      return taken
    }
    #expect(latency < 50)
    for (client, _) in silent { client.drop() }
    for (_, thread) in silent { #expect(try thread.value() == .lost(0)) }
  }
}
