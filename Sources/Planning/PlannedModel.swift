package import DecoderModel
internal import Foundation
internal import Interchange
internal import Quantization
package import Training

/// A model as far as a plan needs it: its shape, and what a base of it takes.
package struct PlannedModel: Sendable, Equatable {
  /// As a reader of the plan knows it.
  package var name: String
  package var config: DecoderConfig
  /// Of most weights.
  package var bits: Int
  /// The smallest groups; -1 where all layers have whole rows.
  package var groupSize: Int
  /// Layers differ in bits or groups.
  package var isMixed = false
  /// The whole base.
  package var baseBytes: Int
  /// Codes of each block.
  package var blockBytes: [Int]
  private var layers: [LinearLayout]

  /// A base that need not exist.
  package init(name: String, config: DecoderConfig, bits: Int, groupSize: Int) throws {
    (self.name, self.config, self.bits, self.groupSize) = (name, config, bits, groupSize)
    baseBytes = try SyntheticBase(
      name: name, config: config, settings: QuantizationSettings(bits: bits, groupSize: groupSize)
    ).byteCount
    let block = config.block.kinds.reduce(0) { sum, kind in
      let (rows, columns) = config.shape(of: kind)
      let layout = PackedLayout(rows: rows, columns: columns, bits: bits, groupSize: groupSize)
      return sum + layout.byteCount * config.count(of: kind)
    }
    blockBytes = Array(repeating: block, count: config.layerCount)
    layers = config.linearLayouts(groupSize: groupSize)
  }

  private init(name: String, _ base: QuantizedBase) {
    (self.name, config) = (name, base.config)
    (bits, groupSize) = (base.manifest.settings.bits, base.finestGroupSize)
    isMixed = Set(base.layouts.map(\.form)).count > 1
    (baseBytes, blockBytes) = (base.byteCount, base.blockBytes)
    layers = base.linearLayouts
  }

  /// A base, a Hugging Face directory, a `config.json`, or the last part of `path` as the name of a
  /// known shape. Bits and groups of a base are its own; else those of the run, or 4 and -1.
  package init(_ run: RunConfig) throws {
    let path = run.model
    if QuantizedBase.isBase(path) {
      self.init(name: path, try QuantizedBase(path: path))
      return
    }
    let name = URL(fileURLWithPath: path).lastPathComponent
    let file = [path + "/config.json", path].first(where: FileManager.default.fileExists(atPath:))
    try self.init(
      name: name, config: try DecoderConfig.shape(file ?? name), bits: run.bits ?? 4,
      groupSize: run.groupSize ?? -1)
  }

  /// Numbers that a task trains.
  package func trained(_ training: ScaleTraining) -> TrainedNumbers {
    training.numbers(over: layers)
  }

  /// Why a run cannot train this model as it says.
  package func faults(_ training: ScaleTraining) -> [ConfigFault] {
    training.faults(config, over: layers).map { ConfigFault(message: "\($0.key): \($0.text)") }
  }

  /// Operations of a pass over `sequences` of `tokens`, those included that are done a second time
  /// to save memory.
  package func operations(
    tokens: Int, sequences: Int, _ training: ScaleTraining, recomputing: Bool
  ) -> Double {
    var training = training
    // Without groups there is no third product.
    if groupSize == -1 { training.granularity = .row }
    let step = config.stepFLOPs(tokens: tokens, sequences: sequences, training).total
    guard recomputing else { return step }
    let lowest = config.lowestTrainedLayer(training.modules)
    let again = (lowest..<config.layerCount).reduce(0) { sum, layer in
      sum + config.blockFLOPs(layer: layer, tokens: tokens, granularity: .row).forward
        - config.linearFLOPs(config.block.sparedKinds, tokens: tokens)
    }
    return step + Double(sequences) * again
  }
}
