// What a bad head is answered with: RFC 9110 15.5, RFC 6585 5.
import Testing

@testable import WSProtocol

@Suite struct HeadErrorTests {
  @Test func everyErrorHasAStatusAndAText() {
    let errors: [(HeadError, Int)] = [
      (.notHTTP, 0), (.badRequestLine, 400), (.badStatusLine, 400), (.badTarget, 400), (.badVersion, 505),
      (.targetTooLong, 414),
      (.tooLarge, 431), (.tooManyFields, 431), (.bareLineFeed, 400), (.bareCarriageReturn, 400), (.controlByte, 400),
      (.foldedLine, 400), (.missingColon, 400), (.spaceBeforeColon, 400), (.badFieldName, 400), (.outOfMemory, 503),
    ]
    for (error, status) in errors { #expect(error.status == status) }
    #expect(Set(errors.map { $0.0.text.description }).count == errors.count)
  }
}
