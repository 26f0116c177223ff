import Foundation
import Sweeps
import TestSupport
import Testing
import Training

@Suite struct SweepPlanTests {
  private func plan(_ section: String, run: String = "val_set_size: 0.1") throws -> SweepPlan {
    let trainer = try FakeTrainer()
    return try SweepPlan(SweepFile(path: trainer.write(section, run: run)))
  }

  private func faults(_ section: String, run: String = "val_set_size: 0.1") -> [String] {
    do {
      _ = try plan(section, run: run)
      return []
    } catch TrainingError.config(let faults) {
      return faults.map(\.description)
    } catch {
      return ["\(error)"]
    }
  }

  /// The product in order, seeds of a setting behind each other wherever the file has them.
  @Test func gridIsTheProduct() throws {
    let plan = try plan(
      "  parameters: {seed: [7, 8, 9], lr: [1e-3, 1e-2], scale_granularity: [row, group]}")
    var expected: [[String]] = []
    for rate in ["0.001", "0.01"] {
      for granularity in ["row", "group"] {
        for seed in ["7", "8", "9"] { expected.append([rate, granularity, seed]) }
      }
    }
    #expect(plan.runs.map { $0.values.map(\.value) } == expected)
    #expect(plan.settings == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]])
    #expect(plan.runs.map(\.name).last == "run-0012")
    let last = try #require(plan.runs.last?.config)
    #expect(last.learningRate == 0.01 && last.seed == 9)
    #expect(last.outputDirectory.hasSuffix("/out/run-0012"))
  }

  @Test func aValueTwiceIsOneRun() throws {
    #expect(try plan("  parameters: {learning_rate: [1e-3, 0.001, 1E-3]}").runs.count == 1)
  }

  /// Values that are lists and mappings; metrics that a sweep needs.
  @Test func keysOfAnyKind() throws {
    let plan = try plan(
      "  parameters: {target_modules: [all-linear, [q_proj, v_proj]], "
        + "datasets: [[{path: a, type: text}], [{path: b, type: text}]]}",
      run: "val_set_size: 1\nreport_to: csv")
    #expect(plan.runs.count == 4)
    #expect(plan.runs[3].config.targetModules == ["q_proj", "v_proj"])
    #expect(plan.runs.allSatisfy { $0.config.reportTo == ["csv", "jsonl"] })
  }

