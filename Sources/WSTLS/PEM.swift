// Certificates and keys in PEM form (RFC 7468), from files or from memory.
import COpenSSL
import WSTransport

/// Where something in PEM form is: borrowed for the call that is given it.
public enum PEMSource {
  /// A file's path, NUL-terminated.
  case file(UnsafePointer<CChar>)
  /// Its bytes.
  case memory(UnsafeRawBufferPointer)
}

/// Where the password of an encrypted key comes from. Never the terminal: OpenSSL would stop a server to ask there.
public final class KeyPassword: @unchecked Sendable {
  private let write: (UnsafeMutableRawBufferPointer) -> Int?
  fileprivate var wasAsked = false
  /// There is none. OpenSSL asks again for each way to read a key.
  fileprivate var isMissing = false

  /// `write` puts the password into the space and says how long it is, or nil when it has none. Runs on the thread that loads a key.
  public init(_ write: @escaping (UnsafeMutableRawBufferPointer) -> Int?) { self.write = write }

  /// No password at all.
  static var none: KeyPassword { KeyPassword { _ in nil } }

  fileprivate func fill(_ space: UnsafeMutableRawBufferPointer) -> Int32 {
    wasAsked = true
    guard !isMissing, let size = write(space), size >= 0, size <= space.count else {
      isMissing = true
      return -1
    }
    return Int32(truncatingIfNeeded: size)
  }

  /// What OpenSSL calls: `user` is a `KeyPassword`, or NULL for none.
  static let callback: @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
    space, room, _, user in
    guard let space, let user, room >= 0 else { return -1 }
    let password = Unmanaged<KeyPassword>.fromOpaque(user).takeUnretainedValue()
    return password.fill(UnsafeMutableRawBufferPointer(start: space, count: Int(room)))
  }
}

/// A PEM text that is being read.
struct PEMReader: ~Copyable {
  private let bio: OpaquePointer

  /// Opens it, close-on-exec. `.tls(.unreadable)`, `.outOfMemory`.
  init(_ source: PEMSource) throws(TransportError) {
    ossl_ERR_clear_error()
    let opened: OpaquePointer?
    switch source {
    case .file(let path): opened = ossl_BIO_new_file(path, "re")
    case .memory(let bytes):
      guard let size = Int32(exactly: bytes.count) else { throw .outOfMemory }
      let nothing: StaticString = ""
      opened = ossl_BIO_new_mem_buf(bytes.baseAddress ?? UnsafeRawPointer(nothing.utf8Start), size)
    }
    // The first error is the system's, whose reason is its errno.
    guard let opened else { throw TLSLibrary.failure { .unreadable(TLSLibrary.reason($0)) } }
    bio = opened
  }

  /// The next certificate; the caller's. nil at the end.
  borrowing func nextCertificate() throws(TransportError) -> OpaquePointer? {
    if let certificate = ossl_PEM_read_bio_X509(bio, nil, KeyPassword.callback, nil) { return certificate }
    guard TLSLibrary.reason(UInt64(ossl_ERR_peek_last_error())) != ossl_PEM_R_NO_START_LINE else {
      ossl_ERR_clear_error()
      return nil
    }
    throw TLSLibrary.failure { .badCertificate($0) }
  }

  /// The first private key; the caller's.
  borrowing func key(_ password: KeyPassword) throws(TransportError) -> OpaquePointer {
    password.wasAsked = false
    password.isMissing = false
    let user = Unmanaged.passUnretained(password).toOpaque()
    let key = withExtendedLifetime(password) { ossl_PEM_read_bio_PrivateKey(bio, nil, KeyPassword.callback, user) }
    if let key {
      ossl_ERR_clear_error()
      return key
    }
    throw TLSLibrary.failure { password.wasAsked ? .badPassword($0) : .badKey($0) }
  }

  deinit { _ = ossl_BIO_free(bio) }
}
