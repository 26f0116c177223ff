import Foundation
import TestSupport
import Testing

/// Signals in every phase of a run, as launchers and schedulers send them.
@Suite(.serialized) struct SignalTests {
  enum Phase: CaseIterable, Sendable { case tokenizing, evaluating, stepping }

  private static let cases: [(Phase, Int32, Int32)] = [
    (.tokenizing, SIGUSR1, 75), (.evaluating, SIGUSR1, 75), (.stepping, SIGUSR2, 75),
    (.tokenizing, SIGTERM, 143), (.evaluating, SIGTERM, 143), (.stepping, SIGTERM, 143),
    (.tokenizing, SIGINT, 130), (.evaluating, SIGINT, 130),
  ]

  let folder: TemporaryFolder
  let runFile: String

  init() throws {
    folder = try TemporaryFolder()
    // Some seconds of tokenizing, and as long evaluations.
    try folder.write(String(repeating: TemporaryFolder.text, count: 120), to: "large.txt")
    runFile = try folder.runFile(
      """
      max_steps: 1000000
      max_wall_time: 200
      learning_rate: 1e-4
      """)
  }

  private func arguments(_ phase: Phase) -> [String] {
    let (small, large) = (folder.file("text.txt").path, folder.file("large.txt").path)
    var arguments = ["train", runFile, "--output-dir", folder.file("run").path]
    let data = phase == .tokenizing ? large : small
    arguments += ["--set", "datasets=[{path: \(data), type: text}]"]
    if phase == .evaluating {
      arguments += [
        "--set", "eval_datasets=[{path: \(small), type: text}]", "--eval-steps", "1",
      ]
    }
    return arguments
  }

  /// Without a launcher TERM saves as INT does, and the run goes on from there; in a Slurm job it
  /// leaves at once.
  @Test(arguments: [("", [0, 1]), ("7", [0, 0])])
  func termWithoutALauncher(job: String, saves: [Int]) async throws {
    for (phase, saved) in zip([Phase.tokenizing, .stepping], saves) {
      let log = folder.file("log")
      try folder.write("", to: "log")
      try? FileManager.default.removeItem(at: folder.file("cache"))
      let status = try await Program.aside {
        let process = try Program.start(
          arguments(phase), errors: FileHandle(forWritingTo: log),
          environment: ["SLURM_JOB_ID": job])
        wait(for: phase, of: process)
        kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        return process.terminationStatus
      }
      let said = try String(contentsOf: log, encoding: .utf8)
      #expect(status == 143, "\(said)")
      let latest = FileManager.default.fileExists(atPath: folder.file("run/latest").path)
      #expect(latest == (saved == 1), "\(phase) \(said)")
      #expect(said.contains("start again to continue") == (saved == 1), "\(said)")
    }
  }

  private func wait(for phase: Phase, of process: Process) {
    let path: String
    switch phase {
    case .tokenizing: path = "cache"
    case .evaluating: path = "run/best/adapter_model.safetensors"
    case .stepping: path = "run/metrics.jsonl"
    }
    while process.isRunning, !FileManager.default.fileExists(atPath: folder.file(path).path) {
      usleep(1000)
    }
    // Past the first moments of the phase.
    usleep(50_000)
  }

  /// USR1 and USR2 as mpirun hands them on, INT and TERM as srun sends them to each rank. All ranks
  /// leave with one code, soon.
  @Test(arguments: cases)
  func allLeaveWithOneCode(phase: Phase, signal: Int32, code: Int32) async throws {
    let log = folder.file("log")
    try folder.write("", to: "log")
    let (status, ranks, seconds) = try await Program.aside {
      let process = try Program.start(
        arguments(phase), ranks: 2, errors: FileHandle(forWritingTo: log))
      wait(for: phase, of: process)
      let ranks = try Program.ranks(of: process.processIdentifier)
      let start = Date()
      for target in code == 75 ? [process.processIdentifier] : ranks { kill(target, signal) }
      process.waitUntilExit()
      return (process.terminationStatus, ranks, Date().timeIntervalSince(start))
    }
    #expect(ranks.count == 2)
    let said = try String(contentsOf: log, encoding: .utf8)
    #expect(status == code, "\(said)")
    #expect(seconds < 60)  // not by `comm_timeout` of 120 s
    for rank in ranks { #expect(!Program.isAlive(rank)) }
    // What was begun can be saved, except in the second that TERM leaves.
    let latest = FileManager.default.fileExists(atPath: folder.file("run/latest").path)
    #expect(latest == (phase != .tokenizing && code != 143))
  }
}
