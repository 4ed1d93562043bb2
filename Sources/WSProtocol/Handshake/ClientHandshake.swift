// The client's half of the opening handshake: the request, and the check of the response. RFC 6455 4.1.

/// What an opening handshake has agreed on. RFC 6455 1.9, RFC 7692.
public struct Agreement {
  /// The subprotocol, empty for none; borrowed from the head that was read.
  public let subprotocol: ByteView
  /// The compression; nil for none.
  public let deflate: DeflateAgreement?

  /// What was agreed on.
  @_optimize(size)
  public init(subprotocol: ByteView, deflate: DeflateAgreement?) {
    self.subprotocol = subprotocol
    self.deflate = deflate
  }
}

/// One opening handshake as the client does it.
public struct ClientHandshake {
  private let nonce: (UInt64, UInt64)

  /// A handshake with 16 bytes that nobody can guess, fresh for each one.
  @_optimize(size)
  public init(nonce: (UInt64, UInt64)) { self.nonce = nonce }

  /// True for a response that announces another one: pass over its head and read on. RFC 9110 15.2.
  @_optimize(size)
  public static func isInterim(_ status: Int) -> Bool { status >= 100 && status < 200 && status != 101 }

  /// Adds the request. An Authorization field of the configuration goes before the URL's user and password, and a Cookie field of it
  /// before `cookies`. What a redirect has led elsewhere gets none of the configuration's fields, and no user and password.
  @inline(never)
  @_optimize(size)
  public func writeRequest(
    to output: inout ByteQueue, url: borrowing WebSocketURL, configuration: borrowing ClientConfiguration,
    cookies: ByteView = .empty, isElsewhere: Bool = false
  ) throws(OutOfMemory) {
    try output.append("GET ")
    try output.append(url.target)
    try output.append(" HTTP/1.1\r\nHost: ")
    if configuration.host.isEmpty || isElsewhere {
      try url.writeHost(to: &output)
    } else {
      try output.append(configuration.host.bytes)
    }
    try output.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ")
    try Challenge.appendKey(nonce, to: &output)
    try output.append("\r\nSec-WebSocket-Version: 13\r\n")
    if !configuration.subprotocols.isEmpty {
      try output.appendField(FieldName.subprotocol, configuration.subprotocols.joined)
    }
    if let offer = configuration.deflateOffer {
      try output.append("Sec-WebSocket-Extensions: ")
      try offer.write(to: &output)
      try output.appendLineEnd()
    }
    if !cookies.isEmpty, isElsewhere || configuration.headers.first(FieldName.cookie) == nil {
      try output.appendField(FieldName.cookie, cookies)
    }
    guard !isElsewhere else { return try output.appendLineEnd() }
    if url.hasCredentials, configuration.headers.first(FieldName.authorization) == nil {
      try output.append("Authorization: Basic ")
      try url.writeBasicCredentials(to: &output)
      try output.appendLineEnd()
    }
    try output.appendFields(configuration.headers)
    try output.appendLineEnd()
  }

  /// Checks the 101. Returns what was agreed on, borrowed from the response. RFC 6455 4.1, the list at its end.
  @_optimize(size)
  public func check(
    _ response: borrowing MessageHead, configuration: borrowing ClientConfiguration
  ) throws(HandshakeError) -> Agreement {
    guard response.status == 101 else { throw .notSwitched }
    guard response.minorVersion > 0 else { throw .oldHTTPVersion }
    guard response.fields.hasToken(ByteView("websocket"), in: FieldName.upgrade) else { throw .responseUpgradeMissing }
    guard response.fields.hasToken(FieldName.upgrade, in: FieldName.connection) else { throw .responseConnectionMissing }
    guard let accept = response.first(FieldName.accept) else { throw .acceptMissing }
    guard response.count(of: FieldName.accept) == 1 else { throw .acceptRepeated }
    guard Challenge.isAccept(accept, of: nonce) else { throw .acceptMismatch }
    let deflate = try configuration.checkedExtensions(response)
    return Agreement(subprotocol: try checkedSubprotocol(response, configuration), deflate: deflate)
  }

  @_optimize(size)
  private func checkedSubprotocol(
    _ response: borrowing MessageHead, _ configuration: borrowing ClientConfiguration
  ) throws(HandshakeError) -> ByteView {
    guard let chosen = response.first(FieldName.subprotocol) else { return .empty }
    guard response.count(of: FieldName.subprotocol) == 1 else { throw .subprotocolRepeated }
    guard configuration.subprotocols.contains(chosen) else { throw .subprotocolNotOffered }
    return chosen
  }
}
