// Another library of Embedded Swift in the same program: it brings the same runtime functions and the same generic code as
// wsswift's static library, and must not meet it at link time.

private final class Words {
  var counts: [String: Int] = [:]
  var inOrder: [String] = []

  func add(_ word: String) {
    counts[word, default: 0] += 1
    if counts[word] == 1 {
      inOrder.append(word)
    }
  }
}

/// How many different words there are among this many, at most seven.
@_cdecl("neighbour_words")
public func neighbourWords(_ repeats: Int32) -> Int32 {
  let words = Words()
  for number in 0..<max(repeats, 0) {
    words.add("word \(number % 7)")
  }
  return Int32(truncatingIfNeeded: words.inOrder.count)
}
