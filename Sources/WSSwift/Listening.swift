// Listening for connections: plain descriptors in and out, because accepting must not wait for a handshake.
import WSProtocol
import WSTransport

/// Where a server's connections come from.
public enum Listening {
  /// Listens on a host (nil: 127.0.0.1; "*": every address; "unix:" and a path; a name or a numeric address) and a port; 0 picks
  /// one. Returns the descriptor, which is the caller's to close, and the port. `.unresolved`, `.system`, `.noDescriptors`.
  public static func listen(host: ByteView?, port: UInt16) throws(WSError) -> (descriptor: Int32, port: UInt16) {
    do throws(TransportError) {
      let (descriptor, bound) = try Listener.listen(host: host, port: port)
      return (descriptor, bound)
    } catch {
      throw WSError(error)
    }
  }

  /// Waits for a connection and takes it, without a handshake. `.timeout`, `.noDescriptors` (after 100 ms, so that a loop does not
  /// spin), `.system`.
  public static func accept(
    _ descriptor: Int32, deadline: Deadline = .never
  ) throws(WSError) -> (descriptor: Int32, peer: SocketAddress) {
    do throws(TransportError) {
      let (accepted, peer) = try Listener.accept(descriptor, deadline: deadline)
      return (accepted, peer)
    } catch {
      throw WSError(error)
    }
  }

  /// Closes a descriptor that a failed call had taken; a number that is none is ignored.
  public static func close(descriptor: Int32) {
    Descriptor.close(descriptor)
  }
}
