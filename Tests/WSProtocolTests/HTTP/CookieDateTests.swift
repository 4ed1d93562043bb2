// The dates of cookies, in all the forms that RFC 6265 5.1.1 reads.
import Testing

@testable import WSProtocol

@Suite struct CookieDateTests {
  @Test(
    arguments: [
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
      ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777), ("Sun Nov  6 08:49:37 1994", 784_111_777),
      ("06-nov-1994 8:49:37", 784_111_777), ("1994 november 6 08:49:37", 784_111_777),
      ("Wed, 09 Jun 2021 10:18:14 GMT", 1_623_233_894), ("29 Feb 2000 00:00:00", 951_782_400),
      ("Tue, 19 Jan 2038 03:14:08 GMT", 2_147_483_648), ("01 Jan 69 00:00:00", 3_124_224_000),
      ("01 Jan 70 00:00:00", 0), ("01 Jan 1601 00:00:00", -11_644_473_600), ("31 Dec 9999 23:59:59", 253_402_300_799),
      ("06x Nov 1994y 08:49:37z", 784_111_777),
    ] as [(String, Int64)])
  func reads(text: String, expected: Int64) { #expect(CookieDate.parse(lasting(text)) == expected) }

  @Test(arguments: [
    "", "GMT", "06 Nov 1994", "Nov 1994 08:49:37", "06 1994 08:49:37", "06 Nov 08:49:37", "32 Jan 2000 00:00:00",
    "29 Feb 1900 00:00:00", "30 Feb 2000 00:00:00", "31 Apr 2000 00:00:00", "01 Jan 1600 00:00:00", "01 Jan 2000 24:00:00",
    "01 Jan 2000 00:60:00", "01 Jan 2000 00:00:60", "01 Jan 2000 0:0", "01 Jan 2000 000:00:00", "00 Jan 2000 00:00:00",
    "001 Jan 2000 00:00:00", "01 Jan 20000 00:00:00",
  ])
  func refuses(text: String) { #expect(CookieDate.parse(lasting(text)) == nil) }
}
