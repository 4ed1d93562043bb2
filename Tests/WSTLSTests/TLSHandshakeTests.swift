// Handshakes: whom a client believes, whom a server believes, what each refuses, and that every wait in them can be ended.
import Foundation
import Testing
import WSTransport

@testable import WSTLS

/// Codes of X509_verify_cert_error_string.
private enum Verdict {
  static let expired: Int32 = 10
  static let selfSigned: Int32 = 18
  static let unknownIssuer: Int32 = 20
  static let wrongPurpose: Int32 = 26
  static let wrongName: Int32 = 62
  static let wrongAddress: Int32 = 64
}

@Suite struct TLSHandshakeTests {
  /// The verdict of a client that trusts `ca`, about a server's certificate; 0 for a good one, -1 for another failure.
  private func verdict(_ certificate: String, _ name: TLSServerName, chain: String? = nil) throws -> Int32 {
    let server = try identity(chain ?? "\(certificate).pem", "\(certificate).key")
    let pair = try Pair(
      client: try .client(trust: try trust("ca.pem")), server: try .server(identity: server), name: name)
    let outcome = try pair.failures()
    guard let failure = outcome.client else { return 0 }
    guard case .tls(.untrusted(let verify, let code)) = failure, code != 0 else { return -1 }
    // The server learns of it by an alert.
    guard case .tls(.failed) = outcome.server else { return -2 }
    return verify
  }

  @Test func goodCertificatesAreAccepted() throws {
    #expect(try verdict("good", serverName("localhost")) == 0)
    #expect(try verdict("good", serverName("localhost.")) == 0)
    #expect(try verdict("good", serverName("127.0.0.1", isAddress: true)) == 0)
    #expect(try verdict("good", serverName("::1", isAddress: true)) == 0)
    #expect(try verdict("below", serverName("localhost"), chain: "chain.pem") == 0)
    #expect(try verdict("serveronly", serverName("localhost")) == 0)
  }

  @Test func badCertificatesAreRefusedWithTheirReason() throws {
    #expect(try verdict("expired", serverName("localhost")) == Verdict.expired)
    #expect(try verdict("self", serverName("localhost")) == Verdict.selfSigned)
    #expect(try verdict("unknown", serverName("localhost")) == Verdict.unknownIssuer)
    #expect(try verdict("below", serverName("localhost")) == Verdict.unknownIssuer)
  }

  @Test func theNameMustBeTheServers() throws {
    #expect(try verdict("wronghost", serverName("localhost")) == Verdict.wrongName)
    #expect(try verdict("good", serverName("localhost.example")) == Verdict.wrongName)
    #expect(try verdict("good", serverName("xlocalhost")) == Verdict.wrongName)
    #expect(try verdict("good", serverName("127.0.0.2", isAddress: true)) == Verdict.wrongAddress)
    #expect(try verdict("addressonly", serverName("127.0.0.1", isAddress: true)) == 0)
    #expect(try verdict("addressonly", serverName("localhost")) == Verdict.wrongName)
  }

  @Test func theCommonNameDoesNotCount() throws {
    #expect(try verdict("nameonly", serverName("localhost")) == Verdict.wrongName)
  }

  @Test func aWildcardIsOneWholeLabel() throws {
    #expect(try verdict("wildcard", serverName("a.test.localhost")) == 0)
    #expect(try verdict("wildcard", serverName("test.localhost")) == Verdict.wrongName)
    #expect(try verdict("wildcard", serverName("a.b.test.localhost")) == Verdict.wrongName)
    #expect(try verdict("partial", serverName("foo.test.localhost")) == Verdict.wrongName)
  }

  @Test func aNulInANameHidesNothing() throws {
    #expect(try verdict("nul", serverName("localhost")) != 0)
  }

  @Test func theNamesOfARefusedCertificateCanBeTold() throws {
    let server = try identity("wronghost.pem")
    let pair = try Pair(client: try .client(trust: try trust("ca.pem")), server: try .server(identity: server))
    _ = try pair.failures()
    let names = pair.client.withRefusedNames { String(decoding: $0, as: UTF8.self) }
    #expect(names == "DNS:other.example, DNS:*.sub.example, IP Address:192.0.2.7")
  }

