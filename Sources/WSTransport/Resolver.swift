// Host names to addresses, without letting a slow name server hold anybody longer than the deadline.
//
// getaddrinfo can neither be interrupted nor given a deadline, so names are looked up on a detached thread. The one who asked
// waits for an event and, when its time is up, leaves: the job belongs to whoever lets go of it last.
import CLinux
import Synchronization

/// Addresses of a host, at most 16, which is more than anybody has the time to try.
public struct AddressList: Sendable {
  static let capacity = 16
  private var items = InlineArray<16, SocketAddress>(repeating: SocketAddress())
  private(set) var count = 0

  /// The address at an index below `count`. The mask tells the compiler that there is nothing to check.
  subscript(index: Int) -> SocketAddress { items[index & (Self.capacity - 1)] }

  /// Adds an address; one too many is dropped.
  @_optimize(size)
  mutating func append(_ address: SocketAddress) {
    guard count < Self.capacity else { return }
    items[count & (Self.capacity - 1)] = address
    count &+= 1
  }

  /// The same addresses, alternating between IPv6 and IPv4 as long as there are both, the first one's family first (RFC 8305
  /// section 4). Within a family the order stays that of getaddrinfo (RFC 6724).
  @_optimize(size)
  func interleaved() -> AddressList {
    var result = AddressList()
    guard count > 0 else { return result }
    var same = 0
    var other = 0
    while result.count < count {
      if let index = position(ofFamily: true, from: &same) { result.append(self[index]) }
      if let index = position(ofFamily: false, from: &other) { result.append(self[index]) }
    }
    return result
  }

  /// The next address that is, or is not, of the first one's family.
  @_optimize(size)
  private func position(ofFamily isFirst: Bool, from index: inout Int) -> Int? {
    while index < count {
      defer { index &+= 1 }
      if (self[index].family == self[0].family) == isFirst { return index }
    }
    return nil
  }
}

/// Looks names up.
enum Resolver {
  /// Fills the list with the addresses of a NUL-terminated host; 0 or an EAI_ code. May take as long as it likes.
  typealias Lookup = @Sendable (_ host: UnsafePointer<CChar>, _ port: UInt16, _ list: inout AddressList) -> Int32

  /// The addresses of a host, a name or a numeric address (IPv6 without brackets). `.unresolved`, `.timeout`, `.aborted` by
  /// the cancellation, `.noDescriptors`, `.outOfMemory`, `.system`.
  @_optimize(size)
  @inline(never)
  static func resolve(
    host: UnsafeRawBufferPointer, port: UInt16, deadline: Deadline, cancellation: Cancellation?,
    lookup: @escaping Lookup = { systemLookup($0, $1, flags: 0, &$2) }
  ) throws(TransportError) -> AddressList {
    let name = try HostName.copying(host)
    var list = AddressList()
    // A numeric address needs no thread.
    if systemLookup(name.text, port, flags: AI_NUMERICHOST, &list) == 0 { return list }
    try waitForSlot(deadline: deadline, cancellation: cancellation)
    let job: ResolverJob
    do {
      job = ResolverJob(name: name, port: port, lookup: lookup, finished: try SystemCalls.makeEvent())
      try job.start()
    } catch {
      ResolverSlots.release()
      throw error
    }
    return try job.wait(deadline: deadline, cancellation: cancellation)
  }

  /// A ninth lookup looks again now and then until one of eight is through. A queue would need a lock, and a fork could leave
  /// that locked for ever.
  @_optimize(size)
  private static func waitForSlot(deadline: Deadline, cancellation: Cancellation?) throws(TransportError) {
    while !ResolverSlots.take() {
      if deadline.isPast { throw .timeout }
      try SystemCalls.sleep(until: .earlier(deadline, .after(milliseconds: 10)), cancellation: cancellation)
    }
  }

  /// getaddrinfo. Without AI_ADDRCONFIG, which hides ::1 on machines without a public IPv6 address; an address that cannot be
  /// reached fails at once when it is tried.
  @_optimize(size)
  static func systemLookup(
    _ host: UnsafePointer<CChar>, _ port: UInt16, flags: Int32, _ list: inout AddressList
  ) -> Int32 {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_flags = flags
    clinux_want_streams(&hints)
    var first: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(host, nil, &hints, &first)
    guard result == 0 else { return result }
    defer { freeaddrinfo(first) }
    var next = first
    while let item = next {
      append(item.pointee, port: port, to: &list)
      next = item.pointee.ai_next
    }
    return list.count > 0 ? 0 : EAI_NONAME
  }

