// The conventions that every exported function obeys: handles are checked before they are used, bytes and strings are checked
// before they are read, outputs are written in every case. Nothing in this module decides anything about the protocol.
import CWSSwift
import Synchronization
import WSProtocol
import WSSwift
import WSTransport

/// What a handle points to. The tag is the first stored property of every handle, so that a pointer to a handle of another type is
/// found out before it is used.
class Handle {
  let tag: UInt64
  private let users = Atomic<Int32>(1)
  #if WSSWIFT_QUARANTINE
    /// What C holds, once this was handed out.
    final var cage: Cage?
  #endif

  init(tag: UInt64) { self.tag = tag }

  final func addUser() { users.wrappingAdd(1, ordering: .relaxed) }

  /// True for the last one.
  final func removeUser() -> Bool {
    let left = users.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
    #if WSSWIFT_QUARANTINE
      if left < 0 { cage?.report("freed more often than it was given: ") }
    #endif
    return left == 0
  }

  #if WSSWIFT_QUARANTINE
    deinit { cage?.empty() }
  #endif
}

/// A type of handle, told by its tag.
protocol Tagged: Handle {
  static var tag: UInt64 { get }
  /// What the header calls it.
  static var name: StaticString { get }
}

/// Where the first stored property of a Swift object lies: behind its type and its reference count.
private let firstProperty = 16

/// The object behind a handle; nil for NULL and for handles of another type.
@inline(__always)
func object<T: Tagged>(_ handle: OpaquePointer?, _ type: T.Type) -> T? {
  borrowed(handle, type)?.takeUnretainedValue()
}

/// The same without counting a reference, which costs as much as a small call does: for calls in which nobody frees the handle.
@inline(__always)
func borrowed<T: Tagged>(_ handle: OpaquePointer?, _ type: T.Type) -> Unmanaged<T>? {
  guard let handle else { return nil }
  let pointer = UnsafeRawPointer(handle)
  guard UInt(bitPattern: pointer) & 7 == 0 else { return nil }
  let tag = pointer.load(fromByteOffset: firstProperty, as: UInt64.self)
  #if WSSWIFT_QUARANTINE
    return Cage.object(at: pointer, tag: tag, type).map { .passUnretained($0) }
  #else
    return tag == T.tag ? Unmanaged.fromOpaque(pointer) : nil
  #endif
}

/// A handle for C, with one reference.
func handle<T: Tagged>(giving object: T) -> OpaquePointer {
  handle(lending: Unmanaged.passRetained(object).takeUnretainedValue())
}

/// A handle for C without a reference of its own: the object is part of another one.
func handle<T: Tagged>(lending object: T) -> OpaquePointer {
  #if WSSWIFT_QUARANTINE
    Cage.around(object)
  #else
    OpaquePointer(Unmanaged.passUnretained(object).toOpaque())
  #endif
}

/// Gives a reference back; `last` runs before the last one is gone. NULL is nothing to free.
func free<T: Tagged>(_ handle: OpaquePointer?, _ type: T.Type, last: (T) -> Void = { _ in }) -> Int32 {
  guard handle != nil else { return WS_OK }
  guard let object = object(handle, type) else { return invalid }
  if object.removeUser() {
    last(object)
    Unmanaged.passUnretained(object).release()
  }
  return WS_OK
}

/// WS_OK as the type of results.
let WS_OK: Int32 = 0
/// What a wrong argument gives.
let invalid = WS_ERR_INVALID.rawValue

/// The caller's bytes; nil for NULL with a size.
@inline(__always)
func bytes(_ data: UnsafeRawPointer?, _ size: Int) -> ByteView? {
  guard size >= 0, data != nil || size == 0 else { return nil }
  return ByteView(start: data, count: size)
}

