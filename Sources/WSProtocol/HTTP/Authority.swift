// `host[:port]`: what URLs, Host and Origin share.

/// A host and, where one is written, a port. RFC 3986 3.2, without userinfo.
public struct Authority {
  /// What can be wrong with `host[:port]`.
  public enum Fault: Error, Equatable {
    /// There is nothing where the host should be.
    case emptyHost
    /// The host is neither a name nor an address.
    case badHost
    /// The port is not a decimal number of 1 to 65535.
    case badPort
  }

  /// The host.
  public let host: HostName
  /// The port, nil when none is written.
  public let port: UInt16?

  /// Takes the text apart; what it keeps is borrowed from the text.
  public init(_ text: ByteView) throws(Fault) {
    let isBracketed = !text.isEmpty && text[0] == 0x5B
    let hostEnd = text.position(of: isBracketed ? 0x5D : 0x3A) ?? text.count
    let hostText = text.cut(isBracketed ? 1 : 0, hostEnd)
    guard !hostText.isEmpty else { throw .emptyHost }
    guard let host = isBracketed ? HostName(ipv6: hostText) : HostName(nameOrIPv4: hostText) else { throw .badHost }
    let rest = text.cut(from: isBracketed ? hostEnd &+ 1 : hostEnd)
    guard !isBracketed || hostEnd < text.count else { throw .badHost }
    self.host = host
    guard !rest.isEmpty else {
      port = nil
      return
    }
    guard rest[0] == 0x3A, rest.count <= 6, let number = rest.cut(from: 1).decimal, number > 0, number <= 65535 else {
      throw .badPort
    }
    port = UInt16(truncatingIfNeeded: number)
  }
}
