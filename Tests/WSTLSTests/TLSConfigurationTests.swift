// What a configuration is made of: identities, passwords, issuers, key logs, names; and what is wrong with bad ones.
import Foundation
import Testing
import WSTransport

@testable import WSTLS

@Suite struct TLSIdentityTests {
  @Test func aChainAndItsKeyAreLoaded() throws {
    _ = try identity()
    _ = try identity("chain.pem", "below.key")
    _ = try identity("both.pem", "both.pem")
    let (chain, key) = (try Certificates.text("good.pem"), try Certificates.text("good.key"))
    _ = try chain.withUnsafeBytes { chain in
      try key.withUnsafeBytes { try TLSIdentity.load(chain: .memory(chain), key: .memory($0), password: nil) }
    }
  }

  @Test func whatIsNotThereSaysSo() throws {
    #expect(fault { try identity("absent.pem", "good.key") } == .unreadable(ENOENT))
    #expect(fault { try identity("good.pem", "absent.key") } == .unreadable(ENOENT))
    #expect(fault { try identity("empty.pem", "good.key") } == .badCertificate(0))
    guard case .badKey = fault(of: { try identity("good.pem", "empty.pem") }) else {
      Issue.record("accepted")
      return
    }
  }

  @Test func theKeyMustFit() throws {
    guard case .keyMismatch(let code) = fault(of: { try identity("good.pem", "client.key") }) else {
      Issue.record("accepted")
      return
    }
    #expect(code != 0)
  }

  @Test func aWeakKeyIsRefusedWhenItIsLoaded() throws {
    guard case .badCertificate(let code) = fault(of: { try identity("weak.pem") }) else {
      Issue.record("accepted")
      return
    }
    #expect(String(decoding: TLSText.ofError(code), as: UTF8.self) == "ee key too small")
  }

  @Test func anEncryptedKeyNeedsItsPassword() throws {
    func password(_ text: String) -> KeyPassword {
      KeyPassword { space in
        space.copyBytes(from: text.utf8)
        return text.utf8.count
      }
    }
    _ = try identity("good.pem", "encrypted.key", password: password("open-sesame"))
    for wrong in [password("wrong"), KeyPassword { _ in nil }, KeyPassword { _ in Int.max }, nil] {
      guard case .badPassword = fault(of: { try identity("good.pem", "encrypted.key", password: wrong) }) else {
        Issue.record("accepted")
        continue
      }
    }
  }

  @Test func aPasswordIsAskedForOnlyWhenNeeded() throws {
    var asked = 0
    let password = KeyPassword { _ in
      asked += 1
      return nil
    }
    _ = try identity("good.pem", "good.key", password: password)
    #expect(asked == 0)
  }
}

@Suite struct TLSTrustTests {
  @Test func badIssuersAreRefused() throws {
    let trust = try TLSTrust.empty()
    #expect(fault { try withFile("absent.pem") { try trust.add($0) } } == .unreadable(ENOENT))
    #expect(fault { try withFile("empty.pem") { try trust.add($0) } } == .badCertificate(0))
    #expect(fault { try Certificates.path("absent").withCString { try trust.add(directory: $0) } } == .unreadable(ENOENT))
    #expect(fault { try Certificates.path("ca.pem").withCString { try trust.add(directory: $0) } } == .unreadable(ENOTDIR))
    #expect(fault { try trust.add(.memory(empty)) } == .badCertificate(0))
  }

  @Test func aBrokenTextAddsNothing() throws {
    let text = try Certificates.text("ca.pem") + Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
    let trust = try TLSTrust.empty()
    guard case .badCertificate(let code) = fault(of: { try text.withUnsafeBytes { try trust.add(.memory($0)) } }) else {
      Issue.record("accepted")
      return
    }
    #expect(code != 0)
    let pair = try Pair(client: try .client(trust: trust), server: try .server(identity: try identity()))
    #expect(try pair.failures().client != nil)
  }

  @Test func issuersFromMemoryAndDirectories() throws {
    let fromMemory = try TLSTrust.empty()
    try Certificates.text("ca.pem").withUnsafeBytes { try fromMemory.add(.memory($0)) }
    let fromDirectory = try TLSTrust.empty()
    try Certificates.path("directory").withCString { try fromDirectory.add(directory: $0) }
    for trust in [fromMemory, fromDirectory, try trust("otherca.pem", "ca.pem")] {
      let pair = try Pair(client: try .client(trust: trust), server: try .server(identity: try identity()))
      try pair.connect()
    }
  }
}

@Suite struct TLSServerNameTests {
  @Test func whatIsNoNameIsRefused() {
    for host in ["", String(repeating: "a", count: 256), "a\0b"] {
      let name = Array(host.utf8).withUnsafeBytes { TLSServerName(host: $0, port: 443, isAddress: false) }
      #expect(name == nil)
    }
  }

  @Test func namesAreTheSameOrNot() throws {
    let name = try serverName("example.com")
    #expect(name.equals(try serverName("example.com.")))
    #expect(!name.equals(try serverName("example.con")))
    #expect(!name.equals(try serverName("example.co")))
    #expect(!name.equals(try serverName("example.com", port: 444)))
    #expect(!name.equals(try serverName("example.com", isAddress: true)))
  }
}

@Suite struct BacklogTests {
  @Test func bytesComeOutInOrder() {
    var backlog = Backlog()
    var isEmpty = backlog.isEmpty && backlog.bytes.isEmpty
    #expect(isEmpty)
    for round in 0..<50 {
      let bytes = pattern(333, seed: round * 333)
      #expect(bytes.withUnsafeBytes { backlog.append($0) })
    }
    var taken: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 100)
    while !backlog.isEmpty {
      let count = room.withUnsafeMutableBytes { backlog.take(into: $0) }
      taken += room[..<count]
    }
    #expect(taken == (0..<50).flatMap { pattern(333, seed: $0 * 333) })
    backlog.discard(10)
    isEmpty = backlog.isEmpty
    #expect(isEmpty)
  }
}

@Suite struct KeyLogTests {
  @Test func theSecretsOfAConnectionAreLogged() throws {
    let path = NSTemporaryDirectory() + "wsswift-keylog-\(getpid())"
    defer { unlink(path) }
    let log = try path.withCString { try PrivateLog.open($0) }
    let pair = try Pair(
      client: try .client(trust: try trust("ca.pem"), keyLog: log), server: try .server(identity: try identity()))
    try pair.connect()
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("CLIENT_TRAFFIC_SECRET_0 ") })
    #expect(lines.contains { $0.hasPrefix("SERVER_TRAFFIC_SECRET_0 ") })
  }
}
