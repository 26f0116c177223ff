/// What a base can be written as.
package enum ExportFormat: String, CaseIterable, Sendable {
  case gptq, awq, mlx, gguf
  case compressedTensors = "compressed-tensors"
  /// Full precision, as transformers reads it.
  case hf

  /// All names in words.
  package static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

/// What an export is asked to do.
package struct ExportOptions: Sendable {
  package var format: ExportFormat
  /// Weights may differ from those that were trained.
  package var allowsLoss: Bool
  /// Replaces a directory or file that stands there.
  package var overwrite: Bool
  /// Of weights in full precision.
  package var dtype: FullPrecision

  package enum FullPrecision: String, CaseIterable, Sendable { case fp16, bf16, fp32 }

  package init(
    format: ExportFormat, allowsLoss: Bool = false, overwrite: Bool = false,
    dtype: FullPrecision = .fp16
  ) {
    (self.format, self.allowsLoss, self.overwrite) = (format, allowsLoss, overwrite)
    self.dtype = dtype
  }
}
