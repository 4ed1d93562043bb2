// The dates of Set-Cookie, which come in many forms: RFC 6265 5.1.1 says how to read them all.

/// A date of a cookie.
enum CookieDate {
  /// What has been found so far.
  private struct Found {
    var time: (hour: Int, minute: Int, second: Int)?
    var day: Int?
    var month: Int?
    var year: Int?
  }

  /// Seconds since 1970 UTC, or nil when it is no date.
  @_optimize(size)
  static func parse(_ text: ByteView) -> Int64? {
    var found = Found()
    var start = 0
    while start < text.count {
      var end = start
      while end < text.count, !isDelimiter(text[end]) { end &+= 1 }
      take(text.cut(start, end), &found)
      start = end &+ 1
    }
    return seconds(found)
  }

  @_optimize(size)
  private static func isDelimiter(_ byte: UInt8) -> Bool {
    !(byte.isDigit || byte.isLetter || byte == 0x3A || byte >= 0x7F || byte < 0x20 && byte != 0x09)
  }

  /// Each token is the first thing that it can be and that has not been found.
  @_optimize(size)
  private static func take(_ token: ByteView, _ found: inout Found) {
    if found.time == nil, let time = time(token) {
      found.time = time
    } else if found.day == nil, let day = number(token, digits: 1...2) {
      found.day = day
    } else if found.month == nil, let month = month(token) {
      found.month = month
    } else if found.year == nil, let year = number(token, digits: 2...4) {
      found.year = year < 70 ? year &+ 2000 : year < 100 ? year &+ 1900 : year
    }
  }

  /// The digits that the token begins with, when there are so many and no more.
  @_optimize(size)
  private static func number(_ token: ByteView, digits: ClosedRange<Int>) -> Int? {
    var end = 0
    while end < token.count, token[end].isDigit { end &+= 1 }
    return digits.contains(end) ? token.cut(0, end).decimal : nil
  }

  /// `h:m:s`, each of one or two digits.
  @_optimize(size)
  private static func time(_ token: ByteView) -> (Int, Int, Int)? {
    guard let first = token.position(of: 0x3A), let second = token.position(of: 0x3A, from: first &+ 1) else { return nil }
    let minuteText = token.cut(first &+ 1, second)
    guard first <= 2, minuteText.count <= 2, let hour = token.cut(0, first).decimal, let minute = minuteText.decimal,
      let seconds = number(token.cut(from: second &+ 1), digits: 1...2)
    else { return nil }
    return (hour, minute, seconds)
  }

  @_optimize(size)
  private static func month(_ token: ByteView) -> Int? {
    let names = ByteView("janfebmaraprmayjunjulaugsepoctnovdec")
    for index in 0..<12 {
      if token.hasPrefixIgnoringCase(names.cut(index &* 3, index &* 3 &+ 3)) { return index &+ 1 }
    }
    return nil
  }

  @_optimize(size)
  private static func seconds(_ found: Found) -> Int64? {
    guard let time = found.time, let day = found.day, let month = found.month, let year = found.year else { return nil }
    guard year >= 1601, day >= 1, day <= daysIn(month, year), time.hour <= 23, time.minute <= 59, time.second <= 59 else {
      return nil
    }
    let days = daysBefore(year) &+ dayOfYear(day, month, year) &- daysBefore(1970)
    return Int64(days &* 86400 &+ time.hour &* 3600 &+ time.minute &* 60 &+ time.second)
  }

  @_optimize(size)
  private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  @_optimize(size)
  private static func daysIn(_ month: Int, _ year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// The days from the year 1 to the first day of that one, in the calendar of today.
  @_optimize(size)
  private static func daysBefore(_ year: Int) -> Int {
    let past = year &- 1
    return past &* 365 &+ past / 4 &- past / 100 &+ past / 400
  }

  @_optimize(size)
  private static func dayOfYear(_ day: Int, _ month: Int, _ year: Int) -> Int {
    var days = day &- 1
    var before = 1
    while before < month {
      days &+= daysIn(before, year)
      before &+= 1
    }
    return days
  }
}
