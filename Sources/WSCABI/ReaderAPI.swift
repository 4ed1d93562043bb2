// ws_reader: a message that is read in parts; and messages read as one stream, or dropped.
import CWSSwift
import WSProtocol
import WSSwift
import WSTransport

/// The object behind a ws_reader.
final class ReaderHandle: PartHandle, Tagged {
  static let tag: UInt64 = 0x7773_5F72_6561_6401
  static let name: StaticString = "ws_reader"
}

@_cdecl("ws_conn_next_reader") @implementation
public func ws_conn_next_reader(
  _ conn: OpaquePointer!, _ type: UnsafeMutablePointer<Int32>!, _ reader: UnsafeMutablePointer<OpaquePointer?>!
) -> Int32 {
  type?.pointee = 0
  reader?.pointee = nil
  guard let type, let reader, let handle = object(conn, ConnHandle.self) else { return invalid }
  return onConn(handle) { (conn) throws(WSError) in
    guard let next = try conn.nextReader() else { return Int32(WS_END) }
    type.pointee = Int32(next.kind.rawValue)
    reader.pointee = handle.partsLock.withLock { handle.readers.part(next.number, of: handle) }
    return WS_OK
  }
}

@_cdecl("ws_reader_read") @implementation
public func ws_reader_read(
  _ reader: OpaquePointer!, _ buf: UnsafeMutableRawPointer!, _ room: Int, _ got: UnsafeMutablePointer<Int>!
) -> Int32 {
  got?.pointee = 0
  guard let got, let space = space(buf, room) else { return invalid }
  return onPart(reader, ReaderHandle.self) { (conn, number) throws(WSError) in
    guard let count = try conn.readPart(of: number, into: space) else { return Int32(WS_END) }
    got.pointee = count
    return WS_OK
  }
}

@_cdecl("ws_reader_next") @implementation
public func ws_reader_next(_ reader: OpaquePointer!, _ part: UnsafeMutablePointer<ws_bytes>!) -> Int32 {
  part?.pointee = ws_bytes()
  guard let part else { return invalid }
  return onPart(reader, ReaderHandle.self) { (conn, number) throws(WSError) in
    guard let next = try conn.nextPart(of: number) else { return Int32(WS_END) }
    part.pointee = ws_bytes(next)
    return WS_OK
  }
}

@_cdecl("ws_conn_read_joined") @implementation
public func ws_conn_read_joined(
  _ conn: OpaquePointer!, _ terminator: UnsafeRawPointer!, _ terminator_size: Int, _ buf: UnsafeMutableRawPointer!,
  _ room: Int, _ got: UnsafeMutablePointer<Int>!
) -> Int32 {
  got?.pointee = 0
  guard let got, let space = space(buf, room), let terminator = bytes(terminator, terminator_size) else { return invalid }
  return onConn(conn) { (conn) throws(WSError) in
    guard let count = try conn.readJoined(into: space, terminator: terminator) else { return Int32(WS_END) }
    got.pointee = count
    return WS_OK
  }
}

@_cdecl("ws_conn_discard") @implementation
public func ws_conn_discard(_ conn: OpaquePointer!) -> Int32 {
  onConn(conn) { (conn) throws(WSError) in
    try conn.discardMessages()
    return Int32(WS_END)
  }
}
