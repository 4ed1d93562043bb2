// Agreeing on permessage-deflate: what a client offers, what a server makes of it, and whether the client can live with that.
// RFC 7692 5 and 7.1.

/// What both sides have agreed on, and the server's words for it.
public struct DeflateAgreement: Equatable, Sendable {
  /// What both sides do.
  public let parameters: DeflateParameters
  private let answer: DeflateTerms

  /// Adds the value of the server's Sec-WebSocket-Extensions.
  public func write(to output: inout ByteQueue) throws(OutOfMemory) { try answer.write(to: &output) }

  /// A server's answer to one offer; nil declines it. `wish` is what the server allows at most.
  init?(offer: DeflateTerms, wish: DeflateParameters) {
    let serverBits = min(offer.serverWindow.bits, wish.serverWindowBits)
    // zlib cannot compress with a window of 8.
    guard serverBits > 8 else { return nil }
    // RFC 7692 7.1.2.2: a client that says nothing about its window cannot be told anything.
    let clientBits = offer.clientWindow == .absent ? 15 : min(offer.clientWindow.bits, wish.clientWindowBits)
    var answer = DeflateTerms()
    answer.serverKeepsContext = offer.serverKeepsContext && wish.serverKeepsContext
    answer.clientKeepsContext = offer.clientKeepsContext && wish.clientKeepsContext
    if serverBits < 15 || offer.serverWindow != .absent { answer.serverWindow = .bits(serverBits) }
    if clientBits < 15 { answer.clientWindow = .bits(clientBits) }
    self.answer = answer
    parameters = DeflateParameters(
      serverKeepsContext: answer.serverKeepsContext, clientKeepsContext: answer.clientKeepsContext,
      serverWindowBits: serverBits, clientWindowBits: clientBits)
  }

  /// A client's reading of the server's answer.
  init(answer: DeflateTerms, offer: DeflateTerms) throws(HandshakeError) {
    // A server accepts what limits itself by repeating it. RFC 7692 7.1.1.1, 7.1.2.1.
    guard offer.serverKeepsContext || !answer.serverKeepsContext else { throw .deflateParameterMissing }
    guard offer.serverWindow == .absent || answer.serverWindow != .absent else { throw .deflateParameterMissing }
    guard answer.serverWindow.bits <= offer.serverWindow.bits else { throw .deflateWindowTooLarge }
    if answer.clientWindow != .absent {
      guard offer.clientWindow != .absent else { throw .deflateParameterNotOffered }
      guard answer.clientWindow.bits <= offer.clientWindow.bits else { throw .deflateWindowTooLarge }
    }
    self.answer = answer
    parameters = DeflateParameters(
      serverKeepsContext: answer.serverKeepsContext,
      // What the offer promises holds without an answer, too. RFC 7692 7.1.1.2, 7.1.2.2.
      clientKeepsContext: answer.clientKeepsContext && offer.clientKeepsContext,
      serverWindowBits: answer.serverWindow.bits, clientWindowBits: min(answer.clientWindow.bits, offer.clientWindow.bits))
  }
}

extension DeflateTerms.Window {
  /// What the window is then.
  fileprivate var bits: Int {
    switch self {
    case .absent, .open: 15
    case .bits(let bits): bits
    }
  }
}

extension DeflateTerms {
  /// What a client that wishes this offers.
  init(offering wish: DeflateParameters, mayLimitClientWindow: Bool) {
    serverKeepsContext = wish.serverKeepsContext
    clientKeepsContext = wish.clientKeepsContext
    if wish.serverWindowBits < 15 { serverWindow = .bits(wish.serverWindowBits) }
    if mayLimitClientWindow { clientWindow = wish.clientWindowBits < 15 ? .bits(wish.clientWindowBits) : .open }
  }
}

extension ClientConfiguration {
  /// What is offered; nil: nothing.
  var deflateOffer: DeflateTerms? {
    compresses ? DeflateTerms(offering: deflate, mayLimitClientWindow: mayLimitClientWindow) : nil
  }

  /// Checks the server's Sec-WebSocket-Extensions: nothing but what was offered, once. RFC 6455 4.1, RFC 7692 5.1.
  func checkedExtensions(_ response: borrowing MessageHead) throws(HandshakeError) -> DeflateAgreement? {
    var agreed: DeflateAgreement?
    var lines = FieldLines(FieldName.extensions)
    while let line = lines.next(in: response.fields) {
      var extensions = ExtensionCursor(line)
      while let element = extensions.next() {
        guard let offer = deflateOffer, element.name.equals(DeflateTerms.name) else { throw .extensionNotOffered }
        guard agreed == nil else { throw .extensionRepeated }
        agreed = try DeflateAgreement(answer: DeflateTerms(element, .answer), offer: offer)
      }
      guard !extensions.isMalformed else { throw .badExtensions }
    }
    return agreed
  }
}

extension ServerConfiguration {
  /// The first offer that can be accepted, over all lines; bad ones are passed over. RFC 7692 5.1.
  func acceptedExtension(_ request: borrowing MessageHead) -> DeflateAgreement? {
    guard compresses else { return nil }
    var lines = FieldLines(FieldName.extensions)
    while let line = lines.next(in: request.fields) {
      var extensions = ExtensionCursor(line)
      while let element = extensions.next() {
        guard element.name.equals(DeflateTerms.name), let offer = try? DeflateTerms(element, .offer) else { continue }
        if let agreed = DeflateAgreement(offer: offer, wish: deflate) { return agreed }
      }
    }
    return nil
  }
}
