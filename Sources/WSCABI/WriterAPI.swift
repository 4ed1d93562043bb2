// ws_writer: a message that is written in pieces.
import CWSSwift
import WSProtocol
import WSSwift
import WSTransport

/// The object behind a ws_writer.
final class WriterHandle: PartHandle, Tagged {
  static let tag: UInt64 = 0x7773_5F77_7269_7401
  static let name: StaticString = "ws_writer"
}

@_cdecl("ws_conn_next_writer") @implementation
public func ws_conn_next_writer(_ conn: OpaquePointer!, _ type: Int32, _ writer: UnsafeMutablePointer<OpaquePointer?>!) -> Int32
{
  writer?.pointee = nil
  guard let writer, let type = messageType(type), let handle = object(conn, ConnHandle.self) else { return invalid }
  return onConn(handle) { (conn) throws(WSError) in
    let number = try conn.nextWriter(type.kind, compressed: type.compressed).number
    writer.pointee = handle.partsLock.withLock { handle.writers.part(number, of: handle) }
    return WS_OK
  }
}

/// Runs a call on the message behind the handle.
private func on(_ writer: OpaquePointer?, _ body: (MessageWriter) throws(WSError) -> Void) -> Int32 {
  onPart(writer, WriterHandle.self) { (conn, number) throws(WSError) in
    try body(MessageWriter(conn, number: number))
    return WS_OK
  }
}

@_cdecl("ws_writer_write") @implementation
public func ws_writer_write(_ writer: OpaquePointer!, _ data: UnsafeRawPointer!, _ size: Int) -> Int32 {
  guard let bytes = bytes(data, size) else { return invalid }
  return on(writer) { (writer) throws(WSError) in try writer.write(bytes) }
}

@_cdecl("ws_writer_flush") @implementation
public func ws_writer_flush(_ writer: OpaquePointer!) -> Int32 {
  on(writer) { (writer) throws(WSError) in try writer.flush() }
}

@_cdecl("ws_writer_close") @implementation
public func ws_writer_close(_ writer: OpaquePointer!) -> Int32 {
  on(writer) { (writer) throws(WSError) in try writer.close() }
}
