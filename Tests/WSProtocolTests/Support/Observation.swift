// What an engine does with some bytes, seen from outside, and every way to hand it the same bytes: whole, one at a time,
// cut at every position, as copies and straight into its memory. All ways must look the same.
import Testing

@testable import WSProtocol

/// An event with its bytes copied, or the error that ended the stream.
enum Seen: Equatable {
  case text([UInt8])
  case binary([UInt8])
  case ping([UInt8])
  case pong([UInt8])
  case close(UInt16, [UInt8])
  case error(ProtocolError)

  static func text(_ text: String) -> Seen { .text(utf8(text)) }

  init(_ event: Event) {
    switch event {
    case .message(.text, let bytes): self = .text(Array(bytes))
    case .message(.binary, let bytes): self = .binary(Array(bytes))
    case .ping(let bytes): self = .ping(Array(bytes))
    case .pong(let bytes): self = .pong(Array(bytes))
    case .close(let code, let reason): self = .close(code.rawValue, Array(reason))
    }
  }
}

/// All that an engine did.
struct Observation: Equatable {
  var seen: [Seen] = []
  var output: [UInt8] = []
  var closeSent: UInt16?
  var isFinished = false
}

/// How bytes get in.
enum Intake: CaseIterable {
  /// `feed`, then all events.
  case feed
  /// `freeSpace` and `received`, then all events.
  case space
  /// Several rounds of `freeSpace` and `received` before anybody asks for events.
  case lateSpace
  /// One chunk so, the next one otherwise, and events after every second one.
  case mixed
}

/// An engine and a record of what it did.
struct Observer: ~Copyable {
  private var engine: Engine
  private(set) var observation = Observation()
  private var failure: ProtocolError?
  private var turn = 0

  init(role: Role, limit: UInt64, compression: DeflateParameters? = nil) {
    engine = Engine(role: role, limit: limit)
    if let compression { engine.agree(on: compression) }
  }

  mutating func take(_ bytes: ArraySlice<UInt8>, by intake: Intake) {
    turn += 1
    switch intake {
    case .feed: feed(bytes)
    case .space: fill(bytes, piece: .max)
    case .lateSpace: fill(bytes, piece: max(3, bytes.count / 100))
    case .mixed: turn % 2 == 0 ? feed(bytes) : fill(bytes, piece: .max)
    }
    if intake == .mixed, turn % 4 < 2 { return }
    drain()
  }

  /// The end of the stream, after which nothing may be pending.
  mutating func finish() -> Observation {
    drain()
    drain()
    observation.closeSent = engine.closeSent?.rawValue
    observation.isFinished = engine.isFinished
    return observation
  }

  private mutating func feed(_ bytes: ArraySlice<UInt8>) {
    do throws(ProtocolError) { try Array(bytes).lend { (view) throws(ProtocolError) in try engine.feed(view) } } catch {
      note(error)
    }
  }

  private mutating func fill(_ bytes: ArraySlice<UInt8>, piece: Int) {
    var rest = bytes
    while !rest.isEmpty {
      do throws(ProtocolError) {
        let space = try engine.freeSpace()
        let count = min(space.count, rest.count, piece)
        guard count > 0 else {
          Issue.record("no room to receive into")
          return
        }
        space.copyBytes(from: rest.prefix(count))
        engine.received(count)
        rest = rest.dropFirst(count)
      } catch {
        return note(error)
      }
    }
  }

  private mutating func drain() {
    while true {
      do throws(ProtocolError) {
        guard let event = try engine.nextEvent(maskKey: wireKeyNumber) else { break }
        observation.seen.append(Seen(event))
      } catch {
        note(error)
        break
      }
    }
    observation.output += Array(engine.output)
    engine.sent(engine.output.count)
  }

  /// The first error is an observation; every later one must be the same.
  private mutating func note(_ error: ProtocolError) {
    guard let failure else {
      failure = error
      observation.seen.append(.error(error))
      return
    }
    #expect(failure == error)
  }
}

/// What an engine does when the bytes come in these chunks.
func observe(
  _ role: Role, limit: UInt64 = 0, compression: DeflateParameters? = nil, _ bytes: [UInt8], cuts: [Int] = [],
  by intake: Intake = .feed
) -> Observation {
  var observer = Observer(role: role, limit: limit, compression: compression)
  var start = 0
  for end in cuts + [bytes.count] where end > start {
    observer.take(bytes[start..<end], by: intake)
    start = end
  }
  return observer.finish()
}

/// What every delivery of the bytes must look like; fails the test where one differs.
func observeEveryWay(
  _ role: Role, limit: UInt64 = 0, compression: DeflateParameters? = nil, _ bytes: [UInt8],
  sourceLocation: SourceLocation = #_sourceLocation
) -> Observation {
  let whole = observe(role, limit: limit, compression: compression, bytes)
  let positions = bytes.count <= 400 ? Array(0..<bytes.count) : Array(0..<16) + stride(from: 16, to: bytes.count, by: 29_989)
  let oneByOne = bytes.count <= 4000 ? Array(0..<bytes.count) : Array(stride(from: 0, to: bytes.count, by: 977))
  for intake in Intake.allCases {
    for cuts in positions.map({ [$0] }) + [oneByOne] {
      let other = observe(role, limit: limit, compression: compression, bytes, cuts: cuts, by: intake)
      guard other != whole else { continue }
      Issue.record("\(intake), cut at \(cuts.prefix(3)): \(other) is not \(whole)", sourceLocation: sourceLocation)
      return whole
    }
  }
  return whole
}

/// One row of a table: bytes in, events and answers out.
func expectEvents(
  _ role: Role, limit: UInt64 = 0, compression: DeflateParameters? = nil, _ bytes: [UInt8], _ seen: [Seen],
  answers: [UInt8] = [], sourceLocation: SourceLocation = #_sourceLocation
) {
  let observed = observeEveryWay(role, limit: limit, compression: compression, bytes, sourceLocation: sourceLocation)
  #expect(observed.seen == seen, sourceLocation: sourceLocation)
  #expect(observed.output == answers, sourceLocation: sourceLocation)
}

/// One row whose bytes break the protocol: events before it, then the error, then its close frame, byte for byte.
func expectViolation(
  _ role: Role, limit: UInt64 = 0, compression: DeflateParameters? = nil, _ bytes: [UInt8], after seen: [Seen] = [],
  _ error: ProtocolError, _ code: UInt16, answers: [UInt8] = [], sourceLocation: SourceLocation = #_sourceLocation
) {
  expectEvents(
    role, limit: limit, compression: compression, bytes, seen + [.error(error)],
    answers: answers + closeAnswer(role, code, error.text.description),
    sourceLocation: sourceLocation)
}

/// The same row for both ends; `bytes` makes the wire form for one.
func atBothEnds(_ body: (Role) -> Void) {
  body(.server)
  body(.client)
}
