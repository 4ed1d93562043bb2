// The client's configuration: what it takes, that it freezes, and what connections get of it.
import Foundation
import Testing
import WSProtocol

@testable import WSSwift

extension Dialer {
  func add(_ name: String, _ value: String) throws {
    try lending(Array(name.utf8)) { name in try lending(Array(value.utf8)) { try addHeader(name, $0) } }
  }

  func offer(_ name: String) throws { try lending(Array(name.utf8)) { try addSubprotocol($0) } }
}

@Suite struct DialerTests {
  @Test func refusesWhatMustNotBeSent() throws {
    let dialer = Dialer()
    #expect(fault(try dialer.add("a b", "1")) == .configuration(.badName))
    #expect(fault(try dialer.add("A", "1\r\nB: 2")) == .configuration(.badValue))
    #expect(fault(try dialer.add("sec-websocket-key", "1")) == .configuration(.reservedHeader))
    #expect(fault(try dialer.add("A", String(repeating: "x", count: 70_000))) == .configuration(.tooLarge))
    #expect(fault(try dialer.offer("a,b")) == .configuration(.badSubprotocol))
    try dialer.offer("a")
    #expect(fault(try dialer.offer("a")) == .configuration(.duplicateSubprotocol))
    Memory.failAllocation(1)
    #expect(fault(try dialer.add("A", String(repeating: "x", count: 5000))) == .outOfMemory)
  }

  @Test func isFrozenByItsFirstUse() throws {
    let dialer = Dialer()
    try dialer.add("A", "1")
    #expect(fault(try makeDial("bad url", dialer)) != nil)
    try dialer.setReadLimit(5)
    _ = try makeDial("ws://host/", dialer)
    #expect(fault(try dialer.add("B", "1")) == .state)
    #expect(fault(try dialer.offer("b")) == .state)
    #expect(fault(try dialer.setTimeout(milliseconds: 1)) == .state)
    #expect(fault(try dialer.setReadLimit(1)) == .state)
    #expect(fault(try dialer.setCompression(true)) == .state)
    #expect(fault(try dialer.setContextTakeover(client: true, server: true)) == .state)
    #expect(fault(try dialer.setWindowBits(client: 15, server: 15)) == .state)
  }

  @Test func takesOnlyWindowsThatThereAre() throws {
    let dialer = Dialer()
    for (client, server) in [(8, 15), (16, 15), (-1, 15), (.min, 15), (15, 7), (15, 0), (15, 16), (15, .max)] {
      #expect(fault(try dialer.setWindowBits(client: client, server: server)) == .invalid)
    }
    for (client, server) in [(9, 8), (15, 15), (0, 15)] { try dialer.setWindowBits(client: client, server: server) }
  }

  @Test func isSharedByManyThreads() throws {
    let server = try RawServer()
    let dialer = Dialer()
    try dialer.setReadLimit(3)
    let serving = Background {
      for _ in 0..<8 {
        let peer = try server.accept()
        try peer.send(Array(switching(try peer.head()).utf8))
        try peer.send(text: "four")
      }
    }
    let url = server.url
    try onThreads(8) { _ in
      let conn = try lending(Array(url.utf8)) { try dialer.dial($0) }
      #expect(conn.failureOfRead() == .violation(.messageTooBig(limit: 3)))
    }
    try serving.value()
  }

  @Test func noTimeoutIsForEver() throws {
    let dialer = Dialer()
    #expect(dialer.configuredDeadline != .never)
    try dialer.setTimeout(milliseconds: 0)
    #expect(dialer.configuredDeadline == .never)
    try dialer.setTimeout(milliseconds: -5)
    #expect(dialer.configuredDeadline == .never)
  }
}
