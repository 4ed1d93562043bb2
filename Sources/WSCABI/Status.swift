// The one map from errors to results, and from errors to the detail of a failure.
import CWSSwift
import WSProtocol
import WSSwift
import WSTransport

/// The result for an error. Exhaustive: a new error must decide what C sees.
func status(_ error: WSError) -> Int32 {
  switch error {
  case .invalid, .configuration: WS_ERR_INVALID.rawValue
  case .outOfMemory: WS_ERR_NOMEM.rawValue
  case .state: WS_ERR_STATE.rawValue
  case .refusedByHandler: WS_ERR_CALLBACK.rawValue
  case .noRoom: WS_ERR_ROOM.rawValue
  case .forked: WS_ERR_FORKED.rawValue
  case .system: WS_ERR_IO.rawValue
  case .timeout: WS_ERR_TIMEOUT.rawValue
  case .wouldBlock: Int32(WS_AGAIN)
  case .interrupted: Int32(WS_INTR)
  case .lost: WS_ERR_LOST.rawValue
  case .silent: WS_ERR_KEEPALIVE.rawValue
  case .broken: WS_ERR_BROKEN.rawValue
  case .aborted: WS_ERR_ABORTED.rawValue
  case .noDescriptors: WS_ERR_FDS.rawValue
  case .unconnected: WS_ERR_CONNECT.rawValue
  case .unresolved: WS_ERR_RESOLVE.rawValue
  case .tls: WS_ERR_TLS.rawValue
  case .proxy: WS_ERR_PROXY.rawValue
  case .url: WS_ERR_URL.rawValue
  case .violation(let violation): status(violation)
  case .send(let refusal): status(refusal)
  case .notJSON, .refusedJSON: WS_ERR_JSON.rawValue
  case .closed: WS_ERR_CLOSED.rawValue
  case .handshake(let fault): status(fault)
  case .status: WS_ERR_STATUS.rawValue
  }
}

private func status(_ error: ProtocolError) -> Int32 {
  switch error {
  case .reservedBits, .unknownOpcode, .controlTooLong, .controlFragmented, .messageInsideMessage, .unexpectedContinuation,
    .unmasked, .masked, .lengthNotMinimal, .lengthTooLarge, .closePayloadTooShort, .badCloseCode:
    WS_ERR_PROTOCOL.rawValue
  case .badCloseReason, .invalidUTF8: WS_ERR_UTF8.rawValue
  case .corruptDeflate: WS_ERR_DEFLATE.rawValue
  case .messageTooBig: WS_ERR_TOO_BIG.rawValue
  case .outOfMemory: WS_ERR_NOMEM.rawValue
  }
}

private func status(_ error: SendError) -> Int32 {
  switch error {
  case .closeSent: WS_ERR_CLOSE_SENT.rawValue
  case .controlTooLong, .badCloseCode, .badCloseReason: WS_ERR_INVALID.rawValue
  case .messageOpen, .noMessageOpen: WS_ERR_STATE.rawValue
  case .invalidUTF8: WS_ERR_UTF8.rawValue
  case .outOfMemory: WS_ERR_NOMEM.rawValue
  }
}

private func status(_ error: HandshakeError) -> Int32 {
  switch error {
  case .outOfMemory, .head(.outOfMemory): WS_ERR_NOMEM.rawValue
  case .hostNotAllowed: WS_ERR_HOST.rawValue
  case .originMissing, .originRepeated, .badOrigin, .originNotAllowed: WS_ERR_ORIGIN.rawValue
  case .head, .oldHTTPVersion, .upgradeMissing, .connectionMissing, .methodNotGet, .badTarget, .requestBody, .hostMissing,
    .hostRepeated, .badHostHeader, .versionMissing, .versionRepeated, .unsupportedVersion, .keyMissing, .keyRepeated,
    .badKey, .notSwitched, .responseUpgradeMissing, .responseConnectionMissing, .acceptMissing, .acceptRepeated,
    .acceptMismatch, .badExtensions, .extensionNotOffered, .extensionRepeated, .unknownDeflateParameter,
    .deflateParameterRepeated, .badDeflateParameter, .deflateParameterMissing, .deflateParameterNotOffered,
    .deflateWindowTooLarge, .subprotocolRepeated, .subprotocolNotOffered:
    WS_ERR_HANDSHAKE.rawValue
  }
}

/// Runs a call that may fail and gives its result. A success leaves errno alone.
@inline(__always)
func result(_ body: () throws(WSError) -> Int32) -> Int32 {
  let errno = SavedErrno()
  do throws(WSError) {
    let outcome = try body()
    errno.restore()
    return outcome
  } catch {
    return status(error)
  }
}

