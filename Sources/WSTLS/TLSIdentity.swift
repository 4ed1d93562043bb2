// Who we are: a certificate with the chain that leads to its issuer, and its private key.
import COpenSSL
import WSTransport

/// A certificate chain with its key, checked when it is loaded. Any number of contexts may use it.
public final class TLSIdentity: @unchecked Sendable {
  private var chain = CertificateList()
  private var key: OpaquePointer?

  private init() {}

  /// Loads both: the certificate itself first, then those of its issuers. `.tls` with `.missing`, `.unusable`, `.unreadable`,
  /// `.badCertificate`, `.badKey`, `.badPassword`, `.keyMismatch`; `.outOfMemory`.
  public static func load(
    chain: PEMSource, key: PEMSource, password: KeyPassword?
  ) throws(TransportError) -> TLSIdentity {
    try TLSLibrary.load()
    let identity = TLSIdentity()
    try identity.chain.read(chain)
    identity.key = try PEMReader(key).key(password ?? .none)
    try identity.check()
    return identity
  }

  /// OpenSSL's own rules, such as the least size of a key, hold for a context only: one is made for it.
  private func check() throws(TransportError) {
    guard let certificate = chain[0], ossl_X509_check_private_key(certificate, key) == 1 else {
      throw TLSLibrary.failure { .keyMismatch($0) }
    }
    let trial = try TLSLibrary.made(ossl_SSL_CTX_new(ossl_TLS_server_method()))
    defer { ossl_SSL_CTX_free(trial) }
    try use(in: trial)
  }

  /// Makes the context use it.
  func use(in context: OpaquePointer) throws(TransportError) {
    let issuers = try chain.stack(from: 1)
    defer { ossl_OPENSSL_sk_free(issuers) }
    guard ossl_SSL_CTX_use_cert_and_key(context, chain[0], key, issuers, 1) == 1 else {
      throw TLSLibrary.failure { .badCertificate($0) }
    }
  }

  deinit { if let key { ossl_EVP_PKEY_free(key) } }
}

/// Certificates in the order in which they were read; owns them.
struct CertificateList: ~Copyable {
  private var stack: OpaquePointer?

  var count: Int32 { stack.map { ossl_OPENSSL_sk_num($0) } ?? 0 }

  subscript(index: Int32) -> OpaquePointer? {
    stack.flatMap { ossl_OPENSSL_sk_value($0, index) }.map { OpaquePointer($0) }
  }

  /// Reads all certificates of a text, at least one.
  mutating func read(_ source: PEMSource) throws(TransportError) {
    if stack == nil { stack = try TLSLibrary.made(ossl_OPENSSL_sk_new_null()) }
    let reader = try PEMReader(source)
    while let certificate = try reader.nextCertificate() {
      guard ossl_OPENSSL_sk_push(stack, UnsafeRawPointer(certificate)) > 0 else {
        ossl_X509_free(certificate)
        throw .outOfMemory
      }
    }
    guard count > 0 else { throw .tls(.badCertificate(0)) }
  }

  /// Those from an index on, borrowed, as a list for OpenSSL; the caller frees the list.
  func stack(from first: Int32) throws(TransportError) -> OpaquePointer {
    let part = try TLSLibrary.made(ossl_OPENSSL_sk_new_null())
    for index in first..<max(count, first) {
      guard let certificate = self[index], ossl_OPENSSL_sk_push(part, UnsafeRawPointer(certificate)) > 0 else {
        ossl_OPENSSL_sk_free(part)
        throw .outOfMemory
      }
    }
    return part
  }

  deinit {
    for index in 0..<max(count, 0) { ossl_X509_free(self[index]) }
    if let stack { ossl_OPENSSL_sk_free(stack) }
  }
}
