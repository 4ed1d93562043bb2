// An open connection: two halves that run side by side over one transport.
//
// The reading half belongs to one thread at a time, the writing half to whoever holds `writeLock`; what both and the setters
// share is behind `stateLock`. No lock is held and no engine state is open while a handler runs: the receiver returns an event,
// its access ends, the handler is called, the loop goes on.
import Synchronization
import WSProtocol
import WSTransport

/// A data message that the connection lends until the next read.
public struct BorrowedMessage {
  /// Text or binary.
  public let kind: MessageKind
  /// The payload. Text has been checked as UTF-8 unless that was switched off.
  public let bytes: ByteView
}

/// A WebSocket connection after its opening handshake. Reading: one thread at a time. Everything else: any thread.
public final class Conn: @unchecked Sendable {
  /// Which end we are.
  public let role: Role
  let transport: any Transport
  private let forkGeneration: UInt32
  private var agreedSubprotocol = ByteQueue()
  private var agreedExtensions = ByteQueue()
  /// What was agreed about compression; nil: none. RFC 7692.
  public let deflate: DeflateParameters?

  // Owned by the thread that has entered the reading half (`Conn+Read`).
  var receiver: Receiver
  var kept: BorrowedMessage?
  var waiting = WaitingMessages()
  var heldPongs = HeldPongs()
  var heldControl: HeldControl?
  var open = OpenMessage()
  var joined = JoinedMessages()
  var mayHaveMore = true
  /// Set under `stateLock` too: a thread that has not entered asks for it there.
  var isDrained = false

  // Guarded by `writeLock` (`Conn+Write`).
  let writeLock = TimedLock()
  var sender: Sender
  var maskKeys = RandomPool()
  var outgoing = ByteQueue()
  var writeFailure: WSError?

  // Guarded by `stateLock`.
  let stateLock = Lock()
  let stateChanged = Condition()
  var reading = ReadingState()
  var settings = Settings()
  var handlers = Handlers()
  var replies = PendingReplies()
  var handshake = CloseHandshake()
  var closeCodeSent: CloseCode?
  /// The code of a close frame that is on its way out: its answer may be here before the call that sends it is back.
  var closeCodeLeaving: CloseCode?
  /// The last byte of our close frame has left.
  var isCloseOut = false
  /// The peer broke the protocol: nothing follows our close frame.
  var isViolated = false
  var waits = LoopWaits()
  var alive: Alive?
  var background = BackgroundService()
  /// Gets the reader out of its wait, so that it sends what could not leave; made with the first wait.
  var wakeup: Wakeup?
  var lastReadFailure: WSError? { didSet { lastReadTime = nil } }
  var lastWriteFailure: WSError? { didSet { lastWriteTime = nil } }
  /// The time that ran out, where that is why.
  var lastReadTime: TimeLimit?
  var lastWriteTime: TimeLimit?
  /// The time that ran out when `writingFailure` is `.broken`, where that is why.
  var brokenAfter: TimeLimit?
  /// `writeFailure`, for those who do not hold `writeLock`.
  var writingFailure: WSError?

  // Looked at by the halves without a lock.
  let readLimit: Atomic<UInt64>
  let checksReceived = Atomic<Bool>(true)
  let checksSent = Atomic<Bool>(false)
  let hasReplies = Atomic<Bool>(false)
  /// Counts sends that moved bytes.
  let progress = Atomic<UInt64>(0)
  let keepsAlive = Atomic<Bool>(false)
  /// A ping of the keepalive is on its way, and nothing has come since.
  let isAsking = Atomic<Bool>(false)

  // Written by the halves, read by anybody.
  let receivedTraffic = PublishedTraffic()
  let sentTraffic = PublishedTraffic()
  let roundTrips = PublishedRoundTrips()

  /// The largest message that a connection receives unless told otherwise, in bytes.
  public static let defaultReadLimit: UInt64 = 16 << 20

  /// A connection over a transport whose opening handshake is done. `alreadyRead` are bytes that came behind it.
  init(
    transport: any Transport, role: Role, readLimit: UInt64, agreement: Agreement, alreadyRead: ByteView
  ) throws(WSError) {
    self.transport = transport
    self.role = role
    deflate = agreement.deflate?.parameters
    self.readLimit = Atomic(readLimit)
    forkGeneration = ForkGuard.generation
    receiver = Receiver(role: role, limit: readLimit)
    sender = Sender(role: role)
    // From here on everything has a value: Embedded Swift leaks an object whose `init` throws half-way.
    if let deflate {
      receiver.agree(on: deflate)
      sender.agree(on: deflate)
    }
    do throws(OutOfMemory) {
      try agreedSubprotocol.append(agreement.subprotocol)
      try agreement.deflate?.write(to: &agreedExtensions)
    } catch { throw .outOfMemory }
    do throws(ProtocolError) { try receiver.feed(alreadyRead) } catch { throw .outOfMemory }
  }

  /// The subprotocol agreed on, empty when none; borrowed from the connection. RFC 6455 1.9.
  public var subprotocol: ByteView { agreedSubprotocol.bytes }

  /// The extensions agreed on, as the server's Sec-WebSocket-Extensions says them, empty when none; borrowed from the connection.
  /// RFC 6455 9.1.
  public var extensions: ByteView { agreedExtensions.bytes }

  /// What TLS tells of the peer; nil without TLS.
  public internal(set) var tls: TLSPeer?

  /// The address of one end.
  public func address(of end: End) -> SocketAddress { transport.address(of: end) }

  /// Drops the connection without a word: blocked calls on other threads fail with `.aborted`.
  public func abort() {
    guard !isForked else { return }
    transport.abort()
    stateLock.withLock { stateChanged.broadcast() }
    leaveBackground()
  }

  deinit {
    if !isForked { background.seat?.leave() }
  }

  /// True in a child of the process that made the connection: its descriptor belongs to the parent.
  public var isForked: Bool { ForkGuard.generation != forkGeneration }

  func requireOwnProcess() throws(WSError) {
    guard !isForked else { throw .forked }
  }
}
