internal import DecoderModel
internal import JSONText
internal import Planning
internal import Sweeps
internal import Training

extension FuzzTarget {
  /// What a run file says is the same after it has been written down and read again.
  static let runFile = FuzzTarget(
    name: "run-file", maximumSize: 4096,
    seeds: {
      try Fixture.all(".yaml", in: ["../docs/results", "../launch"]) + [
        Array(RunConfig().yaml.utf8), Array(completeRun.utf8),
      ]
    }, words: ConfigKey.all.map(\.name) + ["path: ", "type: chat"],
    read: { bytes in
      var raw = RawConfig()
      raw.read(yaml: String(decoding: bytes, as: UTF8.self), path: "run.yaml")
      let config = try raw.resolved(ranks: 2).config
      var again = RawConfig()
      again.read(yaml: config.yaml, path: "run.yaml")
      require((try? again.resolved(ranks: 2).config.yaml) == config.yaml, "no round trip")
    })

  /// Files of the documentation leave `output_dir` to the command line.
  private static let completeRun = """
    model: base
    datasets:
      - {path: a.jsonl, type: chat, split: train}
      - {path: b.txt, type: text}
    output_dir: out
    global_batch_size: 4
    learning_rate: 5e-3
    scale_granularity: group
    max_steps: 10
    """

  /// Every run of a plan has a run file that reads back as itself, and values within what was
  /// given; the same file makes the same plan.
  static let sweepFile = FuzzTarget(
    name: "sweep-file", maximumSize: 4096,
    seeds: {
      sweepSections.map { Array((completeRun + "\nval_set_size: 0.1\nsweep:\n" + $0).utf8) }
    },
    words: [
      "sweep:", "parameters: ", "method: random", "samples: ", "rungs: [", "eta: ", "metric: ",
      "eval_loss", "ranks: ", "slurm: [", "retries: ", "{min: ", "max: ", "scale: log", "seed: ",
      "learning_rate: ", "warmup_steps: ", "1e-300", "1e308",
    ],
    read: { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      // The path of another file is no business of a search.
      guard !text.contains("run:") else { return }
      let file = try SweepFile(yaml: text, path: "sweep.yaml")
      let plan = try SweepPlan(file, limit: 100)
      require(plan.settings.flatMap(\.self) == Array(plan.runs.indices), "runs of no setting")
      for run in plan.runs.prefix(5) {
        var again = RawConfig()
        again.read(yaml: run.config.yaml, path: "run.yaml")
        let ranks = file.settings.ranks ?? 1
        require((try? again.resolved(ranks: ranks).config.yaml) == run.config.yaml, "no round trip")
      }
      let labels = try SweepPlan(SweepFile(yaml: text, path: "sweep.yaml"), limit: 100).runs
      require(labels.map(\.label) == plan.runs.map(\.label), "two plans of one file")
    })

  private static let sweepSections = [
    "  parameters: {lr: [1e-3, 1e-2], seed: [1, 2], scale_granularity: [row, group]}\n  rungs: [2, 5]",
    """
      method: random
      samples: 7
      seed: 3
      metric: train_loss
      eta: 2.5
      ranks: 2
      slurm: [--time=1:00:00, -N 1]
      retries: 1
      parameters:
        learning_rate: {min: 1e-4, max: 1e-2, scale: log}
        warmup_steps: {min: 0, max: 9}
        target_modules: [all-linear, [q_proj, v_proj]]
    """,
  ]

  static let clusterFile = FuzzTarget(
    name: "cluster-file", maximumSize: 2048,
    seeds: { try Fixture.all(".yaml", in: ["../clusterconfigs"]) },
    words: ["hosts", "node[1-8]", "cores", "memory_gb"],
    read: { bytes in
      _ = try ClusterDescription(yaml: String(decoding: bytes, as: UTF8.self), path: "cluster.yaml")
    })

  static let baseManifest = FuzzTarget(
    name: "base-manifest", maximumSize: 2048,
    seeds: { try Fixture.all("peqa_base.json") },
    words: [
      "format", "version", "bits", "group_size", "sym", "base_sha256", "file_size", "keep_codes",
    ],
    read: { bytes in
      let manifest = try BaseManifest(JSONValue(parsing: bytes), path: "peqa_base.json")
      let again = try? BaseManifest(manifest.json, path: "peqa_base.json")
      require(again == manifest, "no round trip")
    })

  static let modelConfig = FuzzTarget(
    name: "model-config", maximumSize: 2048,
    seeds: { try Fixture.all("config.json") },
    words: ["rope_scaling", "llama3", "factor", "sliding_window", "head_dim", "max_window_layers"],
    read: { bytes in
      let config = try DecoderConfig(huggingFace: JSONValue(parsing: bytes), path: "config.json")
      require(config.layerCount > 0, "a model without layers")
    })
}
