// Sec-WebSocket-Extensions: a list of extensions with parameters, `name; a; b=1; c="2"`. RFC 6455 9.1.

/// One extension of a line. Its bytes are borrowed from the line.
public struct ExtensionElement {
  /// The extension's name.
  public let name: ByteView
  /// The parameters as they were written; `ExtensionParameters` takes them apart.
  public let parameters: ByteView
}

/// One parameter of an extension. Its bytes are borrowed from the line.
public struct ExtensionParameter {
  /// The parameter's name.
  public let name: ByteView
  /// The value as it was written, without its quotes but with its backslashes; nil when there is none.
  public let rawValue: ByteView?

  /// Adds the value, without the backslashes of a quoted string (RFC 9110 5.6.4).
  public func appendValue(to output: inout ByteQueue) throws(OutOfMemory) {
    guard let rawValue else { return }
    var isEscaped = false
    for byte in rawValue {
      if byte == 0x5C, !isEscaped {
        isEscaped = true
      } else {
        try output.append(byte)
        isEscaped = false
      }
    }
  }
}

/// The extensions of one line, each pulled once, in linear time. An element that breaks the grammar ends the line; the
/// elements before it count.
public struct ExtensionCursor {
  private var scanner: HeaderScanner
  /// True when the line was given up at something that is no extension.
  public private(set) var isMalformed = false

  /// The extensions of that line, which must outlive this value.
  public init(_ line: ByteView) { scanner = HeaderScanner(line) }

  /// The next extension, or nil at the end and at the first fault.
  public mutating func next() -> ExtensionElement? {
    scanner.skipSeparators()
    guard !scanner.isAtEnd else { return nil }
    let name = scanner.takeToken()
    let start = scanner.position
    scanner.skipBlanks()
    var isWhole = true
    while isWhole, scanner.take(0x3B) { isWhole = scanner.takeParameter() != nil }
    guard let name, isWhole, scanner.isAtElementEnd else {
      isMalformed = true
      scanner.skipAll()
      return nil
    }
    return ExtensionElement(name: name, parameters: scanner.taken(from: start))
  }
}

/// The parameters of one extension, each pulled once. They come in the order they were written, repeated ones too.
public struct ExtensionParameters {
  private var scanner: HeaderScanner

  /// The parameters of that extension, whose line must outlive this value.
  public init(_ element: ExtensionElement) { scanner = HeaderScanner(element.parameters) }

  /// The next parameter, or nil behind the last one.
  public mutating func next() -> ExtensionParameter? {
    scanner.skipBlanks()
    return scanner.take(0x3B) ? scanner.takeParameter() : nil
  }
}

extension HeaderScanner {
  /// Takes `name`, `name=token` or `name="quoted"` and the blanks behind it.
  fileprivate mutating func takeParameter() -> ExtensionParameter? {
    skipBlanks()
    guard let name = takeToken() else { return nil }
    skipBlanks()
    guard take(0x3D) else { return ExtensionParameter(name: name, rawValue: nil) }
    skipBlanks()
    guard let value = take(0x22) ? takeQuoted() : takeToken() else { return nil }
    skipBlanks()
    return ExtensionParameter(name: name, rawValue: value)
  }
}
