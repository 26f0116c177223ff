import Datasets
import Foundation
import Testing
import Training

@Suite struct ConfigTests {
  static let minimal = "model: base\ndatasets: [{path: d.jsonl, type: alpaca}]\noutput_dir: out\n"

  private func resolve(
    _ yaml: String, set: [String] = [], flags: [String] = [], ranks: Int = 1,
    path: String = "runs/run.yaml"
  ) throws -> ResolvedConfig {
    var raw = RawConfig()
    raw.read(yaml: yaml, path: path)
    raw.set(set)
    raw.read(flags: flags)
    return try raw.resolved(ranks: ranks)
  }

  private func faults(
    _ yaml: String, set: [String] = [], flags: [String] = [], ranks: Int = 1
  ) -> [String] {
    do throws(any Error) {
      _ = try resolve(yaml, set: set, flags: flags, ranks: ranks)
      return []
    } catch {
      guard case TrainingError.config(let faults) = error else { return ["\(error)"] }
      return faults.map(\.description)
    }
  }

  /// A name of a folder may look like the scheme of a URL, or like an escape of one.
  @Test(arguments: ["hf:model", "a:b/c", "x%20y", "?q#f", "a b"])
  func oddNamesOfFolders(name: String) throws {
    let here = FileManager.default.currentDirectoryPath
    for (path, folder) in [("run.yaml", here), ("runs/run.yaml", here + "/runs")] {
      let resolved = try resolve(Self.minimal, set: [], path: path)
      #expect(resolved.config.model == folder + "/base")
      let odd = try resolve(
        Self.minimal.replacing("model: base", with: "model: \"\(name)\""), path: path)
      #expect(odd.config.model == "\(folder)/\(name)")
    }
  }

  @Test func defaultsAndPaths() throws {
    let resolved = try resolve(Self.minimal)
    let here = FileManager.default.currentDirectoryPath
    #expect(resolved.config.model == here + "/runs/base")
    #expect(resolved.config.datasets.map(\.path) == [here + "/runs/d.jsonl"])
    #expect(resolved.config.outputDirectory == here + "/runs/out")
    #expect(resolved.config.peakLearningRate == 3e-3)
    #expect(resolved.config.seed == 42)
    let above = URL(filePath: here).deletingLastPathComponent().path
    let beside = try resolve(Self.minimal, flags: ["--model", "../base"])
    #expect(beside.config.model == above + "/base")
    let flag = try resolve(Self.minimal, flags: ["--output-dir", "here", "--model=/abs"])
    #expect(flag.config.outputDirectory == here + "/here")
    #expect(flag.config.model == "/abs")
  }

  @Test(arguments: ["1e-4", "1E-4", "0.0001", "1.0e-4", "+1e-4", "\"1e-4\""])
  func numbers(text: String) throws {
    #expect(try resolve(Self.minimal + "learning_rate: \(text)").config.learningRate == 1e-4)
  }

