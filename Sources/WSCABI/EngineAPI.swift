// ws_engine: a connection for programs with their own event loop.
import CWSSwift
import WSProtocol
import WSSwift
import WSTransport

/// The object behind a ws_engine.
final class EngineHandle: Handle, Tagged {
  static let tag: UInt64 = 0x7773_5F65_6E67_6901
  static let name: StaticString = "ws_engine"
  let engine: LoopConnection
  /// The same without counting references. It lives as long as the handle.
  let borrowed: Unmanaged<LoopConnection>
  let headers: HeadersHandle

  init(_ engine: LoopConnection) {
    self.engine = engine
    borrowed = .passUnretained(engine)
    headers = HeadersHandle(.engine(engine))
    super.init(tag: Self.tag)
  }
}

/// Runs a call on the engine behind the handle, which only its owner may free, and not in its random source.
func onEngine(_ engine: OpaquePointer?, _ body: (LoopConnection) throws(WSError) -> Int32) -> Int32 {
  guard let handle = borrowed(engine, EngineHandle.self) else { return invalid }
  return handle._withUnsafeGuaranteedRef { handle in
    handle.borrowed._withUnsafeGuaranteedRef { engine in
      result { () throws(WSError) in try body(engine) }
    }
  }
}

@_cdecl("ws_engine_new_client") @implementation
public func ws_engine_new_client(
  _ dialer: OpaquePointer!, _ url: UnsafePointer<CChar>!, _ random: ws_random_fn!, _ user: UnsafeMutableRawPointer!,
  _ engine: UnsafeMutablePointer<OpaquePointer?>!, _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  engine?.pointee = nil
  return result(failure) { () throws(WSError) in
    guard let dialer = sharedDialer(dialer), let url = string(url), let engine else { throw .invalid }
    let source: LoopConnection.RandomSource? =
      random == nil ? nil : { space in random?(space.baseAddress, space.count, user) }
    engine.pointee = handle(giving: EngineHandle(try dialer.loopConnection(url, random: source)))
    return WS_OK
  }
}

@_cdecl("ws_engine_new_server") @implementation
public func ws_engine_new_server(
  _ upgrader: OpaquePointer!, _ flags: Int32, _ engine: UnsafeMutablePointer<OpaquePointer?>!
) -> Int32 {
  engine?.pointee = nil
  let known = Int32(WS_ENGINE_SECURE | WS_ENGINE_LOOPBACK)
  guard flags & ~known == 0, let upgrader = sharedUpgrader(upgrader), let engine else { return invalid }
  let made = LoopConnection(
    upgrader, isSecure: flags & Int32(WS_ENGINE_SECURE) != 0, isLoopback: flags & Int32(WS_ENGINE_LOOPBACK) != 0)
  engine.pointee = handle(giving: EngineHandle(made))
  return WS_OK
}

@_cdecl("ws_engine_free") @implementation
public func ws_engine_free(_ engine: OpaquePointer!) -> Int32 {
  free(engine, EngineHandle.self)
}

@_cdecl("ws_engine_buffer") @implementation
public func ws_engine_buffer(
  _ engine: OpaquePointer!, _ space: UnsafeMutablePointer<UnsafeMutableRawPointer?>!, _ room: UnsafeMutablePointer<Int>!
) -> Int32 {
  space?.pointee = nil
  room?.pointee = 0
  guard let space, let room else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    let free = try engine.freeSpace()
    space.pointee = free.baseAddress
    room.pointee = free.count
    return WS_OK
  }
}

@_cdecl("ws_engine_received") @implementation
public func ws_engine_received(_ engine: OpaquePointer!, _ size: Int) -> Int32 {
  onEngine(engine) { (engine) throws(WSError) in
    guard size >= 0, engine.received(size) else { return invalid }
    return WS_OK
  }
}

@_cdecl("ws_engine_feed") @implementation
public func ws_engine_feed(_ engine: OpaquePointer!, _ data: UnsafeRawPointer!, _ size: Int) -> Int32 {
  guard let bytes = bytes(data, size) else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    try engine.feed(bytes)
    return WS_OK
  }
}

@_cdecl("ws_engine_next_event") @implementation
public func ws_engine_next_event(_ engine: OpaquePointer!, _ event: UnsafeMutablePointer<ws_event>!) -> Int32 {
  guard let event, fill(event, nil) else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    guard let next = try engine.nextEvent() else { return engine.isClosed ? Int32(WS_END) : Int32(WS_AGAIN) }
    _ = fill(event, next)
    return WS_OK
  }
}

