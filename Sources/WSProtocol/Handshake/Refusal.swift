// How a server says no: a status, one line of text, and the end of the connection. The client may have sent bytes that are no HTTP,
// so nothing that comes after a refused request is ever read as the next one.

extension ServerHandshake {
  /// Adds the answer to a request that failed: its status, what RFC 9110 wants beside it, the fields of the application's, and the
  /// error's text. Nothing where the error's status is 0: close without a word. Close the connection afterwards in every case.
  public static func writeRefusal(
    to output: inout ByteQueue, error: HandshakeError, answer: borrowing ServerAnswer = ServerAnswer()
  ) throws(OutOfMemory) {
    guard error.status != 0 else { return }
    try appendHead(error.status, answer, to: &output)
    try appendBody(ByteView(error.text), hasLineEnd: true, answer, to: &output)
  }

  /// Adds an answer of the application's: a status of 200 to 599 (500 stands for any other) and a body, of UTF-8 text unless the
  /// application's fields have a Content-Type. Close the connection afterwards.
  @inline(never) public static func writeRefusal(
    to output: inout ByteQueue, status: Int, body: ByteView, answer: borrowing ServerAnswer = ServerAnswer()
  ) throws(OutOfMemory) {
    let status = (200...599).contains(status) ? status : 500
    try appendHead(status, answer, to: &output)
    guard mayHaveBody(status) else { return try output.appendLineEnd() }
    try appendBody(body, hasLineEnd: false, answer, to: &output)
  }

  /// False where the status itself says that there is no body. RFC 9112 6.3.
  public static func mayHaveBody(_ status: Int) -> Bool { status != 204 && status != 205 && status != 304 }

  /// The status line and the fields, without those about the body.
  @inline(never) private static func appendHead(
    _ status: Int, _ answer: borrowing ServerAnswer, to output: inout ByteQueue
  ) throws(OutOfMemory) {
    try appendStatusLine(status, to: &output)
    switch status {
    // RFC 9110 15.5.22 wants Upgrade, 7.8 its mention in Connection, RFC 6455 4.4 the version.
    case 426: try output.append("Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
    // RFC 9110 15.5.6.
    case 405: try output.append("Connection: close\r\nAllow: GET\r\n")
    default: try output.append("Connection: close\r\n")
    }
    try output.appendFields(answer.headers)
  }

  private static func appendStatusLine(_ status: Int, to output: inout ByteQueue) throws(OutOfMemory) {
    try output.append("HTTP/1.1 ")
    try output.appendDecimal(status)
    try output.append(0x20)
    try output.append(reason(status))
    try output.appendLineEnd()
  }

  private static func appendBody(
    _ body: ByteView, hasLineEnd: Bool, _ answer: borrowing ServerAnswer, to output: inout ByteQueue
  ) throws(OutOfMemory) {
    if answer.headers.first(ByteView("Content-Type")) == nil {
      try output.append("Content-Type: text/plain; charset=utf-8\r\n")
    }
    try output.append("X-Content-Type-Options: nosniff\r\nContent-Length: ")
    try output.appendDecimal(hasLineEnd ? body.count &+ 1 : body.count)
    try output.append("\r\n\r\n")
    try output.append(body)
    if hasLineEnd { try output.append(0x0A) }
  }

  /// The reason phrases of RFC 9110 15 that refusals use; others go without one, which RFC 9112 4 allows.
  private static func reason(_ status: Int) -> StaticString {
    switch status {
    case 200: "OK"
    case 204: "No Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 410: "Gone"
    case 414: "URI Too Long"
    case 421: "Misdirected Request"
    case 426: "Upgrade Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }
}
