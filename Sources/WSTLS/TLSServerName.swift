// Whom a client wants to speak to: what goes into SNI, what the certificate is compared with, and under what sessions are kept.
import COpenSSL
import WSTransport

/// A host, as a name or an address, and its port. A plain value of fixed size.
public struct TLSServerName {
  private var text = InlineArray<256, UInt8>(repeating: 0)
  private var count = 0
  private let port: UInt16
  /// Whether the host is an IP address, which has no place in SNI. RFC 6066 3.
  public let isAddress: Bool

  /// A copy of the host, in its canonical spelling, IPv6 without brackets; a final dot is not part of a certificate's names. nil for
  /// one that is empty, of more than 255 bytes, or that holds a NUL.
  public init?(host: UnsafeRawBufferPointer, port: UInt16, isAddress: Bool) {
    self.port = port
    self.isAddress = isAddress
    let hasDot = !isAddress && host.count > 1 && host[host.count &- 1] == 0x2E
    count = hasDot ? host.count &- 1 : host.count
    guard count > 0, count < 256 else { return nil }
    for index in 0..<count {
      guard host[index] != 0 else { return nil }
      text[index] = host[index]
    }
  }

  /// Calls with the host, NUL-terminated.
  func withHost<R>(_ body: (UnsafePointer<CChar>) -> R) -> R? {
    text.span.withUnsafeBytes { bytes in
      bytes.baseAddress.map { body($0.assumingMemoryBound(to: CChar.self)) }
    }
  }

  /// Whether both mean the same server.
  func equals(_ other: TLSServerName) -> Bool {
    guard count == other.count, port == other.port, isAddress == other.isAddress else { return false }
    let size = count
    return withHost { ours in other.withHost { theirs in memcmp(ours, theirs, size) == 0 } } == true
  }

  /// Tells OpenSSL whom to ask for and what the certificate must say. Only the alternative names count, and a wildcard only as a whole
  /// label: RFC 6125 6.4. False without memory.
  func apply(to ssl: OpaquePointer) -> Bool {
    guard let rules = ossl_SSL_get0_param(ssl) else { return false }
    let flags = ossl_X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | ossl_X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
    ossl_X509_VERIFY_PARAM_set_hostflags(rules, UInt32(flags))
    let size = count
    return withHost { host in
      guard !isAddress else { return ossl_X509_VERIFY_PARAM_set1_ip_asc(rules, host) == 1 }
      let name = UnsafeMutableRawPointer(mutating: host)
      return ossl_X509_VERIFY_PARAM_set1_host(rules, host, size) == 1
        && ossl_SSL_ctrl(ssl, ossl_SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(ossl_TLSEXT_NAMETYPE_host_name), name) == 1
    } ?? false
  }
}
