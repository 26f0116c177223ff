internal import Checkpoints
internal import Kernels
internal import Quantization

extension DecoderWeights {
  /// The weights of an unquantized model. F32, F16 and BF16 matrices are used where they lie;
  /// others (GGUF blocks, rows that have to be put in order) become private fp32 copies.
  package convenience init(_ model: ModelSource) throws {
    let copies = OwnedCopies(model)
    try self.init(model.config, from: copies, owner: copies)
  }
}

extension ModelSource {
  /// A matrix of F32, F16 or BF16 where it lies in the file; nil where it has to be converted.
  func denseMatrix(_ name: String) throws -> WeightMatrix? {
    let tensor = try tensor(name)
    guard let type = FloatType(tensor.type), let start = bytes(of: tensor)?.baseAddress else {
      return nil
    }
    return WeightMatrix(dense: start, type: type, rows: tensor.rows, columns: tensor.columns)
  }
}

/// Keeps the model mapped, and the matrices that had to be converted.
private final class OwnedCopies: WeightSource {
  private let model: ModelSource
  private var buffers: [FloatBuffer] = []

  init(_ model: ModelSource) { self.model = model }

  func linear(_ role: LinearRole, layer: Int) throws -> DecoderWeights.Linear {
    let name = role.name(layer: layer)
    return DecoderWeights.Linear(
      matrix: try matrix(name + ".weight"),
      bias: model.config.block.biases.contains(role.kind) ? try vector(name + ".bias") : nil)
  }

  func matrix(_ name: String) throws -> WeightMatrix {
    if let mapped = try model.denseMatrix(name) { return mapped }
    let tensor = try model.tensor(name)
    let copy = FloatBuffer(count: tensor.rows * tensor.columns)
    try model.readRows(tensor, rows: 0..<tensor.rows, into: copy.elements)
    buffers.append(copy)
    return WeightMatrix(
      dense: copy.pointer, type: .f32, rows: tensor.rows, columns: tensor.columns)
  }

  func vector(_ name: String) throws -> FloatBuffer {
    try model.floats(name).withUnsafeBufferPointer { FloatBuffer(copying: $0) }
  }
}
