// The bytes of an opening handshake over a transport, in either direction: send all, receive a head, keep what came behind it.
import WSProtocol
import WSTransport

/// A stream during the opening handshake. Its functions stand in many places that nobody waits for: they are never inlined. One thread at a time; a cancellation may come from any.
struct HandshakeChannel: ~Copyable {
  let transport: any Transport
  private let cancellation: Cancellation?
  /// What was received and not taken yet.
  var received = ByteQueue()

  init(_ transport: any Transport, cancellation: Cancellation?) {
    self.transport = transport
    self.cancellation = cancellation
  }

  /// Adds bytes that the caller had received before.
  mutating func prepend(_ bytes: ByteView) throws(WSError) {
    do throws(OutOfMemory) { try received.append(bytes) } catch { throw .outOfMemory }
  }

  /// Sends everything.
  @inline(never)
  func send(_ bytes: ByteView, until deadline: Deadline) throws(WSError) {
    var rest = bytes
    do throws(TransportError) {
      while !rest.isEmpty {
        let sent = try transport.trySend(rest, .empty)
        rest = rest.cut(from: sent)
        if sent == 0 { try wait(for: .write, until: deadline) }
      }
    } catch {
      throw WSError(error)
    }
  }

  /// Receives once, behind what is there already. False: the stream has ended.
  @inline(never)
  mutating func receive(until deadline: Deadline) throws(WSError) -> Bool {
    do throws(OutOfMemory) { try received.reserve(4096) } catch { throw .outOfMemory }
    do throws(TransportError) {
      while true {
        try wait(for: .read, until: deadline)
        guard let count = try transport.tryReceive(into: received.freeSpace) else { continue }
        received.commit(count)
        return count > 0
      }
    } catch {
      throw WSError(error)
    }
  }

  /// Receives until the head is complete; what came behind it stays in `received`.
  @inline(never)
  mutating func receiveHead(
    _ head: inout MessageHead, until deadline: Deadline, failing: (HeadError) -> WSError
  ) throws(WSError) {
    while true {
      do throws(HeadError) {
        if let used = try head.feed(received.bytes) { return received.discard(used) }
      } catch {
        throw failing(error)
      }
      received.removeAll()
      guard try receive(until: deadline) else { throw .lost(0) }
    }
  }

  /// Receives until there are `wanted` bytes, the stream ends, or time is up; errors end it quietly.
  @inline(never)
  mutating func collect(_ wanted: Int, until deadline: Deadline) {
    do throws(WSError) {
      while received.count < wanted, try receive(until: deadline) {}
    } catch {}
  }

  /// Drops what was received.
  mutating func forgetReceived() { received.removeAll() }

  private func wait(for wanted: Readiness, until deadline: Deadline) throws(TransportError) {
    _ = try transport.wait(for: wanted, deadline: deadline, interruptible: false, wakeup: cancellation)
  }
}
