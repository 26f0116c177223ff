import Checkpoints
import Foundation
import JSONText
import RunHistory
import Synchronization
import TestSupport
import Testing
import Training

/// When tasks are measured, and where the scores stand. What is measured is made up: the number of
/// the call, counted over all attempts of a run.
@Suite struct TaskMeasurementTests {
  private final class Calls: Sendable {
    private let count = Mutex(0)
    /// Calls that are cut short by a request to stop.
    let stopped: Set<Int>
    /// Calls that fail.
    let failing: Set<Int>

    init(stopped: Set<Int> = [], failing: Set<Int> = []) {
      (self.stopped, self.failing) = (stopped, failing)
    }

    var made: Int { count.withLock { $0 } }

    static let names = ["own/acc", "own/acc_stderr"]

    func measurement(_ names: [String]) -> TaskMeasurement {
      TaskMeasurement(names: names) { _ in
        let call = self.count.withLock {
          $0 += 1
          return $0
        }
        if self.failing.contains(call) { throw TrainingError.badData("call \(call)") }
        if self.stopped.contains(call) { return nil }
        return [.real(Double(call)), .null] + names.dropFirst(2).map { _ in .real(0.5) }
      }
    }
  }

  private func toy(
    _ folder: TemporaryFolder, _ calls: Calls, _ names: [String] = Calls.names,
    every steps: Int = 0,
    _ change: (inout ToyRun) -> Void = { _ in }
  ) -> ToyRun {
    var run = ToyRun(folder("run"))
    run.tasks = { _ in calls.measurement(names) }
    run.config.taskEvaluation.steps = steps
    change(&run)
    return run
  }

  /// Steps with scores, and the scores, in the order of the file.
  private func scores(_ folder: TemporaryFolder) throws -> [[Int]] {
    try String(contentsOfFile: folder("run/metrics.jsonl"), encoding: .utf8)
      .split(separator: "\n").map { try JSONValue(parsing: String($0)) }
      .compactMap { record in
        guard let score = record["own/acc"]?.double, let step = record["step"]?.int else {
          return nil
        }
        #expect(record["task_runtime"]?.double != nil && record["eval_loss"] == nil)
        return [step, Int(score)]
      }
  }

  private func rows(_ folder: TemporaryFolder) throws -> [[String]] {
    try String(contentsOfFile: folder("run/metrics.csv"), encoding: .utf8)
      .split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
  }

  @Test func measuresWhenDue() throws {
    for (every, start, steps) in [
      (0, false, [20]), (7, false, [7, 14, 20]), (5, true, [0, 5, 10, 15, 20]),
    ] {
      let folder = try TemporaryFolder()
      let told = Mutex<[Int]>([])
      let result = try toy(folder, Calls(), every: every) {
        $0.config.evalOnStart = start
      }(report: { event in
        if case .measured(let step, let scores) = event {
          told.withLock { $0.append(step) }
          #expect(scores.members?.map(\.key) == ["own/acc", "own/acc_stderr"])
        }
      })
      #expect(try scores(folder) == steps.enumerated().map { [$1, $0 + 1] })
      #expect(told.withLock { $0 } == steps)
      guard case .finished(let results) = result.outcomes[0] else { continue }
      #expect(results.tasks?["own/acc"]?.double == Double(steps.count))
      let file = try String(contentsOfFile: folder("run/train_results.json"), encoding: .utf8)
      #expect(try JSONValue(parsing: file)["tasks"] == results.tasks)
    }
  }

  /// At a pause too; what goes on from there does not measure that step again.
  @Test func measuresAtAPause() throws {
    let folder = try TemporaryFolder()
    let calls = Calls()
    let paused = try toy(folder, calls, every: 8) { $0.config.stopAtStep = 11 }().outcomes[0]
    guard case .paused(step: 11, _) = paused else {
      Issue.record("\(paused)")
      return
    }
    #expect(try scores(folder) == [[8, 1], [11, 2]])
    #expect(try toy(folder, calls, every: 8)().outcomes[0].exitCode == 0)
    #expect(try scores(folder) == [[8, 1], [11, 2], [16, 3], [20, 4]])
  }

  /// Scores change nothing of what is trained.
  @Test func trainsTheSame() throws {
    let (one, other) = (try TemporaryFolder(), try TemporaryFolder())
    let with = try toy(one, Calls(), every: 3)()
    let without = try ToyRun(other("run"))()
    #expect(with.adapter == without.adapter && with.losses == without.losses)
  }

  /// Stopped at any poll, resumed: every step once, with the scores of the attempt that had them.
  @Test(arguments: 1...30)
  func repeatsNothing(polls: Int) throws {
    let folder = try TemporaryFolder()
    let calls = Calls()
    var stopped = 0
    for attempt in 0..<2 {
      let result = try toy(folder, calls, every: 2) {
        $0.stopAfter = attempt == 0 ? polls : nil
      }()
      if case .stopped = result.outcomes[0] { stopped += 1 } else { break }
    }
    #expect(stopped == 1)
    #expect(try scores(folder) == (1...10).map { [2 * $0, $0] })
    #expect(calls.made == 10)
  }

