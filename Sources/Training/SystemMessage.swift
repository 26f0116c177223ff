internal import Glibc

/// The operating system's words for an error number.
enum SystemMessage {
  static func text(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
  }
}