  @Test func chanceIsTheSameEveryTime() throws {
    let section = """
        method: random
        samples: 40
        seed: 5
        parameters:
          learning_rate: {min: 1e-4, max: 1e-2, scale: log}
          warmup_steps: {min: 0, max: 9}
          weight_decay: [0, 0.1]
          seed: [1, 2]
      """
    let (one, two) = (try plan(section), try plan(section))
    #expect(one.runs.map(\.label) == two.runs.map(\.label))
    #expect(one.settings.count == 40 && one.runs.count == 80)
    let rates = one.runs.compactMap(\.config.learningRate)
    #expect(rates.allSatisfy { (1e-4...1e-2).contains($0) })
    // Half of them below the geometric mean: 20 of 40, with a deviation of 3.2; four are allowed.
    let below = rates.filter { $0 < 1e-3 }.count / 2
    #expect(abs(below - 20) <= 13)
    #expect(Set(one.runs.map(\.config.warmupSteps)).isSubset(of: Set(0...9)))
    #expect(
      one.runs.map(\.label) != (try plan(section.replacing("5", with: "6"))).runs.map(\.label))
  }

  /// Where there are fewer combinations than samples, all of them.
  @Test func fewCombinations() throws {
    let section = "  method: random\n  samples: 100\n  parameters: {weight_decay: [0, 0.1, 0.2]}"
    #expect(try plan(section).runs.count == 3)
  }

  @Test(arguments: [
    ("  parameters: {lerning_rate: [1]}", "did you mean \"learning_rate\"?"),
    ("  parameters: {learning_rate: [1]}\n  rungz: [1]", "did you mean \"rungs\"?"),
    ("  parameters: {learning_rate: {min: 1, mox: 2}}", "did you mean \"max\"?"),
    ("  parameters: {learning_rate: {min: 1e-4, max: 1e-2}}", "a range needs method: random"),
    ("  parameters: {learning_rate: {min: 2, max: 1}}", "min not above max"),
    ("  method: random\n  parameters: {learning_rate: {min: 0, max: 1, scale: log}}", "above 0"),
    ("  parameters: {learning_rate: [1], lr: [2]}", "given twice"),
    ("  parameters: {warmup_steps: {min: 0.2, max: 0.9}}", "no whole number lies between"),
    ("  parameters: {scale_granularity: {min: 1, max: 2}}", "expected a list of values"),
    ("  parameters: {evaluation: {tasks: piqa}}", "expected a list of values"),
    ("  run: \"\"\n  parameters: {learning_rate: [1]}", "expected the path"),
    ("  slurm: [[a]]\n  parameters: {learning_rate: [1]}", "a list of options of sbatch"),
    ("  retries: 101\n  parameters: {learning_rate: [1]}", "from 0 to 100"),
    ("  ranks: 0\n  parameters: {learning_rate: [1]}", "from 1 to 65536"),
    ("  seed: -1\n  parameters: {learning_rate: [1]}", "at least 0"),
    ("  metric: loss\n  parameters: {learning_rate: [1]}", "eval_loss, train_loss"),
    ("  parameters: {output_dir: [a, b]}", "the sweep's own"),
    ("  parameters: {resume: [never]}", "the sweep's own"),
    ("  parameters: {learning_rate: []}", "expected 1 to 10000 values"),
    ("  parameters: {learning_rate: [fast]}", "sweep.yaml:7: learning_rate"),
    ("  parameters: {learning_rate: [-1]}", "learning_rate"),
    ("  parameters: {learning_rate: [1]}\n  rungs: [4, 4]", "rising order"),
    ("  parameters: {learning_rate: [1]}\n  rungs: [0]", "from 1"),
    ("  parameters: {learning_rate: [1]}\n  eta: 1", "from 1.1"),
    ("  parameters: {learning_rate: [1]}\n  method: hyperband", "grid, random"),
    ("  samples: 10001\n  parameters: {learning_rate: [1]}", "10000"),
    ("  eta: 3", "parameters: missing"),
    ("  - 1", "expected `key: value`"),
  ])
  func faultsAreNamed(section: String, part: String) {
    let found = faults(section)
    #expect(found.contains { $0.contains(part) }, "\(found)")
  }

  /// 10 x 10 x 10 x 10 runs are allowed, one setting more is not; nothing is made before that is
  /// known.
  @Test func sizesAreBounded() throws {
    let ten = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
    let keys = [
      "warmup_steps", "seed", "max_grad_norm", "eval_steps", "save_steps", "logging_steps",
    ]
    let many = keys.map { "\($0): \(ten)" }.joined(separator: ", ")
    #expect(faults("  parameters: {\(many)}").contains { $0.contains("more than 10000 runs") })
    let list = (0...10_000).map(String.init).joined(separator: ", ")
    #expect(faults("  parameters: {seed: [\(list)]}").contains { $0.contains("10000 values") })
  }

  /// Numbers drawn stay in their range, whatever rounding to four digits does; the ends of a range
  /// may be as far apart as numbers go.
  @Test(arguments: [
    ("weight_decay", "0.0099991", "0.0099994", "linear"),
    ("weight_decay", "0.99999", "0.999999", "log"), ("weight_decay", "1e-320", "3e-320", "log"),
    ("weight_decay", "0", "0", "linear"), ("warmup_steps", "0.6", "1.4", "linear"),
    ("warmup_steps", "2.5", "4.4", "log"), ("max_wall_time", "0", "1e9", "linear"),
  ])
  func drawnNumbersStayInTheirRange(key: String, least: String, most: String, scale: String) throws
  {
    let plan = try plan(
      "  method: random\n  samples: 30\n"
        + "  parameters: {\(key): {min: \(least), max: \(most), scale: \(scale)}}")
    let range = try #require(Double(least))...(try #require(Double(most)))
    for run in plan.runs {
      let value = try #require(run.values.first.flatMap { Double($0.value) })
      #expect(range.contains(value), "\(value)")
    }
  }

  @Test func endsFarApartAreNoTrap() {
    let section = "  method: random\n  parameters: {learning_rate: {min: -1e308, max: 1e308}}"
    #expect(faults(section).contains { $0.contains("is not a number from 0 to 1000") })
  }

  /// Long values are not written out for each draw, nor kept for each of many runs.
  @Test(.timeLimit(.minutes(1))) func longValuesAreBounded() {
    let path = String(repeating: "x", count: 1_000_000)
    let drawn = "  method: random\n  samples: 10000\n  parameters: {model: [\(path), \(path)y]}"
    #expect(faults(drawn).isEmpty)
    let seeds = (0..<1000).map(String.init).joined(separator: ", ")
    let kept = "  parameters: {model: [\(path)], seed: [\(seeds)]}"
    #expect(faults(kept).contains { $0.contains("are too many") })
  }

  /// Steps of two rungs that are numbers each, but not together.
  @Test func forecastsOfEndlessRuns() throws {
    let most = "9223372036854774784"
    let plan = try plan(
      "  rungs: [2000000000]\n"
        + "  parameters: {max_steps: [\(most)], learning_rate: [1e-3, 1e-2]}")
    let forecast = SweepForecast(plan, try RunLauncher(ranks: nil) { nil })
    #expect(forecast.text.contains("to the end: 1 setting, 9223372034854774784 steps"))
    #expect(!forecast.text.contains("in all"))
  }

  @Test func faultsAreNotWithoutEnd() {
    let keys = (0..<500).map { "key\($0): 1" }.joined(separator: ", ")
    #expect(faults("  parameters: {\(keys)}").count == 30)
  }

  @Test func heldOutDataIsNeededForItsLoss() {
    let section = "  metric: eval_loss\n  parameters: {learning_rate: [1]}"
    #expect(faults(section, run: "").contains { $0.contains("needs held-out data") })
  }

  @Test func aFileWithoutTheSection() throws {
    let folder = try TemporaryFolder()
    let path = try folder.put("run.yaml", "model: base\noutput_dir: out\n")
    #expect(throws: TrainingError.self) { try SweepFile(path: path) }
  }

  /// `run:` names a run file, which the keys of the sweep file override.
  @Test func aRunFileUnderneath() throws {
    let folder = try TemporaryFolder()
    try folder.put(
      "runs/run.yaml",
      "model: base\ndatasets: [{path: d, type: text}]\nval_set_size: 2\noutput_dir: one\n"
        + "max_steps: 5\n")
    let path = try folder.put(
      "sweep.yaml",
      "output_dir: many\nmax_steps: 7\nsweep:\n  run: runs/run.yaml\n"
        + "  parameters: {learning_rate: [1, 2]}\n")
    let run = try #require(SweepPlan(SweepFile(path: path)).runs.last?.config)
    #expect(run.model == folder("runs/base") && run.maxSteps == 7 && run.learningRate == 2)
    #expect(run.outputDirectory == folder("many/run-0002"))
  }
}
