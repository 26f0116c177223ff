internal import Checkpoints
internal import Kernels

extension DecoderWeights {
  /// The weights of an unquantized model. F32, F16 and BF16 matrices are used where they lie;
  /// others (GGUF blocks, rows that have to be put in order) become private fp32 copies.
  package convenience init(_ model: ModelSource) throws {
    let config = model.config
    let copies = OwnedCopies(model)
    let embedding = try copies.matrix(DecoderConfig.embeddingName)
    let head = config.tiedEmbeddings ? embedding : try copies.matrix(DecoderConfig.outputName)
    var layers: [Layer] = []
    for index in 0..<config.layerCount {
      let linears = try LinearKind.allCases.map { kind in
        let linear = kind.name(layer: index)
        return Linear(
          matrix: try copies.matrix(linear + ".weight"),
          bias: config.hasBias(kind) ? try copies.vector(linear + ".bias") : nil)
      }
      layers.append(
        try Layer(config, index, linears: linears) { try copies.vector($0.name(layer: index)) })
    }
    self.init(
      embedding: embedding, head: head, finalNorm: try copies.vector(DecoderConfig.finalNormName),
      layers: layers, owner: copies)
  }
}

/// Keeps the model mapped, and the matrices that had to be converted.
private final class OwnedCopies {
  private let model: ModelSource
  private var buffers: [FloatBuffer] = []

  init(_ model: ModelSource) { self.model = model }

  func matrix(_ name: String) throws -> WeightMatrix {
    let tensor = try model.tensor(name)
    if let type = WeightMatrix.DenseType(tensor.type),
      let start = model.bytes(of: tensor)?.baseAddress
    {
      return WeightMatrix(dense: start, type: type, rows: tensor.rows, columns: tensor.columns)
    }
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
