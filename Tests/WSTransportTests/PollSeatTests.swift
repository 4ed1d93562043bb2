// Where a poller keeps its seats: found by descriptor, taken in the order of their times, whatever comes and goes.
import Testing

@testable import WSTransport

@Suite struct PollSeatTests {
  /// The table with its seats as a plain list beside it.
  private final class Model {
    var table = SeatTable()
    var seats: [PollSeat] = []

    func insert(_ descriptor: Int32, due: Int64) throws {
      let seat = PollSeat(descriptor: descriptor)
      seat.due = Deadline(nanoseconds: due)
      try table.insert(seat)
      seats.append(seat)
    }

    func remove(at index: Int) { table.remove(seats.remove(at: index)) }

    var isInOrder: Bool {
      let earliest = seats.map(\.due.nanoseconds).min()
      return table.first?.due.nanoseconds == earliest && seats.allSatisfy { table[$0.descriptor] === $0 }
    }
  }

  @Test func anEmptyTableHasNothing() {
    let model = Model()
    #expect(model.table.first == nil && model.table[0] == nil && model.table[-1] == nil && model.table[1 << 20] == nil)
    model.table.remove(PollSeat(descriptor: 3))
    #expect(model.table.first == nil)
  }

  @Test func theEarliestComesFirstWhateverHappens() throws {
    let model = Model()
    var random = SystemRandomNumberGenerator()
    var descriptor: Int32 = 0
    for _ in 0..<4000 {
      switch Int.random(in: 0..<5, using: &random) {
      case 0...1:
        try model.insert(descriptor, due: Int64.random(in: 0..<50))
        descriptor += 1
      case 2 where !model.seats.isEmpty: model.remove(at: Int.random(in: 0..<model.seats.count))
      default:
        guard let seat = model.seats.randomElement() else { continue }
        model.table.set(seat, due: Bool.random() ? .never : Deadline(nanoseconds: Int64.random(in: 0..<50)))
      }
      #expect(model.isInOrder)
    }
    while !model.seats.isEmpty {
      guard let first = model.table.first, let index = model.seats.firstIndex(where: { $0 === first }) else { break }
      model.remove(at: index)
      #expect(model.isInOrder && first.place == nil)
    }
    #expect(model.table.first == nil)
  }

  @Test func theTableHoldsItsSeats() throws {
    let model = Model()
    weak var gone: PollSeat?
    try model.insert(5, due: 1)
    gone = model.seats[0]
    model.seats = []
    #expect(gone != nil && model.table[5] === gone)
    if let seat = model.table[5] { model.table.remove(seat) }
    #expect(gone == nil && model.table[5] == nil)
  }
}
