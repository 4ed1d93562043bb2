// ws_prepared: a message for many connections.
import CWSSwift
import WSProtocol
import WSSwift

/// The object behind a ws_prepared.
final class PreparedHandle: Handle, Tagged {
  static let tag: UInt64 = 0x7773_5F70_7265_7001
  static let name: StaticString = "ws_prepared"
  let message: PreparedMessage

  init(_ message: PreparedMessage) {
    self.message = message
    super.init(tag: Self.tag)
  }
}

@_cdecl("ws_prepared_new") @implementation
public func ws_prepared_new(
  _ type: Int32, _ data: UnsafeRawPointer!, _ size: Int, _ message: UnsafeMutablePointer<OpaquePointer?>!
) -> Int32 {
  message?.pointee = nil
  guard let message, let payload = bytes(data, size) else { return invalid }
  return result { () throws(WSError) in
    guard let prepared = try prepare(type, payload) else { return invalid }
    message.pointee = handle(giving: PreparedHandle(prepared))
    return WS_OK
  }
}

private func prepare(_ type: Int32, _ payload: ByteView) throws(WSError) -> PreparedMessage? {
  do throws(SendError) {
    if let type = messageType(type) { return try PreparedMessage(type.kind, payload, compressed: type.compressed) }
    guard let opcode = controlType(type) else { return nil }
    return try PreparedMessage(opcode, payload)
  } catch {
    throw WSError(error)
  }
}

@_cdecl("ws_prepared_free") @implementation
public func ws_prepared_free(_ message: OpaquePointer!) -> Int32 {
  free(message, PreparedHandle.self)
}

@_cdecl("ws_conn_write_prepared") @implementation
public func ws_conn_write_prepared(_ conn: OpaquePointer!, _ message: OpaquePointer!) -> Int32 {
  guard let prepared = object(message, PreparedHandle.self) else { return invalid }
  return onConn(conn) { (conn) throws(WSError) in
    try conn.write(prepared.message)
    return WS_OK
  }
}

@_cdecl("ws_engine_send_prepared") @implementation
public func ws_engine_send_prepared(_ engine: OpaquePointer!, _ message: OpaquePointer!) -> Int32 {
  guard let prepared = object(message, PreparedHandle.self) else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    try engine.send(prepared.message)
    return WS_OK
  }
}
