// The pool of zlib's state: used ones are as good as new, nothing is lost, and no memory is no crash.
import Foundation
import Testing

@testable import WSProtocol

@Suite("Pool of compressors and decompressors")
struct DeflatePoolTests {
  @Test("a used decompressor has forgotten its window, its errors and its size")
  func usedInflaters() throws {
    let hello: [UInt8] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]
    for bits in [15, 8, 15, 9, 12] {
      for payload in [[0xff, 0xff], hello, [0xf2, 0x48]] as [[UInt8]] {
        do {
          let inflater = try TestInflater(windowBits: bits)
          _ = try? inflater.message(payload)
        }
        let next = try TestInflater(windowBits: bits)
        #expect(throws: InflateError.corrupt) { try next.message([0xf2, 0x00, 0x11, 0x00, 0x00]) }
        next.reset()
        let message = try next.message(hello)
        #expect(message == utf8("Hello"))
      }
    }
  }

  @Test("a used compressor begins anew, with the settings that are wanted")
  func usedDeflaters() throws {
    let message = compressible(3000)
    var sizes: [Int32: Int] = [:]
    for round in 0..<3 {
      for level: Int32 in [1, 9, 0, -2] {
        let compressor = TestCompressor()
        compressor.inner.level = level
        let payload = try compressor.compress(message)
        let inflated = try TestInflater().message(payload)
        #expect(inflated == message)
        #expect(round == 0 || sizes[level] == payload.count, "level \(level) gives what it gave before")
        sizes[level] = payload.count
      }
    }
  }

  @Test("what is beyond the pool's room is freed, and drained it holds nothing")
  func drains() throws {
    let before = Memory.blocksHeld
    do {
      var compressors: [TestCompressor] = []
      var inflaters: [TestInflater] = []
      for index in 0..<40 {
        let compressor = TestCompressor(DeflateParameters(clientWindowBits: 8 + index % 8))
        let inflater = try TestInflater()
        let inflated = try inflater.message(try compressor.compress(compressible(1000)))
        #expect(inflated == compressible(1000))
        compressors.append(compressor)
        inflaters.append(inflater)
      }
      #expect(Memory.blocksHeld > before + 40 * 5)
    }
    DeflatePool.drain()
    #expect(Memory.blocksHeld == before)
  }

  @Test("eight threads at once, each with its own messages")
  func threads() {
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for round in 0..<100 {
        do {
          let message = compressible(500 + round, seed: UInt64(thread * 1000 + round))
          let compressor = TestCompressor(DeflateParameters(clientKeepsContext: false))
          let inflated = try TestInflater().message(try compressor.compress(message))
          guard inflated == message else { fatalError("thread \(thread), round \(round)") }
        } catch { fatalError("\(error)") }
      }
    }
  }

  #if DEBUG || WSSWIFT_MEMORY_FAULTS
    @Test("every allocation refused once: an error, nothing is lost, and the next try works")
    func refusals() throws {
      for keepsContext in [true, false] {
        let compressor = TestCompressor(DeflateParameters(clientKeepsContext: keepsContext))
        let message = compressible(200_000)
        for number in 1...60 {
          DeflatePool.drain()
          let before = Memory.blocksHeld
          var isRefused = false
          Memory.failAllocation(number)
          defer { Memory.failAllocation(0) }
          do {
            let inflater = try TestInflater()
            let inflated = try inflater.message(try compressor.compress(message))
            #expect(inflated == message)
          } catch { isRefused = true }
          #expect(isRefused || Memory.isFailureDue, "a refusal was not noticed")
          let isOver = Memory.isFailureDue
          Memory.failAllocation(0)
          compressor.inner.forget()
          compressor.inner.releaseIfIdle()
          #expect(Memory.blocksHeld == before, "allocation \(number)")
          let inflated = try TestInflater().message(try compressor.compress(message))
          #expect(inflated == message)
          compressor.inner.forget()
          compressor.inner.releaseIfIdle()
          if isOver { return }
        }
        Issue.record("more than 60 allocations")
      }
    }
  #endif
}
