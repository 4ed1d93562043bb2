// What can be wrong with an opening handshake, on both sides: one case per fault, its status, and what to say about it.

/// Why an opening handshake failed. RFC 6455 4.
public enum HandshakeError: Error, Equatable {
  // Both sides.
  /// The head is not one of HTTP/1.
  case head(HeadError)
  /// HTTP/1.0, which has no Upgrade. RFC 6455 4.1, 4.2.1.
  case oldHTTPVersion
  /// There is no memory for the handshake.
  case outOfMemory

  // What a server finds in a request. RFC 6455 4.2.1.
  /// Upgrade does not list websocket: a plain HTTP request.
  case upgradeMissing
  /// Connection does not list Upgrade.
  case connectionMissing
  /// The method is not GET.
  case methodNotGet
  /// The target is neither a path nor the URL of this very host. RFC 9112 3.2.
  case badTarget
  /// The request announces a body, which would be read as frames, or as the next request.
  case requestBody
  /// There is no Host. RFC 9112 3.2.
  case hostMissing
  /// There are several Host fields. RFC 9112 3.2.
  case hostRepeated
  /// Host is not `host[:port]`. RFC 9112 3.2.
  case badHostHeader
  /// Host is none that this server answers to. RFC 9110 15.5.20.
  case hostNotAllowed
  /// There is no Sec-WebSocket-Version.
  case versionMissing
  /// There are several Sec-WebSocket-Version fields. RFC 6455 11.3.5.
  case versionRepeated
  /// Sec-WebSocket-Version does not list 13. RFC 6455 4.4.
  case unsupportedVersion
  /// There is no Origin, and this server wants one.
  case originMissing
  /// There are several Origin fields. RFC 6454 7.3.
  case originRepeated
  /// Origin is not `scheme://host[:port]`. RFC 6454 7.1.
  case badOrigin
  /// Origin is another one, and not among those allowed. RFC 6455 10.2.
  case originNotAllowed
  /// There is no Sec-WebSocket-Key.
  case keyMissing
  /// There are several Sec-WebSocket-Key fields. RFC 6455 11.3.1.
  case keyRepeated
  /// Sec-WebSocket-Key is not the base64 of 16 bytes.
  case badKey

  // What a client finds in a response. RFC 6455 4.1.
  /// The status is another one than 101.
  case notSwitched
  /// Upgrade does not list websocket.
  case responseUpgradeMissing
  /// Connection does not list Upgrade.
  case responseConnectionMissing
  /// There is no Sec-WebSocket-Accept.
  case acceptMissing
  /// There are several Sec-WebSocket-Accept fields. RFC 6455 11.3.3.
  case acceptRepeated
  /// Sec-WebSocket-Accept does not belong to our key.
  case acceptMismatch
  /// Sec-WebSocket-Extensions is not a list of extensions. RFC 6455 9.1.
  case badExtensions
  /// The server uses an extension that was not offered.
  case extensionNotOffered
  /// The server uses an extension twice. RFC 7692 5.1.
  case extensionRepeated
  /// permessage-deflate has a parameter that nobody knows. RFC 7692 7.1.
  case unknownDeflateParameter
  /// permessage-deflate has a parameter twice. RFC 7692 7.1.
  case deflateParameterRepeated
  /// A parameter of permessage-deflate has no value where one belongs, one where none does, or another one than 8 to 15. RFC 7692 7.1.
  case badDeflateParameter
  /// The server accepted permessage-deflate without what the offer asked of it. RFC 7692 7.1.1.1, 7.1.2.1.
  case deflateParameterMissing
  /// The server limits our window, which was not offered. RFC 7692 7.1.2.2.
  case deflateParameterNotOffered
  /// The server wants a larger window than was offered. RFC 7692 7.1.2.
  case deflateWindowTooLarge
  /// There are several Sec-WebSocket-Protocol fields. RFC 6455 11.3.4.
  case subprotocolRepeated
  /// The server chose a subprotocol that was not offered.
  case subprotocolNotOffered
}

extension HandshakeError {
  /// A bad head; memory is nobody's fault.
  public init(_ error: HeadError) { self = error == .outOfMemory ? .outOfMemory : .head(error) }

  /// The status that a server answers; 0 where the connection is closed without a word, and for what clients find.
  public var status: Int {
    switch self {
    case .head(let error): error.status
    case .outOfMemory: 503
    case .upgradeMissing, .versionMissing, .unsupportedVersion: 426
    case .methodNotGet: 405
    case .hostNotAllowed: 421
    case .originMissing, .originRepeated, .badOrigin, .originNotAllowed: 403
    case .oldHTTPVersion, .connectionMissing, .badTarget, .requestBody, .hostMissing, .hostRepeated, .badHostHeader,
      .versionRepeated, .keyMissing, .keyRepeated, .badKey:
      400
    case .notSwitched, .responseUpgradeMissing, .responseConnectionMissing, .acceptMissing, .acceptRepeated, .acceptMismatch,
      .badExtensions, .extensionNotOffered, .extensionRepeated, .unknownDeflateParameter, .deflateParameterRepeated,
      .badDeflateParameter, .deflateParameterMissing, .deflateParameterNotOffered, .deflateWindowTooLarge,
      .subprotocolRepeated, .subprotocolNotOffered:
      0
    }
  }

