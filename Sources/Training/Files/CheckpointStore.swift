internal import Checkpoints
internal import JSONText
internal import Kernels
internal import RunHistory

/// The checkpoints of one output folder: `checkpoint-N/` and the file `latest` that names one.
///
/// A checkpoint is made under another name, synced, renamed, and only then named by `latest`, which
/// is for people and other programs. One of the same step is exchanged for it and removed after
/// that: at any moment the last complete one is there to be found.
package struct CheckpointStore {
  package static let optimizerName = "optimizer.safetensors"
  package static let stateName = "trainer_state.json"
  package static let vectorNames = ["masters", "exp_avg", "exp_avg_sq"]
  static let bitsName = "sum_fraction_bits"

  /// The output folder.
  let folder: String

  static func name(step: Int) -> String { RunFile.checkpoint(step: step) }

  /// Steps of all checkpoints, ascending.
  var steps: [Int] {
    Folder.names(in: folder).compactMap(RunFile.step(ofCheckpoint:)).sorted()
  }
}

extension CheckpointStore {
  /// Saves a checkpoint, points `latest` to it and removes what is too old.
  ///
  /// - Parameters:
  ///   - step: masters and both moments, as F32 [P] each; the steps of a narrow sum as I8.
  ///   - keep: checkpoints to keep, this one included; 0 keeps all.
  func save(
    _ state: TrainerState, adapter: AdapterFiles, step: borrowing TrainStep, keep: Int
  ) throws {
    let name = Self.name(step: state.globalStep)
    let staged = try StagedDirectory(
      replacing: "\(folder)/\(name)", by: "\(folder)/.\(name).tmp")
    var files = try adapter.write(to: staged.temporary)
    files.append(try writeVectors(of: step, to: staged.temporary))
    try writeState(state.json(files: files), to: staged.temporary)
    try staged.commit()
    try AtomicFile.write("\(name)\n", to: "\(folder)/\(RunFile.latest)")
    try removeOld(current: state.globalStep, keep: keep)
  }

  private func writeVectors(
    of step: borrowing TrainStep, to folder: String
  ) throws -> (name: String, digest: String) {
    let bits = step.blockBits
    var tensors = Self.vectorNames.map {
      TensorDeclaration(name: $0, type: .f32, shape: [step.scales.count])
    }
    if !bits.isEmpty {
      tensors.append(TensorDeclaration(name: Self.bitsName, type: .i8, shape: [bits.count]))
    }
    let writer = try SafetensorsWriter(
      path: "\(folder)/\(Self.optimizerName)", tensors: tensors,
      metadata: [("format", "pt"), ("updates", "\(step.optimizer.updates)")], overwrite: true,
      digest: true)
    try writer.append(UnsafeRawBufferPointer(step.scales.elements), to: Self.vectorNames[0])
    try writer.append(UnsafeRawBufferPointer(step.optimizer.mean.elements), to: Self.vectorNames[1])
    try writer.append(
      UnsafeRawBufferPointer(step.optimizer.square.elements), to: Self.vectorNames[2])
    if !bits.isEmpty { try writer.append(bits.map { UInt8(bitPattern: $0) }, to: Self.bitsName) }
    return (Self.optimizerName, try writer.finish() ?? "")
  }

  /// The state with a digest of itself as last member.
  private func writeState(_ json: JSONValue, to folder: String) throws {
    let digest = SHA256.hexDigest(of: Array(json.text().utf8))
    let sealed = (json.members ?? []) + [.init(key: "sha256", value: .string(digest))]
    try AtomicFile.write(
      JSONValue.object(sealed).text(indent: 2) + "\n", to: "\(folder)/\(Self.stateName)")
  }

  /// Keeps the newest `keep`. Checkpoints of later steps belong to an attempt that this one
  /// replaced: they were damaged, or the user chose an earlier one, and the next start must not
  /// take them.
  private func removeOld(current: Int, keep: Int) throws(CheckpointError) {
    let earlier = steps.filter { $0 < current }
    let surplus = keep > 0 ? earlier.dropLast(max(0, keep - 1)) : []
    for step in surplus + steps.filter({ $0 > current }) {
      try Folder.remove("\(folder)/\(Self.name(step: step))")
    }
  }
}

/// A checkpoint whose files have all been read and verified.
package struct LoadedCheckpoint {
  var path: String
  package var state: TrainerState
  var updates: Int
  /// Holds masters and both moments.
  private let vectors: SafetensorsFile

  /// Reads and verifies one checkpoint folder.
  ///
  /// - Throws: `CheckpointError`, or `TrainingError.badData` naming what is damaged.
  package init(path: String) throws {
    self.path = path
    let statePath = "\(path)/\(CheckpointStore.stateName)"
    let json: JSONValue
    do {
      json = try JSONValue(parsing: OpenFile.contents(of: statePath))
    } catch let error as JSONSyntaxError {
      throw TrainingError.badData("\(statePath): \(error)")
    }
    let members = (json.members ?? []).filter { $0.key != "sha256" }
    let digest = SHA256.hexDigest(of: Array(JSONValue.object(members).text().utf8))
    guard json["sha256"]?.string == digest, let state = TrainerState(json: json),
      let files = json["peqa"]?["files"]?.members
    else { throw TrainingError.badData("\(statePath): damaged, or changed by hand") }
    for file in files {
      let found = try SHA256.hexDigest(ofFile: "\(path)/\(file.key)")
      guard found == file.value.string else {
        throw TrainingError.badData("\(path)/\(file.key): damaged, its SHA-256 is another")
      }
    }
    self.state = state
    vectors = try SafetensorsFile(path: "\(path)/\(CheckpointStore.optimizerName)")
    guard let updates = vectors.metadata["updates"]?.string.flatMap({ Int($0) }),
      TrainerState.counts.contains(updates)
    else {
      throw TrainingError.badData("\(path)/\(CheckpointStore.optimizerName): no number of updates")
    }
    self.updates = updates
    for name in CheckpointStore.vectorNames {
      let tensor = try vectors.requiredTensor(named: name, shape: [state.identity.parameterCount])
      guard tensor.type == .f32 else {
        throw TrainingError.badData("\(path): tensor \"\(name)\" is \(tensor.type), expected F32")
      }
    }
  }

  /// Puts masters, moments and the number of updates into `step`.
  func restore(_ step: inout TrainStep) throws {
    try copy(0, to: step.scales)
    try copy(1, to: step.optimizer.mean)
    try copy(2, to: step.optimizer.square)
    step.optimizer.updates = updates
    guard !step.blockBits.isEmpty else { return }
    let bits = try vectors.requiredTensor(
      named: CheckpointStore.bitsName, shape: [step.blockBits.count])
    step.blockBits = vectors.bytes(of: bits).map { Int8(bitPattern: $0) }
  }

  private func copy(_ index: Int, to vector: FloatBuffer) throws {
    let tensor = try vectors.requiredTensor(
      named: CheckpointStore.vectorNames[index], shape: [vector.count])
    UnsafeMutableRawBufferPointer(vector.elements).copyMemory(from: vectors.bytes(of: tensor))
  }
}
