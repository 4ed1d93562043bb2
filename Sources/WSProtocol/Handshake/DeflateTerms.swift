// The parameters of one permessage-deflate, as they stand in an offer or in an answer. RFC 7692 7.1.

/// What one side says about permessage-deflate.
struct DeflateTerms: Equatable, Sendable {
  /// Who says it: a client offers, a server answers.
  enum Kind {
    case offer
    case answer
  }

  /// What is said about one side's window.
  enum Window: Equatable, Sendable {
    case absent
    /// The client's only, and only in an offer: the server may limit it. RFC 7692 7.1.2.2.
    case open
    /// At most 2 to this power, 8 to 15.
    case bits(Int)
  }

  var serverKeepsContext = true
  var clientKeepsContext = true
  var serverWindow = Window.absent
  var clientWindow = Window.absent

  /// The extension's name. RFC 7692 11.1.
  static var name: ByteView { ByteView("permessage-deflate") }

  /// No parameters.
  @_optimize(size)
  init() {}

  /// Takes the element's parameters. Each one known, once, and with a value where one belongs: else the offer is declined, or the
  /// connection failed. RFC 7692 7.1.
  @_optimize(size)
  init(_ element: ExtensionElement, _ kind: Kind) throws(HandshakeError) {
    var parameters = ExtensionParameters(element)
    while let parameter = parameters.next() {
      if parameter.name.equals(ByteView("server_no_context_takeover")) {
        serverKeepsContext = try Self.withoutContext(parameter, was: serverKeepsContext)
      } else if parameter.name.equals(ByteView("client_no_context_takeover")) {
        clientKeepsContext = try Self.withoutContext(parameter, was: clientKeepsContext)
      } else if parameter.name.equals(ByteView("server_max_window_bits")) {
        serverWindow = try Self.window(parameter, was: serverWindow, mayBeOpen: false)
      } else if parameter.name.equals(ByteView("client_max_window_bits")) {
        clientWindow = try Self.window(parameter, was: clientWindow, mayBeOpen: kind == .offer)
      } else {
        throw .unknownDeflateParameter
      }
    }
  }

  @_optimize(size)
  private static func withoutContext(_ parameter: ExtensionParameter, was: Bool) throws(HandshakeError) -> Bool {
    guard was else { throw .deflateParameterRepeated }
    guard parameter.rawValue == nil else { throw .badDeflateParameter }
    return false
  }

  @_optimize(size)
  private static func window(
    _ parameter: ExtensionParameter, was: Window, mayBeOpen: Bool
  ) throws(HandshakeError) -> Window {
    guard was == .absent else { throw .deflateParameterRepeated }
    guard let value = parameter.rawValue else {
      guard mayBeOpen else { throw .badDeflateParameter }
      return .open
    }
    guard let bits = bits(value) else { throw .badDeflateParameter }
    return .bits(bits)
  }

  /// 8 to 15 in decimal, without a leading zero. In quotes any digit may have a backslash before it. RFC 7692 7.1.2.
  @_optimize(size)
  private static func bits(_ value: ByteView) -> Int? {
    var number = 0
    var isEscaped = false
    for byte in value {
      isEscaped = byte == 0x5C && !isEscaped
      if isEscaped { continue }
      let isLeadingZero = number == 0 && byte == 0x30
      guard byte.isDigit, !isLeadingZero, number < 10 else { return nil }
      number = number &* 10 &+ Int(byte &- 0x30)
    }
    return number >= 8 && number <= 15 ? number : nil
  }

  /// Adds the extension's name and these parameters.
  @_optimize(size)
  func write(to output: inout ByteQueue) throws(OutOfMemory) {
    try output.append(Self.name)
    if !serverKeepsContext { try output.append("; server_no_context_takeover") }
    if !clientKeepsContext { try output.append("; client_no_context_takeover") }
    try Self.write("; server_max_window_bits", serverWindow, to: &output)
    try Self.write("; client_max_window_bits", clientWindow, to: &output)
  }

  @_optimize(size)
  private static func write(_ name: StaticString, _ window: Window, to output: inout ByteQueue) throws(OutOfMemory) {
    switch window {
    case .absent: return
    case .open: try output.append(name)
    case .bits(let bits):
      try output.append(name)
      try output.append(0x3D)
      try output.appendDecimal(bits)
    }
  }
}