  @Test func theSystemsIssuersKnowNoneOfOurs() throws {
    let pair = try Pair(client: try .client(), server: try .server(identity: try identity()))
    guard case .tls(.untrusted) = try pair.failures().client else {
      Issue.record("accepted")
      return
    }
  }

  @Test func checkingCanBeSwitchedOff() throws {
    for certificate in ["expired.pem", "self.pem", "wronghost.pem"] {
      let pair = try Pair(client: try .client(isChecked: false), server: try .server(identity: try identity(certificate)))
      try pair.connect()
      try pair.client.sendAll("trusting")
      #expect(try pair.server.receiveText(8) == "trusting")
    }
  }

  @Test func aClientWithoutANameToCheckIsRefused() throws {
    let client = try TLSContext.client(trust: try trust("ca.pem"))
    let (near, _) = try socketPair()
    guard case .untrusted = fault(of: { try stream(client, over: near) }) else {
      Issue.record("accepted")
      return
    }
  }

  // MARK: - Client certificates

  private func outcome(client: String?, _ wanted: ClientCertificates) throws -> (Pair, (TransportError?, TransportError?)) {
    let pair = try Pair(
      client: try .client(trust: try trust("ca.pem"), identity: try client.map { try identity($0) }),
      server: try .server(identity: try identity(), clients: wanted, clientTrust: try trust("ca.pem")))
    return (pair, try pair.failures())
  }

  @Test func aClientCertificateIsSeen() throws {
    for wanted in [ClientCertificates.optional, .required] {
      let (pair, ends) = try outcome(client: "client.pem", wanted)
      #expect(ends.0 == nil && ends.1 == nil)
      let subject = pair.server.withPeerSubject { String(decoding: $0, as: UTF8.self) }
      #expect(subject == "CN=client one,O=wsswift tests")
      let der = try #require(pair.server.withPeerDER { Array($0) })
      let pem = String(decoding: try Certificates.text("client.pem"), as: UTF8.self)
      let lines = pem.split(separator: "\n").filter { !$0.hasPrefix("-") }
      #expect(Data(der).base64EncodedString() == lines.joined())
    }
  }

  @Test func aClientWithoutCertificate() throws {
    let (pair, optional) = try outcome(client: nil, .optional)
    #expect(optional.0 == nil && optional.1 == nil)
    #expect(pair.server.withPeerSubject { $0.count } == nil)
    let (refusing, required) = try outcome(client: nil, .required)
    guard case .tls(.failed) = required.1 else {
      Issue.record("accepted")
      return
    }
    // In TLS 1.3 the client is done before it is refused; the next read tells.
    #expect(required.0 == nil)
    guard case .failed(let code) = fault(of: { try refusing.client.receive() }) else {
      Issue.record("no alert")
      return
    }
    #expect(String(decoding: TLSText.ofError(code), as: UTF8.self) == "tlsv13 alert certificate required")
  }

  @Test func aClientOfAnUnknownIssuerIsRefused() throws {
    for (certificate, verify) in [("stranger.pem", Verdict.unknownIssuer), ("serveronly.pem", Verdict.wrongPurpose)] {
      let (_, ends) = try outcome(client: certificate, .optional)
      guard case .tls(.untrusted(verify, _)) = ends.1 else {
        Issue.record("\(certificate): \(String(describing: ends.1))")
        continue
      }
    }
  }

  // MARK: - Sessions

  @Test func aSecondConnectionResumes() throws {
    let client = try TLSContext.client(trust: try trust("ca.pem"))
    let server = try TLSContext.server(identity: try identity())
    var resumed: [Bool] = []
    for name in ["localhost", "localhost", "localhost", "127.0.0.1"] {
      let pair = try Pair(client: client, server: server, name: try serverName(name, isAddress: name == "127.0.0.1"))
      try pair.connect()
      // Tickets come behind the handshake.
      try pair.server.sendAll("ticket")
      #expect(try pair.client.receiveText(6) == "ticket")
      resumed.append(pair.client.isResumed)
      #expect(pair.server.isResumed == pair.client.isResumed)
    }
    #expect(resumed == [false, true, true, false])
  }

