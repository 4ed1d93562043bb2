// One Set-Cookie field taken apart and judged. RFC 6265bis 5.6 and 5.7.

/// What a server asks to keep, borrowed from its field.
struct SetCookie {
  let name: ByteView
  let value: ByteView
  /// The Domain attribute without its leading dot; empty when there is none.
  let domain: ByteView
  /// The Path attribute; empty where the default of the request counts.
  let path: ByteView
  let isSecure: Bool
  /// When it ends, in seconds since 1970 UTC; nil with the program.
  let expiry: Int64?

  private static let maximumSize = 4096
  private static let maximumAttribute = 1024
  /// Cookies live at most 400 days. RFC 6265bis 5.5.
  private static let longestLife: Int64 = 400 * 86400

  /// nil for what must be ignored: no name and no value, a control byte, more than 4096 bytes of name and value.
  @_optimize(size)
  init?(_ field: ByteView, now: Int64) {
    for byte in field where byte.isControl && byte != 0x09 { return nil }
    let pairEnd = field.position(of: 0x3B) ?? field.count
    let pair = field.cut(0, pairEnd)
    let equals = pair.position(of: 0x3D)
    name = equals.map { pair.cut(0, $0).trimmed } ?? .empty
    value = equals.map { pair.cut(from: $0 &+ 1).trimmed } ?? pair.trimmed
    guard !name.isEmpty || !value.isEmpty, name.count &+ value.count <= Self.maximumSize else { return nil }
    let attributes = Attributes(field.cut(from: pairEnd &+ 1), now: now, longestLife: Self.longestLife)
    domain = attributes.domain
    path = attributes.path
    isSecure = attributes.isSecure
    expiry = attributes.expiry
    guard keepsItsPromises(hasPath: attributes.hasRootPath) else { return nil }
  }

  /// Names that promise something about the cookie. RFC 6265bis 5.7, steps on the prefixes; a cookie without a name must not
  /// look like one with such a name.
  @_optimize(size)
  private func keepsItsPromises(hasPath isRoot: Bool) -> Bool {
    let subject = name.isEmpty ? value : name
    let isHost = subject.hasPrefixIgnoringCase(ByteView("__Host-"))
    guard isHost || subject.hasPrefixIgnoringCase(ByteView("__Secure-")) else { return true }
    return !name.isEmpty && isSecure && (!isHost || isRoot && domain.isEmpty)
  }

  /// The attributes behind the name and value; of repeated ones the last counts.
  private struct Attributes {
    var domain = ByteView.empty
    var path = ByteView.empty
    var isSecure = false
    var hasRootPath = false
    private var maxAge: Int64?
    private var expires: Int64?

    var expiry: Int64? { maxAge ?? expires }

    @_optimize(size)
    init(_ text: ByteView, now: Int64, longestLife: Int64) {
      var start = 0
      while start < text.count {
        let end = text.position(of: 0x3B, from: start) ?? text.count
        take(text.cut(start, end), now, longestLife)
        start = end &+ 1
      }
    }

    @_optimize(size)
    private mutating func take(_ attribute: ByteView, _ now: Int64, _ longestLife: Int64) {
      let equals = attribute.position(of: 0x3D) ?? attribute.count
      let name = attribute.cut(0, equals).trimmed
      let value = attribute.cut(from: equals &+ 1).trimmed
      guard value.count <= SetCookie.maximumAttribute else { return }
      if name.equalsIgnoringCase(ByteView("Secure")) {
        isSecure = true
      } else if name.equalsIgnoringCase(ByteView("Domain")) {
        domain = value.cut(from: value.cut(0, 1).equals(ByteView(".")) ? 1 : 0)
      } else if name.equalsIgnoringCase(ByteView("Path")) {
        hasRootPath = value.equals(ByteView("/"))
        path = value.cut(0, 1).equals(ByteView("/")) ? value : .empty
      } else if name.equalsIgnoringCase(ByteView("Expires")) {
        if let date = CookieDate.parse(value) { expires = min(date, now &+ longestLife) }
      } else if name.equalsIgnoringCase(ByteView("Max-Age")) {
        if let age = SetCookie.age(value) { maxAge = now &+ min(age, longestLife) }
      }
    }
  }

  /// Seconds; 0 for every negative number, a very long time for numbers of many digits; nil for what is no number.
  @_optimize(size)
  private static func age(_ text: ByteView) -> Int64? {
    let isNegative = text.cut(0, 1).equals(ByteView("-"))
    let digits = text.cut(from: isNegative ? 1 : 0)
    guard !digits.isEmpty else { return nil }
    for byte in digits where !byte.isDigit { return nil }
    return isNegative ? 0 : Int64(digits.decimal ?? Int(Int32.max))
  }
}
