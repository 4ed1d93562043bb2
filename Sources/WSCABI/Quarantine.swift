// Handles that are watched after their end, for a library built with -DWSSWIFT_QUARANTINE=ON. There C holds the address of a cage,
// which is never given back, so that no later handle can lie where a freed one lay. A call on a cage whose object is gone names
// the handle's type on standard error and ends the process, while whoever made the call is still on the stack.
#if WSSWIFT_QUARANTINE
  import Synchronization
  import WSProtocol
  import WSTransport

  /// What C holds in the place of an object.
  final class Cage {
    /// The tag of a cage whose object is gone.
    private static let emptyTag: UInt64 = 0x7773_5F67_6F6E_6501

    // The first stored property, as in every handle.
    private let tag: Atomic<UInt64>
    private let name: StaticString
    private let content: UnsafeRawPointer

    private init<T: Tagged>(_ object: T) {
      tag = Atomic(T.tag)
      name = T.name
      content = UnsafeRawPointer(Unmanaged.passUnretained(object).toOpaque())
    }

    /// The cage of an object, made when it is first handed out. It lives for ever.
    static func around<T: Tagged>(_ object: T) -> OpaquePointer {
      let cage = object.cage ?? Unmanaged.passRetained(Cage(object)).takeUnretainedValue()
      object.cage = cage
      return OpaquePointer(Unmanaged.passUnretained(cage).toOpaque())
    }

    /// The object in the cage at this address, which bears this tag; nil for one of another type.
    static func object<T: Tagged>(at address: UnsafeRawPointer, tag: UInt64, _ type: T.Type) -> T? {
      if tag == emptyTag { Unmanaged<Cage>.fromOpaque(address).takeUnretainedValue().report("use after free: ") }
      guard tag == T.tag else { return nil }
      let cage = Unmanaged<Cage>.fromOpaque(address).takeUnretainedValue()
      return Unmanaged<T>.fromOpaque(cage.content).takeUnretainedValue()
    }

    /// The object is gone.
    func empty() { tag.store(Self.emptyTag, ordering: .releasing) }

    /// Names the type of the handle and ends the process.
    func report(_ what: StaticString) -> Never {
      withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { line in
        var size = 0
        let parts: InlineArray<4, StaticString> = ["wsswift: ", what, name, "\n"]
        for index in parts.indices { size += copy(ByteView(parts[index]), to: line, behind: size) }
        LastWords.end(UnsafeRawBufferPointer(line).cut(0, size))
      }
    }
  }
#endif
