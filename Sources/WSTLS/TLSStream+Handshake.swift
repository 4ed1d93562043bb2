// The handshake of TLS, and what is known of the peer after it.
import COpenSSL
import WSTransport

extension TLSStream {
  /// Carries the handshake out. Throws `.tls` with `.untrusted`, `.failed`, `.wrongProtocol`; `.timeout`, `.aborted` by the cancellation
  /// too, `.closed`, `.outOfMemory`, `.system`.
  public func handshake(until deadline: Deadline, cancellation: Cancellation?) throws(TransportError) {
    while let needs = try continueHandshake() {
      _ = try transport.wait(for: needs, deadline: deadline, interruptible: false, wakeup: cancellation)
    }
  }

  /// One step: what the transport must be ready for before the next one; nil when the handshake is done.
  private func continueHandshake() throws(TransportError) -> Readiness? {
    if isAborted { throw .aborted }
    lock.lock()
    defer { lock.unlock() }
    flush()
    if !isEstablished {
      ossl_ERR_clear_error()
      let result = ossl_SSL_do_handshake(ssl)
      if result != 1 { return try judgeHandshake(ossl_SSL_get_error(ssl, result)) }
      try checkProtocol()
      isEstablished = true
    }
    if let sendFailure { throw sendFailure }
    return unsent.isEmpty ? nil : .write
  }

  private func judgeHandshake(_ error: Int32) throws(TransportError) -> Readiness {
    if let receiveFailure { throw isAborted ? .aborted : receiveFailure }
    guard error != ossl_SSL_ERROR_WANT_READ else {
      if let sendFailure { throw sendFailure }
      return unsent.isEmpty ? .read : [.read, .write]
    }
    let refusal = refusal
    let failure = TLSLibrary.failure { refusal == 0 ? .failed($0) : .untrusted(verify: refusal, code: $0) }
    receiveFailure = failure
    throw failure
  }

  /// RFC 7301 3.2: the server chooses among what was offered, or says nothing.
  private func checkProtocol() throws(TransportError) {
    guard !context.isServer else { return }
    var name: UnsafePointer<UInt8>?
    var size: UInt32 = 0
    ossl_SSL_get0_alpn_selected(ssl, &name, &size)
    let wanted: StaticString = "http/1.1"
    guard let name, size > 0 else { return }
    guard size == wanted.utf8CodeUnitCount, memcmp(name, wanted.utf8Start, Int(size)) == 0 else {
      throw .tls(.wrongProtocol)
    }
  }

  /// A certificate was not accepted. The first reason counts; for a name that does not fit, the certificate's are worth telling.
  func noteRefusal(_ reason: Int32, certificate: OpaquePointer?) {
    guard refusal == 0 else { return }
    refusal = reason
    guard let certificate, reason == ossl_X509_V_ERR_HOSTNAME_MISMATCH || reason == ossl_X509_V_ERR_IP_ADDRESS_MISMATCH else {
      return
    }
    if let names = Printed(namesOf: certificate) { _ = refusedNames.append(names.bytes) }
  }

  // MARK: - The peer

  /// Lends the names of a certificate that was refused because none of them is the server's: as the peer wrote them, such as
  /// `DNS:example.com, IP Address:192.0.2.1`; empty otherwise.
  public func withRefusedNames<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try lock.withLock { () throws(E) in try body(refusedNames.bytes) }
  }

  /// The version agreed on, such as `TLSv1.3`. Lives for ever.
  public var version: UnsafeRawBufferPointer {
    let text = lock.withLock { ossl_SSL_get_version(ssl) }
    guard let text else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: text, count: strlen(text))
  }

  /// Whether a session of an earlier connection was resumed.
  public var isResumed: Bool { lock.withLock { ossl_SSL_session_reused(ssl) == 1 } }

  /// Lends the subject of the peer's certificate as RFC 2253 writes it, such as `CN=example`; nil when the peer sent none.
  public func withPeerSubject<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R? {
    guard let certificate = PeerCertificate(of: self), let text = certificate.subject else { return nil }
    return try body(text.bytes)
  }

  /// Lends the peer's certificate in DER; nil when the peer sent none.
  public func withPeerDER<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R? {
    guard let certificate = PeerCertificate(of: self), let der = certificate.der else { return nil }
    return try body(der.bytes)
  }
}

/// A certificate of the peer's.
private struct PeerCertificate: ~Copyable {
  private let certificate: OpaquePointer

  init?(of stream: TLSStream) {
    guard let certificate = stream.lock.withLock({ ossl_SSL_get1_peer_certificate(stream.ssl) }) else { return nil }
    self.certificate = certificate
  }

  /// Its subject, RFC 2253.
  var subject: Printed? {
    guard let text = Printed(),
      ossl_X509_NAME_print_ex(text.bio, ossl_X509_get_subject_name(certificate), 0, UInt(ossl_XN_FLAG_RFC2253)) >= 0
    else { return nil }
    return text
  }

  /// All of it.
  var der: Printed? {
    guard let bytes = Printed(), ossl_i2d_X509_bio(bytes.bio, certificate) == 1 else { return nil }
    return bytes
  }

  deinit { ossl_X509_free(certificate) }
}

/// What OpenSSL writes into memory.
private struct Printed: ~Copyable {
  let bio: OpaquePointer

  init?() {
    guard let bio = ossl_BIO_new(ossl_BIO_s_mem()) else { return nil }
    self.bio = bio
  }

  /// The alternative names of a certificate, RFC 5280 4.2.1.6.
  init?(namesOf certificate: OpaquePointer) {
    self.init()
    let names = ossl_X509_get_ext_d2i(certificate, ossl_NID_subject_alt_name, nil, nil).map { OpaquePointer($0) }
    defer { if let names { ossl_GENERAL_NAMES_free(names) } }
    var index: Int32 = 0
    while let name = Stack.item(names, index) {
      if index > 0 { _ = ossl_BIO_write(bio, ", ", 2) }
      _ = ossl_GENERAL_NAME_print(bio, name)
      index &+= 1
    }
  }

  var bytes: UnsafeRawBufferPointer {
    var start: UnsafeMutableRawPointer?
    let count = ossl_BIO_ctrl(bio, ossl_BIO_CTRL_INFO, 0, &start)
    return UnsafeRawBufferPointer(start: start, count: max(count, 0))
  }

  deinit {
    _ = ossl_BIO_free(bio)
    ossl_ERR_clear_error()
  }
}
