// Handles that are parts of a connection: given by it, never freed by their user, and told apart from earlier ones by a number.
import CWSSwift
import Synchronization
import WSSwift

/// What a part of a connection points to. Which message it stands for changes each time it is handed out.
class PartHandle: Handle {
  fileprivate let owner: Unmanaged<ConnHandle>
  private let current = Atomic<UInt64>(0)

  required init(_ owner: ConnHandle, tag: UInt64) {
    self.owner = Unmanaged.passUnretained(owner)
    super.init(tag: tag)
  }

  /// The number of its message.
  final var number: UInt64 {
    get { current.load(ordering: .relaxed) }
    set { current.store(newValue, ordering: .relaxed) }
  }
}

/// The parts of one kind that a connection hands out in turn, so that one which is out of date is found out for a while.
struct PartRing<Part: PartHandle & Tagged> {
  private var parts = InlineArray<8, Part?>(repeating: nil)

  /// The handle for the message of that number, made when it is needed first.
  mutating func part(_ number: UInt64, of owner: ConnHandle) -> OpaquePointer {
    let place = Int(truncatingIfNeeded: number & 7)
    let part = parts[place] ?? Part(owner, tag: Part.tag)
    parts[place] = part
    part.number = number
    return handle(lending: part)
  }
}

/// Runs a call on the connection that the part belongs to, as `onConn`.
func onPart<Part: PartHandle & Tagged>(
  _ part: OpaquePointer?, _ type: Part.Type, _ body: (Conn, UInt64) throws(WSError) -> Int32
) -> Int32 {
  guard let part = object(part, type) else { return invalid }
  return onConn(part.owner.takeUnretainedValue()) { (conn) throws(WSError) in try body(conn, part.number) }
}
