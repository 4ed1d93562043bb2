// Answers to control frames. The reading half must never wait for the writing half, so an answer is kept, at most one pong (the
// latest) and one close frame, and leaves at once when nobody writes, else when the writer is done, else when the transport
// takes bytes again. RFC 6455 5.5.2: "It SHOULD respond with Pong frame as soon as is practical."
import Synchronization
import WSProtocol
import WSTransport

/// The payload of a control frame.
struct ControlPayload {
  private var bytes = InlineArray<125, UInt8>(repeating: 0)
  private var count = 0

  init(_ payload: ByteView) {
    count = min(payload.count, 125)
    for index in 0..<count { bytes[index] = payload[index] }
  }

  func withBytes<R, E: Error>(_ body: (ByteView) throws(E) -> R) throws(E) -> R {
    let span = bytes.span
    return try span.withUnsafeBytes { (all) throws(E) in try body(all.cut(0, count)) }
  }
}

/// What waits to be sent. Guarded by the connection's `stateLock`.
struct PendingReplies {
  var pong: ControlPayload?
  /// A ping of our own, by its number.
  var ping: UInt64?
  var close: ControlPayload?
}

/// How far `flushReplies` came.
enum Flush {
  /// Nothing waits any more.
  case done
  /// The transport is full.
  case blocked
  /// Another thread writes, and sends the answers when it is done.
  case busy
}

extension Conn {
  /// Sends an answer as soon as possible, without waiting.
  func reply(_ opcode: ControlOpcode, _ payload: ByteView) {
    let kept = ControlPayload(payload)
    stateLock.withLock {
      switch opcode {
      case .close: if replies.close == nil { replies.close = kept }
      case .pong: replies.pong = kept
      case .ping: replies.ping = ownPing(in: payload)
      }
      hasReplies.store(true, ordering: .relaxed)
    }
    flushOrHandOver()
  }

  /// Sends what waits, as far as the transport takes it now. What it does not take is the reader's to send, which is woken for it.
  func flushOrHandOver() {
    guard flushReplies() == .blocked else { return }
    let thread = currentThread()
    stateLock.withLock {
      switch reading.owner {
      case .nobody, .service: background.look(at: .now)
      case .reader, .closer, .pinger: if reading.thread != thread { wakeup?.raise() }
      }
    }
  }

  /// Sends what waits, as far as the transport takes it now.
  func flushReplies() -> Flush {
    // Either this thread gets the lock, or the one that holds it sees `hasReplies` after it has unlocked: that needs one order
    // of the two for all threads.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    while hasReplies.load(ordering: .acquiring) {
      guard writeLock.tryLock() else { return .busy }
      let flushed = pushReplies()
      unlockWriter()
      atomicMemoryFence(ordering: .sequentiallyConsistent)
      guard flushed else { return .blocked }
    }
    return .done
  }

  /// Under `writeLock`. False: the transport is full.
  private func pushReplies() -> Bool {
    do throws(TransportError) {
      guard try pushResidue() else { return false }
      while let (opcode, payload) = takeReply() {
        guard try push(opcode, payload) else { return false }
      }
      return true
    } catch {
      _ = failWriting(WSError(error))
      dropReplies()
      return true
    }
  }

  /// True when nothing of an earlier frame is left.
  private func pushResidue() throws(TransportError) -> Bool {
    while writeFailure == nil, !outgoing.isEmpty {
      let sent = try put(outgoing.bytes, .empty)
      guard sent > 0 else { return false }
      outgoing.discard(sent)
      outputMoved()
      if outgoing.isEmpty { endResidue() }
    }
    return true
  }

  /// Under `writeLock`, by a writer that may wait: sends what waits before the writer's own frame.
  func transmitReplies(within limit: WriteLimit) throws(WSError) {
    try drainOutgoing(within: limit)
    guard hasReplies.load(ordering: .acquiring) else { return }
    while outgoing.isEmpty, let (opcode, payload) = takeReply() {
      try payload.withBytes { (bytes) throws(WSError) in
        guard let frame = frame(opcode, bytes) else { return }
        do throws(WSError) {
          try transmit(frame, within: limit)
        } catch {
          if writeFailure == nil { putBack(opcode, payload) }
          throw error
        }
      }
    }
  }

  /// Sends one answer. False: the transport is full, and what did not leave is kept, as an answer or as the rest of a frame. Takes
  /// memory for such a rest alone, so that no answer is lost for want of it.
  private func push(_ opcode: ControlOpcode, _ payload: ControlPayload) throws(TransportError) -> Bool {
    var space = InlineArray<139, UInt8>(repeating: 0)  // FrameHeader.maximumSize and 125
    return try withUnsafeMutableBytes(of: &space) { (space) throws(TransportError) in
      try payload.withBytes { (bytes) throws(TransportError) in
        guard writeFailure == nil, let frame = frame(opcode, bytes) else { return true }
        var encoder = frame
        let encoded = UnsafeRawBufferPointer(space).cut(0, encoder.fill(space))
        announce(frame)
        var sent = 0
        defer { if sent == 0 { retract(frame) } }
        sent = try put(encoded, .empty)
        guard sent > 0 else {
          putBack(opcode, payload)
          return false
        }
        begin(frame)
        return keep(encoded.cut(from: sent), of: frame)
      }
    }
  }

  /// Under `writeLock`. True: there is nothing to keep.
  private func keep(_ rest: ByteView, of frame: OutgoingFrame) -> Bool {
    guard !rest.isEmpty else {
      end(frame)
      return true
    }
    do throws(OutOfMemory) { try outgoing.append(rest) } catch {
      _ = failWriting(.broken)
      return true
    }
    hasReplies.store(true, ordering: .releasing)
    outputMoved()
    return false
  }

  /// nil when the answer must not be sent any more. RFC 6455 5.5.1.
  private func frame(_ opcode: ControlOpcode, _ payload: ByteView) -> OutgoingFrame? {
    do throws(SendError) {
      return try sender.controlFrame(opcode, payload: payload, maskKey: maskKey())
    } catch {
      return nil
    }
  }

  /// `hasReplies` is set and cleared with `stateLock` held, so that none is lost; a frame that has begun keeps it set as well.
  private func takeReply() -> (ControlOpcode, ControlPayload)? {
    stateLock.withLock {
      if let pong = replies.pong {
        replies.pong = nil
        return (.pong, pong)
      }
      if let number = replies.ping, let payload = alive?.payload(of: number) {
        replies.ping = nil
        return (.ping, payload)
      }
      guard let close = replies.close else {
        hasReplies.store(false, ordering: .relaxed)
        return nil
      }
      replies.close = nil
      return (.close, close)
    }
  }

  /// A newer pong that arrived meanwhile stays.
  private func putBack(_ opcode: ControlOpcode, _ payload: ControlPayload) {
    stateLock.withLock {
      switch opcode {
      case .close: if replies.close == nil { replies.close = payload }
      case .pong: if replies.pong == nil { replies.pong = payload }
      case .ping: replies.ping = payload.withBytes { ownPing(in: $0) }
      }
      hasReplies.store(true, ordering: .relaxed)
    }
  }

  private func dropReplies() {
    stateLock.withLock {
      replies = PendingReplies()
      hasReplies.store(false, ordering: .relaxed)
    }
  }
}
