// TLS of ws_dialer, ws_upgrader, ws_upgrade and ws_conn.
import CWSSwift
import WSProtocol
import WSSwift
import WSTLS

/// Runs a setter that hands out why it failed.
private func configure(
  _ dialer: OpaquePointer?, _ failure: UnsafeMutablePointer<ws_failure>?, _ body: (Dialer) throws(WSError) -> Void
) -> Int32 {
  result(failure) { () throws(WSError) in
    guard let handle = object(dialer, DialerHandle.self) else { throw .invalid }
    try body(handle.dialer)
    return WS_OK
  }
}

private func configure(
  _ upgrader: OpaquePointer?, _ failure: UnsafeMutablePointer<ws_failure>?, _ body: (Upgrader) throws(WSError) -> Void
) -> Int32 {
  result(failure) { () throws(WSError) in
    guard let handle = object(upgrader, UpgraderHandle.self) else { throw .invalid }
    try body(handle.upgrader)
    return WS_OK
  }
}

/// The PEM file at a path.
private func file(_ path: UnsafePointer<CChar>?) throws(WSError) -> PEM {
  guard let path = string(path) else { throw .invalid }
  return .file(path)
}

/// PEM in memory.
private func text(_ data: UnsafeRawPointer?, _ size: Int) throws(WSError) -> PEM {
  guard let bytes = bytes(data, size) else { throw .invalid }
  return .text(bytes)
}

private func passwordSource(_ fn: ws_tls_password_fn?, _ user: UserPointer) -> KeyPasswordSource? {
  guard let fn else { return nil }
  return { space in
    let size = fn(space.baseAddress?.assumingMemoryBound(to: CChar.self), space.count, user.pointer)
    return size >= 0 ? Int(size) : nil
  }
}

private func contextHook(_ fn: ws_tls_context_fn?, _ user: UserPointer) -> TLSContextHook? {
  guard let fn else { return nil }
  return { context, library in fn(context, library, user.pointer) == 0 }
}

private func clientCertificates(_ mode: Int32) throws(WSError) -> ClientCertificates {
  switch Int(mode) {
  case WS_TLS_OPTIONAL: return .optional
  case WS_TLS_REQUIRED: return .required
  default: throw .invalid
  }
}

// MARK: - Dialers

@_cdecl("ws_dialer_add_tls_ca_file") @implementation
public func ws_dialer_add_tls_ca_file(
  _ dialer: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  configure(dialer, failure) { (dialer: Dialer) throws(WSError) in try dialer.addTLSAuthorities(file(path)) }
}

@_cdecl("ws_dialer_add_tls_ca_dir") @implementation
public func ws_dialer_add_tls_ca_dir(
  _ dialer: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  configure(dialer, failure) { (dialer: Dialer) throws(WSError) in
    guard let path = string(path) else { throw .invalid }
    try dialer.addTLSAuthorities(directory: path)
  }
}

@_cdecl("ws_dialer_add_tls_ca_pem") @implementation
public func ws_dialer_add_tls_ca_pem(
  _ dialer: OpaquePointer!, _ pem: UnsafeRawPointer!, _ size: Int, _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  configure(dialer, failure) { (dialer: Dialer) throws(WSError) in try dialer.addTLSAuthorities(text(pem, size)) }
}

@_cdecl("ws_dialer_add_tls_ca_system") @implementation
public func ws_dialer_add_tls_ca_system(_ dialer: OpaquePointer!, _ failure: UnsafeMutablePointer<ws_failure>!) -> Int32 {
  configure(dialer, failure) { (dialer: Dialer) throws(WSError) in try dialer.addTLSSystemAuthorities() }
}

@_cdecl("ws_dialer_set_tls_certificate") @implementation
public func ws_dialer_set_tls_certificate(
  _ dialer: OpaquePointer!, _ chain_path: UnsafePointer<CChar>!, _ key_path: UnsafePointer<CChar>!,
  _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  configure(dialer, failure) { (dialer: Dialer) throws(WSError) in
    try dialer.setTLSCertificate(chain: file(chain_path), key: file(key_path))
  }
}

@_cdecl("ws_dialer_set_tls_certificate_pem") @implementation
public func ws_dialer_set_tls_certificate_pem(
  _ dialer: OpaquePointer!, _ chain: UnsafeRawPointer!, _ chain_size: Int, _ key: UnsafeRawPointer!, _ key_size: Int,
  _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  configure(dialer, failure) { (dialer: Dialer) throws(WSError) in
    try dialer.setTLSCertificate(chain: text(chain, chain_size), key: text(key, key_size))
  }
}