/// Writes an event, as much of it as the caller's struct has room for; nil is none. False: struct_size was not set.
private func fill(_ target: UnsafeMutablePointer<ws_event>, _ event: LoopEvent?) -> Bool {
  let room = Int(target.pointee.struct_size)
  guard room >= MemoryLayout<ws_event>.size else { return false }
  var result = ws_event()
  result.struct_size = target.pointee.struct_size
  if let event { describe(event, &result) }
  target.pointee = result
  return true
}

private func describe(_ event: LoopEvent, _ result: inout ws_event) {
  var payload = ByteView.empty
  switch event {
  case .request: result.type = Int32(WS_EVENT_REQUEST)
  case .open: result.type = Int32(WS_EVENT_OPEN)
  case .frame(.message(let kind, let bytes)):
    result.type = Int32(WS_EVENT_MESSAGE)
    result.opcode = Int32(kind.rawValue)
    payload = bytes
  case .frame(.ping(let bytes)):
    result.type = Int32(WS_EVENT_PING)
    payload = bytes
  case .frame(.pong(let bytes)):
    result.type = Int32(WS_EVENT_PONG)
    payload = bytes
  case .frame(.close(let code, let reason)):
    result.type = Int32(WS_EVENT_CLOSE)
    result.code = Int32(code.rawValue)
    payload = reason
  }
  result.data = payload.baseAddress?.assumingMemoryBound(to: UInt8.self)
  result.size = payload.count
}

@_cdecl("ws_engine_head") @implementation
public func ws_engine_head(
  _ engine: OpaquePointer!, _ target: UnsafeMutablePointer<ws_bytes>!, _ status: UnsafeMutablePointer<Int32>!,
  _ headers: UnsafeMutablePointer<OpaquePointer?>!
) -> Int32 {
  target?.pointee = ws_bytes()
  status?.pointee = 0
  headers?.pointee = nil
  guard let handle = object(engine, EngineHandle.self) else { return invalid }
  guard handle.engine.head.isComplete else { return Int32(WS_AGAIN) }
  target?.pointee = ws_bytes(handle.engine.head.target)
  status?.pointee = Int32(truncatingIfNeeded: handle.engine.head.status)
  headers?.pointee = handle.headers.borrowed
  return WS_OK
}

@_cdecl("ws_engine_accept") @implementation
public func ws_engine_accept(_ engine: OpaquePointer!) -> Int32 {
  onEngine(engine) { (engine) throws(WSError) in
    try engine.accept()
    return WS_OK
  }
}

@_cdecl("ws_engine_add_header") @implementation
public func ws_engine_add_header(
  _ engine: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: UnsafePointer<CChar>!
) -> Int32 {
  guard let name = string(name), let value = string(value) else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    try engine.addHeader(name, value)
    return WS_OK
  }
}

@_cdecl("ws_engine_set_subprotocol") @implementation
public func ws_engine_set_subprotocol(_ engine: OpaquePointer!, _ name: UnsafePointer<CChar>!) -> Int32 {
  guard let name = choice(name) else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    try engine.setSubprotocol(name)
    return WS_OK
  }
}

@_cdecl("ws_engine_refuse") @implementation
public func ws_engine_refuse(_ engine: OpaquePointer!, _ status: Int32, _ body: UnsafeRawPointer!, _ size: Int) -> Int32 {
  guard let body = bytes(body, size) else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    try engine.refuse(status: Int(status), body: body)
    return WS_OK
  }
}

@_cdecl("ws_engine_send") @implementation
public func ws_engine_send(_ engine: OpaquePointer!, _ type: Int32, _ data: UnsafeRawPointer!, _ size: Int) -> Int32 {
  guard let payload = bytes(data, size) else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    if let type = messageType(type) {
      try engine.send(type.kind, payload, compressed: type.compressed)
    } else if let opcode = controlType(type) {
      try engine.sendControl(opcode, payload)
    } else {
      return invalid
    }
    return WS_OK
  }
}

@_cdecl("ws_engine_send_fragment") @implementation
public func ws_engine_send_fragment(
  _ engine: OpaquePointer!, _ type: Int32, _ data: UnsafeRawPointer!, _ size: Int, _ is_final: Int32
) -> Int32 {
  let message = messageType(type)
  guard let payload = bytes(data, size), message != nil || type == 0 else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    try engine.send(message?.kind, payload, isFinal: is_final != 0, compressed: message?.compressed ?? true)
    return WS_OK
  }
}

