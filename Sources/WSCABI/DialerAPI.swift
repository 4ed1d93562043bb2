// ws_dialer and ws_dial: opening connections.
import CWSSwift
import WSProtocol
import WSSwift

/// The object behind a ws_dialer.
final class DialerHandle: Handle, Tagged {
  static let tag: UInt64 = 0x7773_5F64_6C72_0001
  static let name: StaticString = "ws_dialer"
  let dialer = Dialer()

  init() { super.init(tag: Self.tag) }
}

/// The object behind a ws_dial.
final class DialHandle: Handle, Tagged {
  static let tag: UInt64 = 0x7773_5F64_6961_6C01
  static let name: StaticString = "ws_dial"
  let dial: Dial
  let headers: HeadersHandle

  init(_ dial: Dial) {
    self.dial = dial
    headers = HeadersHandle(.response(dial))
    super.init(tag: Self.tag)
  }
}

/// Runs a setter on the configuration behind the handle.
func changeDialer(_ dialer: OpaquePointer?, _ body: (Dialer) throws(WSError) -> Void) -> Int32 {
  guard let handle = object(dialer, DialerHandle.self) else { return invalid }
  return result { () throws(WSError) in
    try body(handle.dialer)
    return WS_OK
  }
}

@_cdecl("ws_dialer_new") @implementation
public func ws_dialer_new(_ dialer: UnsafeMutablePointer<OpaquePointer?>!) -> Int32 {
  guard let dialer else { return invalid }
  dialer.pointee = handle(giving: DialerHandle())
  return WS_OK
}

@_cdecl("ws_dialer_free") @implementation
public func ws_dialer_free(_ dialer: OpaquePointer!) -> Int32 {
  free(dialer, DialerHandle.self)
}

@_cdecl("ws_dialer_add_header") @implementation
public func ws_dialer_add_header(
  _ dialer: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: UnsafePointer<CChar>!
) -> Int32 {
  guard let name = string(name), let value = string(value) else { return invalid }
  return changeDialer(dialer) { (dialer) throws(WSError) in try dialer.addHeader(name, value) }
}

@_cdecl("ws_dialer_add_subprotocol") @implementation
public func ws_dialer_add_subprotocol(_ dialer: OpaquePointer!, _ name: UnsafePointer<CChar>!) -> Int32 {
  guard let name = string(name) else { return invalid }
  return changeDialer(dialer) { (dialer) throws(WSError) in try dialer.addSubprotocol(name) }
}

@_cdecl("ws_dialer_set_timeout") @implementation
public func ws_dialer_set_timeout(_ dialer: OpaquePointer!, _ ms: Int64) -> Int32 {
  guard ms >= 0 else { return invalid }
  return changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setTimeout(milliseconds: ms) }
}

@_cdecl("ws_dialer_set_read_limit") @implementation
public func ws_dialer_set_read_limit(_ dialer: OpaquePointer!, _ bytes: UInt64) -> Int32 {
  changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setReadLimit(bytes) }
}

@_cdecl("ws_dialer_set_compression") @implementation
public func ws_dialer_set_compression(_ dialer: OpaquePointer!, _ on: Int32) -> Int32 {
  changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setCompression(on != 0) }
}

@_cdecl("ws_dialer_set_context_takeover") @implementation
public func ws_dialer_set_context_takeover(_ dialer: OpaquePointer!, _ client: Int32, _ server: Int32) -> Int32 {
  changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setContextTakeover(client: client != 0, server: server != 0) }
}

@_cdecl("ws_dialer_set_window_bits") @implementation
public func ws_dialer_set_window_bits(_ dialer: OpaquePointer!, _ client: Int32, _ server: Int32) -> Int32 {
  changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setWindowBits(client: Int(client), server: Int(server)) }
}

/// A configuration: the caller's, or for NULL the defaults.
func sharedDialer(_ dialer: OpaquePointer?) -> Dialer? {
  guard dialer != nil else { return Dialer() }
  return object(dialer, DialerHandle.self)?.dialer
}

