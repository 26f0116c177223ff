internal import Checkpoints
internal import DecoderModel
internal import QuantizedFormats

// One GGUF file as llama.cpp names its tensors.
extension ExportPlanner {
  mutating func gguf(ropeFactors: [Float]?) throws -> [OutputFile] {
    var list: [OutputTensor] = []
    if let ropeFactors {
      let declaration = TensorDeclaration(
        name: GGUFMetadata.ropeFactorsName, type: .f32, shape: [ropeFactors.count])
      list.append(OutputTensor(declaration) { ElementType.f32.bytes(of: ropeFactors) })
    }
    for module in ExportModule.all(tuned.config, .gguf) {
      guard module.isMatrix, module.parts.allSatisfy({ tuned.matrix($0.tensor) != nil }) else {
        // llama.cpp wants vectors in F32.
        let type = module.isMatrix ? try tuned.exactType(module) : .f32
        list.append(try dense(module, as: type))
        continue
      }
      guard let rows = try codedRows(module) else { continue }
      switch CodeTarget.of(rows, for: .gguf, group: nil, isReordered: order(of: module) != nil) {
      case .success(let target):
        list += try coded(
          module, rows, as: GGMLFormat(target.type ?? .q8_0), target, form: target.type?.name ?? "")
      case .failure where options.allowsLoss: list.append(try dense(module, as: .f16))
      case .failure(let error):
        fault("\(module.name): \(error.reason). With --lossy it becomes F16")
      }
    }
    return [OutputFile(name: "model.gguf", tensors: list)]
  }

  /// `general.file_type` of llama.cpp for the type of most weights.
  static func fileType(_ tensors: [ExportedTensor]) -> UInt32 {
    let numbers: [String: UInt32] = [
      "F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "BF16": 32,
    ]
    var counts: [String: Int] = [:]
    for tensor in tensors where tensor.name.hasPrefix("blk.") && !tensor.name.contains("norm") {
      counts[tensor.form, default: 0] += 1
    }
    let most = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    return most.flatMap { numbers[$0] } ?? 1
  }
}
