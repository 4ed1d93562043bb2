// The sessions that a client may resume, RFC 8446 2.2: the next connection to the same server then needs no certificate.
import COpenSSL
import WSTransport

/// At most sixteen sessions, the oldest of which makes room. Any thread.
final class TLSSessions: @unchecked Sendable {
  private struct Entry {
    let name: TLSServerName
    let session: OpaquePointer
  }

  private static let capacity = 16
  private let lock = Lock()
  // Guarded by `lock`.
  private var entries = InlineArray<16, Entry?>(repeating: nil)
  private var next = 0

  /// Keeps a session, whose reference it takes.
  func keep(_ session: OpaquePointer, for name: TLSServerName) {
    let replaced = lock.withLock {
      let index = next & (Self.capacity &- 1)
      next = index &+ 1
      let old = entries[index]
      entries[index] = Entry(name: name, session: session)
      return old
    }
    if let replaced { ossl_SSL_SESSION_free(replaced.session) }
  }

  /// The latest session with that server; the caller's. It is not given again: a ticket of TLS 1.3 that is used twice lets an observer
  /// tie the connections together (RFC 8446 C.4), and those of TLS 1.2 are kept anew with each connection.
  func take(for name: TLSServerName) -> OpaquePointer? {
    lock.withLock {
      for back in 1...Self.capacity {
        let index = (next &- back) & (Self.capacity &- 1)
        guard let entry = entries[index], entry.name.equals(name) else { continue }
        entries[index] = nil
        return entry.session
      }
      return nil
    }
  }

  deinit {
    for index in 0..<Self.capacity {
      if let entry = entries[index] { ossl_SSL_SESSION_free(entry.session) }
    }
  }
}
