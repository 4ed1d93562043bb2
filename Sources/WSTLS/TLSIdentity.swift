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
    guard let certificate = chain.first, ossl_X509_check_private_key(certificate, key) == 1 else {
      throw TLSLibrary.failure { .keyMismatch($0) }
    }
    let trial = try TLSLibrary.made(ossl_SSL_CTX_new(ossl_TLS_server_method()))
    defer { ossl_SSL_CTX_free(trial) }
    try use(in: trial)
  }

  /// Makes the context use it.
  func use(in context: OpaquePointer) throws(TransportError) {
    let issuers = try chain.issuers()
    defer { ossl_OPENSSL_sk_free(issuers) }
    guard ossl_SSL_CTX_use_cert_and_key(context, chain.first, key, issuers, 1) == 1 else {
      throw TLSLibrary.failure { .badCertificate($0) }
    }
  }

  deinit { if let key { ossl_EVP_PKEY_free(key) } }
}

/// Certificates in the order in which they were read; owns them.
struct CertificateList: ~Copyable {
  private var list: OpaquePointer?

  var isEmpty: Bool { Stack.count(list) == 0 }

  /// The first one, borrowed.
  var first: OpaquePointer? { Stack.item(list, 0) }

  /// Reads all certificates of a text, at least one.
  mutating func read(_ source: PEMSource) throws(TransportError) {
    if list == nil { list = try Stack.make() }
    let reader = try PEMReader(source)
    while let certificate = try reader.nextCertificate() {
      guard let list, Stack.push(certificate, to: list) else {
        ossl_X509_free(certificate)
        throw .outOfMemory
      }
    }
    guard !isEmpty else { throw .tls(.badCertificate(0)) }
  }

  /// Calls with each of them, borrowed.
  func forEach(_ body: (OpaquePointer) throws(TransportError) -> Void) throws(TransportError) {
    try Stack.forEach(list, body)
  }

  /// All but the first one, borrowed, as a list for OpenSSL; the caller frees the list.
  func issuers() throws(TransportError) -> OpaquePointer {
    let issuers = try Stack.make()
    do throws(TransportError) {
      var isFirst = true
      try forEach { (certificate) throws(TransportError) in
        guard isFirst || Stack.push(certificate, to: issuers) else { throw .outOfMemory }
        isFirst = false
      }
      return issuers
    } catch {
      ossl_OPENSSL_sk_free(issuers)
      throw error
    }
  }

  deinit {
    Stack.forEach(list) { ossl_X509_free($0) }
    if let list { ossl_OPENSSL_sk_free(list) }
  }
}

/// OpenSSL's lists of pointers.
enum Stack {
  /// An empty one; the caller's to free.
  static func make() throws(TransportError) -> OpaquePointer { try TLSLibrary.made(ossl_OPENSSL_sk_new_null()) }

  static func count(_ list: OpaquePointer?) -> Int32 { list.map { ossl_OPENSSL_sk_num($0) } ?? 0 }

  /// nil behind the last one.
  static func item(_ list: OpaquePointer?, _ index: Int32) -> OpaquePointer? {
    ossl_OPENSSL_sk_value(list, index).map { OpaquePointer($0) }
  }

  /// False without memory.
  static func push(_ item: OpaquePointer, to list: OpaquePointer) -> Bool {
    ossl_OPENSSL_sk_push(list, UnsafeRawPointer(item)) > 0
  }

  /// Calls with each item in order; for no list not at all.
  static func forEach<E: Error>(_ list: OpaquePointer?, _ body: (OpaquePointer) throws(E) -> Void) throws(E) {
    var index: Int32 = 0
    while let item = item(list, index) {
      try body(item)
      index &+= 1
    }
  }
}
