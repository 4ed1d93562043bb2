// The lists of names in configurations.
import Testing

@testable import WSProtocol

@Suite struct NameListTests {
  private func elements(_ list: borrowing NameList) -> [String] {
    var position = 0
    var seen: [String] = []
    while let name = list.next(&position) { seen.append(string(name)) }
    return seen
  }

  @Test func keepsTheOrder() throws {
    var list = NameList()
    #expect(elements(list) == [] && list.isEmpty)
    for name in ["b", "a", "abc"] { try list.append(lasting(name)) }
    #expect(elements(list) == ["b", "a", "abc"])
    #expect(string(list.joined) == "b, a, abc")
  }

  @Test(arguments: [
    ("a", true), ("bc", true), ("A", false), ("b", false), ("c", false), ("", false), ("a, bc", false), (" bc", false),
  ])
  func containsTheVeryText(name: String, isThere: Bool) throws {
    var list = NameList()
    try list.append(lasting("a"))
    try list.append(lasting("bc"))
    #expect(list.contains(lasting(name)) == isThere)
  }

  @Test func holds64KiB() throws {
    var list = NameList()
    let name = lasting(String(repeating: "a", count: 30000))
    try list.append(name)
    try list.append(name)
    #expect(Self.error(&list, name) == .tooLarge)
    #expect(Self.error(&list, lasting([UInt8](repeating: 0x61, count: 70000))) == .tooLarge)
    #expect(elements(list).count == 2)
  }

  private static func error(_ list: inout NameList, _ name: ByteView) -> ConfigurationError? {
    do throws(ConfigurationError) {
      try list.append(name)
      return nil
    } catch {
      return error
    }
  }
}
