// What is known of the other end of a connection by TLS.
import WSProtocol
import WSTLS
import WSTransport

/// The peer of a TLS connection. What it hands out is borrowed from it. Any thread.
public final class TLSPeer: @unchecked Sendable {
  private let stream: TLSStream
  private let lock = Lock()
  // Guarded by `lock`; filled at the first look, because most connections are never looked at.
  private var isFilled = false
  private var subjectBytes = ByteQueue()
  private var certificateBytes = ByteQueue()

  init(_ stream: TLSStream) { self.stream = stream }

  /// The version agreed on, such as `TLSv1.3`.
  public var version: ByteView { stream.version }

  /// Whether a session of an earlier connection was resumed.
  public var isResumed: Bool { stream.isResumed }

  /// The subject of the peer's certificate as RFC 2253 writes it, such as `CN=example,O=Some`; empty without a certificate.
  public func subject() throws(WSError) -> ByteView {
    try filled { subjectBytes.bytes }
  }

  /// The peer's certificate in DER; empty without one.
  public func certificate() throws(WSError) -> ByteView {
    try filled { certificateBytes.bytes }
  }

  private func filled(_ bytes: () -> ByteView) throws(WSError) -> ByteView {
    lock.lock()
    defer { lock.unlock() }
    if !isFilled { try fill() }
    return bytes()
  }

  private func fill() throws(WSError) {
    do throws(OutOfMemory) {
      subjectBytes.removeAll()
      certificateBytes.removeAll()
      try stream.withPeerSubject { (subject) throws(OutOfMemory) in try subjectBytes.append(subject) }
      try stream.withPeerDER { (der) throws(OutOfMemory) in try certificateBytes.append(der) }
      isFilled = true
    } catch {
      throw .outOfMemory
    }
  }
}
