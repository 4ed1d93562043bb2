// Every allocation of the engine fails once: a typed error, nothing leaks, nothing is half done, and no crash.
import Testing

@testable import WSProtocol

#if DEBUG || WSSWIFT_MEMORY_FAULTS
  @Suite("Engine: memory that is not there")
  struct AllocationFailureTests {
    /// Runs the scenario with its first, second, third... allocation refused, until it needs no more. Returns how many there
    /// were.
    private func refuseEach(_ scenario: () throws -> Void) throws -> Int {
      for number in 1...100 {
        let before = Memory.blocksHeld
        Memory.failAllocation(number)
        defer { Memory.failAllocation(0) }
        try scenario()
        #expect(Memory.blocksHeld == before, "allocation \(number) failed and something stayed")
        if Memory.isFailureDue { return number - 1 }
      }
      Issue.record("more than 100 allocations")
      return 100
    }

    private static let stream =
      wire(.server, 0x81, utf8("short")) + wire(.server, 0x89, [1]) + wire(.server, 0x02, pattern(9000))
      + wire(.server, 0x80, pattern(30_000, from: 9000)) + wire(.server, 0x88, closePayload(1000))

    /// What an engine saw until memory was refused.
    private func receive(_ intake: Intake, piece: Int) -> Observation {
      var observer = Observer(role: .server, limit: 0)
      var rest = Self.stream[...]
      while !rest.isEmpty {
        observer.take(rest.prefix(piece), by: intake)
        rest = rest.dropFirst(piece)
      }
      return observer.finish()
    }

    @Test("receiving: 1011 and the events before it, by every way in", arguments: Intake.allCases)
    func receiving(intake: Intake) throws {
      for piece in [40_000, 5000, 1000] {
        let good = receive(intake, piece: piece)
        let count = try refuseEach {
          let observed = receive(intake, piece: piece)
          guard observed != good else { return }
          // An answer may be lost for want of memory: a pong, or the first try of a close frame.
          guard observed.seen.last == .error(.outOfMemory) else {
            #expect(observed.seen == good.seen && observed.closeSent == 1000 && observed.isFinished)
            return
          }
          #expect(Array(observed.seen.dropLast()) == Array(good.seen.prefix(observed.seen.count - 1)))
          #expect(observed.closeSent == 1011 && observed.isFinished)
          #expect(observed.output.suffix(29) == closeAnswer(.server, 1011, "no memory for the message").suffix(29))
        }
        #expect(count >= 3)
      }
    }

    @Test("5.4: 10,000 fragments need 20 allocations at most, 10,000 messages one")
    func allocationsAreFew() throws {
      Memory.failAllocation(21)
      defer { Memory.failAllocation(0) }
      let fragments = TestReceiver(.client)
      #expect(try fragments.run(wire(.client, 0x02, pattern(64))) == [])
      let frame = wire(.client, 0x00, pattern(64))
      for _ in 0..<10_000 {
        try frame.withUnsafeBytes { try fragments.inner.feed($0) }
        _ = try fragments.advance()
      }
      #expect(Memory.isFailureDue)

      Memory.failAllocation(2)
      let messages = TestReceiver(.client)
      let message = wire(.client, 0x82, pattern(64))
      for _ in 0..<10_000 {
        try message.withUnsafeBytes { try messages.inner.feed($0) }
        _ = try messages.advance()
      }
      #expect(Memory.isFailureDue)
    }

    @Test("receiving: the error stays and the memory goes")
    func errorStays() throws {
      let count = try refuseEach {
        let receiver = TestReceiver(.client)
        do throws(ProtocolError) {
          _ = try receiver.run(wire(.client, 0x02, pattern(5000)))
          _ = try receiver.run(wire(.client, 0x80, pattern(5000)))
        } catch {
          #expect(error == .outOfMemory && receiver.failure == .outOfMemory && receiver.memoryHeld == 0)
          #expect(throws: ProtocolError.outOfMemory) { _ = try receiver.freeSpace() }
          #expect(throws: ProtocolError.outOfMemory) { try receiver.feed([1]) }
          #expect(throws: ProtocolError.outOfMemory) { _ = try receiver.next() }
        }
      }
      #expect(count == 3)
    }

    @Test("sending: the refused frame has not begun, and trying again sends it")
    func sending() throws {
      func sendAll(_ engine: TestEngine) throws {
        func twice(_ send: () throws(SendError) -> Void) throws(SendError) {
          do throws(SendError) { try send() } catch {
            #expect(error == .outOfMemory)
            try send()
          }
        }
        try twice { () throws(SendError) in try engine.send(.text, utf8("a"), isFinal: false) }
        try twice { () throws(SendError) in try engine.sendControl(.ping, pattern(100)) }
        try twice { () throws(SendError) in try engine.send(nil, pattern(5000)) }
        try twice { () throws(SendError) in try engine.send(.binary, pattern(50_000)) }
        try twice { () throws(SendError) in try engine.close(1000, utf8("bye")) }
      }
      let good = TestEngine(.client)
      try sendAll(good)
      let count = try refuseEach {
        let engine = TestEngine(.client)
        try sendAll(engine)
        #expect(engine.output == good.output && engine.closeSent == 1000)
      }
      #expect(count >= 3)
    }

    @Test("7.1.3: an echo that found no memory is tried again, so that the connection ends")
    func echoIsTriedAgain() throws {
      let engine = TestEngine(.server)
      try wire(.server, 0x88, closePayload(1001)).lend { (view) throws(ProtocolError) in try engine.inner.feed(view) }
      Memory.failAllocation(1)
      let event = try engine.inner.nextEvent(maskKey: 0).map(Seen.init)
      #expect(event == .close(1001, []) && !Memory.isFailureDue)
      #expect(engine.output == [] && !engine.isFinished)
      #expect(try engine.run([]) == [])
      #expect(engine.output == closeAnswer(.server, 1001) && engine.isFinished)
    }

    @Test("7.1.7: the close frame of a violation is tried again too")
    func violationIsToldLater() throws {
      let engine = TestEngine(.server)
      try wire(.server, 0x83).lend { (view) throws(ProtocolError) in try engine.inner.feed(view) }
      Memory.failAllocation(1)
      #expect(throws: ProtocolError.unknownOpcode(3)) { try engine.run([]) }
      #expect(engine.output == [] && engine.isFinished)
      #expect(throws: ProtocolError.unknownOpcode(3)) { try engine.run([]) }
      #expect(engine.output == closeAnswer(.server, 1002, "unknown opcode"))
    }
  }
#endif
