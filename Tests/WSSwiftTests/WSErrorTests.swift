// The layers' errors under one roof: each keeps its meaning.
import Foundation
import Testing
import WSProtocol
import WSTransport

@testable import WSSwift

@Suite struct WSErrorTests {
  @Test func transportErrorsKeepTheirMeaning() {
    let pairs: [(TransportError, WSError)] = [
      (.timeout, .timeout), (.aborted, .aborted), (.interrupted, .interrupted), (.closed(104), .lost(104)),
      (.noDescriptors(24), .noDescriptors(24)), (.outOfMemory, .outOfMemory), (.unresolved(-2), .unresolved(-2)),
      (.refused(111), .unconnected(111)), (.system(5), .system(5)),
    ]
    for (below, here) in pairs { #expect(WSError(below) == here) }
  }

  @Test func configurationErrorsKeepTheirMeaning() {
    #expect(WSError(ConfigurationError.outOfMemory) == .outOfMemory)
    #expect(WSError(ConfigurationError.badName) == .configuration(.badName))
  }
}
