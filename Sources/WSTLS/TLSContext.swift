// What the connections of one configuration share: the rules, our identity, whom we trust, and the sessions to resume.
import COpenSSL
import WSTransport

/// Whether a server asks clients for a certificate.
public enum ClientCertificates: Sendable {
  case unwanted
  /// Asked for; one that is sent must be good.
  case optional
  /// Without a good one there is no connection.
  case required
}

/// A configuration of TLS 1.2 and later for one side. It never changes once it is made: to change it, make another; connections keep
/// the one that they began with. Any thread.
public final class TLSContext: @unchecked Sendable {
  let context: OpaquePointer
  /// How OpenSSL reads and writes: through `TLSStream`.
  let bioMethod: OpaquePointer
  let isServer: Bool
  /// The sessions that a client may resume; nil when it does not.
  let sessions: TLSSessions?
  let keyLog: PrivateLog?

  private init(
    _ context: OpaquePointer, _ bioMethod: OpaquePointer, isServer: Bool, sessions: TLSSessions?, keyLog: PrivateLog?
  ) {
    self.context = context
    self.bioMethod = bioMethod
    self.isServer = isServer
    self.sessions = sessions
    self.keyLog = keyLog
  }

  /// A client's. `trust` nil: the system's issuers. `identity` is shown to servers that ask. `isChecked` off: every certificate is
  /// accepted. `keyLog` takes the secrets of connections, for tools that decrypt recorded traffic. `isHandedOut`: somebody may change what
  /// belongs to it. Throws `.tls`, `.outOfMemory`.
  public static func client(
    trust: TLSTrust? = nil, identity: TLSIdentity? = nil, isChecked: Bool = true, resumes: Bool = true,
    keyLog: PrivateLog? = nil, isHandedOut: Bool = false
  ) throws(TransportError) -> TLSContext {
    let made = try make(isServer: false, sessions: resumes ? TLSSessions() : nil, keyLog: keyLog)
    if isChecked || trust != nil { try made.use(trust, isHandedOut: isHandedOut) }
    if let identity { try identity.use(in: made.context) }
    let mode = isChecked ? ossl_SSL_VERIFY_PEER : ossl_SSL_VERIFY_NONE
    ossl_SSL_CTX_set_verify(made.context, mode, isChecked ? TLSCallbacks.noteRefusal : nil)
    try made.offerHTTP()
    if resumes {
      made.control(ossl_SSL_CTRL_SET_SESS_CACHE_MODE, ossl_SSL_SESS_CACHE_CLIENT | ossl_SSL_SESS_CACHE_NO_INTERNAL)
      ossl_SSL_CTX_sess_set_new_cb(made.context, TLSCallbacks.keepSession)
    }
    return made
  }

  /// A server's. `clientTrust` says whose clients are good. Throws `.tls`, `.outOfMemory`.
  public static func server(
    identity: TLSIdentity, clients: ClientCertificates = .unwanted, clientTrust: TLSTrust? = nil, keyLog: PrivateLog? = nil
  ) throws(TransportError) -> TLSContext {
    let made = try make(isServer: true, sessions: nil, keyLog: keyLog)
    try identity.use(in: made.context)
    // Sessions live in tickets, which clients keep. One of a client's certificate belongs to this context alone.
    made.control(ossl_SSL_CTRL_SET_SESS_CACHE_MODE, ossl_SSL_SESS_CACHE_OFF)
    let name: StaticString = "wsswift"
    guard ossl_SSL_CTX_set_session_id_context(made.context, name.utf8Start, UInt32(name.utf8CodeUnitCount)) == 1 else {
      throw TLSLibrary.failure { .failed($0) }
    }
    ossl_SSL_CTX_set_alpn_select_cb(made.context, TLSCallbacks.chooseHTTP, nil)
    try made.askClients(clients, clientTrust)
    return made
  }

  /// OpenSSL's SSL_CTX, for what this API does not offer. To be changed before the first connection only.
  public var pointer: UnsafeMutableRawPointer { UnsafeMutableRawPointer(context) }

