// Certificates, pairs of streams over a socket pair, and threads for the tests of this module.
import Foundation
import Testing
import WSTransport

@testable import WSTLS

/// A test waited in vain, or found nothing to work with.
enum TestFailure: Error {
  case hangs
  case noCertificates
  case noSocket(Int32)
}

/// The folder of certificates, made once for the whole run.
enum Certificates {
  static let folder: String = {
    let folder = NSTemporaryDirectory() + "wsswift-certificates-\(getpid())"
    let script = #filePath.replacingOccurrences(of: "WSTLSTests/TestSupport.swift", with: "Support/make_certificates")
    let maker = Process()
    maker.executableURL = URL(fileURLWithPath: "/bin/sh")
    maker.arguments = [script, folder]
    try? maker.run()
    maker.waitUntilExit()
    atexit { try? FileManager.default.removeItem(atPath: Certificates.folder) }
    return folder
  }()

  static func path(_ name: String) -> String { "\(folder)/\(name)" }

  static func text(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path(name)))) }
}

/// Calls with a file of the certificates' folder, or with any other path.
func withFile<R>(_ name: String, _ body: (PEMSource) throws -> R) rethrows -> R {
  try (name.hasPrefix("/") ? name : Certificates.path(name)).withCString { try body(.file($0)) }
}

func identity(_ chain: String = "good.pem", _ key: String? = nil, password: KeyPassword? = nil) throws -> TLSIdentity {
  let key = key ?? chain.replacingOccurrences(of: ".pem", with: ".key")
  return try withFile(chain) { chain in
    try withFile(key) { key in try TLSIdentity.load(chain: chain, key: key, password: password) }
  }
}

func trust(_ names: String...) throws -> TLSTrust {
  let trust = try TLSTrust.empty()
  for name in names { try withFile(name) { try trust.add($0) } }
  return trust
}

func serverName(_ host: String, port: UInt16 = 443, isAddress: Bool = false) throws -> TLSServerName {
  let name = Array(host.utf8).withUnsafeBytes { TLSServerName(host: $0, port: port, isAddress: isAddress) }
  return try #require(name)
}

/// The error that a body throws, or nil.
func failure<Value>(of body: () throws -> Value) -> TransportError? {
  do {
    _ = try body()
    return nil
  } catch {
    guard let error = error as? TransportError else {
      Issue.record(error)
      return nil
    }
    return error
  }
}

/// The same, when TLS is to blame.
func fault<Value>(of body: () throws -> Value) -> TLSError? {
  guard case .tls(let error) = failure(of: body) else { return nil }
  return error
}

/// Runs a body on a thread of its own. Whoever asks for its value waits for it, but not for ever.
final class Background<Value: Sendable>: @unchecked Sendable {
  private let finished = DispatchSemaphore(value: 0)
  private var outcome: Result<Value, any Error> = .failure(TestFailure.hangs)

  init(_ body: @escaping @Sendable () throws -> Value) {
    Thread { [self] in
      outcome = Result { try body() }
      finished.signal()
    }.start()
  }

  func value(within seconds: Double = 30) throws -> Value {
    guard finished.wait(timeout: .now() + seconds) == .success else { throw TestFailure.hangs }
    finished.signal()
    return try outcome.get()
  }

  func isDone(after milliseconds: Int) -> Bool {
    guard finished.wait(timeout: .now() + .milliseconds(milliseconds)) == .success else { return false }
    finished.signal()
    return true
  }
}

/// A deadline that a test on a busy machine should never meet.
var generous: Deadline { .after(milliseconds: 20_000) }
/// Looks once.
let past = Deadline(nanoseconds: 1)

func socketPair(buffer: Int32? = nil) throws -> (Socket, Socket) {
  var pair: [Int32] = [-1, -1]
  guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0 else { throw TestFailure.noSocket(errno) }
  if var buffer {
    for descriptor in pair { setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, 4) }
  }
  return (try Socket(adopting: pair[0]), try Socket(adopting: pair[1]))
}

var empty: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

func stream(
  _ context: TLSContext, over transport: any Transport, name: TLSServerName? = nil, alreadyRead: [UInt8] = []
) throws -> TLSStream {
  try alreadyRead.withUnsafeBytes {
    try TLSStream.make(context, over: transport, serverName: name, alreadyRead: $0)
  }
}

/// Both ends of a connection, before and after their handshake.
struct Pair {
  let client: TLSStream
  let server: TLSStream
  let clientSocket: Socket
  let serverSocket: Socket

  init(client: TLSContext, server: TLSContext, name: TLSServerName? = nil, buffer: Int32? = nil) throws {
    (clientSocket, serverSocket) = try socketPair(buffer: buffer)
    self.client = try stream(client, over: clientSocket, name: try name ?? serverName("localhost"))
    self.server = try stream(server, over: serverSocket)
  }

  /// A client that trusts `ca` and a server with the good certificate, connected.
  static func connected(buffer: Int32? = nil) throws -> Pair {
    let pair = try Pair(
      client: try .client(trust: try trust("ca.pem")), server: try .server(identity: try identity()), buffer: buffer)
    try pair.connect()
    // The session's tickets come with it.
    try pair.server.sendAll("ready")
    _ = try pair.client.receiveText(5)
    return pair
  }

  /// Carries both handshakes out.
  func connect() throws {
    let server = server
    let other = Background { try server.handshake(until: generous, cancellation: nil) }
    try client.handshake(until: generous, cancellation: nil)
    try other.value()
  }

  /// How both handshakes end.
  func failures() throws -> (client: TransportError?, server: TransportError?) {
    let (server, socket) = (server, serverSocket)
    let other = Background {
      let outcome = failure { try server.handshake(until: generous, cancellation: nil) }
      if outcome != nil { socket.finishSending() }
      return outcome
    }
    let ours = failure { try client.handshake(until: generous, cancellation: nil) }
    if ours != nil { clientSocket.finishSending() }
    return (ours, try other.value())
  }
}

extension Transport {
  /// Sends all of it in two pieces, waiting as needed.
  func sendAll(_ bytes: [UInt8], split: Int? = nil, deadline: Deadline = generous) throws {
    var start = 0
    let split = split ?? bytes.count / 2
    while start < bytes.count {
      let sent = try bytes.withUnsafeBytes { all in
        let middle = max(start, split)
        return try trySend(.init(rebasing: all[start..<middle]), .init(rebasing: all[middle...]))
      }
      start += sent
      if sent == 0 { _ = try wait(for: .write, deadline: deadline, interruptible: false) }
    }
  }

  func sendAll(_ text: String) throws { try sendAll(Array(text.utf8)) }

  /// What arrives next, empty at the end of the stream; waits as needed.
  func receive(upTo count: Int = 65536, deadline: Deadline = generous) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    while true {
      if let got = try bytes.withUnsafeMutableBytes({ try tryReceive(into: $0) }) { return Array(bytes[..<got]) }
      _ = try wait(for: .read, deadline: deadline, interruptible: false)
    }
  }

  /// So many bytes.
  func receiveExactly(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = try receive(upTo: min(count - bytes.count, 65536))
      guard !more.isEmpty else { return bytes }
      bytes += more
    }
    return bytes
  }

  func receiveText(_ count: Int) throws -> String { String(decoding: try receiveExactly(count), as: UTF8.self) }
}

/// Bytes that tell where they stand.
func pattern(_ count: Int, seed: Int = 0) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 31 &+ ($0 >> 8) &* 7) }
}
