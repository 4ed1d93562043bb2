// TLS of a dialer, for wss URLs. Setters: one thread, before the first use, as all of a dialer's.
import WSProtocol
import WSTLS
import WSTransport

extension Dialer {
  /// Believes the issuers of this PEM text. With the first call the system's are not believed any more, unless they are added too. `.tls`,
  /// `.invalid` for a path that is none; `.state` after the first use.
  @_optimize(size)
  public func addTLSAuthorities(_ authorities: PEM) throws(WSError) {
    try addTLSAuthorities { (trust) throws(WSError) in
      try authorities.withSource { (source) throws(WSError) in
        try tls { () throws(TransportError) in try trust.add(source) }
      }
    }
  }

  /// Believes the issuers in a directory that `openssl rehash` has prepared. Otherwise as `addTLSAuthorities(_:)`.
  @_optimize(size)
  public func addTLSAuthorities(directory: ByteView) throws(WSError) {
    try addTLSAuthorities { (trust) throws(WSError) in
      try withPath(directory) { (path) throws(WSError) in
        try tls { () throws(TransportError) in try trust.add(directory: path) }
      }
    }
  }

  /// Believes the system's issuers beside those that were added. Errors as `addTLSAuthorities(_:)`.
  @_optimize(size)
  public func addTLSSystemAuthorities() throws(WSError) {
    try addTLSAuthorities { (trust) throws(WSError) in
      try tls { () throws(TransportError) in try trust.addSystem() }
    }
  }

  @_optimize(size)
  private func addTLSAuthorities(_ add: (TLSTrust) throws(WSError) -> Void) throws(WSError) {
    try freezer.requireOpen()
    try clientTLS.trust(add)
  }

  /// The certificate to show to servers that ask for one: itself first, then those of its issuers; and its key. `.tls`, `.invalid`,
  /// `.state`.
  @_optimize(size)
  public func setTLSCertificate(chain: PEM, key: PEM) throws(WSError) {
    try freezer.requireOpen()
    try clientTLS.setIdentity(chain: chain, key: key)
  }

  /// The password of keys that are loaded from now on; copied. `.state`, `.outOfMemory`.
  @_optimize(size)
  public func setTLSKeyPassword(_ password: ByteView) throws(WSError) {
    try freezer.requireOpen()
    clientTLS.password = try keyPassword(password)
  }

  /// Who is asked for the password of keys that are loaded from now on, if they are encrypted; nil: nobody. `.state`.
  @_optimize(size)
  public func setTLSKeyPassword(from source: KeyPasswordSource?) throws(WSError) {
    try freezer.requireOpen()
    clientTLS.password = source.map { KeyPassword($0) }
  }

  /// The name or address, IPv6 without brackets, that servers' certificates must be for, and that goes into SNI, instead of the URL's
  /// host; copied. `.invalid` unless it is one; `.state`.
  @_optimize(size)
  public func setTLSServerName(_ name: ByteView) throws(WSError) {
    guard let host = HostName(nameOrIPv4: name) ?? HostName(ipv6: name) else { throw .invalid }
    try freezer.requireOpen()
    var canonical = ByteQueue()
    do throws(OutOfMemory) { try host.appendCanonical(to: &canonical) } catch { throw .outOfMemory }
    swap(&clientTLS.serverName, &canonical)
  }

  /// Accepts every certificate, and so everybody who stands in between: for tests alone. Default off. `.state`.
  @_optimize(size)
  public func setTLSInsecureSkipVerify(_ on: Bool) throws(WSError) {
    try freezer.requireOpen()
    clientTLS.skipsVerification = on
  }

  /// Whether connections to a server that was dialed before resume its session. Default on. `.state`. RFC 8446 2.2.
  @_optimize(size)
  public func setTLSResumption(_ on: Bool) throws(WSError) {
    try freezer.requireOpen()
    clientTLS.resumes = on
  }

  /// Writes the secrets of connections to a file, for tools that decrypt recorded traffic. It is made for its owner alone; links are
  /// refused. `.system`, `.invalid`, `.state`.
  @_optimize(size)
  public func setTLSKeyLog(_ path: ByteView) throws(WSError) {
    try freezer.requireOpen()
    clientTLS.keyLog = try withPath(path) { (path) throws(WSError) in
      try tls { () throws(TransportError) in try PrivateLog.open(path) }
    }
  }

  /// Who gets OpenSSL's SSL_CTX before its first connection, for what has no setter here; nil: nobody. Runs inside the call that dials
  /// first; when it says no, that fails with `.refusedByHandler`. `.state`.
  @_optimize(size)
  public func setTLSContextHook(_ hook: TLSContextHook?) throws(WSError) {
    try freezer.requireOpen()
    clientTLS.hook = hook
  }
}

extension Dial {
  /// Puts TLS over a connection to a host, canonical, within the attempt's time. What
  /// is not whom the application meant, a proxy or the end of a redirect, is who it is, and does not see our certificate.
  @_optimize(size)
  func secure(
    _ channel: borrowing HandshakeChannel, host: ByteView, port: UInt16, isProxy: Bool, until deadline: Deadline
  ) throws(WSError) -> TLSStream {
    step = .securing
    let isMeant = !isProxy && !isElsewhere
    let host = tlsHost(host, isProxy: isProxy)
    let kind = (HostName(nameOrIPv4: host) ?? HostName(ipv6: host))?.kind
    let name = TLSServerName(host: host, port: port, isAddress: kind != .name)
    let context = try dialer.clientTLS.context(showsIdentity: isMeant)
    let stream = try tls { () throws(TransportError) in
      try TLSStream.make(context, over: channel.transport, serverName: name, alreadyRead: channel.received.bytes)
    }
    trace(.securing, host)
    do throws(TransportError) {
      try stream.handshake(until: deadline, cancellation: cancellation)
    } catch {
      explain(error, host, stream)
      throw WSError(error)
    }
    trace(.secured, stream.version)
    return stream
  }

  /// Whom the certificate of a connection to a host must be for.
  @_optimize(size)
  func tlsHost(_ host: ByteView, isProxy: Bool) -> ByteView {
    let override = dialer.clientTLS.serverName.bytes
    return override.isEmpty || isProxy || isElsewhere ? host : override
  }

  /// Which host it was, and what its certificate says instead.
  @_optimize(size)
  func explain(_ error: TransportError, _ host: ByteView, _ stream: TLSStream) {
    guard case .tls(let fault) = error else { return }
    do throws(OutOfMemory) {
      try explanationBytes.append(fault.text)
      try explanationBytes.append(": ")
      try explanationBytes.appendQuoted(host)
      try explanationBytes.append(": ")
      try explanationBytes.append(fault.reason)
      try stream.withRefusedNames { (names) throws(OutOfMemory) in
        guard !names.isEmpty else { return }
        try explanationBytes.append("; it is for ")
        try explanationBytes.appendQuoted(names)
      }
    } catch {
      explanationBytes.release()
    }
  }
}
