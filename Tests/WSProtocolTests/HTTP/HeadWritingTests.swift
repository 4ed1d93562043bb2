// What writing heads is made of.
import Testing

@testable import WSProtocol

@Suite struct HeadWritingTests {
  @Test(arguments: [0, 1, 9, 10, 99, 100, 101, 65535, 1_000_000, .max, -1, .min]) func decimals(number: Int) throws {
    let text = try written { (output) throws(OutOfMemory) in try output.appendDecimal(number) }
    #expect(text == String(max(number, 0)))
  }

  @Test func fields() throws {
    let head = head(.request, "GET / HTTP/1.1\r\na: b\r\nC:d\r\n\r\n")
    #expect(try written { (output) throws(OutOfMemory) in try output.appendFields(head.fields) } == "a: b\r\nC: d\r\n")
  }
}
