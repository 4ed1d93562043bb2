// What can go wrong between a client and its proxy: one case a fault.

/// Why a proxy did not open the way.
public enum ProxyError: Error, Equatable, Sendable {
  /// The proxy's own URL is none.
  case badURL(URLError)
  /// The answer to CONNECT is no response of HTTP/1.x.
  case badResponse(HeadError)
  /// The proxy answered CONNECT with this status and opened no tunnel. RFC 9110 9.3.6.
  case refused(status: Int)
  /// The proxy wants a user and a password: 407, or no method of SOCKS that we can use.
  case authenticationRequired
  /// The proxy did not accept the user and the password.
  case authenticationFailed
  /// What answered does not speak version 5 of SOCKS.
  case notSOCKS5
  /// The proxy chose a method that was not offered, or its answer is not well-formed. RFC 1928.
  case badSOCKSAnswer
  /// SOCKS: the proxy failed. RFC 1928 6, reply 1.
  case socksFailure
  /// SOCKS: its rules forbid the connection, reply 2.
  case notAllowed
  /// SOCKS: the network cannot be reached, reply 3.
  case networkUnreachable
  /// SOCKS: the host cannot be reached, reply 4.
  case hostUnreachable
  /// SOCKS: the host refused, reply 5.
  case connectionRefused
  /// SOCKS: the time to live ran out, reply 6.
  case timeToLiveExpired
  /// SOCKS: the proxy knows no CONNECT, reply 7.
  case commandNotSupported
  /// SOCKS: the proxy knows no such addresses, reply 8.
  case addressTypeNotSupported
  /// SOCKS: a reply of 9 or more.
  case unknownReply(UInt8)
  /// The host's name is longer than the 255 bytes that SOCKS can carry.
  case nameTooLong
  /// No memory.
  case outOfMemory

  /// What was seen and, where it can be changed, by what.
  public var text: StaticString {
    switch self {
    case .badURL: "the proxy's URL is not a good one of http://, https://, socks5:// or socks5h://"
    case .badResponse: "the proxy's answer to CONNECT is not HTTP/1.x"
    case .refused: "the proxy refused CONNECT with status"
    case .authenticationRequired: "the proxy wants a user and a password; give them in the proxy's URL"
    case .authenticationFailed: "the proxy does not accept the user and password of its URL"
    case .notSOCKS5: "the proxy does not speak SOCKS 5"
    case .badSOCKSAnswer: "the proxy's SOCKS 5 answer is not well-formed"
    case .socksFailure: "SOCKS 5 proxy: general failure"
    case .notAllowed: "SOCKS 5 proxy: connection not allowed by its rules"
    case .networkUnreachable: "SOCKS 5 proxy: network unreachable"
    case .hostUnreachable: "SOCKS 5 proxy: host unreachable"
    case .connectionRefused: "SOCKS 5 proxy: connection refused"
    case .timeToLiveExpired: "SOCKS 5 proxy: time to live expired"
    case .commandNotSupported: "SOCKS 5 proxy: command not supported"
    case .addressTypeNotSupported: "SOCKS 5 proxy: address type not supported"
    case .unknownReply: "SOCKS 5 proxy: unknown reply"
    case .nameTooLong: "the host name is longer than the 255 bytes that SOCKS 5 carries"
    case .outOfMemory: "no memory for the proxy's answer"
    }
  }

  /// What reply of SOCKS 5 says so; nil for success. RFC 1928 6.
  static func reply(_ code: UInt8) -> ProxyError? {
    switch code {
    case 0: nil
    case 1: .socksFailure
    case 2: .notAllowed
    case 3: .networkUnreachable
    case 4: .hostUnreachable
    case 5: .connectionRefused
    case 6: .timeToLiveExpired
    case 7: .commandNotSupported
    case 8: .addressTypeNotSupported
    default: .unknownReply(code)
    }
  }
}