  /// A measurement that is cut short is made by the next attempt, at the same step.
  @Test(arguments: [1, 3]) func catchesUp(call: Int) throws {
    let folder = try TemporaryFolder()
    let calls = Calls(stopped: [call])
    let run = toy(folder, calls, every: 8)
    let cut = try run().outcomes[0]
    guard case .stopped(let step, _) = cut else {
      Issue.record("\(cut)")
      return
    }
    #expect(step == [1: 8, 3: 20][call])
    #expect(try run().outcomes[0].exitCode == 0)
    #expect(calls.made == 4)
    #expect(
      try scores(folder)
        == (call == 1 ? [[8, 2], [16, 3], [20, 4]] : [[8, 1], [16, 2], [20, 4]]))
  }

  /// What an attempt measured after its last checkpoint, and lost, is measured again, and stands in
  /// the files once: also at the very step of the checkpoint.
  @Test func lostScoresStandNowhere() throws {
    let folder = try TemporaryFolder()
    let calls = Calls(stopped: [1], failing: [3])
    let run = toy(folder, calls, every: 8) {
      $0.config.saveSteps = 0
      $0.config.saveInterval = 0
    }
    #expect(try run().outcomes[0].exitCode == 75)
    #expect(throws: TrainingError.self) { try run() }
    #expect(try scores(folder) == [[8, 2]])
    #expect(try run().outcomes[0].exitCode == 0)
    #expect(try scores(folder) == [[8, 4], [16, 5], [20, 6]])
    let rows = try rows(folder)
    #expect(
      rows.filter { $0[20] != "" }.map { [$0[0], $0[20]] }.dropFirst()
        == [["8", "4.0"], ["16", "5.0"], ["20", "6.0"]])
    // Steps, and evaluations at 4, 8, ..., each once.
    #expect(rows.filter { $0[20] == "" }.count == 20 + 5)
  }

  /// With patience at its end, the last step is measured too.
  @Test func measuresBeforeAnEarlyEnd() throws {
    let folder = try TemporaryFolder()
    let result = try toy(folder, Calls()) {
      $0.config.learningRate = 0
      $0.config.earlyStoppingPatience = 2
    }()
    guard case .finished(let results) = result.outcomes[0] else { return }
    #expect(results.reason == .early && results.step < 20)
    #expect(try scores(folder) == [[results.step, 1]])
  }

  /// The scores of the end are those of the adapter that the run leaves; what is saved of the last
  /// step stays its own.
  @Test(arguments: [1, 3]) func measuresTheBest(ranks: Int) throws {
    let folder = try TemporaryFolder()
    func run(_ name: String, _ change: (inout ToyRun) -> Void) throws -> ToyResult {
      var run = ToyRun(folder(name))
      run.ranks = ranks
      // Far too large a rate: held-out loss gets worse after the first evaluations.
      run.config.learningRate = 3
      run.config.schedule = .constant
      run.config.evalSteps = 2
      run.config.maxSteps = 200
      run.config.earlyStoppingPatience = 3
      run.config.loadBestModelAtEnd = true
      change(&run)
      return try run()
    }
    let plain = try run("plain") { _ in }
    let result = try run("run") {
      $0.config.taskEvaluation.steps = 5
      // What is measured are the scales: their sum.
      $0.tasks = { model in
        TaskMeasurement(names: ["own/sum"]) { _ in [.real(Self.sum(model.adapterTensors()[0]))] }
      }
    }
    #expect(result.adapter == plain.adapter && result.losses == plain.losses)
    guard case .finished(let results) = result.outcomes[0] else {
      Issue.record("\(result.outcomes[0])")
      return
    }
    let name = "adapter_model.safetensors"
    let (best, last) = (
      try Self.sum(ofFile: folder("run/\(name)")),
      try Self.sum(ofFile: folder("run/checkpoint-\(results.step)/\(name)"))
    )
    #expect(best != last)
    #expect(results.tasks?["own/sum"]?.double == best)
    #expect(try Self.sum(ofFile: folder("plain/checkpoint-\(results.step)/\(name)")) == last)
  }

  private static func sum(_ tensor: AdapterTensor) -> Double {
    tensor.bytes.withUnsafeBytes { $0.bindMemory(to: Float.self).reduce(0) { $0 + Double($1) } }
  }

  private static func sum(ofFile path: String) throws -> Double {
    let file = try SafetensorsFile(path: path)
    return file.bytes(of: try file.requiredTensor(named: "toy.scales"))
      .bindMemory(to: Float.self).reduce(0) { $0 + Double($1) }
  }

  /// Columns behind the others; a run that goes on with other tasks keeps what it had of them.
  @Test func columns() throws {
    let folder = try TemporaryFolder()
    let calls = Calls(stopped: [3])
    _ = try toy(folder, calls, every: 8)()
    let before = try rows(folder)
    #expect(before[0].suffix(3) == ["save_time", "own/acc", "own/acc_stderr"])
    #expect(before.allSatisfy { $0.count == 22 })
    #expect(before.filter { $0[20] != "" }.map { $0[0] } == ["step", "8", "16"])
    #expect(before.dropFirst().allSatisfy { $0[21] == "" })

    _ = try toy(folder, calls, Calls.names + ["a,b/acc"], every: 8)()
    let after = try rows(folder)
    #expect(after[0].suffix(3) == ["own/acc", "own/acc_stderr", "a_b/acc"])
    #expect(after.allSatisfy { $0.count == 23 })
    #expect(after.prefix(before.count).map { Array($0.prefix(22)) } == before)
    #expect(after.last?.suffix(3) == ["4.0", "", "0.5"])
  }

  /// The newest 1000 records, the last evaluation and the last of tasks, in their order.
  @Test func historyKeepsTheLastOfEach() {
    var state = TrainerState()
    state.note(["step": 0, "eval_loss": 0.5])
    state.note(["step": 1, "own/acc": 0.2, "task_runtime": 1.0])
    state.note(["step": 2, "own/acc": 0.3, "task_runtime": 1.0])
    for step in 3...3000 { state.note(["step": .integer(step), "loss": 1.0]) }
    #expect(state.logHistory.count == TrainerState.historyLimit)
    #expect(state.logHistory.prefix(3).compactMap { $0["step"]?.int } == [0, 2, 2003])
  }
}