/// What is known of a failure beside its error.
struct FailureContext {
  /// Replaces the error's own words, unless empty.
  var explanation = ByteView.empty
  /// What ran out, where it is for want of time.
  var time: TimeLimit?
  /// The status that a client received, 0 when none, or that a server answered with; nil for a server that answers as the error says.
  var answeredStatus: Int?
  /// Whether it happened on the way to a proxy, not to the server.
  var isAtProxy = false
  /// Whether a ws_engine's setters have a say in it, not a ws_conn's.
  var isEngine = false
}

/// The same for a call that hands out a failure's detail.
func result(
  _ failure: UnsafeMutablePointer<ws_failure>?, context: () -> FailureContext = { FailureContext() },
  _ body: () throws(WSError) -> Int32
) -> Int32 {
  guard fill(failure, nil) else { return invalid }
  let errno = SavedErrno()
  do throws(WSError) {
    let outcome = try body()
    errno.restore()
    return outcome
  } catch {
    return fail(error, context(), failure)
  }
}

/// Never inlined, as `fill` below: each of some fifty functions would have its own copy.
@inline(never)
private func fail(_ error: WSError, _ context: FailureContext, _ failure: UnsafeMutablePointer<ws_failure>?) -> Int32 {
  _ = fill(failure, error, context)
  return status(error)
}

/// The size of ws_failure in 0.1, the least that a caller can mean.
private let smallestFailure = 256

/// Writes the detail, as much of it as the caller's struct has room for. False: struct_size was not set. NULL is fine.
@inline(never)
func fill(
  _ failure: UnsafeMutablePointer<ws_failure>?, _ error: WSError?, _ context: FailureContext = FailureContext()
) -> Bool {
  guard let failure else { return true }
  let room = Int(failure.pointee.struct_size)
  guard room >= smallestFailure else { return false }
  var detail = ws_failure()
  detail.struct_size = failure.pointee.struct_size
  if let error { describe(error, context, &detail) }
  copyOut(detail, to: failure, room)
  return true
}

/// Copies a struct, as much of it as the caller's has room for.
func copyOut<Struct>(_ value: Struct, to target: UnsafeMutablePointer<Struct>, _ room: Int) {
  withUnsafeBytes(of: value) { all in
    let count = min(room, all.count)
    UnsafeMutableRawBufferPointer(start: target, count: count).copyMemory(from: all.cut(0, count))
  }
}

private func describe(_ error: WSError, _ context: FailureContext, _ detail: inout ws_failure) {
  detail.code = status(error)
  detail.who = Int32(culprit(error))
  switch error {
  case .system(let code), .unconnected(let code), .noDescriptors(let code), .lost(let code): detail.os_errno = code
  case .tls(let error): describe(error, &detail)
  case .proxy(.refused(let status)): detail.http_status = Int32(truncatingIfNeeded: status)
  case .status(let status): detail.http_status = Int32(truncatingIfNeeded: status)
  case .handshake(let fault): detail.http_status = Int32(truncatingIfNeeded: context.answeredStatus ?? fault.status)
  case .closed(let code): detail.close_code = Int32(code.rawValue)
  case .silent(let timeout):
    detail.close_code = Int32(CloseCode.internalError.rawValue)
    detail.limit = UInt64(clamping: timeout)
  case .violation(let violation):
    detail.close_code = Int32(violation.closeCode.rawValue)
    if case .messageTooBig(let limit) = violation { detail.limit = limit }
  case .refusedByHandler: detail.http_status = Int32(truncatingIfNeeded: context.answeredStatus ?? 0)
  case .timeout, .broken:
    if let time = context.time {
      detail.who = Int32(WS_BY_TIMER)
      detail.limit = time.nanoseconds
    }
  case .invalid, .outOfMemory, .state, .noRoom, .forked, .wouldBlock, .interrupted, .aborted, .unresolved, .proxy, .url,
    .configuration, .send, .notJSON, .refusedJSON:
    break
  }
  withUnsafeMutableBytes(of: &detail.text) { text in
    let space = UnsafeMutableRawBufferPointer(rebasing: text[..<(text.count - 1)])
    let place = copy(ByteView(place(of: error, context)), to: space)
    let said =
      switch error {
      case .handshake where !context.explanation.isEmpty, .tls where !context.explanation.isEmpty,
        .status where !context.explanation.isEmpty:
        copy(context.explanation, to: space, behind: place)
      default: error.write(to: UnsafeMutableRawBufferPointer(rebasing: space[place...]), after: context.time)
      }
    copy(ByteView(remedy(error, context)), to: space, behind: place &+ said)
  }
}

/// What stands before the words of an error that may have happened in two places.
private func place(of error: WSError, _ context: FailureContext) -> StaticString {
  if case .proxy = error { return "" }
  return context.isAtProxy ? "proxy: " : ""
}

