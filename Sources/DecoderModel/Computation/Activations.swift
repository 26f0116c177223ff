internal import Kernels

/// The numbers of one sequence on its way through the decoder, for up to `capacity` tokens: the
/// buffers of `DecoderConfig.blockBuffers`.
final class Activations {
  /// How much a backward pass finds; it computes the rest again.
  enum Keeping {
    case nothing
    /// The residual streams of all blocks: 2 [T, D] a block, 3 where branches end in norms.
    case residuals
    /// The outputs of all products as well, so that only elementwise work is done again.
    case products
  }

  let capacity: Int
  let keeping: Keeping
  /// The block at hand.
  private var layer = 0
  /// Which experts the tokens of the block last computed take.
  var routing: Routing?
  /// By `BlockBuffer.Name.rawValue`; nil for those that the model does not need.
  private var slots: [Slot?]

  private struct Slot {
    let memory: FloatBuffer
    /// Numbers of one block.
    let size: Int
    let copies: Int
  }

  init(_ config: DecoderConfig, capacity: Int, keeping: Keeping) {
    self.capacity = capacity
    self.keeping = keeping
    slots = BlockBuffer.Name.allCases.map { _ in nil }
    for buffer in config.blockBuffers {
      let copies = buffer.copies(keeping, layers: config.layerCount)
      let size = capacity * buffer.width
      slots[buffer.name.rawValue] = Slot(
        memory: FloatBuffer(count: copies * size), size: size, copies: copies)
    }
  }

  /// Makes `layer` the block at hand.
  func select(layer: Int) { self.layer = layer }

  /// [T, width] of the block at hand.
  subscript(name: BlockBuffer.Name) -> UnsafeMutablePointer<Float> { self[name, layer] }

  /// [T, width] of block `layer`.
  subscript(name: BlockBuffer.Name, layer: Int) -> UnsafeMutablePointer<Float> {
    guard let slot = slots[name.rawValue] else { preconditionFailure("a model without \(name)") }
    return slot.memory.pointer + layer % slot.copies * slot.size
  }

  /// The residual stream [T, D] before block `layer` (after the last one for `layerCount`).
  func residual(_ layer: Int) -> UnsafeMutablePointer<Float> { self[.residual, layer] }

  /// The residual stream between attention and MLP of block `layer`.
  func postAttention(_ layer: Int) -> UnsafeMutablePointer<Float> { self[.postAttention, layer] }

  /// All memory, by name.
  var allocations: [(name: String, memory: FloatBuffer)] {
    zip(BlockBuffer.Name.allCases, slots).compactMap { name, slot in
      slot.map { ("\(name)", $0.memory) }
    }
  }
}

/// Gradients of one block, for up to `capacity` tokens: the buffers of
/// `DecoderConfig.gradientBuffers`.
final class BlockGradients {
  /// By `GradientBuffer.Name.rawValue`.
  private var memory: [FloatBuffer?]

  init(_ config: DecoderConfig, capacity: Int) {
    memory = GradientBuffer.Name.allCases.map { _ in nil }
    for buffer in config.gradientBuffers {
      memory[buffer.name.rawValue] = FloatBuffer(count: capacity * buffer.width)
    }
  }

  /// [T, width].
  subscript(name: GradientBuffer.Name) -> UnsafeMutablePointer<Float> {
    guard let buffer = memory[name.rawValue] else { preconditionFailure("a model without \(name)") }
    return buffer.pointer
  }

  /// All memory, by name.
  var allocations: [(name: String, memory: FloatBuffer)] {
    zip(GradientBuffer.Name.allCases, memory).compactMap { name, buffer in
      buffer.map { ("gradient.\(name)", $0) }
    }
  }
}
