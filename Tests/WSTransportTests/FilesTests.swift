// Files that the library opens by itself.
import Foundation
import Testing

@testable import WSTransport

@Suite struct FilesTests {
  private let folder = NSTemporaryDirectory() + "wsswift-files-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"

  init() { mkdir(folder, 0o700) }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    stat(path, &status)
    return status.st_mode & 0o777
  }

  @Test func directoriesAreTold() {
    #expect(folder.withCString { Files.problem(withDirectory: $0) } == nil)
    #expect("\(folder)/absent".withCString { Files.problem(withDirectory: $0) } == ENOENT)
    #expect("/dev/null".withCString { Files.problem(withDirectory: $0) } == ENOTDIR)
  }

  @Test func aLogIsItsOwnersAlone() throws {
    let path = "\(folder)/log"
    FileManager.default.createFile(atPath: path, contents: Data("before\n".utf8), attributes: [.posixPermissions: 0o666])
    for text in ["first", "second"] {
      let log = try path.withCString { (path) throws(TransportError) in try PrivateLog.open(path) }
      Array(text.utf8).withUnsafeBytes { log.add($0) }
      #expect(mode(path) == 0o600)
    }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "before\nfirst\nsecond\n")
  }

  @Test func linksAndPipesAreRefused() throws {
    symlink("\(folder)/target", "\(folder)/link")
    mkfifo("\(folder)/pipe", 0o600)
    let opened = { (name: String) in
      "\(folder)/\(name)".withCString { path in failure { () throws(TransportError) in try PrivateLog.open(path) } }
    }
    #expect(opened("link") == .system(ELOOP))
    #expect(opened("pipe") == .system(ENXIO))
    #expect(opened("absent/log") == .system(ENOENT))
    #expect(
      "/dev/null".withCString { path in failure { () throws(TransportError) in try PrivateLog.open(path) } } == .system(EINVAL))
  }
}
