// Whom we believe: the issuers whose certificates are accepted.
import COpenSSL
import Synchronization
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

  /// The system's issuers, the same object for all who ask: reading some hundred certificates takes a while. Not to be added to.
  /// `.tls`, `.outOfMemory`.
  static func system() throws(TransportError) -> TLSTrust {
    let before = SystemTrust.shared.load(ordering: .acquiring)
    if let known = SharedTrust.behind(before) { return known.trust }
    let trust = try empty()
    try trust.addSystem()
    let made = Unmanaged.passRetained(SharedTrust(trust))
    let published = SystemTrust.shared.compareExchange(
      expected: before, desired: UInt(bitPattern: made.toOpaque()), ordering: .acquiringAndReleasing)
    // Two threads at once: the second one keeps its own.
    if !published.exchanged { made.release() }
    return trust
  }

  /// Adds all certificates of a PEM text, at least one, or none when one of them is bad. `.tls` with `.unreadable`,
  /// `.badCertificate`; `.outOfMemory`.
  public func add(_ source: PEMSource) throws(TransportError) {
    var added = CertificateList()
    try added.read(source)
    try added.forEach { (certificate) throws(TransportError) in
      guard ossl_X509_STORE_add_cert(store, certificate) == 1 else { throw TLSLibrary.failure { .badCertificate($0) } }
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
    let names = try Stack.make()
    do throws(TransportError) {
      try issuers.forEach { (issuer) throws(TransportError) in
        let name = try TLSLibrary.made(ossl_X509_NAME_dup(ossl_X509_get_subject_name(issuer)))
        guard !Stack.push(name, to: names) else { return }
        ossl_X509_NAME_free(name)
        throw .outOfMemory
      }
      return names
    } catch {
      Stack.forEach(names) { ossl_X509_NAME_free($0) }
      ossl_OPENSSL_sk_free(names)
      throw error
    }
  }

  deinit { ossl_X509_STORE_free(store) }
}

private enum SystemTrust {
  /// The address of a `SharedTrust`; 0 for none.
  static let shared = Atomic<UInt>(0)
}

/// What the process keeps of the system's issuers, once somebody has asked for them. A forked child reads its own: a lock of OpenSSL's
/// may have been held at the fork.
private final class SharedTrust {
  let trust: TLSTrust
  private let generation = ForkGuard.generation

  init(_ trust: TLSTrust) { self.trust = trust }

  static func behind(_ address: UInt) -> SharedTrust? {
    guard let pointer = UnsafeRawPointer(bitPattern: address) else { return nil }
    let shared = Unmanaged<SharedTrust>.fromOpaque(pointer).takeUnretainedValue()
    return shared.generation == ForkGuard.generation ? shared : nil
  }
}
