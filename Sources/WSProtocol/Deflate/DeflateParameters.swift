// What both sides have agreed on about compression. RFC 7692 7.1.

/// The parameters of an agreed permessage-deflate.
public struct DeflateParameters: Equatable, Sendable {
  /// Whether the server compresses each message with what it sent before in mind. RFC 7692 7.1.1.1.
  public var serverKeepsContext: Bool
  /// Whether the client does. RFC 7692 7.1.1.2.
  public var clientKeepsContext: Bool
  /// The binary logarithm of the server's window, 8 to 15. RFC 7692 7.1.2.1.
  public var serverWindowBits: Int
  /// The client's. RFC 7692 7.1.2.2.
  public var clientWindowBits: Int

  /// What no parameter at all means.
  public init(
    serverKeepsContext: Bool = true, clientKeepsContext: Bool = true, serverWindowBits: Int = 15, clientWindowBits: Int = 15
  ) {
    self.serverKeepsContext = serverKeepsContext
    self.clientKeepsContext = clientKeepsContext
    self.serverWindowBits = serverWindowBits
    self.clientWindowBits = clientWindowBits
  }

  /// Whether what that role sends is compressed with context takeover.
  public func keepsContext(_ role: Role) -> Bool {
    switch role {
    case .client: clientKeepsContext
    case .server: serverKeepsContext
    }
  }

  /// The window bits of what that role sends.
  public func windowBits(_ role: Role) -> Int {
    switch role {
    case .client: clientWindowBits
    case .server: serverWindowBits
    }
  }
}
