// When to ping and when to give a peer up, on a pretended clock.
import Testing

@testable import WSProtocol

@Suite("Keepalive: whether the peer is still there")
struct KeepaliveTests {
  private func makeKeepalive(interval: Int64 = 20, timeout: Int64 = 7) -> Keepalive {
    var keepalive = Keepalive()
    keepalive.set(interval: interval, timeout: timeout, now: 100)
    return keepalive
  }

  @Test("off, nothing is ever due")
  func off() {
    var keepalive = Keepalive()
    #expect(!keepalive.isOn && keepalive.next == .max)
    #expect(keepalive.due(at: .max, isDrained: true) == .nothing)
    keepalive = makeKeepalive()
    keepalive.set(interval: 0, timeout: 7, now: 100)
    #expect(!keepalive.isOn && keepalive.due(at: .max, isDrained: true) == .nothing)
  }

  @Test("a ping after each interval, as long as something comes back")
  func pings() {
    var keepalive = makeKeepalive()
    #expect(keepalive.next == 120)
    #expect(keepalive.due(at: 119, isDrained: true) == .nothing)
    #expect(keepalive.due(at: 121, isDrained: false) == .ping)
    #expect(keepalive.isAsking && keepalive.next == 128)
    #expect(keepalive.due(at: 122, isDrained: true) == .nothing)
    keepalive.left(at: 123)
    #expect(keepalive.next == 130)
    keepalive.heard()
    #expect(!keepalive.isAsking && keepalive.next == 141)
    #expect(keepalive.due(at: 141, isDrained: true) == .ping)
  }

  @Test("silence is judged only when everything that arrived has been looked at")
  func silence() {
    var keepalive = makeKeepalive()
    #expect(keepalive.due(at: 120, isDrained: true) == .ping)
    keepalive.left(at: 120)
    #expect(keepalive.due(at: 126, isDrained: true) == .nothing)
    #expect(keepalive.due(at: 500, isDrained: false) == .nothing)
    #expect(keepalive.due(at: 500, isDrained: true) == .lost)
  }

  @Test("no second ping while the first waits, whatever the interval")
  func oneAtATime() {
    var keepalive = makeKeepalive(interval: 5, timeout: 100)
    #expect(keepalive.due(at: 105, isDrained: true) == .ping)
    keepalive.left(at: 105)
    #expect(keepalive.due(at: 150, isDrained: true) == .nothing)
    keepalive.heard()
    #expect(keepalive.due(at: 151, isDrained: true) == .ping)
  }

  @Test("a ping that waits behind our own output has time as long as that moves, and from when it leaves")
  func blockedOutput() {
    var keepalive = makeKeepalive()
    #expect(keepalive.due(at: 120, isDrained: true) == .ping)
    keepalive.moved(at: 126)
    #expect(keepalive.next == 133)
    keepalive.left(at: 130)
    keepalive.left(at: 135)
    #expect(keepalive.next == 137)
    keepalive.moved(at: 136)
    #expect(keepalive.due(at: 137, isDrained: true) == .lost)
  }

  @Test("without a timeout pings are sent and nobody is given up; times do not overflow")
  func edges() {
    var keepalive = makeKeepalive(timeout: 0)
    #expect(keepalive.due(at: 120, isDrained: true) == .ping)
    #expect(!keepalive.isAsking && keepalive.next == 140)
    #expect(keepalive.due(at: 141, isDrained: true) == .ping)
    keepalive.set(interval: .max, timeout: .max, now: 5)
    #expect(keepalive.next == .max)
    keepalive.set(interval: -1, timeout: -1, now: 5)
    #expect(!keepalive.isOn)
  }
}
