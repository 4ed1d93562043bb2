// Everything at once: many threads that read, write, ping, set and at last close two connections that face each other. What was
// acknowledged arrives once and in order, and nothing hangs.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct ConnStressTests {
  /// One end, what its threads do, and what they count.
  final class Side: Sendable {
    let conn: Conn
    let stopping: Deadline
    /// How many messages each writer has sent.
    let sent: Guarded<[Int]>
    /// The numbers received from each of the other side's writers, in order.
    let received = Guarded<[Int: [Int]]>([:])

    init(_ conn: Conn, writers: Int, until stopping: Deadline) {
      self.conn = conn
      self.stopping = stopping
      sent = Guarded(Array(repeating: 0, count: writers))
    }

    /// Reads until the connection ends, and says how.
    func read() -> WSError? {
      while true {
        do throws(WSError) {
          guard let message = try conn.read() else { return nil }
          note(message.bytes)
        } catch {
          guard case .timeout = error else { return error }
        }
      }
    }

    private func note(_ bytes: ByteView) {
      let writer = Int(bytes[0])
      let number = Int(bytes.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
      #expect(bytes.cut(from: 5).allSatisfy { $0 == bytes[0] })
      received.withLock { $0[writer, default: []].append(number) }
    }

    /// Does things at random until it is time to stop or the connection is closed.
    func work(_ writer: Int) {
      while !stopping.isPast {
        do throws(WSError) { try step(writer, Int.random(in: 0..<10)) } catch {
          guard case .send(.closeSent) = error else {
            Issue.record("\(error)")
            return
          }
          return
        }
      }
    }

    private func step(_ writer: Int, _ choice: Int) throws(WSError) {
      switch choice {
      case 0 where Bool.random(): try ping()
      case 0: try conn.control(.ping, [UInt8](repeating: 1, count: Int.random(in: 0...125)))
      case 1: try conn.control(.pong)
      case 2: conn.setReadTimeout(milliseconds: Int64.random(in: 0...20))
      case 3: conn.setReadLimit(UInt64.random(in: 1 << 20...1 << 24))
      case 4: conn.setPongHandler { _ in true }
      default: try send(writer)
      }
    }

    /// A pong behind much else may take long.
    private func ping() throws(WSError) {
      do throws(WSError) {
        _ = try conn.ping(deadline: .after(milliseconds: 200))
      } catch {
        switch error {
        case .timeout, .closed: return
        default: throw error
        }
      }
    }

    private func send(_ writer: Int) throws(WSError) {
      let number = sent.withLock { $0[writer] }
      var message = [UInt8](repeating: UInt8(writer), count: 5 + Int.random(in: 0..<9000))
      withUnsafeBytes(of: UInt32(number)) { message.replaceSubrange(1..<5, with: $0) }
      try conn.send(message)
      sent.withLock { $0[writer] += 1 }
    }
  }

  @Test(arguments: [false, true]) func manyThreadsDoEverything(tcp: Bool) throws {
    let (client, server) = try makeConns(tcp: tcp)
    for conn in [client, server] {
      try conn.setBackground(true)
      try conn.setKeepalive(intervalMilliseconds: 20, timeoutMilliseconds: 20_000)
    }
    let stopping = Deadline.after(milliseconds: 2500)
    let sides = [client, server].map { Side($0, writers: 3, until: stopping) }
    let readers = sides.map { side in Background { side.read() } }
    let workers = sides.flatMap { side in (0..<3).map { writer in Background { side.work(writer) } } }
    do {
      for worker in workers { try worker.value(within: 15) }
      let closers = sides.map { side in Background { fault(try side.conn.close(1000, within: 8000)) } }
      for closer in closers { #expect(try closer.value(within: 10) == nil) }
      for reader in readers { #expect(try reader.value(within: 5) == nil) }
    } catch {
      sides.forEach { $0.conn.abort() }
      throw error
    }
    check(sides[0], sides[1])
    check(sides[1], sides[0])
  }

  private func check(_ sender: Side, _ receiver: Side) {
    let received = receiver.received.withLock { $0 }
    for (writer, count) in sender.sent.withLock({ $0 }).enumerated() {
      #expect(count > 10)
      #expect(received[writer] == Array(0..<count))
    }
  }

  /// A close in the middle of all that: whoever is inside comes out, in time.
  @Test func aCloseInTheMiddleEndsEveryCall() throws {
    for round in 0..<6 {
      let (client, server) = try makeConns(tcp: round % 2 == 0)
      let sides = [client, server].map { Side($0, writers: 2, until: .after(milliseconds: 5000)) }
      let readers = sides.map { side in Background { side.read() } }
      let workers = sides.flatMap { side in (0..<2).map { writer in Background { side.work(writer) } } }
      sleep(milliseconds: UInt32(20 + round))
      let first = Background { fault(try client.close(1000, within: 8000)) }
      if round % 3 == 0 { #expect(fault(try server.close(1001, within: 8000)) == nil) }
      #expect(try first.value(within: 10) == nil)
      for worker in workers { try worker.value(within: 10) }
      for reader in readers { #expect(try reader.value(within: 10) == nil) }
    }
  }

  /// The same with `abort`, at any moment.
  @Test func anAbortInTheMiddleEndsEveryCall() throws {
    for round in 0..<30 {
      let (client, server) = try makeConns(tcp: round % 2 == 0)
      try client.setBackground(round % 5 == 0)
      try server.setBackground(round % 4 == 0)
      let readers = [client, server].map { conn in Background { fault(try readAll(conn)) } }
      let writers = [client, server].flatMap { conn in
        (0..<2).map { _ in Background { while conn.failureOfSend("some text") == nil {} } }
      }
      let closer = round % 3 == 0 ? Background { fault(try client.close(1000)) } : nil
      usleep(UInt32.random(in: 0..<5000))
      client.abort()
      for reader in readers { _ = try reader.value(within: 10) }
      for writer in writers { try writer.value(within: 10) }
      _ = try closer?.value(within: 10)
    }
  }

  private func readAll(_ conn: Conn) throws { while try conn.read() != nil {} }
}
