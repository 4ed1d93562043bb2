// TLS and proxies of a dialer by Swift strings, where the others of its setters take bytes.
import WSProtocol

extension Dialer {
  /// Believes the issuers in a PEM file. Otherwise as `addTLSAuthorities(_:)` with bytes.
  public func addTLSAuthorities(file path: String) throws(WSError) {
    try withBytes(of: path) { (path) throws(WSError) in try addTLSAuthorities(.file(path)) }
  }

  /// The certificate to show to servers that ask for one, and its key, from PEM files. Otherwise as `setTLSCertificate(chain:key:)`.
  public func setTLSCertificate(chainFile: String, keyFile: String) throws(WSError) {
    try withBytes(of: chainFile) { (chain) throws(WSError) in
      try withBytes(of: keyFile) { (key) throws(WSError) in try setTLSCertificate(chain: .file(chain), key: .file(key)) }
    }
  }

  /// The name or address that servers' certificates must be for. Otherwise as `setTLSServerName` with bytes.
  public func setTLSServerName(_ name: String) throws(WSError) {
    try withBytes(of: name) { (name) throws(WSError) in try setTLSServerName(name) }
  }

  /// Goes through this proxy. Otherwise as `setProxy` with bytes.
  public func setProxy(_ url: String) throws(WSError) {
    try withBytes(of: url) { (url) throws(WSError) in try setProxy(url) }
  }
}
