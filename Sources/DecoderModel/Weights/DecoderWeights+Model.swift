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
final class OwnedCopies: WeightSource {
  let model: ModelSource
  private var buffers: [FloatBuffer] = []

  init(_ model: ModelSource) { self.model = model }

  func linear(_ role: LinearRole, layer: Int) throws -> DecoderWeights.Linear {
    DecoderWeights.Linear(
      matrix: try matrix(role.name(layer: layer) + ".weight"), bias: try bias(role, layer: layer))
  }

  func bias(_ role: LinearRole, layer: Int) throws -> FloatBuffer? {
    guard model.config.block.biases.contains(role.kind) else { return nil }
    return try vector(role.name(layer: layer) + ".bias")
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
