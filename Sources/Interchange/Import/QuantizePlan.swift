package import Checkpoints
package import DecoderModel
internal import Kernels
package import Quantization
internal import QuantizedFormats

/// What a quantization is asked to do.
package struct QuantizeOptions: Sendable {
  /// Ignored with `reusesCodes`, which takes bits and groups from the file.
  package var settings: QuantizationSettings
  /// Bits and groups of linear layers that have others than `settings`, by name without suffix.
  package var grids: [String: BaseManifest.Grid] = [:]
  /// Embeddings and output matrix get codes of 8 bits (`RowQuantizer.vocabulary`).
  package var quantizesVocabulary = false
  package var reusesCodes: Bool
  package var allowPoorQuality: Bool
  package var overwrite: Bool

  package init(
    settings: QuantizationSettings = QuantizationSettings(), reusesCodes: Bool = false,
    allowPoorQuality: Bool = false, overwrite: Bool = false
  ) {
    self.settings = settings
    self.reusesCodes = reusesCodes
    self.allowPoorQuality = allowPoorQuality
    self.overwrite = overwrite
  }

  /// How one linear layer is quantized.
  package func settings(of name: String) -> QuantizationSettings {
    guard let own = grids[name] else { return settings }
    return settings.with(own)
  }
}

extension QuantizationSettings {
  /// The same with other bits and groups.
  package func with(_ grid: BaseManifest.Grid) -> QuantizationSettings {
    QuantizationSettings(
      bits: grid.bits, groupSize: grid.groupSize, symmetric: symmetric, method: method)
  }
}

/// The tensors of a base before they are written.
package struct QuantizePlan: Sendable {
  /// Of most of the weights.
  package let settings: QuantizationSettings
  package let reusesCodes: Bool
  /// Not all matrices have the bits and groups of `settings`.
  private let isMixed: Bool
  /// Linear layers, and matrices of the vocabulary that are quantized.
  package let matrices: [PlannedMatrix]
  /// Norms, biases and other small tensors, then vocabulary matrices.
  package let dense: [PlannedDense]
  /// Tensors of the file that are kept as they are, so that it can be made again.
  package let kept: [TensorDescriptor]

  package struct PlannedMatrix: Sendable {
    package let tensor: ModelTensor
    /// Nil for a matrix of the vocabulary.
    package let role: LinearRole?
    package let name: String
    package let layout: PackedLayout
    package var order: [Int32]? { tensor.coded?.order }
  }

  package struct PlannedDense: Sendable {
    package let tensor: ModelTensor
    package let type: ElementType
  }

  /// Throws for settings that no base can have and for models whose codes cannot be kept. Matrices
  /// of the vocabulary become F16 unless `needsBFloat16` says that their values do not fit; those
  /// of a model whose codes are kept stay what they are.
  package init(
    _ source: ModelSource, _ options: QuantizeOptions,
    needsBFloat16: (ModelTensor) throws -> Bool
  ) throws {
    reusesCodes = options.reusesCodes
    isMixed = !options.grids.isEmpty || options.quantizesVocabulary
    if options.reusesCodes {
      try Self.requireCodes(source)
    } else {
      for settings in [options.settings] + options.grids.values.map(options.settings.with) {
        try settings.validate(allowingPoorQuality: options.allowPoorQuality)
      }
    }
    var matrices: [PlannedMatrix] = []
    var (vectors, wide): ([PlannedDense], [PlannedDense]) = ([], [])
    for tensor in source.tensors {
      let own = options.reusesCodes ? tensor.coded?.layout.with(rows: tensor.rows) : nil
      switch tensor.expected.role {
      case .linear(let role, let layer):
        let name = role.name(layer: layer)
        let layout =
          own ?? options.settings(of: name).layout(rows: tensor.rows, columns: tensor.columns)
        matrices.append(PlannedMatrix(tensor: tensor, role: role, name: name, layout: layout))
      case .vocabulary:
        let rounded =
          options.quantizesVocabulary && !options.reusesCodes
          ? RowQuantizer.vocabulary.settings.layout(rows: tensor.rows, columns: tensor.columns)
          : nil
        if let own = own ?? rounded {
          matrices.append(
            PlannedMatrix(
              tensor: tensor, role: nil, name: tensor.expected.matrixName, layout: own))
          continue
        }
        let kept = options.reusesCodes ? FloatType(tensor.type)?.elementType : nil
        let type: ElementType = try kept ?? (needsBFloat16(tensor) ? .bf16 : .f16)
        wide.append(PlannedDense(tensor: tensor, type: type))
      case .norm, .normBias, .bias, .outputBias, .positions, .projection, .router:
        vectors.append(PlannedDense(tensor: tensor, type: .f32))
      }
    }
    self.matrices = matrices
    dense = vectors + wide
    settings =
      options.reusesCodes
      ? Self.commonSettings(matrices)
      : options.grids.isEmpty ? options.settings : options.settings.with(Self.common(matrices))
    kept = options.reusesCodes ? Self.keptTensors(source) : []
  }

  private static func requireCodes(_ source: ModelSource) throws {
    let obstacles = source.obstaclesToReusingCodes()
    guard obstacles.isEmpty else {
      let shown = obstacles.prefix(5)
      let more = obstacles.count > 5 ? ["and \(obstacles.count - 5) more"] : []
      throw ModelFileError.faults(
        path: source.path,
        [
          "--keep-codes needs all linear layers quantized: by GPTQ, AWQ, MLX, compressed-tensors, or "
            + "GGUF in Q2_K to Q8_0 or IQ4. Quantize without it."
        ] + shown + more)
    }
  }

  private static func commonSettings(_ matrices: [PlannedMatrix]) -> QuantizationSettings {
    QuantizationSettings(symmetric: !matrices.contains { $0.layout.offset == .minima })
      .with(common(matrices))
  }

  /// Bits and groups of most weights of the linear layers.
  private static func common(_ matrices: [PlannedMatrix]) -> BaseManifest.Grid {
    var weights: [BaseManifest.Grid: Int] = [:]
    for matrix in matrices where matrix.role != nil {
      weights[matrix.grid, default: 0] += matrix.layout.rows * matrix.layout.columns
    }
    let most = weights.max {
      ($0.value, $1.key.bits, $1.key.groupSize) < ($1.value, $0.key.bits, $0.key.groupSize)
    }
    return most?.key ?? BaseManifest.Grid(bits: 4, groupSize: -1)
  }

  /// What the canonical tensors do not say again: of tensors that are shared, cut or moved, and
  /// those that the model does not read.
  private static func keptTensors(_ source: ModelSource) -> [TensorDescriptor] {
    var readable: Set<String> = []
    for tensor in source.tensors {
      for part in tensor.coded?.parts.values.map(\.name) ?? [] { readable.insert(part) }
      if tensor.order == RowOrder(), tensor.offset == 0 { readable.insert(tensor.stored.name) }
    }
    return source.files.tensors.filter { !readable.contains($0.name) }
  }
}

