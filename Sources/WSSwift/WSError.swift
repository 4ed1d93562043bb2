// Everything that can go wrong, for Swift users: the layers' errors joined in one enum, each with its sentence.
import WSProtocol
import WSTransport

/// When to give up, on the clock of CLOCK_MONOTONIC.
public typealias Deadline = WSTransport.Deadline

/// The address of one end of a connection.
public typealias SocketAddress = WSTransport.SocketAddress

/// Why TLS is not possible, or has ended.
public typealias TLSError = WSTransport.TLSError

/// The ends of a connection.
public typealias End = WSTransport.End

/// Why a call failed.
public enum WSError: Error {
  /// An argument is out of its range.
  case invalid
  /// No memory.
  case outOfMemory
  /// Not now: two readers at once, or a configuration that is in use.
  case state
  /// A handler said no; that half has ended.
  case refusedByHandler
  /// The message is larger than the room given; it is kept for the next read.
  case noRoom(needed: Int)
  /// The connection belongs to the parent process.
  case forked
  /// The system said no.
  case system(Int32)
  /// Nothing happened in time; the call may be repeated. A `TimeLimit` beside it says how long that was.
  case timeout
  /// Nothing was taken, because it would have to wait and the connection is non-blocking.
  case wouldBlock
  /// A signal arrived, where the caller asked to be told.
  case interrupted
  /// The connection ended without a close frame. RFC 6455 7.1.5, code 1006. The errno of a reset, 0 for an orderly end.
  case lost(Int32)
  /// The peer was silent for so many nanoseconds behind a ping of the keepalive.
  case silent(Int64)
  /// A write stopped inside a frame.
  case broken
  /// Aborted, cancelled or freed.
  case aborted
  /// No descriptor left; errno.
  case noDescriptors(Int32)
  /// No address of the host took the connection; the errno of the last one.
  case unconnected(Int32)
  /// The host name has no address; the resolver's code.
  case unresolved(Int32)
  /// TLS failed.
  case tls(TLSError)
  /// The proxy did not open the way.
  case proxy(ProxyError)
  /// Not a ws or wss URL. RFC 6455 3.
  case url(URLError)
  /// A configuration value that must not be used.
  case configuration(ConfigurationError)
  /// The peer broke the protocol. RFC 6455 7.1.7.
  case violation(ProtocolError)
  /// A frame that must not be sent.
  case send(SendError)
  /// The message received is not one JSON document; it is gone, and the connection goes on.
  case notJSON(JSONError)
  /// The text to send is not one JSON document; nothing was sent.
  case refusedJSON(JSONError)
  /// The peer closed with a code other than 1000, 1001 and none.
  case closed(CloseCode)
  /// The opening handshake failed. RFC 6455 4.
  case handshake(HandshakeError)
  /// The server answered with another status than 101.
  case status(Int)

  init(_ error: ConfigurationError) {
    self = error == .outOfMemory ? .outOfMemory : .configuration(error)
  }

  /// A frame that must not be sent, or for which there was no memory.
  public init(_ error: SendError) {
    self = error == .outOfMemory ? .outOfMemory : .send(error)
  }

  init(_ error: HandshakeError) {
    self = error == .outOfMemory || error == .head(.outOfMemory) ? .outOfMemory : .handshake(error)
  }

  init(_ error: ProxyError) {
    let isMemory = error == .outOfMemory || error == .badResponse(.outOfMemory) || error == .badURL(.outOfMemory)
    self = isMemory ? .outOfMemory : .proxy(error)
  }

  init(_ error: TransportError) {
    switch error {
    case .timeout: self = .timeout
    case .aborted: self = .aborted
    case .interrupted: self = .interrupted
    case .closed(let code): self = .lost(code)
    case .noDescriptors(let code): self = .noDescriptors(code)
    case .outOfMemory: self = .outOfMemory
    case .unresolved(let code): self = .unresolved(code)
    case .refused(let code): self = .unconnected(code)
    case .system(let code): self = .system(code)
    case .tls(let error): self = .tls(error)
    }
  }
}

/// The halves of a connection. Each fails on its own.
public enum Half: Sendable {
  /// Reading.
  case read
  /// Writing.
  case write
}
