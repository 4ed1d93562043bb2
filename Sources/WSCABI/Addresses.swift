// Addresses for C, and the slot for the application's own pointer.
import CWSSwift
import WSProtocol
import WSSwift
import WSTransport

/// The size of ws_address in 0.1, the least that a caller can mean.
private let smallestAddress = 128

/// Writes an address, as much of it as the caller's struct has room for; nil is none. False: struct_size was not set.
func fill(_ target: UnsafeMutablePointer<ws_address>, _ address: SocketAddress?) -> Bool {
  let room = Int(target.pointee.struct_size)
  guard room >= smallestAddress else { return false }
  var result = ws_address()
  result.struct_size = target.pointee.struct_size
  if let address {
    result.family = Int32(family(address))
    result.port = Int32(address.port)
    withUnsafeMutableBytes(of: &result.host) { host in
      _ = address.writeHost(into: UnsafeMutableRawBufferPointer(rebasing: host[..<(host.count - 1)]))
    }
  }
  copyOut(result, to: target, room)
  return true
}

private func family(_ address: SocketAddress) -> Int {
  switch address.family {
  case .none: WS_ADDRESS_NONE
  case .unix: WS_ADDRESS_UNIX
  case .ipv4: WS_ADDRESS_IPV4
  case .ipv6: WS_ADDRESS_IPV6
  }
}

/// The application's pointer on a handle. Any thread.
final class UserDataSlot {
  private let lock = Lock()
  private var current: UserPointer?

  /// The one before is freed outside the lock, because the application's code runs then.
  func store(_ user: UserPointer) {
    var old: UserPointer? = user
    lock.withLock { swap(&current, &old) }
  }

  var pointer: UnsafeMutableRawPointer? { lock.withLock { current?.pointer } }
}
