internal import Foundation

/// The terminal as a screen that is drawn again and again, given back as it was.
///
/// It is put back by `restore` or with the object. Ctrl-Z and Ctrl-\ do nothing meanwhile: they
/// would leave the screen behind.
final class Terminal {
  private var before = termios()
  private var isOpen = true

  /// Nil where stdin or stdout is no terminal that can be drawn on.
  init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
    guard isatty(STDOUT_FILENO) == 1, isatty(STDIN_FILENO) == 1,
      !["dumb", ""].contains(environment["TERM"] ?? ""), tcgetattr(STDIN_FILENO, &before) == 0
    else { return nil }
    signal(SIGTSTP, SIG_IGN)
    signal(SIGQUIT, SIG_IGN)
    var raw = before
    // Keys come one by one and are not shown; signals stay.
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
    setControl(&raw, VMIN, 0)
    setControl(&raw, VTIME, 0)
    tcsetattr(STDIN_FILENO, TCSANOW, &raw)
    // Another screen, no cursor.
    write("\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J")
  }

  deinit { restore() }

  func restore() {
    guard isOpen else { return }
    isOpen = false
    write("\u{1b}[?25h\u{1b}[?1049l")
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
    signal(SIGTSTP, SIG_DFL)
    signal(SIGQUIT, SIG_DFL)
  }

  /// Columns and rows now; 80 by 24 where it does not say.
  static var size: (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0
    else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Whether it shows more than ASCII, by the locale.
  static func isUnicode(_ environment: [String: String]) -> Bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty }
    let name = locale?.uppercased() ?? ""
    return name.contains("UTF-8") || name.contains("UTF8")
  }

  /// Replaces what stands there, without a flicker.
  func draw(_ lines: [String]) {
    let rows = Self.size.rows
    let text = lines.prefix(rows).map { $0 + "\u{1b}[K" }.joined(separator: "\r\n")
    write("\u{1b}[H" + text + "\u{1b}[J")
  }

  /// The key that was pressed, if any.
  func key() -> UInt8? {
    var byte: UInt8 = 0
    return read(STDIN_FILENO, &byte, 1) == 1 ? byte : nil
  }

  private func write(_ text: String) { Console.write(text, to: STDOUT_FILENO) }
}

/// The array of control characters is a tuple in Swift.
private func setControl(_ settings: inout termios, _ index: Int32, _ value: cc_t) {
  withUnsafeMutableBytes(of: &settings.c_cc) { $0[Int(index)] = value }
}
