// The time that ran out: its length, its sentence, and where it stands for the calls that waited.
import Foundation
import Testing
import WSTransport

@testable import WSSwift

@Suite struct TimeLimitTests {
  private func text(_ error: WSError, _ time: TimeLimit?, room: Int = 256) -> String {
    var space = [UInt8](repeating: 0, count: room)
    let size = space.withUnsafeMutableBytes { error.write(to: $0, after: time) }
    return String(decoding: space[..<size], as: UTF8.self)
  }

  @Test func timeoutsAreExact() {
    #expect(TimeLimit(.reading, milliseconds: 30).nanoseconds == 30_000_000)
    #expect(TimeLimit(.reading, milliseconds: .max).nanoseconds == .max)
    #expect(TimeLimit(.reading, milliseconds: -1).nanoseconds == 0)
  }

  private static let deadlines: [(Int64, Int64, UInt64)] = [
    (100, 40, 60), (40, 100, 0), (.max, 1, UInt64(Int64.max - 1)), (.min, .max, 0), (.min, 5, 0), (.max, .min, .max),
  ]

  @Test(arguments: deadlines)
  func deadlinesCountFromTheStart(deadline: Int64, start: Int64, left: UInt64) {
    let time = TimeLimit(.closing, until: Deadline(nanoseconds: deadline), from: Deadline(nanoseconds: start))
    #expect(time.nanoseconds == left)
    #expect(time.source == .call)
  }

  @Test func sentences() {
    #expect(text(.timeout, TimeLimit(.connecting, milliseconds: 30)) == "30 ms ran out while connecting")
    #expect(text(.timeout, TimeLimit(.reading, milliseconds: 0)) == "the deadline had passed before waiting for a message")
    #expect(
      text(.broken, TimeLimit(.writing, milliseconds: 7))
        == "a write stopped inside a frame, so nothing more can be written: 7 ms ran out while waiting to send")
    #expect(text(.timeout, nil) == "nothing happened in time")
    #expect(text(.lost(0), TimeLimit(.reading, milliseconds: 1)) == "the connection ended without a close frame")
    #expect(text(.timeout, TimeLimit(.connecting, milliseconds: 30), room: 9) == "30 ms ran")
  }

  @Test func aConnectionKeepsItUntilTheNextFailure() throws {
    let (conn, peer) = try makeConn(.server)
    conn.setReadTimeout(milliseconds: 20)
    #expect(conn.timeLimit(of: .read) == nil)
    #expect(fault(try conn.message()) == .timeout)
    #expect(conn.timeLimit(of: .read) == TimeLimit(.reading, milliseconds: 20))
    #expect(conn.timeLimit(of: .write) == nil)
    conn.abort()
    #expect(fault(try conn.message()) == .aborted)
    #expect(conn.timeLimit(of: .read) == nil)
    withExtendedLifetime(peer) {}
  }
}
