// The way to the server: a given socket, straight there, or through a proxy.
import WSProtocol
import WSTLS
import WSTransport

extension Dial {
  /// A stream to the server, and what has come from it already.
  func route(until deadline: Deadline) throws(WSError) -> HandshakeChannel {
    if let given = takeSocket() { return HandshakeChannel(given, cancellation: cancellation) }
    guard let proxy = try dialer.proxies.proxy(for: url) else {
      return HandshakeChannel(try connect(to: url.host, port: url.port, until: deadline), cancellation: cancellation)
    }
    isAtProxy = true
    let channel = try tunnel(proxy, until: deadline)
    isAtProxy = false
    return channel
  }

  private func connect(to host: ByteView, port: UInt16, until deadline: Deadline) throws(WSError) -> Socket {
    step = .resolving
    do throws(TransportError) {
      let addresses = try Connector.addresses(of: host, port: port, deadline: deadline, cancellation: cancellation)
      step = .connecting
      return try Connector.connect(to: addresses, deadline: deadline, cancellation: cancellation)
    } catch {
      if case .closed(let code) = error { throw .unconnected(code) }
      throw WSError(error)
    }
  }

  private func tunnel(_ proxy: ProxyServer, until deadline: Deadline) throws(WSError) -> HandshakeChannel {
    let socket = try connect(to: proxy.url.host, port: proxy.url.port, until: deadline)
    switch proxy.url.kind {
    case .http:
      return try askHTTP(proxy, HandshakeChannel(socket, cancellation: cancellation), until: deadline)
    case .https:
      let secured = try secure(
        HandshakeChannel(socket, cancellation: cancellation), host: proxy.url.host, port: proxy.url.port, isProxy: true,
        until: deadline)
      return try askHTTP(proxy, HandshakeChannel(secured, cancellation: cancellation), until: deadline)
    case .socks5:
      return try askSOCKS(proxy, HandshakeChannel(socket, cancellation: cancellation), until: deadline)
    }
  }

  /// RFC 9110 9.3.6. What follows the head of the answer is the server's.
  private func askHTTP(
    _ proxy: ProxyServer, _ channel: consuming HandshakeChannel, until deadline: Deadline
  ) throws(WSError) -> HandshakeChannel {
    step = .proxying
    var request = ByteQueue()
    do throws(OutOfMemory) {
      try HTTPConnect.writeRequest(to: &request, host: url.host, port: url.port, proxy: proxy.url)
    } catch {
      throw .outOfMemory
    }
    try channel.send(request.bytes, until: deadline)
    for _ in 0..<Self.interimLimit {
      var head = MessageHead(.response, limits: HTTPConnect.limits)
      try channel.receiveHead(&head, until: deadline) { WSError(ProxyError.badResponse($0)) }
      if ClientHandshake.isInterim(head.status) { continue }
      do throws(ProxyError) { try HTTPConnect.check(head, proxy: proxy.url) } catch { throw WSError(error) }
      return channel
    }
    throw .proxy(.refused(status: 100))
  }

  /// RFC 1928. What follows the last answer is the server's.
  private func askSOCKS(
    _ proxy: ProxyServer, _ channel: consuming HandshakeChannel, until deadline: Deadline
  ) throws(WSError) -> HandshakeChannel {
    step = .proxying
    var talk = SOCKS5()
    var output = ByteQueue()
    do throws(OutOfMemory) { try talk.writeGreeting(to: &output, proxy: proxy.url) } catch { throw .outOfMemory }
    while !talk.isOpen {
      try channel.send(output.bytes, until: deadline)
      output.removeAll()
      while try !answer(&talk, &channel.received, &output, proxy) {
        guard try channel.receive(until: deadline) else { throw .lost(0) }
      }
    }
    return channel
  }

  private func answer(
    _ talk: inout SOCKS5, _ received: inout ByteQueue, _ output: inout ByteQueue, _ proxy: ProxyServer
  ) throws(WSError) -> Bool {
    do throws(ProxyError) {
      return try talk.advance(&received, output: &output, host: url.host, port: url.port, proxy: proxy.url)
    } catch {
      throw WSError(error)
    }
  }
}
