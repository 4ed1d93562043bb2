// The end of the process where going on would hide a fault of the program: only a library that was built to watch for it does that.
#if WSSWIFT_QUARANTINE
  import CLinux

  /// Ends the process with a word why.
  public enum LastWords {
    /// Writes the text to standard error and aborts.
    public static func end(_ text: UnsafeRawBufferPointer) -> Never {
      clinux_die(text.baseAddress, text.count)
    }
  }
#endif
