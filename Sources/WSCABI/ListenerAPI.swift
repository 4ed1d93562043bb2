// ws_listen and ws_accept: descriptors for servers that run a thread a connection.
import CWSSwift
import WSProtocol
import WSSwift
import WSTransport

@_cdecl("ws_listen") @implementation
public func ws_listen(
  _ host: UnsafePointer<CChar>!, _ port: UInt16, _ fd: UnsafeMutablePointer<Int32>!, _ bound: UnsafeMutablePointer<UInt16>!,
  _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  fd?.pointee = -1
  bound?.pointee = 0
  return result(failure) { () throws(WSError) in
    let name = string(host)
    guard let fd, host == nil || name != nil else { throw .invalid }
    let listening = try Listening.listen(host: name, port: port)
    fd.pointee = listening.descriptor
    bound?.pointee = listening.port
    return WS_OK
  }
}

@_cdecl("ws_accept") @implementation
public func ws_accept(
  _ listen_fd: Int32, _ deadline_ns: Int64, _ fd: UnsafeMutablePointer<Int32>!, _ peer: UnsafeMutablePointer<ws_address>!,
  _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  fd?.pointee = -1
  let due = deadline(deadline_ns) ?? .never
  let time = TimeLimit(.accepting, until: due)
  return result(failure, context: { FailureContext(time: time) }) { () throws(WSError) in
    guard let fd, peer.map({ fill($0, nil) }) ?? true else { throw .invalid }
    let accepted = try Listening.accept(listen_fd, deadline: due)
    fd.pointee = accepted.descriptor
    if let peer { _ = fill(peer, accepted.peer) }
    return WS_OK
  }
}
