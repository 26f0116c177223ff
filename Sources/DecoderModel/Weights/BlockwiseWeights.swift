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
    /// What stands outside the blocks' matrices.
    private let rest: OwnedCopies
    private var matrices: [LinearRole: FloatBuffer] = [:]

    var model: ModelSource { rest.model }

    init(_ model: ModelSource) { rest = OwnedCopies(model) }

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
      DecoderWeights.Linear(matrix: dense(role), bias: try rest.bias(role, layer: layer))
    }

    func matrix(_ name: String) throws -> WeightMatrix { try rest.matrix(name) }

    func vector(_ name: String) throws -> FloatBuffer { try rest.vector(name) }
  }
}
