// What a connection has done so far, in numbers that any thread may read while both halves go on counting.
import Synchronization
import WSProtocol

/// What has passed in one direction.
public typealias Traffic = WSProtocol.Traffic

/// What a connection has done so far. The numbers are read one by one while the connection goes on, so they may be apart by what
/// happened meanwhile.
public struct Statistics: Equatable, Sendable {
  /// What the peer sent and we have taken.
  public internal(set) var received = Traffic()
  /// What we sent.
  public internal(set) var sent = Traffic()
  /// From our last ping that was answered to its pong, in nanoseconds; 0 before.
  public internal(set) var roundTrip: UInt64 = 0
  /// The shortest of these.
  public internal(set) var smallestRoundTrip: UInt64 = 0
}

/// The numbers of one half: written by who is inside the half, read by everybody.
final class PublishedTraffic: Sendable {
  private let messages = Atomic<UInt64>(0)
  private let bytes = Atomic<UInt64>(0)
  private let compressedBytes = Atomic<UInt64>(0)
  private let deflatedBytes = Atomic<UInt64>(0)
  private let wireBytes = Atomic<UInt64>(0)
  private let pings = Atomic<UInt64>(0)
  private let pongs = Atomic<UInt64>(0)

  @inline(__always) func publish(_ now: Traffic) {
    messages.store(now.messages, ordering: .relaxed)
    bytes.store(now.bytes, ordering: .relaxed)
    compressedBytes.store(now.compressedBytes, ordering: .relaxed)
    deflatedBytes.store(now.deflatedBytes, ordering: .relaxed)
    wireBytes.store(now.wireBytes, ordering: .relaxed)
    pings.store(now.pings, ordering: .relaxed)
    pongs.store(now.pongs, ordering: .relaxed)
  }

  var now: Traffic {
    var now = Traffic()
    now.messages = messages.load(ordering: .relaxed)
    now.bytes = bytes.load(ordering: .relaxed)
    now.compressedBytes = compressedBytes.load(ordering: .relaxed)
    now.deflatedBytes = deflatedBytes.load(ordering: .relaxed)
    now.wireBytes = wireBytes.load(ordering: .relaxed)
    now.pings = pings.load(ordering: .relaxed)
    now.pongs = pongs.load(ordering: .relaxed)
    return now
  }
}

/// How long pings of ours took.
final class PublishedRoundTrips: Sendable {
  private let last = Atomic<UInt64>(0)
  private let smallest = Atomic<UInt64>(0)

  /// One at a time.
  func publish(_ span: UInt64) {
    let before = smallest.load(ordering: .relaxed)
    if before == 0 || span < before { smallest.store(span, ordering: .relaxed) }
    last.store(span, ordering: .relaxed)
  }

  var now: (last: UInt64, smallest: UInt64) {
    (last.load(ordering: .relaxed), smallest.load(ordering: .relaxed))
  }
}

extension Conn {
  /// What the connection has done so far. Any thread, at any time.
  public var statistics: Statistics {
    let trips = roundTrips.now
    return Statistics(
      received: receivedTraffic.now, sent: sentTraffic.now, roundTrip: trips.last, smallestRoundTrip: trips.smallest)
  }
}

extension LoopConnection {
  /// What the connection has done so far.
  public var statistics: Statistics {
    Statistics(
      received: engine.receivedTraffic, sent: engine.sentTraffic, roundTrip: keepalive.roundTrip,
      smallestRoundTrip: keepalive.smallestRoundTrip)
  }
}
