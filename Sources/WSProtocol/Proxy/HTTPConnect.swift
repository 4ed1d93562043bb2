// CONNECT: how a client asks an HTTP proxy for a tunnel, and what its answer means. RFC 9110 9.3.6, RFC 9112 3.2.3.

/// The tunnel of an HTTP proxy, as bytes out and a head in.
public enum HTTPConnect {
  /// A proxy's answer may be so large: it has no reason to say much.
  public static var limits: HeadLimits {
    var limits = HeadLimits()
    limits.bytes = 32768
    return limits
  }

  /// Adds the request for a tunnel to the host and port, IPv6 without brackets. The user and password of the proxy's URL go with it,
  /// whether or not there is a password. RFC 7617.
  @_optimize(size)
  public static func writeRequest(
    to output: inout ByteQueue, host: ByteView, port: UInt16, proxy: borrowing ProxyURL
  ) throws(OutOfMemory) {
    try output.append("CONNECT ")
    try appendTarget(host, port, to: &output)
    try output.append(" HTTP/1.1\r\nHost: ")
    try appendTarget(host, port, to: &output)
    try output.appendLineEnd()
    if proxy.hasCredentials {
      try output.append("Proxy-Authorization: Basic ")
      try appendCredentials(proxy, to: &output)
      try output.appendLineEnd()
    }
    try output.appendLineEnd()
  }

  /// Whether the answer opened the tunnel: any 2xx does, and what follows its head belongs to the tunnel, whatever length it
  /// claims. Interim responses are for the caller to pass over.
  @_optimize(size)
  public static func check(_ response: borrowing MessageHead, proxy: borrowing ProxyURL) throws(ProxyError) {
    switch response.status {
    case 200...299: return
    case 407: throw proxy.hasCredentials ? .authenticationFailed : .authenticationRequired
    default: throw .refused(status: response.status)
    }
  }

  @_optimize(size)
  private static func appendTarget(_ host: ByteView, _ port: UInt16, to output: inout ByteQueue) throws(OutOfMemory) {
    let isIPv6 = host.position(of: 0x3A) != nil
    if isIPv6 { try output.append(0x5B) }
    try output.append(host)
    if isIPv6 { try output.append(0x5D) }
    try output.append(0x3A)
    try output.appendDecimal(Int(port))
  }

  @_optimize(size)
  private static func appendCredentials(_ proxy: borrowing ProxyURL, to output: inout ByteQueue) throws(OutOfMemory) {
    var plain = ByteQueue()
    try plain.append(proxy.user)
    try plain.append(0x3A)
    try plain.append(proxy.password)
    try Base64.encode(plain.bytes, to: &output)
  }
}
