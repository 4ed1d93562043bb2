// TLS over any transport, as a transport.
//
// OpenSSL's object is never used by two threads at once: `lock` is held during every call of it, and never while anybody waits, so
// that a thread that waits for bytes holds up nobody who sends. Its records leave at once as far as the transport takes them; the
// rest waits in `unsent`. So a write never waits for reading, nor a read for writing, whatever TLS has to say in between.
import COpenSSL
import Synchronization
import WSTransport

/// A TLS connection over another transport. Receiving and sending begin after `handshake`.
public final class TLSStream: Transport, @unchecked Sendable {
  let context: TLSContext
  /// Whom a client wants to speak to.
  let serverName: TLSServerName?
  let transport: any Transport
  private let forkGeneration = ForkGuard.generation

  let lock = Lock()
  // Guarded by `lock`.
  var ssl: OpaquePointer?
  /// Records that the transport has not taken yet.
  var unsent = Backlog()
  /// What was received before TLS began.
  var early = Backlog()
  /// The last byte of what was handed in is in `unsent`, but was not reported as taken.
  var owesByte = false
  /// The transport had nothing when OpenSSL asked last.
  var hasDrained = false
  /// OpenSSL may hold bytes of the transport's that make data.
  var mayHoldData = true
  /// Reads that found records without data since the last one with some.
  var emptyReads = 0
  /// The failures of the two directions stay.
  var receiveFailure: TransportError?
  var sendFailure: TransportError?
  var peerHasFinished = false
  var isEstablished = false
  /// The transport's direction is to be ended when `unsent` has left.
  var finishes = false
  /// Records sent with the present keys.
  var recordsSent = 0
  var refusal: Int32 = 0
  var refusedNames = Backlog()

  /// Cannot fail: Embedded Swift leaks an object whose `init` throws half-way.
  init(_ context: TLSContext, over transport: any Transport, to serverName: TLSServerName?) {
    self.context = context
    self.transport = transport
    self.serverName = serverName
  }

  /// A stream that has sent nothing yet. `alreadyRead` was received before, and is copied. `serverName` is a client's, and is what the
  /// server's certificate must be for. `.outOfMemory`.
  public static func make(
    _ context: TLSContext, over transport: any Transport, serverName: TLSServerName?, alreadyRead: UnsafeRawBufferPointer
  ) throws(TransportError) -> TLSStream {
    // Without a name every certificate of an issuer that we trust would do.
    guard context.isServer || serverName != nil else {
      throw .tls(.untrusted(verify: ossl_X509_V_ERR_HOSTNAME_MISMATCH, code: 0))
    }
    let stream = TLSStream(context, over: transport, to: serverName)
    ossl_ERR_clear_error()
    stream.ssl = try TLSLibrary.made(ossl_SSL_new(context.context))
    let bio = try TLSLibrary.made(ossl_BIO_new(context.bioMethod))
    ossl_BIO_set_data(bio, Unmanaged.passUnretained(stream).toOpaque())
    ossl_BIO_set_init(bio, 1)
    ossl_SSL_set_bio(stream.ssl, bio, bio)
    guard stream.early.append(alreadyRead), stream.prepare() else { throw .outOfMemory }
    return stream
  }

  private func prepare() -> Bool {
    guard let ssl, !context.isServer else {
      ossl_SSL_set_accept_state(ssl)
      return true
    }
    ossl_SSL_set_connect_state(ssl)
    guard let serverName else { return true }
    guard serverName.apply(to: ssl) else { return false }
    if let session = context.sessions?.take(for: serverName) {
      _ = ossl_SSL_set_session(ssl, session)
      ossl_SSL_SESSION_free(session)
    }
    return true
  }

  var belongsToThisProcess: Bool { forkGeneration == ForkGuard.generation }

  // MARK: - What OpenSSL asks for, with `lock` held

  /// Receives from the transport. 0: nothing now; why, is remembered.
  func pull(into room: UnsafeMutableRawBufferPointer) -> Int {
    if !early.isEmpty { return early.take(into: room) }
    do throws(TransportError) {
      guard let count = try transport.tryReceive(into: room) else {
        hasDrained = true
        return 0
      }
      // The end of the stream without a word: somebody may have cut the rest off.
      if count == 0 { receiveFailure = .closed(0) }
      return count
    } catch {
      receiveFailure = error
      return 0
    }
  }

  /// Sends to the transport, and keeps what it does not take. A failure is the sender's to hear of.
  func push(_ record: UnsafeRawBufferPointer) {
    guard sendFailure == nil else { return }
    var rest = record
    do throws(TransportError) {
      while unsent.isEmpty, !rest.isEmpty {
        let sent = try transport.trySend(rest, UnsafeRawBufferPointer(start: nil, count: 0))
        guard sent > 0 else { break }
        rest = UnsafeRawBufferPointer(rebasing: rest[min(sent, rest.count)...])
      }
    } catch {
      sendFailure = error
      return
    }
    // Without memory the stream has a hole from here on.
    if !unsent.append(rest) { sendFailure = .closed(0) }
  }

  /// Sends what was kept, as far as it goes.
  func flush() {
    do throws(TransportError) {
      while sendFailure == nil, !unsent.isEmpty {
        let sent = try transport.trySend(unsent.bytes, UnsafeRawBufferPointer(start: nil, count: 0))
        guard sent > 0 else { return }
        unsent.discard(sent)
      }
    } catch {
      sendFailure = error
    }
    if finishes { transport.finishSending() }
  }

  // MARK: - The rest of Transport

  /// See `Transport.abort()`.
  public func abort() { transport.abort() }

  /// See `Transport.isAborted`.
  public var isAborted: Bool { transport.isAborted }

  /// See `Transport.pollDescriptor`.
  public var pollDescriptor: Int32 { transport.pollDescriptor }

  /// See `Transport.address(of:)`.
  public func address(of end: End) -> SocketAddress { transport.address(of: end) }

  /// See `Transport.finishSending()`. Sends close_notify first, RFC 8446 6.1. Does nothing in a forked child.
  public func finishSending() {
    guard belongsToThisProcess else { return }
    lock.withLock {
      guard !finishes else { return }
      finishes = true
      ossl_ERR_clear_error()
      if isEstablished, sendFailure == nil { _ = ossl_SSL_shutdown(ssl) }
      ossl_ERR_clear_error()
      flush()
    }
  }

  deinit {
    // The locks of OpenSSL may be locked for ever in a forked child.
    guard belongsToThisProcess, let ssl else { return }
    // A connection that was dropped says nothing about its session.
    ossl_SSL_set_shutdown(ssl, ossl_SSL_SENT_SHUTDOWN | ossl_SSL_RECEIVED_SHUTDOWN)
    ossl_SSL_free(ssl)
  }
}
