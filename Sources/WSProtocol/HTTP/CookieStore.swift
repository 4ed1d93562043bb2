// The cookies of a client: what servers set, and what goes with a request. RFC 6265bis 5.
//
// All cookies lie one behind the other in one block, each with its sizes before its bytes; a thousand of them at most, so that
// walking over them costs less than a clever table would.
import CMemory

/// Cookies of many hosts. Without a list of public suffixes no cookie is ever sent to another host than the one that set it. A value
/// for one thread at a time.
public struct CookieStore: ~Copyable {
  /// What stands before the bytes of a cookie: host, path, name, value.
  private struct Entry {
    var host: UInt32
    var path: UInt32
    var name: UInt32
    var value: UInt32
    var isSecure: Bool
    var isGone: Bool
    var expiry: Int64
    /// Which one it was, for the order of equal paths.
    var number: UInt64
  }

  /// A cookie and where it lies.
  private struct Cookie {
    let offset: Int
    let entry: Entry
    let host: ByteView
    let path: ByteView
    let name: ByteView
    let value: ByteView

    var size: Int { MemoryLayout<Entry>.size &+ host.count &+ path.count &+ name.count &+ value.count }
  }

  /// The most cookies of one host, and of all. RFC 6265 6.1.
  private static let hostLimit = 50
  private static let limit = 1000
  /// The longest path of a cookie: that of a long request could be larger than all the rest.
  private static let longestPath = 4096

  private var block = ByteQueue()
  private var goneBytes = 0
  private var lastNumber: UInt64 = 0
  /// How many cookies there are.
  public private(set) var count = 0

  /// No cookies.
  @_optimize(size)
  public init() {}

  // MARK: - From servers

  /// Takes the cookie of one Set-Cookie field; what the rules forbid is passed over. `host` in its one spelling, `target` the
  /// request's path and query, `isSecure` for wss, `now` in seconds since 1970 UTC.
  @inline(never)
  @_optimize(size)
  public mutating func set(
    _ field: ByteView, host: ByteView, target: ByteView, isSecure: Bool, now: Int64
  ) throws(OutOfMemory) {
    guard let cookie = SetCookie(field, now: now), isSecure || !cookie.isSecure else { return }
    guard Self.mayBelong(host, to: cookie.domain) else { return }
    let path = cookie.path.isEmpty ? Self.defaultPath(target) : cookie.path
    guard path.count <= Self.longestPath else { return }
    guard isSecure || !hasSecureTwin(cookie.name, host: host, path: path) else { return }
    let number = remove(cookie.name, host: host, path: path)
    guard cookie.expiry ?? .max > now else { return }
    try add(cookie, host: host, path: path, number: number)
    makeRoom(host: host, now: now)
  }

  /// RFC 6265 5.1.3: the host itself, or a name above it.
  @_optimize(size)
  private static func mayBelong(_ host: ByteView, to domain: ByteView) -> Bool {
    guard !domain.isEmpty, !host.equalsIgnoringCase(domain) else { return true }
    guard let name = ProxyRules.parse(host), let parent = ProxyRules.parse(domain) else { return false }
    return name.isBelow(parent)
  }

  /// The directory of the request's path. RFC 6265 5.1.4.
  @_optimize(size)
  private static func defaultPath(_ target: ByteView) -> ByteView {
    let end = target.position(of: 0x3F) ?? target.count
    var slash = end
    while slash > 0, target[slash &- 1] != 0x2F { slash &-= 1 }
    return slash > 1 ? target.cut(0, slash &- 1) : ByteView("/")
  }

  /// A page in clear text must not hide a cookie that was set over TLS. RFC 6265bis 5.7.
  @_optimize(size)
  private func hasSecureTwin(_ name: ByteView, host: ByteView, path: ByteView) -> Bool {
    var offset = 0
    while let cookie = next(&offset) {
      if cookie.entry.isSecure, cookie.host.equals(host), cookie.name.equals(name), Self.path(path, matches: cookie.path) {
        return true
      }
    }
    return false
  }

  /// Removes the cookie of that name, host and path. Returns the number that it had, so that the new one keeps its place.
  @_optimize(size)
  private mutating func remove(_ name: ByteView, host: ByteView, path: ByteView) -> UInt64? {
    var offset = 0
    while let cookie = next(&offset) {
      if cookie.host.equals(host), cookie.name.equals(name), cookie.path.equals(path) {
        drop(cookie)
        return cookie.entry.number
      }
    }
    return nil
  }

  @_optimize(size)
  private mutating func add(_ cookie: SetCookie, host: ByteView, path: ByteView, number: UInt64?) throws(OutOfMemory) {
    lastNumber &+= 1
    let entry = Entry(
      host: UInt32(truncatingIfNeeded: host.count), path: UInt32(truncatingIfNeeded: path.count),
      name: UInt32(truncatingIfNeeded: cookie.name.count), value: UInt32(truncatingIfNeeded: cookie.value.count),
      isSecure: cookie.isSecure, isGone: false, expiry: cookie.expiry ?? .max, number: number ?? lastNumber)
    let size = MemoryLayout<Entry>.size &+ host.count &+ path.count &+ cookie.name.count &+ cookie.value.count
    try block.reserve(size)
    try withUnsafeBytes(of: entry) { (bytes) throws(OutOfMemory) in try block.append(bytes) }
    try block.append(host)
    try block.append(path)
    try block.append(cookie.name)
    try block.append(cookie.value)
    count &+= 1
  }

