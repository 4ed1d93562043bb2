// Responses that lead elsewhere. RFC 9110 15.4.
import WSProtocol

extension Dial {
  /// Goes to where the response leads, if that is allowed. False: it does not lead anywhere, or not there; why, is explained.
  @_optimize(size)
  func follow() throws(WSError) -> Bool {
    guard dialer.redirectLimit > 0, !hadSocket, Redirect.isRedirect(response.status) else { return false }
    var location = ByteQueue()
    do throws(RedirectError) {
      guard redirects < dialer.redirectLimit else { throw .tooMany }
      try Redirect.resolve(response, from: url, to: &location)
    } catch {
      if error == .outOfMemory { throw .outOfMemory }
      do throws(OutOfMemory) { try explanationBytes.append(error.text) } catch { throw .outOfMemory }
      return false
    }
    let next = try WebSocketURL.parse(location.bytes)
    try permit(&location)
    redirects &+= 1
    isElsewhere = isElsewhere || !Redirect.isSameOrigin(url, next)
    url = next
    trace(.redirected, url.host, port: url.port)
    return true
  }

  @_optimize(size)
  private func permit(_ location: inout ByteQueue) throws(WSError) {
    guard let filter = dialer.redirectFilter else { return }
    do throws(OutOfMemory) { try location.append(0) } catch { throw .outOfMemory }
    guard filter(location.withoutLast) else { throw .refusedByHandler }
  }
}
