// What dialers and upgraders know of TLS, and the contexts that are made of it.
import Synchronization
import WSProtocol
import WSTLS
import WSTransport

/// Certificates or a key in PEM form, RFC 7468.
public enum PEM {
  /// In the file of this path.
  case file(ByteView)
  /// These bytes.
  case text(ByteView)

  /// Calls with what WSTLS wants. `.invalid` for a path that is none.
  @_optimize(size)
  func withSource<R>(_ body: (PEMSource) throws(WSError) -> R) throws(WSError) -> R {
    switch self {
    case .file(let path): try withPath(path) { (path) throws(WSError) in try body(.file(path)) }
    case .text(let bytes): try body(.memory(bytes))
    }
  }
}

/// Gets OpenSSL's SSL_CTX when one has been made, and the handle that dlopen gave for the libssl it belongs to. False refuses it.
public typealias TLSContextHook = (UnsafeMutableRawPointer, UnsafeMutableRawPointer?) -> Bool

/// Puts the password of an encrypted key into the space and says how long it is; nil: there is none.
public typealias KeyPasswordSource = (UnsafeMutableRawBufferPointer) -> Int?

/// Calls with a path that ends with NUL. `.invalid` for an empty one, and one that holds a NUL.
@_optimize(size)
func withPath<R>(_ path: ByteView, _ body: (UnsafePointer<CChar>) throws(WSError) -> R) throws(WSError) -> R {
  guard !path.isEmpty, path.position(of: 0) == nil else { throw .invalid }
  var copy = ByteQueue()
  do throws(OutOfMemory) {
    try copy.append(path)
    try copy.append(0)
  } catch {
    throw .outOfMemory
  }
  guard let start = copy.bytes.baseAddress else { throw .outOfMemory }
  return try body(start.assumingMemoryBound(to: CChar.self))
}

/// Runs a call of the layer below.
@_optimize(size)
func tls<R>(_ body: () throws(TransportError) -> R) throws(WSError) -> R {
  do throws(TransportError) { return try body() } catch { throw WSError(error) }
}

/// A password that lies in memory.
@_optimize(size)
func keyPassword(_ text: ByteView) throws(WSError) -> KeyPassword {
  let copy = HeldBytes()
  do throws(OutOfMemory) { try copy.bytes.append(text) } catch { throw .outOfMemory }
  return KeyPassword { space in
    guard copy.bytes.count <= space.count else { return nil }
    space.copyMemory(from: copy.bytes.bytes)
    return copy.bytes.count
  }
}

/// Bytes that a closure keeps.
private final class HeldBytes {
  var bytes = ByteQueue()
}

/// A PEM text or the path of one, kept to be read again.
private struct StoredPEM: ~Copyable {
  private var bytes = ByteQueue()
  private var isFile = false
  /// Nothing was ever given; an empty text or path is something, and bad.
  private(set) var isNothing = true

  init() {}

  init(_ source: PEM) throws(WSError) {
    isNothing = false
    do throws(OutOfMemory) {
      switch source {
      case .file(let path):
        isFile = true
        try bytes.append(path)
      case .text(let text): try bytes.append(text)
      }
    } catch {
      throw .outOfMemory
    }
  }

  @_optimize(size)
  func withSource<R>(_ body: (PEMSource) throws(WSError) -> R) throws(WSError) -> R {
    let source: PEM = isFile ? .file(bytes.bytes) : .text(bytes.bytes)
    return try source.withSource(body)
  }
}

// MARK: - Clients

/// TLS of a dialer. Setters: one thread, before the first use. `context`: any thread.
final class ClientTLS: @unchecked Sendable {
  private var trust: TLSTrust?
  private var identity: TLSIdentity?
  var password: KeyPassword?
  var skipsVerification = false
  var resumes = true
  var keyLog: PrivateLog?
  var hook: TLSContextHook?
  /// Replaces the URL's host in SNI and in the check of the certificate, unless empty.
  var serverName = ByteQueue()

  private let lock = Lock()
  // Guarded by `lock`.
  private var context: TLSContext?
  private var anonymousContext: TLSContext?

  /// Adds issuers; with the first ones the system's are not believed any more, unless they are added too.
  @_optimize(size)
  func trust(_ add: (TLSTrust) throws(WSError) -> Void) throws(WSError) {
    if let trust { return try add(trust) }
    let new = try tls { () throws(TransportError) in try TLSTrust.empty() }
    try add(new)
    trust = new
  }

  @_optimize(size)
  func setIdentity(chain: PEM, key: PEM) throws(WSError) {
    identity = try chain.withSource { (chain) throws(WSError) in
      try key.withSource { (key) throws(WSError) in try loadIdentity(chain, key, password) }
    }
  }

