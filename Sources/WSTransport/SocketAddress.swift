// Where one end of a connection is: a numeric address and port, or the path of a Unix socket. Fixed size, no heap.
import CLinux

/// The address of a socket.
public struct SocketAddress: Sendable {
  /// Kinds of addresses.
  public enum Family: Sendable {
    /// Unknown, or not connected.
    case none
    case unix
    case ipv4
    case ipv6
  }

  var storage = sockaddr_storage()
  var size: socklen_t = 0

  /// No address.
  public init() {}

  /// The kind of address.
  public var family: Family {
    switch Int32(storage.ss_family) {
    case AF_UNIX: .unix
    case AF_INET: .ipv4
    case AF_INET6: .ipv6
    default: .none
    }
  }

  /// The port in host order; 0 where there is none. An IPv4 and an IPv6 address keep it in the same place.
  public internal(set) var port: UInt16 {
    get {
      switch family {
      case .none, .unix: 0
      case .ipv4, .ipv6: view(as: sockaddr_in.self) { UInt16(bigEndian: $0.pointee.sin_port) }
      }
    }
    set {
      switch family {
      case .none, .unix: break
      case .ipv4, .ipv6: edit(as: sockaddr_in.self) { $0.pointee.sin_port = newValue.bigEndian }
      }
    }
  }

  /// Whether the address is this machine's own: 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104.
  public var isLoopback: Bool {
    switch family {
    case .none, .unix:
      false
    case .ipv4:
      view(as: sockaddr_in.self) { UInt32(bigEndian: $0.pointee.sin_addr.s_addr) >> 24 == 127 }
    case .ipv6:
      view(as: sockaddr_in6.self) { Self.isLoopback($0.pointee.sin6_addr) }
    }
  }

  private static func isLoopback(_ address: in6_addr) -> Bool {
    withUnsafeBytes(of: address) { bytes in
      let high = bytes.loadUnaligned(as: UInt64.self)
      let third = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
      let fourth = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
      return high == 0 && (third == 0 && fourth == 1 || third == 0xffff && fourth >> 24 == 127)
    }
  }

  /// Writes the numeric address, or the path of a Unix socket, without a NUL, and returns its size: at most 108 bytes. An
  /// abstract Unix name starts with @. 0 when there is no name, or no room for it.
  public func writeHost(into room: UnsafeMutableRawBufferPointer) -> Int {
    switch family {
    case .none: 0
    case .unix: writePath(into: room)
    case .ipv4: view(as: sockaddr_in.self) { Self.writeText(AF_INET, &$0.pointee.sin_addr, into: room) }
    case .ipv6: view(as: sockaddr_in6.self) { Self.writeText(AF_INET6, &$0.pointee.sin6_addr, into: room) }
    }
  }

  private static func writeText(
    _ family: Int32, _ address: UnsafeRawPointer, into room: UnsafeMutableRawBufferPointer
  ) -> Int {
    var text = InlineArray<46, CChar>(repeating: 0)  // INET6_ADDRSTRLEN
    return withUnsafeMutableBytes(of: &text) { bytes in
      guard let base = bytes.baseAddress else { return 0 }
      let start = base.assumingMemoryBound(to: CChar.self)
      guard inet_ntop(family, address, start, socklen_t(bytes.count)) != nil else { return 0 }
      return copy(UnsafeRawBufferPointer(start: base, count: strlen(start)), into: room)
    }
  }

  private func writePath(into room: UnsafeMutableRawBufferPointer) -> Int {
    withUnsafeBytes(of: storage) { bytes in
      let start = Self.pathOffset
      let end = min(Int(size), bytes.count, MemoryLayout<sockaddr_un>.size)
      guard start < end else { return 0 }
      let isAbstract = bytes[start] == 0
      let path = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      // Abstract names are counted; paths end at their NUL, if there was room for one.
      let length = isAbstract ? path.count : Self.length(of: path)
      let written = Self.copy(UnsafeRawBufferPointer(start: path.baseAddress, count: length), into: room)
      if isAbstract && written > 0 { room[0] = UInt8(ascii: "@") }
      return written
    }
  }

  private static func copy(_ bytes: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Int {
    guard bytes.count <= room.count else { return 0 }
    room.copyMemory(from: bytes)
    return bytes.count
  }

  private static func length(of path: UnsafeRawBufferPointer) -> Int {
    guard let start = path.baseAddress else { return 0 }
    return strnlen(start.assumingMemoryBound(to: CChar.self), path.count)
  }

  private static var pathOffset: Int { MemoryLayout<sa_family_t>.size }
}

// MARK: - Making addresses

extension SocketAddress {
  /// A copy of an address that the system gave. Empty when it is larger than any address we know.
  init(copying address: UnsafeRawPointer, size: socklen_t) {
    guard Int(size) <= MemoryLayout<sockaddr_storage>.size else { return }
    withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(size))) }
    self.size = size
  }

  /// The path of a Unix socket. ENAMETOOLONG when it does not fit (107 bytes), EINVAL when it is empty or holds a NUL.
  init(path: UnsafeRawBufferPointer) throws(TransportError) {
    let room = MemoryLayout<sockaddr_un>.size - Self.pathOffset - 1
    guard path.count <= room else { throw .system(ENAMETOOLONG) }
    guard !path.isEmpty, Self.length(of: path) == path.count else { throw .system(EINVAL) }
    storage.ss_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &storage) { bytes in
      UnsafeMutableRawBufferPointer(rebasing: bytes[Self.pathOffset...]).copyMemory(from: path)
    }
    size = socklen_t(Self.pathOffset + path.count + 1)
  }

  /// Every address of this machine, on both IPv4 and IPv6 if the socket is told so.
  static func anyIPv6(port: UInt16) -> SocketAddress {
    var address = SocketAddress()
    address.storage.ss_family = sa_family_t(AF_INET6)
    address.size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    address.port = port
    return address
  }

  /// An IPv4 address as a number in host order.
  static func ipv4(_ number: UInt32, port: UInt16) -> SocketAddress {
    var address = SocketAddress()
    address.storage.ss_family = sa_family_t(AF_INET)
    address.size = socklen_t(MemoryLayout<sockaddr_in>.size)
    address.edit(as: sockaddr_in.self) { $0.pointee.sin_addr.s_addr = number.bigEndian }
    address.port = port
    return address
  }

  /// The address of one end of a socket; family `none` when the system knows none.
  init(of end: End, descriptor: Int32) {
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result =
      switch end {
      case .local: clinux_local_address(descriptor, &storage, &length)
      case .remote: clinux_remote_address(descriptor, &storage, &length)
      }
    size = result == 0 ? length : 0
  }

  /// Whether both are the same address and port.
  func isSame(as other: SocketAddress) -> Bool {
    var mine = storage
    var theirs = other.storage
    return size == other.size && memcmp(&mine, &theirs, min(Int(size), MemoryLayout<sockaddr_storage>.size)) == 0
  }

  private func view<Kind, Result>(as kind: Kind.Type, _ body: (UnsafeMutablePointer<Kind>) -> Result) -> Result {
    var copy = self
    return copy.edit(as: kind, body)
  }

  private mutating func edit<Kind, Result>(as kind: Kind.Type, _ body: (UnsafeMutablePointer<Kind>) -> Result) -> Result {
    withUnsafeMutablePointer(to: &storage) { body(UnsafeMutableRawPointer($0).assumingMemoryBound(to: kind)) }
  }
}
