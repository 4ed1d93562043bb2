// The way to the server: a given socket, straight there, or through a proxy.
import WSProtocol
import WSTLS
import WSTransport

extension Dial {
  /// A stream to the server, and what has come from it already.
  @_optimize(size)
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

  @_optimize(size)
  private func connect(to host: ByteView, port: UInt16, until deadline: Deadline) throws(WSError) -> Socket {
    if let connector = dialer.connector { return try connect(to: host, port: port, by: connector, until: deadline) }
    step = .resolving
    trace(.resolving, host, port: port)
    do throws(TransportError) {
      let addresses = try Connector.addresses(of: host, port: port, deadline: deadline, cancellation: cancellation)
      step = .connecting
      trace(.connecting, host, port: port)
      let socket = try Connector.connect(to: addresses, deadline: deadline, cancellation: cancellation)
      traceConnected(socket)
      return socket
    } catch {
      if case .closed(let code) = error { throw .unconnected(code) }
      throw WSError(error)
    }
  }

  @_optimize(size)
  private func connect(
    to host: ByteView, port: UInt16, by connector: DialConnector, until deadline: Deadline
  ) throws(WSError) -> Socket {
    step = .connecting
    var name = ByteQueue()
    do throws(OutOfMemory) {
      try name.append(host)
      try name.append(0)
    } catch {
      throw .outOfMemory
    }
    trace(.connecting, host, port: port)
    let descriptor = connector(name.withoutLast, port, deadline)
    guard descriptor >= 0 else { throw .unconnected(0 &- descriptor) }
    let socket = try tls { () throws(TransportError) in try Socket(adopting: descriptor) }
    guard !cancellation.isCancelled else { throw .aborted }
    traceConnected(socket)
    return socket
  }

  @_optimize(size)
  private func tunnel(_ proxy: ProxyServer, until deadline: Deadline) throws(WSError) -> HandshakeChannel {
    let socket = try connect(to: proxy.url.host, port: proxy.url.port, until: deadline)
    var channel = HandshakeChannel(socket, cancellation: cancellation)
    if proxy.url.kind == .https {
      let secured = try secure(channel, host: proxy.url.host, port: proxy.url.port, isProxy: true, until: deadline)
      channel = HandshakeChannel(secured, cancellation: cancellation)
    }
    step = .proxying
    trace(.proxying, url.host, port: url.port)
    switch proxy.url.kind {
    case .http, .https: try askHTTP(proxy, &channel, until: deadline)
    case .socks5: try askSOCKS(proxy, &channel, until: deadline)
    }
    return channel
  }

  /// RFC 9110 9.3.6. What follows the head of the answer is the server's.
  @_optimize(size)
  private func askHTTP(_ proxy: ProxyServer, _ channel: inout HandshakeChannel, until deadline: Deadline) throws(WSError) {
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
      return
    }
    throw .proxy(.refused(status: 100))
  }

  /// RFC 1928. What follows the last answer is the server's.
  @_optimize(size)
  private func askSOCKS(_ proxy: ProxyServer, _ channel: inout HandshakeChannel, until deadline: Deadline) throws(WSError) {
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
  }

  @_optimize(size)
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
