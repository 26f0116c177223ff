internal import Checkpoints
internal import Kernels
internal import Quantization

extension DecoderWeights {
  /// The weights of a base, used where they lie in the mapping; only norms and biases are copied.
  package convenience init(_ base: QuantizedBase) throws {
    try self.init(base.config, from: base, owner: base)
  }
}

extension QuantizedBase: WeightSource {
  func linear(_ role: LinearRole, layer: Int) throws -> DecoderWeights.Linear {
    let linear: QuantizedMatrix = self.linear(role, layer: layer)
    guard let matrix = linear.matrix else {
      throw ModelFileError.faults(path: path, ["\(linear.name) is empty"])
    }
    return DecoderWeights.Linear(
      matrix: matrix, bias: linear.bias.map { FloatBuffer(copying: $0) },
      base: linear.shipped)
  }

  func matrix(_ name: String) throws -> WeightMatrix {
    if var matrix = quantizedVocabulary(name)?.matrix {
      matrix.staysFloating = true
      return matrix
    }
    let tensor = try tensor(name)
    guard let start = tensor.bytes.baseAddress, let type = FloatType(tensor.type),
      tensor.shape.count == 2
    else {
      throw ModelFileError.faults(path: path, ["\(name) is no matrix of F32, F16 or BF16"])
    }
    return WeightMatrix(dense: start, type: type, rows: tensor.shape[0], columns: tensor.shape[1])
  }

  func vector(_ name: String) throws -> FloatBuffer {
    let tensor = try tensor(name)
    let floats = FloatBuffer(count: tensor.shape.reduce(1, *))
    try tensor.type.dequantize(tensor.bytes, into: floats.elements)
    return floats
  }
}

extension FloatBuffer {
  convenience init(copying values: UnsafeBufferPointer<Float>) {
    self.init(count: values.count)
    _ = elements.update(fromContentsOf: values)
  }
}
