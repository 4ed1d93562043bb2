// A request that somebody else's HTTP server has read and parsed. It is written down and read again by the rules of `MessageHead`, so
// that what it says goes through the same checks as what comes from a socket.

/// A header field, laid out as C's ws_field. The bytes are the caller's.
public struct FieldPart {
  /// The field's name.
  public let name: BytePart
  /// Its value.
  public let value: BytePart

  /// A field that lends its bytes.
  public init(name: ByteView, value: ByteView) {
    self.name = BytePart(name)
    self.value = BytePart(value)
  }
}

/// The header fields of a parsed request, all borrowed from the caller.
public struct ParsedFields {
  private let parts: UnsafeBufferPointer<FieldPart>

  /// nil when there is a count and no fields, or a size and no bytes.
  public init?(_ parts: UnsafeBufferPointer<FieldPart>) {
    for part in parts {
      guard part.name.isSound, part.value.isSound else { return nil }
    }
    self.parts = parts
  }

  /// True for a request that asks for a WebSocket: Upgrade lists websocket, and Connection lists Upgrade. RFC 6455 4.2.1.
  public var isWebSocketUpgrade: Bool {
    hasToken(ByteView("websocket"), in: FieldName.upgrade) && hasToken(FieldName.upgrade, in: FieldName.connection)
  }

  /// The subprotocol at the index of those that the request offers, over all its lines; nil behind the last one. RFC 6455 1.9.
  public func offeredSubprotocol(_ index: Int) -> ByteView? { listed(index, in: FieldName.subprotocol) }

  @_optimize(size)
  fileprivate func appendFields(to output: inout ByteQueue) throws(HeadError) {
    for part in parts {
      guard part.name.bytes.isToken else { throw .badFieldName }
      try ParsedRequest.check(part.value.bytes)
      do throws(OutOfMemory) { try output.appendField(part.name.bytes, part.value.bytes) } catch { throw .outOfMemory }
      guard output.count <= HeadLimits().bytes else { throw .tooLarge }
    }
  }
}

extension ParsedFields: FieldSource {
  /// The field at the index.
  public func field(_ index: Int) -> (name: ByteView, value: ByteView)? {
    guard index >= 0, index < parts.count else { return nil }
    return (parts[index].name.bytes, parts[index].value.bytes)
  }
}

/// A parsed request, all borrowed from the caller.
public struct ParsedRequest {
  private let method: ByteView
  private let target: ByteView
  private let fields: ParsedFields

  /// A request of HTTP/1.1.
  public init(method: ByteView, target: ByteView, fields: ParsedFields) {
    self.method = method
    self.target = target
    self.fields = fields
  }

  /// Adds the request as a head of HTTP/1.1. Refuses what would read as something else.
  public func write(to output: inout ByteQueue) throws(HeadError) {
    guard method.count &+ target.count <= HeadLimits().line else { throw .targetTooLong }
    try Self.check(method)
    try Self.check(target)
    do throws(OutOfMemory) {
      try output.append(method)
      try output.append(" ")
      try output.append(target)
      try output.append(" HTTP/1.1\r\n")
    } catch { throw .outOfMemory }
    try fields.appendFields(to: &output)
    do throws(OutOfMemory) { try output.appendLineEnd() } catch { throw .outOfMemory }
  }

  /// The ends of lines are ours to write.
  fileprivate static func check(_ text: ByteView) throws(HeadError) {
    for byte in text where byte == 0x0D || byte == 0x0A { throw .controlByte }
  }
}
