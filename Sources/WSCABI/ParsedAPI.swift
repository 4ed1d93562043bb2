// Requests that an HTTP server of the program's own has parsed.
import CWSSwift
import WSProtocol
import WSSwift

/// The caller's fields; nil for NULL with a count or a size.
private func parsedFields(_ fields: UnsafePointer<ws_field>?, _ count: Int) -> ParsedFields? {
  guard count >= 0, fields != nil || count == 0 else { return nil }
  // Both are two times a pointer and a size, and nothing else.
  let first = fields.map { UnsafeRawPointer($0).assumingMemoryBound(to: FieldPart.self) }
  return ParsedFields(UnsafeBufferPointer(start: first, count: count))
}

/// The caller's request; nil where something of it is NULL.
func parsedRequest(
  _ method: UnsafePointer<CChar>?, _ target: UnsafePointer<CChar>?, _ fields: UnsafePointer<ws_field>?, _ count: Int
) -> ParsedRequest? {
  guard let method = string(method), let target = string(target), let fields = parsedFields(fields, count) else { return nil }
  return ParsedRequest(method: method, target: target, fields: fields)
}

@_cdecl("ws_is_websocket_upgrade") @implementation
public func ws_is_websocket_upgrade(_ fields: UnsafePointer<ws_field>!, _ count: Int) -> Int32 {
  parsedFields(fields, count)?.isWebSocketUpgrade == true ? 1 : 0
}

@_cdecl("ws_subprotocols") @implementation
public func ws_subprotocols(
  _ fields: UnsafePointer<ws_field>!, _ count: Int, _ index: Int, _ name: UnsafeMutablePointer<ws_bytes>!
) -> Int32 {
  lending(name) { (name) in
    guard let fields = parsedFields(fields, count) else { return invalid }
    return found(fields.offeredSubprotocol(index), name)
  }
}

@_cdecl("ws_engine_feed_parsed") @implementation
public func ws_engine_feed_parsed(
  _ engine: OpaquePointer!, _ method: UnsafePointer<CChar>!, _ target: UnsafePointer<CChar>!,
  _ fields: UnsafePointer<ws_field>!,
  _ count: Int
) -> Int32 {
  guard let request = parsedRequest(method, target, fields, count) else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    try engine.feed(request)
    return WS_OK
  }
}