  /// Flag over --set over YAML over default, whatever the order of arguments, and it says so.
  @Test func precedence() throws {
    let yaml = Self.minimal + "lr: 1e-3\nmax_steps: 5\n"
    #expect(try resolve(yaml).config.learningRate == 1e-3)
    #expect(try resolve(yaml, set: ["lr=2e-3"]).config.learningRate == 2e-3)
    let all = try resolve(
      yaml, set: ["learning_rate=2e-3", "max_steps=7"], flags: ["--lr", "3e-3", "--no-packing"])
    #expect(all.config.learningRate == 3e-3)
    #expect(all.config.maxSteps == 7)
    #expect(!all.config.packing)
    #expect(
      all.notices.contains("learning_rate: --lr overrides --set learning_rate=2e-3"))
    #expect(all.notices.contains("learning_rate: --lr overrides runs/run.yaml:4"))
    #expect(all.notices.contains("max_steps: --set max_steps=7 overrides runs/run.yaml:5"))
    #expect(all.notices.contains("runs/run.yaml:4: lr is read as learning_rate"))
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var yaml: String
    var expected: String
    var testDescription: String { yaml }
  }

  @Test(arguments: [
    Fault(
      yaml: "learning_rat: 1",
      expected: "runs/run.yaml:4: unknown key \"learning_rat\" - did you mean \"learning_rate\"?"),
    Fault(
      yaml: "wieght_decay: 1",
      expected: "runs/run.yaml:4: unknown key \"wieght_decay\" - did you mean \"weight_decay\"?"),
    Fault(
      yaml: "qqqqqqqqqqqq: 1",
      expected: "runs/run.yaml:4: unknown key \"qqqqqqqqqqqq\"; `peqa config` lists all keys"),
    Fault(
      yaml: "max_steps: ten",
      expected: "runs/run.yaml:4: max_steps: \"ten\" is not a whole number; -1 is unset"),
    Fault(
      yaml: "learning_rate: 1e",
      expected: "runs/run.yaml:4: learning_rate: \"1e\" is not a number from 0 to 1000"),
    Fault(
      yaml: "learning_rate: nan",
      expected: "runs/run.yaml:4: learning_rate: \"nan\" is not a number from 0 to 1000"),
    Fault(
      yaml: "micro_batch_size: 1.5",
      expected: "runs/run.yaml:4: micro_batch_size: \"1.5\" is not a whole number from 1 to 65536"),
    Fault(
      yaml: "seed: 9007199254740993",
      expected: "runs/run.yaml:4: seed: \"9007199254740993\" is not a whole number from 0 to "
        + "9007199254740992"),
    Fault(
      yaml: "packing: [1]", expected: "runs/run.yaml:4: packing: a list is not true or false"),
    Fault(
      yaml: "lr_scheduler: cosin",
      expected: "runs/run.yaml:4: lr_scheduler: \"cosin\" is not one of linear, cosine, constant"),
    Fault(
      yaml: "lr: 1\nlearning_rate: 2",
      expected: "runs/run.yaml:5: learning_rate is given twice, first at runs/run.yaml:4"),
    Fault(
      yaml: "eval_datasets: [{pth: x}]",
      expected: "runs/run.yaml:4: eval_datasets: line 4: unknown key \"pth\" - did you mean "
        + "\"path\"?; known: path, type, split"),
    Fault(
      yaml: "method: gtpq",
      expected: "runs/run.yaml:4: method: \"gtpq\" is not one of rtn, diagonal, gptq, blockwise"),
    Fault(
      yaml: "objective: distill",
      expected: "teacher: missing; objective: distill learns from the model that this names"),
    Fault(
      yaml: "distill_weight: 1.5",
      expected: "runs/run.yaml:4: distill_weight: \"1.5\" is not a number from 0 to 1"),
    Fault(
      yaml: "distill_hidden_blocks: [2, 1]",
      expected:
        "runs/run.yaml:4: distill_hidden_blocks: a list is not block numbers in rising order"
    ),
    Fault(
      yaml: "scale_rank: 2",
      expected: "runs/run.yaml:4: scale_rank: is for scale_granularity: row+column; set that, or "
        + "leave scale_rank out"),
    Fault(
      yaml: "report_to: [jsonl, tensorbord]",
      expected:
        "runs/run.yaml:4: report_to: unknown \"tensorbord\" - did you mean \"tensorboard\"?"),
    Fault(
      yaml: "early_stopping_patience: 3",
      expected: "runs/run.yaml:4: early_stopping_patience: needs held-out data: set eval_datasets "
        + "or val_set_size"),
  ])
  func singleFault(fault: Fault) {
    #expect(faults(Self.minimal + fault.yaml) == [fault.expected])
  }

  @Test func allFaultsTogether() {
    let found = faults(
      "lr: x\nnum_epoch: 3\nbits: 9", set: ["seed"], flags: ["--adam-beta1", "1", "stray"])
    #expect(found.count == 9)
    for part in [
      "learning_rate: \"x\"", "did you mean \"num_epochs\"", "bits: \"9\"", "--set seed",
      "--adam-beta1: adam_beta1", "stray", "model: missing", "datasets: missing",
      "output_dir: missing",
    ] {
      #expect(found.contains { $0.contains(part) }, "\(part) in \(found)")
    }
  }

  @Test(arguments: [
    "a: b: c", "- x", "{", "a: *nowhere", "model: &a [*a]", "\"\\q\": 1", "a: 1\na: 2",
  ])
  func notARunFile(yaml: String) {
    #expect(faults(yaml).first?.hasPrefix("runs/run.yaml:") == true)
  }

  /// Nine levels of ten references each would be a thousand million values, in keys as in values:
  /// of keys, the YAML library computes a hash before anything can be counted.
  @Test(arguments: ["a0: &a0", "? &a0"], ["a: b", "? *a8\n: x"])
  func aliasesCannotExplode(first: String, last: String) {
    var yaml = first + " [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...8 {
      let references = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      yaml += first.replacing("a0", with: "a\(level)") + " [\(references)]\n"
    }
    #expect(
      faults(yaml + last).contains {
        $0 == "runs/run.yaml:5: more than 32 aliases (*name); write the values out"
      })
  }

  @Test func valuesAndBytesAreLimited() {
    let many = Array(repeating: "x", count: 100_000).joined(separator: ",")
    #expect(faults("a: [\(many)]").contains { $0.contains("more than 100000 values") })
    let large = String(repeating: "# comment\n", count: 420_000)
    #expect(faults(large).contains { $0.contains("4200000 bytes; at most 4194304 are read") })
  }

  /// Stars in the middle of a text are no aliases.
  @Test func starsInTexts() throws {
    let paths = (0..<40).map { "\"d\($0)/*part*one.jsonl\"" }.joined(separator: ", ")
    let yaml = "model: base\ndatasets: [\(paths)]\noutput_dir: out\n"
    #expect(try resolve(yaml).config.datasets.count == 40)
    let few = "model: &m base\ndatasets: [*m]\noutput_dir: *m\n"
    #expect(try resolve(few).config.outputDirectory.hasSuffix("/base"))
  }

  /// Names and values of earlier versions, by file, --set and flag; the resolved file has the new.
  @Test func formerKeyAndValue() throws {
    for (key, value) in [("work", "stealing"), ("work", "dynamic"), ("schedule", "dynamic")] {
      for resolved in [
        try resolve(Self.minimal + "\(key): \(value)"),
        try resolve(Self.minimal, set: ["\(key)=\(value)"]),
        try resolve(Self.minimal, flags: ["--\(key)", value]),
      ] {
        #expect(resolved.config.workSchedule == .dynamic)
        #expect(resolved.config.yaml.contains("\nschedule: dynamic\n"))
        let notices = resolved.notices.filter { $0.contains("is read as schedule") }
        #expect(notices.count == (key == "work" ? 1 : 0))
        if value == "stealing" {
          #expect(notices[0].hasSuffix("work: stealing is read as schedule: dynamic"))
        }
      }
    }
    #expect(
      faults(Self.minimal + "schedule: stolen") == [
        "runs/run.yaml:4: schedule: \"stolen\" is not one of static, dynamic"
      ])
  }

  /// A list, a text with commas, and a text that is no YAML; `all` is another word.
  @Test func targetModules() throws {
    func found(_ value: String) throws -> [[String]] {
      try [
        resolve(Self.minimal + "target_modules: \(value)"),
        resolve(Self.minimal, set: ["target_modules=\(value)"]),
        resolve(Self.minimal, flags: ["--target-modules", value]),
      ].map(\.config.targetModules)
    }
    for (value, patterns) in [
      ("all", ["all-linear"]), ("all-linear", ["all-linear"]), ("[all]", ["all-linear"]),
      ("q_proj", ["q_proj"]), ("q_proj, v_proj", ["q_proj", "v_proj"]),
      ("[mlp.*, layers.0-3]", ["mlp.*", "layers.0-3"]), ("[\"*_proj\"]", ["*_proj"]),
    ] {
      #expect(try found(value).allSatisfy { $0 == patterns }, "\(value)")
    }
    let flag = try resolve(Self.minimal, flags: ["--target-modules", "*_proj"]).config
    #expect(flag.targetModules == ["*_proj"])
    #expect(try resolve(flag.yaml, path: "config.resolved.yaml").config == flag)
    for value in ["[]", "[q_proj, [v_proj]]", "{a: b}", "\"q_proj,,v_proj\""] {
      #expect(faults(Self.minimal + "target_modules: \(value)").count == 1, "\(value)")
    }
  }

  @Test func accumulation() throws {
    let yaml = Self.minimal + "micro_batch_size: 2\ngradient_accumulation_steps: 3\n"
    let derived = try resolve(yaml, ranks: 2)
    #expect(derived.config.globalBatchSize == 12)
    #expect(derived.notices.contains { $0.hasPrefix("global_batch_size: 12") })
    #expect(try resolve(yaml + "batch_size: 12", ranks: 2).config.globalBatchSize == 12)
    #expect(
      faults(yaml + "batch_size: 12", ranks: 1) == [
        "runs/run.yaml:5: gradient_accumulation_steps: micro_batch_size 2 x 3 x 1 ranks = 6, "
          + "but global_batch_size is 12; leave it out, it is derived"
      ])
  }

  @Test func warnings() throws {
    let resolved = try resolve(
      Self.minimal + "warmup_steps: 3\nwarmup_ratio: 0.1\nmax_steps: 4\nnum_epochs: 2\n"
        + "lr_scheduler: constant\nmin_lr_ratio: 0.1\neval_steps: 5\n")
    for key in ["warmup_ratio", "num_epochs", "min_lr_ratio", "eval_steps"] {
      #expect(resolved.warnings.contains { $0.contains("\(key) has no effect") }, "\(key)")
    }
    #expect(resolved.warnings.count == 4)
  }

  /// What belongs to a teacher has no effect without one; with one it is read back.
  @Test func distillation() throws {
    let keys =
      "teacher: t\ndistill_weight: 0.7\ndistill_temperature: 2\ndistill_top_k: 16\n"
      + "distill_hidden_weight: 0.1\ndistill_hidden_blocks: [0, 3]\n"
    let without = try resolve(Self.minimal + keys)
    #expect(without.warnings.count == 6)
    #expect(without.warnings.allSatisfy { $0.hasSuffix("has no effect: objective is task") })
    let with = try resolve(Self.minimal + keys + "objective: distill\n")
    #expect(with.warnings.isEmpty)
    #expect(with.config.teacher.hasSuffix("/runs/t") && with.config.distillHiddenBlocks == [0, 3])
    let again = try resolve(with.config.yaml, path: "/elsewhere/config.resolved.yaml")
    #expect(again.config == with.config)
    let none = Self.minimal + "objective: distill\nteacher: t\ndistill_weight: 0\n"
    #expect(try resolve(none).warnings.count == 1)
    #expect(try resolve(none + "distill_hidden_blocks: [1]\n").warnings.count == 2)
  }

  /// The resolved file, read again from anywhere, gives the same configuration.
  @Test func resolvedFileIsInput() throws {
    let yaml =
      Self.minimal
        + """
        datasets: []
        """.prefix(0) + """
        eval_datasets: ["a b: {c}.json", {path: /x, type: chat, split: "train[10%:20%]"}]
        lr: 5.0e-5
        chat_template: "null"
        report_to: [csv]
        resume: checkpoint-3
        adam_epsilon: 1e-12
        max_grad_norm: 0
        scale_param: absolute
        scale_granularity: row+column
        scale_rank: 2
        train_zero_points: true
        target_modules: layers.0-1.*, q_proj
        bits: 3
        group_size: -1
        sym: yes
        method: blockwise
        max_steps: -1
        val_set_size: 0.05
        """
    let first = try resolve(yaml, path: "/data/run.yaml").config
    #expect(first.chatTemplate == "null")
    #expect(first.resume == .path("/data/checkpoint-3"))
    #expect(first.maxSteps == nil)
    let second = try resolve(first.yaml, path: "/elsewhere/config.resolved.yaml").config
    #expect(second == first)
  }

  /// Every key can be documented, found again under each of its names, and is named once.
  @Test func tableIsSound() throws {
    let names = ConfigKey.all.flatMap { [$0.name] + $0.aliases }
    #expect(Set(names).count == names.count)
    let documented = ConfigKey.documentation
    for key in ConfigKey.all {
      #expect(documented.contains("\n\(key.name): "))
      #expect(key.flag == "--" + key.name.replacing("_", with: "-"))
    }
    let filled = documented.replacing("model: REQUIRED", with: "model: m")
      .replacing("\ndatasets: REQUIRED", with: "\ndatasets: d")
      .replacing("output_dir: REQUIRED", with: "output_dir: o")
    var expected = RunConfig()
    let config = try resolve(filled, path: "run.yaml").config
    let here = FileManager.default.currentDirectoryPath
    expected.model = here + "/m"
    expected.datasets = config.datasets
    expected.outputDirectory = here + "/o"
    #expect(config == expected)
  }
}

@Suite struct UnknownKeyTests {
  /// A key that is far longer than all others is near to none of them, and that costs no
  /// comparison.
  @Test(.timeLimit(.minutes(1))) func aKeyOfMegabytes() throws {
    var raw = RawConfig()
    raw.set([String(repeating: "x", count: 4 << 20) + "=1", "lerning_rate=1"])
    let error = #expect(throws: TrainingError.self) { try raw.resolved(ranks: 1) }
    let text = "\(try #require(error))"
    #expect(text.contains("\"lerning_rate\" - did you mean \"learning_rate\"?"))
    #expect(text.contains("x\"; `peqa config` lists all keys"))
  }
}
