// ws_conn: handlers, timeouts, limits, addresses and the application's own pointer.
import CWSSwift
import WSProtocol
import WSSwift
import WSTransport

/// Runs `body` on the connection behind the handle.
@inline(__always)
private func with(_ conn: OpaquePointer?, _ body: (Conn) -> Void) -> Int32 {
  onConn(conn) { (conn) throws(WSError) in
    body(conn)
    return WS_OK
  }
}

/// The handler that calls a C function, and keeps its user pointer alive as long as itself.
private func controlHandler(_ conn: OpaquePointer?, _ fn: ws_control_fn?, _ user: UserPointer) -> ControlHandler? {
  guard let fn else { return nil }
  return { payload in fn(conn, payload.baseAddress, payload.count, user.pointer) == 0 }
}

@_cdecl("ws_conn_set_ping_handler") @implementation
public func ws_conn_set_ping_handler(
  _ conn: OpaquePointer!, _ fn: ws_control_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return with(conn) { $0.setPingHandler(controlHandler(conn, fn, user)) }
}

@_cdecl("ws_conn_set_pong_handler") @implementation
public func ws_conn_set_pong_handler(
  _ conn: OpaquePointer!, _ fn: ws_control_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return with(conn) { $0.setPongHandler(controlHandler(conn, fn, user)) }
}

@_cdecl("ws_conn_set_close_handler") @implementation
public func ws_conn_set_close_handler(
  _ conn: OpaquePointer!, _ fn: ws_close_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return with(conn) { connection in
    guard let fn else { return connection.setCloseHandler(nil) }
    connection.setCloseHandler { code, reason in
      fn(conn, code.rawValue, reason.baseAddress, reason.count, user.pointer) == 0
    }
  }
}

@_cdecl("ws_conn_set_read_timeout") @implementation
public func ws_conn_set_read_timeout(_ conn: OpaquePointer!, _ ms: Int64) -> Int32 {
  guard ms >= 0 else { return invalid }
  return with(conn) { $0.setReadTimeout(milliseconds: ms) }
}

@_cdecl("ws_conn_set_write_timeout") @implementation
public func ws_conn_set_write_timeout(_ conn: OpaquePointer!, _ ms: Int64) -> Int32 {
  guard ms >= 0 else { return invalid }
  return with(conn) { $0.setWriteTimeout(milliseconds: ms) }
}

@_cdecl("ws_conn_set_close_timeout") @implementation
public func ws_conn_set_close_timeout(_ conn: OpaquePointer!, _ ms: Int64) -> Int32 {
  guard ms >= 0 else { return invalid }
  return with(conn) { $0.setCloseTimeout(milliseconds: ms) }
}

@_cdecl("ws_conn_set_read_deadline") @implementation
public func ws_conn_set_read_deadline(_ conn: OpaquePointer!, _ deadline_ns: Int64) -> Int32 {
  with(conn) { $0.setReadDeadline(deadline(deadline_ns)) }
}

@_cdecl("ws_conn_set_write_deadline") @implementation
public func ws_conn_set_write_deadline(_ conn: OpaquePointer!, _ deadline_ns: Int64) -> Int32 {
  with(conn) { $0.setWriteDeadline(deadline(deadline_ns)) }
}

@_cdecl("ws_conn_set_read_limit") @implementation
public func ws_conn_set_read_limit(_ conn: OpaquePointer!, _ bytes: UInt64) -> Int32 {
  with(conn) { $0.setReadLimit(bytes) }
}

@_cdecl("ws_conn_set_write_buffer") @implementation
public func ws_conn_set_write_buffer(_ conn: OpaquePointer!, _ bytes: Int) -> Int32 {
  guard bytes > 0 else { return invalid }
  return with(conn) { $0.setWriteBuffer(bytes) }
}

