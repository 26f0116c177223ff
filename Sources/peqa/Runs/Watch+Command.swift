internal import ArgumentParser
internal import Foundation
internal import RunHistory
internal import RunViews

/// `peqa watch`: a run as it goes, from its folder.
struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Watch a run.",
    discussion: """
      Looks into the output folder of a run, here or on a shared file system, and disturbs nothing. On \
      a terminal it draws one screen; q or Ctrl-C leaves. Elsewhere it prints a line for each new step. \
      It ends when the run does.
      """)

  @Argument(help: "The output_dir of a run.")
  var folder: String

  @Flag(help: "Print the run as it is now, and end.")
  var once = false

  @Option(help: "Seconds between looks.")
  var interval = 2.0

  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    guard interval >= 0.1, interval <= 3600 else {
      throw ValidationError("--interval must be from 0.1 to 3600 seconds.")
    }
  }

  func run() throws {
    let console = Console(verbosity: verbosity.level)
    if once {
      let record = try RunRecord(folder: folder)
      for line in frame(record, isatty(STDOUT_FILENO) == 1 ? Terminal.size : (80, 24)) {
        console.result(line)
      }
      return
    }
    // Known before the screen is taken.
    guard RunRecord.isRun(folder) else { throw RunHistoryError.noRun(path: folder) }
    let signals = StopSignals.install()
    let end = try Terminal().map { try draw(on: $0, signals) } ?? follow(console, signals)
    console.result(Self.summary(end))
    if let request = signals.received { throw ExitCode(request.exitCode) }
  }

  private func frame(_ record: RunRecord, _ size: (columns: Int, rows: Int)) -> [String] {
    WatchFrame(
      record, columns: size.columns, rows: size.rows,
      isUnicode: Terminal.isUnicode(ProcessInfo.processInfo.environment)
    ).lines.map(\.withVisibleControls)
  }

  /// The run as it is now, and when to look again: a large file on a slow disk is not read all the
  /// time.
  private func look() throws -> (record: RunRecord, next: Date) {
    let clock = ContinuousClock.now
    let record = try RunRecord(folder: folder)
    let reading = (ContinuousClock.now - clock) / .seconds(1)
    return (record, Date().addingTimeInterval(max(interval, 10 * reading)))
  }

  /// - Returns: what was seen last.
  private func draw(on terminal: Terminal, _ signals: StopSignals) throws -> RunRecord {
    defer { terminal.restore() }
    while true {
      let (record, next) = try look()
      var size = (columns: 0, rows: 0)
      repeat {
        if size != Terminal.size {
          size = Terminal.size
          terminal.draw(frame(record, size))
        }
        if signals.received != nil || terminal.key() == UInt8(ascii: "q") { return record }
        usleep(50_000)
      } while Date() < next
      if Self.hasEnded(record) { return record }
    }
  }

  /// Lines, for pipes and logs.
  private func follow(_ console: Console, _ signals: StopSignals) throws -> RunRecord {
    var news = WatchLines()
    while true {
      let (record, next) = try look()
      for line in news.new(in: record) { console.result(line) }
      if signals.received != nil || Self.hasEnded(record) { return record }
      while Date() < next, signals.received == nil { usleep(50_000) }
    }
  }

  private static func hasEnded(_ record: RunRecord) -> Bool {
    switch record.state() {
    case .finished, .stopped, .failed: true
    case .running, .unknown: false
    }
  }

  /// One line that stays.
  private static func summary(_ record: RunRecord) -> String {
    RunTable(record).lines.dropFirst().joined(separator: "\n")
  }
}
