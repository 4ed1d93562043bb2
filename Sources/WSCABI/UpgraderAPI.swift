// ws_upgrader and ws_upgrade: answering opening handshakes.
import CWSSwift
import WSProtocol
import WSSwift

/// The object behind a ws_upgrader.
final class UpgraderHandle: Handle, Tagged {
  static let tag: UInt64 = 0x7773_5F75_7072_0001
  static let name: StaticString = "ws_upgrader"
  let upgrader = Upgrader()

  init() { super.init(tag: Self.tag) }
}

/// The object behind a ws_upgrade.
final class UpgradeHandle: Handle, Tagged {
  static let tag: UInt64 = 0x7773_5F75_7067_0001
  static let name: StaticString = "ws_upgrade"
  let upgrade: Upgrade
  let headers: HeadersHandle

  init(_ upgrade: Upgrade) {
    self.upgrade = upgrade
    headers = HeadersHandle(.request(upgrade))
    super.init(tag: Self.tag)
  }
}

/// Runs a setter on the configuration behind the handle.
private func change(_ upgrader: OpaquePointer?, _ body: (Upgrader) throws(WSError) -> Void) -> Int32 {
  guard let handle = object(upgrader, UpgraderHandle.self) else { return invalid }
  return result { () throws(WSError) in
    try body(handle.upgrader)
    return WS_OK
  }
}

@_cdecl("ws_upgrader_new") @implementation
public func ws_upgrader_new(_ upgrader: UnsafeMutablePointer<OpaquePointer?>!) -> Int32 {
  guard let upgrader else { return invalid }
  upgrader.pointee = handle(giving: UpgraderHandle())
  return WS_OK
}

@_cdecl("ws_upgrader_free") @implementation
public func ws_upgrader_free(_ upgrader: OpaquePointer!) -> Int32 {
  free(upgrader, UpgraderHandle.self)
}

@_cdecl("ws_upgrader_add_subprotocol") @implementation
public func ws_upgrader_add_subprotocol(_ upgrader: OpaquePointer!, _ name: UnsafePointer<CChar>!) -> Int32 {
  guard let name = string(name) else { return invalid }
  return change(upgrader) { (upgrader) throws(WSError) in try upgrader.addSubprotocol(name) }
}

@_cdecl("ws_upgrader_add_origin") @implementation
public func ws_upgrader_add_origin(_ upgrader: OpaquePointer!, _ pattern: UnsafePointer<CChar>!) -> Int32 {
  guard let pattern = string(pattern) else { return invalid }
  return change(upgrader) { (upgrader) throws(WSError) in try upgrader.addOrigin(pattern) }
}

@_cdecl("ws_upgrader_set_origin_required") @implementation
public func ws_upgrader_set_origin_required(_ upgrader: OpaquePointer!, _ on: Int32) -> Int32 {
  change(upgrader) { (upgrader) throws(WSError) in try upgrader.setOriginRequired(on != 0) }
}

@_cdecl("ws_upgrader_add_host") @implementation
public func ws_upgrader_add_host(_ upgrader: OpaquePointer!, _ pattern: UnsafePointer<CChar>!) -> Int32 {
  guard let pattern = string(pattern) else { return invalid }
  return change(upgrader) { (upgrader) throws(WSError) in try upgrader.addHost(pattern) }
}

@_cdecl("ws_upgrader_add_header") @implementation
public func ws_upgrader_add_header(
  _ upgrader: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: UnsafePointer<CChar>!
) -> Int32 {
  guard let name = string(name), let value = string(value) else { return invalid }
  return change(upgrader) { (upgrader) throws(WSError) in try upgrader.addHeader(name, value) }
}

@_cdecl("ws_upgrader_set_timeout") @implementation
public func ws_upgrader_set_timeout(_ upgrader: OpaquePointer!, _ ms: Int64) -> Int32 {
  guard ms >= 0 else { return invalid }
  return change(upgrader) { (upgrader) throws(WSError) in try upgrader.setTimeout(milliseconds: ms) }
}

@_cdecl("ws_upgrader_set_read_limit") @implementation
public func ws_upgrader_set_read_limit(_ upgrader: OpaquePointer!, _ bytes: UInt64) -> Int32 {
  change(upgrader) { (upgrader) throws(WSError) in try upgrader.setReadLimit(bytes) }
}

@_cdecl("ws_upgrader_set_compression") @implementation
public func ws_upgrader_set_compression(_ upgrader: OpaquePointer!, _ on: Int32) -> Int32 {
  change(upgrader) { (upgrader) throws(WSError) in try upgrader.setCompression(on != 0) }
}

@_cdecl("ws_upgrader_set_context_takeover") @implementation
public func ws_upgrader_set_context_takeover(_ upgrader: OpaquePointer!, _ client: Int32, _ server: Int32) -> Int32 {
  change(upgrader) { (upgrader) throws(WSError) in try upgrader.setContextTakeover(client: client != 0, server: server != 0) }
}

