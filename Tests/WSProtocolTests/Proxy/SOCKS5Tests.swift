// SOCKS 5 as tables: what the proxy says, what we say, and how it ends; each also one byte at a time. RFC 1928, RFC 1929.
import Testing

@testable import WSProtocol

/// How a conversation went.
struct SOCKSTalk: Equatable {
  var sent: [UInt8] = []
  var error: ProxyError?
  var isOpen = false
  var rest: [UInt8] = []
}

@Suite struct SOCKS5Tests {
  private func talk(_ answers: [UInt8], _ host: String, _ proxy: String, byteByByte: Bool) -> SOCKSTalk {
    var talk = SOCKSTalk()
    var received = ByteQueue()
    var output = ByteQueue()
    var socks = SOCKS5()
    do {
      let proxy = try ProxyURL(parsing: lasting(proxy))
      try socks.writeGreeting(to: &output, proxy: proxy)
      for piece in byteByByte ? answers.map({ [$0] }) : [answers] {
        try received.append(lasting(piece))
        while !socks.isOpen,
          try socks.advance(&received, output: &output, host: lasting(host), port: 0x1234, proxy: proxy)
        {}
      }
    } catch {
      talk.error = error as? ProxyError
      #expect(talk.error != nil)
    }
    talk.isOpen = socks.isOpen
    talk.sent = Array(output.bytes)
    talk.rest = Array(received.bytes)
    return talk
  }

  private func expect(
    _ answers: [UInt8], host: String = "10.1.2.3", proxy: String = "socks5://p", sent: [UInt8], error: ProxyError? = nil,
    rest: [UInt8] = []
  ) {
    for byteByByte in [false, true] {
      let seen = talk(answers, host, proxy, byteByByte: byteByByte)
      #expect(seen.sent == sent)
      #expect(seen.error == error)
      #expect(seen.isOpen == (error == nil))
      if error == nil { #expect(seen.rest == rest) }
    }
  }

  private let greeting: [UInt8] = [5, 1, 0]
  private let both: [UInt8] = [5, 2, 0, 2]
  private let ipv4: [UInt8] = [5, 1, 0, 1, 10, 1, 2, 3, 0x12, 0x34]
  private let good: [UInt8] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]

  @Test func anAddressGoesAsItsBytes() {
    expect([5, 0] + good, sent: greeting + ipv4)
    expect(
      [5, 0] + good, host: "2001:db8::1",
      sent: greeting + [5, 1, 0, 4, 0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x12, 0x34])
  }

  @Test func aNameIsTheProxysToResolve() {
    expect([5, 0] + good, host: "a.example", sent: greeting + [5, 1, 0, 3, 9] + utf8("a.example") + [0x12, 0x34])
  }

  @Test func bytesBehindTheReplyAreTheHosts() {
    expect([5, 0] + good + [1, 2, 3], sent: greeting + ipv4, rest: [1, 2, 3])
    expect([5, 0, 5, 0, 0, 3, 2, 65, 66, 0, 0, 9], sent: greeting + ipv4, rest: [9])
    expect([5, 0, 5, 0, 0, 4] + [UInt8](repeating: 0, count: 18) + [9], sent: greeting + ipv4, rest: [9])
  }

  @Test func theUserAndPasswordGoOnlyWhereTheProxyAsksForThem() {
    let proxy = "socks5://us%65r:pw@p"
    expect([5, 0] + good, proxy: proxy, sent: both + ipv4)
    expect([5, 2, 1, 0] + good, proxy: proxy, sent: both + [1, 4] + utf8("user") + [2] + utf8("pw") + ipv4)
    expect([5, 2, 1, 0] + good, proxy: "socks5://u@p", sent: both + [1, 1] + utf8("u") + [0] + ipv4)
  }

  @Test func aRefusedPassword() {
    let sent = both + [1, 1] + utf8("u") + [1] + utf8("p")
    expect([5, 2, 1, 1], proxy: "socks5://u:p@p", sent: sent, error: .authenticationFailed)
    expect([5, 2, 5, 0], proxy: "socks5://u:p@p", sent: sent, error: .badSOCKSAnswer)
    expect([5, 0xFF], proxy: "socks5://u:p@p", sent: both, error: .authenticationFailed)
  }

  @Test func aProxyThatWantsAPasswordAndGetsNone() {
    expect([5, 0xFF], sent: greeting, error: .authenticationRequired)
    expect([5, 2], sent: greeting, error: .badSOCKSAnswer)
    expect([5, 1], proxy: "socks5://u:p@p", sent: both, error: .badSOCKSAnswer)
  }

  @Test func whatIsNoSOCKS5() {
    expect([4, 0], sent: greeting, error: .notSOCKS5)
    expect(utf8("HTTP/1.1 400"), sent: greeting, error: .notSOCKS5)
    expect([5, 0, 4, 0], sent: greeting + ipv4, error: .notSOCKS5)
    expect([5, 0, 5, 0, 0, 2, 0], sent: greeting + ipv4, error: .badSOCKSAnswer)
  }

  @Test(arguments: [
    (1 as UInt8, ProxyError.socksFailure), (2, .notAllowed), (3, .networkUnreachable), (4, .hostUnreachable),
    (5, .connectionRefused),
    (6, .timeToLiveExpired), (7, .commandNotSupported), (8, .addressTypeNotSupported), (9, .unknownReply(9)),
    (255, .unknownReply(255)),
  ])
  func everyReplyHasItsError(code: UInt8, expected: ProxyError) {
    expect([5, 0, 5, code], sent: greeting + ipv4, error: expected)
  }

  @Test func aNameThatSOCKSCannotCarry() {
    let name = String(repeating: "a", count: 256)
    expect([5, 0], host: name, sent: greeting, error: .nameTooLong)
  }
}
