// One opening handshake on the server's side: the request, a look at it, and an answer. RFC 6455 4.2.
import WSProtocol
import WSTLS
import WSTransport

/// An attempt to upgrade one connection. One thread at a time.
public final class Upgrade: @unchecked Sendable {
  private enum Stage {
    case waiting
    case requested
    case answered
  }

  private let upgrader: Upgrader
  private var channel: HandshakeChannel
  private var stage = Stage.waiting

  /// The request's head, complete once it was received.
  public private(set) var request = MessageHead(.request)
  private var explanationBytes = ByteQueue()
  /// What TLS tells of the client; nil without TLS, and before `receiveRequest`.
  public private(set) var tls: TLSPeer?
  /// The time that ran out, after `.timeout`.
  public private(set) var timeLimit: TimeLimit?

  /// How long a refusal may take to leave.
  private static let refusalGrace: Int64 = 1000

  /// Cannot fail: Embedded Swift leaks an object whose `init` throws half-way.
  init(_ upgrader: Upgrader, channel: consuming HandshakeChannel) {
    self.upgrader = upgrader
    self.channel = channel
  }

  /// Why the request was refused, with what the peer sent quoted and escaped; empty when there is no more to say than the error.
  /// Borrowed from the attempt.
  public var explanation: ByteView { explanationBytes.bytes }

  /// Carries out the handshake of TLS where the upgrader has a certificate; reads and checks the request; a bad one is answered.
  /// `deadline`, for both, is the upgrader's timeout unless given. Errors: `.tls`, `.handshake`, `.timeout`, `.lost`, `.system`; `.state` when called again.
  public func receiveRequest(deadline: Deadline? = nil) throws(WSError) {
    guard case .waiting = stage else { throw .state }
    stage = .answered
    let start = Deadline.now
    let until = deadline ?? upgrader.configuredDeadline
    var step = TimeLimit.Step.securing
    do throws(WSError) {
      try secure(until: until)
      step = .awaitingRequest
      try channel.receiveHead(&request, until: until) { error in
        WSError(.head(error))
      }
      try check()
    } catch {
      if case .handshake(let fault) = error { refuse(fault) }
      if case .outOfMemory = error { refuse(.outOfMemory) }
      if case .timeout = error {
        timeLimit = TimeLimit(step, until: deadline, from: start, orAfter: upgrader.timeout)
      }
      throw error
    }
    stage = .requested
  }

  /// What was received before belongs to TLS.
  private func secure(until deadline: Deadline) throws(WSError) {
    guard let context = upgrader.serverTLS.current else { return }
    let stream = try WSSwift.tls { () throws(TransportError) in
      let stream = try TLSStream.make(
        context, over: channel.transport, serverName: nil, alreadyRead: channel.received.bytes)
      try stream.handshake(until: deadline, cancellation: nil)
      return stream
    }
    channel = HandshakeChannel(stream, cancellation: nil)
    tls = TLSPeer(stream)
  }

  /// Answers 101 and gives the connection. Errors: `.timeout`, `.lost`, `.system`; `.state` before the request or after an answer.
  public func accept(deadline: Deadline? = nil) throws(WSError) -> Conn {
    guard case .requested = stage else { throw .state }
    stage = .answered
    var response = ByteQueue()
    do throws(OutOfMemory) {
      try ServerHandshake.writeAccept(to: &response, request: request, configuration: upgrader.configuration)
    } catch {
      throw .outOfMemory
    }
    let start = Deadline.now
    do throws(WSError) {
      try channel.send(response.bytes, until: deadline ?? upgrader.configuredDeadline)
    } catch {
      if case .timeout = error {
        timeLimit = TimeLimit(.sendingResponse, until: deadline, from: start, orAfter: upgrader.timeout)
      }
      throw error
    }
    let conn = try Conn(
      transport: channel.transport, role: .server, readLimit: upgrader.readLimit,
      agreement: ServerHandshake.agreement(request, configuration: upgrader.configuration),
      alreadyRead: channel.received.bytes)
    conn.tls = tls
    return conn
  }

  /// Answers with a status of 300 to 599 and a text body of at most 64 KiB, and closes. `.invalid`, `.state` as `accept`.
  public func refuse(status: Int, body: ByteView) throws(WSError) {
    guard (300...599).contains(status), body.count <= 65536 else { throw .invalid }
    guard case .requested = stage else { throw .state }
    stage = .answered
    var response = ByteQueue()
    do throws(OutOfMemory) {
      try ServerHandshake.writeRefusal(to: &response, status: status, body: body)
    } catch {
      throw .outOfMemory
    }
    sendAndClose(response.bytes)
  }

  private func check() throws(WSError) {
    do throws(HandshakeError) {
      try ServerHandshake.check(
        request, configuration: upgrader.configuration, isSecure: tls != nil,
        isLoopback: channel.transport.address(of: .local).isLoopback)
    } catch {
      do throws(OutOfMemory) {
        try HandshakeError.explain(error, request: request, to: &explanationBytes)
      } catch {
        explanationBytes.release()
      }
      throw WSError(error)
    }
  }

  /// What cannot start an HTTP request gets no answer in HTTP.
  private func refuse(_ fault: HandshakeError) {
    var response = ByteQueue()
    do throws(OutOfMemory) { try ServerHandshake.writeRefusal(to: &response, error: fault) } catch { return }
    sendAndClose(response.bytes)
  }

  /// Sends the answer and takes what the client still sends for a moment, so that the answer is not reset away.
  private func sendAndClose(_ bytes: ByteView) {
    let deadline = Deadline.after(milliseconds: Self.refusalGrace)
    do throws(WSError) { try channel.send(bytes, until: deadline) } catch { return }
    channel.transport.finishSending()
    do throws(WSError) {
      while !deadline.isPast, try channel.receive(until: deadline) { channel.forgetReceived() }
    } catch {}
    channel.transport.abort()
  }
}
