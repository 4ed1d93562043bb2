// Receiving, sending and waiting over TLS.
import COpenSSL
import WSTransport

extension TLSStream {
  /// Reads that find records and no data in them, one behind the other, before the peer is no longer listened to: new keys, for
  /// instance, cost us work and it nothing. A read takes 16 KiB at most.
  private static let emptyReadLimit = 32
  /// Records encrypted in one call: a thread that receives waits no longer than for these.
  private static let recordsAtOnce = 4
  /// Records before new keys are made, RFC 8446 5.5.
  static let recordsPerKey = 1 << 24

  private func checkNotAborted() throws(TransportError) {
    if isAborted { throw .aborted }
  }

  // MARK: - Receiving

  /// See `Transport.tryReceive(into:)`. 0 only after the peer's close_notify; a stream that ends without one throws `.closed(0)`.
  public func tryReceive(into room: UnsafeMutableRawBufferPointer) throws(TransportError) -> Int? {
    try checkNotAborted()
    lock.lock()
    defer { lock.unlock() }
    flush()
    var count = 0
    while count < room.count {
      let part = UnsafeMutableRawBufferPointer(rebasing: room[count...])
      do throws(TransportError) {
        guard let got = try receiveRecord(into: part), got > 0 else {
          if peerHasFinished || count > 0 { return count }
          return nil
        }
        count &+= got
      } catch {
        // What came before the failure counts; the next call tells of it.
        if count > 0 { return count }
        throw isAborted ? .aborted : error
      }
      // Asking for more would be a system call for nothing.
      if ossl_SSL_has_pending(ssl) == 0 { break }
    }
    return count
  }

  /// Data of one record. nil: nothing now, or the peer has finished.
  private func receiveRecord(into room: UnsafeMutableRawBufferPointer) throws(TransportError) -> Int? {
    while true {
      if let receiveFailure, !mayHoldData { throw receiveFailure }
      if peerHasFinished { return nil }
      ossl_ERR_clear_error()
      hasDrained = false
      var got = 0
      let result = ossl_SSL_read_ex(ssl, room.baseAddress, room.count, &got)
      guard result != 1 else {
        mayHoldData = true
        emptyReads = 0
        return got
      }
      guard try mustReadAgain(ossl_SSL_get_error(ssl, result)) else { return nil }
    }
  }

  /// Judges a read without data.
  private func mustReadAgain(_ error: Int32) throws(TransportError) -> Bool {
    switch error {
    case ossl_SSL_ERROR_ZERO_RETURN:
      peerHasFinished = true
      return false
    case ossl_SSL_ERROR_WANT_READ:
      mayHoldData = false
      if let failure = receiveFailure {
        // No memory in the kernel may pass.
        if failure == .outOfMemory { receiveFailure = nil }
        throw failure
      }
      if hasDrained { return false }
      emptyReads &+= 1
      guard emptyReads <= Self.emptyReadLimit else { throw failReceiving(.tls(.flooded)) }
      return true
    default:
      throw failReceiving(TLSLibrary.failure { .failed($0) })
    }
  }

  private func failReceiving(_ failure: TransportError) -> TransportError {
    mayHoldData = false
    let first = receiveFailure ?? failure
    receiveFailure = first
    return first
  }

  // MARK: - Sending

  /// See `Transport.trySend(_:_:)`. A record counts as taken when the transport has all of it: until then its last byte does not, so
  /// that whoever sends comes again. What is sent after a call that took nothing is at least two bytes long.
  public func trySend(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) throws(TransportError) -> Int {
    try checkNotAborted()
    lock.lock()
    defer { lock.unlock() }
    flush()
    let total = first.count &+ second.count
    // As a socket says it.
    if finishes { sendFailure = sendFailure ?? .closed(0) }
    guard unsent.isEmpty, total > 0, sendFailure == nil else {
      if let sendFailure { throw isAborted ? .aborted : sendFailure }
      return 0
    }
    var taken = owesByte ? 1 : 0
    owesByte = false
    for _ in 0..<Self.recordsAtOnce where taken < total && unsent.isEmpty {
      taken &+= try sendRecord(first, second, from: taken, upTo: total)
    }
    guard !unsent.isEmpty else { return taken }
    owesByte = true
    return taken &- 1
  }

  /// Encrypts one record. Its size never leaves a single byte for the next one.
  private func sendRecord(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, from offset: Int, upTo total: Int
  ) throws(TransportError) -> Int {
    changeKeysWhenDue()
    let rest = total &- offset
    let size = rest == Int(OSSL_RECORD) &+ 1 ? rest &- 2 : min(rest, Int(OSSL_RECORD))
    var taken = 0
    ossl_ERR_clear_error()
    let result = copenssl_write(ssl, first.baseAddress, first.count, second.baseAddress, offset, size, &taken)
    if let sendFailure { throw isAborted ? .aborted : sendFailure }
    guard result == 1 else {
      // Nothing that OpenSSL could wait for is left: what it writes is always taken, and peers cannot renegotiate.
      let failure = receiveFailure ?? TLSLibrary.failure { .failed($0) }
      sendFailure = failure
      throw failure
    }
    recordsSent &+= 1
    return taken
  }

  /// Only TLS 1.3 can; the older one's numbers do not run out.
  private func changeKeysWhenDue() {
    guard recordsSent >= Self.recordsPerKey else { return }
    recordsSent = 0
    _ = ossl_SSL_key_update(ssl, ossl_SSL_KEY_UPDATE_NOT_REQUESTED)
  }

  // MARK: - Waiting

  /// See `Transport.wait(for:deadline:interruptible:wakeup:)`. Sends what was kept meanwhile.
  public func wait(
    for wanted: Readiness, deadline: Deadline, interruptible: Bool, wakeup: (any Waker)?
  ) throws(TransportError) -> Readiness {
    while true {
      try checkNotAborted()
      let (ready, polled) = lock.withLock { (readyNow(wanted), needs(wanted)) }
      if !ready.isEmpty { return ready }
      let happened = try transport.wait(for: polled, deadline: deadline, interruptible: interruptible, wakeup: wakeup)
      if happened.isEmpty { return [] }
      let ended = lock.withLock { progress(happened, wanted) }
      if !ended.isEmpty { return ended }
    }
  }

  /// See `Transport.pollNeeds(for:)`.
  public func pollNeeds(for wanted: Readiness) -> Readiness? {
    // The transport may be TLS too, and hold bytes that no descriptor tells of.
    lock.withLock { readyNow(wanted).isEmpty ? transport.pollNeeds(for: needs(wanted)) : nil }
  }

  /// What would not have to wait for the transport.
  private func readyNow(_ wanted: Readiness) -> Readiness {
    var ready: Readiness = []
    if receiveFailure != nil || peerHasFinished || holdsData { ready.insert(.read) }
    if sendFailure != nil { ready.insert(.write) }
    return ready.intersection(wanted)
  }

  /// The beginning of a record is not worth a look: it has been seen that the rest is missing.
  private var holdsData: Bool {
    mayHoldData && (!early.isEmpty || ossl_SSL_has_pending(ssl) != 0)
  }

  private func needs(_ wanted: Readiness) -> Readiness {
    unsent.isEmpty ? wanted : wanted.union(.write)
  }

  private func progress(_ happened: Readiness, _ wanted: Readiness) -> Readiness {
    if happened.contains(.write) { flush() }
    return unsent.isEmpty || sendFailure != nil
      ? happened.intersection(wanted) : happened.intersection(wanted).subtracting(.write)
  }
}
