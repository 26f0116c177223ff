package import Checkpoints
package import DecoderModel
package import Quantization

/// What a quantization is asked to do.
package struct QuantizeOptions: Sendable {
  /// Ignored with `reusesCodes`, which takes bits and groups from the file.
  package var settings: QuantizationSettings
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
}

/// The tensors of a base before they are written.
package struct QuantizePlan: Sendable {
  package let settings: QuantizationSettings
  package let reusesCodes: Bool
  package let linears: [PlannedLinear]
  /// Norms, biases and other small tensors as F32, then vocabulary matrices.
  package let dense: [PlannedDense]

  package struct PlannedLinear: Sendable {
    package let tensor: ModelTensor
    package let role: LinearRole
    package let name: String
    package let layout: PackedLayout
    /// F16 zero points: codes of Q4_1.
    package let realZeros: Bool
  }

  package struct PlannedDense: Sendable {
    package let tensor: ModelTensor
    package let type: ElementType
  }

  /// Throws for settings that no base can have and for models whose codes cannot be kept. Matrices
  /// of the vocabulary become F16 unless `needsBFloat16` says that their values do not fit.
  package init(
    _ source: ModelSource, _ options: QuantizeOptions,
    needsBFloat16: (ModelTensor) throws -> Bool
  ) throws {
    settings = try Self.settings(source, options)
    reusesCodes = options.reusesCodes
    var linears: [PlannedLinear] = []
    var (vectors, matrices): ([PlannedDense], [PlannedDense]) = ([], [])
    for tensor in source.tensors {
      switch tensor.expected.role {
      case .linear(let role, let layer):
        let layout = PackedLayout(
          rows: tensor.rows, columns: tensor.columns, bits: settings.bits,
          groupSize: settings.groupSize)
        linears.append(
          PlannedLinear(
            tensor: tensor, role: role, name: role.name(layer: layer), layout: layout,
            realZeros: options.reusesCodes && tensor.type == .q4_1))
      case .vocabulary:
        let type: ElementType = try needsBFloat16(tensor) ? .bf16 : .f16
        matrices.append(PlannedDense(tensor: tensor, type: type))
      case .norm, .normBias, .bias, .outputBias, .positions, .projection, .router:
        vectors.append(PlannedDense(tensor: tensor, type: .f32))
      }
    }
    self.linears = linears
    dense = vectors + matrices
  }

  private static func settings(
    _ source: ModelSource, _ options: QuantizeOptions
  ) throws -> QuantizationSettings {
    guard options.reusesCodes else {
      try options.settings.validate(allowingPoorQuality: options.allowPoorQuality)
      return options.settings
    }
    let obstacles = source.obstaclesToReusingCodes()
    guard obstacles.isEmpty else {
      throw ModelFileError.faults(
        path: source.path,
        [
          "--reuse-quantization needs linear layers in Q4_0, Q4_1 or Q8_0, all of the same bits. "
            + "Quantize without it."
        ] + obstacles)
    }
    let linears = source.tensors.filter {
      if case .linear = $0.expected.role { true } else { false }
    }
    return QuantizationSettings(
      bits: linears.first.flatMap { BlockCodes.bits(of: $0.type) } ?? 4,
      groupSize: BlockCodes.groupSize, symmetric: !linears.contains { $0.type == .q4_1 })
  }
}

extension QuantizePlan {
  package var declarations: [TensorDeclaration] {
    BaseLinear.declarations(
      dense: dense.map {
        TensorDeclaration(name: $0.tensor.name, type: $0.type, shape: $0.tensor.shape)
      },
      linears: linears.map {
        BaseLinear(name: $0.name, layout: $0.layout, realZeros: $0.realZeros)
      })
  }

  /// Weights that become codes.
  package var weightCount: Int { linears.reduce(0) { $0 + $1.layout.rows * $1.layout.columns } }
  /// Scales of all linear layers: what can be trained.
  package var scaleCount: Int { linears.reduce(0) { $0 + $1.layout.rows * $1.layout.groups } }
  /// Bytes of all tensors of the base.
  package var byteCount: Int { declarations.reduce(0) { $0 + $1.byteCount } }
}
