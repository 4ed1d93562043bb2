// The numbers of RFC 6455 5.2 and 11.8.
import Testing

@testable import WSProtocol

@Suite("Opcode")
struct OpcodeTests {
  @Test("5.2: six numbers have a meaning; 8 and above are control frames")
  func numbers() {
    let known: [UInt8: (Opcode, isControl: Bool)] = [
      0: (.continuation, false), 1: (.text, false), 2: (.binary, false), 8: (.close, true), 9: (.ping, true), 10: (.pong, true),
    ]
    for number in UInt8.min...UInt8.max {
      #expect(Opcode(rawValue: number) == known[number]?.0)
      #expect(Opcode(rawValue: number)?.isControl == known[number]?.isControl)
    }
  }

  @Test("5.6: messages begin with their kind's opcode")
  func kinds() {
    #expect(MessageKind.text.opcode == .text)
    #expect(MessageKind.binary.opcode == .binary)
    for opcode in [ControlOpcode.close, .ping, .pong] { #expect(opcode.opcode.rawValue == opcode.rawValue) }
  }
}
