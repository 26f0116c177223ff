internal import Checkpoints
internal import DecoderModel
internal import Quantization
internal import QuantizedFormats

// A directory of safetensors files as transformers names them.
extension ExportPlanner {
  /// Bytes of a file; a model with more has several, as transformers writes them.
  private static let shardBytes = 5_000_000_000

  mutating func huggingFace() throws -> [OutputFile] {
    let format: (any QuantizedFormat)? =
      switch options.format {
      // Version 1 is what every program reads; some refuse it where zero points differ.
      case .gptq: GPTQFormat(version1: isSymmetric)
      case .awq: AWQFormat()
      case .mlx: MLXFormat()
      case .compressedTensors: CompressedTensorsFormat(bits: [4, 8])
      case .gguf, .hf: nil
      }
    let group = CodeTarget.dividingGroup(linearLayouts)
    var list: [OutputTensor] = []
    for module in ExportModule.all(tuned.config, .huggingFace) {
      let isCoded = module.parts.contains { tuned.matrix($0.tensor) != nil }
      guard let format, isCoded, holdsVocabulary || !module.isVocabulary else {
        list.append(try dense(module, as: type(of: module, isCoded: isCoded)))
        continue
      }
      guard let rows = try codedRows(module) else { continue }
      switch CodeTarget.of(
        rows, for: options.format, group: group, isReordered: order(of: module) != nil)
      {
      case .success(let target):
        list += try coded(module, rows, as: format, target, form: target.layout.form)
      case .failure(let error): fault("\(module.name): \(error.reason)")
      }
    }
    if options.format == .compressedTensors, isSymmetric {
      // Zero points are left out where all are in the middle.
      list.removeAll { $0.declaration.name.hasSuffix(".weight_zero_point") }
    }
    return Self.shards(list, metadata: [("format", options.format == .mlx ? "mlx" : "pt")])
  }

  /// Which formats have vocabularies quantized.
  private var holdsVocabulary: Bool { options.format == .mlx }

  private func type(of module: ExportModule, isCoded: Bool) throws -> ElementType {
    guard isCoded, options.format == .hf else { return try tuned.exactType(module) }
    return switch options.dtype {
    case .fp16: .f16
    case .bf16: .bf16
    case .fp32: .f32
    }
  }

  private var linearLayouts: [PackedLayout] {
    tuned.config.expectedTensors.compactMap { tensor in
      if case .linear = tensor.role { tuned.matrix(tensor)?.layout } else { nil }
    }
  }

  static func isSymmetric(_ tuned: TunedBase, _ format: ExportFormat) -> Bool {
    tuned.config.expectedTensors.allSatisfy { tensor in
      guard case .linear = tensor.role, let matrix = tuned.matrix(tensor) else { return true }
      guard !tuned.hasTrainedZeros else { return false }
      let bits = CodeTarget.bits(of: matrix.layout, in: format)
      let centre = UInt8(1 << (bits - 1))
      switch matrix.layout.offset {
      case .zeros: return matrix.offsets.allSatisfy { $0 == centre }
      case .centre: return bits == matrix.layout.bits
      case .realZeros, .minima: return false
      }
    }
  }

  private static func shards(
    _ tensors: [OutputTensor], metadata: [(key: String, value: String)]
  ) -> [OutputFile] {
    var groups: [[OutputTensor]] = [[]]
    var size = 0
    for tensor in tensors {
      let bytes = tensor.declaration.byteCount
      if size > 0, size + bytes > shardBytes {
        groups.append([])
        size = 0
      }
      groups[groups.count - 1].append(tensor)
      size += bytes
    }
    func number(_ value: Int) -> String {
      let text = "\(value)"
      return String(repeating: "0", count: max(0, 5 - text.count)) + text
    }
    return groups.enumerated().map { index, tensors in
      let name =
        groups.count == 1
        ? SafetensorsDirectory.singleName
        : "model-\(number(index + 1))-of-\(number(groups.count)).safetensors"
      return OutputFile(name: name, metadata: metadata, tensors: tensors)
    }
  }
}

extension ExportModule {
  var isVocabulary: Bool { parts[0].tensor.role == .vocabulary }
}