extension QuantizePlan.PlannedMatrix {
  var grid: BaseManifest.Grid {
    BaseManifest.Grid(
      bits: layout.bits, groupSize: layout.groups == 1 ? -1 : layout.groupSize,
      groupsPerScale: layout.groupsPerScale)
  }

  var base: BaseMatrix { BaseMatrix(name: name, layout: layout, isReordered: order != nil) }
}

extension QuantizePlan {
  /// Bits and groups of those matrices that are not as `settings` say.
  var grids: [String: BaseManifest.Grid] {
    guard reusesCodes || isMixed else { return [:] }
    let common = BaseManifest.Grid(bits: settings.bits, groupSize: settings.groupSize)
    return Dictionary(
      uniqueKeysWithValues: matrices.filter { $0.grid != common }.map { ($0.name, $0.grid) })
  }

  package var declarations: [TensorDeclaration] {
    BaseMatrix.declarations(
      dense: dense.map {
        TensorDeclaration(name: $0.tensor.name, type: $0.type, shape: $0.tensor.shape)
      }
        + kept.map {
          // Blocks of GGML are bytes to a safetensors file.
          let isBlocks = $0.type.isBlockQuantized
          return TensorDeclaration(
            name: SourceRecord.keptName($0.name), type: isBlocks ? .u8 : $0.type,
            shape: isBlocks ? [$0.byteRange.count] : $0.shape)
        },
      matrices: matrices.map(\.base), together: reusesCodes)
  }

  /// Weights that become codes.
  package var weightCount: Int { matrices.reduce(0) { $0 + $1.layout.rows * $1.layout.columns } }
  /// Scales of all linear layers: what can be trained.
  package var scaleCount: Int {
    matrices.filter { $0.role != nil }.reduce(0) { $0 + $1.layout.rows * $1.layout.scalesPerRow }
  }
  /// Bytes of all tensors of the base.
  package var byteCount: Int { declarations.reduce(0) { $0 + $1.byteCount } }
}