@_cdecl("ws_conn_set_check_utf8") @implementation
public func ws_conn_set_check_utf8(_ conn: OpaquePointer!, _ received: Int32, _ sent: Int32) -> Int32 {
  with(conn) { $0.setChecksUTF8(received: received != 0, sent: sent != 0) }
}

@_cdecl("ws_conn_set_interruptible") @implementation
public func ws_conn_set_interruptible(_ conn: OpaquePointer!, _ on: Int32) -> Int32 {
  with(conn) { $0.setInterruptible(on != 0) }
}

@_cdecl("ws_conn_set_nonblocking") @implementation
public func ws_conn_set_nonblocking(_ conn: OpaquePointer!, _ on: Int32) -> Int32 {
  with(conn) { $0.setNonblocking(on != 0) }
}

@_cdecl("ws_conn_interest") @implementation
public func ws_conn_interest(
  _ conn: OpaquePointer!, _ fd: UnsafeMutablePointer<Int32>!, _ poll_events: UnsafeMutablePointer<Int32>!,
  _ next_deadline_ns: UnsafeMutablePointer<Int64>!
) -> Int32 {
  fd?.pointee = -1
  poll_events?.pointee = 0
  next_deadline_ns?.pointee = 0
  return with(conn) { conn in
    let wanted = conn.interest()
    fd?.pointee = wanted.descriptor
    poll_events?.pointee = wanted.readiness.pollEvents
    next_deadline_ns?.pointee = wanted.deadline.nanoseconds
  }
}

@_cdecl("ws_conn_service") @implementation
public func ws_conn_service(_ conn: OpaquePointer!) -> Int32 {
  onConn(conn) { (conn) throws(WSError) in
    try conn.service()
    return WS_OK
  }
}

@_cdecl("ws_conn_set_keepalive") @implementation
public func ws_conn_set_keepalive(_ conn: OpaquePointer!, _ interval_ms: Int64, _ timeout_ms: Int64) -> Int32 {
  onConn(conn) { (conn) throws(WSError) in
    try conn.setKeepalive(intervalMilliseconds: interval_ms, timeoutMilliseconds: timeout_ms)
    return WS_OK
  }
}

@_cdecl("ws_conn_set_background") @implementation
public func ws_conn_set_background(_ conn: OpaquePointer!, _ on: Int32) -> Int32 {
  onConn(conn) { (conn) throws(WSError) in
    try conn.setBackground(on != 0)
    return WS_OK
  }
}

@_cdecl("ws_conn_set_user_data") @implementation
public func ws_conn_set_user_data(_ conn: OpaquePointer!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!) -> Int32 {
  let user = UserPointer(user, free_user)
  guard let handle = object(conn, ConnHandle.self) else { return invalid }
  guard !handle.conn.isForked else { return WS_ERR_FORKED.rawValue }
  handle.userData.store(user)
  return WS_OK
}

@_cdecl("ws_conn_user_data") @implementation
public func ws_conn_user_data(_ conn: OpaquePointer!, _ user: UnsafeMutablePointer<UnsafeMutableRawPointer?>!) -> Int32 {
  user?.pointee = nil
  guard let handle = object(conn, ConnHandle.self), let user else { return invalid }
  guard !handle.conn.isForked else { return WS_ERR_FORKED.rawValue }
  user.pointee = handle.userData.pointer
  return WS_OK
}

@_cdecl("ws_conn_local_address") @implementation
public func ws_conn_local_address(_ conn: OpaquePointer!, _ address: UnsafeMutablePointer<ws_address>!) -> Int32 {
  guard let address, fill(address, nil) else { return invalid }
  return with(conn) { _ = fill(address, $0.address(of: .local)) }
}

@_cdecl("ws_conn_remote_address") @implementation
public func ws_conn_remote_address(_ conn: OpaquePointer!, _ address: UnsafeMutablePointer<ws_address>!) -> Int32 {
  guard let address, fill(address, nil) else { return invalid }
  return with(conn) { _ = fill(address, $0.address(of: .remote)) }
}
