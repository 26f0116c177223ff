internal import Checkpoints
internal import DecoderModel
internal import JSONText
internal import Training

extension FuzzTarget {
  private static let folder = ScratchFolder()

  /// The input is `trainer_state.json`, where it begins as JSON does, or `optimizer.safetensors`.
  /// The other file is a good one, and all digests are made right.
  static let checkpoint = FuzzTarget(
    name: "checkpoint", maximumSize: 4096, seeds: { [exampleState(), try exampleVectors()] },
    words: ["global_step", "log_history", "best_metric", "peqa", "files", "settings", "updates"],
    read: { bytes in
      let isState = bytes.first == UInt8(ascii: "{")
      let vectors = isState ? goodVectors : Array(bytes)
      let state = isState ? Array(bytes) : exampleState()
      folder.put(CheckpointStore.optimizerName, vectors)
      folder.put(CheckpointStore.stateName, sealed(try JSONValue(parsing: state), vectors))
      let checkpoint = try LoadedCheckpoint(path: folder.path)
      _ = checkpoint.state.identity.differences(from: RunIdentity())
    })

  private static let goodVectors = (try? exampleVectors()) ?? []

  private static func exampleState() -> [UInt8] {
    var state = TrainerState()
    state.identity.parameterCount = 4
    state.identity.settings = [.init(key: "seed", value: "1")]
    state.note(["step": 1, "loss": 2.5])
    return Array(state.json(files: []).text().utf8)
  }

  private static func exampleVectors() throws -> [UInt8] {
    let path = folder("example.safetensors")
    let writer = try SafetensorsWriter(
      path: path,
      tensors: CheckpointStore.vectorNames.map {
        TensorDeclaration(name: $0, type: .f32, shape: [4])
      }, metadata: [("format", "pt"), ("updates", "3")], overwrite: true, digest: true)
    for name in CheckpointStore.vectorNames {
      try writer.append([UInt8](repeating: 0x3F, count: 16), to: name)
    }
    _ = try writer.finish()
    return try Fixture.bytes(atPath: path)
  }

  /// The state with the digests that belong to it and to the file beside it.
  private static func sealed(_ state: JSONValue, _ vectors: [UInt8]) -> [UInt8] {
    var members = (state.members ?? []).filter { $0.key != "sha256" }
    if let index = members.firstIndex(where: { $0.key == "peqa" }),
      let own = members[index].value.members, own.contains(where: { $0.key == "files" })
    {
      let digest = JSONValue.string(SHA256.hexDigest(of: vectors))
      let files = JSONValue.object([.init(key: CheckpointStore.optimizerName, value: digest)])
      members[index].value = .object(
        own.map { $0.key == "files" ? .init(key: "files", value: files) : $0 })
    }
    let digest = SHA256.hexDigest(of: Array(JSONValue.object(members).text().utf8))
    members.append(.init(key: "sha256", value: .string(digest)))
    return Array(JSONValue.object(members).text().utf8)
  }
}
