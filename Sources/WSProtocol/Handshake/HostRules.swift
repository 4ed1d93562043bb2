// Which hosts a server answers to: the defence against DNS rebinding, where a page's own name is made to resolve to a
// server of the local machine or network, so that its Origin and Host agree.

/// The Host allow-list.
enum HostRules {
  /// True for `*`, a name, `*.name` (the names below it, not itself), an IPv4 address, and an IPv6 address with or without brackets.
  @_optimize(size)
  static func isPattern(_ text: ByteView) -> Bool {
    isAny(text) || parse(wildcard(text) ?? text).map { wildcard(text) == nil || $0.kind == .name } ?? false
  }

  /// The allow-list decides when there is one. Without one every host is good, but for a server on loopback only the hosts
  /// that cannot be anything else.
  @_optimize(size)
  static func allows(_ host: HostName, patterns: borrowing NameList, isLoopback: Bool) -> Bool {
    guard !patterns.isEmpty else { return !isLoopback || host.isLoopback }
    var position = 0
    while let pattern = patterns.next(&position) {
      if matches(host, pattern) { return true }
    }
    return false
  }

  @_optimize(size)
  private static func matches(_ host: HostName, _ pattern: ByteView) -> Bool {
    if isAny(pattern) { return true }
    if let parent = wildcard(pattern) { return parse(parent).map { host.isBelow($0) } ?? false }
    return parse(pattern).map { host.equals($0) } ?? false
  }

  @_optimize(size)
  private static func isAny(_ text: ByteView) -> Bool { text.equals(ByteView("*")) }

  /// What stands behind `*.`, nil when that is not how it begins.
  @_optimize(size)
  static func wildcard(_ text: ByteView) -> ByteView? {
    text.cut(0, 2).equals(ByteView("*.")) ? text.cut(from: 2) : nil
  }

  /// A host without port.
  @_optimize(size)
  private static func parse(_ text: ByteView) -> HostName? {
    guard text.position(of: 0x3A) != nil else { return HostName(nameOrIPv4: text) }
    let isBracketed = text[0] == 0x5B && text[text.count &- 1] == 0x5D
    return HostName(ipv6: isBracketed ? text.cut(1, text.count &- 1) : text)
  }
}