@_cdecl("ws_dialer_set_tls_key_password") @implementation
public func ws_dialer_set_tls_key_password(_ dialer: OpaquePointer!, _ password: UnsafePointer<CChar>!) -> Int32 {
  configure(dialer, nil) { (dialer: Dialer) throws(WSError) in
    guard password != nil else { return try dialer.setTLSKeyPassword(from: nil) }
    guard let password = string(password) else { throw .invalid }
    try dialer.setTLSKeyPassword(password)
  }
}

@_cdecl("ws_dialer_set_tls_password_callback") @implementation
public func ws_dialer_set_tls_password_callback(
  _ dialer: OpaquePointer!, _ fn: ws_tls_password_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return configure(dialer, nil) { (dialer: Dialer) throws(WSError) in
    try dialer.setTLSKeyPassword(from: passwordSource(fn, user))
  }
}

@_cdecl("ws_dialer_set_tls_server_name") @implementation
public func ws_dialer_set_tls_server_name(_ dialer: OpaquePointer!, _ name: UnsafePointer<CChar>!) -> Int32 {
  configure(dialer, nil) { (dialer: Dialer) throws(WSError) in
    guard let name = string(name) else { throw .invalid }
    try dialer.setTLSServerName(name)
  }
}

@_cdecl("ws_dialer_set_tls_insecure_skip_verify") @implementation
public func ws_dialer_set_tls_insecure_skip_verify(_ dialer: OpaquePointer!, _ on: Int32) -> Int32 {
  configure(dialer, nil) { (dialer: Dialer) throws(WSError) in try dialer.setTLSInsecureSkipVerify(on != 0) }
}

@_cdecl("ws_dialer_set_tls_resumption") @implementation
public func ws_dialer_set_tls_resumption(_ dialer: OpaquePointer!, _ on: Int32) -> Int32 {
  configure(dialer, nil) { (dialer: Dialer) throws(WSError) in try dialer.setTLSResumption(on != 0) }
}

@_cdecl("ws_dialer_set_tls_key_log") @implementation
public func ws_dialer_set_tls_key_log(
  _ dialer: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  configure(dialer, failure) { (dialer: Dialer) throws(WSError) in
    guard let path = string(path) else { throw .invalid }
    try dialer.setTLSKeyLog(path)
  }
}

@_cdecl("ws_dialer_set_tls_context_hook") @implementation
public func ws_dialer_set_tls_context_hook(
  _ dialer: OpaquePointer!, _ fn: ws_tls_context_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return configure(dialer, nil) { (dialer: Dialer) throws(WSError) in try dialer.setTLSContextHook(contextHook(fn, user)) }
}

// MARK: - Upgraders

@_cdecl("ws_upgrader_set_tls_certificate") @implementation
public func ws_upgrader_set_tls_certificate(
  _ upgrader: OpaquePointer!, _ chain_path: UnsafePointer<CChar>!, _ key_path: UnsafePointer<CChar>!,
  _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  configure(upgrader, failure) { (upgrader: Upgrader) throws(WSError) in
    try upgrader.setTLSCertificate(chain: file(chain_path), key: file(key_path))
  }
}

@_cdecl("ws_upgrader_set_tls_certificate_pem") @implementation
public func ws_upgrader_set_tls_certificate_pem(
  _ upgrader: OpaquePointer!, _ chain: UnsafeRawPointer!, _ chain_size: Int, _ key: UnsafeRawPointer!, _ key_size: Int,
  _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  configure(upgrader, failure) { (upgrader: Upgrader) throws(WSError) in
    try upgrader.setTLSCertificate(chain: text(chain, chain_size), key: text(key, key_size))
  }
}

@_cdecl("ws_upgrader_set_tls_client_ca") @implementation
public func ws_upgrader_set_tls_client_ca(
  _ upgrader: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ mode: Int32, _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  configure(upgrader, failure) { (upgrader: Upgrader) throws(WSError) in
    try upgrader.setTLSClients(clientCertificates(mode), authorities: file(path))
  }
}

