// swift-tools-version:6.1
// The same sources as CMakeLists.txt, in ordinary Swift: for Swift users (library WSSwift), for the test suites, and with
// the dynamic library wsswift for developers. The shipped libwsswift.so comes from CMake, in Embedded Swift.
import PackageDescription

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6)]

let package = Package(
  name: "wsswift",
  products: [
    .library(name: "WSSwift", targets: ["WSSwift"]),
    .library(name: "wsswift", type: .dynamic, targets: ["WSCABI"]),
  ],
  targets: [
    .target(name: "CMemory"),
    .target(name: "CLinux"),
    .target(name: "COpenSSL"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CWSSwift", path: "include"),
    .target(name: "WSProtocol", dependencies: ["CMemory", "CZlib"], swiftSettings: strict),
    .target(name: "WSTransport", dependencies: ["CLinux"], swiftSettings: strict),
    .target(name: "WSTLS", dependencies: ["COpenSSL", "WSTransport"], swiftSettings: strict),
    .target(name: "WSSwift", dependencies: ["WSProtocol", "WSTransport", "WSTLS"], swiftSettings: strict),
    .target(
      name: "WSCABI", dependencies: ["CWSSwift", "WSProtocol", "WSTransport", "WSTLS", "WSSwift"], swiftSettings: strict),
    .testTarget(name: "WSProtocolTests", dependencies: ["WSProtocol"], swiftSettings: strict),
    .testTarget(name: "WSTransportTests", dependencies: ["WSTransport"], swiftSettings: strict),
    .testTarget(name: "WSTLSTests", dependencies: ["WSTLS", "COpenSSL", "WSTransport"], swiftSettings: strict),
    .testTarget(name: "WSSwiftTests", dependencies: ["WSSwift", "WSProtocol", "WSTransport"], swiftSettings: strict),
  ]
)
