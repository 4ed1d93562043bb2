// A slow name server delays nobody beyond the deadline, and an abandoned lookup cleans up after itself.
import Foundation
import Synchronization
import Testing

@testable import WSTransport

/// A name server that answers when told to.
private final class Gate: @unchecked Sendable {
  private let opened = DispatchSemaphore(value: 0)
  let lookups = Atomic<Int>(0)
  let answers = Atomic<Int>(0)

  func open(times: Int = 1) { for _ in 0..<times { opened.signal() } }

  /// Waits until so many lookups were answered.
  func waitForAnswers(_ count: Int) {
    let deadline = generous
    while answers.load(ordering: .sequentiallyConsistent) < count && !deadline.isPast { usleep(500) }
  }

  /// Waits until so many lookups have begun, each in a slot.
  func waitForLookups(_ count: Int) {
    let deadline = generous
    while lookups.load(ordering: .sequentiallyConsistent) < count && !deadline.isPast { usleep(500) }
  }

  func lookup(_ list: inout AddressList) -> Int32 {
    lookups.add(1, ordering: .sequentiallyConsistent)
    opened.wait()
    list.append(.ipv4(0x7f00_0001, port: 80))
    answers.add(1, ordering: .sequentiallyConsistent)
    return 0
  }
}

private func resolve(
  _ host: String = "slow.example", deadline: Deadline = generous, cancellation: Cancellation? = nil,
  lookup: @escaping Resolver.Lookup
) throws(TransportError) -> AddressList {
  try withBytes(host) { (bytes) throws(TransportError) in
    try Resolver.resolve(host: bytes, port: 80, deadline: deadline, cancellation: cancellation, lookup: lookup)
  }
}

@Suite(.serialized) struct ResolverTests {
  @Test func numericAddressesNeedNoThread() throws {
    let list = try resolve("127.0.0.1") { _, _, _ in EAI_FAIL }
    #expect(list.count == 1)
    #expect(list[0].port == 80)
    let six = try resolve("::1") { _, _, _ in EAI_FAIL }
    #expect(six[0].family == .ipv6)
    #expect(six[0].port == 80)
  }

  @Test func aNameIsLookedUp() throws {
    let list = try resolve("localhost") { Resolver.systemLookup($0, $1, flags: 0, &$2) }
    #expect(list.count >= 1)
    #expect(list[0].isLoopback)
  }

  @Test(arguments: ["", "a\0b", String(repeating: "x", count: 256)]) func namesThatCannotBe(name: String) {
    #expect(failure { () throws(TransportError) in try resolve(name) { _, _, _ in 0 } } == .unresolved(EAI_NONAME))
  }

  @Test func failuresKeepTheirCode() {
    #expect(failure { () throws(TransportError) in try resolve { _, _, _ in EAI_AGAIN } } == .unresolved(EAI_AGAIN))
    #expect(failure { () throws(TransportError) in try resolve { _, _, _ in EAI_MEMORY } } == .outOfMemory)
  }

  @Test func aHangingLookupTimesOut() throws {
    let gate = Gate()
    let start = Deadline.now
    let error = failure { () throws(TransportError) in
      try resolve(deadline: .after(milliseconds: 30)) { _, _, list in gate.lookup(&list) }
    }
    #expect(error == .timeout)
    #expect(since(start) >= 30_000_000)
    gate.open()
  }

  @Test func aHangingLookupIsCancelledWithin50Milliseconds() throws {
    let gate = Gate()
    let milliseconds = try fastest {
      try timeToCancel { (cancellation) throws(TransportError) in
        try resolve(cancellation: cancellation) { _, _, list in gate.lookup(&list) }
      }
    }
    #expect(milliseconds < 50)
    gate.open(times: 5)
  }

  @Test func theNinthLookupWaitsForASlot() throws {
    let gate = Gate()
    let workers = (0..<8).map { _ in
      Worker { failure { () throws(TransportError) in try resolve { _, _, list in gate.lookup(&list) } } }
    }
    gate.waitForLookups(8)
    let ninth = { () throws(TransportError) in try resolve(deadline: .after(milliseconds: 30)) { _, _, _ in EAI_FAIL } }
    #expect(failure(of: ninth) == .timeout)
    gate.open(times: 8)
    for worker in workers { #expect(try worker.join() == nil) }
    gate.open()
    let list = try resolve { _, _, list in gate.lookup(&list) }
    #expect(list.count == 1)
  }

  @Test func abandonedLookupsLeaveNothingBehind() throws {
    let gate = Gate()
    let freed = Gate()
    for round in 1...20 {
      let witness = Witness { freed.answers.add(1, ordering: .sequentiallyConsistent) }
      let error = failure { () throws(TransportError) in
        try resolve(deadline: .after(milliseconds: 1)) { _, _, list in
          withExtendedLifetime(witness) { gate.lookup(&list) }
        }
      }
      #expect(error == .timeout)
      gate.open()
      gate.waitForAnswers(round)
    }
    freed.waitForAnswers(20)
    #expect(freed.answers.load(ordering: .sequentiallyConsistent) == 20, "each job frees what it holds")
  }

  /// Tells when it is freed.
  private final class Witness: Sendable {
    private let freed: @Sendable () -> Void
    init(freed: @escaping @Sendable () -> Void) { self.freed = freed }
    deinit { freed() }
  }

  @Test func onlyTheThreadOfTheLookupBlocksSignals() throws {
    let worker = Worker {
      unblockSignals()
      let list = try? resolve { _, _, list in
        if isBlocked(SIGINT) && isBlocked(SIGCHLD) { list.append(SocketAddress()) }
        return 0
      }
      return list?.count == 1 && !isBlocked(SIGINT)
    }
    #expect(try worker.join())
  }

  /// The threads of a parent do not exist in its child: their slots must not be missing there.
  @Test func aForkedChildHasAllSlots() throws {
    let gate = Gate()
    let workers = (0..<8).map { _ in
      Worker { failure { () throws(TransportError) in try resolve { _, _, list in gate.lookup(&list) } } }
    }
    gate.waitForLookups(8)
    let status = inChild { ResolverSlots.take() ? 0 : 1 }
    #expect(status == 0)
    gate.open(times: 8)
    for worker in workers { #expect(try worker.join() == nil) }
  }
}

@Suite struct AddressListTests {
  private func port(_ list: AddressList) -> [UInt16] { (0..<list.count).map { list[$0].port } }

  private func six(_ port: UInt16) -> SocketAddress { .anyIPv6(port: port) }

  private func four(_ port: UInt16) -> SocketAddress { .ipv4(0x7f00_0001, port: port) }

  @Test func interleavesFamilies() {
    var list = AddressList()
    for address in [six(1), six(2), six(3), four(4), four(5)] { list.append(address) }
    #expect(port(list.interleaved()) == [1, 4, 2, 5, 3])
  }

  @Test func startsWithTheFirstFamily() {
    var list = AddressList()
    for address in [four(1), six(2), four(3)] { list.append(address) }
    #expect(port(list.interleaved()) == [1, 2, 3])
    #expect(AddressList().interleaved().count == 0)
  }

  @Test func holdsAtMostSixteen() {
    var list = AddressList()
    for port in 0..<20 { list.append(four(UInt16(port))) }
    #expect(list.count == 16)
    #expect(port(list.interleaved()).count == 16)
  }
}
