// ws_conn: reading, writing, closing, life and death.
import CWSSwift
import WSProtocol
import WSSwift
import WSTransport

/// The object behind a ws_conn.
final class ConnHandle: Handle, Tagged {
  static let tag: UInt64 = 0x7773_5F63_6F6E_6E01
  static let name: StaticString = "ws_conn"
  let conn: Conn
  /// The same without counting references, three times a call otherwise. It lives as long as the handle.
  let borrowed: Unmanaged<Conn>
  let userData = UserDataSlot()
  let partsLock = Lock()
  // Guarded by `partsLock`.
  var readers = PartRing<ReaderHandle>()
  var writers = PartRing<WriterHandle>()

  init(_ conn: Conn) {
    self.conn = conn
    borrowed = .passUnretained(conn)
    super.init(tag: Self.tag)
  }
}

/// Runs a call on the connection behind the handle. The handle lives until the call returns, also when one of its own callbacks
/// frees it. In a forked child nothing of it is touched: a lock may have been held at the fork, and stays so for ever.
func onConn(_ conn: OpaquePointer?, _ body: (Conn) throws(WSError) -> Int32) -> Int32 {
  guard let handle = object(conn, ConnHandle.self) else { return invalid }
  return onConn(handle, body)
}

@inline(__always)
func onConn(_ handle: ConnHandle, _ body: (Conn) throws(WSError) -> Int32) -> Int32 {
  defer { withExtendedLifetime(handle) {} }
  return handle.borrowed._withUnsafeGuaranteedRef { conn in
    guard !conn.isForked else { return WS_ERR_FORKED.rawValue }
    return result { () throws(WSError) in try body(conn) }
  }
}

@_cdecl("ws_conn_read") @implementation
public func ws_conn_read(
  _ conn: OpaquePointer!, _ type: UnsafeMutablePointer<Int32>!, _ message: UnsafeMutablePointer<ws_bytes>!
) -> Int32 {
  type?.pointee = 0
  message?.pointee = ws_bytes()
  guard let type, let message else { return invalid }
  return onConn(conn) { (conn) throws(WSError) in
    guard let read = try conn.read() else { return Int32(WS_END) }
    type.pointee = Int32(read.kind.rawValue)
    message.pointee = ws_bytes(read.bytes)
    return WS_OK
  }
}

@_cdecl("ws_conn_read_into") @implementation
public func ws_conn_read_into(
  _ conn: OpaquePointer!, _ type: UnsafeMutablePointer<Int32>!, _ buf: UnsafeMutableRawPointer!, _ room: Int,
  _ size: UnsafeMutablePointer<Int>!
) -> Int32 {
  type?.pointee = 0
  size?.pointee = 0
  guard let type, let size, let space = space(buf, room) else { return invalid }
  return onConn(conn) { (conn) throws(WSError) in
    do throws(WSError) {
      guard let read = try conn.read(into: space) else { return Int32(WS_END) }
      type.pointee = Int32(read.kind.rawValue)
      size.pointee = read.size
      return WS_OK
    } catch {
      if case .noRoom(let needed) = error { size.pointee = needed }
      throw error
    }
  }
}

@_cdecl("ws_conn_write") @implementation
public func ws_conn_write(_ conn: OpaquePointer!, _ type: Int32, _ data: UnsafeRawPointer!, _ size: Int) -> Int32 {
  write(conn, type, bytes(data, size).map { Payload($0) })
}

@_cdecl("ws_conn_writev") @implementation
public func ws_conn_writev(_ conn: OpaquePointer!, _ type: Int32, _ parts: UnsafePointer<ws_bytes>!, _ count: Int) -> Int32 {
  write(conn, type, payload(parts, count))
}

@inline(__always)
private func write(_ conn: OpaquePointer?, _ type: Int32, _ payload: Payload?) -> Int32 {
  guard let payload, let type = messageType(type) else { return invalid }
  return onConn(conn) { (conn) throws(WSError) in
    try conn.write(type.kind, payload, compressed: type.compressed)
    return WS_OK
  }
}

@_cdecl("ws_conn_write_control") @implementation
public func ws_conn_write_control(
  _ conn: OpaquePointer!, _ type: Int32, _ data: UnsafeRawPointer!, _ size: Int, _ deadline_ns: Int64
) -> Int32 {
  guard let payload = bytes(data, size), let opcode = controlType(type) else {
    return invalid
  }
  return onConn(conn) { (conn) throws(WSError) in
    try conn.writeControl(opcode, payload, deadline: deadline(deadline_ns))
    return WS_OK
  }
}

