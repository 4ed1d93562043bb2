// The system's own words for its errors.
import CLinux

/// Static texts of libc.
public enum SystemText {
  /// What an errno means; lives for ever.
  public static func ofError(_ code: Int32) -> UnsafeRawBufferPointer { view(clinux_error_text(code)) }

  /// What an EAI_ code of the resolver means; lives for ever.
  public static func ofResolver(_ code: Int32) -> UnsafeRawBufferPointer { view(gai_strerror(code)) }

  private static func view(_ text: UnsafePointer<CChar>?) -> UnsafeRawBufferPointer {
    guard let text else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: text, count: strlen(text))
  }
}
