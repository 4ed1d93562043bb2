// What can go wrong in TLS. Here, because it is a failure of a transport like any other; the codes are OpenSSL's and mean nothing
// to this layer.

/// Why TLS is not possible, or has ended.
public enum TLSError: Error, Equatable {
  /// OpenSSL 3 (libssl.so.3) is not on this machine, or cannot be loaded.
  case missing
  /// What was loaded as libssl.so.3 is not OpenSSL 3, or lacks a function.
  case unusable
  /// The peer's certificate is not accepted: an X509_V_ERR_ code, and the code of the error.
  case untrusted(verify: Int32, code: UInt64)
  /// The peer broke the protocol, has nothing in common with us, or refused us with an alert; the code of the error.
  case failed(UInt64)
  /// The peer sends record after record without data in them.
  case flooded
  /// The peer agreed on another application protocol than HTTP/1.1.
  case wrongProtocol
  /// A file that was named cannot be read; errno.
  case unreadable(Int32)
  /// No certificate was found where one was named; the code of the error.
  case badCertificate(UInt64)
  /// No private key was found where one was named; the code of the error.
  case badKey(UInt64)
  /// The private key is encrypted, and the password is missing or wrong; the code of the error.
  case badPassword(UInt64)
  /// The private key is not the certificate's; the code of the error.
  case keyMismatch(UInt64)
  /// A server has no certificate.
  case noCertificate
}