@_cdecl("ws_conn_close") @implementation
public func ws_conn_close(
  _ conn: OpaquePointer!, _ code: UInt16, _ reason: UnsafeRawPointer!, _ size: Int, _ deadline_ns: Int64
) -> Int32 {
  guard let reason = bytes(reason, size) else { return invalid }
  return onConn(conn) { (conn) throws(WSError) in
    try conn.close(closeCode(code), reason: reason, deadline: deadline(deadline_ns))
    return WS_OK
  }
}

@_cdecl("ws_conn_close_begin") @implementation
public func ws_conn_close_begin(
  _ conn: OpaquePointer!, _ code: UInt16, _ reason: UnsafeRawPointer!, _ size: Int
) -> Int32 {
  guard let reason = bytes(reason, size) else { return invalid }
  return onConn(conn) { (conn) throws(WSError) in
    try conn.beginClose(closeCode(code), reason: reason)
    return WS_OK
  }
}

@_cdecl("ws_conn_ping") @implementation
public func ws_conn_ping(_ conn: OpaquePointer!, _ deadline_ns: Int64, _ round_trip_ns: UnsafeMutablePointer<Int64>!) -> Int32 {
  round_trip_ns?.pointee = 0
  return onConn(conn) { (conn) throws(WSError) in
    guard let span = try conn.ping(deadline: deadline(deadline_ns)) else { return Int32(WS_END) }
    round_trip_ns?.pointee = Int64(clamping: span)
    return WS_OK
  }
}

/// 0 stands for "no code", as 1005 does.
func closeCode(_ code: UInt16) -> CloseCode {
  code == 0 ? .noStatus : CloseCode(rawValue: code)
}

@_cdecl("ws_conn_abort") @implementation
public func ws_conn_abort(_ conn: OpaquePointer!) -> Int32 {
  onConn(conn) { (conn) throws(WSError) in
    conn.abort()
    return WS_OK
  }
}

@_cdecl("ws_conn_retain") @implementation
public func ws_conn_retain(_ conn: OpaquePointer!) -> OpaquePointer! {
  guard let handle = object(conn, ConnHandle.self) else { return nil }
  handle.addUser()
  return conn
}

@_cdecl("ws_conn_free") @implementation
public func ws_conn_free(_ conn: OpaquePointer!) -> Int32 {
  free(conn, ConnHandle.self) { $0.conn.abort() }
}

@_cdecl("ws_conn_close_codes") @implementation
public func ws_conn_close_codes(
  _ conn: OpaquePointer!, _ theirs: UnsafeMutablePointer<UInt16>!, _ reason: UnsafeMutablePointer<ws_bytes>!,
  _ ours: UnsafeMutablePointer<UInt16>!
) -> Int32 {
  let outputs = CloseOutputs(theirs, reason, ours)
  return onConn(conn) { (conn) throws(WSError) in
    outputs.tell(conn.closeCodeReceived, conn.closeReason, conn.ourCloseCode)
    return WS_OK
  }
}

@_cdecl("ws_conn_subprotocol") @implementation
public func ws_conn_subprotocol(_ conn: OpaquePointer!, _ name: UnsafeMutablePointer<ws_bytes>!) -> Int32 {
  lending(name) { (name) in
    onConn(conn) { (conn) throws(WSError) in
      name.pointee = ws_bytes(conn.subprotocol)
      return WS_OK
    }
  }
}

@_cdecl("ws_conn_extensions") @implementation
public func ws_conn_extensions(_ conn: OpaquePointer!, _ agreed: UnsafeMutablePointer<ws_bytes>!) -> Int32 {
  lending(agreed) { (agreed) in
    onConn(conn) { (conn) throws(WSError) in
      agreed.pointee = ws_bytes(conn.extensions)
      return WS_OK
    }
  }
}

@_cdecl("ws_conn_failure") @implementation
public func ws_conn_failure(_ conn: OpaquePointer!, _ half: Int32, _ failure: UnsafeMutablePointer<ws_failure>!) -> Int32 {
  guard let failure, fill(failure, nil) else { return invalid }
  return onConn(conn) { (conn) throws(WSError) in
    switch Int(half) {
    case WS_READ: _ = fill(failure, conn.lastFailure(of: .read), FailureContext(time: conn.timeLimit(of: .read)))
    case WS_WRITE: _ = fill(failure, conn.lastFailure(of: .write), FailureContext(time: conn.timeLimit(of: .write)))
    default: return invalid
    }
    // Where another close frame had been sent before, none could be sent because of the failure.
    if failure.pointee.close_code != Int32(conn.ourCloseCode?.rawValue ?? 0) { failure.pointee.close_code = 0 }
    return WS_OK
  }
}