private func describe(_ error: TLSError, _ detail: inout ws_failure) {
  switch error {
  case .untrusted(let verify, let code):
    detail.tls_verify = verify
    detail.tls_error = code
  case .failed(let code), .badCertificate(let code), .badKey(let code), .badPassword(let code), .keyMismatch(let code):
    detail.tls_error = code
  case .unreadable(let code): detail.os_errno = code
  case .missing, .unusable, .flooded, .wrongProtocol, .noCertificate: break
  }
}

/// Copies what fits behind `start`, and says how much that was.
@discardableResult
func copy(_ text: ByteView, to space: UnsafeMutableRawBufferPointer, behind start: Int = 0) -> Int {
  guard let base = space.baseAddress, start < space.count else { return 0 }
  let fitting = text.cut(0, space.count &- start)
  UnsafeMutableRawBufferPointer(start: base + start, count: fitting.count).copyMemory(from: fitting)
  return fitting.count
}

/// Which call changes what was in the way.
private func remedy(_ error: WSError, _ context: FailureContext) -> StaticString {
  switch error {
  case .silent: context.isEngine ? "; ws_engine_set_keepalive changes it" : "; ws_conn_set_keepalive changes it"
  case .violation(.messageTooBig):
    context.isEngine ? "; ws_engine_set_read_limit changes it" : "; ws_conn_set_read_limit changes it"
  case .violation(.invalidUTF8), .send(.invalidUTF8):
    context.isEngine ? "; ws_engine_set_check_utf8 switches the check off" : "; ws_conn_set_check_utf8 switches the check off"
  case .noRoom: "; the message is kept for the next read"
  case .noDescriptors: "; the limit is RLIMIT_NOFILE of the process"
  case .timeout, .broken: context.time.map { remedy($0) } ?? ""
  case .status(let status) where Redirect.isRedirect(status) && !context.isEngine:
    "; ws_dialer_set_redirects sets how many are followed"
  case .state, .invalid, .outOfMemory, .refusedByHandler, .forked, .wouldBlock, .interrupted, .lost, .aborted, .system,
    .unconnected, .unresolved, .tls, .proxy, .url, .configuration, .violation, .send, .closed, .notJSON, .refusedJSON,
    .handshake, .status:
    ""
  }
}

/// Which call sets the time that ran out.
private func remedy(_ time: TimeLimit) -> StaticString {
  switch (time.source, time.step) {
  case (.library, _): ""
  case (.call, _): "; the call's deadline_ns changes it"
  case (.deadline, .writing): "; ws_conn_set_write_deadline changes it"
  case (.deadline, _): "; ws_conn_set_read_deadline changes it"
  case (.timeout, .reading): "; ws_conn_set_read_timeout changes it"
  case (.timeout, .writing): "; ws_conn_set_write_timeout changes it"
  case (.timeout, .closing): "; ws_conn_set_close_timeout changes it"
  case (.timeout, .resolving), (.timeout, .connecting), (.timeout, .proxying), (.timeout, .sendingRequest),
    (.timeout, .awaitingResponse):
    "; ws_dialer_set_timeout changes it"
  case (.timeout, .securing): "; ws_dialer_set_timeout or ws_upgrader_set_timeout changes it"
  case (.timeout, .awaitingRequest), (.timeout, .sendingResponse): "; ws_upgrader_set_timeout changes it"
  case (.timeout, .pinging), (.timeout, .accepting): ""
  }
}

private func culprit(_ error: WSError) -> Int {
  switch error {
  case .violation(.outOfMemory): WS_BY_SYSTEM
  case .violation(.messageTooBig), .noRoom: WS_BY_LIMIT
  case .violation, .closed, .lost, .notJSON, .handshake, .status: WS_BY_PEER
  case .timeout, .silent: WS_BY_TIMER
  case .invalid, .state, .refusedByHandler, .forked, .wouldBlock, .interrupted, .aborted, .url, .configuration, .send,
    .refusedJSON:
    WS_BY_US
  case .tls(let error): culprit(error)
  case .proxy(.badURL), .proxy(.nameTooLong): WS_BY_US
  case .proxy: WS_BY_PEER
  case .outOfMemory, .system, .broken, .noDescriptors, .unconnected, .unresolved: WS_BY_SYSTEM
  }
}

private func culprit(_ error: TLSError) -> Int {
  switch error {
  case .missing, .unusable: WS_BY_SYSTEM
  case .untrusted, .failed, .flooded, .wrongProtocol: WS_BY_PEER
  case .unreadable, .badCertificate, .badKey, .badPassword, .keyMismatch, .noCertificate: WS_BY_US
  }
}