@_cdecl("ws_engine_close") @implementation
public func ws_engine_close(_ engine: OpaquePointer!, _ code: UInt16, _ reason: UnsafeRawPointer!, _ size: Int) -> Int32 {
  guard let reason = bytes(reason, size) else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    try engine.close(closeCode(code), reason: reason)
    return WS_OK
  }
}

@_cdecl("ws_engine_output") @implementation
public func ws_engine_output(_ engine: OpaquePointer!, _ pending: UnsafeMutablePointer<ws_bytes>!) -> Int32 {
  pending?.pointee = ws_bytes()
  guard let pending else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    pending.pointee = ws_bytes(engine.output)
    return WS_OK
  }
}

@_cdecl("ws_engine_sent") @implementation
public func ws_engine_sent(_ engine: OpaquePointer!, _ size: Int) -> Int32 {
  onEngine(engine) { (engine) throws(WSError) in
    guard size >= 0, size <= engine.output.count else { return invalid }
    engine.sent(size)
    return WS_OK
  }
}

@_cdecl("ws_engine_tick") @implementation
public func ws_engine_tick(_ engine: OpaquePointer!, _ now_ns: Int64, _ next_deadline_ns: UnsafeMutablePointer<Int64>!) -> Int32
{
  next_deadline_ns?.pointee = 0
  return onEngine(engine) { (engine) throws(WSError) in
    let next = engine.tick(now: Deadline(nanoseconds: now_ns))
    next_deadline_ns?.pointee = next.nanoseconds
    return WS_OK
  }
}

@_cdecl("ws_engine_set_read_limit") @implementation
public func ws_engine_set_read_limit(_ engine: OpaquePointer!, _ bytes: UInt64) -> Int32 {
  onEngine(engine) { (engine) throws(WSError) in
    engine.setReadLimit(bytes)
    return WS_OK
  }
}

@_cdecl("ws_engine_set_check_utf8") @implementation
public func ws_engine_set_check_utf8(_ engine: OpaquePointer!, _ received: Int32, _ sent: Int32) -> Int32 {
  onEngine(engine) { (engine) throws(WSError) in
    engine.setChecksUTF8(received: received != 0, sent: sent != 0)
    return WS_OK
  }
}

@_cdecl("ws_engine_set_keepalive") @implementation
public func ws_engine_set_keepalive(_ engine: OpaquePointer!, _ interval_ms: Int64, _ timeout_ms: Int64) -> Int32 {
  onEngine(engine) { (engine) throws(WSError) in
    try engine.setKeepalive(intervalMilliseconds: interval_ms, timeoutMilliseconds: timeout_ms)
    return WS_OK
  }
}

@_cdecl("ws_engine_subprotocol") @implementation
public func ws_engine_subprotocol(_ engine: OpaquePointer!, _ name: UnsafeMutablePointer<ws_bytes>!) -> Int32 {
  lending(name) { (name) in
    onEngine(engine) { (engine) throws(WSError) in
      name.pointee = ws_bytes(engine.subprotocol)
      return WS_OK
    }
  }
}

@_cdecl("ws_engine_extensions") @implementation
public func ws_engine_extensions(_ engine: OpaquePointer!, _ agreed: UnsafeMutablePointer<ws_bytes>!) -> Int32 {
  lending(agreed) { (agreed) in
    onEngine(engine) { (engine) throws(WSError) in
      agreed.pointee = ws_bytes(engine.extensions)
      return WS_OK
    }
  }
}

@_cdecl("ws_engine_close_codes") @implementation
public func ws_engine_close_codes(
  _ engine: OpaquePointer!, _ theirs: UnsafeMutablePointer<UInt16>!, _ reason: UnsafeMutablePointer<ws_bytes>!,
  _ ours: UnsafeMutablePointer<UInt16>!
) -> Int32 {
  let outputs = CloseOutputs(theirs, reason, ours)
  return onEngine(engine) { (engine) throws(WSError) in
    outputs.tell(engine.closeCodeReceived, engine.closeReason, engine.ourCloseCode)
    return WS_OK
  }
}

@_cdecl("ws_engine_failure") @implementation
public func ws_engine_failure(_ engine: OpaquePointer!, _ failure: UnsafeMutablePointer<ws_failure>!) -> Int32 {
  guard let failure, fill(failure, nil) else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    let received = engine.isServer ? nil : engine.head.status
    _ = fill(
      failure, engine.failure,
      FailureContext(
        explanation: engine.explanation, time: engine.timeLimit, answeredStatus: received, isEngine: true))
    return WS_OK
  }
}
