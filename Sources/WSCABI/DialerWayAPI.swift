// What ws_dialer calls out for, and the way that its connections take: proxies, redirects, cookies, steps.
import CWSSwift
import WSProtocol
import WSSwift
import WSTransport

/// Text with a NUL behind it, as C reads it.
private func text(_ bytes: ByteView) -> UnsafePointer<CChar>? { bytes.baseAddress?.assumingMemoryBound(to: CChar.self) }

/// What an application writes about a URL.
private func writer(_ fn: ws_proxy_fn?, _ user: UserPointer) -> ProxyChooser? {
  guard let fn else { return nil }
  return { url, space in
    let size = fn(text(url), space.baseAddress?.assumingMemoryBound(to: CChar.self), space.count, user.pointer)
    return size >= 0 ? Int(size) : nil
  }
}

private func cookieSink(_ fn: ws_cookie_set_fn?, _ user: UserPointer) -> CookieSink? {
  guard let fn else { return nil }
  return { url, field in fn(text(url), text(field), user.pointer) }
}

private func filter(_ fn: ws_redirect_fn?, _ user: UserPointer) -> RedirectFilter? {
  guard let fn else { return nil }
  return { url in fn(text(url), user.pointer) == 0 }
}

private func tracer(_ fn: ws_trace_fn?, _ user: UserPointer) -> DialTracer? {
  guard let fn else { return nil }
  return { event, detail in fn(Int32(number(event)), text(detail), user.pointer) }
}

private func connector(_ fn: ws_connect_fn?, _ user: UserPointer) -> DialConnector? {
  guard let fn else { return nil }
  return { host, port, deadline in fn(text(host), port, deadline.nanoseconds, user.pointer) }
}

private func number(_ event: DialEvent) -> Int {
  switch event {
  case .resolving: WS_TRACE_RESOLVING
  case .connecting: WS_TRACE_CONNECTING
  case .connected: WS_TRACE_CONNECTED
  case .proxying: WS_TRACE_PROXY
  case .securing: WS_TRACE_TLS
  case .secured: WS_TRACE_TLS_DONE
  case .sentRequest: WS_TRACE_REQUEST_SENT
  case .firstByte: WS_TRACE_FIRST_BYTE
  case .interim: WS_TRACE_INTERIM
  case .redirected: WS_TRACE_REDIRECT
  case .done: WS_TRACE_DONE
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
  return changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setProxy(from: writer(fn, user)) }
}

@_cdecl("ws_dialer_set_proxy_from_environment") @implementation
public func ws_dialer_set_proxy_from_environment(_ dialer: OpaquePointer!, _ on: Int32) -> Int32 {
  changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setProxyFromEnvironment(on != 0) }
}

@_cdecl("ws_dialer_set_cookie_jar") @implementation
public func ws_dialer_set_cookie_jar(_ dialer: OpaquePointer!, _ jar: OpaquePointer!) -> Int32 {
  let handle = object(jar, CookieJarHandle.self)
  guard jar == nil || handle != nil else { return invalid }
  return changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setCookieJar(handle?.jar) }
}

@_cdecl("ws_dialer_set_cookie_callbacks") @implementation
public func ws_dialer_set_cookie_callbacks(
  _ dialer: OpaquePointer!, _ get: ws_cookie_get_fn!, _ set: ws_cookie_set_fn!, _ user: UnsafeMutableRawPointer!,
  _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return changeDialer(dialer) { (dialer) throws(WSError) in
    try dialer.setCookies(from: writer(get, user), to: cookieSink(set, user))
  }
}

@_cdecl("ws_dialer_set_redirects") @implementation
public func ws_dialer_set_redirects(
  _ dialer: OpaquePointer!, _ limit: Int32, _ fn: ws_redirect_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setRedirects(Int(limit), if: filter(fn, user)) }
}

@_cdecl("ws_dialer_set_trace_callback") @implementation
public func ws_dialer_set_trace_callback(
  _ dialer: OpaquePointer!, _ fn: ws_trace_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setTracer(tracer(fn, user)) }
}

@_cdecl("ws_dialer_set_connect_callback") @implementation
public func ws_dialer_set_connect_callback(
  _ dialer: OpaquePointer!, _ fn: ws_connect_fn!, _ user: UnsafeMutableRawPointer!, _ free_user: ws_free_fn!
) -> Int32 {
  let user = UserPointer(user, free_user)
  return changeDialer(dialer) { (dialer) throws(WSError) in try dialer.setConnector(connector(fn, user)) }
}
