internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Quantization

// The scales of a task alone, under the names that they have in the whole export: to be put in
// their place by whoever serves many tasks over one set of integers.
extension ExportJob {
  /// What `runScales` wrote.
  package struct ScalesReport: Sendable {
    package var tensors: Int
    package var bytes: Int
  }

  /// Writes one safetensors file with the tensors that a task changes.
  ///
  /// Throws for formats whose integers and scales share tensors, and where the whole export would
  /// not be exact.
  package func runScales(output: String) throws -> ScalesReport {
    guard options.format != .gguf, options.format != .hf else {
      throw ModelFileError.unsupported(
        path: output,
        detail: "\(options.format.rawValue) has no tensors of scales alone. Use gptq, awq, mlx or "
          + "compressed-tensors, or export the whole model.")
    }
    guard !tuned.hasTrainedZeros || options.format == .mlx else {
      throw ModelFileError.unsupported(
        path: output,
        detail:
          "the adapter has zero points of its own, which \(options.format.rawValue) keeps with "
          + "the integers. Use mlx, or export the whole model.")
    }
    let plan = try plan()
    guard plan.isExact || options.allowsLoss else { throw ExportError.loses(plan.loss) }
    let suffixes = options.format == .mlx ? [".scales", ".biases"] : [".scales", ".weight_scale"]
    let tensors = plan.files.flatMap(\.tensors).filter { tensor in
      suffixes.contains { tensor.declaration.name.hasSuffix($0) }
    }
    var metadata = [("format", "pt"), ("base_sha256", tuned.base.manifest.baseDigest)]
    if let path = tuned.adapterPath {
      let bytes = try OpenFile.contents(of: path + "/" + Adapter.weightsName)
      metadata.append(("adapter_sha256", SHA256.hexDigest(of: bytes)))
    }
    let writer = try SafetensorsWriter(
      path: output, tensors: tensors.map(\.declaration), metadata: metadata,
      overwrite: options.overwrite)
    for tensor in tensors {
      try tensor.write { try writer.append($0, to: tensor.declaration.name) }
    }
    try writer.finish()
    return ScalesReport(
      tensors: tensors.count, bytes: tensors.reduce(0) { $0 + $1.declaration.byteCount })
  }
}
