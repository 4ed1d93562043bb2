// Whom we believe: the issuers whose certificates are accepted.
import COpenSSL
import WSTransport

/// Certificates of issuers, from files, memory and directories. One thread at a time until a context uses it; then it stays as it is.
public final class TLSTrust: @unchecked Sendable {
  let store: OpaquePointer
  private var issuers = CertificateList()

  private init(_ store: OpaquePointer) { self.store = store }

  /// Trusts nobody yet. `.tls(.missing)`, `.tls(.unusable)`, `.outOfMemory`.
  public static func empty() throws(TransportError) -> TLSTrust {
    try TLSLibrary.load()
    return TLSTrust(try TLSLibrary.made(ossl_X509_STORE_new()))
  }

  /// Adds all certificates of a PEM text, at least one, or none when one of them is bad. `.tls` with `.unreadable`,
  /// `.badCertificate`; `.outOfMemory`.
  public func add(_ source: PEMSource) throws(TransportError) {
    var added = CertificateList()
    try added.read(source)
    for index in 0..<added.count {
      guard ossl_X509_STORE_add_cert(store, added[index]) == 1 else {
        throw TLSLibrary.failure { .badCertificate($0) }
      }
    }
    swap(&issuers, &added)
  }

  /// Adds a directory in which `openssl rehash` has named the certificates; they are read when one is wanted. The path is
  /// NUL-terminated. `.tls(.unreadable)`, `.outOfMemory`.
  public func add(directory: UnsafePointer<CChar>) throws(TransportError) {
    if let problem = Files.problem(withDirectory: directory) { throw .tls(.unreadable(problem)) }
    guard ossl_X509_STORE_load_path(store, directory) == 1 else { throw TLSLibrary.failure { .badCertificate($0) } }
  }

  /// Adds the system's issuers. `.outOfMemory`, `.tls(.badCertificate)`.
  public func addSystem() throws(TransportError) {
    guard ossl_X509_STORE_set_default_paths(store) == 1 else { throw TLSLibrary.failure { .badCertificate($0) } }
  }

  /// The names of the issuers that were read last, for the list that a server sends to clients; whoever calls owns it.
  func names() throws(TransportError) -> OpaquePointer {
    let names = try TLSLibrary.made(ossl_OPENSSL_sk_new_null())
    for index in 0..<issuers.count {
      let name = ossl_X509_NAME_dup(ossl_X509_get_subject_name(issuers[index]))
      if let name, ossl_OPENSSL_sk_push(names, UnsafeRawPointer(name)) > 0 { continue }
      if let name { ossl_X509_NAME_free(name) }
      Self.free(names)
      throw .outOfMemory
    }
    return names
  }

  private static func free(_ names: OpaquePointer) {
    for index in 0..<max(ossl_OPENSSL_sk_num(names), 0) {
      ossl_X509_NAME_free(ossl_OPENSSL_sk_value(names, index).map { OpaquePointer($0) })
    }
    ossl_OPENSSL_sk_free(names)
  }

  deinit { ossl_X509_STORE_free(store) }
}
