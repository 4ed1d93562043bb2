// What messages and close frames say: JSON documents, close codes and reasons.
import CWSSwift
import WSProtocol
import WSSwift

@_cdecl("ws_conn_read_json") @implementation
public func ws_conn_read_json(_ conn: OpaquePointer!, _ text: UnsafeMutablePointer<ws_bytes>!) -> Int32 {
  lending(text) { (text) in
    onConn(conn) { (conn) throws(WSError) in
      guard let document = try conn.readJSON() else { return Int32(WS_END) }
      text.pointee = ws_bytes(document)
      return WS_OK
    }
  }
}

@_cdecl("ws_conn_write_json") @implementation
public func ws_conn_write_json(_ conn: OpaquePointer!, _ text: UnsafeRawPointer!, _ size: Int) -> Int32 {
  guard let document = bytes(text, size) else { return invalid }
  return onConn(conn) { (conn) throws(WSError) in
    try conn.writeJSON(document)
    return WS_OK
  }
}

@_cdecl("ws_close_format") @implementation
public func ws_close_format(
  _ code: UInt16, _ reason: UnsafeRawPointer!, _ size: Int, _ buf: UnsafeMutableRawPointer!, _ room: Int,
  _ written: UnsafeMutablePointer<Int>!
) -> Int32 {
  written?.pointee = 0
  guard let written, let reason = bytes(reason, size), let space = space(buf, room) else { return invalid }
  return result { () throws(WSError) in
    do throws(SendError) { try ClosePayload.check(closeCode(code), reason: reason) } catch { throw .send(error) }
    try withClosePayload(closeCode(code), reason) { (payload) throws(WSError) in
      written.pointee = payload.count
      guard payload.count <= room else { throw .noRoom(needed: payload.count) }
      space.copyMemory(from: payload)
    }
    return WS_OK
  }
}

@_cdecl("ws_close_parse") @implementation
public func ws_close_parse(
  _ payload: UnsafeRawPointer!, _ size: Int, _ code: UnsafeMutablePointer<UInt16>!, _ reason: UnsafeMutablePointer<ws_bytes>!
) -> Int32 {
  let outputs = CloseOutputs(code, reason, nil)
  guard let payload = bytes(payload, size) else { return invalid }
  return result { () throws(WSError) in
    do throws(ProtocolError) {
      let close = try ClosePayload(parsing: payload)
      outputs.tell(close.code, close.reason, nil)
    } catch {
      throw .violation(error)
    }
    return WS_OK
  }
}

@_cdecl("ws_close_text") @implementation
public func ws_close_text(_ code: UInt16) -> UnsafePointer<CChar>? {
  cString(CloseCode(rawValue: code).text)
}

@_cdecl("ws_conn_is_closed_with") @implementation
public func ws_conn_is_closed_with(_ conn: OpaquePointer!, _ codes: UnsafePointer<UInt16>!, _ count: Int) -> Int32 {
  endedWithOne(of: codes, count, conn) == true ? 1 : 0
}

@_cdecl("ws_conn_is_closed_unexpectedly") @implementation
public func ws_conn_is_closed_unexpectedly(_ conn: OpaquePointer!, _ codes: UnsafePointer<UInt16>!, _ count: Int) -> Int32 {
  endedWithOne(of: codes, count, conn) == false ? 1 : 0
}

/// Whether reading ended with one of the codes; nil when it did not end with a code, and for wrong arguments.
private func endedWithOne(of codes: UnsafePointer<UInt16>?, _ count: Int, _ conn: OpaquePointer?) -> Bool? {
  guard count >= 0, codes != nil || count == 0 else { return nil }
  var end: CloseCode?
  _ = onConn(conn) { (conn) throws(WSError) in
    end = conn.endCode
    return WS_OK
  }
  guard let end else { return nil }
  return UnsafeBufferPointer(start: codes, count: count).contains(end.rawValue)
}
