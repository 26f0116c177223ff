import Foundation
import Testing

/// Faults of ranks, disks and files, as they come in clusters, on processes of this test's own.
/// Each must be noticed, named, and cost no more than the steps since the last checkpoint.
@Suite(.serialized) struct FaultTests {
  let run: DisturbedRun

  init() throws { run = try DisturbedRun() }

  /// A stopped process is silent: named with its phase, all leave with 75, and nothing is lost.
  @Test(arguments: [0, 2])
  func stoppedRankIsNamed(rank: Int) async throws {
    let end = try await run.disturbed(ranks: 3, begun: run.hasMade("checkpoint-20")) { ranks, _ in
      kill(ranks[rank], SIGSTOP)
    }
    #expect(end.code == 75)
    #expect(end.seconds < 60)  // not for ever; launch/soak measures it
    let pattern =
      "rank \(rank) on [^,]*, silent for [0-9.]+ s, last phase: (step [0-9]+, [a-z]|end)"
    #expect(end.text.range(of: pattern, options: .regularExpression) != nil, "\(end.text)")
    let log = try String(contentsOf: run.folder.file("run/failures.log"), encoding: .utf8)
    #expect(log.contains("rank \(rank) on "))
    try await run.expectNothingLost(ranks: 2)
  }

  /// A rank that is stopped for less than the limit holds the others up, and that is all.
  @Test func shortStopIsSurvived() async throws {
    let end = try await run.disturbed(ranks: 2, begun: run.hasMade("latest")) { ranks, mpirun in
      kill(ranks[1], SIGSTOP)
      usleep(1_200_000)
      let before = try run.latest()
      kill(ranks[1], SIGCONT)
      while try run.latest() == before, Program.isAlive(mpirun) { usleep(1000) }
      kill(mpirun, SIGUSR1)
    }
    #expect(end.code == 75 && !end.text.contains("silent"), "\(end.text)")
    try await run.expectNothingLost()
  }

  @Test func flippedBitInTheBaseIsFound() async throws {
    let base = run.folder.file("base")
    try FileManager.default.copyItem(at: URL(filePath: Program.base), to: base)
    let file = base.appending(path: "base.safetensors")
    var bytes = try Data(contentsOf: file)
    bytes[bytes.count - 1000] ^= 4
    try bytes.write(to: file)
    let result = try await Program.run(run.arguments(["--model", base.path]), ranks: 2)
    #expect(result.status == 65)
    #expect(result.standardError.contains("The base was changed or damaged"))
  }

  /// A job that Slurm starts again goes on, even where the run file wanted a fresh start.
  @Test func slurmRestartGoesOn() async throws {
    let fresh = ["--resume", "never", "--overwrite-output-dir", "true"]
    let end = try await run.disturbed(ranks: 2, fresh, begun: run.hasMade("latest")) { _, mpirun in
      kill(mpirun, SIGUSR1)
    }
    #expect(end.code == 75, "\(end.text)")
    try await run.expectNothingLost(ranks: 2, fresh, environment: ["SLURM_RESTART_COUNT": "1"])
  }

  /// Several processes that each believe to be alone are refused before they do anything.
  @Test(arguments: ["PMI_SIZE", "MV2_COMM_WORLD_SIZE"])
  func lonelyProcessesAreRefused(variable: String) async throws {
    let result = try await Program.run(
      run.arguments(), environment: [variable: "3", "OMPI_MCA_ess_singleton_isolated": "1"])
    #expect(result.status == 69)
    #expect(result.standardError.contains("\(variable) says 3 were started"))
    #expect(!run.exists("config.yaml"))
  }
}
