// ws_headers: the fields of a received head. They belong to the attempt that received it; the handle is a part of that.
import CWSSwift
import WSProtocol
import WSSwift

/// The object behind a ws_headers: where to find the head it shows.
final class HeadersHandle: Handle, Tagged {
  static let tag: UInt64 = 0x7773_5F68_6561_6401
  static let name: StaticString = "ws_headers"

  enum Source {
    case response(Dial)
    case request(Upgrade)
    case engine(LoopConnection)
  }

  private let source: Source

  init(_ source: Source) {
    self.source = source
    super.init(tag: Self.tag)
  }

  func field(_ index: Int) -> (name: ByteView, value: ByteView)? {
    switch source {
    case .response(let dial): dial.response.field(index)
    case .request(let upgrade): upgrade.request.field(index)
    case .engine(let engine): engine.head.field(index)
    }
  }

  func first(_ name: ByteView) -> ByteView? {
    switch source {
    case .response(let dial): dial.response.first(name)
    case .request(let upgrade): upgrade.request.first(name)
    case .engine(let engine): engine.head.first(name)
    }
  }

  /// The handle as C borrows it: without a reference of its own.
  var borrowed: OpaquePointer { handle(lending: self) }
}

@_cdecl("ws_headers_get") @implementation
public func ws_headers_get(
  _ headers: OpaquePointer!, _ index: Int, _ name: UnsafeMutablePointer<ws_bytes>!, _ value: UnsafeMutablePointer<ws_bytes>!
) -> Int32 {
  name?.pointee = ws_bytes()
  value?.pointee = ws_bytes()
  guard let handle = object(headers, HeadersHandle.self) else { return invalid }
  guard let field = handle.field(index) else { return Int32(WS_END) }
  name?.pointee = ws_bytes(field.name)
  value?.pointee = ws_bytes(field.value)
  return WS_OK
}

@_cdecl("ws_headers_find") @implementation
public func ws_headers_find(
  _ headers: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: UnsafeMutablePointer<ws_bytes>!
) -> Int32 {
  value?.pointee = ws_bytes()
  guard let handle = object(headers, HeadersHandle.self), let name = string(name), let value else { return invalid }
  guard let found = handle.first(name) else { return Int32(WS_END) }
  value.pointee = ws_bytes(found)
  return WS_OK
}
