// Opens a connection, says what TLS it has if any, sends each MESSAGE, prints what comes back, closes cleanly.
// Exit status 0 when all went well, 2 when there was no connection, 1 for anything else.
//
//   wss_client [--ca FILE] [--certificate FILE --key FILE] [--name NAME] [--proxy URL] URL [MESSAGE...]
//
// --ca: the PEM file of the issuers to believe, instead of the system's. --certificate, --key: what to show to a server that asks for a
// certificate. --name: the name that the server's certificate must be for, instead of the URL's. --proxy: the way to the server.
//
// It is the main.swift of an executable target in a package that depends on this one, as README.md says.
import Glibc
import WSSwift

let usage =
  "usage: wss_client [--ca FILE] [--certificate FILE --key FILE] [--name NAME] [--proxy URL] URL [MESSAGE...]"

/// Ends the program with a line on standard error.
func fail(_ status: Int32, _ text: String) -> Never {
  var line = "\(text)\n"
  line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  exit(status)
}

/// The options by name, and what follows them.
func readArguments() -> (options: [String: String], rest: [String]) {
  let known: Set = ["--ca", "--certificate", "--key", "--name", "--proxy"]
  var options: [String: String] = [:]
  var rest = CommandLine.arguments.dropFirst()
  while let name = rest.first, name.hasPrefix("--") {
    rest = rest.dropFirst()
    guard known.contains(name), let value = rest.popFirst() else { fail(2, usage) }
    options[name] = value
  }
  return (options, Array(rest))
}

/// A dialer with these options.
func makeDialer(_ options: [String: String]) throws(WSError) -> Dialer {
  let dialer = Dialer()
  if let ca = options["--ca"] { try dialer.addTLSAuthorities(file: ca) }
  if let name = options["--name"] { try dialer.setTLSServerName(name) }
  if let proxy = options["--proxy"] { try dialer.setProxy(proxy) }
  if let certificate = options["--certificate"], let key = options["--key"] {
    try dialer.setTLSCertificate(chainFile: certificate, keyFile: key)
  }
  return dialer
}

/// Everything after the opening handshake.
func talk(_ connection: Conn, _ messages: [String]) throws(WSError) {
  if let tls = connection.tls {
    print("\(String(decoding: tls.version, as: UTF8.self)), \(String(decoding: try tls.subject(), as: UTF8.self))")
  }
  for message in messages {
    try connection.write(message)
    guard case .text(let reply) = try connection.readMessage() else { fail(1, "wss_client: the server does not echo") }
    print(reply)
  }
  try connection.close()
}

let (options, rest) = readArguments()
guard let url = rest.first, (options["--certificate"] == nil) == (options["--key"] == nil) else { fail(2, usage) }
let connection: Conn
do {
  connection = try makeDialer(options).dial(url)
} catch {
  fail(2, "wss_client: \(error)")
}
do {
  try talk(connection, rest.count > 1 ? Array(rest.dropFirst()) : ["Hello from wsswift"])
} catch {
  fail(1, "wss_client: \(error)")
}