  @_optimize(size)
  private static func append(_ item: addrinfo, port: UInt16, to list: inout AddressList) {
    guard let bytes = item.ai_addr else { return }
    var address = SocketAddress(copying: bytes, size: item.ai_addrlen)
    switch address.family {
    case .none, .unix: return
    case .ipv4, .ipv6: break
    }
    address.port = port
    list.append(address)
  }
}

/// A host name as C wants it, in memory of its own. Longer names than DNS allows are not looked up.
final class HostName: @unchecked Sendable {
  let text: UnsafePointer<CChar>

  /// A copy. `.unresolved` for a name that DNS cannot have, `.outOfMemory`.
  @_optimize(size)
  static func copying(_ host: UnsafeRawBufferPointer) throws(TransportError) -> HostName {
    guard let start = host.baseAddress, 1...255 ~= host.count, memchr(start, 0, host.count) == nil else {
      throw .unresolved(EAI_NONAME)
    }
    guard let copy = malloc(host.count &+ 1) else { throw .outOfMemory }
    memcpy(copy, start, host.count)
    copy.storeBytes(of: 0, toByteOffset: host.count, as: UInt8.self)
    return HostName(text: UnsafePointer(copy.assumingMemoryBound(to: CChar.self)))
  }

  /// Cannot fail, as `ResolverJob.init`. Takes the text.
  private init(text: UnsafePointer<CChar>) { self.text = text }

  deinit {
    free(UnsafeMutableRawPointer(mutating: text))
  }
}

/// How many lookups run at once: at most eight, so that a dead name server does not fill the process with threads. In one
/// number with the fork generation, because the threads of a parent do not exist in its child.
enum ResolverSlots {
  static let limit: UInt64 = 8
  private static let state = Atomic<UInt64>(0)

  /// Takes a slot if there is one.
  @_optimize(size)
  static func take() -> Bool {
    let era = UInt64(ForkGuard.generation) << 32
    var seen = state.load(ordering: .relaxed)
    while true {
      let running = seen & ~0xffff_ffff == era ? seen & 0xffff_ffff : 0
      guard running < limit else { return false }
      let (done, now) = state.compareExchange(
        expected: seen, desired: era | (running + 1), ordering: .acquiringAndReleasing)
      if done { return true }
      seen = now
    }
  }

  /// Gives a slot back, in the process that took it.
  @_optimize(size)
  static func release() {
    state.wrappingSubtract(1, ordering: .acquiringAndReleasing)
  }
}

/// One lookup, shared by the thread that carries it out and the one that waits for it.
private final class ResolverJob: @unchecked Sendable {
  private let name: HostName
  private let port: UInt16
  private let lookup: Resolver.Lookup
  private let finished: Int32
  // Written by the thread before it sets `isDone`, read after that.
  private let isDone = Atomic<Bool>(false)
  private var list = AddressList()
  private var result: Int32 = 0

  /// Cannot fail: Embedded Swift leaks an object whose `init` throws half-way. Takes the event `finished`.
  init(name: HostName, port: UInt16, lookup: @escaping Resolver.Lookup, finished: Int32) {
    self.finished = finished
    self.name = name
    self.port = port
    self.lookup = lookup
  }

  /// Starts the thread, which holds the job until it is through.
  @_optimize(size)
  func start() throws(TransportError) {
    let job = Unmanaged.passRetained(self)
    do throws(TransportError) {
      try HelperThread.start(ResolverJob.main, job.toOpaque())
    } catch {
      job.release()
      throw error
    }
  }

  private static let main: HelperThread.Main = { argument in
    guard let argument else { return nil }
    pthread_setname_np(pthread_self(), "wsswift-resolve")
    Unmanaged<ResolverJob>.fromOpaque(argument).takeRetainedValue().run()
    return nil
  }

  @_optimize(size)
  private func run() {
    var found = AddressList()
    result = lookup(name.text, port, &found)
    list = found
    isDone.store(true, ordering: .releasing)
    ResolverSlots.release()
    SystemCalls.raise(finished)
  }

  /// Waits for the answer, or leaves the job to its thread.
  @_optimize(size)
  func wait(deadline: Deadline, cancellation: Cancellation?) throws(TransportError) -> AddressList {
    _ = try SystemCalls.wait(finished, for: POLLIN, deadline: deadline, cancellation: cancellation)
    guard isDone.load(ordering: .acquiring) else { throw .system(EIO) }
    switch result {
    case 0: return list
    case EAI_MEMORY: throw .outOfMemory
    default: throw .unresolved(result)
    }
  }

  deinit {
    close(finished)
  }
}
