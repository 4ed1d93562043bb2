// Random numbers that differ, also between a process and its child.
import Foundation
import Testing

@testable import WSTransport

@Suite struct RandomTests {
  @Test func fillsEverything() {
    // A byte that stays zero in all of 20 fills was not filled (chance 2^-160).
    var seen = [UInt8](repeating: 0, count: 4099)
    for _ in 0..<20 {
      var room = [UInt8](repeating: 0, count: seen.count)
      room.withUnsafeMutableBytes { Random.fill($0) }
      for index in seen.indices { seen[index] |= room[index] }
    }
    #expect(!seen.contains(0))
    Random.fill(.init(start: nil, count: 0))
  }

  @Test func aPoolDoesNotRepeat() {
    var pool = RandomPool()
    var seen = Set<UInt32>()
    for _ in 0..<1000 { seen.insert(pool.next()) }
    #expect(seen.count >= 998)
  }

  @Test func aChildDoesNotRepeatItsParentsNumbers() throws {
    var pool = RandomPool()
    _ = pool.next()
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let child = fork()
    if child == 0 {
      var numbers = (pool.next(), pool.next(), pool.next(), pool.next())
      _exit(write(ends[1], &numbers, 16) == 16 ? 0 : 1)
    }
    var status: Int32 = 0
    waitpid(child, &status, 0)
    var theirs = [UInt32](repeating: 0, count: 4)
    #expect(read(ends[0], &theirs, 16) == 16)
    let mine = (0..<4).map { _ in pool.next() }
    #expect(Set(theirs).isDisjoint(with: mine))
  }
}
