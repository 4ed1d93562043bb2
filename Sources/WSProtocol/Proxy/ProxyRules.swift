// Which connections go past the proxy: NO_PROXY, as Go, curl and others read it.

/// What the environment says about proxies. Empty for what is not set. Borrowed.
public struct ProxyEnvironment {
  /// For ws URLs: http_proxy.
  public var plain = ByteView.empty
  /// For wss URLs: https_proxy.
  public var secure = ByteView.empty
  /// For both where their own is not set: all_proxy.
  public var any = ByteView.empty
  /// Which hosts go direct: no_proxy.
  public var exceptions = ByteView.empty

  /// Nothing is set.
  public init() {}

  /// The URL of the proxy for a connection, empty for none. This machine itself is never behind a proxy.
  public func proxy(forHost host: ByteView, port: UInt16, isSecure: Bool) -> ByteView {
    guard let name = ProxyRules.parse(host), !name.isLoopback else { return .empty }
    guard !ProxyRules.matches(exceptions, host: name, port: port) else { return .empty }
    let own = isSecure ? secure : plain
    return own.isEmpty ? any : own
  }
}

/// A list of exceptions: `example.com` (and its subdomains), `.example.com` or `*.example.com` (subdomains only), an address, a
/// network `10.0.0.0/8`, each with `:port` where it is meant for one port only; `*` for everything. Separated by commas or blanks.
public enum ProxyRules {
  /// True when the list says that the host goes past the proxy. Entries that are none of these say nothing.
  public static func matches(_ list: ByteView, host: ByteView, port: UInt16) -> Bool {
    guard let name = parse(host) else { return false }
    return matches(list, host: name, port: port)
  }

  static func matches(_ list: ByteView, host: HostName, port: UInt16) -> Bool {
    var start = 0
    while start < list.count {
      var end = start
      while end < list.count, list[end] != 0x2C, !list[end].isBlank { end &+= 1 }
      if entry(list.cut(start, end), matches: host, port) { return true }
      start = end &+ 1
    }
    return false
  }

  /// A host without port and brackets.
  static func parse(_ host: ByteView) -> HostName? {
    host.position(of: 0x3A) == nil ? HostName(nameOrIPv4: host) : HostName(ipv6: host)
  }

  private static func entry(_ text: ByteView, matches host: HostName, _ port: UInt16) -> Bool {
    if text.equals(ByteView("*")) { return true }
    if let network = Network(text) { return network.contains(host) }
    // An address of IPv6 without brackets is no host with a port.
    if let address = HostName(ipv6: text) { return address.equals(host) }
    let isBelow = text.cut(0, 1).equals(ByteView("."))
    let pattern = isBelow ? text.cut(from: 1) : HostRules.wildcard(text) ?? text
    guard let authority = try? Authority(pattern), authority.port ?? port == port else { return false }
    let isForNamesBelow = pattern.count < text.count
    return host.isBelow(authority.host) || !isForNamesBelow && host.equals(authority.host)
  }
}

/// `address/bits`.
private struct Network {
  private let address: UInt128
  private let bits: Int
  private let isIPv6: Bool

  /// nil for anything else, also where bits are more than the address has.
  init?(_ text: ByteView) {
    guard let slash = text.position(of: 0x2F), let bits = text.cut(from: slash &+ 1).decimal else { return nil }
    let written = text.cut(0, slash)
    if let address = IPv4.parse(written), bits <= 32 {
      (self.address, isIPv6) = (UInt128(address), false)
    } else if let address = IPv6.parse(written), bits <= 128 {
      (self.address, isIPv6) = (address, true)
    } else {
      return nil
    }
    self.bits = bits
  }

  func contains(_ host: HostName) -> Bool {
    switch host.kind {
    case .name: return false
    case .ipv4: return !isIPv6 && IPv4.parse(host.text).map { agrees(UInt128($0), width: 32) } ?? false
    case .ipv6: return isIPv6 && IPv6.parse(host.text).map { agrees($0, width: 128) } ?? false
    }
  }

  /// Whether the first bits are the same. A shift by the whole width is 0 in Swift.
  private func agrees(_ other: UInt128, width: Int) -> Bool { (address ^ other) >> (width &- bits) == 0 }
}
