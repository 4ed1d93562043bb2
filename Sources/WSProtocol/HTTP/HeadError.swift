// What can be wrong with the head of a request or a response: one case per fault.

/// Why some bytes are not the head of an HTTP/1 message. RFC 9112.
public enum HeadError: Error, Equatable {
  /// The first bytes already cannot begin an HTTP message: TLS on a plain port, or garbage. Close without an answer.
  case notHTTP
  /// The request line is not method, target and version with one space between them. RFC 9112 3.
  case badRequestLine
  /// The status line is not version, three digits and a reason. RFC 9112 4.
  case badStatusLine
  /// The request target holds a byte that no URI has, or a fragment. RFC 9112 3.2.
  case badTarget
  /// A version other than HTTP/1.x. RFC 9112 2.3.
  case badVersion
  /// The request line is longer than the limit. RFC 9110 15.5.15.
  case targetTooLong
  /// A line, or the whole head, is longer than the limit. RFC 6585 5.
  case tooLarge
  /// There are more header fields than the limit. RFC 6585 5.
  case tooManyFields
  /// A line ends with LF alone. RFC 9112 2.2 lets a recipient accept it; peers that disagree about lines get smuggled.
  case bareLineFeed
  /// A CR without an LF behind it. RFC 9112 2.2.
  case bareCarriageReturn
  /// NUL or another control byte. RFC 9110 5.5.
  case controlByte
  /// A header line begins with a space or a tab, as a continuation of the line before. RFC 9112 5.2.
  case foldedLine
  /// A header line has no colon. RFC 9112 5.
  case missingColon
  /// There is a space or a tab between a field's name and its colon. RFC 9112 5.1.
  case spaceBeforeColon
  /// A field's name is not a token. RFC 9110 5.1.
  case badFieldName
  /// There is no memory to keep the head in.
  case outOfMemory

  /// The status that a server answers; 0: none, the connection is closed without a word.
  public var status: Int {
    switch self {
    case .notHTTP: 0
    case .targetTooLong: 414
    case .tooLarge, .tooManyFields: 431
    case .badVersion: 505
    case .outOfMemory: 503
    case .badRequestLine, .badStatusLine, .badTarget, .bareLineFeed, .bareCarriageReturn, .controlByte, .foldedLine,
      .missingColon, .spaceBeforeColon, .badFieldName:
      400
    }
  }

  /// What was seen and what was allowed, without a byte of the peer's.
  public var text: StaticString {
    switch self {
    case .notHTTP: "the first bytes are not HTTP/1.1"
    case .badRequestLine: "the request line is not 'method target HTTP/1.1'"
    case .badStatusLine: "the status line is not 'HTTP/1.1 status reason'"
    case .badTarget: "the request target holds a byte that a URI cannot hold"
    case .badVersion: "the HTTP version is not 1.1"
    case .targetTooLong: "the request line is longer than the limit"
    case .tooLarge: "a header line or the whole head is longer than the limit"
    case .tooManyFields: "there are more header fields than the limit"
    case .bareLineFeed: "a line of the head ends with LF instead of CR LF"
    case .bareCarriageReturn: "the head holds a CR without LF"
    case .controlByte: "the head holds a control byte"
    case .foldedLine: "a header field continues on a second line"
    case .missingColon: "a header line has no colon"
    case .spaceBeforeColon: "there is a blank before the colon of a header field"
    case .badFieldName: "the name of a header field is not a token"
    case .outOfMemory: "no memory for the head"
    }
  }
}