@_cdecl("ws_upgrader_set_window_bits") @implementation
public func ws_upgrader_set_window_bits(_ upgrader: OpaquePointer!, _ client: Int32, _ server: Int32) -> Int32 {
  change(upgrader) { (upgrader) throws(WSError) in try upgrader.setWindowBits(client: Int(client), server: Int(server)) }
}

/// A configuration: the caller's, or for NULL the defaults.
func sharedUpgrader(_ upgrader: OpaquePointer?) -> Upgrader? {
  guard upgrader != nil else { return Upgrader() }
  return object(upgrader, UpgraderHandle.self)?.upgrader
}

/// An attempt over a descriptor, which is taken in every case.
private func attempt(
  _ upgrader: OpaquePointer?, _ fd: Int32, _ already_read: UnsafeRawPointer?, _ size: Int, isWanted: Bool
) throws(WSError) -> Upgrade {
  guard isWanted, let upgrader = sharedUpgrader(upgrader), let alreadyRead = bytes(already_read, size) else {
    Listening.close(descriptor: fd)
    throw .invalid
  }
  return try upgrader.attempt(descriptor: fd, alreadyRead: alreadyRead)
}

private func context(_ upgrade: Upgrade?) -> FailureContext {
  FailureContext(explanation: upgrade?.explanation ?? .empty, time: upgrade?.timeLimit)
}

@_cdecl("ws_upgrader_upgrade") @implementation
public func ws_upgrader_upgrade(
  _ upgrader: OpaquePointer!, _ fd: Int32, _ already_read: UnsafeRawPointer!, _ size: Int, _ deadline_ns: Int64,
  _ conn: UnsafeMutablePointer<OpaquePointer?>!, _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  conn?.pointee = nil
  guard fill(failure, nil) else {
    Listening.close(descriptor: fd)
    return invalid
  }
  var upgrade: Upgrade?
  return result(failure, context: { context(upgrade) }) { () throws(WSError) in
    let made = try attempt(upgrader, fd, already_read, size, isWanted: conn != nil)
    upgrade = made
    try made.receiveRequest(deadline: deadline(deadline_ns))
    conn?.pointee = handle(giving: ConnHandle(try made.accept(deadline: deadline(deadline_ns))))
    return WS_OK
  }
}

@_cdecl("ws_upgrade_new") @implementation
public func ws_upgrade_new(
  _ upgrader: OpaquePointer!, _ fd: Int32, _ already_read: UnsafeRawPointer!, _ size: Int,
  _ upgrade: UnsafeMutablePointer<OpaquePointer?>!
) -> Int32 {
  upgrade?.pointee = nil
  return result { () throws(WSError) in
    let made = try attempt(upgrader, fd, already_read, size, isWanted: upgrade != nil)
    upgrade?.pointee = handle(giving: UpgradeHandle(made))
    return WS_OK
  }
}

@_cdecl("ws_upgrade_request") @implementation
public func ws_upgrade_request(
  _ upgrade: OpaquePointer!, _ deadline_ns: Int64, _ target: UnsafeMutablePointer<ws_bytes>!,
  _ headers: UnsafeMutablePointer<OpaquePointer?>!, _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  target?.pointee = ws_bytes()
  headers?.pointee = nil
  let attempt = object(upgrade, UpgradeHandle.self)
  return result(failure, context: { context(attempt?.upgrade) }) { () throws(WSError) in
    guard let attempt else { throw .invalid }
    try attempt.upgrade.receiveRequest(deadline: deadline(deadline_ns))
    target?.pointee = ws_bytes(attempt.upgrade.request.target)
    headers?.pointee = attempt.headers.borrowed
    return WS_OK
  }
}

@_cdecl("ws_upgrade_accept") @implementation
public func ws_upgrade_accept(
  _ upgrade: OpaquePointer!, _ deadline_ns: Int64, _ conn: UnsafeMutablePointer<OpaquePointer?>!,
  _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  conn?.pointee = nil
  let attempt = object(upgrade, UpgradeHandle.self)
  return result(failure, context: { context(attempt?.upgrade) }) { () throws(WSError) in
    guard let attempt, let conn else { throw .invalid }
    conn.pointee = handle(giving: ConnHandle(try attempt.upgrade.accept(deadline: deadline(deadline_ns))))
    return WS_OK
  }
}

@_cdecl("ws_upgrade_refuse") @implementation
public func ws_upgrade_refuse(_ upgrade: OpaquePointer!, _ status: Int32, _ body: UnsafeRawPointer!, _ size: Int) -> Int32 {
  guard let handle = object(upgrade, UpgradeHandle.self), let body = bytes(body, size) else { return invalid }
  return result { () throws(WSError) in
    try handle.upgrade.refuse(status: Int(status), body: body)
    return WS_OK
  }
}

@_cdecl("ws_upgrade_free") @implementation
public func ws_upgrade_free(_ upgrade: OpaquePointer!) -> Int32 {
  free(upgrade, UpgradeHandle.self)
}
