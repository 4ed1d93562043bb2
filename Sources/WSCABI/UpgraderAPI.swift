// ws_upgrader: how opening handshakes are answered.
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

// MARK: - Callbacks

@_cdecl("ws_upgrader_set_behind_tls") @implementation
public func ws_upgrader_set_behind_tls(_ upgrader: OpaquePointer!, _ on: Int32) -> Int32 {
  change(upgrader) { (upgrader) throws(WSError) in try upgrader.setBehindTLS(on != 0) }
}

@_cdecl("ws_upgrader_set_origin_callback") @implementation
public func ws_upgrader_set_origin_callback(
  _ upgrader: OpaquePointer!, _ fn: ws_origin_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return change(upgrader) { (upgrader) throws(WSError) in
    guard let fn else { return try upgrader.setOriginCheck(nil) }
    try upgrader.setOriginCheck { upgrade, origin in
      fn(borrowed(upgrade), origin.baseAddress, origin.count, user.pointer) != 0
    }
  }
}

@_cdecl("ws_upgrader_set_request_callback") @implementation
public func ws_upgrader_set_request_callback(
  _ upgrader: OpaquePointer!, _ fn: ws_request_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return change(upgrader) { (upgrader) throws(WSError) in
    guard let fn else { return try upgrader.setRequestCheck(nil) }
    try upgrader.setRequestCheck { upgrade in fn(borrowed(upgrade), user.pointer) == 0 }
  }
}

@_cdecl("ws_upgrader_set_refusal_callback") @implementation
public func ws_upgrader_set_refusal_callback(
  _ upgrader: OpaquePointer!, _ fn: ws_refusal_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return change(upgrader) { (upgrader) throws(WSError) in
    guard let fn else { return try upgrader.setRefusalHook(nil) }
    try upgrader.setRefusalHook { upgrade, error in
      var failure = ws_failure()
      failure.struct_size = UInt32(MemoryLayout<ws_failure>.size)
      _ = fill(&failure, error, context(upgrade))
      fn(borrowed(upgrade), &failure, user.pointer)
    }
  }
}

/// The handle of an attempt that asks something.
private func borrowed(_ upgrade: Upgrade) -> OpaquePointer? { upgrade.context.map { OpaquePointer($0) } }
