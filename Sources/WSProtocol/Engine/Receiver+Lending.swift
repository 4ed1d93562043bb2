// Who may look at the receiver's memory, for how long, and when it holds none.

extension Receiver {
  /// True in the middle of a frame or of a message: the stream must not end here.
  public var isInsideMessage: Bool {
    guard !isClosed else { return false }
    return message != nil || frame != nil || queue.count > lentFromQueue
  }

  /// The bytes of memory held for received bytes, used or not.
  public var memoryHeld: Int { queue.capacity &+ assembly.capacity &+ stillLent.capacity }

  /// Leaves memory in which nothing is kept to other connections; for the moment before a wait. Ends what was lent or offered.
  public mutating func releaseIdle() {
    endLending()
    if queue.isEmpty { queue.releaseToPool() }
    if assembly.isEmpty { assembly.releaseToPool() }
  }

  /// Nobody looks at what the last event lent any more.
  public mutating func endLent() { endLending() }

  /// Lets what the last event lent live on until `endKept`, while somebody else goes on reading. While something is kept already, nobody
  /// looks at anything else. The only error is `.outOfMemory`.
  public mutating func keepLent() throws(ProtocolError) {
    guard stillLent.isEmpty else { return endLending() }
    switch lent {
    case .nothing: return
    case .queue(let count):
      var rest = ByteQueue()
      do throws(OutOfMemory) { try rest.append(queue.bytes.cut(from: count)) } catch { throw fail(.outOfMemory) }
      swap(&queue, &rest)
      swap(&stillLent, &rest)
    case .assembly:
      swap(&stillLent, &assembly)
      assembly.release()
    }
    lent = .nothing
  }

  /// The user of what `keepLent` kept has come back.
  public mutating func endKept() { stillLent.release() }

  /// The caller has asked for something new: what was lent and what was offered is ours again.
  mutating func endLending() {
    offered = 0
    switch lent {
    case .nothing: return
    case .queue(let count): queue.discard(count)
    case .assembly:
      assembly.removeAll()
      if assembly.capacity > Self.keptBuffer { assembly.release() }
    }
    lent = .nothing
  }

  /// The bytes at the front of `queue` that have been taken and are still looked at.
  var lentFromQueue: Int {
    switch lent {
    case .queue(let count): count
    case .nothing, .assembly: 0
    }
  }
}
