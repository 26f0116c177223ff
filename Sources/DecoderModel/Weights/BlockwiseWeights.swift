internal import Checkpoints
package import Kernels

/// The weights of a full-precision model of which one block at a time is in memory, in fp32: what
/// calibration works on, whatever the size of the model.
///
/// The matrices of all blocks lie in the same memory: only those of the block that was loaded last
/// mean anything.
package final class BlockwiseWeights {
  package let decoderWeights: DecoderWeights
  private let source: Source

  package init(_ model: ModelSource) throws {
    source = Source(model)
    decoderWeights = try DecoderWeights(model.config, from: source, owner: source)
  }

  /// Reads the matrices of a block, on all threads, and puts them in place.
  package func load(layer: Int, on pool: WorkerPool) throws {
    for role in source.model.config.block.linears {
      let memory = source.memory(role)
      try source.model.readAllRows(
        role.name(layer: layer) + ".weight", into: memory.elements, on: pool)
      put(source.dense(role), role, layer)
    }
  }

  /// Another matrix in the place of one that was loaded; the caller keeps its memory alive.
  package func put(_ matrix: WeightMatrix, _ role: LinearRole, _ layer: Int) {
    guard let position = source.model.config.block.position(of: role) else {
      preconditionFailure("a block without \(role)")
    }
    decoderWeights.layers[layer].linears[position].matrix = matrix
  }

  /// The matrix of the block at hand as the model has it, [O, I].
  package func values(_ role: LinearRole) -> UnsafeMutableBufferPointer<Float> {
    source.memory(role).elements
  }

  /// The same for products.
  package func dense(_ role: LinearRole) -> WeightMatrix { source.dense(role) }

  private final class Source: WeightSource {
    let model: ModelSource
    private var matrices: [LinearRole: FloatBuffer] = [:]
    /// What stands outside the blocks, where it had to be converted.
    private var copies: [FloatBuffer] = []

    init(_ model: ModelSource) { self.model = model }

    func memory(_ role: LinearRole) -> FloatBuffer {
      if let held = matrices[role] { return held }
      let (rows, columns) = model.config.shape(of: role.kind)
      let made = FloatBuffer(count: rows * columns)
      matrices[role] = made
      return made
    }

    func dense(_ role: LinearRole) -> WeightMatrix {
      let (rows, columns) = model.config.shape(of: role.kind)
      return WeightMatrix(
        dense: memory(role).pointer, type: .f32, rows: rows, columns: columns)
    }

    func linear(_ role: LinearRole, layer: Int) throws -> DecoderWeights.Linear {
      let name = role.name(layer: layer)
      return DecoderWeights.Linear(
        matrix: dense(role),
        bias: model.config.block.biases.contains(role.kind) ? try vector(name + ".bias") : nil)
    }

    func matrix(_ name: String) throws -> WeightMatrix {
      if let mapped = try model.denseMatrix(name) { return mapped }
      let tensor = try model.tensor(name)
      let copy = FloatBuffer(count: tensor.rows * tensor.columns)
      try model.readRows(tensor, rows: 0..<tensor.rows, into: copy.elements)
      copies.append(copy)
      return WeightMatrix(
        dense: copy.pointer, type: .f32, rows: tensor.rows, columns: tensor.columns)
    }

    func vector(_ name: String) throws -> FloatBuffer {
      try model.floats(name).withUnsafeBufferPointer { FloatBuffer(copying: $0) }
    }
  }
}
