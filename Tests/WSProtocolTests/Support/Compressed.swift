// The payloads of compressed messages, as a peer would send them. RFC 7692.
@testable import WSProtocol

/// What the peer of that role makes of the messages.
func compressed(by sender: Role, _ parameters: DeflateParameters, _ messages: [[UInt8]], level: Int32 = 6) throws
  -> [[UInt8]]
{
  var compressor = MessageCompressor(parameters, role: sender)
  compressor.level = level
  var payloads: [[UInt8]] = []
  for message in messages {
    payloads.append(try message.lend { (bytes) throws(OutOfMemory) in Array(try compressor.compress(bytes)) })
  }
  return payloads
}