  /// Expired cookies go first; then of a host those that clear text may set, so that it cannot push out the others; then the oldest. RFC
  /// 6265bis 5.7.
  @_optimize(size)
  private mutating func makeRoom(host: ByteView, now: Int64) {
    dropExpired(now)
    while let oldest = oldest(of: host, ifMoreThan: Self.hostLimit) { drop(oldest) }
    while let oldest = oldest(of: nil, ifMoreThan: Self.limit) { drop(oldest) }
    compact()
  }

  @_optimize(size)
  private mutating func dropExpired(_ now: Int64) {
    var offset = 0
    while let cookie = next(&offset) {
      if cookie.entry.expiry <= now { drop(cookie) }
    }
  }

  @inline(never)
  @_optimize(size)
  private func oldest(of host: ByteView?, ifMoreThan limit: Int) -> Cookie? {
    var offset = 0
    var found = 0
    var oldest: Cookie?
    while let cookie = next(&offset) {
      if let host, !cookie.host.equals(host) { continue }
      found &+= 1
      if let first = oldest, !Self.goes(cookie, before: first, ofOneHost: host != nil) { continue }
      oldest = cookie
    }
    return found > limit ? oldest : nil
  }

  @_optimize(size)
  private static func goes(_ one: Cookie, before other: Cookie, ofOneHost: Bool) -> Bool {
    if ofOneHost, one.entry.isSecure != other.entry.isSecure { return other.entry.isSecure }
    return one.entry.number < other.entry.number
  }

  // MARK: - To servers

  /// Adds the value of a Cookie field, `a=1; b=2`, longer paths first, then older cookies first; nothing when there is none.
  @_optimize(size)
  @inline(never)
  public func write(
    to output: inout ByteQueue, host: ByteView, target: ByteView, isSecure: Bool, now: Int64
  ) throws(OutOfMemory) {
    let path = target.cut(0, target.position(of: 0x3F) ?? target.count)
    let start = output.count
    var last: Cookie?
    while let cookie = following(last, host: host, path: path, isSecure: isSecure, now: now) {
      if output.count > start { try output.append("; ") }
      if !cookie.name.isEmpty {
        try output.append(cookie.name)
        try output.append(0x3D)
      }
      try output.append(cookie.value)
      last = cookie
    }
  }

  /// The next cookie to send behind that one.
  @_optimize(size)
  private func following(_ last: Cookie?, host: ByteView, path: ByteView, isSecure: Bool, now: Int64) -> Cookie? {
    var offset = 0
    var best: Cookie?
    while let cookie = next(&offset) {
      guard cookie.host.equals(host), isSecure || !cookie.entry.isSecure, cookie.entry.expiry > now,
        Self.path(path, matches: cookie.path)
      else { continue }
      if let last, !Self.precedes(last, cookie) { continue }
      if let best, !Self.precedes(cookie, best) { continue }
      best = cookie
    }
    return best
  }

  @_optimize(size)
  private static func precedes(_ one: Cookie, _ other: Cookie) -> Bool {
    if one.path.count != other.path.count { return one.path.count > other.path.count }
    return one.entry.number < other.entry.number
  }

  /// RFC 6265 5.1.4.
  @_optimize(size)
  private static func path(_ path: ByteView, matches cookiePath: ByteView) -> Bool {
    guard path.cut(0, cookiePath.count).equals(cookiePath) else { return false }
    return path.count == cookiePath.count || path[cookiePath.count] == 0x2F || cookiePath[cookiePath.count &- 1] == 0x2F
  }

  // MARK: - The block

  /// The cookie at the offset, which moves behind it; nil at the end.
  @inline(never)
  @_optimize(size)
  private func next(_ offset: inout Int) -> Cookie? {
    let size = MemoryLayout<Entry>.size
    while let base = block.bytes.baseAddress, offset &+ size <= block.count {
      let entry = base.loadUnaligned(fromByteOffset: offset, as: Entry.self)
      let hostStart = offset &+ size
      let pathStart = hostStart &+ Int(entry.host)
      let nameStart = pathStart &+ Int(entry.path)
      let valueStart = nameStart &+ Int(entry.name)
      let end = valueStart &+ Int(entry.value)
      let cookie = Cookie(
        offset: offset, entry: entry, host: block.bytes.cut(hostStart, pathStart), path: block.bytes.cut(pathStart, nameStart),
        name: block.bytes.cut(nameStart, valueStart), value: block.bytes.cut(valueStart, end))
      offset = end
      if !entry.isGone { return cookie }
    }
    return nil
  }

  @inline(never)
  @_optimize(size)
  private mutating func drop(_ cookie: Cookie) {
    guard let base = block.mutableBytes.baseAddress else { return }
    var entry = cookie.entry
    entry.isGone = true
    base.storeBytes(of: entry, toByteOffset: cookie.offset, as: Entry.self)
    goneBytes &+= cookie.size
    count &-= 1
  }

  /// Moves the cookies together once half of the block is of ones that are gone.
  @_optimize(size)
  private mutating func compact() {
    guard goneBytes > block.count / 2, let base = block.mutableBytes.baseAddress else { return }
    var offset = 0
    var kept = 0
    while let cookie = next(&offset) {
      memmove(base + kept, base + cookie.offset, cookie.size)
      kept &+= cookie.size
    }
    block.truncate(to: kept)
    goneBytes = 0
  }
}
