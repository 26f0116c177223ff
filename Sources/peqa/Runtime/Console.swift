internal import Foundation

/// Where the program speaks: results to stdout, everything else to stderr.
///
/// Rank 0 speaks for all ranks; `warn` and `fail` of other ranks carry their names. Colours and
/// carriage returns go only to terminals, colours only without `NO_COLOR`. Control characters of
/// other origin become visible in messages, and in results where stdout is a terminal; a file gets
/// the bytes as they are.
package final class Console: Sendable {
  package enum Verbosity: Int, Sendable, Comparable {
    case quiet, normal, verbose

    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }

  let verbosity: Verbosity
  /// This rank prints results and progress.
  let speaks: Bool
  /// `[rank 3 node7] ` where there are several ranks.
  let prefix: String
  /// stderr is a terminal.
  let isTerminal: Bool
  private let usesColor: Bool
  /// stdout is a terminal.
  private let showsResults = isatty(STDOUT_FILENO) == 1

  package init(
    verbosity: Verbosity = .normal, rank: Int = 0, size: Int = 1, hostName: String = "",
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.verbosity = verbosity
    speaks = rank == 0
    prefix = size > 1 ? "[rank \(rank) \(hostName)] " : ""
    isTerminal = isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
    usesColor = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty
  }

  /// A line of the result, to stdout.
  func result(_ line: String = "") {
    if speaks { Self.write(safeResult(line) + "\n", to: STDOUT_FILENO) }
  }

  /// Part of a result as it comes, without a line end: streamed text.
  func stream(_ text: String) {
    if speaks { Self.write(safeResult(text), to: STDOUT_FILENO) }
  }

  /// What the program is doing; silent with `--quiet`.
  func log(_ line: String) {
    if speaks && verbosity >= .normal { show(line.withVisibleControls) }
  }

  /// What only a search for faults needs: with `--verbose`.
  func detail(_ line: String) {
    if speaks && verbosity >= .verbose { show(line.withVisibleControls) }
  }

  /// A warning of rank 0, or of any rank where `fromAnyRank`.
  func warn(_ text: String, fromAnyRank: Bool = false) {
    guard speaks || fromAnyRank else { return }
    let speaker = (fromAnyRank ? prefix : "").withVisibleControls
    show("\(speaker)\(paint("warning:", 33)) \(text.withVisibleControls)")
  }

  /// Why the program ends. Any rank may say so.
  func fail(_ text: String, prefix: String? = nil) {
    let speaker = (prefix ?? self.prefix).withVisibleControls
    show("\(speaker)\(paint("peqa:", 31)) \(text.withVisibleControls)")
  }

  /// Overwrites the line that stands on the terminal; only for terminals.
  func overwrite(_ line: String) {
    Self.write("\r\u{1b}[2K" + line.withVisibleControls, to: STDERR_FILENO)
  }

  private func safeResult(_ text: String) -> String {
    showsResults ? text.withVisibleControls : text
  }

  private func show(_ line: String) {
    Self.write((isTerminal ? "\r\u{1b}[2K" : "") + line + "\n", to: STDERR_FILENO)
  }

  private func paint(_ text: String, _ color: Int) -> String {
    usesColor ? "\u{1b}[\(color)m\(text)\u{1b}[0m" : text
  }

  /// In one call where possible, so that lines of several ranks do not mix.
  static func write(_ text: String, to file: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
