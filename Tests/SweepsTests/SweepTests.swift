import Foundation
import Sweeps
import TestSupport
import Testing
import Training

/// Sweeps over a trainer that trains nothing, but leaves the files of runs.
@Suite struct SweepTests {
  private static let section = """
      parameters:
        learning_rate: [1e-4, 1e-3, 3e-3, 1e-2]
        seed: [2, 1]
      rungs: [2, 4]
      eta: 2
    """

  /// Steps of each run of that section: all settings to 2, two to 4, one to the end.
  private static let expected: [String] = {
    func steps(_ runs: ClosedRange<Int>, _ steps: ClosedRange<Int>) -> [String] {
      runs.flatMap { run in steps.map { "run-000\(run) \($0)" } }
    }
    return steps(1...8, 1...2) + steps(3...6, 3...4) + steps(5...6, 5...10)
  }()

  @Test func halvesAndWritesTheWinner() throws {
    let trainer = try FakeTrainer()
    try trainer.write(Self.section)
    let results = try trainer.sweep()
    #expect(trainer.steps == Self.expected)
    // The mean over the seeds is what settings are ranked by, the best seed what is handed on.
    let winner = try #require(results.settings.first)
    #expect(winner.values.map(\.value) == ["0.003"])
    let mean = abs(log10(3e-3) + 2.5) + 0.015 + 0.1
    #expect(abs((winner.score ?? 0) - mean) < 1e-8)
    #expect(results.best.name == "run-0006")
    #expect(
      results.settings.map(\.state) == ["trained", "ended at 4", "ended at 2", "ended at 2"])
    let best = try String(contentsOfFile: trainer.folder("out/best.yaml"), encoding: .utf8)
    var raw = RawConfig()
    raw.read(yaml: best, path: "best.yaml")
    let config = try raw.resolved(ranks: 1).config
    #expect(config.learningRate == 3e-3 && config.seed == 1 && config.stopAtStep == 0)
    #expect(config.outputDirectory == trainer.folder("out/best"))
  }

  @Test func aSecondStartTrainsNothing() throws {
    let trainer = try FakeTrainer()
    try trainer.write(Self.section)
    let first = try trainer.sweep()
    let second = try trainer.sweep()
    #expect(trainer.steps == Self.expected)
    #expect(second.lines == first.lines)
  }

  /// Stopped after each number of starts, by a signal that its trainer gets too.
  @Test(arguments: [1, 8, 9, 13])
  func stoppedAndStartedAgain(starts: Int) throws {
    var trainer = try FakeTrainer()
    try trainer.write(Self.section)
    trainer.environment["FAKE_DELAY"] = "0.01"
    var begun = 0
    #expect(throws: SweepError.self) {
      try trainer.sweep(
        signal: { begun >= starts ? SIGTERM : nil },
        report: { if case .begins = $0 { begun += 1 } })
    }
    trainer.environment["FAKE_DELAY"] = ""
    let results = try trainer.sweep()
    #expect(results.best.name == "run-0006")
    // The one that was stopped may repeat the step that it was at.
    var once: [String] = []
    for step in trainer.steps where !once.contains(step) { once.append(step) }
    #expect(once == Self.expected)
    #expect(trainer.steps.count <= once.count + 1)
  }

  /// A trainer outlives a sweep that was killed: the next start waits for it.
  @Test func waitsForATrainerThatIsAtWork() throws {
    var trainer = try FakeTrainer()
    try trainer.write(Self.section)
    trainer.environment["FAKE_DELAY"] = "0.3"
    let file = try SweepFile(path: trainer.folder("sweep.yaml"))
    let run = try #require(SweepPlan(file).runs.first)
    let orphan = Process()
    orphan.executableURL = URL(filePath: trainer.folder("trainer"))
    let runFile = try trainer.folder.put("out/run-0001.yaml", run.config.yaml)
    orphan.arguments = ["train", runFile, "--stop-at-step", "2"]
    orphan.environment = trainer.environment
    try orphan.run()
    while trainer.steps.isEmpty { usleep(10_000) }
    trainer.environment["FAKE_DELAY"] = ""
    var waited: [String] = []
    try trainer.sweep(report: { if case .waits(let run, _) = $0 { waited.append(run.name) } })
    orphan.waitUntilExit()
    #expect(waited == ["run-0001"])
    #expect(trainer.steps == Self.expected)
  }

  @Test func aRunThatFailsIsOutAndNotTriedAgain() throws {
    var trainer = try FakeTrainer()
    try trainer.write(Self.section)
    trainer.environment["FAKE_FAILS"] = "0.003"
    let results = try trainer.sweep()
    #expect(results.best.values.map(\.value) == ["0.001", "1"])
    let failed = try #require(results.settings.last)
    #expect(failed.state == "failed" && failed.values.map(\.value) == ["0.003"])
    #expect(failed.runs.compactMap(\.failure) == ["peqa: step 1: loss is not finite"])
    let steps = trainer.steps
    trainer.environment["FAKE_FAILS"] = ""
    #expect(try trainer.sweep().best.name == results.best.name)
    #expect(trainer.steps == steps)
    // Unless that is asked for.
    #expect(try trainer.sweep(retryFailed: true).best.name == "run-0006")
  }

  /// A rank that was killed: started again, as often as `retries` allows.
  @Test func aLostRunIsStartedAgain() throws {
    var trainer = try FakeTrainer()
    trainer.environment["FAKE_LOST"] = trainer.folder("lost")
    try trainer.write(Self.section)
    try trainer.sweep()
    #expect(trainer.steps == Self.expected)
    try FileManager.default.removeItem(atPath: trainer.folder("lost"))
    try trainer.write(Self.section + "\n  retries: 0", run: "val_set_size: 0.2")
    try FileManager.default.removeItem(atPath: trainer.folder("out"))
    #expect(throws: SweepError.self) { try trainer.sweep() }
  }

  @Test func everyRunFails() throws {
    var trainer = try FakeTrainer()
    try trainer.write("  parameters: {learning_rate: [0.5], seed: [1, 2]}")
    trainer.environment["FAKE_FAILS"] = "0.5"
    let error = #expect(throws: SweepError.self) { try trainer.sweep() }
    #expect(error?.exitCode == 3)
    // A failure is none with a code that no program can end with, or that says it was well.
    let plan = trainer.folder("out/plan.json")
    let text = try String(contentsOfFile: plan, encoding: .utf8)
    for code in ["0", "-1", "256", "9007199254740992"] {
      let changed = text.replacing("\"code\": 3", with: "\"code\": \(code)")
      #expect(changed != text)
      try changed.write(toFile: plan, atomically: true, encoding: .utf8)
      #expect(#expect(throws: SweepError.self) { try trainer.sweep() }?.exitCode == 70)
    }
  }

  /// Comments and how runs are started may change, what is run may not.
  @Test func aChangedSweepIsRefused() throws {
    let trainer = try FakeTrainer()
    try trainer.write(Self.section)
    try trainer.sweep()
    try trainer.write("  # the same\n" + Self.section + "\n  retries: 5")
    try trainer.sweep()
    for change in [("1e-2]", "2e-2]"), ("eta: 2", "eta: 3"), ("[2, 4]", "[2, 5]")] {
      try trainer.write(Self.section.replacing(change.0, with: change.1))
      let error = #expect(throws: SweepError.self) { try trainer.sweep() }
      #expect(error?.exitCode == 78)
    }
    try trainer.write(Self.section, run: "val_set_size: 0.2")
    #expect(throws: SweepError.self) { try trainer.sweep() }
    #expect(trainer.steps == Self.expected)
  }

  /// Without its plan the folder is known by the run files in it.
  @Test func thePlanCanBeMadeAgain() throws {
    let trainer = try FakeTrainer()
    try trainer.write(Self.section)
    try trainer.sweep()
    try trainer.folder.put("out/plan.json", "torn {")
    let error = #expect(throws: SweepError.self) { try trainer.sweep() }
    #expect(error?.exitCode == 65)
    try FileManager.default.removeItem(atPath: trainer.folder("out/plan.json"))
    try trainer.sweep()
    #expect(trainer.steps == Self.expected)
    try FileManager.default.removeItem(atPath: trainer.folder("out/plan.json"))
    try trainer.write(Self.section, run: "val_set_size: 0.2")
    #expect(throws: SweepError.self) { try trainer.sweep() }
  }

  @Test func twoSweepsDoNotShareAFolder() throws {
    let trainer = try FakeTrainer()
    try trainer.write(Self.section)
    let file = try SweepFile(path: trainer.folder("sweep.yaml"))
    let held = try SweepFolder(SweepPlan(file), file)
    let error = #expect(throws: SweepError.self) { try trainer.sweep() }
    #expect(error?.exitCode == 73)
    withExtendedLifetime(held) {}
  }

  /// Without held-out data by the mean over the last quarter: here the seed.
  @Test func trainingLossWhereNothingIsHeldOut() throws {
    let trainer = try FakeTrainer()
    try trainer.write(Self.section, run: "")
    let plan = try SweepPlan(SweepFile(path: trainer.folder("sweep.yaml")))
    #expect(plan.metric == .trainLoss)
    #expect(plan.notices.contains { $0.contains("train_loss") })
    let results = try trainer.sweep()
    #expect(results.settings.first?.score == 1.5)
    #expect(results.best.values.map(\.value) == ["0.0001", "1"])
  }
}
