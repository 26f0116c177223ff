internal import Checkpoints
package import Datasets
package import DecoderModel
package import JSONText
internal import Kernels
internal import Quantization

/// A decoder over a quantized base whose scales are trained: PEQA as the trainer sees it.
package final class ScaleTuning: TrainableModel {
  package let decoder: Decoder
  package let scales: TrainableScales
  private let base: QuantizedBase
  /// What is learnt from, and how; nil for the loss on the data alone.
  package var teaching: (cache: TeacherCache, settings: Distillation)?

  /// `training` has no faults over this base.
  package init(decoder: Decoder, base: QuantizedBase, training: ScaleTraining) {
    self.decoder = decoder
    self.base = base
    scales = TrainableScales(weights: decoder.weights, training: training)
    decoder.use(scales.task)
  }

  package var parameterCount: Int { scales.count }

  package func copyInitialParameters(to values: UnsafeMutableBufferPointer<Float>) {
    scales.copyInitialMasters(to: values)
  }

  @discardableResult
  package func setParameters(_ values: UnsafeBufferPointer<Float>) -> ScaleFaults {
    scales.setMasters(values)
  }

  package func lossesAndGradients(
    _ sequences: [PackedSequence], add: GradientSink
  ) throws -> [SequenceLoss] {
    let stack = try sequences.map {
      TokenSequence(
        tokens: $0.tokens, targets: $0.targets, segmentOffsets: $0.segmentOffsets,
        teacher: try teaching?.cache.targets(of: $0))
    }
    return try decoder.lossesAndGradients(
      stack, scales: scales, distillation: teaching?.settings, to: add
    ).map {
      SequenceLoss(sum: $0.loss, tokens: $0.tokens, parts: $0.parts)
    }
  }

  package func loss(_ sequence: PackedSequence) throws -> SequenceLoss {
    let sum = try decoder.compute.inFloatingPoint {
      try decoder.loss(
        sequence.tokens, targets: sequence.targets, segmentOffsets: sequence.segmentOffsets)
    }
    return SequenceLoss(sum: sum.loss, tokens: sum.tokens)
  }

  package func adapterTensors() -> [AdapterTensor] {
    scales.task.entries.map { entry in
      AdapterTensor(
        name: entry.tensorName(scales.task.form), type: entry.type.elementType,
        shape: scales.task.shape(of: entry), bytes: Array(scales.task.bytes(of: entry)))
    } + zeroTensors
  }

  package func setAdapter(_ tensors: [AdapterTensor]) {
    let task = scales.task
    let (entries, parts) = (task.entries, zeroParts)
    precondition(tensors.count == entries.count + parts.count, "tensors of this very adapter")
    for (entry, tensor) in zip(entries, tensors) {
      task.bytes(of: entry).copyBytes(from: tensor.bytes)
      task.setMinima(entry)
    }
    for (part, tensor) in zip(parts, tensors[entries.count...]) {
      task.zeroBytes(of: part.entry).copyBytes(from: tensor.bytes)
    }
  }

  private var zeroParts: [TrainableScales.Part] { scales.parts.filter { !$0.zeros.isEmpty } }

  private var zeroTensors: [AdapterTensor] {
    zeroParts.map { part in
      AdapterTensor(
        name: part.entry.zerosName, type: .f16,
        shape: [part.entry.rows, part.zeros.count / part.entry.rows],
        bytes: Array(scales.task.zeroBytes(of: part.entry)))
    }
  }

  package var adapterDescription: [(String, JSONValue)] {
    var more: [(String, JSONValue)] = []
    if scales.granularity == .rowAndColumn {
      more.append(("scale_rank", .integer(scales.training.rank)))
    }
    if scales.training.zeroPoints { more.append(("train_zero_points", true)) }
    return [
      ("base_sha256", .string(base.manifest.baseDigest)),
      ("config_sha256", .string(base.config.digest)),
      ("bits", .integer(base.manifest.settings.bits)),
      ("group_size", .integer(base.manifest.settings.groupSize)),
      ("sym", .bool(base.manifest.settings.symmetric)),
      ("scale_granularity", .string(scales.granularity.rawValue)),
      ("scale_param", .string(scales.parametrization.rawValue)),
      ("scale_form", .string(scales.task.form.rawValue)),
      ("target_modules", .array(scales.training.modules.patterns.map { .string($0) })),
      ("trained_scales", .integer(scales.count)),
      ("model_type", .string(decoder.config.modelType)),
    ] + more
  }
}
