// The time that ran out: how long it was, what was under way, and where it came from. It stands beside `.timeout` and `.broken`,
// because the call that waited knows it and the step that noticed does not.
import WSProtocol
import WSTransport

/// A time that ran out.
public struct TimeLimit: Equatable, Sendable {
  /// What was under way.
  public enum Step: Sendable {
    /// A read waited for a message.
    case reading
    /// A frame was sent, or waited for its turn.
    case writing
    /// The closing handshake. RFC 6455 7.1.2.
    case closing
    /// A ping waited for its pong.
    case pinging
    /// The host's name was looked up.
    case resolving
    /// An address was to take the connection.
    case connecting
    /// A proxy was to open the way.
    case proxying
    /// The handshake of TLS.
    case securing
    /// The request of the opening handshake was sent.
    case sendingRequest
    /// The server's response was awaited.
    case awaitingResponse
    /// The client's request was awaited.
    case awaitingRequest
    /// The response was sent.
    case sendingResponse
    /// A listener waited for a client.
    case accepting

    var text: StaticString {
      switch self {
      case .reading: "waiting for a message"
      case .writing: "waiting to send"
      case .closing: "waiting for the closing handshake"
      case .pinging: "waiting for a pong"
      case .resolving: "looking up the name"
      case .connecting: "connecting"
      case .proxying: "waiting for the proxy"
      case .securing: "waiting for the TLS handshake"
      case .sendingRequest: "sending the request"
      case .awaitingResponse: "waiting for the response"
      case .awaitingRequest: "waiting for the request"
      case .sendingResponse: "sending the response"
      case .accepting: "waiting for a client"
      }
    }
  }

  /// Who had set the time.
  public enum Source: Sendable {
    /// A timeout that the connection or configuration has a setter for.
    case timeout
    /// An absolute deadline that was set on the connection.
    case deadline
    /// A deadline that was given to the call.
    case call
    /// The library; nothing changes it.
    case library
  }

  /// What was under way.
  public let step: Step
  /// Who had set the time.
  public let source: Source
  /// How long it was; 0 for a deadline that had passed before.
  public let nanoseconds: UInt64

  /// A timeout.
  init(_ step: Step, milliseconds: Int64, by source: Source = .timeout) {
    self.step = step
    self.source = source
    let (product, isTooLong) = UInt64(clamping: milliseconds).multipliedReportingOverflow(by: 1_000_000)
    nanoseconds = isTooLong ? .max : product
  }

  /// A deadline, and what was left of it at the start, which is now unless given.
  public init(_ step: Step, until deadline: Deadline, from start: Deadline = .now, by source: Source = .call) {
    self.step = step
    self.source = source
    let isAhead = deadline.nanoseconds > start.nanoseconds
    nanoseconds = isAhead ? UInt64(bitPattern: deadline.nanoseconds &- start.nanoseconds) : 0
  }

  /// The deadline of a call, or for nil a timeout in milliseconds.
  init(_ step: Step, until deadline: Deadline?, from start: Deadline, orAfter timeout: Int64) {
    if let deadline {
      self.init(step, until: deadline, from: start)
    } else {
      self.init(step, milliseconds: timeout)
    }
  }

  /// "30 ms ran out while connecting".
  func write(to writer: inout TextWriter) {
    if nanoseconds == 0 {
      writer.append("the deadline had passed before ")
    } else {
      writer.append("", Int(clamping: (nanoseconds &+ 500_000) / 1_000_000), " ms ran out while ")
    }
    writer.append(step.text)
  }
}
