import Foundation
import Testing
import Training

/// `evaluation` of a run file.
@Suite struct TaskSettingsTests {
  private func resolve(
    _ yaml: String, flags: [String] = [], path: String = "runs/run.yaml"
  ) throws -> ResolvedConfig {
    var raw = RawConfig()
    raw.read(yaml: yaml, path: path)
    raw.read(flags: flags)
    return try raw.resolved(ranks: 1)
  }

  private func faults(_ value: String) -> [String] {
    do {
      _ = try resolve(ConfigTests.minimal + "evaluation: \(value)")
      return []
    } catch {
      guard case TrainingError.config(let faults) = error else { return ["\(error)"] }
      return faults.map(\.description)
    }
  }

  /// Files of tasks and the folder are found beside the run file, names stay names.
  @Test func allMembers() throws {
    let settings = try resolve(
      ConfigTests.minimal + """
        evaluation:
          tasks: [piqa, mmlu/astronomy, "own, too.yaml", /x/y.yml]
          num_fewshot: 5
          limit: 100
          data_dir: data
          steps: 50
        """
    ).config.taskEvaluation
    let here = FileManager.default.currentDirectoryPath + "/runs"
    #expect(settings.tasks == ["piqa", "mmlu/astronomy", here + "/own, too.yaml", "/x/y.yml"])
    #expect(settings.fewShotCount == 5 && settings.limit == 100 && settings.steps == 50)
    #expect(settings.dataFolder == here + "/data")
  }

  @Test func defaultsAndFlag() throws {
    let none = try resolve(ConfigTests.minimal).config
    #expect(none.taskEvaluation == TaskSettings() && !none.yaml.contains("\nevaluation:"))
    let flag = try resolve(
      ConfigTests.minimal, flags: ["--evaluation", "{tasks: boolq, limit: null}"])
    let settings = flag.config.taskEvaluation
    #expect(settings.tasks == ["boolq"])
    #expect(settings.fewShotCount == nil && settings.limit == nil && settings.steps == 0)
    #expect(settings.dataFolder == FileManager.default.currentDirectoryPath)
  }

  @Test func resolvedFileIsInput() throws {
    for value in ["{tasks: [a, \"b c.yaml\"], num_fewshot: 0, limit: 3, steps: 2}", "{tasks: x}"] {
      let first = try resolve(
        ConfigTests.minimal + "evaluation: \(value)", path: "/a, b/run.yaml"
      ).config
      let again = try resolve(first.yaml, path: "/elsewhere/config.resolved.yaml").config
      #expect(again == first)
    }
  }

  @Test(arguments: [
    ("piqa", "\"piqa\" is not {tasks, num_fewshot, limit, data_dir, steps}"),
    ("[piqa]", "a list is not {tasks, num_fewshot, limit, data_dir, steps}"),
    ("{limit: 3}", "tasks is missing; give names or files of tasks"),
    ("{tasks: []}", "tasks is missing; give names or files of tasks"),
    ("{tasks: [[a]]}", "line 4: tasks: a list is not a list of names of tasks"),
    ("{tasks: a, limit: 0}", "line 4: limit: \"0\" is not a whole number, at least 1"),
    (
      "{tasks: a, num_fewshot: -1}",
      "line 4: num_fewshot: \"-1\" is not a whole number from 0 to 1000"
    ),
    (
      "{tasks: a, num_fewshots: 1}",
      "line 4: unknown key \"num_fewshots\" - did you mean \"num_fewshot\"?; known: tasks, "
        + "num_fewshot, limit, data_dir, steps"
    ),
  ])
  func fault(value: String, text: String) {
    #expect(faults(value) == ["runs/run.yaml:4: evaluation: " + text])
  }

  /// Measuring before the first step needs no held-out data; what else does is still said.
  @Test func warnings() throws {
    let tasks = ConfigTests.minimal + "evaluation: {tasks: piqa}\n"
    #expect(try resolve(tasks + "eval_on_start: true\n").warnings.isEmpty)
    #expect(try resolve(tasks + "eval_steps: 3\n").warnings.count == 1)
  }
}
