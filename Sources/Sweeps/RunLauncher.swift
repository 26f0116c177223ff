internal import Foundation

/// How programs that train are found and started.
package struct RunLauncher {
  /// The trainer: PEQA, else this program.
  let program: String
  private let ranks: Int?
  private let environment: [String: String]
  /// The signal to pass on, once one has come.
  private let signal: () -> Int32?

  /// - Throws: `SweepError.noLauncher` where a script of launch/ is needed and not found.
  package init(
    ranks: Int?, environment: [String: String] = ProcessInfo.processInfo.environment,
    signal: @escaping () -> Int32?
  ) throws(SweepError) {
    (self.ranks, self.environment, self.signal) = (ranks, environment, signal)
    program = environment["PEQA"] ?? Self.itself
    if ranks != nil { _ = try script("mpirun-train") }
  }

  private static var itself: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "peqa"
  }

  /// A script of launch/: below PEQA_ROOT, or beside the program or a folder above it.
  func script(_ name: String) throws(SweepError) -> String {
    var folder = URL(filePath: Self.itself).deletingLastPathComponent()
    var folders = environment["PEQA_ROOT"].map { [$0] } ?? []
    for _ in 0..<5 {
      folders.append(folder.path)
      folder.deleteLastPathComponent()
    }
    let paths = folders.map { "\($0)/launch/\(name)" }
    guard let found = paths.first(where: { FileManager.default.isExecutableFile(atPath: $0) })
    else {
      throw .noLauncher(
        "launch/\(name) is not found beside \(Self.itself). Set PEQA_ROOT to the folder that holds "
          + "launch/.")
    }
    return found
  }

  /// Trains a run up to a step, or to its end, and gives the exit code.
  ///
  /// - Throws: `SweepError.stopped` where a signal came meanwhile; the run was given the same one.
  func train(_ runFile: String, upTo step: Int?, log: String) throws(SweepError) -> Int32 {
    let words = [runFile] + (step.map { ["--stop-at-step", "\($0)"] } ?? [])
    guard let ranks else { return try run([program, "train"] + words, output: log) }
    return try run([try script("mpirun-train"), "-n", "\(ranks)"] + words, output: log)
  }

  /// Runs a program to its end.
  func run(
    _ words: [String], output: String, errors: String? = nil
  ) throws(SweepError) -> Int32 {
    var settings = environment
    settings["PEQA"] = program
    let child = try ChildProcess(
      words, environment: settings, output: output, errors: errors)
    var passedOn: Int32?
    var wait: UInt32 = 1000
    while true {
      if let code = child.exitCode() {
        if let passedOn { throw Self.stopped(by: passedOn) }
        return code
      }
      if let signal = signal(), signal != passedOn {
        passedOn = signal
        child.send(signal)
      }
      usleep(wait)
      wait = min(2 * wait, 50_000)
    }
  }

  /// Waits, and looks for signals.
  func pause(seconds: Double) throws(SweepError) {
    let end = Date().addingTimeInterval(seconds)
    repeat {
      if let signal = signal() { throw Self.stopped(by: signal) }
      usleep(50_000)
    } while Date() < end
  }

  private static func stopped(by signal: Int32) -> SweepError {
    .stopped(code: signal == SIGINT || signal == SIGTERM ? 128 + signal : 75)
  }
}
