// The Cookie field as a server reads it: `a=b; c=d`. RFC 6265 4.2.

/// The cookies of a request.
public enum RequestCookies {
  /// The value of the first cookie of that very name, over all Cookie fields, without the quotes that some programs put around it. nil
  /// when there is none. Borrowed from the request.
  public static func value(of name: ByteView, in request: borrowing MessageHead) -> ByteView? {
    var lines = FieldLines(ByteView("Cookie"))
    while let line = lines.next(in: request.fields) {
      var start = 0
      while start < line.count {
        let end = line.position(of: 0x3B, from: start) ?? line.count
        if let value = value(of: name, pair: line.cut(start, end).trimmed) { return value }
        start = end &+ 1
      }
    }
    return nil
  }

  private static func value(of name: ByteView, pair: ByteView) -> ByteView? {
    guard let equals = pair.position(of: 0x3D), pair.cut(0, equals).trimmed.equals(name) else { return nil }
    let value = pair.cut(from: equals &+ 1).trimmed
    let isQuoted = value.count >= 2 && value[0] == 0x22 && value[value.count &- 1] == 0x22
    return isQuoted ? value.cut(1, value.count &- 1) : value
  }
}
