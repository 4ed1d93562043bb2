// Cookies of dialers: a jar that several may share, or an application's own. RFC 6265bis.
import WSProtocol
import WSTransport

/// Cookies that servers have set, and that go to them again. Shared by any dialers. Any thread.
public final class CookieJar: @unchecked Sendable {
  private let lock = Lock()
  // Guarded by `lock`.
  private var store = CookieStore()

  /// No cookies.
  public init() {}

  /// Takes the value of one Set-Cookie field as if the server of a ws or wss URL had sent it; what the rules forbid is passed over.
  /// `.url`, `.outOfMemory`.
  @_optimize(size)
  public func set(_ field: ByteView, from url: ByteView) throws(WSError) {
    try set(field, from: try WebSocketURL.parse(url))
  }

  /// Adds the value of the Cookie field for a ws or wss URL, such as `a=1; b=2`; nothing when there is none. `.url`, `.outOfMemory`.
  @_optimize(size)
  public func write(to output: inout ByteQueue, for url: ByteView) throws(WSError) {
    try write(to: &output, for: try WebSocketURL.parse(url))
  }

  @_optimize(size)
  @inline(never)
  func set(_ field: ByteView, from url: borrowing WebSocketURL) throws(WSError) {
    let now = WallClock.now
    let host = url.host, target = url.target, isSecure = url.isSecure
    do throws(OutOfMemory) {
      try lock.withLock { () throws(OutOfMemory) in
        try store.set(field, host: host, target: target, isSecure: isSecure, now: now)
      }
    } catch {
      throw .outOfMemory
    }
  }

  @_optimize(size)
  @inline(never)
  func write(to output: inout ByteQueue, for url: borrowing WebSocketURL) throws(WSError) {
    let now = WallClock.now
    lock.lock()
    defer { lock.unlock() }
    do throws(OutOfMemory) {
      try store.write(to: &output, host: url.host, target: url.target, isSecure: url.isSecure, now: now)
    } catch {
      throw .outOfMemory
    }
  }
}

/// Asked for the cookies of a request. Gets its URL without user and password, with a NUL behind it, and room for the value of a Cookie
/// field. Says how long that is; 0: there are none; nil: refuses the attempt with `.refusedByHandler`.
public typealias CookieSource = (ByteView, UnsafeMutableRawBufferPointer) -> Int?

/// Gets the URL of a request and the value of a Set-Cookie field of its response; both have a NUL behind them.
public typealias CookieSink = (ByteView, ByteView) -> Void

/// What a dialer knows of cookies.
enum CookieSettings {
  case none
  case jar(CookieJar)
  case own(CookieSource?, CookieSink?)

  /// The most bytes of a Cookie field that a source may write.
  private static let room = 16384

  /// Adds what goes to that server. Calls out.
  @_optimize(size)
  @inline(never)
  func write(to output: inout ByteQueue, for url: borrowing WebSocketURL) throws(WSError) {
    switch self {
    case .none, .own(nil, _): return
    case .jar(let jar): try jar.write(to: &output, for: url)
    case .own(let source?, _):
      try ask(url, Self.room, &output, source)
      for byte in output.bytes where byte < 0x20 || byte == 0x7F { throw .configuration(.badValue) }
    }
  }

  /// Takes the Set-Cookie fields of a response. Calls out.
  @_optimize(size)
  func take(_ response: borrowing MessageHead, from url: borrowing WebSocketURL) throws(WSError) {
    if case .none = self { return }
    var index = 0
    while let field = response.field(index) {
      index &+= 1
      guard field.name.equalsIgnoringCase(ByteView("Set-Cookie")) else { continue }
      switch self {
      case .none, .own(_, nil): return
      case .jar(let jar): try jar.set(field.value, from: url)
      case .own(_, let sink?): try tell(sink, url, field.value)
      }
    }
  }

  @_optimize(size)
  private func tell(_ sink: CookieSink, _ url: borrowing WebSocketURL, _ value: ByteView) throws(WSError) {
    var address = ByteQueue()
    var text = ByteQueue()
    do throws(OutOfMemory) {
      try url.write(to: &address)
      try address.append(0)
      try text.append(value)
      try text.append(0)
    } catch {
      throw .outOfMemory
    }
    sink(address.withoutLast, text.withoutLast)
  }
}

extension ByteQueue {
  /// The bytes before the NUL that ends them; never without an address.
  var withoutLast: ByteView { ByteView(start: bytes.baseAddress, count: max(count &- 1, 0)) }
}

/// Asks an application for a text about a URL. `answer` is empty before. `.refusedByHandler`, `.invalid` for a size that is none.
@inline(never)
@_optimize(size)
func ask(
  _ url: borrowing WebSocketURL, _ room: Int, _ answer: inout ByteQueue,
  _ source: (ByteView, UnsafeMutableRawBufferPointer) -> Int?
) throws(WSError) {
  var question = ByteQueue()
  do throws(OutOfMemory) {
    try url.write(to: &question)
    try question.append(0)
    try answer.reserve(room)
  } catch {
    throw .outOfMemory
  }
  let space = UnsafeMutableRawBufferPointer(start: answer.freeSpace.baseAddress, count: room)
  guard let size = source(question.withoutLast, space) else { throw .refusedByHandler }
  guard size >= 0, size <= room else { throw .invalid }
  answer.commit(size)
}

extension WebSocketURL {
  /// A URL of the application's.
  @_optimize(size)
  static func parse(_ url: ByteView) throws(WSError) -> WebSocketURL {
    do throws(URLError) {
      return try WebSocketURL(parsing: url)
    } catch {
      throw error == .outOfMemory ? .outOfMemory : .url(error)
    }
  }
}
