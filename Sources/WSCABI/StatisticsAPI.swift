// ws_statistics: the counters of connections and engines.
import CWSSwift
import WSProtocol
import WSSwift

/// The size of ws_statistics in 0.1, the least that a caller can mean.
private let smallestStatistics = 192

/// Writes the counters, as much of them as the caller's struct has room for; nil is none. False: struct_size was not set.
private func fill(_ target: UnsafeMutablePointer<ws_statistics>, _ statistics: Statistics?) -> Bool {
  let room = Int(target.pointee.struct_size)
  guard room >= smallestStatistics else { return false }
  var result = ws_statistics()
  result.struct_size = target.pointee.struct_size
  if let statistics { describe(statistics, &result) }
  copyOut(result, to: target, room)
  return true
}

private func describe(_ statistics: Statistics, _ result: inout ws_statistics) {
  result.messages_received = statistics.received.messages
  result.messages_sent = statistics.sent.messages
  result.bytes_received = statistics.received.bytes
  result.bytes_sent = statistics.sent.bytes
  result.compressed_received = statistics.received.compressedBytes
  result.compressed_sent = statistics.sent.compressedBytes
  result.deflated_received = statistics.received.deflatedBytes
  result.deflated_sent = statistics.sent.deflatedBytes
  result.wire_received = statistics.received.wireBytes
  result.wire_sent = statistics.sent.wireBytes
  result.pings_received = statistics.received.pings
  result.pings_sent = statistics.sent.pings
  result.pongs_received = statistics.received.pongs
  result.pongs_sent = statistics.sent.pongs
  result.round_trip_ns = statistics.roundTrip
  result.round_trip_min_ns = statistics.smallestRoundTrip
}

@_cdecl("ws_conn_statistics") @implementation
public func ws_conn_statistics(_ conn: OpaquePointer!, _ statistics: UnsafeMutablePointer<ws_statistics>!) -> Int32 {
  guard let statistics, fill(statistics, nil) else { return invalid }
  return onConn(conn) { (conn) throws(WSError) in
    _ = fill(statistics, conn.statistics)
    return WS_OK
  }
}

@_cdecl("ws_engine_statistics") @implementation
public func ws_engine_statistics(_ engine: OpaquePointer!, _ statistics: UnsafeMutablePointer<ws_statistics>!) -> Int32 {
  guard let statistics, fill(statistics, nil) else { return invalid }
  return onEngine(engine) { (engine) throws(WSError) in
    _ = fill(statistics, engine.statistics)
    return WS_OK
  }
}
