// What a program chooses for the answer to one request, beside what its configuration says for all of them. Everything is checked
// when it is chosen, so that nothing has to be checked when it is sent.

/// Header fields and a subprotocol for one answer.
public struct ServerAnswer: ~Copyable {
  var headers = HeaderFields()
  private var chosen = ByteQueue()
  private var isChosen = false

  /// What the configuration says, and no more.
  public init() {}

  /// Adds a copy of a header field. Blanks around the value are dropped.
  public mutating func addHeader(name: ByteView, value: ByteView) throws(ConfigurationError) {
    try headers.appendChecked(name: name, value: value)
  }

  /// Chooses a subprotocol of those that the request offers, whatever the configuration speaks; empty: none. RFC 6455 4.2.2.
  public mutating func choose(subprotocol: ByteView, of request: borrowing MessageHead) throws(ConfigurationError) {
    guard subprotocol.isEmpty || subprotocol.isToken else { throw .badSubprotocol }
    guard subprotocol.isEmpty || Self.offers(request, subprotocol) else { throw .subprotocolNotOffered }
    do throws(OutOfMemory) {
      try chosen.reserve(subprotocol.count)
      chosen.removeAll()
      try chosen.append(subprotocol)
    } catch { throw .outOfMemory }
    isChosen = true
  }

  /// The choice, nil when the configuration decides. Borrowed.
  var subprotocol: ByteView? { isChosen ? chosen.bytes : nil }

  private static func offers(_ request: borrowing MessageHead, _ subprotocol: ByteView) -> Bool {
    var index = 0
    while let name = request.fields.listed(index, in: FieldName.subprotocol) {
      if name.equals(subprotocol) { return true }
      index &+= 1
    }
    return false
  }
}
