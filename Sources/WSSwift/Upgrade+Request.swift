// What a program wants to know of a request before it answers. Everything is borrowed from the attempt.
import WSProtocol
import WSTransport

extension Upgrade {
  /// The path of the request as it was sent, also where its target is a whole URL.
  public var path: ByteView { ServerHandshake.pathAndQuery(request).path }

  /// What stands behind the `?` of the request, as it was sent; empty without one.
  public var query: ByteView { ServerHandshake.pathAndQuery(request).query }

  /// The subprotocol at the index of those that the client offers, the preferred one first; nil behind the last one. RFC 6455 1.9.
  public func offeredSubprotocol(_ index: Int) -> ByteView? { ServerHandshake.offeredSubprotocol(index, request) }

  /// The value of the first cookie of that name; nil when there is none. RFC 6265 4.2.
  public func cookie(_ name: ByteView) -> ByteView? { RequestCookies.value(of: name, in: request) }

  /// The client's end of the connection.
  public var remoteAddress: SocketAddress { channel.transport.address(of: .remote) }
}
