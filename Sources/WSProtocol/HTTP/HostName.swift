// Hosts as they stand in URLs, Host and Origin: names and addresses, compared as what they mean and not as they are spelt.

/// A host, taken apart without a copy: its bytes are borrowed from the text it was parsed from.
public struct HostName {
  /// What a host can be.
  public enum Kind: Sendable {
    /// A DNS name.
    case name
    /// Four decimal numbers.
    case ipv4
    /// An address in brackets.
    case ipv6
  }

  /// What this host is.
  public let kind: Kind
  /// The host as it was written, an IPv6 address without its brackets.
  public let text: ByteView
  private let address: UInt128

  private init(kind: Kind, text: ByteView, address: UInt128 = 0) {
    self.kind = kind
    self.text = text
    self.address = address
  }

  /// A DNS name or an IPv4 address; nil for anything else. Names are ASCII (Unicode names in their `xn--` form) of letters,
  /// digits, `-` and `_`, at most 253 bytes in labels of 1 to 63. A host whose last label is a number is an IPv4 address in
  /// four plain decimals or nothing: `127.1` and `0x7f000001` mean different hosts to different programs.
  public init?(nameOrIPv4 text: ByteView) {
    guard let last = Self.lastLabel(text) else { return nil }
    guard Self.isNumber(last) else {
      self.init(kind: .name, text: text)
      return
    }
    guard IPv4.parse(text) != nil else { return nil }
    self.init(kind: .ipv4, text: text)
  }

  /// An IPv6 address without brackets and zone; nil for anything else. RFC 4291 2.2.
  public init?(ipv6 text: ByteView) {
    guard let address = IPv6.parse(text) else { return nil }
    self.init(kind: .ipv6, text: text, address: address)
  }

  /// True when both are the same address, or the same name but for case.
  public func equals(_ other: HostName) -> Bool {
    guard kind == other.kind else { return false }
    switch kind {
    case .ipv6: return address == other.address
    case .name, .ipv4: return text.equalsIgnoringCase(other.text)
    }
  }

  /// True for what can only be this machine: localhost and its subdomains (RFC 6761 6.3), 127.0.0.0/8 and ::1.
  public var isLoopback: Bool {
    switch kind {
    case .name: text.equalsIgnoringCase(ByteView("localhost")) || text.hasSuffixIgnoringCase(ByteView(".localhost"))
    case .ipv4: text.cut(0, 4).equals(ByteView("127."))
    case .ipv6: address == 1
    }
  }

  /// True for the names below the given one, at any depth, and not for that name itself.
  public func isBelow(_ parent: HostName) -> Bool {
    guard kind == .name, parent.kind == .name, text.count > parent.text.count &+ 1 else { return false }
    return text[text.count &- parent.text.count &- 1] == 0x2E && text.hasSuffixIgnoringCase(parent.text)
  }

  /// Adds the one spelling of this host: names in lower case, IPv6 as RFC 5952 has it, without brackets.
  public func appendCanonical(to output: inout ByteQueue) throws(OutOfMemory) {
    switch kind {
    case .ipv6: try IPv6.append(address, to: &output)
    case .name, .ipv4:
      for byte in text { try output.append(byte.asciiLowercased) }
    }
  }

  /// The last label of a well-formed name, whose final dot does not count; nil when it is not well-formed.
  private static func lastLabel(_ text: ByteView) -> ByteView? {
    let end = text.count > 1 && text[text.count &- 1] == 0x2E ? text.count &- 1 : text.count
    guard end > 0, end <= 253 else { return nil }
    var start = 0
    for index in 0..<end {
      let byte = text[index]
      if byte == 0x2E {
        guard index > start else { return nil }
        start = index &+ 1
      } else {
        guard byte.isLetter || byte.isDigit || byte == 0x2D || byte == 0x5F, index &- start < 63 else { return nil }
      }
    }
    return end > start ? text.cut(start, end) : nil
  }

  /// What programs take for a number: decimal digits, or 0x and anything.
  private static func isNumber(_ label: ByteView) -> Bool {
    if label.hasPrefixIgnoringCase(ByteView("0x")) { return true }
    for byte in label where !byte.isDigit { return false }
    return true
  }
}
