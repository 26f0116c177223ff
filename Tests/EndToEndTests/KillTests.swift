import Foundation
import Testing

/// Runs that are ended from outside go on where they last saved, with the bits of one that was not.
@Suite(.serialized) struct KillTests {
  let run: DisturbedRun

  init() throws { run = try DisturbedRun() }

  enum Moment: Sendable { case checkpoint, evaluation, step }

  /// kill -9 at each kind of moment, of rank 0 and of another.
  @Test(arguments: [(Moment.checkpoint, 0), (.checkpoint, 1), (.evaluation, 0), (.step, 1)])
  func killedRankLosesNothing(moment: Moment, rank: Int) async throws {
    let more: [String] =
      switch moment {
      case .checkpoint: ["--save-steps", "1"]
      case .evaluation: ["--eval-steps", "1", "--save-steps", "1"]
      case .step: []
      }
    let begun: @Sendable () -> Bool = {
      guard run.exists("latest") else { return false }
      switch moment {
      case .checkpoint:
        let folder = run.folder.file("run").path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.contains { $0.hasPrefix(".checkpoint-") }
      // Nearly all of the time goes into evaluations here.
      case .evaluation: return run.exists("best/adapter_model.safetensors")
      case .step: return true
      }
    }
    let end = try await run.disturbed(ranks: 2, more, begun: begun) { ranks, _ in
      kill(ranks[rank], SIGKILL)
    }
    #expect(end.code == 137)
    #expect(!run.exists("adapter_model.safetensors"))
    try await run.expectNothingLost(ranks: rank == 0 ? 3 : nil, threads: rank == 0 ? 1 : 2)
  }

  /// A process alone, without MPI.
  @Test func savedStopIs75AndGoesOn() async throws {
    let end = try await run.disturbed(ranks: nil, begun: run.hasMade("metrics.jsonl")) {
      _, process in
      kill(process, SIGUSR1)
    }
    #expect(end.code == 75, "\(end.text)")
    try await run.expectNothingLost(ranks: 2)
  }
}
