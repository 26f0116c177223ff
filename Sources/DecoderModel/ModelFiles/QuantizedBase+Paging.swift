package import Checkpoints
package import Quantization

// Codes are nearly all of a base and come and go with their block; scales, zero points and the rest
// are small and stay.
extension QuantizedBase {
  /// All linear layers, block by block.
  package var linearLayouts: [LinearLayout] {
    (0..<config.layerCount).flatMap { layer in
      config.block.linears.map {
        LinearLayout(layer: layer, role: $0, layout: linear($0, layer: layer).layout)
      }
    }
  }

  /// Layouts of all linear layers, block by block.
  package var layouts: [PackedLayout] { linearLayouts.map(\.layout) }

  /// The smallest groups of the linear layers, by which passes are planned; -1 where all have whole
  /// rows.
  package var finestGroupSize: Int {
    layouts.filter { $0.groups > 1 }.map(\.groupSize).min() ?? -1
  }

  /// Numbers that a task trains over this base.
  package func trained(_ training: ScaleTraining) -> TrainedNumbers {
    training.numbers(over: linearLayouts)
  }

  /// Bytes of the file.
  package var byteCount: Int { mapping.bytes.count }

  /// Bytes of the codes of each block.
  package var blockBytes: [Int] {
    (0..<config.layerCount).map { codes(layer: $0).reduce(0) { $0 + $1.count } }
  }

  /// Reads the codes of a block into memory.
  package func load(layer: Int) throws(CheckpointError) {
    for range in codes(layer: layer) { try mapping.load(range) }
  }

  /// Lets go of the codes of a block.
  package func drop(layer: Int, fromCache: Bool) {
    for range in codes(layer: layer) { mapping.drop(range, fromCache: fromCache) }
  }

  private func codes(layer: Int) -> [Range<Int>] {
    config.block.linears.compactMap {
      file.tensor(named: $0.name(layer: layer) + ".codes")?.byteRange
    }
  }
}