  /// The context, made at its first use: a dialer that never dials wss needs no OpenSSL. Without our certificate where a request does
  /// not go to whom the application meant.
  @_optimize(size)
  func context(showsIdentity: Bool) throws(WSError) -> TLSContext {
    let showsIdentity = showsIdentity || identity == nil
    if let made = lock.withLock({ showsIdentity ? context : anonymousContext }) { return made }
    let made = try tls { () throws(TransportError) in
      try TLSContext.client(
        trust: trust, identity: showsIdentity ? identity : nil, isChecked: !skipsVerification, resumes: resumes, keyLog: keyLog,
        isHandedOut: hook != nil)
    }
    if let hook, !hook(made.pointer, TLSContext.library) { throw .refusedByHandler }
    return lock.withLock {
      // Two threads that come first at once: all take the same one.
      if showsIdentity {
        context = context ?? made
        return context ?? made
      }
      anonymousContext = anonymousContext ?? made
      return anonymousContext ?? made
    }
  }
}

@_optimize(size)
private func loadIdentity(_ chain: PEMSource, _ key: PEMSource, _ password: KeyPassword?) throws(WSError) -> TLSIdentity {
  try tls { () throws(TransportError) in try TLSIdentity.load(chain: chain, key: key, password: password) }
}

// MARK: - Servers

/// TLS of an upgrader. Any thread.
final class ServerTLS: @unchecked Sendable {
  /// One thread at a time makes a context; meanwhile others go on with the one before.
  private let making = Lock()
  // Guarded by `making`.
  private var chain = StoredPEM()
  private var key = StoredPEM()
  private var authorities = StoredPEM()
  private var clients = ClientCertificates.unwanted
  private var password: KeyPassword?
  private var keyLog: PrivateLog?
  private var hook: TLSContextHook?

  private let lock = Lock()
  // Guarded by `lock`.
  private var context: TLSContext?

  /// What connections that begin now use; nil: no TLS.
  var current: TLSContext? { lock.withLock { context } }

  @_optimize(size)
  func setIdentity(chain: PEM, key: PEM) throws(WSError) {
    try making.withLock { () throws(WSError) in
      var newChain = try StoredPEM(chain)
      var newKey = try StoredPEM(key)
      swap(&self.chain, &newChain)
      swap(&self.key, &newKey)
      do throws(WSError) {
        try renew()
      } catch {
        swap(&self.chain, &newChain)
        swap(&self.key, &newKey)
        throw error
      }
    }
  }

  @_optimize(size)
  func setClients(_ clients: ClientCertificates, _ authorities: PEM) throws(WSError) {
    try making.withLock { () throws(WSError) in
      var new = try StoredPEM(authorities)
      let before = self.clients
      swap(&self.authorities, &new)
      self.clients = clients
      do throws(WSError) {
        _ = try loadTrust()
        try renew()
      } catch {
        swap(&self.authorities, &new)
        self.clients = before
        throw error
      }
    }
  }

  @_optimize(size)
  func setPassword(_ password: KeyPassword?) { making.withLock { self.password = password } }

  @_optimize(size)
  func setKeyLog(_ log: PrivateLog?) throws(WSError) {
    try making.withLock { () throws(WSError) in
      keyLog = log
      try renew()
    }
  }

  @_optimize(size)
  func setHook(_ hook: TLSContextHook?) throws(WSError) {
    try making.withLock { () throws(WSError) in
      self.hook = hook
      try renew()
    }
  }

  /// Reads everything again. When something of it is bad, all stays as it was. `.state` without a certificate.
  @_optimize(size)
  func reload() throws(WSError) {
    try making.withLock { () throws(WSError) in
      guard !chain.isNothing else { throw .state }
      try renew()
    }
  }

  /// Makes the context anew, once there is a certificate.
  @_optimize(size)
  private func renew() throws(WSError) {
    guard !chain.isNothing else { return }
    let identity = try chain.withSource { (chain) throws(WSError) in
      try key.withSource { (key) throws(WSError) in try loadIdentity(chain, key, password) }
    }
    let trust = try loadTrust()
    let made = try tls { () throws(TransportError) in
      try TLSContext.server(identity: identity, clients: clients, clientTrust: trust, keyLog: keyLog)
    }
    if let hook, !hook(made.pointer, TLSContext.library) { throw .refusedByHandler }
    lock.withLock { context = made }
  }

  @_optimize(size)
  private func loadTrust() throws(WSError) -> TLSTrust? {
    guard !authorities.isNothing else { return nil }
    return try authorities.withSource { (source) throws(WSError) in
      try tls { () throws(TransportError) in
        let trust = try TLSTrust.empty()
        try trust.add(source)
        return trust
      }
    }
  }
}
