// The server's half of the opening handshake: the check of the request, and the 101. RFC 6455 4.2.

/// The opening handshake as the server does it.
public enum ServerHandshake {
  /// Checks a complete request. `isSecure`: the client speaks https as it sees it, here or at a proxy that is trusted.
  /// `isLoopback`: the connection came in on a loopback address. `judgesOrigin`: the configuration decides about the one Origin
  /// that there is; else the caller does. RFC 6455 4.2.1.
  ///
  /// The order decides what a request with several faults is told: not for us (426), then HTTP, then who may connect, then the rest.
  @_optimize(size)
  public static func check(
    _ request: borrowing MessageHead, configuration: borrowing ServerConfiguration, isSecure: Bool, isLoopback: Bool,
    judgesOrigin: Bool = true
  ) throws(HandshakeError) {
    guard request.fields.hasToken(ByteView("websocket"), in: FieldName.upgrade) else { throw .upgradeMissing }
    guard request.fields.hasToken(FieldName.upgrade, in: FieldName.connection) else { throw .connectionMissing }
    guard request.method.equals(ByteView("GET")) else { throw .methodNotGet }
    guard request.minorVersion > 0 else { throw .oldHTTPVersion }
    let host = try checkedHost(request)
    guard RequestTarget.isGood(request.target, host: host, isSecure: isSecure) else { throw .badTarget }
    try checkNoBody(request)
    try checkVersion(request)
    guard HostRules.allows(host.host, patterns: configuration.hosts, isLoopback: isLoopback) else { throw .hostNotAllowed }
    if judgesOrigin {
      try Origin.check(request, host: host, configuration: configuration, isSecure: isSecure)
    } else {
      _ = try Origin.only(request, configuration: configuration)
    }
    try checkKey(request)
  }

  /// Path and query of the request, also when its target is a whole URL. Borrowed from the request.
  @_optimize(size)
  public static func path(_ request: borrowing MessageHead) -> ByteView { RequestTarget.path(request.target) }

  /// The same in two; an empty query may have its `?` or not. Borrowed from the request.
  @_optimize(size)
  public static func pathAndQuery(_ request: borrowing MessageHead) -> (path: ByteView, query: ByteView) {
    let whole = path(request)
    guard let mark = whole.position(of: 0x3F) else { return (whole, .empty) }
    return (whole.cut(0, mark), whole.cut(from: mark &+ 1))
  }

  /// The one Origin of a request, nil when there is none. Borrowed from the request.
  @_optimize(size)
  public static func origin(_ request: borrowing MessageHead) -> ByteView? { request.first(FieldName.origin) }

  /// The subprotocol at the index of those that the request offers, over all its lines. Borrowed from the request.
  @_optimize(size)
  public static func offeredSubprotocol(_ index: Int, _ request: borrowing MessageHead) -> ByteView? {
    request.fields.listed(index, in: FieldName.subprotocol)
  }

  /// What a 101 for this request agrees to; borrowed from the request and the answer. RFC 6455 4.2.2.
  @inline(never) public static func agreement(
    _ request: borrowing MessageHead, configuration: borrowing ServerConfiguration,
    answer: borrowing ServerAnswer = ServerAnswer()
  ) -> Agreement {
    Agreement(
      subprotocol: answer.subprotocol ?? subprotocol(request, configuration: configuration),
      deflate: configuration.acceptedExtension(request))
  }

  /// The first subprotocol of the client's list that the configuration has, in the client's order, over all its lines; empty when
  /// there is none.
  @_optimize(size)
  private static func subprotocol(
    _ request: borrowing MessageHead, configuration: borrowing ServerConfiguration
  ) -> ByteView {
    var names = ListCursor(FieldName.subprotocol)
    while let name = names.next(in: request.fields) {
      if configuration.subprotocols.contains(name) { return name }
    }
    return .empty
  }

  /// Adds the 101 for a request that was checked. RFC 6455 4.2.2.
  @inline(never) public static func writeAccept(
    to output: inout ByteQueue, request: borrowing MessageHead, configuration: borrowing ServerConfiguration,
    answer: borrowing ServerAnswer = ServerAnswer()
  ) throws(OutOfMemory) {
    try output.append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    try output.append("Sec-WebSocket-Accept: ")
    try Challenge.appendAccept(key: request.first(FieldName.key) ?? .empty, to: &output)
    try output.appendLineEnd()
    let agreed = agreement(request, configuration: configuration, answer: answer)
    if !agreed.subprotocol.isEmpty { try output.appendField(FieldName.subprotocol, agreed.subprotocol) }
    if let deflate = agreed.deflate {
      try output.append("Sec-WebSocket-Extensions: ")
      try deflate.write(to: &output)
      try output.appendLineEnd()
    }
    try output.appendFields(configuration.headers)
    try output.appendFields(answer.headers)
    try output.appendLineEnd()
  }

  /// Exactly one Host that is a host. RFC 9112 3.2.
  @_optimize(size)
  private static func checkedHost(_ request: borrowing MessageHead) throws(HandshakeError) -> Authority {
    guard let text = request.first(FieldName.host) else { throw .hostMissing }
    guard request.count(of: FieldName.host) == 1 else { throw .hostRepeated }
    guard let host = try? Authority(text) else { throw .badHostHeader }
    return host
  }

  /// Content-Length: 0 is no body. RFC 9112 6.3.
  @_optimize(size)
  private static func checkNoBody(_ request: borrowing MessageHead) throws(HandshakeError) {
    guard request.first(FieldName.transferEncoding) == nil else { throw .requestBody }
    guard let length = request.first(FieldName.contentLength) else { return }
    guard request.count(of: FieldName.contentLength) == 1, length.equals(ByteView("0")) else { throw .requestBody }
  }

  @_optimize(size)
  private static func checkVersion(_ request: borrowing MessageHead) throws(HandshakeError) {
    guard request.first(FieldName.version) != nil else { throw .versionMissing }
    guard request.count(of: FieldName.version) == 1 else { throw .versionRepeated }
    guard request.fields.hasToken(ByteView("13"), in: FieldName.version) else { throw .unsupportedVersion }
  }

  @_optimize(size)
  private static func checkKey(_ request: borrowing MessageHead) throws(HandshakeError) {
    guard let key = request.first(FieldName.key) else { throw .keyMissing }
    guard request.count(of: FieldName.key) == 1 else { throw .keyRepeated }
    guard Challenge.isKey(key) else { throw .badKey }
  }
}