/// The caller's room for bytes; nil for NULL with a size.
@inline(__always)
func space(_ buf: UnsafeMutableRawPointer?, _ room: Int) -> UnsafeMutableRawBufferPointer? {
  guard room >= 0, buf != nil || room == 0 else { return nil }
  return UnsafeMutableRawBufferPointer(start: buf, count: room)
}

/// The caller's bytes in several parts; nil for NULL with a count, for a part that is NULL with a size, and for more than memory has.
func payload(_ parts: UnsafePointer<ws_bytes>?, _ count: Int) -> Payload? {
  guard count >= 0, parts != nil || count == 0 else { return nil }
  // Both are a pointer and a size, and nothing else.
  let first = parts.map { UnsafeRawPointer($0).assumingMemoryBound(to: BytePart.self) }
  return Payload(parts: UnsafeBufferPointer(start: first, count: count))
}

/// The kind of a data message, and whether it may be compressed; nil for all other types.
func messageType(_ type: Int32) -> (kind: MessageKind, compressed: Bool)? {
  let flag = Int32(WS_UNCOMPRESSED)
  guard let kind = UInt8(exactly: type & ~flag).flatMap({ MessageKind(rawValue: $0) }) else { return nil }
  return (kind, type & flag == 0)
}

/// The kind of a control frame; nil for all other types.
func controlType(_ type: Int32) -> ControlOpcode? { UInt8(exactly: type).flatMap { ControlOpcode(rawValue: $0) } }

/// The longest string that a call takes.
private let longestString = 65536

/// The caller's NUL-terminated string; nil for NULL and for one that is too long.
@inline(never)
func string(_ text: UnsafePointer<CChar>?) -> ByteView? {
  guard let text else { return nil }
  var count = 0
  while text[count] != 0 {
    count += 1
    guard count <= longestString else { return nil }
  }
  return ByteView(start: text, count: count)
}

extension ws_bytes {
  /// Lends bytes to the caller.
  init(_ view: ByteView) {
    self.init(data: view.baseAddress?.assumingMemoryBound(to: UInt8.self), size: view.count)
  }
}

/// Runs a call that lends bytes: the output is empty until then. NULL is a wrong argument.
@inline(__always)
func lending(_ output: UnsafeMutablePointer<ws_bytes>?, _ body: (UnsafeMutablePointer<ws_bytes>) -> Int32) -> Int32 {
  guard let output else { return invalid }
  output.pointee = ws_bytes()
  return body(output)
}

/// Where a caller wants to be told how a connection was closed; each may be NULL, and is empty until then.
struct CloseOutputs {
  private let theirs: UnsafeMutablePointer<UInt16>?
  private let reason: UnsafeMutablePointer<ws_bytes>?
  private let ours: UnsafeMutablePointer<UInt16>?

  init(
    _ theirs: UnsafeMutablePointer<UInt16>?, _ reason: UnsafeMutablePointer<ws_bytes>?, _ ours: UnsafeMutablePointer<UInt16>?
  ) {
    (self.theirs, self.reason, self.ours) = (theirs, reason, ours)
    tell(nil, .empty, nil)
  }

  func tell(_ received: CloseCode?, _ reason: ByteView, _ sent: CloseCode?) {
    theirs?.pointee = received?.rawValue ?? 0
    self.reason?.pointee = ws_bytes(reason)
    ours?.pointee = sent?.rawValue ?? 0
  }
}

/// A deadline of the caller's: nil for 0, the configured timeout.
@inline(__always)
func deadline(_ nanoseconds: Int64) -> Deadline? {
  nanoseconds == 0 ? nil : Deadline(nanoseconds: nanoseconds)
}

/// A pointer of the application's with its free function, which is called exactly once, when the last user of this object lets go.
final class UserPointer {
  let pointer: UnsafeMutableRawPointer?
  private let free: ws_free_fn?

  init(_ pointer: UnsafeMutableRawPointer?, _ free: ws_free_fn?) {
    self.pointer = pointer
    self.free = free
  }

  deinit {
    free?(pointer)
  }
}
