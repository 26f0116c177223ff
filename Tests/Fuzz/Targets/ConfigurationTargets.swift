internal import DecoderModel
internal import JSONText
internal import Planning
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
