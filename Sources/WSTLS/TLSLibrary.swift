// OpenSSL as this module sees it: loaded when it is first wanted, its errors as values, its words for them.
import COpenSSL
import WSTransport

enum TLSLibrary {
  /// Loads OpenSSL unless that was done. `.tls(.missing)`, `.tls(.unusable)`. Any thread.
  static func load() throws(TransportError) {
    switch copenssl_load() {
    case 1: return
    case 0: throw .tls(.missing)
    default: throw .tls(.unusable)
    }
  }

  /// The error that OpenSSL left for this thread, the first cause of a failure, taken out of its queue.
  static func takeError() -> UInt64 {
    let code = UInt64(ossl_ERR_peek_error())
    ossl_ERR_clear_error()
    return code
  }

  /// What a failed call means: no memory, or what `meaning` makes of the error.
  static func failure(_ meaning: (UInt64) -> TLSError) -> TransportError {
    let code = takeError()
    return reason(code) == ossl_ERR_R_MALLOC_FAILURE ? .outOfMemory : .tls(meaning(code))
  }

  /// A pointer that OpenSSL gave, or its error.
  static func made(_ pointer: OpaquePointer?) throws(TransportError) -> OpaquePointer {
    guard let pointer else { throw failure { .failed($0) } }
    return pointer
  }

  /// What went wrong, without where.
  static func reason(_ code: UInt64) -> Int32 { ossl_reason(UInt(code)) }
}

/// Whether TLS is there. The first look loads OpenSSL. Any thread.
public var hasTLS: Bool { copenssl_load() == 1 }

/// OpenSSL's own words. They live for ever; empty when it has none, or is not loaded.
public enum TLSText {
  /// What an error code means.
  public static func ofError(_ code: UInt64) -> UnsafeRawBufferPointer {
    hasTLS && code != 0 ? view(ossl_ERR_reason_error_string(UInt(code))) : empty
  }

  /// Why a certificate was not accepted, an X509_V_ERR_ code.
  public static func ofVerification(_ code: Int32) -> UnsafeRawBufferPointer {
    hasTLS ? view(ossl_X509_verify_cert_error_string(Int(code))) : empty
  }

  private static var empty: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  private static func view(_ text: UnsafePointer<CChar>?) -> UnsafeRawBufferPointer {
    guard let text else { return empty }
    return UnsafeRawBufferPointer(start: text, count: strlen(text))
  }
}
