// The way that ws_dialer's connections take: proxies.
import CWSSwift
import WSProtocol
import WSSwift

private func proxyChooser(_ fn: ws_proxy_fn?, _ user: UserPointer) -> ProxyChooser? {
  guard let fn else { return nil }
  return { url, space in
    // The URL has a NUL behind it.
    let size = fn(
      url.baseAddress?.assumingMemoryBound(to: CChar.self), space.baseAddress?.assumingMemoryBound(to: CChar.self), space.count,
      user.pointer)
    return size >= 0 ? Int(size) : nil
  }
}

@_cdecl("ws_dialer_set_proxy") @implementation
public func ws_dialer_set_proxy(_ dialer: OpaquePointer!, _ url: UnsafePointer<CChar>!) -> Int32 {
  guard let url else { return changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setProxy(nil) } }
  guard let url = string(url) else { return invalid }
  return changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setProxy(url) }
}

@_cdecl("ws_dialer_set_proxy_callback") @implementation
public func ws_dialer_set_proxy_callback(
  _ dialer: OpaquePointer!, _ fn: ws_proxy_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setProxy(from: proxyChooser(fn, user)) }
}

@_cdecl("ws_dialer_set_proxy_from_environment") @implementation
public func ws_dialer_set_proxy_from_environment(_ dialer: OpaquePointer!, _ on: Int32) -> Int32 {
  changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setProxyFromEnvironment(on != 0) }
}
