// ws_cookie_jar: the cookies of clients.
import CWSSwift
import WSProtocol
import WSSwift

/// The object behind a ws_cookie_jar.
final class CookieJarHandle: Handle, Tagged {
  static let tag: UInt64 = 0x7773_5F6A_6172_0001
  static let name: StaticString = "ws_cookie_jar"
  let jar = CookieJar()

  init() { super.init(tag: Self.tag) }
}

@_cdecl("ws_cookie_jar_new") @implementation
public func ws_cookie_jar_new(_ jar: UnsafeMutablePointer<OpaquePointer?>!) -> Int32 {
  guard let jar else { return invalid }
  jar.pointee = handle(giving: CookieJarHandle())
  return WS_OK
}

@_cdecl("ws_cookie_jar_free") @implementation
public func ws_cookie_jar_free(_ jar: OpaquePointer!) -> Int32 {
  free(jar, CookieJarHandle.self)
}

@_cdecl("ws_cookie_jar_set") @implementation
public func ws_cookie_jar_set(
  _ jar: OpaquePointer!, _ url: UnsafePointer<CChar>!, _ set_cookie: UnsafePointer<CChar>!
) -> Int32 {
  guard let handle = object(jar, CookieJarHandle.self), let url = string(url), let field = string(set_cookie) else {
    return invalid
  }
  return result { () throws(WSError) in
    try handle.jar.set(field, from: url)
    return WS_OK
  }
}

@_cdecl("ws_cookie_jar_get") @implementation
public func ws_cookie_jar_get(
  _ jar: OpaquePointer!, _ url: UnsafePointer<CChar>!, _ buf: UnsafeMutableRawPointer!, _ room: Int,
  _ written: UnsafeMutablePointer<Int>!
) -> Int32 {
  written?.pointee = 0
  guard let handle = object(jar, CookieJarHandle.self), let url = string(url), let space = space(buf, room), let written
  else { return invalid }
  return result { () throws(WSError) in
    var value = ByteQueue()
    try handle.jar.write(to: &value, for: url)
    written.pointee = value.count
    guard value.count <= room else { throw .noRoom(needed: value.count) }
    space.copyMemory(from: value.bytes)
    return WS_OK
  }
}
