// What OpenSSL calls: the BIO that reads and writes through our transport, and its questions during a handshake. All of it runs
// inside a call of ours, with the stream's lock held.
import COpenSSL
import WSTransport

/// The stream that a BIO belongs to. It lives as long as the BIO does.
private func stream(_ bio: OpaquePointer?) -> TLSStream? {
  bio.flatMap { ossl_BIO_get_data($0) }.map { Unmanaged<TLSStream>.fromOpaque($0).takeUnretainedValue() }
}

private func stream(ssl: OpaquePointer?) -> TLSStream? {
  stream(ssl.flatMap { ossl_SSL_get_rbio($0) })
}

enum TLSCallbacks {
  /// A kind of BIO whose bytes come from a stream's transport and go there.
  static func makeBIOMethod() -> OpaquePointer? {
    let method = ossl_BIO_meth_new(ossl_BIO_TYPE_SOURCE_SINK, "wsswift transport")
    guard let method else { return nil }
    _ = ossl_BIO_meth_set_read_ex(method) { bio, space, room, got in
      let count = stream(bio)?.pull(into: UnsafeMutableRawBufferPointer(start: space, count: room)) ?? 0
      got?.pointee = count
      if count > 0 { return 1 }
      // What really happened the stream remembers; to OpenSSL it is always "not now", which leaves its own state sound.
      ossl_BIO_set_flags(bio, ossl_BIO_FLAGS_READ | ossl_BIO_FLAGS_SHOULD_RETRY)
      return 0
    }
    _ = ossl_BIO_meth_set_write_ex(method) { bio, data, size, taken in
      stream(bio)?.push(UnsafeRawBufferPointer(start: data, count: size))
      taken?.pointee = size
      return 1
    }
    _ = ossl_BIO_meth_set_ctrl(method) { _, command, _, _ in command == ossl_BIO_CTRL_FLUSH ? 1 : 0 }
    return method
  }

  /// Looks at each certificate that OpenSSL has checked, and changes nothing about its verdict.
  static let noteRefusal: SSL_verify_cb = { isGood, check in
    if isGood != 1, let ssl = ossl_X509_STORE_CTX_get_ex_data(check, ossl_SSL_get_ex_data_X509_STORE_CTX_idx()) {
      stream(ssl: OpaquePointer(ssl))?.noteRefusal(
        ossl_X509_STORE_CTX_get_error(check), certificate: ossl_X509_STORE_CTX_get0_cert(check))
    }
    return isGood
  }

  /// Takes the session that a server offers for the next connection. 1 says that its reference is ours now.
  static let keepSession: ossl_new_session = { ssl, session in
    guard let session, let stream = stream(ssl: ssl), let name = stream.serverName else { return 0 }
    guard let sessions = stream.context.sessions else { return 0 }
    sessions.keep(session, for: name)
    return 1
  }

  /// A line for the key log.
  static let logKey: SSL_CTX_keylog_cb_func = { ssl, line in
    guard let line, let log = stream(ssl: ssl)?.context.keyLog else { return }
    log.add(UnsafeRawBufferPointer(start: line, count: strlen(line)))
  }

  /// Chooses HTTP/1.1 where a client offers protocols by name; it is refused when that is not among them. RFC 7301 3.2.
  static let chooseHTTP: SSL_CTX_alpn_select_cb_func = { _, chosen, size, offered, offeredSize, _ in
    let wanted: StaticString = "http/1.1"
    guard let offered, let chosen, let size else { return ossl_SSL_TLSEXT_ERR_ALERT_FATAL }
    let list = UnsafeRawBufferPointer(start: offered, count: Int(offeredSize))
    var start = 0
    while start < list.count {
      let count = Int(list[start])
      let name = start &+ 1
      guard count <= list.count &- name else { break }
      if count == wanted.utf8CodeUnitCount, memcmp(offered + name, wanted.utf8Start, count) == 0 {
        chosen.pointee = offered + name
        size.pointee = UInt8(truncatingIfNeeded: count)
        return ossl_SSL_TLSEXT_ERR_OK
      }
      start = name &+ count
    }
    return ossl_SSL_TLSEXT_ERR_ALERT_FATAL
  }
}
