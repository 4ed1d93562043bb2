// TLS of an upgrader: with a certificate, every connection begins with TLS.
import WSProtocol
import WSTLS
import WSTransport

extension Upgrader {
  /// The server's certificate, itself first, then those of its issuers, and its key: from now on connections are wss. Also while the
  /// upgrader is in use, from any thread, when it had a certificate before: handshakes that begin afterwards use the new one. When
  /// something of it is bad, nothing changes. `.tls`, `.invalid`; `.state` for a first certificate after the first use.
  public func setTLSCertificate(chain: PEM, key: PEM) throws(WSError) {
    if serverTLS.current == nil { try freezer.requireOpen() }
    try serverTLS.setIdentity(chain: chain, key: key)
  }

  /// Whether clients are asked for a certificate, and the issuers in PEM form of whom it may be. `.tls`, `.invalid`; `.state` after the
  /// first use.
  public func setTLSClients(_ clients: ClientCertificates, authorities: PEM) throws(WSError) {
    try freezer.requireOpen()
    try serverTLS.setClients(clients, authorities)
  }

  /// The password of keys that are loaded from now on; copied. `.state`, `.outOfMemory`.
  public func setTLSKeyPassword(_ password: ByteView) throws(WSError) {
    try freezer.requireOpen()
    serverTLS.setPassword(try keyPassword(password))
  }

  /// Who is asked for the password of keys that are loaded from now on, if they are encrypted; nil: nobody. `.state`.
  public func setTLSKeyPassword(from source: KeyPasswordSource?) throws(WSError) {
    try freezer.requireOpen()
    serverTLS.setPassword(source.map { KeyPassword($0) })
  }

  /// Writes the secrets of connections to a file. As `Dialer.setTLSKeyLog`.
  public func setTLSKeyLog(_ path: ByteView) throws(WSError) {
    try freezer.requireOpen()
    let log = try withPath(path) { (path) throws(WSError) in
      try tls { () throws(TransportError) in try PrivateLog.open(path) }
    }
    try serverTLS.setKeyLog(log)
  }

  /// Who gets each SSL_CTX of OpenSSL's that is made; nil: nobody. Runs inside the calls that make one: those that set something of TLS,
  /// and `reloadTLS`. When it says no, they fail with `.refusedByHandler`. `.state`.
  public func setTLSContextHook(_ hook: TLSContextHook?) throws(WSError) {
    try freezer.requireOpen()
    try serverTLS.setHook(hook)
  }

  /// Reads the files of certificates and keys again; handshakes that begin afterwards use them. When something of it is bad, all stays as
  /// it was. Any thread, also while the upgrader is in use. `.tls`; `.state` without a certificate.
  public func reloadTLS() throws(WSError) { try serverTLS.reload() }
}

/// Whether a server asks clients for a certificate.
public typealias ClientCertificates = WSTLS.ClientCertificates