private func context(_ dial: Dial?) -> FailureContext {
  FailureContext(
    explanation: dial?.explanation ?? .empty, time: dial?.timeLimit, answeredStatus: dial?.response.status ?? 0,
    isAtProxy: dial?.isAtProxy == true)
}

@_cdecl("ws_dialer_dial") @implementation
public func ws_dialer_dial(
  _ dialer: OpaquePointer!, _ url: UnsafePointer<CChar>!, _ deadline_ns: Int64,
  _ conn: UnsafeMutablePointer<OpaquePointer?>!, _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  conn?.pointee = nil
  var dial: Dial?
  return result(failure, context: { context(dial) }) { () throws(WSError) in
    guard let dialer = sharedDialer(dialer), let url = string(url), let conn else { throw .invalid }
    let attempt = try dialer.attempt(url)
    dial = attempt
    conn.pointee = handle(giving: ConnHandle(try attempt.run(deadline: deadline(deadline_ns))))
    return WS_OK
  }
}

@_cdecl("ws_dial_new") @implementation
public func ws_dial_new(
  _ dialer: OpaquePointer!, _ url: UnsafePointer<CChar>!, _ dial: UnsafeMutablePointer<OpaquePointer?>!,
  _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  dial?.pointee = nil
  return result(failure) { () throws(WSError) in
    guard let dialer = sharedDialer(dialer), let url = string(url), let dial else { throw .invalid }
    dial.pointee = handle(giving: DialHandle(try dialer.attempt(url)))
    return WS_OK
  }
}

@_cdecl("ws_dial_use_fd") @implementation
public func ws_dial_use_fd(_ dial: OpaquePointer!, _ fd: Int32) -> Int32 {
  guard let handle = object(dial, DialHandle.self) else {
    Listening.close(descriptor: fd)
    return invalid
  }
  return result { () throws(WSError) in
    try handle.dial.use(descriptor: fd)
    return WS_OK
  }
}

@_cdecl("ws_dial_run") @implementation
public func ws_dial_run(
  _ dial: OpaquePointer!, _ deadline_ns: Int64, _ conn: UnsafeMutablePointer<OpaquePointer?>!,
  _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  conn?.pointee = nil
  let attempt = object(dial, DialHandle.self)
  return result(failure, context: { context(attempt?.dial) }) { () throws(WSError) in
    guard let attempt, let conn else { throw .invalid }
    let opened = try attempt.dial.run(deadline: deadline(deadline_ns))
    conn.pointee = handle(giving: ConnHandle(opened))
    return WS_OK
  }
}

@_cdecl("ws_dial_cancel") @implementation
public func ws_dial_cancel(_ dial: OpaquePointer!) -> Int32 {
  guard let handle = object(dial, DialHandle.self) else { return invalid }
  handle.dial.cancel()
  return WS_OK
}

@_cdecl("ws_dial_response") @implementation
public func ws_dial_response(
  _ dial: OpaquePointer!, _ status: UnsafeMutablePointer<Int32>!, _ headers: UnsafeMutablePointer<OpaquePointer?>!,
  _ body: UnsafeMutablePointer<ws_bytes>!
) -> Int32 {
  status?.pointee = 0
  headers?.pointee = nil
  body?.pointee = ws_bytes()
  guard let handle = object(dial, DialHandle.self) else { return invalid }
  guard handle.dial.response.isComplete else { return WS_OK }
  status?.pointee = Int32(truncatingIfNeeded: handle.dial.response.status)
  headers?.pointee = handle.headers.borrowed
  body?.pointee = ws_bytes(handle.dial.responseBody)
  return WS_OK
}

@_cdecl("ws_dial_free") @implementation
public func ws_dial_free(_ dial: OpaquePointer!) -> Int32 {
  free(dial, DialHandle.self)
}