@_cdecl("ws_upgrader_set_tls_client_ca_pem") @implementation
public func ws_upgrader_set_tls_client_ca_pem(
  _ upgrader: OpaquePointer!, _ pem: UnsafeRawPointer!, _ size: Int, _ mode: Int32,
  _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  configure(upgrader, failure) { (upgrader: Upgrader) throws(WSError) in
    try upgrader.setTLSClients(clientCertificates(mode), authorities: text(pem, size))
  }
}

@_cdecl("ws_upgrader_set_tls_key_password") @implementation
public func ws_upgrader_set_tls_key_password(_ upgrader: OpaquePointer!, _ password: UnsafePointer<CChar>!) -> Int32 {
  configure(upgrader, nil) { (upgrader: Upgrader) throws(WSError) in
    guard password != nil else { return try upgrader.setTLSKeyPassword(from: nil) }
    guard let password = string(password) else { throw .invalid }
    try upgrader.setTLSKeyPassword(password)
  }
}

@_cdecl("ws_upgrader_set_tls_password_callback") @implementation
public func ws_upgrader_set_tls_password_callback(
  _ upgrader: OpaquePointer!, _ fn: ws_tls_password_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return configure(upgrader, nil) { (upgrader: Upgrader) throws(WSError) in
    try upgrader.setTLSKeyPassword(from: passwordSource(fn, user))
  }
}

@_cdecl("ws_upgrader_set_tls_key_log") @implementation
public func ws_upgrader_set_tls_key_log(
  _ upgrader: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ failure: UnsafeMutablePointer<ws_failure>!
) -> Int32 {
  configure(upgrader, failure) { (upgrader: Upgrader) throws(WSError) in
    guard let path = string(path) else { throw .invalid }
    try upgrader.setTLSKeyLog(path)
  }
}

@_cdecl("ws_upgrader_set_tls_context_hook") @implementation
public func ws_upgrader_set_tls_context_hook(
  _ upgrader: OpaquePointer!, _ fn: ws_tls_context_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return configure(upgrader, nil) { (upgrader: Upgrader) throws(WSError) in
    try upgrader.setTLSContextHook(contextHook(fn, user))
  }
}

@_cdecl("ws_upgrader_reload_tls") @implementation
public func ws_upgrader_reload_tls(_ upgrader: OpaquePointer!, _ failure: UnsafeMutablePointer<ws_failure>!) -> Int32 {
  configure(upgrader, failure) { (upgrader: Upgrader) throws(WSError) in try upgrader.reloadTLS() }
}

// MARK: - Connections

/// Lends what TLS tells of a peer; empty without TLS.
private func lend(
  _ peer: TLSPeer?, _ version: UnsafeMutablePointer<ws_bytes>?, _ subject: UnsafeMutablePointer<ws_bytes>?,
  _ certificate: UnsafeMutablePointer<ws_bytes>?
) throws(WSError) -> Int32 {
  guard let peer else { return WS_OK }
  let (name, der) = (try peer.subject(), try peer.certificate())
  version?.pointee = ws_bytes(peer.version)
  subject?.pointee = ws_bytes(name)
  certificate?.pointee = ws_bytes(der)
  return WS_OK
}

@_cdecl("ws_upgrade_tls") @implementation
public func ws_upgrade_tls(
  _ upgrade: OpaquePointer!, _ version: UnsafeMutablePointer<ws_bytes>!, _ subject: UnsafeMutablePointer<ws_bytes>!,
  _ certificate: UnsafeMutablePointer<ws_bytes>!
) -> Int32 {
  version?.pointee = ws_bytes()
  subject?.pointee = ws_bytes()
  certificate?.pointee = ws_bytes()
  return result { () throws(WSError) in
    guard let handle = object(upgrade, UpgradeHandle.self) else { throw .invalid }
    return try lend(handle.upgrade.tls, version, subject, certificate)
  }
}

@_cdecl("ws_conn_tls") @implementation
public func ws_conn_tls(
  _ conn: OpaquePointer!, _ version: UnsafeMutablePointer<ws_bytes>!, _ subject: UnsafeMutablePointer<ws_bytes>!,
  _ certificate: UnsafeMutablePointer<ws_bytes>!
) -> Int32 {
  version?.pointee = ws_bytes()
  subject?.pointee = ws_bytes()
  certificate?.pointee = ws_bytes()
  return onConn(conn) { (conn) throws(WSError) in try lend(conn.tls, version, subject, certificate) }
}