  /// What dlopen gave for the libssl that the context belongs to: a process may hold several.
  public static var library: UnsafeMutableRawPointer? { copenssl_library() }

  private static func make(
    isServer: Bool, sessions: TLSSessions?, keyLog: PrivateLog?
  ) throws(TransportError) -> TLSContext {
    try TLSLibrary.load()
    ossl_ERR_clear_error()
    let context = try TLSLibrary.made(ossl_SSL_CTX_new(isServer ? ossl_TLS_server_method() : ossl_TLS_client_method()))
    guard let method = TLSCallbacks.makeBIOMethod() else {
      ossl_SSL_CTX_free(context)
      throw .outOfMemory
    }
    let made = TLSContext(context, method, isServer: isServer, sessions: sessions, keyLog: keyLog)
    try made.setRules()
    return made
  }

  private func setRules() throws(TransportError) {
    guard control(ossl_SSL_CTRL_SET_MIN_PROTO_VERSION, ossl_TLS1_2_VERSION) == 1 else {
      throw TLSLibrary.failure { .failed($0) }
    }
    _ = ossl_SSL_CTX_set_options(context, UInt64(ossl_SSL_OP_NO_RENEGOTIATION | ossl_SSL_OP_NO_COMPRESSION))
    // Idle connections hold no buffers; several records come with one system call.
    control(
      ossl_SSL_CTRL_MODE,
      ossl_SSL_MODE_ENABLE_PARTIAL_WRITE | ossl_SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | ossl_SSL_MODE_RELEASE_BUFFERS)
    control(ossl_SSL_CTRL_SET_READ_AHEAD, 1)
    // A read comes back after each record without data, so that they can be counted.
    control(ossl_SSL_CTRL_CLEAR_MODE, ossl_SSL_MODE_AUTO_RETRY)
    control(ossl_SSL_CTRL_SET_DH_AUTO, 1)
    // Without one OpenSSL would ask on the terminal.
    ossl_SSL_CTX_set_default_passwd_cb(context, KeyPassword.callback)
    if keyLog != nil { ossl_SSL_CTX_set_keylog_callback(context, TLSCallbacks.logKey) }
  }

  private func use(_ trust: TLSTrust?, isHandedOut: Bool) throws(TransportError) {
    if let trust {
      ossl_SSL_CTX_set1_cert_store(context, trust.store)
    } else if isHandedOut {
      guard ossl_SSL_CTX_set_default_verify_paths(context) == 1 else { throw TLSLibrary.failure { .badCertificate($0) } }
    } else {
      ossl_SSL_CTX_set1_cert_store(context, try TLSTrust.system().store)
    }
  }

  /// ALPN, RFC 7301: a list of names, each behind its length.
  private func offerHTTP() throws(TransportError) {
    let list: StaticString = "\u{8}http/1.1"
    guard ossl_SSL_CTX_set_alpn_protos(context, list.utf8Start, UInt32(list.utf8CodeUnitCount)) == 0 else {
      throw .outOfMemory
    }
  }

  private func askClients(_ clients: ClientCertificates, _ trust: TLSTrust?) throws(TransportError) {
    let mode: Int32
    switch clients {
    case .unwanted: return
    case .optional: mode = ossl_SSL_VERIFY_PEER
    case .required: mode = ossl_SSL_VERIFY_PEER | ossl_SSL_VERIFY_FAIL_IF_NO_PEER_CERT
    }
    ossl_SSL_CTX_set_verify(context, mode, TLSCallbacks.noteRefusal)
    try use(trust, isHandedOut: true)
    if let trust { ossl_SSL_CTX_set_client_CA_list(context, try trust.names()) }
  }

  @discardableResult
  private func control(_ command: Int32, _ value: Int32) -> Int {
    ossl_SSL_CTX_ctrl(context, command, Int(value), nil)
  }

  deinit {
    ossl_SSL_CTX_free(context)
    ossl_BIO_meth_free(bioMethod)
  }
}