  @Test func anotherServerKnowsNoneOfOurSessions() throws {
    let client = try TLSContext.client(trust: try trust("ca.pem"))
    for _ in 0..<2 {
      let pair = try Pair(client: client, server: try .server(identity: try identity()))
      try pair.connect()
      try pair.server.sendAll("ticket")
      #expect(try pair.client.receiveText(6) == "ticket")
      #expect(!pair.client.isResumed)
    }
  }

  @Test func resumingCanBeSwitchedOff() throws {
    let client = try TLSContext.client(trust: try trust("ca.pem"), resumes: false)
    let server = try TLSContext.server(identity: try identity())
    for _ in 0..<2 {
      let pair = try Pair(client: client, server: server)
      try pair.connect()
      try pair.server.sendAll("ticket")
      #expect(try pair.client.receiveText(6) == "ticket")
      #expect(!pair.client.isResumed)
    }
  }

  // MARK: - What is no TLS

  @Test(arguments: ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{4}x\u{0}\u{0}\u{0}", "SSH-2.0-x\r\n"])
  func whatIsNoTLSIsRefused(text: String) throws {
    let (near, far) = try socketPair()
    let server = try stream(try .server(identity: try identity()), over: near)
    try far.sendAll(text)
    far.finishSending()
    guard case .failed = fault(of: { try server.handshake(until: generous, cancellation: nil) }) else {
      Issue.record("accepted")
      return
    }
  }

  @Test func anEndInsideTheHandshake() throws {
    let (near, far) = try socketPair()
    let server = try stream(try .server(identity: try identity()), over: near)
    try far.sendAll([22, 3, 1, 2], split: 0)
    far.finishSending()
    #expect(failure { try server.handshake(until: generous, cancellation: nil) } == .closed(0))
  }

  @Test func whatWasReadBeforeBelongsToTLS() throws {
    let (near, far) = try socketPair()
    let client = try stream(try .client(trust: try trust("ca.pem")), over: near, name: try serverName("localhost"))
    let other = Background { try client.handshake(until: generous, cancellation: nil) }
    let beginning = try far.receiveExactly(100)
    let server = try stream(try .server(identity: try identity()), over: far, alreadyRead: beginning)
    try server.handshake(until: generous, cancellation: nil)
    try other.value()
    try client.sendAll("whole")
    #expect(try server.receiveText(5) == "whole")
  }

  // MARK: - Waits that end

  @Test func aSilentPeerIsLeftAtTheDeadline() throws {
    let (near, _far) = try socketPair()
    let client = try stream(try .client(trust: try trust("ca.pem")), over: near, name: try serverName("localhost"))
    #expect(failure { try client.handshake(until: .after(milliseconds: 50), cancellation: nil) } == .timeout)
    withExtendedLifetime(_far) {}
  }

  @Test func aCancellationEndsAHandshake() throws {
    let (near, _far) = try socketPair()
    let client = try stream(try .client(trust: try trust("ca.pem")), over: near, name: try serverName("localhost"))
    let cancellation = try Cancellation()
    let waiting = Background { failure { try client.handshake(until: generous, cancellation: cancellation) } }
    #expect(!waiting.isDone(after: 30))
    let start = Deadline.now.nanoseconds
    cancellation.cancel()
    #expect(try waiting.value() == .aborted)
    #expect(Deadline.now.nanoseconds - start < 50_000_000)
    withExtendedLifetime(_far) {}
  }

  @Test func aHandshakeOverAFullTransport() throws {
    let pair = try Pair(
      client: try .client(trust: try trust("ca.pem")), server: try .server(identity: try identity("chain.pem", "below.key")),
      buffer: 1)
    try pair.connect()
    try pair.server.sendAll("through")
    #expect(try pair.client.receiveText(7) == "through")
  }
}
