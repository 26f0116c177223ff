import Foundation
import Testing

/// Faults of ranks, disks and files, as they come in clusters, on processes of this test's own. Each
/// must be noticed, named, and cost no more than the steps since the last checkpoint.
@Suite(.serialized) struct FaultTests {
  let folder: Folder
  let runFile: String
  private static let limit = 3.0

  init() throws {
    folder = try Folder()
    try folder.write(SameBitsTests.text, to: "text.txt")
    try folder.write(
      """
      model: \(Program.base)
      datasets: [{path: \(folder.file("text.txt").path), type: text}]
      val_set_size: 40
      eval_steps: 20
      max_seq_length: 96
      global_batch_size: 7
      max_steps: 100
      learning_rate: 5e-3
      save_steps: 10
      comm_timeout: \(Self.limit)
      dataset_cache: \(folder.file("cache").path)
      """, to: "run.yaml")
    runFile = folder.file("run.yaml").path
  }

  private func arguments(_ output: String, _ more: [String] = []) -> [String] {
    ["train", runFile, "--output-dir", folder.file(output).path] + more
  }

  private func adapter(_ output: String) throws -> Data {
    try Data(contentsOf: folder.file("\(output)/adapter_model.safetensors"))
  }

  private func train(_ output: String, ranks: Int? = nil, _ more: [String] = []) throws -> Data {
    let result = try Program.run(arguments(output, more), ranks: ranks)
    #expect(result.status == 0, "\(result.standardError)")
    return try adapter(output)
  }

  /// Starts ranks and gives them to `fault` once `begun` is true; returns the exit code, what was
  /// said, and how long it took from then to the end.
  private func disturbed(
    _ output: String, ranks: Int, _ more: [String] = [], begun: (URL) -> Bool,
    fault: (_ ranks: [Int32], _ mpirun: Int32) throws -> Void
  ) throws -> (code: Int32, text: String, seconds: Double) {
    let log = folder.file("\(output).log")
    _ = FileManager.default.createFile(atPath: log.path, contents: nil)
    let process = try Program.start(
      arguments(output, more), ranks: ranks, errors: FileHandle(forWritingTo: log))
    let deadline = Date(timeIntervalSinceNow: 30)
    while !begun(folder.file(output)), process.isRunning, Date() < deadline { usleep(200) }
    let pids = try Program.ranks(of: process.processIdentifier)
    #expect(pids.count == ranks)
    let start = Date()
    try fault(pids, process.processIdentifier)
    process.waitUntilExit()
    let seconds = Date().timeIntervalSince(start)
    for pid in pids { #expect(!Program.isAlive(pid), "a stray process") }
    return (process.terminationStatus, try String(contentsOf: log, encoding: .utf8), seconds)
  }

  private func exists(_ name: String) -> (URL) -> Bool {
    { FileManager.default.fileExists(atPath: $0.appending(path: name).path) }
  }

  /// A stopped process is silent: named with its phase, all leave with 75, and nothing is lost.
  @Test(arguments: [0, 2])
  func stoppedRankIsNamed(rank: Int) throws {
    let whole = try train("whole")
    let end = try disturbed("run", ranks: 3, begun: exists("checkpoint-40")) { ranks, _ in
      kill(ranks[rank], SIGSTOP)
    }
    #expect(end.code == 75)
    #expect(end.seconds < Self.limit + 20)  // not for ever; launch/soak measures it
    let pattern =
      "rank \(rank) on [^,]*, silent for [0-9.]+ s, last phase: (step [0-9]+, [a-z]|end)"
    #expect(end.text.range(of: pattern, options: .regularExpression) != nil, "\(end.text)")
    let log = try String(contentsOf: folder.file("run/failures.log"), encoding: .utf8)
    #expect(log.contains("rank \(rank) on "))
    #expect(try train("run", ranks: 2) == whole)
  }

  /// A rank that is stopped for less than the limit holds the others up, and that is all.
  @Test func shortStopIsSurvived() throws {
    let whole = try train("whole")
    let end = try disturbed("run", ranks: 2, begun: exists("latest")) { ranks, _ in
      kill(ranks[1], SIGSTOP)
      usleep(1_200_000)
      kill(ranks[1], SIGCONT)
    }
    #expect(end.code == 0, "\(end.text)")
    #expect(try adapter("run") == whole)
  }

  enum Moment: Sendable { case checkpoint, evaluation, step }

  /// kill -9 at each kind of moment, of rank 0 and of another.
  @Test(arguments: [(Moment.checkpoint, 0), (.checkpoint, 1), (.evaluation, 0), (.step, 1)])
  func killedRankLosesNothing(moment: Moment, rank: Int) throws {
    let more =
      moment == .evaluation ? ["--eval-steps", "1", "--save-steps", "1", "--max-steps", "40"] : []
    let whole = try train("whole", more)
    let begun: (URL) -> Bool = { output in
      guard exists("latest")(output) else { return false }
      switch moment {
      case .checkpoint:
        let names = (try? FileManager.default.contentsOfDirectory(atPath: output.path)) ?? []
        return names.contains { $0.hasPrefix(".checkpoint-") }
      // Nearly all of the time goes into evaluations here.
      case .evaluation: return exists("best/adapter_model.safetensors")(output)
      case .step: return true
      }
    }
    let end = try disturbed("run", ranks: 2, more, begun: begun) { ranks, _ in
      kill(ranks[rank], SIGKILL)
    }
    #expect(end.code == 137)
    #expect(!exists("adapter_model.safetensors")(folder.file("run")))
    #expect(try train("run", ranks: 3, more) == whole)
  }

  @Test func flippedBitInTheBaseIsFound() throws {
    let base = folder.file("base")
    try FileManager.default.copyItem(at: URL(filePath: Program.base), to: base)
    let file = base.appending(path: "base.safetensors")
    var bytes = try Data(contentsOf: file)
    bytes[bytes.count - 1000] ^= 4
    try bytes.write(to: file)
    let result = try Program.run(arguments("run", ["--model", base.path]), ranks: 2)
    #expect(result.status == 65)
    #expect(result.standardError.contains("The base was changed or damaged"))
  }

  /// A job that Slurm starts again goes on, even where the run file wanted a fresh start.
  @Test func slurmRestartGoesOn() throws {
    let whole = try train("whole")
    let fresh = ["--resume", "never", "--overwrite-output-dir", "true"]
    let end = try disturbed("run", ranks: 2, fresh, begun: exists("latest")) { _, mpirun in
      kill(mpirun, SIGUSR1)
    }
    #expect(end.code == 75, "\(end.text)")
    let again = try Program.run(
      arguments("run", fresh), ranks: 2, environment: ["SLURM_RESTART_COUNT": "1"])
    #expect(again.status == 0)
    #expect(again.standardError.contains("continuing from "))
    #expect(try adapter("run") == whole)
  }

  /// Several processes that each believe to be alone are refused before they do anything.
  @Test(arguments: ["PMI_SIZE", "MV2_COMM_WORLD_SIZE"])
  func lonelyProcessesAreRefused(variable: String) throws {
    let result = try Program.run(
      arguments("run"), environment: [variable: "3", "OMPI_MCA_ess_singleton_isolated": "1"])
    #expect(result.status == 69)
    #expect(result.standardError.contains("\(variable) says 3 were started"))
    #expect(!exists("config.yaml")(folder.file("run")))
  }
}
