// ws_upgrade: answering one opening handshake.
import CWSSwift
import WSProtocol
import WSSwift

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
    upgrade.context = UnsafeRawPointer(handle(lending: self))
  }
}

/// Runs a call on the attempt behind the handle.
private func with(_ upgrade: OpaquePointer?, _ body: (Upgrade) throws(WSError) -> Int32) -> Int32 {
  guard let handle = object(upgrade, UpgradeHandle.self) else { return invalid }
  return result { () throws(WSError) in try body(handle.upgrade) }
}

/// What is known of a failed attempt.
func context(_ upgrade: Upgrade?) -> FailureContext {
  let status = upgrade?.refusedStatus ?? 0
  return FailureContext(
    explanation: upgrade?.explanation ?? .empty, time: upgrade?.timeLimit, answeredStatus: status > 0 ? status : nil)
}

/// An attempt over a descriptor, which is taken in every case; `request` is what it has to answer, where the program has read that.
private func begin(
  _ upgrader: OpaquePointer?, _ fd: Int32, _ already_read: UnsafeRawPointer?, _ size: Int, isWanted: Bool,
  request: ParsedRequest? = nil
) throws(WSError) -> Upgrade {
  guard isWanted, let upgrader = sharedUpgrader(upgrader), let alreadyRead = bytes(already_read, size) else {
    Listening.close(descriptor: fd)
    throw .invalid
  }
  guard let request else { return try upgrader.attempt(descriptor: fd, alreadyRead: alreadyRead) }
  return try upgrader.attempt(descriptor: fd, parsed: request, alreadyRead: alreadyRead)
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
  var attempt: UpgradeHandle?
  return result(failure, context: { context(attempt?.upgrade) }) { () throws(WSError) in
    let made = UpgradeHandle(try begin(upgrader, fd, already_read, size, isWanted: conn != nil))
    attempt = made
    conn?.pointee = handle(giving: ConnHandle(try made.upgrade.run(deadline: deadline(deadline_ns))))
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
    let made = try begin(upgrader, fd, already_read, size, isWanted: upgrade != nil)
    upgrade?.pointee = handle(giving: UpgradeHandle(made))
    return WS_OK
  }
}

@_cdecl("ws_upgrade_new_parsed") @implementation
public func ws_upgrade_new_parsed(
  _ upgrader: OpaquePointer!, _ method: UnsafePointer<CChar>!, _ target: UnsafePointer<CChar>!,
  _ fields: UnsafePointer<ws_field>!,
  _ count: Int, _ fd: Int32, _ already_read: UnsafeRawPointer!, _ size: Int, _ upgrade: UnsafeMutablePointer<OpaquePointer?>!
) -> Int32 {
  upgrade?.pointee = nil
  let request = parsedRequest(method, target, fields, count)
  return result { () throws(WSError) in
    let made = try begin(
      upgrader, fd, already_read, size, isWanted: upgrade != nil && request != nil, request: request)
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
  guard let body = bytes(body, size) else { return invalid }
  return with(upgrade) { (upgrade) throws(WSError) in
    try upgrade.refuse(status: Int(status), body: body)
    return WS_OK
  }
}

@_cdecl("ws_upgrade_add_header") @implementation
public func ws_upgrade_add_header(
  _ upgrade: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: UnsafePointer<CChar>!
) -> Int32 {
  guard let name = string(name), let value = string(value) else { return invalid }
  return with(upgrade) { (upgrade) throws(WSError) in
    try upgrade.addHeader(name, value)
    return WS_OK
  }
}

@_cdecl("ws_upgrade_set_subprotocol") @implementation
public func ws_upgrade_set_subprotocol(_ upgrade: OpaquePointer!, _ name: UnsafePointer<CChar>!) -> Int32 {
  guard let name = choice(name) else { return invalid }
  return with(upgrade) { (upgrade) throws(WSError) in
    try upgrade.setSubprotocol(name)
    return WS_OK
  }
}

/// The subprotocol that a program chooses: NULL is none, and an empty one is wrong.
func choice(_ name: UnsafePointer<CChar>?) -> ByteView? {
  guard name != nil else { return .empty }
  guard let name = string(name), !name.isEmpty else { return nil }
  return name
}

// MARK: - The request

@_cdecl("ws_upgrade_look") @implementation
public func ws_upgrade_look(
  _ upgrade: OpaquePointer!, _ path: UnsafeMutablePointer<ws_bytes>!, _ query: UnsafeMutablePointer<ws_bytes>!,
  _ headers: UnsafeMutablePointer<OpaquePointer?>!
) -> Int32 {
  path?.pointee = ws_bytes()
  query?.pointee = ws_bytes()
  headers?.pointee = nil
  guard let handle = object(upgrade, UpgradeHandle.self) else { return invalid }
  path?.pointee = ws_bytes(handle.upgrade.path)
  query?.pointee = ws_bytes(handle.upgrade.query)
  headers?.pointee = handle.headers.borrowed
  return WS_OK
}

@_cdecl("ws_upgrade_offered_subprotocol") @implementation
public func ws_upgrade_offered_subprotocol(
  _ upgrade: OpaquePointer!, _ index: Int, _ name: UnsafeMutablePointer<ws_bytes>!
) -> Int32 {
  lending(name) { (name) in
    with(upgrade) { (upgrade) throws(WSError) in found(upgrade.offeredSubprotocol(index), name) }
  }
}

@_cdecl("ws_upgrade_cookie") @implementation
public func ws_upgrade_cookie(
  _ upgrade: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: UnsafeMutablePointer<ws_bytes>!
) -> Int32 {
  lending(value) { (value) in
    guard let name = string(name) else { return invalid }
    return with(upgrade) { (upgrade) throws(WSError) in found(upgrade.cookie(name), value) }
  }
}

/// Lends what was looked for; WS_END when there is none.
func found(_ view: ByteView?, _ output: UnsafeMutablePointer<ws_bytes>) -> Int32 {
  guard let view else { return Int32(WS_END) }
  output.pointee = ws_bytes(view)
  return WS_OK
}

@_cdecl("ws_upgrade_remote_address") @implementation
public func ws_upgrade_remote_address(_ upgrade: OpaquePointer!, _ address: UnsafeMutablePointer<ws_address>!) -> Int32 {
  guard let address, fill(address, nil) else { return invalid }
  return with(upgrade) { (upgrade) throws(WSError) in
    _ = fill(address, upgrade.remoteAddress)
    return WS_OK
  }
}

@_cdecl("ws_upgrade_free") @implementation
public func ws_upgrade_free(_ upgrade: OpaquePointer!) -> Int32 {
  free(upgrade, UpgradeHandle.self)
}