  /// What was seen and what was allowed, without a byte of the peer's.
  public var text: StaticString {
    switch self {
    case .head(let error): error.text
    case .oldHTTPVersion: "the peer speaks HTTP/1.0; a WebSocket handshake is HTTP/1.1"
    case .outOfMemory: "no memory for the handshake"
    case .upgradeMissing: "not a WebSocket handshake: Upgrade does not list websocket"
    case .connectionMissing: "Connection does not list Upgrade"
    case .methodNotGet: "the method of a WebSocket handshake is GET"
    case .badTarget: "the request target is neither a path nor the URL of this host"
    case .requestBody: "a WebSocket handshake has no body, and no Content-Length or Transfer-Encoding for one"
    case .hostMissing: "there is no Host"
    case .hostRepeated: "there are several Host fields"
    case .badHostHeader: "Host is not host[:port]"
    case .hostNotAllowed: "Host is not allowed (ws_upgrader_add_host allows it)"
    case .versionMissing: "there is no Sec-WebSocket-Version; this server speaks 13"
    case .versionRepeated: "there are several Sec-WebSocket-Version fields"
    case .unsupportedVersion: "Sec-WebSocket-Version does not list 13"
    case .originMissing: "there is no Origin, and this server requires one"
    case .originRepeated: "there are several Origin fields"
    case .badOrigin: "Origin is not scheme://host[:port] (ws_upgrader_add_origin allows null and others)"
    case .originNotAllowed: "Origin is not allowed (ws_upgrader_add_origin allows it)"
    case .keyMissing: "there is no Sec-WebSocket-Key"
    case .keyRepeated: "there are several Sec-WebSocket-Key fields"
    case .badKey: "Sec-WebSocket-Key is not the base64 of 16 bytes"
    case .notSwitched: "the server answered with another status than 101"
    case .responseUpgradeMissing: "Upgrade of the response does not list websocket"
    case .responseConnectionMissing: "Connection of the response does not list Upgrade"
    case .acceptMissing: "the response has no Sec-WebSocket-Accept"
    case .acceptRepeated: "the response has several Sec-WebSocket-Accept fields"
    case .acceptMismatch: "Sec-WebSocket-Accept of the response does not belong to our key"
    case .badExtensions: "Sec-WebSocket-Extensions of the response is not a list of extensions"
    case .extensionNotOffered: "the server uses an extension that was not offered"
    case .extensionRepeated: "the server uses an extension twice"
    case .unknownDeflateParameter: "permessage-deflate of the response has an unknown parameter"
    case .deflateParameterRepeated: "permessage-deflate of the response has a parameter twice"
    case .badDeflateParameter: "permessage-deflate of the response has a parameter with a wrong value; windows are 8 to 15"
    case .deflateParameterMissing: "permessage-deflate of the response lacks a parameter that the server must repeat"
    case .deflateParameterNotOffered: "client_max_window_bits of the response was not offered"
    case .deflateWindowTooLarge: "permessage-deflate of the response has a larger window than was offered"
    case .subprotocolRepeated: "the response has several Sec-WebSocket-Protocol fields"
    case .subprotocolNotOffered: "the server chose a subprotocol that was not offered"
    }
  }

  /// Adds the line for a log or a failure: `text`, and where a header's value matters, what the client sent, in quotes. Not
  /// for the answer's body, which never repeats what a peer sent.
  public static func explain(
    _ error: HandshakeError, request: borrowing MessageHead, to output: inout ByteQueue
  ) throws(OutOfMemory) {
    try output.append(error.text)
    switch error {
    case .hostNotAllowed, .badHostHeader:
      try appendField(": Host ", FieldName.host, of: request, to: &output)
    case .originNotAllowed, .badOrigin:
      try appendField(": Origin ", FieldName.origin, of: request, to: &output)
      try appendField(", Host ", FieldName.host, of: request, to: &output)
    case .head, .oldHTTPVersion, .outOfMemory, .upgradeMissing, .connectionMissing, .methodNotGet, .badTarget, .requestBody,
      .hostMissing, .hostRepeated, .versionMissing, .versionRepeated, .unsupportedVersion, .originMissing, .originRepeated,
      .keyMissing, .keyRepeated, .badKey, .notSwitched, .responseUpgradeMissing, .responseConnectionMissing, .acceptMissing,
      .acceptRepeated, .acceptMismatch, .badExtensions, .extensionNotOffered, .extensionRepeated, .unknownDeflateParameter,
      .deflateParameterRepeated, .badDeflateParameter, .deflateParameterMissing, .deflateParameterNotOffered,
      .deflateWindowTooLarge, .subprotocolRepeated, .subprotocolNotOffered:
      return
    }
  }

  private static func appendField(
    _ label: StaticString, _ name: ByteView, of request: borrowing MessageHead, to output: inout ByteQueue
  ) throws(OutOfMemory) {
    try output.append(label)
    try output.appendQuoted(request.first(name) ?? .empty)
  }
}
