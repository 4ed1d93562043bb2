// Compression of what a ws_conn and a ws_engine send.
import CWSSwift
import WSProtocol
import WSSwift

private func set(_ conn: OpaquePointer?, _ body: (Conn) throws(WSError) -> Void) -> Int32 {
  onConn(conn) { (conn) throws(WSError) in
    try body(conn)
    return WS_OK
  }
}

private func set(engine: OpaquePointer?, _ body: (LoopConnection) throws(WSError) -> Void) -> Int32 {
  onEngine(engine) { (engine) throws(WSError) in
    try body(engine)
    return WS_OK
  }
}

@_cdecl("ws_conn_set_compression") @implementation
public func ws_conn_set_compression(_ conn: OpaquePointer!, _ on: Int32) -> Int32 {
  set(conn) { (conn) throws(WSError) in conn.setCompression(on != 0) }
}

@_cdecl("ws_engine_set_compression") @implementation
public func ws_engine_set_compression(_ engine: OpaquePointer!, _ on: Int32) -> Int32 {
  set(engine: engine) { (engine) throws(WSError) in engine.setCompression(on != 0) }
}

@_cdecl("ws_conn_set_compression_level") @implementation
public func ws_conn_set_compression_level(_ conn: OpaquePointer!, _ level: Int32) -> Int32 {
  set(conn) { (conn) throws(WSError) in try conn.setCompressionLevel(level) }
}

@_cdecl("ws_engine_set_compression_level") @implementation
public func ws_engine_set_compression_level(_ engine: OpaquePointer!, _ level: Int32) -> Int32 {
  set(engine: engine) { (engine) throws(WSError) in try engine.setCompressionLevel(level) }
}

@_cdecl("ws_conn_set_compression_memory") @implementation
public func ws_conn_set_compression_memory(_ conn: OpaquePointer!, _ level: Int32) -> Int32 {
  set(conn) { (conn) throws(WSError) in try conn.setCompressionMemory(level) }
}

@_cdecl("ws_engine_set_compression_memory") @implementation
public func ws_engine_set_compression_memory(_ engine: OpaquePointer!, _ level: Int32) -> Int32 {
  set(engine: engine) { (engine) throws(WSError) in try engine.setCompressionMemory(level) }
}

@_cdecl("ws_conn_set_compression_threshold") @implementation
public func ws_conn_set_compression_threshold(_ conn: OpaquePointer!, _ bytes: Int) -> Int32 {
  set(conn) { (conn) throws(WSError) in try conn.setCompressionThreshold(bytes) }
}

@_cdecl("ws_engine_set_compression_threshold") @implementation
public func ws_engine_set_compression_threshold(_ engine: OpaquePointer!, _ bytes: Int) -> Int32 {
  set(engine: engine) { (engine) throws(WSError) in try engine.setCompressionThreshold(bytes) }
}
